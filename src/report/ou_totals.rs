//! Counts the outcomes of the accounts below each OU.

use std::collections::{BTreeMap, HashMap};

use crate::org::Account;
use crate::org::organizational_unit::step_ranges;
use crate::rollout::{Outcome, Record, Tally};

/// A root or an OU, with the outcomes of the accounts in it and below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit<'a> {
    /// The path from the Organization down, as in the accounts; empty for accounts whose path is not known.
    pub path: &'a str,
    /// The last step of the path: an id. In journals of format 1, the name can follow it.
    pub id: &'a str,
    /// The names from the root down; empty if no name is known.
    pub names: &'a [String],
    /// The depth, 0 for a root.
    pub depth: usize,
    /// The outcomes of the accounts.
    pub tally: Tally,
}

impl Unit<'_> {
    /// Returns the name, or the id if the name is not known; empty for accounts whose path is not known.
    pub(crate) fn label(&self) -> &str {
        self.names.last().map_or(self.id, String::as_str)
    }

    /// Returns whether an account failed, is unverified, or was not attempted.
    pub(crate) fn has_unfinished(&self) -> bool {
        self.tally.errors() + self.tally.of(Outcome::NotAttempted) > 0
    }
}

/// Returns every OU with accounts in it or below it, parents before children.
pub(crate) fn units<'a>(accounts: &'a [Account], records: &[Record]) -> Vec<Unit<'a>> {
    // Thousands of accounts share a few paths, so each path is split only once.
    let mut by_path: HashMap<&str, (Tally, &[String])> = HashMap::new();
    for (account, record) in accounts.iter().zip(records) {
        let (tally, names) = by_path.entry(&account.attributes.ou_path).or_default();
        tally.add(record.outcome);
        if names.is_empty() {
            *names = &account.attributes.ou_names;
        }
    }
    let mut units: BTreeMap<&str, Unit<'a>> = BTreeMap::new();
    for (path, (tally, names)) in by_path {
        for (depth, (start, end)) in step_ranges(path).into_iter().enumerate() {
            let unit = units.entry(&path[..end]).or_insert_with(|| Unit {
                path: &path[..end],
                id: path[start..end].trim_end_matches('/'),
                names: names.get(..=depth).unwrap_or_default(),
                depth,
                tally: Tally::default(),
            });
            unit.tally.include(&tally);
        }
    }
    let mut units: Vec<Unit<'a>> = units.into_values().collect();
    // By name, as readers look for an OU. Without names, the order of the ids stays.
    units.sort_by(|one, other| one.names.cmp(other.names));
    units
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::{AccountAttributes, TokenVersion, UnitNames};

    fn rows(of: &[(&str, Outcome)]) -> (Vec<Account>, Vec<Record>) {
        let rows = of.iter().enumerate().map(|(number, (path, outcome))| {
            let account = Account {
                id: format!("{number:012}").parse().unwrap(),
                name: Box::default(),
                email: Box::default(),
                attributes: AccountAttributes::active_in(path),
                joined_at: None,
            };
            let record = Record { outcome: *outcome, ..Record::blank(account.id, TokenVersion::V2Token) };
            (account, record)
        });
        rows.unzip()
    }

    #[test]
    fn an_ou_includes_the_accounts_below_it() {
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
        let seen: Vec<_> = units.iter().map(|u| (u.id, u.depth, u.tally.total(), u.has_unfinished())).collect();
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

    #[test]
    fn named_ous_are_sorted_by_name_below_their_parents() {
        let (mut accounts, records) = rows(&[
            ("o-x/r-y/ou-y-a/", Outcome::Changed),
            ("o-x/r-y/ou-y-b/ou-y-c/", Outcome::Changed),
            ("o-x/r-y/ou-y-b/ou-y-new/", Outcome::Changed),
        ]);
        let mut names = UnitNames::default();
        for (id, parent, name) in [
            ("r-y", None, "Root"),
            ("ou-y-a", Some("r-y"), "Workloads"),
            ("ou-y-b", Some("r-y"), "Infra"),
            ("ou-y-c", Some("ou-y-b"), "Prod/EU"),
        ] {
            let parent = parent.map(|parent: &str| parent.parse().unwrap());
            names.insert(id.parse().unwrap(), parent, name.to_owned());
        }
        names.name(&mut accounts);
        let units = units(&accounts, &records);
        let seen: Vec<_> = units.iter().map(|unit| (unit.label(), unit.id, unit.depth)).collect();
        let expected = [
            ("Root", "r-y", 0),
            ("Infra", "ou-y-b", 1),
            ("Prod/EU", "ou-y-c", 2),
            ("ou-y-new", "ou-y-new", 2),
            ("Workloads", "ou-y-a", 1),
        ];
        assert_eq!(seen, expected);
    }
}
