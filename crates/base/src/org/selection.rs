//! The selection: which accounts a run visits, and why it skips the others.

mod explain;
pub mod skip_reason;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::account::{Account, AccountId};
use super::exception::{Exception, Exceptions};
use super::join;
use super::name_pattern::NamePattern;
use super::organizational_unit::{UnitId, ids_in};
use super::shard::Shard;
use super::tag::Tag;
use super::unit_choice::UnitChoice;
use super::unit_names::{NearMisses, UnitNames};
use crate::suggest::did_you_mean;
use crate::timestamp::optional_time;

pub use skip_reason::SkipReason;

/// How the management account is visited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManagementAccess {
    /// With the credentials of the caller, or of the last role of `--via-role` (the hub), if they belong to the management
    /// account. Otherwise, through the role.
    #[default]
    Own,
    /// Through the role, like every other account.
    Role,
    /// Not at all.
    Skip,
}

/// The criteria by which an account is selected or excluded. An empty criterion has no effect: it neither excludes accounts nor
/// restricts the selection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Criteria {
    /// These accounts.
    pub accounts: BTreeSet<AccountId>,
    /// The accounts in these OUs and roots, at any depth.
    pub ous: BTreeSet<UnitId>,
    /// The OUs and roots that were given by their path of names. Their ids are added to `ous` as soon as the names are read.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub ou_names: BTreeSet<UnitChoice>,
    /// The accounts with one of these names.
    pub names: Vec<NamePattern>,
    /// The accounts with one of these tags.
    pub tags: BTreeSet<Tag>,
}

impl Criteria {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether OUs or roots are named.
    fn names_units(&self) -> bool {
        !self.ous.is_empty() || !self.ou_names.is_empty()
    }

    fn has_account(&self, account: &Account) -> bool {
        self.accounts.contains(&account.id)
    }

    fn has_unit_of(&self, account: &Account) -> bool {
        self.ous.iter().any(|unit| unit.contains(&account.attributes.ou_path))
    }

    fn has_name_of(&self, account: &Account) -> bool {
        self.names.iter().any(|name| name.matches(&account.name))
    }

    fn has_tag_of(&self, account: &Account, tags: &Tags) -> bool {
        tags.get(&account.id).is_some_and(|of_account| !of_account.is_disjoint(&self.tags))
    }
}

/// What the user asked for. Several values of one criterion widen the selection, several criteria narrow it, and exclusion takes
/// precedence over inclusion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Only accounts that match each of these criteria.
    pub include: Criteria,
    /// No account that matches any of these criteria.
    pub exclude: Criteria,
    /// Only accounts that joined the Organization at this time or later.
    #[serde(skip_serializing_if = "Option::is_none", with = "optional_time")]
    pub joined_since: Option<SystemTime>,
    /// Only the accounts of this shard.
    pub shard: Option<Shard>,
    /// How the management account is visited.
    pub management: ManagementAccess,
    /// The accounts of `--exceptions`; `None` without this option.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exceptions: Option<Exceptions>,
}

impl Selection {
    /// Returns the exception of an account, if it is in force.
    pub fn exception_of(&self, account: AccountId) -> Option<&Exception> {
        self.exceptions.as_ref()?.in_force.get(&account)
    }

    /// Whether another selection can be from the same options. A `--joined-since` that is a span depends on the time, the ids of OUs that
    /// are named by their path are added later, and exceptions end.
    pub fn is_again(&self, stored: &Self) -> bool {
        let same = |given: &Criteria, stored: &Criteria| {
            let without_ous = |of: &Criteria| Criteria { ous: BTreeSet::new(), ..of.clone() };
            without_ous(given) == without_ous(stored)
                && given.ous.is_subset(&stored.ous)
                && (!given.ou_names.is_empty() || given.ous == stored.ous)
        };
        let excepted =
            |of: &Self| of.exceptions.as_ref().map(|all| all.in_force.keys().copied().collect::<BTreeSet<_>>());
        same(&self.include, &stored.include)
            && same(&self.exclude, &stored.exclude)
            && self.joined_since.is_some() == stored.joined_since.is_some()
            && match (excepted(self), excepted(stored)) {
                (None, None) => true,
                (Some(given), Some(stored)) => given.is_subset(&stored),
                (Some(_), None) | (None, Some(_)) => false,
            }
    }

    /// Whether the accounts' tags have to be read.
    pub fn needs_tags(&self) -> bool {
        !self.include.tags.is_empty() || !self.exclude.tags.is_empty()
    }

    /// Whether OUs or roots are named.
    pub fn needs_units(&self) -> bool {
        self.include.names_units() || self.exclude.names_units()
    }

    /// Whether all accounts have to be listed before the first account can be selected. This is necessary if the selection names
    /// accounts or OUs, because the program checks that they exist. It is also necessary if the selection needs tags.
    pub fn needs_whole_list(&self) -> bool {
        let names_accounts = !self.include.accounts.is_empty() || !self.exclude.accounts.is_empty();
        names_accounts || self.needs_units() || self.needs_tags()
    }

    /// Whether OUs or roots are named by id. An id that no account has in its path must be looked up.
    pub fn names_unit_ids(&self) -> bool {
        !self.include.ous.is_empty() || !self.exclude.ous.is_empty()
    }

    /// Returns the OUs and roots that were given by their path of names.
    pub fn ou_names(&self) -> impl Iterator<Item = &UnitChoice> {
        self.include.ou_names.union(&self.exclude.ou_names)
    }

    /// Adds the ids of the OUs and roots that were given by their path of names.
    ///
    /// # Errors
    ///
    /// Returns an error if no OU, or more than one, has a path of names.
    pub fn resolve_ou_names(&mut self, names: &UnitNames) -> Result<(), NearMisses> {
        for criteria in [&mut self.include, &mut self.exclude] {
            for choice in &criteria.ou_names {
                criteria.ous.insert(choice.resolve(names)?);
            }
        }
        Ok(())
    }

    /// Returns the named OUs and roots that contain none of the accounts. Such an OU or root might be empty, or might not exist.
    pub fn units_without_accounts(&self, accounts: &[Account]) -> Vec<UnitId> {
        let seen: HashSet<&str> = accounts.iter().flat_map(|account| ids_in(&account.attributes.ou_path)).collect();
        let named = self.include.ous.union(&self.exclude.ous);
        named.filter(|unit| !seen.contains(unit.as_str())).cloned().collect()
    }
}

/// The tags of the accounts whose tags were read.
pub type Tags = BTreeMap<AccountId, BTreeSet<Tag>>;

/// The management account and, if it is skipped, the reason.
#[derive(Clone, Copy, Debug)]
pub struct ManagementAccount {
    /// The management account's id.
    pub id: AccountId,
    /// Why the management account is skipped although it is active; `None` if there is no such reason.
    pub skip_reason: Option<SkipReason>,
}

impl ManagementAccount {
    /// Whether this is the management account, and it is skipped.
    pub fn is_skipped(self, account: AccountId) -> bool {
        account == self.id && self.skip_reason.is_some()
    }

    /// Returns why `account` can't be visited even if it is selected: it is the management account, and the management account is
    /// skipped, or its state is not ACTIVE.
    fn reason_to_skip(self, account: &Account) -> Option<SkipReason> {
        let as_management_account = self.skip_reason.filter(|_| account.id == self.id);
        as_management_account.or_else(|| account.attributes.state.skip_code().map(SkipReason::State))
    }
}

/// Restricts the selection to accounts of an earlier run: the plan that is applied, or the run that is undone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restriction {
    /// The accounts that may be visited.
    pub accounts: BTreeSet<AccountId>,
    /// The accounts that the earlier run listed. All other accounts have joined the Organization since.
    pub listed: BTreeSet<AccountId>,
    /// The accounts that the earlier run could not read or did not reach.
    pub unread: BTreeSet<AccountId>,
    /// The reason to skip an account that is in `listed`, but neither in `accounts` nor in `unread`.
    pub reason: SkipReason,
}

/// No account can be visited, because the selection names something that does not exist, or matches no account.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionFailed {
    /// The selection names accounts that the Organization does not have.
    #[error("the Organization has no account {}{suggestion}", join(ids))]
    NoSuchAccounts {
        /// The ids.
        ids: Vec<AccountId>,
        /// `; did you mean …?`, or an empty text.
        suggestion: String,
    },
    /// The selection names OUs or roots that the Organization does not have.
    #[error("the Organization has no OU or root {}{suggestion}", join(ids))]
    NoSuchUnits {
        /// The ids.
        ids: Vec<UnitId>,
        /// `; did you mean …?`, or an empty text.
        suggestion: String,
    },
    /// The selection names an OU or root by a path of names that none has, or more than one.
    #[error("{0}")]
    NoSuchNames(NearMisses),
    /// The selection matches no account that can be visited.
    #[error("the selection is empty: of {listed} accounts in the Organization, {narrowing}{suggestion}")]
    Empty {
        /// How many accounts were listed.
        listed: usize,
        /// How many accounts were left after each option, down to none.
        narrowing: String,
        /// What might have been meant, or an empty text.
        suggestion: String,
    },
}

/// The accounts to visit, and the accounts to skip, each with its reason. Together they are all accounts.
#[derive(Debug)]
pub struct SelectionResult<'a> {
    /// The accounts to visit.
    pub targets: Vec<&'a Account>,
    /// The accounts to skip.
    pub skipped: Vec<(&'a Account, SkipReason)>,
}

/// Checks that all accounts, OUs and roots that the selection names exist. `missing` lists the named OUs and roots that do not
/// exist.
///
/// # Errors
///
/// Returns an error that names those that do not exist.
pub fn check_names(accounts: &[Account], selection: &Selection, missing: Vec<UnitId>) -> Result<(), SelectionFailed> {
    let known: BTreeSet<AccountId> = accounts.iter().map(|account| account.id).collect();
    let named = selection.include.accounts.union(&selection.exclude.accounts);
    let ids: Vec<_> = named.filter(|id| !known.contains(id)).copied().collect();
    if let Some(first) = ids.first() {
        let suggestion = did_you_mean(&first.to_string(), known.iter().map(ToString::to_string));
        return Err(SelectionFailed::NoSuchAccounts { ids, suggestion });
    }
    if let Some(first) = missing.first() {
        let units: BTreeSet<&str> = accounts.iter().flat_map(|account| ids_in(&account.attributes.ou_path)).collect();
        let suggestion = match did_you_mean(first.as_str(), units.iter().copied()) {
            none if none.is_empty() => near_units(first.as_str(), units),
            near => near,
        };
        return Err(SelectionFailed::NoSuchUnits { ids: missing, suggestion });
    }
    Ok(())
}

/// Returns the ids that are most like a wrong one, if none of them is near.
fn near_units(wrong: &str, units: BTreeSet<&str>) -> String {
    /// How many are named.
    const NAMED: usize = 3;
    let mut units: Vec<&str> =
        units.into_iter().filter(|unit| unit.split('-').next() == wrong.split('-').next()).collect();
    units.sort_by_cached_key(|unit| strsim::osa_distance(wrong, unit));
    units.truncate(NAMED);
    if units.is_empty() { String::new() } else { format!("; those most like it are {}", units.join(", ")) }
}

/// An exclusion that matches no account, and may be mistyped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum UnmatchedExclusion<'a> {
    /// A pattern of names.
    Name(&'a NamePattern),
    /// A tag.
    Tag(&'a Tag),
}

impl fmt::Display for UnmatchedExclusion<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(f, "--exclude-name {name}"),
            Self::Tag(tag) => write!(f, "--exclude-tag {tag}"),
        }
    }
}

/// Returns how many accounts `--joined-since` leaves out only because Organizations does not say when they joined.
pub fn without_join_time(accounts: &[Account], selection: &Selection) -> usize {
    let known = |account: &&Account| account.joined_at.is_none();
    if selection.joined_since.is_none() { 0 } else { accounts.iter().filter(known).count() }
}

/// Returns the exclusions by name and by tag that match no account. `tags` are the tags that were read.
pub fn unmatched_exclusions<'a>(
    accounts: &[Account],
    selection: &'a Selection,
    tags: &Tags,
) -> Vec<UnmatchedExclusion<'a>> {
    let exclude = &selection.exclude;
    let names = exclude.names.iter().filter(|name| !accounts.iter().any(|account| name.matches(&account.name)));
    let unmatched = exclude.tags.iter().filter(|tag| !tags.values().any(|of_account| of_account.contains(*tag)));
    names.map(UnmatchedExclusion::Name).chain(unmatched.map(UnmatchedExclusion::Tag)).collect()
}

/// Returns the accounts whose tags decide whether they are selected.
pub fn accounts_needing_tags(
    accounts: &[Account],
    management_account: ManagementAccount,
    selection: &Selection,
    restriction: Option<&Restriction>,
) -> Vec<AccountId> {
    let needs_tags =
        |account: &&Account| reason_to_skip(account, management_account, selection, None, restriction).is_none();
    accounts.iter().filter(needs_tags).map(|account| account.id).collect()
}

/// Divides the accounts of the Organization into those to visit and those to skip.
///
/// # Errors
///
/// Returns an error if no account is left to visit, unless this is expected: the shard of a small Organization can be empty, no account may
/// have joined lately, an earlier run can leave nothing to do, and every selected account can be in `--exceptions`.
pub fn select<'a>(
    accounts: &'a [Account],
    management_account: ManagementAccount,
    selection: &Selection,
    tags: &Tags,
    restriction: Option<&Restriction>,
) -> Result<SelectionResult<'a>, SelectionFailed> {
    let mut selected = SelectionResult { targets: Vec::new(), skipped: Vec::new() };
    for account in accounts {
        match reason_to_skip(account, management_account, selection, Some(tags), restriction) {
            Some(reason) => selected.skipped.push((account, reason)),
            None => selected.targets.push(account),
        }
    }
    let is_empty = |selection: &Selection| {
        let mut reasons =
            accounts.iter().map(|each| reason_to_skip(each, management_account, selection, Some(tags), restriction));
        reasons.all(|reason| reason.is_some())
    };
    let nothing_to_do = || restriction.is_some() && is_empty(&Selection::default());
    let widest = || Selection { shard: None, joined_since: None, exceptions: None, ..selection.clone() };
    if selected.targets.is_empty() && !nothing_to_do() && is_empty(&widest()) {
        return Err(explain::empty(accounts, management_account, selection, tags, restriction));
    }
    Ok(selected)
}

/// Returns why an account is not visited. Without `tags`, every account counts as matching the tags.
pub fn reason_to_skip(
    account: &Account,
    management_account: ManagementAccount,
    selection: &Selection,
    tags: Option<&Tags>,
    restriction: Option<&Restriction>,
) -> Option<SkipReason> {
    let Selection { include, exclude, joined_since, shard, management: _, exceptions: _ } = selection;
    let by_selection = match account {
        account if exclude.has_account(account) => Some(SkipReason::ExcludedAccount),
        account if exclude.has_unit_of(account) => Some(SkipReason::ExcludedUnit),
        account if exclude.has_name_of(account) => Some(SkipReason::ExcludedName),
        account if !include.accounts.is_empty() && !include.has_account(account) => Some(SkipReason::OtherAccount),
        account if include.names_units() && !include.has_unit_of(account) => Some(SkipReason::OtherUnit),
        account if !include.names.is_empty() && !include.has_name_of(account) => Some(SkipReason::OtherName),
        account if joined_since.is_some() && account.joined_at.is_none() => Some(SkipReason::JoinTimeUnknown),
        account if account.joined_at.map(SystemTime::from) < *joined_since => Some(SkipReason::JoinedEarlier),
        account if shard.is_some_and(|shard| !shard.contains(account.id)) => Some(SkipReason::OtherShard),
        account if selection.exception_of(account.id).is_some() => Some(SkipReason::Excepted),
        _ => None,
    };
    let by_earlier_run = || match restriction? {
        earlier if !earlier.listed.contains(&account.id) => Some(SkipReason::JoinedSince),
        earlier if earlier.unread.contains(&account.id) => Some(SkipReason::NotReadByPlan),
        earlier if !earlier.accounts.contains(&account.id) => Some(earlier.reason),
        _ => None,
    };
    // Tags are checked last, because the tags of an account are read only if the account is not skipped for another reason.
    let by_tags = || match tags? {
        tags if exclude.has_tag_of(account, tags) => Some(SkipReason::ExcludedTag),
        tags if !include.tags.is_empty() && !include.has_tag_of(account, tags) => Some(SkipReason::OtherTag),
        _ => None,
    };
    by_selection.or_else(by_earlier_run).or_else(|| management_account.reason_to_skip(account)).or_else(by_tags)
}

#[cfg(test)]
mod tests;
