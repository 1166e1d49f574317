//! Explains an empty selection: which option left how many accounts.

use std::collections::BTreeSet;

use super::{ManagementAccount, Restriction, Selection, SelectionFailed, Tags, join};
use crate::org::{Account, Tag};
use crate::suggest::did_you_mean;

/// A step that narrows the selection.
#[derive(Clone, Copy)]
enum Step {
    Accounts,
    Units,
    Names,
    Exclusions,
    State,
    Tags,
    EarlierRun,
}

impl Step {
    /// Every step, in the order in which the accounts are narrowed down.
    const ALL: [Self; 7] =
        [Self::Accounts, Self::Units, Self::Names, Self::Exclusions, Self::State, Self::Tags, Self::EarlierRun];

    const fn text(self) -> &'static str {
        match self {
            Self::Accounts => "are among the selected accounts",
            Self::Units => "are in the selected OUs",
            Self::Names => "have a name that matches --name",
            Self::Exclusions => "are not excluded",
            Self::State => "are active and not left out",
            Self::Tags => "have a selected tag",
            Self::EarlierRun => "are among those that the earlier run leaves",
        }
    }
}

/// Returns the error that says which step left how many accounts, down to none, and what may have been meant.
pub(super) fn empty(
    accounts: &[Account],
    management_account: ManagementAccount,
    selection: &Selection,
    tags: &Tags,
    restriction: Option<&Restriction>,
) -> SelectionFailed {
    let Selection { include, exclude, .. } = selection;
    let mut left: Vec<&Account> = accounts.iter().collect();
    let mut narrowing = Vec::new();
    let mut last = Step::State;
    for step in Step::ALL {
        let is_given = match step {
            Step::Accounts => !include.accounts.is_empty(),
            Step::Units => !include.ous.is_empty(),
            Step::Names => !include.names.is_empty(),
            Step::Exclusions => !exclude.is_empty(),
            Step::State => true,
            Step::Tags => !include.tags.is_empty(),
            Step::EarlierRun => restriction.is_some(),
        };
        if !is_given || (left.is_empty() && !narrowing.is_empty()) {
            continue;
        }
        left.retain(|account| match step {
            Step::Accounts => include.has_account(account),
            Step::Units => include.has_unit_of(account),
            Step::Names => include.has_name_of(account),
            Step::Exclusions => {
                !exclude.has_account(account)
                    && !exclude.has_unit_of(account)
                    && !exclude.has_name_of(account)
                    && !exclude.has_tag_of(account, tags)
            }
            Step::State => management_account.reason_to_skip(account).is_none(),
            Step::Tags => include.has_tag_of(account, tags),
            Step::EarlierRun => restriction.is_none_or(|earlier| earlier.accounts.contains(&account.id)),
        });
        narrowing.push(format!("{} {}", left.len(), step.text()));
        last = step;
    }
    let suggestion = match last {
        Step::Names => {
            let literal: String = include.names[0].to_string().replace(['*', '?'], "");
            did_you_mean(&literal, accounts.iter().map(|account| &account.name))
        }
        Step::Tags => tags_with_keys_of(&include.tags, tags),
        Step::Accounts | Step::Units | Step::Exclusions | Step::State | Step::EarlierRun => String::new(),
    };
    SelectionFailed::Empty { listed: accounts.len(), narrowing: narrowing.join(", of these "), suggestion }
}

/// Names the tags that accounts have under the keys that were asked for.
fn tags_with_keys_of(wanted: &BTreeSet<Tag>, tags: &Tags) -> String {
    let is_wanted = |tag: &&Tag| wanted.iter().any(|wanted| wanted.key == tag.key);
    let found: BTreeSet<String> = tags.values().flatten().filter(is_wanted).map(Tag::to_string).collect();
    if found.is_empty() {
        return "; none has a tag of that key".to_owned();
    }
    format!("; there are {}", join(&found))
}
