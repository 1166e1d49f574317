//! Makes the accounts: ids, names, units, versions and the exceptions of a realistic organization.

use crate::account::{AccountState, JoinedMethod, SimulatedAccount};
use crate::account_id::{AccountId, MANAGEMENT_ACCOUNT};
use crate::account_names;
use crate::version::TokenVersion;

/// Which accounts start with which setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VersionMix {
    v2_percent: u8,
    absent_percent: u8,
}

impl VersionMix {
    /// Every account has v1.
    #[must_use]
    pub const fn all_v1() -> Self {
        Self { v2_percent: 0, absent_percent: 0 }
    }

    /// This percentage of the accounts already has v2, and the others have v1.
    #[must_use]
    pub const fn percent_v2(percent: u8) -> Self {
        Self { v2_percent: percent, absent_percent: 0 }
    }

    /// In addition, this percentage of the accounts has no entry in its summary.
    #[must_use]
    pub const fn and_percent_absent(self, percent: u8) -> Self {
        Self { absent_percent: percent, ..self }
    }

    fn draw(self, dice: &mut fastrand::Rng) -> Option<TokenVersion> {
        match dice.u8(..100) {
            roll if roll < self.v2_percent => Some(TokenVersion::V2),
            roll if roll < self.v2_percent.saturating_add(self.absent_percent) => None,
            _ => Some(TokenVersion::V1),
        }
    }
}

/// The index of the management account among `count` accounts.
pub(crate) fn management_index(count: usize) -> usize {
    count.min(MANAGEMENT_ACCOUNT.number() as usize) - 1
}

/// Returns the id of the account with this index: 1, 2, 3… and the management account's id at its index.
pub(crate) fn id_at(index: usize, count: usize) -> AccountId {
    if index == management_index(count) { MANAGEMENT_ACCOUNT } else { AccountId::from(index + 1) }
}

/// Returns the index of the account with this id, or `None` if there is no such account.
pub(crate) fn index_of(id: AccountId, count: usize) -> Option<usize> {
    if id == MANAGEMENT_ACCOUNT {
        return Some(management_index(count));
    }
    let index = usize::try_from(id.number()).ok()?.checked_sub(1)?;
    (index < count && id_at(index, count) == id).then_some(index)
}

/// Makes all accounts.
pub(crate) fn accounts(
    count: usize,
    mix: VersionMix,
    realistic: bool,
    dice: &mut fastrand::Rng,
) -> Vec<SimulatedAccount> {
    let management = management_index(count);
    let mut accounts: Vec<SimulatedAccount> = (0..count)
        .map(|index| {
            let id = id_at(index, count);
            let (name, ou) = match (index == management, realistic) {
                (true, _) => ("Management".to_owned(), String::new()),
                (false, true) => account_names::realistic(index, dice),
                (false, false) => (format!("account-{}", id.number()), String::new()),
            };
            let mut account = SimulatedAccount::new(id, name, String::new());
            account.email = account_names::email(&account.name, index);
            account.ou = ou;
            account.version = mix.draw(dice);
            account
        })
        .collect();
    accounts[management].role.exists = false;
    if realistic {
        exceptions(&mut accounts, management, dice);
    }
    accounts
}

type Change = fn(&mut SimulatedAccount);

/// Gives some members exceptional states and faults, as in every real organization.
fn exceptions(accounts: &mut [SimulatedAccount], management: usize, dice: &mut fastrand::Rng) {
    let count = accounts.len();
    for account in accounts.iter_mut() {
        let stage = if account.ou.contains("/Prod") { "prod" } else { "nonprod" };
        account.tags = vec![("Environment".to_owned(), stage.to_owned())];
    }
    let mut members: Vec<usize> = (0..count).filter(|index| *index != management).collect();
    dice.shuffle(&mut members);
    // In a small organization, at most a third of the accounts are exceptions.
    let mut chosen = members.into_iter().take(count / 3);
    let plan: [(usize, Change); 8] = [
        ((count / 100).max(1), |account| close(account, AccountState::Suspended)),
        ((count / 100).max(1), |account| {
            account.joined = JoinedMethod::Invited;
            account.role.exists = false;
        }),
        ((count / 500).max(1), |account| account.faults.deny_set_by_scp = true),
        ((count / 150).max(1), |account| close(account, AccountState::Closed)),
        (1, |account| account.state = AccountState::PendingActivation),
        (1, |account| close(account, AccountState::PendingClosure)),
        ((count / 250).max(1), |account| account.faults.deny_assume = true),
        // These accounts were invited, and their owners created the role.
        ((count / 100).max(1), |account| account.joined = JoinedMethod::Invited),
    ];
    for (number, change) in plan {
        for index in chosen.by_ref().take(number) {
            change(&mut accounts[index]);
        }
    }
}

fn close(account: &mut SimulatedAccount, state: AccountState) {
    account.state = state;
    "Suspended".clone_into(&mut account.ou);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_indexes_agree_at_every_size() {
        for count in [1, 2, 20, 99, 100, 101, 250] {
            for index in 0..count {
                assert_eq!(index_of(id_at(index, count), count), Some(index), "{index} of {count}");
            }
            assert_eq!(index_of(AccountId::from(count + 1_000), count), None);
            assert_eq!(index_of(AccountId::new(0), count), None);
        }
        assert_eq!(index_of(AccountId::new(20), 20), None, "the twentieth is the management account");
    }

    #[test]
    fn the_same_seed_makes_the_same_organization() {
        let make = || accounts(300, VersionMix::percent_v2(30), true, &mut fastrand::Rng::with_seed(7));
        let (first, second) = (make(), make());
        assert!(
            first.iter().zip(&second).all(|(a, b)| a.name == b.name && a.version == b.version && a.state == b.state)
        );
        let upgraded = first.iter().filter(|account| account.version == Some(TokenVersion::V2)).count();
        assert!((60..120).contains(&upgraded), "{upgraded}");
        assert!(first.iter().any(|account| account.faults.deny_set_by_scp));
        assert_eq!(first.iter().map(|account| account.ou.split('/').count()).max(), Some(5));
    }
}
