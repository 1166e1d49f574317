//! The Organization's tree: finds the paths of accounts, and tells whether an OU exists.

use std::collections::HashMap;

use aws_sdk_organizations::Client;

use super::super::call::call;
use super::ListingError;
use super::pagination::for_each_page;
use crate::cloud::retry::retry;
use crate::cloud::{Failure, FailureKind, Operation};
use crate::org::{AccountId, UnitId};

/// Returns the path of each account's parent. If Organizations refuses the walk through the tree, returns the refusal and no
/// paths. With `needs_paths`, the refusal is an error.
pub(super) async fn parents(
    client: &Client,
    max_attempts: u32,
    needs_paths: bool,
) -> Result<(HashMap<AccountId, String>, Option<Failure>), ListingError> {
    match walk(client, max_attempts).await {
        Err(ListingError::Call(failure)) if failure.kind == FailureKind::Refused && !needs_paths => {
            Ok((HashMap::new(), Some(failure)))
        }
        parents => Ok((parents?, None)),
    }
}

/// Walks the tree from the roots down, and returns the path of each account's parent, with the names beside the ids. The walk
/// takes two calls for each OU at 5 calls per second, so it is made only if ListAccounts returns accounts without paths.
async fn walk(client: &Client, max_attempts: u32) -> Result<HashMap<AccountId, String>, ListingError> {
    let mut parents = HashMap::new();
    let mut unvisited = roots(client, max_attempts).await?;
    while let Some((id, path)) = unvisited.pop() {
        for account in children(client, max_attempts, &id).await? {
            parents.insert(account, path.clone());
        }
        for (child, name) in units(client, max_attempts, &id).await? {
            let step = if name.is_empty() { child.clone() } else { format!("{child} ({name})") };
            unvisited.push((child, format!("{path}{step}/")));
        }
    }
    Ok(parents)
}

/// Whether an OU or a root exists.
pub(in super::super) async fn unit_exists(
    client: &Client,
    max_attempts: u32,
    unit: &UnitId,
) -> Result<bool, ListingError> {
    if unit.is_root() {
        let roots = roots(client, max_attempts).await?;
        return Ok(roots.iter().any(|(id, _)| id == unit.as_str()));
    }
    let operation = Operation::DescribeOrganizationalUnit;
    let described: Result<_, Failure> = retry(max_attempts, async || {
        let request = client.describe_organizational_unit().organizational_unit_id(unit.as_str());
        call(operation, None, request.send()).await
    })
    .await;
    match described {
        Ok(_) => Ok(true),
        // Organizations rejects an id of the wrong length as invalid input. No OU has such an id.
        Err(failure)
            if ["OrganizationalUnitNotFoundException", "InvalidInputException"].contains(&failure.code.as_str()) =>
        {
            Ok(false)
        }
        Err(failure) => Err(failure.into()),
    }
}

/// Returns the roots, each with its path.
async fn roots(client: &Client, max_attempts: u32) -> Result<Vec<(String, String)>, ListingError> {
    let operation = Operation::ListRoots;
    let mut found = Vec::new();
    let page = async |token| call(operation, None, client.list_roots().set_next_token(token).send()).await;
    for_each_page(operation, max_attempts, page, |answer| {
        found.extend(answer.roots().iter().filter_map(|root| {
            let id = root.id()?;
            // The ARN of a root is arn:aws:organizations::<account>:root/o-…/r-….
            let organization = root.arn().and_then(|arn| arn.split('/').nth(1)).unwrap_or_default();
            let path = if organization.is_empty() { format!("{id}/") } else { format!("{organization}/{id}/") };
            Some((id.to_owned(), path))
        }));
        Ok(answer.next_token)
    })
    .await?;
    Ok(found)
}

/// Returns the OUs directly below a parent, with their names.
async fn units(client: &Client, max_attempts: u32, parent: &str) -> Result<Vec<(String, String)>, ListingError> {
    let operation = Operation::ListOrganizationalUnitsForParent;
    let mut found = Vec::new();
    let page = async |token| {
        let request = client.list_organizational_units_for_parent().parent_id(parent).set_next_token(token);
        call(operation, None, request.send()).await
    };
    for_each_page(operation, max_attempts, page, |answer| {
        let units = answer.organizational_units();
        found.extend(
            units.iter().filter_map(|unit| Some((unit.id()?.to_owned(), unit.name().unwrap_or_default().to_owned()))),
        );
        Ok(answer.next_token)
    })
    .await?;
    Ok(found)
}

/// Returns the accounts directly below a parent.
async fn children(client: &Client, max_attempts: u32, parent: &str) -> Result<Vec<AccountId>, ListingError> {
    let operation = Operation::ListAccountsForParent;
    let mut found = Vec::new();
    let page = async |token| {
        let request = client.list_accounts_for_parent().parent_id(parent).set_next_token(token);
        call(operation, None, request.send()).await
    };
    for_each_page(operation, max_attempts, page, |answer| {
        found.extend(answer.accounts().iter().filter_map(|account| account.id()?.parse::<AccountId>().ok()));
        Ok(answer.next_token)
    })
    .await?;
    Ok(found)
}
