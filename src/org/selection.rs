//! This module owns the selection: which accounts a run is about, and why the others are not.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

use super::account::{Account, AccountId};
use super::name_pattern::NamePattern;
use super::shard::Shard;
use super::tag::Tag;
use super::unit::{UnitId, ids_in};
use crate::suggest::did_you_mean;

/// How the management account is visited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManagementAccess {
    /// With the caller's own credentials when the caller is in it, else through the role.
    #[default]
    Own,
    /// Through the role, as every other account.
    Role,
    /// Not at all.
    Skip,
}

/// Kinds of accounts. An empty kind says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Criteria {
    /// These accounts.
    pub accounts: BTreeSet<AccountId>,
    /// The accounts in these OUs and roots, with everything below.
    pub ous: BTreeSet<UnitId>,
    /// The accounts with one of these names.
    pub names: Vec<NamePattern>,
    /// The accounts with one of these tags.
    pub tags: BTreeSet<Tag>,
}

/// What the user asked for. Of one kind several widen, several kinds narrow, and exclusion wins over inclusion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Only accounts that are of each of these kinds.
    pub include: Criteria,
    /// No account that is of any of these kinds.
    pub exclude: Criteria,
    /// Only the accounts of this part.
    pub shard: Option<Shard>,
    /// How the management account is visited.
    pub management: ManagementAccess,
}

impl Selection {
    /// Whether the accounts' tags have to be read.
    pub fn needs_tags(&self) -> bool {
        !self.include.tags.is_empty() || !self.exclude.tags.is_empty()
    }

    /// The OUs and roots that are named and in which none of the accounts is. Whether they exist, the accounts can't tell.
    pub fn unseen_units(&self, accounts: &[Account]) -> Vec<UnitId> {
        let seen: HashSet<&str> = accounts.iter().flat_map(|account| ids_in(&account.ou_path)).collect();
        let named = self.include.ous.union(&self.exclude.ous);
        named.filter(|unit| !seen.contains(unit.as_str())).cloned().collect()
    }
}

/// The tags of the accounts whose tags were read.
pub type Tags = BTreeMap<AccountId, BTreeSet<Tag>>;

/// The management account, and why it is left out, if it is.
#[derive(Clone, Copy, Debug)]
pub struct ManagementAccount {
    /// The account.
    pub id: AccountId,
    /// Why it is not visited.
    pub left_out: Option<&'static str>,
}

/// A further restriction that comes from an earlier run: only these accounts, and why not the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// The accounts.
    pub accounts: BTreeSet<AccountId>,
    /// Accounts that were listed in that run. Others have joined since.
    pub listed: BTreeSet<AccountId>,
    /// Accounts that the run could not read, or never came to.
    pub unread: BTreeSet<AccountId>,
    /// Why an account that was listed then is not among them.
    pub reason: SkipReason,
}

/// The selection can't be met. Nothing was visited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionFailed {
    /// An id that the Organization does not have.
    #[error("the Organization has no account {}{suggestion}", join(ids))]
    NoSuchAccounts {
        /// The ids.
        ids: Vec<AccountId>,
        /// `; did you mean …?`, or nothing.
        suggestion: String,
    },
    /// An OU or root that the Organization does not have.
    #[error("the Organization has no OU or root {}{suggestion}", join(ids))]
    NoSuchUnits {
        /// The ids.
        ids: Vec<UnitId>,
        /// `; did you mean …?`, or nothing.
        suggestion: String,
    },
    /// Nothing is left.
    #[error("the selection is empty: of {listed} accounts in the Organization, {}{suggestion}", narrowing(steps))]
    Empty {
        /// How many accounts were listed.
        listed: usize,
        /// What narrowed the selection, and how many accounts it left, down to none.
        steps: Vec<(&'static str, usize)>,
        /// What could be meant instead, or nothing.
        suggestion: String,
    },
}

/// The first few ids, and how many there are beyond.
fn join<T: ToString>(ids: &[T]) -> String {
    const SHOWN: usize = 5;
    let shown = ids.iter().take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match ids.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{shown} and {more} more"),
        _ => shown,
    }
}

fn narrowing(steps: &[(&'static str, usize)]) -> String {
    steps.iter().map(|(what, left)| format!("{left} {what}")).collect::<Vec<_>>().join(", of these ")
}

/// Why an account is not visited: the report's `error_code`, and a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkipReason {
    /// The code.
    pub code: &'static str,
    /// What it means.
    pub message: &'static str,
}

/// The accounts to visit, and the others with their reasons; together they are all accounts.
#[derive(Debug)]
pub struct Selected<'a> {
    /// To be visited.
    pub targets: Vec<&'a Account>,
    /// Not to be visited.
    pub skipped: Vec<(&'a Account, SkipReason)>,
}

/// Checks that everything that is named exists. `missing` are those OUs and roots that Organizations does not know.
///
/// # Errors
///
/// When something does not.
pub(crate) fn check_names(
    accounts: &[Account],
    selection: &Selection,
    missing: Vec<UnitId>,
) -> Result<(), SelectionFailed> {
    let known: BTreeSet<AccountId> = accounts.iter().map(|account| account.id).collect();
    let named = selection.include.accounts.union(&selection.exclude.accounts);
    let ids: Vec<_> = named.filter(|id| !known.contains(id)).copied().collect();
    if let Some(first) = ids.first() {
        let suggestion = did_you_mean(&first.to_string(), known.iter().map(ToString::to_string));
        return Err(SelectionFailed::NoSuchAccounts { ids, suggestion });
    }
    if let Some(first) = missing.first() {
        let units: BTreeSet<&str> = accounts.iter().flat_map(|account| ids_in(&account.ou_path)).collect();
        let suggestion = did_you_mean(first.as_str(), units);
        return Err(SelectionFailed::NoSuchUnits { ids: missing, suggestion });
    }
    Ok(())
}

/// The exclusions by name and by tag that exclude nothing, as they were given. `tags` are those that were read.
pub(crate) fn idle_exclusions(accounts: &[Account], selection: &Selection, tags: &Tags) -> Vec<String> {
    let Criteria { names, tags: unwanted, .. } = &selection.exclude;
    let idle = |name: &&NamePattern| !accounts.iter().any(|account| name.fits(&account.name));
    let names = names.iter().filter(idle).map(|name| format!("--exclude-name {name}"));
    let unused = |tag: &&Tag| !tags.values().any(|has| has.contains(*tag));
    names.chain(unwanted.iter().filter(unused).map(|tag| format!("--exclude-tag {tag}"))).collect()
}

/// The accounts whose tags decide whether they are selected.
pub(crate) fn undecided(
    accounts: &[Account],
    management_account: ManagementAccount,
    selection: &Selection,
    only: Option<&Restriction>,
) -> Vec<AccountId> {
    let open = |account: &&Account| skip(account, management_account, selection, None, only).is_none();
    accounts.iter().filter(open).map(|account| account.id).collect()
}

/// Divides the accounts of the Organization.
///
/// # Errors
///
/// When nothing is left to visit.
pub fn select<'a>(
    accounts: &'a [Account],
    management_account: ManagementAccount,
    selection: &Selection,
    tags: &Tags,
    only: Option<&Restriction>,
) -> Result<Selected<'a>, SelectionFailed> {
    let mut selected = Selected { targets: Vec::new(), skipped: Vec::new() };
    for account in accounts {
        match skip(account, management_account, selection, Some(tags), only) {
            Some(reason) => selected.skipped.push((account, reason)),
            None => selected.targets.push(account),
        }
    }
    // The parts of a small Organization may be empty, and an earlier run may well leave nothing to do; but it is a mistake to
    // select none of what it leaves.
    let whole = Selection { shard: None, ..selection.clone() };
    let is_empty = |selection| {
        accounts.iter().all(|account| skip(account, management_account, selection, Some(tags), only).is_some())
    };
    let everything = Selection::default();
    let nothing_to_do = only.is_some() && is_empty(&everything);
    if selected.targets.is_empty() && !nothing_to_do && is_empty(&whole) {
        return Err(empty(accounts, management_account, selection, tags, only));
    }
    Ok(selected)
}

/// Whether accounts can be selected one by one as they are listed: nothing is named that has to be looked for in the whole list,
/// and no tags are asked for.
pub(crate) fn goes_by_account(selection: &Selection) -> bool {
    let by_account = |kinds: &Criteria| kinds.accounts.is_empty() && kinds.ous.is_empty() && kinds.tags.is_empty();
    by_account(&selection.include) && by_account(&selection.exclude)
}

/// Why an account is not visited, in a selection that goes by account.
pub(crate) fn why_not(
    account: &Account,
    management_account: ManagementAccount,
    selection: &Selection,
) -> Option<SkipReason> {
    skip(account, management_account, selection, None, None)
}

/// Checks that something was selected, in a selection that goes by account.
///
/// # Errors
///
/// When nothing was.
pub(crate) fn check_selected(
    accounts: &[Account],
    management_account: ManagementAccount,
    selection: &Selection,
) -> Result<(), SelectionFailed> {
    select(accounts, management_account, selection, &Tags::new(), None).map(|_| ())
}

/// Why an account is not visited. Without `tags` it is as if every account had the right ones.
fn skip(
    account: &Account,
    management_account: ManagementAccount,
    selection: &Selection,
    tags: Option<&Tags>,
    only: Option<&Restriction>,
) -> Option<SkipReason> {
    let reason = |code, message| Some(SkipReason { code, message });
    let Selection { include, exclude, shard, management: _ } = selection;
    let in_one = |ous: &BTreeSet<UnitId>| ous.iter().any(|unit| unit.holds(&account.ou_path));
    let is_named = |names: &[NamePattern]| names.iter().any(|name| name.fits(&account.name));
    let has_one = |wanted: &BTreeSet<Tag>, unread: bool| match tags {
        None => unread,
        Some(tags) => tags.get(&account.id).is_some_and(|has| !has.is_disjoint(wanted)),
    };
    if exclude.accounts.contains(&account.id) {
        return reason("Excluded", "excluded by --exclude-account");
    }
    if in_one(&exclude.ous) {
        return reason("Excluded", "excluded by --exclude-ou");
    }
    if is_named(&exclude.names) {
        return reason("Excluded", "excluded by --exclude-name");
    }
    if !include.accounts.is_empty() && !include.accounts.contains(&account.id) {
        return reason("NotSelected", "not among the selected accounts");
    }
    if !include.ous.is_empty() && !in_one(&include.ous) {
        return reason("NotSelected", "not in a selected OU");
    }
    if !include.names.is_empty() && !is_named(&include.names) {
        return reason("NotSelected", "its name fits no --name");
    }
    if shard.is_some_and(|shard| !shard.holds(account.id)) {
        return reason("OtherShard", "in another part of --shard");
    }
    match only {
        Some(only) if !only.listed.contains(&account.id) => {
            return reason("JoinedSince", "joined the Organization after the run that this one is based on");
        }
        Some(only) if only.unread.contains(&account.id) => {
            return reason("NotReadByPlan", "the plan could not read it, or never came to it");
        }
        Some(only) if !only.accounts.contains(&account.id) => return Some(only.reason),
        Some(_) | None => {}
    }
    if let (true, Some(why)) = (account.id == management_account.id, management_account.left_out) {
        return reason("ManagementAccount", why);
    }
    if let Some(code) = account.state.skip_code() {
        return reason(code, "only accounts in state ACTIVE can be visited");
    }
    // Last, because only the tags of accounts that come this far are read.
    if !exclude.tags.is_empty() && has_one(&exclude.tags, false) {
        return reason("Excluded", "excluded by --exclude-tag");
    }
    if !include.tags.is_empty() && !has_one(&include.tags, true) {
        return reason("NotSelected", "has no selected tag");
    }
    None
}

/// Says what narrowed the selection down to nothing.
fn empty(
    accounts: &[Account],
    management_account: ManagementAccount,
    selection: &Selection,
    tags: &Tags,
    earlier: Option<&Restriction>,
) -> SelectionFailed {
    let only = |include: Criteria| Selection { include, ..Selection::default() };
    let Criteria { accounts: ids, ous, names, tags: wanted } = selection.include.clone();
    let exclude = Selection { exclude: selection.exclude.clone(), ..Selection::default() };
    // One step for each thing that narrows, in the order in which people think of them.
    let narrowings = [
        (!ids.is_empty(), "are among the selected accounts", only(Criteria { accounts: ids, ..Criteria::default() })),
        (!ous.is_empty(), "are in the selected OUs", only(Criteria { ous, ..Criteria::default() })),
        (
            !names.is_empty(),
            "have a name that fits --name",
            only(Criteria { names: names.clone(), ..Criteria::default() }),
        ),
        (exclude.exclude != Criteria::default(), "are not excluded", exclude),
        (true, "are active and not left out", Selection::default()),
        (!wanted.is_empty(), "have a selected tag", only(Criteria { tags: wanted.clone(), ..Criteria::default() })),
    ];
    let mut left: Vec<&Account> = accounts.iter().collect();
    let mut steps = Vec::new();
    for (given, what, selection) in narrowings {
        if !given || steps.last().is_some_and(|(_, left)| *left == 0) {
            continue;
        }
        let by_state = selection == Selection::default();
        left.retain(|account| match skip(account, management_account, &selection, Some(tags), None) {
            None => true,
            // Whether it is active is a step of its own.
            Some(reason) => !by_state && !["NotSelected", "Excluded"].contains(&reason.code),
        });
        steps.push((what, left.len()));
    }
    if let (Some(earlier), Some(1..)) = (earlier, steps.last().map(|(_, left)| *left)) {
        left.retain(|account| earlier.accounts.contains(&account.id));
        steps.push(("are among those that the earlier run leaves", left.len()));
    }
    let suggestion = match steps.last() {
        Some(("have a name that fits --name", _)) => {
            let plain: String = names[0].to_string().chars().filter(|character| !"*?".contains(*character)).collect();
            did_you_mean(&plain, accounts.iter().map(|account| &account.name))
        }
        Some(("have a selected tag", _)) => {
            let keys: BTreeSet<&str> = wanted.iter().map(|tag| tag.key.as_str()).collect();
            let values: BTreeSet<String> =
                tags.values().flatten().filter(|tag| keys.contains(tag.key.as_str())).map(Tag::to_string).collect();
            let values: Vec<String> = values.into_iter().collect();
            if values.is_empty() {
                "; none has a tag of that key".to_owned()
            } else {
                format!("; there are {}", join(&values))
            }
        }
        _ => String::new(),
    };
    SelectionFailed::Empty { listed: accounts.len(), steps, suggestion }
}

#[cfg(test)]
mod tests;
