//! The hints: what to do about each failure of an account.

use super::record::{Outcome, Stage};
use crate::cloud::{AccessMethod, ErrorCode, Failure, FailureKind, Operation, OwnCode};

/// Returns the hint for a failure that led to `outcome` in an account that is entered by `access`. Returns an empty text if there
/// is no useful hint. `management` is whether the account is the management account, and `invited` is whether it was invited into
/// the Organization.
pub fn hint(
    outcome: Outcome,
    stage: Stage,
    failure: &Failure,
    access: &AccessMethod,
    management: bool,
    invited: bool,
) -> String {
    if stage == Stage::Read && failure.code == OwnCode::VersionNotShown.into() {
        return "visit it again later with v2token resume --retry-failed; if its summary still shows no version, set it by hand"
            .to_owned();
    }
    by_code(failure, access, management, invited)
        .or_else(|| by_stage(outcome, stage, failure).map(str::to_owned))
        .unwrap_or_default()
}

fn by_code(failure: &Failure, access: &AccessMethod, management: bool, invited: bool) -> Option<String> {
    if let ErrorCode::Own(code) = failure.code {
        return by_own_code(code).map(str::to_owned);
    }
    let text = match (failure.code.as_str(), failure.operation) {
        ("AccessDenied", Operation::AssumeRole) if failure.message.contains("root accounts") => {
            "the caller is a root user, who can't assume roles: use a role or an IAM user of that account"
        }
        ("AccessDenied", Operation::AssumeRole) if failure.message.contains("sts:SetSourceIdentity") => {
            "allow sts:SetSourceIdentity in the role's trust policy and to the caller, or leave out --source-identity"
        }
        ("AccessDenied", Operation::AssumeRole) => return Some(access_denied(access, management, invited)),
        ("AccessDenied" | "InvalidAction" | "ValidationError", Operation::AssumeRoot) => {
            "check with v2token doctor --access assume-root that centralized root access is on, that the caller is in the management \
             account or a delegated administrator for IAM, and that it is allowed sts:AssumeRoot"
        }
        ("AccessDenied", Operation::GetAccountSummary | Operation::SetSecurityTokenServicePreferences)
            if *access == AccessMethod::Own =>
        {
            return Some(format!(
                "allow {} to the caller, whose own credentials are used in this account",
                failure.operation.action()
            ));
        }
        ("InvalidClientTokenId", Operation::GetAccountSummary | Operation::SetSecurityTokenServicePreferences)
            if *access == AccessMethod::Own =>
        {
            "a session of GetSessionToken without MFA may not call IAM: run with the user's keys, with a role, or with --mfa-serial, \
             or leave this account out with --management-account skip"
        }
        ("AccessDenied", Operation::GetAccountSummary) => {
            "allow iam:GetAccountSummary to the role, and look for a service control policy that denies it"
        }
        ("AccessDenied", Operation::SetSecurityTokenServicePreferences)
            if failure.message.contains("service control policy") =>
        {
            "a service control policy of the Organization denies it: exempt the role there, or lift the policy for the rollout"
        }
        ("AccessDenied", Operation::SetSecurityTokenServicePreferences) => {
            "allow iam:SetSecurityTokenServicePreferences to the role, and look for a permissions boundary or a service control policy that denies it"
        }
        ("RegionDisabledException", _) => {
            "STS is not active in this Region for this account: run again with --region us-east-1, where it is always active"
        }
        ("PackedPolicyTooLarge", _) => "shorten the session policy",
        ("ValidationError", Operation::AssumeRole) => {
            "check --session-duration against the role's maximum session duration (3600 s at most when the caller is a role's \
             session itself), and --role for its spelling"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

/// What to do when the system allows no more open files.
const TOO_MANY_OPEN_FILES: &str = "allow more open files with ulimit -n, or lower --concurrency";

fn by_own_code(code: OwnCode) -> Option<&'static str> {
    match code {
        OwnCode::WrongAccount => Some("nothing was done: check --role, whose ARN template leads to another account"),
        OwnCode::AccountTimeout => Some("try this account again, with a longer --account-timeout if AWS is slow"),
        OwnCode::HostNotFound => Some("check the Region, the DNS and the proxy settings"),
        OwnCode::TooManyOpenFiles => Some(TOO_MANY_OPEN_FILES),
        OwnCode::CertificateRefused => Some("name the certificate authority of your proxy with --ca-bundle"),
        OwnCode::UnreadableAnswer => Some("something other than AWS answered: check proxies and --endpoint-url"),
        OwnCode::NotReadBack => Some("read it again later with plan: IAM is eventually consistent"),
        OwnCode::VersionNotShown => Some(
            "this account's summary names no version at all, so reading it again does not help: check whether a session of \
             the global STS endpoint is accepted in an opt-in Region",
        ),
        OwnCode::TokenRefused => Some(
            "the setting is right; check that the Region of --verify is enabled in this account, and try again later: \
             tokens of the new version are issued some 10 s after the setting",
        ),
        OwnCode::NotVerified => Some("check it with plan, or leave out --verify none"),
        OwnCode::RequestTimedOut
        | OwnCode::ConnectionFailed
        | OwnCode::NoCredentials
        | OwnCode::RequestNotBuilt
        | OwnCode::Interrupted
        | OwnCode::JournalNotWritable
        | OwnCode::Drifted => None,
    }
}

/// STS gives the same answer for a missing role, a trust policy without the caller, a wrong external id, and a denial by a policy
/// of the Organization. So the hint names the most likely cause for this account.
fn access_denied(access: &AccessMethod, management: bool, invited: bool) -> String {
    let role = match access {
        AccessMethod::Role(arn) => arn.rsplit_once("role/").map_or(arn.as_ref(), |(_, name)| name),
        AccessMethod::Own | AccessMethod::Root(_) => "",
    };
    if management {
        format!(
            "the management account has no {role} unless one was created in it: run with credentials of that account and \
             --management-account own, or leave it out with --management-account skip"
        )
    } else if invited {
        format!(
            "this account was invited, and {role} is made only in accounts that the Organization created: \
             make the role there, or name another with --role"
        )
    } else {
        format!(
            "check that {role} exists in this account and that its trust policy names the caller (and the external id, if it asks for one)"
        )
    }
}

fn by_stage(outcome: Outcome, stage: Stage, failure: &Failure) -> Option<&'static str> {
    match (failure.kind, stage) {
        (FailureKind::Throttled, Stage::Assume) => Some("AWS throttled every attempt: run again with a lower --rate"),
        (FailureKind::Throttled, _) => Some("AWS throttled every attempt inside this account: run again later"),
        // Of the outcomes of a failed visit, only `unverified` means that the account might have been changed.
        (FailureKind::Transient, _) if outcome == Outcome::Unverified => {
            Some("it is not known whether this account was changed: read it with plan")
        }
        (FailureKind::Transient, _)
            if matches!(failure.code, ErrorCode::Own(OwnCode::RequestTimedOut | OwnCode::ConnectionFailed)) =>
        {
            Some("try this account again; if others fail in the same way, check the network and the proxy settings")
        }
        (FailureKind::Transient, _) => Some("try this account again"),
        (FailureKind::Credentials, Stage::Assume) => Some("renew the base credentials"),
        (FailureKind::Credentials, _) => {
            Some("the session was not accepted: try this account again, with a longer --session-duration if it expired")
        }
        (FailureKind::Refused, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Effect;

    fn failure(operation: Operation, kind: FailureKind, code: &str, message: &str) -> Failure {
        Failure {
            operation,
            kind,
            effect: Effect::None,
            code: code.into(),
            message: message.into(),
            status: None,
            request_id: None,
        }
    }

    fn hint_for(stage: Stage, failure: &Failure) -> String {
        let access = AccessMethod::Role("arn:aws:iam::000000000001:role/path/Admin".into());
        hint(Outcome::Failed, stage, failure, &access, false, false)
    }

    #[test]
    fn every_kind_of_failure_but_a_refusal_has_a_hint_at_every_stage() {
        for stage in Stage::ALL {
            for kind in FailureKind::ALL {
                let text = hint_for(stage, &failure(Operation::GetAccountSummary, kind, "Unknown", ""));
                assert_eq!(text.is_empty(), kind == FailureKind::Refused, "{stage} {kind:?}: {text}");
            }
        }
    }

    #[test]
    fn only_an_unverified_account_may_have_been_changed() {
        for stage in [Stage::Assume, Stage::Read, Stage::Set, Stage::Verify] {
            let lost = failure(Operation::GetAccountSummary, FailureKind::Transient, "ConnectionFailed", "");
            for outcome in [Outcome::Failed, Outcome::NotAttempted, Outcome::Unverified] {
                let text = hint(outcome, stage, &lost, &AccessMethod::Own, false, false);
                assert_eq!(text.contains("not known"), outcome == Outcome::Unverified, "{outcome} at {stage}: {text}");
            }
        }
    }

    #[test]
    fn the_hint_for_a_denied_assume_role_depends_on_the_account() {
        let denied = failure(Operation::AssumeRole, FailureKind::Refused, "AccessDenied", "");
        let access = AccessMethod::Role("arn:aws:iam::000000000001:role/path/Admin".into());
        for (management, invited, says) in
            [(true, false, "--management-account skip"), (false, true, "was invited"), (false, false, "trust policy")]
        {
            let text = hint(Outcome::Failed, Stage::Assume, &denied, &access, management, invited);
            assert!(text.contains(says) && text.contains("path/Admin"), "{text}");
        }
    }

    #[test]
    fn in_the_callers_own_account_the_caller_lacks_the_permission() {
        for operation in [Operation::GetAccountSummary, Operation::SetSecurityTokenServicePreferences] {
            let denied = failure(operation, FailureKind::Refused, "AccessDenied", "");
            let text = hint(Outcome::Failed, Stage::Read, &denied, &AccessMethod::Own, true, false);
            assert!(text.starts_with(&format!("allow {} to the caller", operation.action())), "{text}");
        }
    }

    #[test]
    fn a_service_control_policy_is_distinguished_from_the_roles_policy() {
        let operation = Operation::SetSecurityTokenServicePreferences;
        let by_scp = failure(
            operation,
            FailureKind::Refused,
            "AccessDenied",
            "with an explicit deny in a service control policy",
        );
        assert!(hint_for(Stage::Set, &by_scp).contains("exempt the role"));
        let by_role = failure(operation, FailureKind::Refused, "AccessDenied", "no identity-based policy allows it");
        assert!(hint_for(Stage::Set, &by_role).contains("allow iam:Set"));
    }
}
