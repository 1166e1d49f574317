//! The reasons for skipping an account, as the report's `error_code` and `error_message` show them.

/// Defines the reasons, each with its code and its message.
macro_rules! skip_reasons {
    ($($(#[$doc:meta])* $reason:ident = $code:literal, $message:literal;)+) => {
        /// Why an account is not visited.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum SkipReason {
            $($(#[$doc])* $reason,)+
            /// The account's state is not ACTIVE. Contains the code that names the state.
            State(&'static str),
        }

        impl SkipReason {
            /// Every reason except the states of accounts. [`AccountState`](crate::org::AccountState) lists the states.
            pub const ALL: [Self; [$($code),+].len()] = [$(Self::$reason),+];

            /// Returns the report's `error_code`.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$reason => $code,)+
                    Self::State(code) => code,
                }
            }

            /// Returns the report's `error_message`.
            pub const fn message(self) -> &'static str {
                match self {
                    $(Self::$reason => $message,)+
                    Self::State(_) => "only accounts in state ACTIVE can be visited",
                }
            }
        }
    };
}

skip_reasons! {
    /// `--exclude-account` names the account.
    ExcludedAccount = "Excluded", "excluded by --exclude-account";
    /// The account is in an OU of `--exclude-ou`.
    ExcludedUnit = "Excluded", "excluded by --exclude-ou";
    /// The account's name matches `--exclude-name`.
    ExcludedName = "Excluded", "excluded by --exclude-name";
    /// The account has a tag of `--exclude-tag`.
    ExcludedTag = "Excluded", "excluded by --exclude-tag";
    /// The account is neither in `--account` nor in `--accounts-from`.
    OtherAccount = "NotSelected", "not among the selected accounts";
    /// The account is in no OU of `--ou`.
    OtherUnit = "NotSelected", "not in a selected OU";
    /// The account's name matches no `--name`.
    OtherName = "NotSelected", "its name matches no --name";
    /// The account has no tag of `--tag`.
    OtherTag = "NotSelected", "has no selected tag";
    /// The account joined the Organization before `--joined-since`.
    JoinedEarlier = "JoinedEarlier", "joined the Organization before --joined-since";
    /// Organizations does not say when the account joined, and `--joined-since` was given.
    JoinTimeUnknown = "JoinTimeUnknown", "Organizations does not say when it joined, so --joined-since leaves it out";
    /// The account is in another shard.
    OtherShard = "OtherShard", "in another part of --shard";
    /// `--exceptions` has the account, and the exception has not ended.
    Excepted = "Excepted", "left out by --exceptions";
    /// The account was not in the Organization when the earlier run listed the accounts.
    JoinedSince = "JoinedSince", "joined the Organization after the run that this one is based on";
    /// The earlier run listed the account, which is no longer in the Organization.
    LeftOrganization = "LeftOrganization", "left the Organization after the run that this one is based on";
    /// The plan that is applied did not read the account.
    NotReadByPlan = "NotReadByPlan", "the plan could not read it, or never came to it";
    /// The plan that is applied would not change the account.
    NotInPlan = "NotInPlan", "the plan would not change it";
    /// The run that is undone did not change the account.
    NotChanged = "NotChanged", "the run that is undone did not change it";
    /// The account is the management account, and `--management-account skip` was given.
    ManagementAccount = "ManagementAccount", "left out by --management-account skip";
    /// The account is the management account, which AssumeRoot can't enter.
    ManagementAccountByAssumeRoot = "ManagementAccount", "AssumeRoot can't enter the management account: it can be read only with its own credentials and \
        --management-account own";
}

/// Returns what happened to an account that is skipped for the reason with this code. The words follow a number.
pub fn phrase(code: &str) -> &str {
    match code {
        "Excluded" => "excluded",
        "NotSelected" => "not selected",
        "JoinedEarlier" => "joined before --joined-since",
        "JoinTimeUnknown" => "joined at an unknown time",
        "OtherShard" => "in other parts of --shard",
        "Excepted" => "excepted",
        "JoinedSince" => "joined since",
        "LeftOrganization" => "left the Organization",
        "NotReadByPlan" => "not read by the plan",
        "NotInPlan" => "not in the plan",
        "NotChanged" => "not changed by the run that is undone",
        "ManagementAccount" => "the management account",
        "PendingActivation" => "pending activation",
        "Suspended" => "suspended",
        "PendingClosure" => "pending closure",
        "Closed" => "closed",
        "UnknownState" => "in an unknown state",
        "Drifted" => "set to another version since",
        other => other,
    }
}

/// Whether accounts are skipped for the reason with this code because the options, the plan, or the undone run leave them out. Such
/// accounts are expected, and often many.
pub fn is_by_selection(code: &str) -> bool {
    ["Excluded", "NotSelected", "JoinedEarlier", "OtherShard", "NotInPlan", "NotChanged", "ManagementAccount"]
        .contains(&code)
}

/// Whether accounts are skipped for the reason with this code because they left the Organization or are not active.
pub fn is_departure(code: &str) -> bool {
    ["LeftOrganization", "PendingActivation", "Suspended", "PendingClosure", "Closed", "UnknownState"].contains(&code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::AccountState;

    #[test]
    fn every_reason_has_words() {
        let states = [
            AccountState::PendingActivation,
            AccountState::Suspended,
            AccountState::PendingClosure,
            AccountState::Closed,
            AccountState::Absent,
        ];
        let codes = states.iter().filter_map(AccountState::skip_code);
        for code in SkipReason::ALL.into_iter().map(SkipReason::code).chain(codes) {
            assert_ne!(phrase(code), code, "no words");
        }
        let departures = states.iter().filter_map(AccountState::skip_code).chain(["LeftOrganization"]);
        assert!(departures.into_iter().all(is_departure));
        assert!(!is_departure("NotSelected"));
    }
}
