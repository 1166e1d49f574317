//! Lists the accounts of the Organization. The list has every account once; an incomplete list is an error.

pub(super) mod members;
mod pagination;
pub(super) mod tags;
pub(super) mod tree;
pub(super) mod unit_names;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::SystemTime;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{
    AccountJoinedMethod, AccountState as ApiState, AccountStatus as ApiStatus, OrganizationFeatureSet,
};

use super::super::failure::from_outside;
use super::super::retry::retry;
use super::super::{Failure, Operation};
use super::call::call;
use pagination::{Page, for_each_page};

use crate::interner::Interner;
use crate::org::account::parent_path;
use crate::org::{Account, AccountAttributes, AccountId, AccountState, UnitNames};

/// The maximum page size (Organizations API reference, `ListAccounts`).
const PAGE: i32 = 20;

/// The longest name of a policy, in characters (Organizations API reference, `PolicySummary`).
const MAX_NAME: usize = 128;

/// The Organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id, `o-…`.
    pub id: String,
    /// Its management account.
    pub management: AccountId,
    /// Whether it has all features, such as service control policies, or only consolidated billing; `None` if Organizations does
    /// not say.
    pub all_features: Option<bool>,
}

/// What is known after all accounts were listed, besides the accounts.
#[derive(Clone, Debug, Default)]
pub struct AccountList {
    /// Why some accounts have no path; `None` if all have one.
    pub without_paths: Option<Failure>,
    /// The names of OUs that were read on the way; empty unless the tree was walked.
    pub names: UnitNames,
}

/// The list of accounts would be incomplete.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// All attempts of a call failed.
    #[error("{0}")]
    Call(#[from] Failure),
    /// A page token came twice, so the list would not end.
    #[error("{operation} gave the same page token twice, after {pages} pages: the list would not be complete")]
    Loop {
        /// The operation.
        operation: Operation,
        /// How many pages were read.
        pages: usize,
    },
    /// A list does not come to an end.
    #[error("{operation} did not come to an end: {limit}, after {pages} pages: the list would not be complete")]
    Endless {
        /// The operation.
        operation: Operation,
        /// How many pages were read.
        pages: usize,
        /// The limit that was exceeded.
        limit: String,
    },
    /// The management account is not in the list.
    #[error(
        "ListAccounts did not name the management account {0}, though every Organization has one: the list is not complete"
    )]
    NoManagementAccount(AccountId),
    /// An account has no usable id.
    #[error("ListAccounts named an account without a usable id (name {name:?}, id {id:?})")]
    NoId {
        /// The account's name.
        name: String,
        /// The text in place of the id.
        id: String,
    },
    /// The list contains no account.
    #[error("ListAccounts named no account at all, though every Organization has its management account")]
    Empty,
    /// `DescribeOrganization` left out the id of the Organization or of its management account.
    #[error("DescribeOrganization did not name the Organization and its management account")]
    Nameless,
}

/// Calls DescribeOrganization. A run makes this call only once, because the quota of the call is 1 request per second.
pub(super) async fn describe(client: &Client, max_attempts: u32) -> Result<Organization, ListingError> {
    let operation = Operation::DescribeOrganization;
    let answer =
        retry(max_attempts, async || call(operation, None, client.describe_organization().send()).await).await?;
    let named = answer.value.organization().and_then(|organization| {
        Some(Organization {
            id: organization.id()?.to_owned(),
            management: organization.master_account_id()?.parse().ok()?,
            all_features: organization.feature_set().map(|set| *set == OrganizationFeatureSet::All),
        })
    });
    named.ok_or(ListingError::Nameless)
}

/// Returns the name of a policy. Calls DescribePolicy once.
pub(super) async fn policy_name(client: &Client, id: &str) -> Result<Option<String>, Failure> {
    let answer = call(Operation::DescribePolicy, None, client.describe_policy().policy_id(id).send()).await?;
    let summary = answer.value.policy().and_then(|policy| policy.policy_summary());
    Ok(summary
        .and_then(|summary| summary.name())
        .filter(|name| !name.is_empty())
        .map(|name| from_outside(name, MAX_NAME)))
}

/// Checks that a list has the management account, as every whole list has.
pub(super) fn check_complete(
    organization: &Organization,
    mut is_listed: impl FnMut(AccountId) -> bool,
) -> Result<(), ListingError> {
    let management = organization.management;
    if is_listed(management) { Ok(()) } else { Err(ListingError::NoManagementAccount(management)) }
}

/// Returns the path of an account's parent from the paths in the list, or an empty text if there is no usable one.
fn listed_path(paths: &[String], id: AccountId) -> String {
    let path = parent_path(paths.first().map_or("", String::as_str), id);
    let is_id = |step: &str| ["o-", "r-", "ou-"].iter().any(|prefix| step.starts_with(prefix));
    let is_path = path.split_terminator('/').all(is_id) && path.split('/').any(|step| step.starts_with("r-"));
    if is_path { path } else { String::new() }
}

/// Passes each account once to `found`, with the number of its page. Accounts that ListAccounts returns without a path in the
/// tree come last, after a walk through the tree. If Organizations refuses the walk or a call for a parent, some of these accounts
/// have no path, and the result has the refusal. With `needs_paths`, the refusal is an error.
pub(super) async fn for_each_account(
    client: &Client,
    max_attempts: u32,
    needs_paths: bool,
    mut found: impl FnMut(Account, usize),
) -> Result<AccountList, ListingError> {
    let (mut seen, mut shared) = (BTreeSet::new(), Interner::default());
    let mut without_path: Vec<Account> = Vec::new();
    let (operation, mut pages) = (Operation::ListAccounts, 0);
    let page = async |token| {
        let request = client.list_accounts().max_results(PAGE).set_next_token(token);
        call(operation, None, request.send()).await
    };
    for_each_page(operation, max_attempts, page, |answer| {
        pages += 1;
        let (known, mut bytes) = (seen.len(), 0);
        for listed in answer.accounts() {
            let (id, name) = (listed.id().unwrap_or_default(), listed.name().unwrap_or_default().to_owned());
            let Ok(id) = id.parse::<AccountId>() else {
                return Err(ListingError::NoId { name, id: id.to_owned() });
            };
            if !seen.insert(id) {
                continue;
            }
            let mut attributes = Arc::new(AccountAttributes {
                // `State` may be missing in other partitions. If it is missing, the older `Status` is used.
                state: AccountState::from_api(
                    listed.state().map(ApiState::as_str),
                    listed.status().map(ApiStatus::as_str),
                ),
                ou_path: listed_path(listed.paths(), id).into(),
                invited: listed.joined_method() == Some(&AccountJoinedMethod::Invited),
                ou_names: Vec::new(),
            });
            shared.intern(&mut attributes);
            let account = Account {
                id,
                name: name.into(),
                email: listed.email().unwrap_or_default().into(),
                attributes,
                joined_at: listed.joined_timestamp().and_then(|time| Some(SystemTime::try_from(*time).ok()?.into())),
            };
            bytes += account.name.len() + account.email.len() + account.attributes.ou_path.len();
            if account.attributes.ou_path.is_empty() {
                without_path.push(account);
            } else {
                found(account, pages);
            }
        }
        Ok(Page { new: seen.len() - known, bytes, next: answer.next_token })
    })
    .await?;
    if seen.is_empty() {
        return Err(ListingError::Empty);
    }
    if without_path.is_empty() {
        return Ok(AccountList::default());
    }
    let ids: Vec<AccountId> = without_path.iter().map(|account| account.id).collect();
    let (parents, list) = tree::parents(client, max_attempts, needs_paths, &ids).await?;
    for account in without_path {
        let ou_path = parents.get(&account.id).cloned().unwrap_or_default().into();
        let mut attributes = Arc::new(AccountAttributes { ou_path, ..AccountAttributes::clone(&account.attributes) });
        shared.intern(&mut attributes);
        found(Account { attributes, ..account }, pages);
    }
    Ok(list)
}
