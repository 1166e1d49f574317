//! This module owns the needs: which operations a task calls, and with whose permission.

use crate::cloud::Operation;
use crate::org::role::AccessMode;

/// What is to be done.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one thing that a command line asks for or not")]
pub(crate) struct Task {
    /// Whether accounts are set, and not only read.
    pub sets: bool,
    /// Whether it is checked beforehand by `doctor`.
    pub checks: bool,
    /// How member accounts are entered.
    pub access: AccessMode,
    /// Whether the selection asks for tags.
    pub tags: bool,
    /// Whether the selection names OUs.
    pub units: bool,
    /// Whether the management account is visited with the caller's own credentials.
    pub own: bool,
    /// Whether an MFA session is opened.
    pub mfa: bool,
}

/// With whose permission an operation is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The caller's, for the Organization and for the caller's own identity.
    List,
    /// The caller's, in the caller's own account.
    Own,
    /// The caller's, or the last role's on the way: to enter accounts.
    Enter,
    /// The role's in every account.
    Account,
}

/// The operations that a task calls for a purpose.
pub(crate) fn operations(purpose: Purpose, task: Task) -> Vec<Operation> {
    Operation::ALL.into_iter().filter(|operation| needs(purpose, task, *operation)).collect()
}

fn needs(purpose: Purpose, task: Task, operation: Operation) -> bool {
    let by_role = task.access == AccessMode::Role;
    match operation {
        Operation::DescribeOrganization
        | Operation::ListAccounts
        // Only called where accounts come without their path in the tree.
        | Operation::ListRoots
        | Operation::ListOrganizationalUnitsForParent
        | Operation::ListAccountsForParent
        | Operation::GetCallerIdentity => purpose == Purpose::List,
        Operation::DescribeOrganizationalUnit => purpose == Purpose::List && task.units,
        Operation::ListTagsForResource => purpose == Purpose::List && task.tags,
        Operation::GetSessionToken => purpose == Purpose::List && task.mfa,
        Operation::AssumeRole => purpose == Purpose::Enter && by_role,
        Operation::AssumeRoot => purpose == Purpose::Enter && !by_role,
        Operation::GetAccountSummary => match purpose {
            Purpose::Own => task.own,
            Purpose::Account => by_role,
            Purpose::List | Purpose::Enter => false,
        },
        Operation::SetSecurityTokenServicePreferences => match purpose {
            Purpose::Own => task.own && task.sets,
            Purpose::Account => by_role && task.sets,
            Purpose::List | Purpose::Enter => false,
        },
        Operation::ListOrganizationsFeatures => purpose == Purpose::List && task.checks,
        Operation::SimulatePrincipalPolicy => purpose == Purpose::Account && by_role && task.checks,
    }
}
