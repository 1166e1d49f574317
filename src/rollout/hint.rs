//! This module owns the hints: for each way in which an account can fail, what its reader should do about it.

use super::record::{Outcome, Stage};
use crate::cloud::{AccessMethod, Failure, FailureKind, Operation, failure::code};

/// What a hint may refer to.
#[derive(Clone, Copy, Debug)]
pub struct HintContext<'a> {
    /// How the account was entered.
    pub access: &'a AccessMethod,
    /// Whether it is the management account.
    pub management: bool,
    /// Whether it was invited into the Organization.
    pub invited: bool,
}

/// What to do about a failure that led to this outcome; empty where there is nothing useful to say.
pub fn hint(outcome: Outcome, stage: Stage, failure: &Failure, surrounding: HintContext<'_>) -> String {
    by_code(failure, surrounding).or_else(|| by_stage(outcome, stage, failure).map(str::to_owned)).unwrap_or_default()
}

fn by_code(failure: &Failure, surrounding: HintContext<'_>) -> Option<String> {
    let text = match (failure.code.as_str(), failure.operation) {
        ("AccessDenied", Operation::AssumeRole) if failure.message.contains("root accounts") => {
            "the caller is a root user, who can't assume roles: use a role or an IAM user of that account"
        }
        ("AccessDenied", Operation::AssumeRole) if failure.message.contains("sts:SetSourceIdentity") => {
            "allow sts:SetSourceIdentity in the role's trust policy and to the caller, or leave out --source-identity"
        }
        ("AccessDenied", Operation::AssumeRole) => return Some(denied_at_the_door(surrounding)),
        ("AccessDenied" | "InvalidAction" | "ValidationError", Operation::AssumeRoot) => {
            "check with v2token doctor --access assume-root that centralised root access is on, that the caller is in the management \
             account or a delegated administrator for IAM, and that it is allowed sts:AssumeRoot"
        }
        ("AccessDenied", Operation::GetAccountSummary | Operation::SetSecurityTokenServicePreferences)
            if *surrounding.access == AccessMethod::Own =>
        {
            return Some(format!(
                "allow {} to the caller, whose own credentials are used in this account",
                failure.operation.action()
            ));
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
        (code::WRONG_ACCOUNT, _) => "nothing was done: check --role, whose ARN template leads to another account",
        (code::ACCOUNT_TIMEOUT, _) => "try this account again, with a longer --account-timeout if AWS is slow",
        (code::DNS, _) => "check the Region, the DNS and the proxy settings",
        (code::TLS, _) => "name the certificate authority of your proxy with --ca-bundle",
        (code::UNREADABLE, _) => "something other than AWS answered: check proxies and --endpoint-url",
        (code::NOT_READ_BACK, _) => "read it again later with plan: IAM is eventually consistent",
        (code::NOT_SHOWN, _) => {
            "this account's summary names no version at all, so that reading it again tells nothing: see whether a session of \
             the global STS endpoint is accepted in an opt-in Region"
        }
        (code::TOKEN_REFUSED, _) => {
            "the setting is right; check that the Region of --verify is enabled in this account, and try again later: \
             tokens of the new version are issued some 10 s after the setting"
        }
        (code::NOT_VERIFIED, _) => "check it with plan, or leave out --verify none",
        _ => return None,
    };
    Some(text.to_owned())
}

/// STS gives one and the same answer for a missing role, a trust policy that names somebody else, a wrong external id
/// and a policy of the Organization. So the hint names the likeliest for this account first.
fn denied_at_the_door(surrounding: HintContext<'_>) -> String {
    let role = match surrounding.access {
        AccessMethod::Role(arn) => arn.rsplit_once("role/").map_or(arn.as_ref(), |(_, name)| name),
        AccessMethod::Own | AccessMethod::Root(_) => "",
    };
    if surrounding.management {
        format!(
            "the management account has no {role} unless somebody made one: run with credentials of that account and \
             --management-account own, or leave it out with --management-account skip"
        )
    } else if surrounding.invited {
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
        (FailureKind::Throttled, Stage::Assume) => Some("AWS throttled every try: run again with a lower --rate"),
        (FailureKind::Throttled, _) => Some("AWS throttled every try inside this account: run again later"),
        // Of all others it is known that they were not changed.
        (FailureKind::Transient, _) if outcome == Outcome::Unverified => {
            Some("it is not known whether this account was changed: read it with plan")
        }
        (FailureKind::Transient, _) if [code::TIMEOUT, code::CONNECTION].contains(&failure.code.as_str()) => {
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
        hint(Outcome::Failed, stage, failure, HintContext { access: &access, management: false, invited: false })
    }

    #[test]
    fn every_kind_at_every_stage_that_can_be_mended_has_a_hint() {
        for stage in Stage::ALL {
            for kind in FailureKind::ALL {
                let text = hint_for(stage, &failure(Operation::GetAccountSummary, kind, "Whatever", ""));
                assert_eq!(text.is_empty(), kind == FailureKind::Refused, "{stage} {kind:?}: {text}");
            }
        }
    }

    #[test]
    fn only_what_is_unverified_is_said_not_to_be_known() {
        let access = AccessMethod::Own;
        let surrounding = HintContext { access: &access, management: false, invited: false };
        for stage in [Stage::Assume, Stage::Read, Stage::Set, Stage::Verify] {
            let lost = failure(Operation::GetAccountSummary, FailureKind::Transient, code::CONNECTION, "");
            for outcome in [Outcome::Failed, Outcome::NotAttempted, Outcome::Unverified] {
                let text = hint(outcome, stage, &lost, surrounding);
                assert_eq!(text.contains("not known"), outcome == Outcome::Unverified, "{outcome} at {stage}: {text}");
            }
        }
    }

    #[test]
    fn a_denied_assume_role_is_explained_by_what_is_known_of_the_account() {
        let denied = failure(Operation::AssumeRole, FailureKind::Refused, "AccessDenied", "");
        let access = AccessMethod::Role("arn:aws:iam::000000000001:role/path/Admin".into());
        for (management, invited, says) in
            [(true, false, "--management-account skip"), (false, true, "was invited"), (false, false, "trust policy")]
        {
            let text =
                hint(Outcome::Failed, Stage::Assume, &denied, HintContext { access: &access, management, invited });
            assert!(text.contains(says) && text.contains("path/Admin"), "{text}");
        }
    }

    #[test]
    fn where_the_caller_is_at_home_it_is_the_caller_who_lacks_the_permission() {
        let own = HintContext { access: &AccessMethod::Own, management: true, invited: false };
        for operation in [Operation::GetAccountSummary, Operation::SetSecurityTokenServicePreferences] {
            let text =
                hint(Outcome::Failed, Stage::Read, &failure(operation, FailureKind::Refused, "AccessDenied", ""), own);
            assert!(text.starts_with(&format!("allow {} to the caller", operation.action())), "{text}");
        }
    }

    #[test]
    fn a_policy_of_the_organization_is_told_from_the_roles_own() {
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
