//! The hints: what to do about each failure of an account.

use super::denial::{Denial, denied_action};
use super::record::{Outcome, Stage};
use crate::cloud::{AccessMethod, ErrorCode, Failure, FailureKind, Operation, OwnCode};
use crate::org::role::RoleTemplate;

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
    if stage == Stage::Verify && failure.operation == Operation::AssumeRole && failure.kind == FailureKind::Refused {
        return GLOBAL_REFUSED.to_owned();
    }
    let by_stage = || by_stage(outcome, stage, failure).map(str::to_owned);
    let by_code = || by_code(failure, access, management, invited);
    // If the account may have been changed, that is more important than who answered.
    let is_in_doubt = outcome == Outcome::Unverified && matches!(failure.code, ErrorCode::HttpStatus(_));
    let hint = if is_in_doubt { by_stage().or_else(by_code) } else { by_code().or_else(by_stage) };
    hint.unwrap_or_default()
}

fn by_code(failure: &Failure, access: &AccessMethod, management: bool, invited: bool) -> Option<String> {
    match failure.code {
        ErrorCode::Own(OwnCode::ConnectionFailed) => return refused_by_proxy(&failure.message).map(str::to_owned),
        ErrorCode::Own(code) => return by_own_code(code).map(str::to_owned),
        ErrorCode::HttpStatus(_) => return foreign_answer(failure).map(str::to_owned),
        ErrorCode::Other(_) => {}
    }
    let text = match (failure.code.as_str(), failure.operation) {
        ("AccessDenied", Operation::AssumeRole) => {
            return Some(may_not_assume(failure).unwrap_or_else(|| access_denied(access, management, invited)));
        }
        ("AccessDenied" | "InvalidAction" | "ValidationError", Operation::AssumeRoot) => {
            "check with v2token doctor --access assume-root that centralized root access is on, that the caller is in the management \
             account or a delegated administrator for IAM, and that it is allowed sts:AssumeRoot"
        }
        ("AccessDenied", Operation::GetAccountSummary | Operation::SetSecurityTokenServicePreferences) => {
            return Some(may_not_call(failure, access));
        }
        ("AccessDeniedException", Operation::LookupEvents) => return Some(may_not_call(failure, access)),
        ("InvalidClientTokenId", Operation::GetAccountSummary | Operation::SetSecurityTokenServicePreferences)
            if *access == AccessMethod::Own =>
        {
            "a session of GetSessionToken without MFA may not call IAM: run with the user's keys, with a role, or with --mfa-serial, \
             or leave this account out with --management-account skip"
        }
        ("RegionDisabledException", _) => match access {
            // Only there STS can't be deactivated (IAM user guide, "Manage AWS STS in an AWS Region").
            AccessMethod::Role(arn) | AccessMethod::Root(arn) if arn.starts_with("arn:aws-cn:") => {
                "STS is not active in this Region for this account: run again with --region cn-north-1, where it is always active"
            }
            AccessMethod::Role(arn) | AccessMethod::Root(arn) if !arn.starts_with("arn:aws:") => {
                "STS is not active in this Region for this account: activate it there, or run again with another --region"
            }
            _ => {
                "STS is not active in this Region for this account: run again with --region us-east-1, where it is always active"
            }
        },
        ("PackedPolicyTooLarge", _) => {
            "the session token would exceed 4,096 bytes: the session policy is a part of it, and session tags count too; \
             --session-policy none leaves the policy out, and a caller's session without tags helps as well"
        }
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

/// Returns what to do if the message of a denied AssumeRole says why. A message about a missing role or an unnamed caller does not.
fn may_not_assume(failure: &Failure) -> Option<String> {
    let denial = Denial::of(&failure.message);
    let on_both_sides = matches!(
        denial,
        Denial::Unknown | Denial::IdentityPolicy { explicit: false } | Denial::TrustPolicy { explicit: false }
    );
    // These two actions must be allowed on both sides, and AWS names at most one of them.
    if on_both_sides && failure.message.contains("sts:SetSourceIdentity") {
        let hint =
            "allow sts:SetSourceIdentity in the role's trust policy and to the caller, or leave out --source-identity";
        return Some(hint.to_owned());
    }
    if on_both_sides && failure.message.contains("sts:TagSession") {
        let hint = "allow sts:TagSession in the role's trust policy and to the caller, whose session passes its tags on to the \
                    sessions in the accounts, or use a session without such tags";
        return Some(hint.to_owned());
    }
    denial.advice_to_caller(&denied_action(&failure.message, Operation::AssumeRole))
}

/// Returns what to do about a denied call of IAM inside an account.
fn may_not_call(failure: &Failure, access: &AccessMethod) -> String {
    let action = denied_action(&failure.message, failure.operation);
    let who = match access {
        AccessMethod::Own => "the caller, whose own credentials are used in this account",
        AccessMethod::Role(_) | AccessMethod::Root(_) => "the role",
    };
    let unknown = || {
        match (access, failure.operation) {
        (AccessMethod::Own, _) => format!("allow {action} to {who}"),
        (_, Operation::GetAccountSummary) => {
            "allow iam:GetAccountSummary to the role, and look for a service control policy that denies it".to_owned()
        }
        (_, Operation::LookupEvents) => {
            "allow cloudtrail:LookupEvents to the role (v2token policy --for impact prints its policy), and look for a service control \
             policy that denies it"
                .to_owned()
        }
        _ => "allow iam:SetSecurityTokenServicePreferences to the role, and look for a permissions boundary or a service control \
              policy that denies it"
            .to_owned(),
    }
    };
    Denial::of(&failure.message).advice_in_account(&action, who).unwrap_or_else(unknown)
}

/// What to do if something other than AWS answered.
pub(crate) const FOREIGN: &str = "something other than AWS answered: check proxies and --endpoint-url";

/// Returns what to do about an answer without an AWS error code, by its status. Returns `None` if the same call may succeed later.
pub(crate) fn foreign_answer(failure: &Failure) -> Option<&'static str> {
    match failure.code.status()? {
        407 => Some(PROXY_LOGIN),
        429 => None,
        400..=499 => Some(FOREIGN),
        _ => None,
    }
}

/// The session of the visit was opened by the regional endpoint, so the role and its trust policy are right.
const GLOBAL_REFUSED: &str = "the setting is right, but the global STS endpoint refuses the session that the regional endpoint opened: a policy \
     of the Organization or of the caller may deny it (its aws:RequestedRegion is us-east-1); lift it, or go on with --verify setting";

const PROXY_LOGIN: &str = "the proxy asks for a user name and a password: give them as http://USER:PASSWORD@HOST:PORT in HTTPS_PROXY, \
     with special characters as %XX";

/// Returns what to do if the message of a failed connection says that a proxy refused it.
pub(crate) fn refused_by_proxy(message: &str) -> Option<&'static str> {
    let (_, rest) = message.split_once("the proxy answered ")?;
    Some(match rest.get(..3) {
        Some("407") => PROXY_LOGIN,
        Some("403") => {
            "the proxy does not let this host through: allow it there, or reach it without the proxy (NO_PROXY)"
        }
        _ => FOREIGN,
    })
}

fn by_own_code(code: OwnCode) -> Option<&'static str> {
    match code {
        OwnCode::WrongAccount => Some("nothing was done: check --role, whose ARN template leads to another account"),
        OwnCode::AccountTimeout => Some("try this account again, with a longer --account-timeout if AWS is slow"),
        OwnCode::HostNotFound => Some("check the Region, the DNS and the proxy settings"),
        OwnCode::TooManyOpenFiles => Some(TOO_MANY_OPEN_FILES),
        OwnCode::CertificateRefused => Some("name the certificate authority of your proxy with --ca-bundle"),
        OwnCode::UnreadableAnswer => Some(FOREIGN),
        OwnCode::NotReadBack => Some("read it again later with plan: IAM is eventually consistent"),
        OwnCode::VersionNotShown => Some(
            "this account's summary names no version at all, so reading it again does not help: check whether a session of \
             the global STS endpoint is accepted in an opt-in Region",
        ),
        OwnCode::TokenRefused => Some(
            "the setting is right; check that the Region of --verify is enabled in this account, and try again later: \
             tokens of the new version are issued some 10 s after the setting",
        ),
        OwnCode::IssuedVersionDiffers => Some(
            "the setting is right; audit it again later with plan --verify token: tokens of the new version are issued some 10 s after \
             the setting",
        ),
        OwnCode::IssuedVersionUnknown => Some(
            "the setting is right; try again with resume --retry-failed, or prove it with --verify token=REGION, which uses a token in an \
             opt-in Region",
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
        AccessMethod::Role(arn) => arn.to_string(),
        AccessMethod::Own | AccessMethod::Root(_) => String::new(),
    };
    let role = role.rsplit_once("role/").map_or(role.as_str(), |(_, name)| name);
    if management {
        format!(
            "the management account has no {role} unless one was created in it: run with credentials of that account and \
             --management-account own, or leave it out with --management-account skip"
        )
    } else if invited && role == RoleTemplate::DEFAULT {
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
        for (role, management, invited, says) in [
            ("OrganizationAccountAccessRole", true, false, "--management-account skip"),
            ("OrganizationAccountAccessRole", false, true, "was invited"),
            ("OrganizationAccountAccessRole", false, false, "trust policy"),
            ("path/Admin", true, false, "--management-account skip"),
            // The Organization makes no role of another name, so the invitation does not explain why it is missing.
            ("path/Admin", false, true, "trust policy"),
        ] {
            let access = AccessMethod::Role(format!("arn:aws:iam::000000000001:role/{role}").into());
            let text = hint(Outcome::Failed, Stage::Assume, &denied, &access, management, invited);
            assert!(text.contains(says) && text.contains(role), "{text}");
        }
    }

    /// A hint says what the message, the Region's partition, and the way into the account already tell.
    #[test]
    fn the_hint_follows_the_reason() {
        use Operation::{AssumeRole, GetAccountSummary, SetSecurityTokenServicePreferences as Set};
        let role = || AccessMethod::Role("arn:aws:iam::000000000001:role/R".into());
        let in_china = || AccessMethod::Role("arn:aws-cn:iam::000000000001:role/R".into());
        let in_gov = || AccessMethod::Role("arn:aws-us-gov:iam::000000000001:role/R".into());
        let tag = "User: u is not authorized to perform: sts:TagSession on resource: r";
        let source = "User: u is not authorized to perform: sts:SetSourceIdentity on resource: r";
        let scp = "with an explicit deny in a service control policy";
        let page = "HTTP status 403 from iam.amazonaws.com with a body that names no AWS error";
        for (operation, code, message, access, says) in [
            (
                AssumeRole,
                "AccessDenied",
                tag,
                role(),
                "allow sts:TagSession in the role's trust policy and to the caller",
            ),
            (AssumeRole, "AccessDenied", source, role(), "allow sts:SetSourceIdentity in the role's trust policy"),
            (AssumeRole, "AccessDenied", &format!("{tag} {scp}"), role(), "service control policy"),
            (AssumeRole, "AccessDenied", scp, role(), "denies sts:AssumeRole to the caller"),
            (
                AssumeRole,
                "AccessDenied",
                "because no resource control policy allows x",
                role(),
                "resource control policy",
            ),
            (AssumeRole, "AccessDenied", "because no identity-based policy allows x", role(), "to the caller"),
            (AssumeRole, "AccessDenied", "because no VPC endpoint policy allows x", role(), "the VPC endpoint"),
            (AssumeRole, "AccessDenied", "MultiFactorAuthentication failed", role(), "--mfa-serial"),
            (GetAccountSummary, "AccessDenied", scp, role(), "exempt the role"),
            (GetAccountSummary, "AccessDenied", scp, AccessMethod::Own, "exempt the caller"),
            (Set, "AccessDenied", "in a permissions boundary", role(), "the permissions boundary of the role"),
            (Set, "AccessDenied", "because no session policy allows x", role(), "--session-policy"),
            (Set, "AccessDenied", "because no session policy allows x", AccessMethod::Own, "the caller's session"),
            (
                Set,
                "AccessDenied",
                "explicit deny in an identity-based policy",
                role(),
                "a policy of the role denies iam:Set",
            ),
            (AssumeRole, "RegionDisabledException", "", role(), "--region us-east-1"),
            (AssumeRole, "RegionDisabledException", "", in_china(), "--region cn-north-1"),
            (AssumeRole, "RegionDisabledException", "", in_gov(), "another --region"),
            (AssumeRole, "PackedPolicyTooLarge", "", role(), "--session-policy none"),
            (AssumeRole, "PackedPolicyTooLarge", "", role(), "session tags count too"),
            (GetAccountSummary, "HttpStatus403", page, role(), "something other than AWS answered"),
            (
                GetAccountSummary,
                "ConnectionFailed",
                "the proxy answered 407 for iam.amazonaws.com",
                role(),
                "HTTPS_PROXY",
            ),
            (GetAccountSummary, "ConnectionFailed", "the proxy answered 403 for iam.amazonaws.com", role(), "NO_PROXY"),
            (
                GetAccountSummary,
                "ConnectionFailed",
                "the proxy answered 503 for iam.amazonaws.com",
                role(),
                "check proxies",
            ),
        ] {
            let failure = failure(operation, FailureKind::Refused, code, message);
            let text = hint(Outcome::Failed, Stage::Assume, &failure, &access, false, false);
            assert!(text.contains(says), "{operation} {code} {message}: {text}");
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
