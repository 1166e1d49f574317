//! This module owns the selection: which accounts a run is about, and why the others are not.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::account::{Account, AccountId};

/// How the management account is visited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Management {
    /// With the caller's own credentials when the caller is in it, else through the role.
    #[default]
    Own,
    /// Through the role, as every other account.
    Role,
    /// Not at all.
    Skip,
}

/// What the user asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Selection {
    /// Only these accounts; all when empty.
    pub accounts: BTreeSet<AccountId>,
    /// Not these accounts. Exclusion wins over inclusion.
    pub exclude_accounts: BTreeSet<AccountId>,
    /// How the management account is visited.
    pub management: Management,
}

/// A further restriction that comes from an earlier run: only these accounts, and why not the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Only {
    /// The accounts.
    pub accounts: BTreeSet<AccountId>,
    /// Accounts that were listed in that run. Others have joined since.
    pub listed: BTreeSet<AccountId>,
    /// Accounts that the run could not read, or never came to.
    pub unread: BTreeSet<AccountId>,
    /// Why an account that was listed then is not among them.
    pub reason: SkipReason,
}

/// The selection can't be met. Nothing was visited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionFailed {
    /// An id that the Organization does not have.
    #[error("the Organization has no account {}", join(.0))]
    NoSuchAccounts(Vec<AccountId>),
    /// Nothing is left.
    #[error("the selection is empty: none of the {listed} accounts of the Organization is selected and active")]
    Empty {
        /// How many accounts were listed.
        listed: usize,
    },
}

fn join(ids: &[AccountId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Why an account is not visited: the report's `error_code`, and a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkipReason {
    /// The code.
    pub code: &'static str,
    /// What it means.
    pub message: &'static str,
}

/// The accounts to visit, and the others with their reasons; together they are all accounts.
#[derive(Debug)]
pub struct Selected<'a> {
    /// To be visited.
    pub targets: Vec<&'a Account>,
    /// Not to be visited.
    pub skipped: Vec<(&'a Account, SkipReason)>,
}

/// Divides the accounts of the Organization.
///
/// # Errors
///
/// When a named account does not exist, or nothing is left to visit.
pub fn select<'a>(
    accounts: &'a [Account],
    management: AccountId,
    selection: &Selection,
    only: Option<&Only>,
) -> Result<Selected<'a>, SelectionFailed> {
    let known: BTreeSet<AccountId> = accounts.iter().map(|account| account.id).collect();
    let named = selection.accounts.union(&selection.exclude_accounts);
    let missing: Vec<_> = named.filter(|id| !known.contains(id)).copied().collect();
    if !missing.is_empty() {
        return Err(SelectionFailed::NoSuchAccounts(missing));
    }
    let mut selected = Selected { targets: Vec::new(), skipped: Vec::new() };
    for account in accounts {
        match skip(account, management, selection, only) {
            Some(reason) => selected.skipped.push((account, reason)),
            None => selected.targets.push(account),
        }
    }
    // An earlier run may well leave nothing to do.
    if selected.targets.is_empty() && only.is_none() {
        return Err(SelectionFailed::Empty { listed: accounts.len() });
    }
    Ok(selected)
}

fn skip(account: &Account, management: AccountId, selection: &Selection, only: Option<&Only>) -> Option<SkipReason> {
    let reason = |code, message| Some(SkipReason { code, message });
    if selection.exclude_accounts.contains(&account.id) {
        return reason("Excluded", "excluded by --exclude-account");
    }
    if !selection.accounts.is_empty() && !selection.accounts.contains(&account.id) {
        return reason("NotSelected", "not among the selected accounts");
    }
    match only {
        Some(only) if !only.listed.contains(&account.id) => {
            return reason("JoinedSince", "joined the Organization after the run that this one is based on");
        }
        Some(only) if only.unread.contains(&account.id) => {
            return reason("NotReadByPlan", "the plan could not read it, or never came to it");
        }
        Some(only) if !only.accounts.contains(&account.id) => return Some(only.reason),
        Some(_) | None => {}
    }
    if account.id == management && selection.management == Management::Skip {
        return reason("ManagementAccount", "left out by --management-account skip");
    }
    let code = account.state.skip_code()?;
    reason(code, "only accounts in state ACTIVE can be visited")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::AccountState;

    fn id(number: u64) -> AccountId {
        format!("{number:012}").parse().unwrap()
    }

    fn organization() -> Vec<Account> {
        [
            AccountState::Active,
            AccountState::Active,
            AccountState::Suspended,
            AccountState::Closed,
            AccountState::PendingClosure,
            AccountState::PendingActivation,
            AccountState::Other("FROZEN".into()),
            AccountState::Absent,
            AccountState::Active,
        ]
        .into_iter()
        .zip(1..)
        .map(|(state, number)| Account {
            id: id(number),
            name: String::new(),
            email: String::new(),
            state,
            ou_path: String::new(),
            invited: false,
        })
        .collect()
    }

    fn codes(selection: &Selection) -> Result<Vec<&'static str>, SelectionFailed> {
        let accounts = organization();
        let selected = select(&accounts, id(1), selection, None)?;
        assert_eq!(selected.targets.len() + selected.skipped.len(), accounts.len());
        Ok(accounts
            .iter()
            .map(|account| {
                let skipped = selected.skipped.iter().find(|(skipped, _)| skipped.id == account.id);
                skipped.map_or("", |(_, reason)| reason.code)
            })
            .collect())
    }

    #[test]
    fn only_active_accounts_are_visited_and_every_other_has_its_reason() {
        assert_eq!(
            codes(&Selection::default()).unwrap(),
            ["", "", "Suspended", "Closed", "PendingClosure", "PendingActivation", "UnknownState", "UnknownState", ""]
        );
    }

    #[test]
    fn exclusion_wins_over_inclusion() {
        let selection = Selection {
            accounts: [id(1), id(2), id(3)].into(),
            exclude_accounts: [id(2)].into(),
            management: Management::Own,
        };
        assert_eq!(codes(&selection).unwrap()[..4], ["", "Excluded", "Suspended", "NotSelected"]);
    }

    #[test]
    fn an_earlier_run_restricts_and_newcomers_are_named() {
        let accounts = organization();
        let only = Only {
            accounts: [id(2), id(3)].into(),
            listed: (1..9).map(id).collect(),
            unread: [id(4)].into(),
            reason: SkipReason { code: "NotInPlan", message: "why" },
        };
        let selected = select(&accounts, id(1), &Selection::default(), Some(&only)).unwrap();
        assert_eq!(selected.targets.iter().map(|account| account.id).collect::<Vec<_>>(), [id(2)]);
        let code = |number| selected.skipped.iter().find(|(account, _)| account.id == id(number)).unwrap().1.code;
        assert_eq!([code(1), code(3), code(4), code(9)], ["NotInPlan", "Suspended", "NotReadByPlan", "JoinedSince"]);
    }

    #[test]
    fn the_management_account_can_be_left_out() {
        let selection = Selection { management: Management::Skip, ..Selection::default() };
        assert_eq!(codes(&selection).unwrap()[..2], ["ManagementAccount", ""]);
    }

    #[test]
    fn what_cannot_be_met_is_an_error() {
        let missing = Selection { accounts: [id(2), id(77)].into(), ..Selection::default() };
        assert_eq!(codes(&missing), Err(SelectionFailed::NoSuchAccounts(vec![id(77)])));
        let missing = Selection { exclude_accounts: [id(78)].into(), ..Selection::default() };
        assert_eq!(codes(&missing), Err(SelectionFailed::NoSuchAccounts(vec![id(78)])));
        let empty = Selection { accounts: [id(3)].into(), ..Selection::default() };
        assert_eq!(codes(&empty), Err(SelectionFailed::Empty { listed: 9 }));
    }
}
