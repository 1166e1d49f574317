//! This module owns the list of accounts: complete, each account once, or an error. Never a shorter list.

use std::collections::{BTreeMap, HashMap, HashSet};

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::{Account as ApiAccount, AccountJoinedMethod};

use super::super::{Failure, Operation};
use super::calls::{call, persist};
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
}

/// The list of accounts would not be complete, so there is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListingFailed {
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
pub(super) async fn describe(client: &Client, max_attempts: u32) -> Result<Organization, ListingFailed> {
    let operation = Operation::DescribeOrganization;
    let answer =
        persist(max_attempts, async || call(operation, None, client.describe_organization().send()).await).await?;
    let named = answer.value.organization().and_then(|organization| {
        Some(Organization {
            id: organization.id()?.to_owned(),
            management: organization.master_account_id()?.parse().ok()?,
        })
    });
    named.ok_or(ListingFailed::Nameless)
}

/// Lists every account, sorted by id.
pub(super) async fn accounts(
    client: &Client,
    max_attempts: u32,
    mut progress: impl FnMut(usize),
) -> Result<Vec<Account>, ListingFailed> {
    let mut found = BTreeMap::new();
    let mut pathless = false;
    let operation = Operation::ListAccounts;
    let mut pages = Pages::new(operation);
    loop {
        let token = pages.token.clone();
        let answer = persist(max_attempts, async || {
            let request = client.list_accounts().max_results(PAGE).set_next_token(token.clone());
            call(operation, None, request.send()).await
        })
        .await?;
        for account in answer.value.accounts() {
            pathless |= account.paths().is_empty();
            let account = translate(account)?;
            found.insert(account.id, account);
        }
        progress(found.len());
        if !pages.turn(answer.value.next_token())? {
            break;
        }
    }
    if found.is_empty() {
        return Err(ListingFailed::Empty);
    }
    if pathless {
        let parents = walk(client, max_attempts).await?;
        for account in found.values_mut().filter(|account| account.ou_path.is_empty()) {
            account.ou_path = parents.get(&account.id).cloned().unwrap_or_default();
        }
    }
    Ok(found.into_values().collect())
}

fn translate(account: &ApiAccount) -> Result<Account, ListingFailed> {
    let name = account.name().unwrap_or_default();
    let id: AccountId = account
        .id()
        .unwrap_or_default()
        .parse()
        .map_err(|_| ListingFailed::NoId { name: name.to_owned(), id: account.id().unwrap_or_default().to_owned() })?;
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

/// Turns pages. An empty page with a token is normal; a token that was there before is not, and the SDK's own
/// paginator would end there without a word, as if the list were complete.
struct Pages {
    operation: Operation,
    token: Option<String>,
    seen: HashSet<String>,
    count: usize,
}

impl Pages {
    fn new(operation: Operation) -> Self {
        Self { operation, token: None, seen: HashSet::new(), count: 0 }
    }

    /// Takes the next page's token; `false` when there is no further page.
    fn turn(&mut self, next: Option<&str>) -> Result<bool, ListingFailed> {
        self.count += 1;
        self.token = next.filter(|token| !token.is_empty()).map(str::to_owned);
        match &self.token {
            None => Ok(false),
            Some(token) if self.seen.insert(token.clone()) => Ok(true),
            Some(_) => Err(ListingFailed::Loop { operation: self.operation, pages: self.count }),
        }
    }
}

/// Walks the tree from the roots down: the path of every account's parent, with names beside the ids. Only for where
/// ListAccounts gives no paths, because it takes two calls for each OU at 5 calls per second.
async fn walk(client: &Client, max_attempts: u32) -> Result<HashMap<AccountId, String>, ListingFailed> {
    let mut parents = HashMap::new();
    let mut open = roots(client, max_attempts).await?;
    while let Some((id, path)) = open.pop() {
        for account in children(client, max_attempts, &id).await? {
            parents.insert(account, path.clone());
        }
        for (child, name) in units(client, max_attempts, &id).await? {
            let step = if name.is_empty() { child.clone() } else { format!("{child} ({name})") };
            open.push((child, format!("{path}{step}/")));
        }
    }
    Ok(parents)
}

/// The roots, each with its path.
async fn roots(client: &Client, max_attempts: u32) -> Result<Vec<(String, String)>, ListingFailed> {
    let operation = Operation::ListRoots;
    let mut pages = Pages::new(operation);
    let mut found = Vec::new();
    loop {
        let token = pages.token.clone();
        let answer = persist(max_attempts, async || {
            call(operation, None, client.list_roots().set_next_token(token.clone()).send()).await
        })
        .await?;
        found.extend(answer.value.roots().iter().filter_map(|root| {
            let id = root.id()?;
            // arn:aws:organizations::<account>:root/o-…/r-…
            let organization = root.arn().and_then(|arn| arn.split('/').nth(1)).unwrap_or_default();
            let path = if organization.is_empty() { format!("{id}/") } else { format!("{organization}/{id}/") };
            Some((id.to_owned(), path))
        }));
        if !pages.turn(answer.value.next_token())? {
            return Ok(found);
        }
    }
}

/// The OUs right below a parent, with their names.
async fn units(client: &Client, max_attempts: u32, parent: &str) -> Result<Vec<(String, String)>, ListingFailed> {
    let operation = Operation::ListOrganizationalUnitsForParent;
    let mut pages = Pages::new(operation);
    let mut found = Vec::new();
    loop {
        let token = pages.token.clone();
        let answer = persist(max_attempts, async || {
            let request = client.list_organizational_units_for_parent().parent_id(parent).set_next_token(token.clone());
            call(operation, None, request.send()).await
        })
        .await?;
        found.extend(
            answer
                .value
                .organizational_units()
                .iter()
                .filter_map(|unit| Some((unit.id()?.to_owned(), unit.name().unwrap_or_default().to_owned()))),
        );
        if !pages.turn(answer.value.next_token())? {
            return Ok(found);
        }
    }
}

/// The accounts right below a parent.
async fn children(client: &Client, max_attempts: u32, parent: &str) -> Result<Vec<AccountId>, ListingFailed> {
    let operation = Operation::ListAccountsForParent;
    let mut pages = Pages::new(operation);
    let mut found = Vec::new();
    loop {
        let token = pages.token.clone();
        let answer = persist(max_attempts, async || {
            let request = client.list_accounts_for_parent().parent_id(parent).set_next_token(token.clone());
            call(operation, None, request.send()).await
        })
        .await?;
        found.extend(answer.value.accounts().iter().filter_map(|account| account.id()?.parse::<AccountId>().ok()));
        if !pages.turn(answer.value.next_token())? {
            return Ok(found);
        }
    }
}
