//! The reasons for skipping an account, as the report's `error_code` and `error_message` show them.

/// Why an account is not visited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// `--exclude-account` names it.
    ExcludedAccount,
    /// It is in an OU of `--exclude-ou`.
    ExcludedUnit,
    /// Its name matches `--exclude-name`.
    ExcludedName,
    /// It has a tag of `--exclude-tag`.
    ExcludedTag,
    /// It is neither in `--account` nor in `--accounts-from`.
    OtherAccount,
    /// It is in no OU of `--ou`.
    OtherUnit,
    /// Its name matches no `--name`.
    OtherName,
    /// It has no tag of `--tag`.
    OtherTag,
    /// It is in another shard.
    OtherShard,
    /// It was not in the Organization when the earlier run listed the accounts.
    JoinedSince,
    /// The earlier run listed it, and it is in the Organization no more.
    LeftOrganization,
    /// The plan that is applied did not read it.
    NotReadByPlan,
    /// The plan that is applied would not change it.
    NotInPlan,
    /// The run that is undone did not change it.
    NotChanged,
    /// It is the management account, and `--management-account skip` is given.
    ManagementAccount,
    /// It is the management account, which AssumeRoot can't enter.
    ManagementAccountByAssumeRoot,
    /// Its state is not ACTIVE. The code names the state.
    State(&'static str),
}

impl SkipReason {
    /// Every reason but the states, which [`AccountState`](crate::org::AccountState) lists.
    pub const ALL: [Self; 16] = [
        Self::ExcludedAccount,
        Self::ExcludedUnit,
        Self::ExcludedName,
        Self::ExcludedTag,
        Self::OtherAccount,
        Self::OtherUnit,
        Self::OtherName,
        Self::OtherTag,
        Self::OtherShard,
        Self::JoinedSince,
        Self::LeftOrganization,
        Self::NotReadByPlan,
        Self::NotInPlan,
        Self::NotChanged,
        Self::ManagementAccount,
        Self::ManagementAccountByAssumeRoot,
    ];

    /// The report's `error_code`.
    pub const fn code(self) -> &'static str {
        self.texts().0
    }

    /// The report's `error_message`.
    pub const fn message(self) -> &'static str {
        self.texts().1
    }

    const fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::ExcludedAccount => ("Excluded", "excluded by --exclude-account"),
            Self::ExcludedUnit => ("Excluded", "excluded by --exclude-ou"),
            Self::ExcludedName => ("Excluded", "excluded by --exclude-name"),
            Self::ExcludedTag => ("Excluded", "excluded by --exclude-tag"),
            Self::OtherAccount => ("NotSelected", "not among the selected accounts"),
            Self::OtherUnit => ("NotSelected", "not in a selected OU"),
            Self::OtherName => ("NotSelected", "its name matches no --name"),
            Self::OtherTag => ("NotSelected", "has no selected tag"),
            Self::OtherShard => ("OtherShard", "in another part of --shard"),
            Self::JoinedSince => ("JoinedSince", "joined the Organization after the run that this one is based on"),
            Self::LeftOrganization => {
                ("LeftOrganization", "left the Organization after the run that this one is based on")
            }
            Self::NotReadByPlan => ("NotReadByPlan", "the plan could not read it, or never came to it"),
            Self::NotInPlan => ("NotInPlan", "the plan would not change it"),
            Self::NotChanged => ("NotChanged", "the run that is undone did not change it"),
            Self::ManagementAccount => ("ManagementAccount", "left out by --management-account skip"),
            Self::ManagementAccountByAssumeRoot => (
                "ManagementAccount",
                "AssumeRoot can't enter the management account: it can be read only with its own credentials and \
                 --management-account own",
            ),
            Self::State(code) => (code, "only accounts in state ACTIVE can be visited"),
        }
    }
}
