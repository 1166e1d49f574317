//! Groups failures by cause, for the summary, the Markdown report and the page.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::HashMap;

use crate::org::Account;
use crate::rollout::cause::Cause;
use crate::rollout::explanation::without_account;
use crate::rollout::{Outcome, Record};

/// Accounts whose records have the same cause and hint. Hints that differ only in the account that AWS was asked about are the same.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CauseGroup<'a> {
    /// The cause.
    pub cause: Cause<'a>,
    /// The advice to the user.
    pub hint: &'a str,
    /// The accounts, sorted by id.
    pub accounts: Vec<&'a Account>,
}

impl CauseGroup<'_> {
    /// Returns the heading of the section that lists the group.
    pub(super) const fn heading(&self) -> &'static str {
        if self.cause.outcome.is_error() { "Failures by cause" } else { "Not attempted, by cause" }
    }
}

/// All groups, and the group of each record.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Causes<'a> {
    /// Groups of errors come first, then groups of accounts that were not attempted, then groups of skipped accounts. In each of
    /// these three parts, the largest group comes first.
    pub groups: Vec<CauseGroup<'a>>,
    /// For each record, in order, the index of its group.
    pub of_record: Vec<Option<u32>>,
}

impl<'a> Causes<'a> {
    /// Groups the records that have an error.
    pub(crate) fn of(accounts: &'a [Account], records: &'a [Record]) -> Self {
        let mut indexes: HashMap<(Cause<'a>, Cow<'a, str>), u32> = HashMap::new();
        let mut groups: Vec<CauseGroup<'a>> = Vec::new();
        let mut group_of = |(account, record): (&'a Account, &'a Record)| {
            let error = record.error.as_ref()?;
            let hint = error.hint.as_str();
            let same = match &error.denied_by {
                Some(_) => Cow::Owned(without_account(hint)),
                None => Cow::Borrowed(hint),
            };
            let index = *indexes.entry((Cause::of(record)?, same)).or_insert_with_key(|(cause, _)| {
                groups.push(CauseGroup { cause: cause.clone(), hint, accounts: Vec::new() });
                u32::try_from(groups.len() - 1).expect("four billion of them do not fit into memory")
            });
            groups[index as usize].accounts.push(account);
            Some(index)
        };
        let mut of_record: Vec<Option<u32>> = accounts.iter().zip(records).map(&mut group_of).collect();
        let mut sorted: Vec<(usize, CauseGroup<'a>)> = groups.into_iter().enumerate().collect();
        sorted.sort_by_key(|(_, CauseGroup { cause, accounts, .. })| {
            (!cause.outcome.is_error(), cause.outcome == Outcome::Skipped, Reverse(accounts.len()))
        });
        let mut new_indexes = vec![0; sorted.len()];
        for (new, (old, _)) in (0..).zip(&sorted) {
            new_indexes[*old] = new;
        }
        for index in of_record.iter_mut().flatten() {
            *index = new_indexes[*index as usize];
        }
        let groups = sorted.into_iter().map(|(_, group)| group).collect();
        Self { groups, of_record }
    }
}

/// Returns the groups of failed, unverified and unattempted accounts, in the order of [`Causes::groups`].
pub(crate) fn causes<'a>(accounts: &'a [Account], records: &'a [Record]) -> Vec<CauseGroup<'a>> {
    let mut groups = Causes::of(accounts, records).groups;
    groups.retain(|group| group.cause.outcome != Outcome::Skipped);
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_sorted_and_every_record_knows_its_group() {
        use crate::org::{AccountAttributes, TokenVersion};
        use crate::rollout::{AccountError, Stage};
        use Outcome::{Changed, Failed, NotAttempted, Skipped, Unverified};
        let row = |(number, (outcome, code)): (usize, &(Outcome, &str))| {
            let id = format!("{number:012}").parse().unwrap();
            let (name, email, ou_path) = (String::new(), String::new(), String::new());
            let account = Account {
                id,
                name: name.into(),
                email: email.into(),
                attributes: AccountAttributes::active_in(&ou_path),
                joined_at: None,
            };
            let error = (*outcome != Changed).then(|| AccountError {
                stage: Stage::Set,
                error_code: (*code).into(),
                error_message: format!("no {id} today"),
                hint: String::new(),
                denied_by: None,
            });
            (
                account,
                Record { outcome: *outcome, error: error.map(Box::new), ..Record::blank(id, TokenVersion::V2Token) },
            )
        };
        let outcomes = [
            (Skipped, "Closed"),
            (Failed, "A"),
            (Changed, ""),
            (Failed, "B"),
            (NotAttempted, "C"),
            (Failed, "B"),
            (Skipped, "Closed"),
            (Skipped, "Closed"),
            (Unverified, "A"),
        ];
        let (accounts, records): (Vec<_>, Vec<_>) = outcomes.iter().enumerate().map(row).unzip();
        let causes_of_all = Causes::of(&accounts, &records);
        let seen: Vec<_> = causes_of_all
            .groups
            .iter()
            .map(|group| (group.cause.outcome, group.cause.error_code, group.accounts.len()))
            .collect();
        let expected =
            [(Failed, "B", 2), (Failed, "A", 1), (Unverified, "A", 1), (NotAttempted, "C", 1), (Skipped, "Closed", 3)];
        assert_eq!(seen, expected);
        let indexes = [Some(4), Some(1), None, Some(0), Some(3), Some(0), Some(4), Some(4), Some(2)];
        assert_eq!(causes_of_all.of_record, indexes);
        assert_eq!(causes(&accounts, &records).len(), 4, "skipped accounts are no failures");
        assert_eq!(causes_of_all.groups[0].cause.message, "no <account> today");
    }
}
