//! An index of a list with one item for each account: it finds the place of an account.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use hashbrown::HashTable;

use super::AccountId;

/// The places of accounts in a list. It does not keep the ids, because the list has them: so an account takes some 7 bytes instead of 22.
#[derive(Clone, Debug, Default)]
pub struct AccountIndex {
    places: HashTable<u32>,
    hasher: RandomState,
}

impl AccountIndex {
    /// Returns the place of an account; `None` if it was not added. `id_at` returns the id at a place in the list.
    pub fn get(&self, account: AccountId, id_at: impl Fn(usize) -> AccountId) -> Option<usize> {
        let is_account = |place: &u32| id_at(*place as usize) == account;
        self.places.find(self.hasher.hash_one(account), is_account).map(|place| *place as usize)
    }

    /// Adds an account that is about to be added to the end of the list, which has `length` items. Returns the place of the account,
    /// which is another one if it was added before.
    pub fn add(&mut self, account: AccountId, length: usize, id_at: impl Fn(usize) -> AccountId) -> usize {
        let hasher = &self.hasher;
        let is_account = |place: &u32| id_at(*place as usize) == account;
        let entry =
            self.places.entry(hasher.hash_one(account), is_account, |place| hasher.hash_one(id_at(*place as usize)));
        let length = u32::try_from(length).expect("four billion of them do not fit into memory");
        *entry.or_insert(length).get() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_is_found_at_the_place_where_it_was_added_first() {
        let id = |number: usize| -> AccountId { format!("{number:012}").parse().unwrap() };
        let list: Vec<AccountId> = (0..1_000).map(|number| id(number * 7 % 1_000)).collect();
        let mut index = AccountIndex::default();
        for (place, account) in list.iter().enumerate() {
            assert_eq!(index.get(*account, |place| list[place]), None);
            assert_eq!(index.add(*account, place, |place| list[place]), place);
            assert_eq!(index.add(*account, place + 1, |place| list[place]), place);
        }
        for (place, account) in list.iter().enumerate() {
            assert_eq!(index.get(*account, |place| list[place]), Some(place));
        }
        assert_eq!(index.get(id(1_000), |place| list[place]), None);
    }
}
