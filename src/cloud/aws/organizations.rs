//! This module owns the list of accounts: complete, each account once, or an error. Never a shorter list.

mod pagination;
pub(super) mod tags;
pub(super) mod tree;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{Account as ApiAccount, AccountJoinedMethod, OrganizationFeatureSet};

use super::super::retry::retry;
use super::super::{Failure, FailureKind, Operation};
use super::call::call;
use pagination::for_each_page;

use crate::org::account::parent_path;
use crate::org::{Account, AccountId, AccountState};

/// The most that Organizations gives on one page (Organizations API reference, `ListAccounts`).
const PAGE: i32 = 20;

/// The Organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id, `o-…`.
    pub id: String,
    /// Its management account.
    pub management: AccountId,
    /// Whether it has all features, service control policies among them, or only consolidated billing; `None` where Organizations
    /// did not say.
    pub all_features: Option<bool>,
}

/// The list of accounts would not be complete, so there is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingError {
    /// A call failed for good.
    #[error("{0}")]
    Call(#[from] Failure),
    /// A token came twice, so the listing would go round in circles.
    #[error("{operation} gave the same page token twice, after {pages} pages: the list would not be complete")]
    Loop {
        /// The operation.
        operation: Operation,
        /// How many pages were read.
        pages: usize,
    },
    /// An account has no usable id.
    #[error("ListAccounts named an account without a usable id (name {name:?}, id {id:?})")]
    NoId {
        /// The account's name.
        name: String,
        /// What stood in place of the id.
        id: String,
    },
    /// There is not a single account.
    #[error("ListAccounts named no account at all, though every Organization has its management account")]
    Empty,
    /// `DescribeOrganization` left something out.
    #[error("DescribeOrganization did not name the Organization and its management account")]
    Nameless,
}

/// Asks for the Organization. Once in a run: its quota is 1 request per second.
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

/// The accounts of the Organization.
#[derive(Debug)]
pub struct ListedAccounts {
    /// Every account, once, sorted by id.
    pub accounts: Vec<Account>,
    /// Why some accounts have no path in the tree, where Organizations gave none and the walk through the tree was refused.
    pub pathless: Option<Failure>,
}

/// Lists every account, and tells each as it is found, once, with the number of the page that it was on. Accounts without a path in the tree are told last, after a walk
/// through it. It gives why there are accounts without a path, where the walk was refused.
pub(super) async fn for_each_account(
    client: &Client,
    max_attempts: u32,
    mut found: impl FnMut(Account, usize),
) -> Result<Option<Failure>, ListingError> {
    let mut seen = BTreeSet::new();
    let mut pathless: Vec<Account> = Vec::new();
    let (operation, mut pages) = (Operation::ListAccounts, 0);
    let page = async |token| {
        let request = client.list_accounts().max_results(PAGE).set_next_token(token);
        call(operation, None, request.send()).await
    };
    for_each_page(operation, max_attempts, page, |answer| {
        pages += 1;
        for account in answer.accounts() {
            let account = translate(account)?;
            match (seen.insert(account.id), account.ou_path.is_empty()) {
                (false, _) => {}
                (true, false) => found(account, pages),
                (true, true) => pathless.push(account),
            }
        }
        Ok(answer.next_token)
    })
    .await?;
    if seen.is_empty() {
        return Err(ListingError::Empty);
    }
    if pathless.is_empty() {
        return Ok(None);
    }
    let (parents, refused) = match tree::walk(client, max_attempts).await {
        Ok(parents) => (parents, None),
        Err(ListingError::Call(failure)) if failure.kind == FailureKind::Refused => (HashMap::new(), Some(failure)),
        Err(error) => return Err(error),
    };
    for account in pathless {
        let ou_path = parents.get(&account.id).cloned().unwrap_or_default();
        found(Account { ou_path, ..account }, pages);
    }
    Ok(refused)
}

/// Lists every account, and tells how many there are so far, on how many pages. A walk through the tree that is refused is no failure unless `needs_paths`.
pub(super) async fn accounts(
    client: &Client,
    max_attempts: u32,
    needs_paths: bool,
    mut progress: impl FnMut(usize, usize),
) -> Result<ListedAccounts, ListingError> {
    let mut accounts = BTreeMap::new();
    let pathless = for_each_account(client, max_attempts, |account, pages| {
        accounts.insert(account.id, account);
        progress(accounts.len(), pages);
    })
    .await?;
    match pathless {
        Some(failure) if needs_paths => Err(failure.into()),
        pathless => Ok(ListedAccounts { accounts: accounts.into_values().collect(), pathless }),
    }
}

fn translate(account: &ApiAccount) -> Result<Account, ListingError> {
    let name = account.name().unwrap_or_default();
    let id: AccountId = account
        .id()
        .unwrap_or_default()
        .parse()
        .map_err(|_| ListingError::NoId { name: name.to_owned(), id: account.id().unwrap_or_default().to_owned() })?;
    // Status stands in where State is absent, as it may be in other partitions.
    let status = account.status().map(aws_sdk_organizations::types::AccountStatus::as_str);
    let path = account.paths().first().map_or("", String::as_str);
    Ok(Account {
        id,
        name: name.to_owned(),
        email: account.email().unwrap_or_default().to_owned(),
        state: AccountState::from_api(account.state().map(aws_sdk_organizations::types::AccountState::as_str), status),
        ou_path: parent_path(path, id),
        invited: account.joined_method() == Some(&AccountJoinedMethod::Invited),
    })
}
