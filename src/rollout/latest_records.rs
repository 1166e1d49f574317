//! The latest record of each account, in one list.

use super::record::Record;
use crate::org::AccountId;
use crate::org::account_index::AccountIndex;

/// The latest record of each account, in the order in which the accounts were first recorded. The records are in one list, because a third
/// of a tree's nodes would be empty, and the list can be sorted without a copy.
#[derive(Clone, Debug, Default)]
pub struct LatestRecords {
    records: Vec<Record>,
    /// The place of each account in `records`.
    places: AccountIndex,
}

impl PartialEq for LatestRecords {
    fn eq(&self, other: &Self) -> bool {
        self.records == other.records
    }
}

impl Eq for LatestRecords {}

impl LatestRecords {
    /// Adds a record. It replaces an earlier record of the account.
    pub fn insert(&mut self, record: Record) {
        let (account, length) = (record.account_id, self.records.len());
        let place = self.places.add(account, length, |place| self.records[place].account_id);
        match self.records.get_mut(place) {
            Some(earlier) => *earlier = record,
            None => self.records.push(record),
        }
    }

    /// Makes space for records of this many accounts in all, so that the list is not copied while it grows.
    pub fn reserve(&mut self, accounts: usize) {
        self.records.reserve_exact(accounts.saturating_sub(self.records.len()));
    }

    /// Returns the record of an account.
    pub fn get(&self, account: AccountId) -> Option<&Record> {
        self.place(account).map(|place| &self.records[place])
    }

    /// Returns the record of an account, to change it.
    pub fn get_mut(&mut self, account: AccountId) -> Option<&mut Record> {
        self.place(account).map(|place| &mut self.records[place])
    }

    /// Whether the account has a record.
    pub fn contains(&self, account: AccountId) -> bool {
        self.place(account).is_some()
    }

    fn place(&self, account: AccountId) -> Option<usize> {
        self.places.get(account, |place| self.records[place].account_id)
    }

    /// Returns all records.
    pub fn iter(&self) -> std::slice::Iter<'_, Record> {
        self.records.iter()
    }

    /// Returns all records, sorted by account id.
    pub fn into_sorted(mut self) -> Vec<Record> {
        self.places = AccountIndex::default();
        self.records.sort_unstable_by_key(|record| record.account_id);
        self.records
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::TokenVersion;
    use crate::rollout::Outcome::{self, Changed, Failed, Unchanged};

    #[test]
    fn the_latest_record_counts() {
        let id = |number: u64| format!("{number:012}").parse::<AccountId>().unwrap();
        let mut records = LatestRecords::default();
        for (number, outcome) in [(3, Failed), (1, Unchanged), (3, Changed), (2, Failed)] {
            records.insert(Record { outcome, ..Record::blank(id(number), TokenVersion::V2Token) });
        }
        records.get_mut(id(2)).unwrap().wave = Some(2);
        let of = |number| records.get(id(number)).map(|record| (record.outcome, record.wave));
        assert_eq!(
            [1, 2, 3, 4].map(of),
            [Some((Unchanged, None)), Some((Failed, Some(2))), Some((Changed, None)), None]
        );
        assert_eq!([1, 4].map(|number| records.contains(id(number))), [true, false]);
        let ids = |records: &[Record]| records.iter().map(|record| record.account_id.number()).collect::<Vec<_>>();
        assert_eq!(records.iter().map(|record| record.outcome).collect::<Vec<Outcome>>(), [Changed, Unchanged, Failed]);
        assert_eq!(ids(&records.into_sorted()), [1, 2, 3]);
    }
}
