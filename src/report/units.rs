//! This module owns the report by OU: how the accounts below each of them came out.

use std::collections::{BTreeMap, HashMap};

use crate::org::Account;
use crate::rollout::{Outcome, Record, Tally};

/// An OU or the root, with what came of the accounts in it and in the OUs below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit<'a> {
    /// The path from the Organization down, as in the accounts; empty for the accounts whose path is not known.
    pub path: &'a str,
    /// The last step of the path: an id, with the name beside it where that is known.
    pub name: &'a str,
    /// How deep it is, 0 for a root.
    pub depth: usize,
    /// The outcomes of the accounts in it and below it.
    pub tally: Tally,
}

impl Unit<'_> {
    /// Whether an account below it is not as it was wanted.
    pub(crate) fn is_open(&self) -> bool {
        self.tally.errors() + self.tally.of(Outcome::NotAttempted) > 0
    }
}

/// Every OU that has accounts in it or below it, each before those below it.
pub(crate) fn units<'a>(accounts: &'a [Account], records: &[Record]) -> Vec<Unit<'a>> {
    // Thousands of accounts share a few paths, so that each path is taken apart once.
    let mut by_path: HashMap<&str, Tally> = HashMap::new();
    for (account, record) in accounts.iter().zip(records) {
        by_path.entry(&account.ou_path).or_default().add(record.outcome);
    }
    let mut units: BTreeMap<&str, Unit<'a>> = BTreeMap::new();
    for (path, tally) in by_path {
        for (depth, (start, end)) in steps(path).into_iter().enumerate() {
            let unit = units.entry(&path[..end]).or_insert_with(|| Unit {
                path: &path[..end],
                name: path[start..end].trim_end_matches('/'),
                depth,
                tally: Tally::default(),
            });
            unit.tally.include(&tally);
        }
    }
    units.into_values().collect()
}

/// Where each step of a path starts and ends, its slash included, from the root on: the Organization's own id is left out.
///
/// A name may have a slash in it, so only one in front of the next id ends a step.
fn steps(path: &str) -> Vec<(usize, usize)> {
    let ends = path.match_indices('/').map(|(at, _)| at + 1);
    let ends =
        ends.filter(|end| path[*end..].is_empty() || path[*end..].starts_with("ou-") || path[*end..].starts_with("r-"));
    let mut start = 0;
    let mut steps: Vec<(usize, usize)> = ends.map(|end| (std::mem::replace(&mut start, end), end)).collect();
    if steps.len() > 1 && path.starts_with("o-") {
        steps.remove(0);
    }
    if steps.is_empty() { vec![(0, path.len())] } else { steps }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::{AccountState, TokenVersion};

    fn rows(of: &[(&str, Outcome)]) -> (Vec<Account>, Vec<Record>) {
        let rows = of.iter().enumerate().map(|(number, (path, outcome))| {
            let account = Account {
                id: format!("{number:012}").parse().unwrap(),
                name: String::new(),
                email: String::new(),
                state: AccountState::Active,
                ou_path: (*path).to_owned(),
                invited: false,
            };
            let record = Record { outcome: *outcome, ..Record::blank(account.id, TokenVersion::V2Token) };
            (account, record)
        });
        rows.unzip()
    }

    #[test]
    fn an_ou_counts_the_accounts_below_it_too() {
        use Outcome::{Changed, Failed, Skipped, Unchanged};
        let (accounts, records) = rows(&[
            ("o-x/r-y/", Unchanged),
            ("o-x/r-y/ou-y-b/ou-y-c (Prod / EU)/", Failed),
            ("o-x/r-y/ou-y-b/", Changed),
            ("o-x/r-y/ou-y-b-2/", Skipped),
            ("o-x/r-y/ou-y-b/ou-y-c (Prod / EU)/", Changed),
            ("", Changed),
        ]);
        let units = units(&accounts, &records);
        let seen: Vec<_> = units.iter().map(|u| (u.name, u.depth, u.tally.total(), u.is_open())).collect();
        let expected = [
            ("", 0, 1, false),
            ("r-y", 0, 5, true),
            ("ou-y-b-2", 1, 1, false),
            ("ou-y-b", 1, 3, true),
            ("ou-y-c (Prod / EU)", 2, 2, true),
        ];
        assert_eq!(seen, expected);
        assert_eq!(units[4].tally.of(Failed), 1);
        assert!(units[4].path.starts_with(units[3].path));
    }
}
