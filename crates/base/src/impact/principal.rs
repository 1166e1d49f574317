//! Who called: the ARN of a role or of a user, without the names of sessions.

use crate::org::AccountId;

/// The members of `userIdentity` that say who called.
#[derive(Clone, Copy, Debug, Default)]
pub struct Identity<'a> {
    /// The member `type`.
    pub kind: Option<&'a str>,
    /// The member `arn`.
    pub arn: Option<&'a str>,
    /// The ARN of the role or user that the session belongs to.
    pub issuer_arn: Option<&'a str>,
    /// The member `accountId`.
    pub account: Option<AccountId>,
}

/// Returns the principal; `None` if the caller is not an identity of AWS, as with SAML and web identities.
pub fn principal(identity: Identity<'_>) -> Option<String> {
    if let Some(issuer) = identity.issuer_arn.filter(|arn| arn.starts_with("arn:")) {
        return Some(issuer.to_owned());
    }
    if let Some(arn) = identity.arn.filter(|arn| arn.starts_with("arn:")) {
        return Some(without_session(arn));
    }
    let is_foreign = identity.kind.is_some_and(|kind| ["SAMLUser", "WebIdentityUser"].contains(&kind));
    identity.account.filter(|_| !is_foreign).map(|account| format!("account {account}"))
}

/// Removes the name of the session from the ARN of a session, and returns other ARNs as they are.
pub(crate) fn without_session(arn: &str) -> String {
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    let [_, partition, "sts", _, account, resource] = fields[..] else { return arn.to_owned() };
    match resource.split('/').collect::<Vec<_>>()[..] {
        ["assumed-role", role, ..] => format!("arn:{partition}:iam::{account}:role/{role}"),
        ["federated-user", ..] => format!("arn:{partition}:sts::{account}:federated-user/*"),
        _ => arn.to_owned(),
    }
}
