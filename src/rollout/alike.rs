//! Recognizes that every account fails alike: then a setting of the run is wrong, and not the accounts.

use super::denial::{Denial, denied_action};
use super::record::{Outcome, Record, Stage};
use crate::cloud::{ErrorCode, Operation, OwnCode};
use crate::org::AccountArn;

/// How many accounts must fail alike. One account alone says nothing about the others.
const ENOUGH: usize = 2;

/// The result of one visit, as far as it says something about the settings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct VisitResult<'a> {
    /// The role that was assumed; `None` for the caller's own account.
    pub role: Option<&'a AccountArn>,
    /// Whether the account had to be set.
    pub to_set: bool,
    /// The stage, the code and the message of the failure; `None` if the visit succeeded.
    pub failure: Option<(Stage, &'a ErrorCode, &'a str)>,
}

impl<'a> VisitResult<'a> {
    /// Returns the result of a visit from its record. Returns `None` if the account was not visited.
    pub(crate) fn of(record: &'a Record) -> Option<Self> {
        let failure = record.error.as_ref().map(|error| (error.stage, &error.error_code, error.error_message.as_str()));
        let (to_set, failure) = match record.outcome {
            Outcome::Changed | Outcome::Unverified => (true, None),
            Outcome::Unchanged | Outcome::WouldChange => (false, None),
            Outcome::Failed => (true, failure),
            Outcome::Skipped | Outcome::NotAttempted => return None,
        };
        Some(Self { role: record.role_arn.as_ref(), to_set, failure })
    }
}

/// Returns which setting to check if every account that was entered through a role failed in the same way.
pub(crate) fn wrong_setting<'a>(visits: impl IntoIterator<Item = VisitResult<'a>, IntoIter: Clone>) -> Option<String> {
    // The caller's own account says nothing about the role.
    let visits = visits.into_iter().filter(|visit| visit.role.is_some());
    let (stage, code, message) = visits.clone().find_map(|visit| visit.failure)?;
    let denial = Denial::of(message);
    let is_alike = |visit: &VisitResult<'a>| {
        visit.failure.is_some_and(|(at, with, why)| at == stage && with == code && Denial::of(why) == denial)
    };
    // An account that had the wanted version already says nothing about the Set.
    let mut concerned = visits.clone().filter(|visit| stage != Stage::Set || visit.to_set);
    if visits.clone().filter(is_alike).count() < ENOUGH || !concerned.all(|visit| is_alike(&visit)) {
        return None;
    }
    let mut roles = visits.map(|visit| visit.role.and_then(AccountArn::role_name));
    let role = roles.next().flatten().filter(|first| roles.all(|role| role == Some(first)));
    setting_to_check(stage, code, message, denial, role)
}

fn setting_to_check(
    stage: Stage,
    code: &ErrorCode,
    message: &str,
    denial: Denial,
    role: Option<&str>,
) -> Option<String> {
    let (done, operation) = match stage {
        Stage::Assume => ("entered", Operation::AssumeRole),
        Stage::Read => ("read", Operation::GetAccountSummary),
        Stage::Set => ("set", Operation::SetSecurityTokenServicePreferences),
        Stage::Select | Stage::Verify => return None,
    };
    let none = format!("no account could be {done}");
    let with = role.map_or_else(|| "with the role of its line".to_owned(), |role| format!("with the role {role}"));
    let action = denied_action(message, operation);
    let advice = match (stage, code) {
        (Stage::Assume, ErrorCode::Other(code)) => match (&**code, denial.advice_to_caller(&action)) {
            ("AccessDenied", Some(advice)) if !matches!(denial, Denial::TrustPolicy { .. }) => advice,
            ("AccessDenied", _) => {
                return Some(format!(
                    "{none} {with}: is --role right, and does the trust policy of that role name the caller (and the external id, \
                     if it asks for one)?"
                ));
            }
            ("ValidationError", _) => "check --role and --session-duration".to_owned(),
            ("RegionDisabledException", _) => "STS of this Region is active in none of them: check --region".to_owned(),
            ("PackedPolicyTooLarge" | "MalformedPolicyDocument", _) => "check --session-policy".to_owned(),
            _ => return None,
        },
        (_, ErrorCode::Other(code)) if &**code == "AccessDenied" => {
            let missing = || {
                format!(
                    "check that the role and --session-policy allow {action}, and that no policy of the Organization denies it"
                )
            };
            denial.advice_in_account(&action, "the role").unwrap_or_else(missing)
        }
        (_, ErrorCode::Own(OwnCode::WrongAccount)) => "every session is in another account: check --role".to_owned(),
        (_, ErrorCode::Own(OwnCode::CertificateRefused)) => {
            "name the certificate authority of your proxy with --ca-bundle".to_owned()
        }
        (
            _,
            ErrorCode::HttpStatus(_)
            | ErrorCode::Own(
                OwnCode::HostNotFound
                | OwnCode::ConnectionFailed
                | OwnCode::RequestTimedOut
                | OwnCode::UnreadableAnswer,
            ),
        ) => "check the network, the proxy settings (HTTPS_PROXY, NO_PROXY) and --endpoint-url".to_owned(),
        _ => return None,
    };
    Some(format!("{none}, each for the same reason: {advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLE: &str = "arn:aws:iam::000000000001:role/OrganisationAccountAccessRole";
    const ROOT: &str = "arn:aws:iam::000000000001:root";

    fn found(visits: &[(&str, Outcome, Stage, &str, &str)]) -> Option<String> {
        let codes: Vec<ErrorCode> = visits.iter().map(|(.., code, _)| ErrorCode::from(*code)).collect();
        let roles: Vec<Option<AccountArn>> =
            visits.iter().map(|(role, ..)| (!role.is_empty()).then(|| AccountArn::from(*role))).collect();
        let visits = visits.iter().zip(&codes).zip(&roles);
        wrong_setting(visits.map(|(((_, outcome, stage, _, message), code), role)| VisitResult {
            role: role.as_ref(),
            to_set: !matches!(outcome, Outcome::Unchanged | Outcome::WouldChange),
            failure: (*outcome == Outcome::Failed).then_some((*stage, code, *message)),
        }))
    }

    #[test]
    fn accounts_that_fail_alike_have_a_wrong_setting() {
        use Stage::{Assume, Read, Set};
        let scp = "with an explicit deny in a service control policy";
        for (stage, code, message, role, says) in [
            (Assume, "AccessDenied", "", ROLE, "with the role OrganisationAccountAccessRole: is --role right"),
            (Assume, "AccessDenied", "because no role trust policy allows x", ROLE, "is --role right"),
            (Assume, "AccessDenied", "because no identity-based policy allows x", ROLE, "no policy of the caller"),
            (Assume, "AccessDenied", scp, ROLE, "service control policy"),
            (Assume, "ValidationError", "", ROLE, "--session-duration"),
            (Assume, "RegionDisabledException", "", ROLE, "check --region"),
            (Assume, "PackedPolicyTooLarge", "", ROLE, "--session-policy"),
            (Assume, "WrongAccount", "", ROLE, "check --role"),
            (Read, "AccessDenied", "", ROLE, "the role and --session-policy allow iam:GetAccountSummary"),
            (Read, "HttpStatus403", "", ROLE, "the proxy settings"),
            (Read, "CertificateRefused", "", ROLE, "--ca-bundle"),
            (Set, "AccessDenied", scp, ROLE, "exempt the role"),
            (Assume, "Throttling", "", ROLE, ""),
            (Read, "AccountTimeout", "", ROLE, ""),
        ] {
            let visit = (role, Outcome::Failed, stage, code, message);
            let text = found(&[visit, visit]).unwrap_or_default();
            assert_eq!(text.is_empty(), says.is_empty(), "{code}: {text}");
            assert!(text.contains(says), "{code}: {text}");
            assert_eq!(found(&[visit]), None, "one account alone");
        }
    }

    #[test]
    fn one_account_that_differs_is_enough() {
        let failed = (ROLE, Outcome::Failed, Stage::Assume, "AccessDenied", "");
        let own = ("", Outcome::Unchanged, Stage::Read, "", "");
        assert!(found(&[failed, failed, own]).is_some(), "the caller's own account says nothing about the role");
        let root = (ROOT, Outcome::Failed, Stage::Assume, "WrongAccount", "");
        assert!(found(&[root, root]).is_some());
        let at_set = (ROLE, Outcome::Failed, Stage::Set, "AccessDenied", "");
        let unchanged = (ROLE, Outcome::Unchanged, Stage::Read, "", "");
        assert!(found(&[at_set, unchanged, at_set]).is_some(), "nothing was set in an unchanged account");
        for other in [
            unchanged,
            (ROLE, Outcome::Changed, Stage::Set, "", ""),
            (ROLE, Outcome::Failed, Stage::Read, "AccessDenied", ""),
            (ROLE, Outcome::Failed, Stage::Assume, "Throttling", ""),
            (ROLE, Outcome::Failed, Stage::Assume, "AccessDenied", "because no identity-based policy allows x"),
        ] {
            assert_eq!(found(&[failed, failed, other]), None, "{other:?}");
        }
        assert_eq!(found(&[at_set, at_set, (ROLE, Outcome::Changed, Stage::Set, "", "")]), None);
        assert_eq!(found(&[]), None);
    }
}
