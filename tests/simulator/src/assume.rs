//! `AssumeRole`: checks the request and the trust policy, and issues a session.

use std::sync::Arc;

use crate::account_id::AccountId;
use crate::answer::{ApiError, Document, escape};
use crate::constraint::{self, EXTERNAL_ID, ROLE_SESSION_NAME, SOURCE_IDENTITY};
use crate::credentials::{Identity, Principal};
use crate::dispatch::{Context, Outcome};
use crate::fault::VisitCall;
use crate::policy::SessionPolicy;
use crate::role::{Presented, Role};
use crate::token_size::DecidingAccount;
use crate::world::{Caller, World};

/// The maximum duration, in seconds, of a session of a role that is assumed with another role's session.
const CHAINED_LIMIT: i64 = 3_600;

/// The settings of a new session.
struct Opening<'a> {
    role: Role,
    session_name: &'a str,
    policy: Option<Arc<SessionPolicy>>,
    source_identity: Option<Arc<str>>,
    seconds: i64,
}

impl World {
    pub(crate) fn assume_role(&mut self, context: &Context<'_>) -> Outcome {
        let Context { caller, params } = context;
        let arn = params.text("RoleArn").unwrap_or_default();
        let session_name = ROLE_SESSION_NAME.require(params)?;
        let external_id = EXTERNAL_ID.check(params)?;
        let wanted_source = SOURCE_IDENTITY.check(params)?;
        let seconds = constraint::duration(params, 900, 43_200, 3_600)?;
        let policy = params.text("Policy").map(|text| self.policy(text)).transpose()?;
        let (account, name) = self.parse_role(arn)?;
        let denied = |world: &Self, action: &str| world.assume_denied(&caller.principal, action, arn);
        if caller.principal.identity == Identity::Root {
            return Err(ApiError::access_denied("Roles may not be assumed by root accounts.".to_owned()).into());
        }
        let index = account.and_then(|id| self.index(id)).ok_or_else(|| denied(self, "AssumeRole"))?;
        self.fire_transient_fault(index, VisitCall::Assume)?;
        let refused = |world: &mut Self| {
            let error = denied(world, "AssumeRole");
            let id = world.authorization_id();
            let ends = world.account(index).faults.denial_ends.replace("{id}", &id);
            ApiError::access_denied(format!("{}{ends}", error.message))
        };
        if self.settings.is_global_sts(&caller.region) {
            self.fire_global_fault(index, refused)?;
        }
        self.check_region_is_active(index, &caller.region)?;
        if self.account(index).faults.deny_assume {
            self.at(index).note("deny_assume");
            return Err(refused(self).into());
        }
        let mfa = self.check_mfa(&caller.principal, params)? || caller.principal.mfa;
        let presented = Presented { caller: &caller.principal, external_id, mfa };
        let role = self
            .account(index)
            .find_role(name)
            .filter(|role| self.trusts(index, role, presented))
            .cloned()
            .ok_or_else(|| denied(self, "AssumeRole"))?;
        let source_identity = self.source_identity(&caller.principal, wanted_source);
        let changes_it = wanted_source.is_some() && source_identity.as_deref() != wanted_source;
        let session_allows = |action: &str| {
            caller.principal.policy.as_ref().is_none_or(|policy| policy.allows(&format!("sts:{action}"), arn))
        };
        let may_set_it = self.takes_source_identity(&role, presented) && session_allows("SetSourceIdentity");
        if changes_it || (source_identity.is_some() && !may_set_it) {
            return Err(denied(self, "SetSourceIdentity").into());
        }
        if params.text("Tags.member.1.Key").is_some() && !(role.allows_tags && session_allows("TagSession")) {
            return Err(denied(self, "TagSession").into());
        }
        check_duration(&role, &caller.principal, seconds)?;
        let opening = Opening { role, session_name, policy, source_identity, seconds };
        let document = self.open_role_session(index, opening, context)?;
        let is_global = self.settings.is_global_sts(&caller.region);
        Ok(self.spoil_answer(index, VisitCall::Assume, is_global, document))
    }

    /// Returns the source identity of a new session. If the caller has a source identity, the session keeps it.
    fn source_identity(&mut self, caller: &Principal, wanted: Option<&str>) -> Option<Arc<str>> {
        caller.source_identity.clone().or_else(|| wanted.map(|text| self.vault.share(text)))
    }

    /// Refuses a Region in which STS is deactivated for the account. In one Region, STS can't be deactivated.
    pub(crate) fn check_region_is_active(&mut self, index: u32, region: &str) -> Result<(), ApiError> {
        if !self.account(index).faults.region_disabled || region == self.settings.partition.always_on() {
            return Ok(());
        }
        self.at(index).note("region_disabled");
        Err(ApiError::new(
            403,
            "RegionDisabledException",
            format!(
                "STS is not activated in this region for account:{}. Your account administrator can activate STS in this region using the IAM Console.",
                self.account(index).id()
            ),
        ))
    }

    /// Issues the session. With the fault `wrong_identity`, the session is for another account.
    fn open_role_session(
        &mut self,
        index: u32,
        opening: Opening<'_>,
        context: &Context<'_>,
    ) -> Result<Document, ApiError> {
        let Opening { role, session_name, policy, source_identity, seconds } = opening;
        let mut holder = index;
        if let Some(other) = self.account(index).faults.wrong_identity.and_then(|id| self.index(id)) {
            self.at(index).note("wrong_identity");
            holder = other;
        }
        let identity = Identity::Role { role: self.vault.share(&role.name), session: self.vault.share(session_name) };
        let packed = policy
            .as_ref()
            .and(context.params.text("Policy"))
            .map(|text| format!("<PackedPolicySize>{}</PackedPolicySize>", (text.len() / 20).clamp(1, 100)));
        let source = source_identity.as_ref().map(|text| format!("<SourceIdentity>{}</SourceIdentity>", escape(text)));
        let decides = match self.settings.deciding_account {
            DecidingAccount::Role => holder,
            DecidingAccount::Caller => context.caller.principal.account,
        };
        let token = self.token_version(decides, &context.caller.region);
        let length = self.token_length(token, context.params)?;
        let history = &mut self.at(holder).history;
        history.sessions += 1;
        history.source_identities.extend(source_identity.clone());
        let principal = Principal { account: holder, identity, policy, mfa: false, source_identity, token };
        let assumed = self.assumed_role_user(&principal);
        let credentials = self.issue(principal, role.lasts(seconds), length);
        let size = if self.settings.is_global_sts(&context.caller.region) {
            self.global_token_size(index, token, length)
        } else {
            self.token_size(length)
        };
        self.vault.count_assume();
        *self.assume_keys.entry(context.caller.access_key.clone()).or_default() += 1;
        let caller = self.arn(&context.caller.principal);
        *self.assume_callers.entry(caller).or_default() += 1;
        let (packed, source) = (packed.unwrap_or_default(), source.unwrap_or_default());
        Ok(Document::Result(format!("{credentials}{assumed}{packed}{source}{size}")))
    }

    /// Whether the operator can get a session of an account's cross-account role, if counted faults are ignored.
    pub(crate) fn assumable(&self, index: u32) -> bool {
        let account = self.account(index);
        let operator = self.vault.operator();
        let presented = Presented { caller: &operator, external_id: account.role.external_id.as_deref(), mfa: false };
        !account.faults.deny_assume
            && self.trusts(index, &account.role, presented)
            && !matches!(self.settings.caller, Caller::Member(_))
    }

    fn assume_denied(&self, caller: &Principal, action: &str, arn: &str) -> ApiError {
        ApiError::access_denied(format!(
            "User: {} is not authorized to perform: sts:{action} on resource: {arn}",
            self.arn(caller)
        ))
    }

    /// Parses `arn:<partition>:iam::<account>:role/<path and name>`.
    pub(crate) fn parse_role<'a>(&self, arn: &'a str) -> Result<(Option<AccountId>, &'a str), ApiError> {
        let mut parts = arn.splitn(6, ':');
        let head = [parts.next(), parts.next(), parts.next(), parts.next()];
        let account = parts.next().map(AccountId::parse);
        let role = parts.next().and_then(|resource| resource.strip_prefix("role/"));
        match (head, account, role) {
            ([Some("arn"), Some(partition), Some("iam"), Some("")], Some(account), Some(role))
                if partition == self.settings.partition.name && !role.is_empty() =>
            {
                Ok((account, role))
            }
            _ => Err(ApiError::validation(format!("{arn} is invalid"))),
        }
    }

    /// Parses a session policy, or returns it if it was parsed before.
    fn policy(&mut self, text: &str) -> Result<Arc<SessionPolicy>, ApiError> {
        if let Some(policy) = self.policies.get(text) {
            return Ok(Arc::clone(policy));
        }
        let policy = Arc::new(SessionPolicy::parse(text)?);
        if self.policies.len() < 1_024 {
            self.policies.insert(text.into(), Arc::clone(&policy));
        }
        Ok(policy)
    }
}

fn check_duration(role: &Role, caller: &Principal, seconds: i64) -> Result<(), ApiError> {
    if seconds > i64::from(role.max_duration) {
        return Err(ApiError::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.".to_owned(),
        ));
    }
    if matches!(caller.identity, Identity::Role { .. }) && seconds > CHAINED_LIMIT {
        return Err(ApiError::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
                .to_owned(),
        ));
    }
    Ok(())
}
