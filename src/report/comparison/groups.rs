//! This module owns the groups of a comparison: accounts that differ in the same way, from the same outcome to the same outcome,
//! for the same cause.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::{Comparison, Difference, Sighting};
use crate::org::Account;
use crate::rollout::Outcome;
use crate::rollout::cause::without_ids;

/// Accounts that differ in the same way.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group<'a> {
    pub(super) difference: Difference,
    /// What the earlier run says of them; empty if it does not know them.
    pub(super) before: String,
    /// What the later run says of them; empty if it does not know them.
    pub(super) after: String,
    /// What to do about it, for the first of them.
    pub(super) hint: &'a str,
    pub(super) accounts: Vec<&'a Account>,
}

/// The groups, in the order of the differences, the largest first in each.
pub(super) fn groups<'a>(comparison: &Comparison<'a>) -> Vec<Group<'a>> {
    let mut places: HashMap<(Difference, String, String), usize> = HashMap::new();
    let mut groups: Vec<Group<'a>> = Vec::new();
    for pair in comparison.changed() {
        let with_state = pair.difference == Difference::StateChanged;
        let words =
            |sighting: Option<Sighting<'a>>| sighting.map_or_else(String::new, |sighting| words(sighting, with_state));
        let (before, after) = (words(pair.before), words(pair.after));
        let place = *places.entry((pair.difference, before.clone(), after.clone())).or_insert_with(|| {
            let hint = pair.after.and_then(|sighting| sighting.record.error.as_ref()).map_or("", |error| &error.hint);
            groups.push(Group { difference: pair.difference, before, after, hint, accounts: Vec::new() });
            groups.len() - 1
        });
        groups[place].accounts.push(pair.account());
    }
    groups.sort_by_key(|group| (group.difference, Reverse(group.accounts.len())));
    groups
}

/// What a run says of an account in a few words. They are partly from outside and not made harmless yet.
fn words(sighting: Sighting<'_>, with_state: bool) -> String {
    let Sighting { account, record } = sighting;
    let mut words = record.outcome.to_string();
    if let Some(read) = record.current_version {
        words.push_str(&format!(" on {read}"));
    }
    if with_state {
        words.push_str(&format!(" as {}", account.state.as_str()));
    }
    if let Some(error) = &record.error {
        words.push_str(&format!(" at {}: {}", error.stage, error.error_code));
        let message = without_ids(&error.error_message);
        // Why an account was skipped says more of the selection than of the account.
        if record.outcome != Outcome::Skipped && !message.is_empty() {
            words.push_str(&format!(": {message}"));
        }
    }
    words
}
