//! Roles and their trust policies.

use std::time::Duration;

use crate::account_id::AccountId;
use crate::credentials::{Identity, Principal};
use crate::world::World;

/// The role that Organizations creates in the accounts that it creates.
pub const DEFAULT_ROLE: &str = "OrganizationAccountAccessRole";

/// A principal that a trust policy names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trusted {
    /// Every principal of an account.
    Account(AccountId),
    /// One principal by its ARN: a role, a session of a role, a user, or the `root` that stands for its whole account.
    Principal(String),
    /// Everyone with AWS credentials.
    Anyone,
    /// A subject of the identity provider; see
    /// [`World::web_identity_token`](crate::World::web_identity_token).
    WebIdentity(String),
}

/// A role with its trust policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// The name with its path, without a leading slash, e.g. `ops/rollout/TokenRole`.
    pub name: String,
    /// Whether the role exists. STS refuses a role that does not exist with the same message as a role that does not trust the
    /// caller.
    pub exists: bool,
    /// Who is allowed to assume the role. If the list is empty, the role trusts the management account and the delegated
    /// administrators.
    pub trusts: Vec<Trusted>,
    /// The external id that the trust policy requires.
    pub external_id: Option<String>,
    /// Whether the trust policy requires `aws:MultiFactorAuthPresent`.
    pub requires_mfa: bool,
    /// Whether the trust policy allows `sts:SetSourceIdentity` in addition to `sts:AssumeRole`; the default trust policy does
    /// not.
    pub allows_source_identity: bool,
    /// Whether the trust policy allows `sts:TagSession` in addition to `sts:AssumeRole`; the default trust policy does not.
    pub allows_tags: bool,
    /// The trust policy as a document. It replaces all other fields about who is allowed to assume the role.
    pub trust_document: Option<String>,
    /// A policy document that says what the role is allowed to do; everything if it is `None`.
    pub policy: Option<String>,
    /// `MaxSessionDuration` in seconds.
    pub max_duration: u32,
    /// Ends every session after this time if it is shorter than the requested duration. AWS has no such setting. With it, a test
    /// does not have to wait fifteen minutes for the end of a session.
    pub lifetime: Option<Duration>,
}

impl Default for Role {
    fn default() -> Self {
        Self::named(DEFAULT_ROLE)
    }
}

impl Role {
    /// Returns a role with this path and name that trusts the management account and the delegated administrators.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            exists: true,
            trusts: Vec::new(),
            external_id: None,
            requires_mfa: false,
            allows_source_identity: false,
            allows_tags: false,
            trust_document: None,
            policy: None,
            max_duration: 43_200,
            lifetime: None,
        }
    }

    /// Returns the duration, in seconds, of a session for which `seconds` were requested.
    pub(crate) fn lasts(&self, seconds: i64) -> i64 {
        self.lifetime.map_or(seconds, |lifetime| seconds.min(lifetime.as_secs().cast_signed()))
    }
}

/// What a caller presents to a role.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Presented<'a> {
    pub caller: &'a Principal,
    pub external_id: Option<&'a str>,
    /// Whether multi-factor authentication took place, in this request or when the credentials were issued.
    pub mfa: bool,
}

impl World {
    /// Whether a role's trust policy and its account allow the caller to assume the role. AWS does not say which condition is not
    /// met.
    pub(crate) fn trusts(&self, index: u32, role: &Role, presented: Presented<'_>) -> bool {
        let Presented { caller, external_id, mfa } = presented;
        let is_trusted = match &role.trust_document {
            Some(document) => self.trust_document_allows(document, role, presented, "sts:AssumeRole"),
            None => {
                let is_named = if role.trusts.is_empty() {
                    self.may_list(caller.account)
                } else {
                    role.trusts.iter().any(|trusted| self.is(caller, trusted))
                };
                is_named
                    && role.external_id.as_deref().is_none_or(|wanted| external_id == Some(wanted))
                    && (mfa || !role.requires_mfa)
            }
        };
        self.account(index).state.usable()
            && role.exists
            && is_trusted
            && caller
                .policy
                .as_ref()
                .is_none_or(|policy| policy.allows("sts:AssumeRole", &self.role_arn(index, &role.name)))
    }

    /// Whether a role's trust policy allows the caller to set a source identity.
    pub(crate) fn takes_source_identity(&self, role: &Role, presented: Presented<'_>) -> bool {
        role.trust_document.as_ref().map_or(role.allows_source_identity, |document| {
            self.trust_document_allows(document, role, presented, "sts:SetSourceIdentity")
        })
    }

    /// The ARN of the user or role that a principal comes from.
    pub(crate) fn role_or_user_arn(&self, caller: &Principal) -> String {
        match &caller.identity {
            Identity::Role { role, .. } => self.role_arn(caller.account, role),
            Identity::Operator(_) | Identity::Root | Identity::Anonymous => self.arn(caller),
        }
    }

    fn is(&self, caller: &Principal, trusted: &Trusted) -> bool {
        let account = self.account(caller.account).id();
        match trusted {
            Trusted::Anyone => true,
            Trusted::WebIdentity(_) => false,
            Trusted::Account(id) => *id == account,
            Trusted::Principal(arn) => {
                let whole_account = format!("arn:{}:iam::{account}:root", self.settings.partition.name);
                [whole_account, self.role_or_user_arn(caller), self.arn(caller)].contains(arn)
            }
        }
    }

    /// The ARN of a role, by its path and name.
    pub(crate) fn role_arn(&self, index: u32, role: &str) -> String {
        format!("arn:{}:iam::{}:role/{role}", self.settings.partition.name, self.account(index).id())
    }
}
