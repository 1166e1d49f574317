//! Groups the accounts of a comparison that have the same difference, the same outcomes and the same causes.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::{AccountResult, Comparison, Difference};
use crate::org::Account;
use crate::rollout::Outcome;
use crate::rollout::cause::without_ids;

/// Accounts that differ in the same way.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DifferenceGroup<'a> {
    pub(super) difference: Difference,
    /// The result in the earlier run; empty if the accounts are not in it.
    pub(super) before: String,
    /// The result in the later run; empty if the accounts are not in it.
    pub(super) after: String,
    /// The advice for the first of the accounts.
    pub(super) hint: &'a str,
    pub(super) accounts: Vec<&'a Account>,
}

/// Returns the groups in the order of the differences. For each difference, the largest group comes first.
pub(super) fn groups<'a>(comparison: &Comparison<'a>) -> Vec<DifferenceGroup<'a>> {
    let mut places: HashMap<(Difference, String, String), usize> = HashMap::new();
    let mut groups: Vec<DifferenceGroup<'a>> = Vec::new();
    for pair in comparison.changed() {
        let with_state = pair.difference == Difference::StateChanged;
        let (before, after) = (describe(pair.before, with_state), describe(pair.after, with_state));
        let place = *places.entry((pair.difference, before.clone(), after.clone())).or_insert_with(|| {
            let hint = pair.after.and_then(|result| result.record.error.as_ref()).map_or("", |error| &error.hint);
            groups.push(DifferenceGroup { difference: pair.difference, before, after, hint, accounts: Vec::new() });
            groups.len() - 1
        });
        groups[place].accounts.push(pair.account());
    }
    groups.sort_by_key(|group| (group.difference, Reverse(group.accounts.len())));
    groups
}

/// Describes the result of an account in a run; empty if the run has no such account. The text is partly untrusted, and not
/// sanitized.
fn describe(result: Option<AccountResult<'_>>, with_state: bool) -> String {
    let Some(AccountResult { account, record }) = result else { return String::new() };
    let mut words = record.outcome.to_string();
    if let Some(read) = record.current_version {
        words.push_str(&format!(" on {read}"));
    }
    if with_state {
        words.push_str(&format!(" as {}", account.attributes.state.as_str()));
    }
    if let Some(error) = &record.error {
        words.push_str(&format!(" at {}: {}", error.stage, error.error_code));
        let message = without_ids(&error.error_message);
        // The message of a skipped account is about the selection, not about the account.
        if record.outcome != Outcome::Skipped && !message.is_empty() {
            words.push_str(&format!(": {message}"));
        }
    }
    words
}
