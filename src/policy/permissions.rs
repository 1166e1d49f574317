//! Which operations need to be allowed, and to whom.

use crate::cloud::Operation;
use crate::org::role::AccessMode;

/// The properties of a command line that decide which calls its policies allow.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent property of a command line")]
pub(crate) struct Requirements {
    /// Whether the command line sets accounts.
    pub sets: bool,
    /// Whether `doctor` makes its checks.
    pub checks: bool,
    /// Whether `impact` reads the event history of the accounts and their opt-in Regions.
    pub looks_up: bool,
    /// How member accounts are entered.
    pub access: AccessMode,
    /// Whether the selection names tags.
    pub tags: bool,
    /// Whether the selection names OUs by id.
    pub units: bool,
    /// Whether the management account is visited with the caller's own credentials.
    pub own: bool,
    /// Whether an MFA session is opened.
    pub mfa: bool,
    /// Whether the run asks which policies denied a request.
    pub explains: bool,
}

/// Who may call an operation, and for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Permission {
    /// The caller, to list the Organization and to get its own identity.
    List,
    /// The caller, to read and set the token version of its own account.
    Own,
    /// The caller or the last role in the chain, to enter accounts.
    Enter,
    /// The caller, to ask which policies denied a request. A run works without it.
    Explain,
    /// The role in every account, to read and set the token version.
    Account,
}

/// Returns the operations that a permission has to allow.
pub(crate) fn operations(permission: Permission, requirements: Requirements) -> Vec<Operation> {
    Operation::ALL.into_iter().filter(|operation| is_needed(permission, requirements, *operation)).collect()
}

fn is_needed(permission: Permission, requirements: Requirements, operation: Operation) -> bool {
    let by_role = requirements.access == AccessMode::Role;
    match operation {
        Operation::DescribeOrganization
        | Operation::ListAccounts
        // `ListRoots` and `ListOrganizationalUnitsForParent` give the names of OUs. `ListAccountsForParent` and `ListParents` are
        // called only if `ListAccounts` returns accounts without paths.
        | Operation::ListRoots
        | Operation::ListOrganizationalUnitsForParent
        | Operation::ListAccountsForParent
        | Operation::ListParents
        | Operation::GetCallerIdentity => permission == Permission::List,
        Operation::DescribeOrganizationalUnit => permission == Permission::List && requirements.units,
        Operation::ListTagsForResource => permission == Permission::List && requirements.tags,
        Operation::GetSessionToken => permission == Permission::List && requirements.mfa,
        Operation::AssumeRole => permission == Permission::Enter && by_role,
        Operation::AssumeRoot => permission == Permission::Enter && !by_role,
        Operation::GetRequestAuthorizationDetails | Operation::DescribePolicy => {
            permission == Permission::Explain && requirements.explains
        }
        Operation::GetAccountSummary => match permission {
            Permission::Own => requirements.own,
            Permission::Account => by_role,
            Permission::List | Permission::Enter | Permission::Explain => false,
        },
        Operation::SetSecurityTokenServicePreferences => match permission {
            Permission::Own => requirements.own && requirements.sets,
            Permission::Account => by_role && requirements.sets,
            Permission::List | Permission::Enter | Permission::Explain => false,
        },
        Operation::LookupEvents => match permission {
            Permission::Own => requirements.own && requirements.looks_up,
            Permission::Account => by_role && requirements.looks_up,
            Permission::List | Permission::Enter | Permission::Explain => false,
        },
        Operation::ListRegions => permission == Permission::List && requirements.looks_up,
        Operation::ListOrganizationsFeatures => permission == Permission::List && requirements.checks,
        Operation::SimulatePrincipalPolicy => permission == Permission::Account && by_role && requirements.checks,
    }
}
