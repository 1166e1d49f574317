//! The checks that concern all accounts: those of the caller, the clock, the Organization, and the selection.

use std::time::Duration;

use super::{Check, Status, Subject};
use crate::cloud::Failure;
use crate::cloud::aws::clock_skew::ClockSkew;
use crate::cloud::aws::{Aws, ListingError, Organization};
use crate::org::selection::SelectionResult;
use crate::org::{Account, AccountState};

/// AWS refuses signatures when the clocks differ by more than 5 minutes (IAM user guide, "Troubleshoot signed requests").
pub(crate) const MAX_SKEW: Duration = Duration::from_mins(5);

/// A clock that is off by more than this gets a warning. Smaller differences come from the `Date` header, which has only whole
/// seconds, and from the time that the answer takes.
const SKEW_WARNING: Duration = Duration::from_mins(1);

pub(crate) fn identity(aws: &Aws) -> Check {
    let caller = &aws.caller;
    if caller.arn.ends_with(":root") {
        let message = format!("{} is the root user, who can't assume roles", caller.arn);
        return Check::failure(Subject::Identity, message, "use a role or an IAM user of this account");
    }
    let through = if aws.hub == *caller { String::new() } else { format!(", through {}", aws.hub.arn) };
    let message = format!("{} in account {}, from {}{through}", caller.arn, caller.account, aws.credential_source);
    if caller.partition.has_global_sts() {
        return Check::ok(Subject::Identity, message);
    }
    let message = format!("{message}; partition {} has no global STS endpoint", caller.partition);
    Check::warning(Subject::Identity, message, "the setting has no effect there")
}

pub(crate) fn clock(skew: ClockSkew) -> Check {
    let seconds = skew.by.as_secs();
    let direction = if skew.ahead { "ahead of" } else { "behind" };
    let message = format!("this machine's clock is {seconds} s {direction} AWS's");
    let advice = "set it, by NTP for instance: AWS refuses signatures that are more than 5 minutes off";
    match skew.by {
        by if by > MAX_SKEW => Check::failure(Subject::Clock, message, advice),
        by if by > SKEW_WARNING => Check::warning(Subject::Clock, message, advice),
        _ => Check::ok(Subject::Clock, format!("within {} s of AWS's", seconds + 1)),
    }
}

pub(crate) fn organization(aws: &Aws, organization: &Organization) -> Check {
    let role = if aws.is_own_account(organization.management) {
        "the management account"
    } else {
        "the account of a delegated administrator"
    };
    let message =
        format!("{}, management account {}; the caller is in {role}", organization.id, organization.management);
    if organization.all_features == Some(false) {
        let message = format!("{message}; it has consolidated billing only");
        let advice = "there are no service control policies then, and no centralized root access";
        return Check::warning(Subject::Organization, message, advice);
    }
    Check::ok(Subject::Organization, message)
}

/// The check of the names of OUs, if they can't be read. A run does not need them unless its selection does.
pub(crate) fn without_names(error: &ListingError) -> Check {
    let advice = "allow organizations:ListRoots and organizations:ListOrganizationalUnitsForParent to the caller";
    let message = format!("the names of OUs can't be read, so the reports show ids: {error}");
    Check::warning(Subject::Organization, message, advice)
}

/// The check of centralized root access. `is_needed` says whether the accounts are entered through root access.
pub(crate) fn root_access(enabled: Result<bool, Failure>, is_needed: bool) -> Check {
    let (status, message, advice) = match enabled {
        Ok(true) => {
            let message = "centralized root access is on: plan --access assume-root needs no role";
            return Check::ok(Subject::RootAccess, message);
        }
        Ok(false) => (
            Status::Failure,
            "centralized root access is off: accounts are read through the role only".to_owned(),
            "enable it: iam:EnableOrganizationsRootCredentialsManagement in the management account",
        ),
        Err(failure) if failure.code.as_str() == "ServiceAccessNotEnabledException" => (
            Status::Failure,
            "centralized root access is off: IAM has no trusted access in the Organization".to_owned(),
            "enable trusted access for iam.amazonaws.com, and then centralized root access",
        ),
        Err(failure) if failure.code.as_str() == "OrganizationNotInAllFeaturesModeException" => (
            Status::Failure,
            "centralized root access is off: the Organization has consolidated billing only".to_owned(),
            "enable all features in the Organization, and then centralized root access",
        ),
        Err(failure) => (
            Status::Warning,
            format!("whether centralized root access is on is not known: {failure}"),
            "allow iam:ListOrganizationsFeatures to the caller",
        ),
    };
    match status {
        _ if is_needed => Check::new(Subject::RootAccess, status, message, advice),
        // A check that found out nothing is not ok.
        Status::Warning => {
            let advice = format!("{advice}, or ignore this: only --access assume-root needs it");
            Check::warning(Subject::RootAccess, message, advice)
        }
        Status::Ok | Status::Failure => Check::ok(Subject::RootAccess, message),
    }
}

pub(crate) fn accounts(accounts: &[Account], selected: &SelectionResult<'_>, organization: &Organization) -> Check {
    let active = accounts.iter().filter(|account| account.attributes.state == AccountState::Active).count();
    let was_invited = |account: &&&Account| account.attributes.invited && account.id != organization.management;
    let invited = selected.targets.iter().filter(was_invited).count();
    let message = format!("{} listed, {active} active, {} selected", accounts.len(), selected.targets.len());
    if invited == 0 {
        return Check::ok(Subject::Accounts, message);
    }
    let noun = if invited == 1 { "account was" } else { "accounts were" };
    let message = format!("{message}; {invited} selected {noun} invited into the Organization");
    let advice = "invited accounts have no cross-account role unless one was created: see v2token policy stackset";
    Check::warning(Subject::Accounts, message, advice)
}
