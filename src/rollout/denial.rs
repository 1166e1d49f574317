//! Why AWS denied a call, as far as the message of the denial says, and what to do about each reason.
//!
//! The wordings are those of the IAM user guide, "Troubleshoot access denied error messages", and of the STS API reference.

use crate::cloud::Operation;

/// What a message names as the reason of a denial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denial {
    /// The caller is a root user.
    RootUser,
    /// MFA is missing, or its code was not accepted.
    Mfa,
    /// A service control policy.
    ServiceControlPolicy,
    /// A resource control policy.
    ResourceControlPolicy,
    /// The policy of the VPC endpoint that the call went through.
    EndpointPolicy,
    /// A permissions boundary.
    PermissionsBoundary,
    /// A session policy.
    SessionPolicy,
    /// The policies of the identity that made the call. `explicit` is whether one of them denies the call.
    IdentityPolicy { explicit: bool },
    /// The trust policy of the role. `explicit` is whether it denies the call.
    TrustPolicy { explicit: bool },
    /// The message gives no reason.
    Unknown,
}

impl Denial {
    /// Reads the reason from a message of AWS.
    pub(crate) fn of(message: &str) -> Self {
        let message = message.to_ascii_lowercase();
        let names = |words: &str| message.contains(words);
        let explicit = names("explicit deny");
        if names("root accounts") {
            Self::RootUser
        } else if names("multifactorauthentication") {
            Self::Mfa
        } else if names("service control policy") {
            Self::ServiceControlPolicy
        } else if names("resource control policy") {
            Self::ResourceControlPolicy
        } else if names("vpc endpoint policy") {
            Self::EndpointPolicy
        } else if names("permissions boundary") {
            Self::PermissionsBoundary
        } else if names("session policy") {
            Self::SessionPolicy
        } else if names("trust policy") || names("resource-based policy") {
            Self::TrustPolicy { explicit }
        } else if names("identity-based policy") {
            Self::IdentityPolicy { explicit }
        } else {
            Self::Unknown
        }
    }

    /// Returns what to do if `action` was denied to the caller. Returns `None` if the message gives no reason.
    pub(crate) fn advice_to_caller(self, action: &str) -> Option<String> {
        Some(match self {
            Self::RootUser => {
                "the caller is a root user, who can't assume roles: use a role or an IAM user of that account"
                    .to_owned()
            }
            Self::Mfa => {
                "AWS asks for MFA, or did not accept the code: name the device with --mfa-serial, and give a code \
                          that was not used yet"
                    .to_owned()
            }
            Self::ServiceControlPolicy => format!(
                "a service control policy of the Organization denies {action} to the caller: exempt the caller there, or run \
                 with credentials of the management account, to which these policies do not apply"
            ),
            Self::ResourceControlPolicy => format!(
                "a resource control policy of the Organization denies {action}: exempt the caller there, or lift the policy for \
                 the rollout"
            ),
            Self::EndpointPolicy => endpoint_policy(action),
            Self::PermissionsBoundary => {
                format!("the permissions boundary of the caller does not allow {action}: allow it there")
            }
            Self::SessionPolicy => format!(
                "the session policy of the caller's session does not allow {action}: use a session without that policy"
            ),
            Self::IdentityPolicy { explicit: false } => {
                format!("no policy of the caller allows {action}: allow it to the caller")
            }
            Self::IdentityPolicy { explicit: true } => {
                format!("a policy of the caller denies {action}: lift that denial")
            }
            Self::TrustPolicy { explicit: false } => format!(
                "the role's trust policy does not allow {action} to the caller: name the caller there, and meet its conditions, \
                 such as an external id or MFA"
            ),
            Self::TrustPolicy { explicit: true } => {
                format!("the role's trust policy denies {action} to the caller: lift that denial")
            }
            Self::Unknown => return None,
        })
    }

    /// Returns what to do if an action was denied to `who` inside an account. `who` is `the role`, or the caller.
    pub(crate) fn advice_in_account(self, action: &str, who: &str) -> Option<String> {
        Some(match self {
            Self::ServiceControlPolicy => {
                let subject = if who == "the role" { who } else { "the caller" };
                format!(
                    "a service control policy of the Organization denies it: exempt {subject} there, or lift the policy for the \
                     rollout"
                )
            }
            Self::ResourceControlPolicy => {
                "a resource control policy of the Organization denies it: lift the policy for the rollout".to_owned()
            }
            Self::EndpointPolicy => endpoint_policy(action),
            Self::PermissionsBoundary => {
                format!("the permissions boundary of {who} does not allow {action}: allow it there")
            }
            Self::SessionPolicy if who == "the role" => {
                format!("the session policy does not allow {action}: allow it in the policy of --session-policy")
            }
            Self::SessionPolicy | Self::Mfa => return self.advice_to_caller(action),
            Self::IdentityPolicy { explicit: true } => format!("a policy of {who} denies {action}: lift that denial"),
            Self::IdentityPolicy { explicit: false } => format!("allow {action} to {who}"),
            Self::RootUser | Self::TrustPolicy { .. } | Self::Unknown => return None,
        })
    }
}

fn endpoint_policy(action: &str) -> String {
    format!(
        "the policy of the VPC endpoint does not allow {action}: allow it there, or call the service past that endpoint"
    )
}

/// Returns the action that a message says was denied, or the action of the operation.
pub(crate) fn denied_action(message: &str, operation: Operation) -> String {
    let named = message.split_once("not authorized to perform: ").map(|(_, rest)| rest);
    let word = named.and_then(|rest| rest.split_whitespace().next()).map(|word| word.trim_end_matches([',', '.']));
    // The name comes from outside, so only what looks like an action of STS or IAM is repeated.
    let is_action = |word: &&str| {
        word.len() <= 64
            && word.split_once(':').is_some_and(|(service, name)| {
                [service, name]
                    .iter()
                    .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            })
    };
    word.filter(is_action).map_or_else(|| operation.action(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENIED: &str = "User: arn:aws:iam::000000000100:user/ops is not authorized to perform: sts:AssumeRole on resource: \
                          arn:aws:iam::000000000012:role/R";

    #[test]
    fn every_wording_of_aws_names_its_reason() {
        let caller = |explicit| Denial::IdentityPolicy { explicit };
        let trust = |explicit| Denial::TrustPolicy { explicit };
        for (end, reason, says) in [
            ("", Denial::Unknown, ""),
            (
                " because no identity-based policy allows the sts:AssumeRole action",
                caller(false),
                "no policy of the caller allows",
            ),
            (" with an explicit deny in an identity-based policy", caller(true), "a policy of the caller denies"),
            (
                " with an explicit deny in an identity-based policy: arn:aws:iam::000000000100:policy/P",
                caller(true),
                "lift that denial",
            ),
            (
                " because no service control policy allows the sts:AssumeRole action",
                Denial::ServiceControlPolicy,
                "service control policy",
            ),
            (
                " with an explicit deny in a service control policy: arn:aws:organizations::000000000100:policy/p",
                Denial::ServiceControlPolicy,
                "exempt the caller",
            ),
            (" with an explicit deny in a resource control policy", Denial::ResourceControlPolicy, "resource control"),
            (
                " because no resource control policy allows the sts:AssumeRole action",
                Denial::ResourceControlPolicy,
                "exempt the caller",
            ),
            (
                " because no VPC endpoint policy allows the sts:AssumeRole action",
                Denial::EndpointPolicy,
                "the VPC endpoint",
            ),
            (" with an explicit deny in a VPC endpoint policy", Denial::EndpointPolicy, "sts:AssumeRole"),
            (" because no permissions boundary allows the action", Denial::PermissionsBoundary, "boundary"),
            (" with an explicit deny in a session policy", Denial::SessionPolicy, "session policy"),
            (" because no role trust policy allows the action", trust(false), "trust policy does not allow"),
            (" with an explicit deny in the role trust policy", trust(true), "trust policy denies"),
            (" because no resource-based policy allows the action", trust(false), "an external id or MFA"),
        ] {
            let message = format!("{DENIED}{end}");
            assert_eq!(Denial::of(&message), reason, "{message}");
            let advice = reason.advice_to_caller(&denied_action(&message, Operation::AssumeRole));
            assert_eq!(advice.is_some(), reason != Denial::Unknown);
            assert!(advice.unwrap_or_default().contains(says), "{message}");
        }
        for (message, reason) in [
            ("Roles may not be assumed by root accounts.", Denial::RootUser),
            ("MultiFactorAuthentication failed with invalid MFA one time pass code. ", Denial::Mfa),
            ("MultiFactorAuthentication failed, must provide MFA information", Denial::Mfa),
        ] {
            assert_eq!(Denial::of(message), reason, "{message}");
        }
    }

    #[test]
    fn the_denied_action_is_read_from_the_message() {
        for (message, action) in [
            ("x is not authorized to perform: sts:TagSession on resource: y", "sts:TagSession"),
            ("x is not authorized to perform: iam:GetAccountSummary.", "iam:GetAccountSummary"),
            ("x is not authorized to perform: <b>! on y", "sts:AssumeRole"),
            ("no", "sts:AssumeRole"),
        ] {
            assert_eq!(denied_action(message, Operation::AssumeRole), action);
        }
    }
}
