//! Explains an empty selection: how many accounts each option left.

use std::collections::BTreeSet;

use super::{ManagementAccount, Restriction, Selection, SelectionFailed, Tags, join};
use crate::org::{Account, Tag};
use crate::suggest::did_you_mean;

/// A step that narrows the selection: whether the step applies, its text, which accounts it keeps, and the suggestion if it keeps
/// no account.
type Step<'a> = (bool, &'static str, &'a dyn Fn(&Account) -> bool, &'a dyn Fn() -> String);

/// Returns the error that says how many accounts each step left, and what the user might have meant.
pub(super) fn empty(
    accounts: &[Account],
    management_account: ManagementAccount,
    selection: &Selection,
    tags: &Tags,
    restriction: Option<&Restriction>,
) -> SelectionFailed {
    let Selection { include, exclude, .. } = selection;
    let is_excluded = |account: &Account| {
        exclude.has_account(account)
            || exclude.has_unit_of(account)
            || exclude.has_name_of(account)
            || exclude.has_tag_of(account, tags)
    };
    let is_left = |account: &Account| restriction.is_none_or(|earlier| earlier.accounts.contains(&account.id));
    let near_name = || {
        let literal: String = include.names[0].to_string().replace(['*', '?'], "");
        did_you_mean(&literal, accounts.iter().map(|account| &account.name))
    };
    // The steps are in the order in which they narrow the selection.
    let steps: [Step<'_>; 7] = [
        (
            !include.accounts.is_empty(),
            "are among the selected accounts",
            &|account| include.has_account(account),
            &String::new,
        ),
        (include.names_units(), "are in the selected OUs", &|account| include.has_unit_of(account), &String::new),
        (
            !include.names.is_empty(),
            "have a name that matches --name",
            &|account| include.has_name_of(account),
            &near_name,
        ),
        (!exclude.is_empty(), "are not excluded", &|account| !is_excluded(account), &String::new),
        (
            true,
            "are active and not left out",
            &|account| management_account.reason_to_skip(account).is_none(),
            &String::new,
        ),
        (!include.tags.is_empty(), "have a selected tag", &|account| include.has_tag_of(account, tags), &|| {
            tags_with_keys_of(&include.tags, tags)
        }),
        (restriction.is_some(), "are among those that the earlier run allows", &is_left, &String::new),
    ];
    let mut left: Vec<&Account> = accounts.iter().collect();
    let mut narrowing = Vec::new();
    let mut suggestion: &dyn Fn() -> String = &String::new;
    for (_, text, keeps, suggest) in steps.into_iter().filter(|(is_given, ..)| *is_given) {
        if left.is_empty() && !narrowing.is_empty() {
            break;
        }
        left.retain(|account| keeps(account));
        narrowing.push(format!("{} {text}", left.len()));
        suggestion = suggest;
    }
    SelectionFailed::Empty {
        listed: accounts.len(),
        narrowing: narrowing.join(", of these "),
        suggestion: suggestion(),
    }
}

/// Lists the accounts' tags that have one of the requested keys.
fn tags_with_keys_of(wanted: &BTreeSet<Tag>, tags: &Tags) -> String {
    let is_wanted = |tag: &&Tag| wanted.iter().any(|wanted| wanted.key == tag.key);
    let found: BTreeSet<String> = tags.values().flatten().filter(is_wanted).map(Tag::to_string).collect();
    if found.is_empty() {
        return "; none has a tag of that key".to_owned();
    }
    format!("; there are {}", join(&found))
}
