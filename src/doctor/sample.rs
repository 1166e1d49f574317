//! The sample of accounts to check: accounts in different OUs, including an invited account.

use std::collections::BTreeSet;

use crate::org::{Account, AccountId};

/// Returns up to `count` accounts: the management account, an invited account, one account of each OU, and then others.
pub(crate) fn sample<'a>(accounts: &[&'a Account], management: AccountId, count: usize) -> Vec<&'a Account> {
    let mut chosen: Vec<&Account> = Vec::new();
    let mut units = BTreeSet::new();
    let management_account = accounts.iter().find(|account| account.id == management);
    let invited = accounts.iter().find(|account| account.attributes.invited && account.id != management);
    let mut take = |account: &&'a Account, of_new_unit: bool| {
        let known = chosen.iter().any(|other| other.id == account.id);
        if chosen.len() < count && !known && (units.insert(account.attributes.ou_path.as_ref()) || !of_new_unit) {
            chosen.push(account);
        }
    };
    for account in management_account.into_iter().chain(invited) {
        take(account, false);
    }
    for of_new_unit in [true, false] {
        for account in accounts {
            take(account, of_new_unit);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::{AccountAttributes, AccountState};

    #[test]
    fn the_sample_has_accounts_of_each_kind() {
        let id = |number: u64| -> AccountId { format!("{number:012}").parse().unwrap() };
        let account = |number, path: &str, invited| Account {
            id: id(number),
            name: Box::default(),
            email: Box::default(),
            attributes: AccountAttributes {
                state: AccountState::Active,
                ou_path: path.into(),
                invited,
                ..Default::default()
            }
            .into(),
            joined_at: None,
        };
        let all = [
            account(1, "a/", false),
            account(2, "a/", false),
            account(3, "a/b/", false),
            account(4, "a/b/", true),
            account(5, "a/c/", false),
            account(6, "a/", false),
        ];
        let all: Vec<&Account> = all.iter().collect();
        let numbers = |count| sample(&all, id(6), count).iter().map(|account| account.id.number()).collect::<Vec<_>>();
        assert_eq!(numbers(0), [0_u64; 0]);
        assert_eq!(numbers(1), [6]);
        assert_eq!(numbers(3), [6, 4, 5]);
        assert_eq!(numbers(5), [6, 4, 5, 1, 2]);
        assert_eq!(numbers(50).len(), 6);
    }
}
