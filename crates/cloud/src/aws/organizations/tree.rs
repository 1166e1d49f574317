//! The Organization's tree: finds the paths of accounts, and tells whether an OU exists.

use std::collections::HashMap;

use aws_sdk_organizations::Client;
use aws_sdk_organizations::types::ParentType;

use super::super::call::call;
use super::super::error::incomplete;
use super::pagination::{Page, for_each_page};
use super::{AccountList, ListingError};
use crate::org::{AccountId, UnitId, UnitNames};
use crate::retry::retry;
use crate::{Failure, FailureKind, Operation};

/// The most steps from an account to its root. OUs can be nested five levels deep (Organizations user guide, "Quotas").
const MAX_DEPTH: usize = 10;

/// The most OUs of a tree. AWS allows 2,000 (the same page).
const MAX_UNITS: usize = 20_000;

/// What a walk through the tree found.
#[derive(Default)]
struct Tree {
    /// The path of each account's parent.
    parents: HashMap<AccountId, String>,
    /// The path of each root and OU.
    units: HashMap<String, String>,
    names: UnitNames,
}

/// Returns the path of each account's parent. Asks for the parents of those of `accounts` that the walk through the tree does not find,
/// for example because they were moved during the walk.
///
/// If something is refused, returns the paths and names that are known and the refusal; with `needs_paths`, the refusal is an error.
pub(super) async fn parents(
    client: &Client,
    max_attempts: u32,
    needs_paths: bool,
    accounts: &[AccountId],
) -> Result<(HashMap<AccountId, String>, AccountList), ListingError> {
    let Tree { mut parents, mut units, names } = match walk(client, max_attempts).await {
        Err(ListingError::Call(failure)) if failure.kind == FailureKind::Refused && !needs_paths => {
            return Ok((HashMap::new(), AccountList { without_paths: Some(failure), ..AccountList::default() }));
        }
        tree => tree?,
    };
    let mut list = AccountList { names, ..AccountList::default() };
    for account in accounts {
        if parents.contains_key(account) {
            continue;
        }
        match climb(client, max_attempts, &mut units, *account).await {
            Ok(path) => drop(parents.insert(*account, path)),
            Err(ListingError::Call(failure)) if !needs_paths => {
                list.without_paths.get_or_insert(failure);
            }
            Err(error) => return Err(error),
        }
    }
    Ok((parents, list))
}

/// Walks the tree from the roots down, and returns the path of each account's parent, and the names of the OUs. The walk
/// takes two calls for each OU at 5 calls per second, so it is made only if ListAccounts returns accounts without paths.
async fn walk(client: &Client, max_attempts: u32) -> Result<Tree, ListingError> {
    let mut tree = Tree::default();
    let mut unvisited = Vec::new();
    for Root { id, path, name } in roots(client, max_attempts).await? {
        add_name(&mut tree.names, &id, None, name);
        unvisited.push((id, path));
    }
    while let Some((id, path)) = unvisited.pop() {
        for account in children(client, max_attempts, &id).await? {
            tree.parents.insert(account, path.clone());
        }
        for (child, name) in units(client, max_attempts, &id).await? {
            add_name(&mut tree.names, &child, Some(&id), name);
            unvisited.push((child.clone(), format!("{path}{child}/")));
        }
        let depth = path.matches('/').count();
        // An OU that is moved during the walk may come twice.
        tree.units.insert(id, path);
        let limit = if depth > MAX_DEPTH { format!("{MAX_DEPTH} levels") } else { format!("{MAX_UNITS} OUs") };
        if depth > MAX_DEPTH || tree.units.len() > MAX_UNITS {
            let operation = Operation::ListOrganizationalUnitsForParent;
            return Err(ListingError::Endless { operation, pages: tree.units.len(), limit });
        }
    }
    Ok(tree)
}

/// Adds a name. A text that is not the id of an OU or of a root has no name.
fn add_name(names: &mut UnitNames, id: &str, parent: Option<&str>, name: String) {
    if let Ok(id) = id.parse() {
        names.insert(id, parent.and_then(|parent| parent.parse().ok()), name);
    }
}

/// Returns the path of an account's parent, from the account up to the first root or OU whose path is known. The OUs on the way are
/// added to `units`.
async fn climb(
    client: &Client,
    max_attempts: u32,
    units: &mut HashMap<String, String>,
    account: AccountId,
) -> Result<String, ListingError> {
    let mut steps = Vec::new();
    let mut child = account.to_string();
    while steps.len() < MAX_DEPTH {
        let (parent, is_root) = parent(client, max_attempts, account, &child).await?;
        if let Some(path) = units.get(&parent) {
            let mut path = path.clone();
            for unit in steps.into_iter().rev() {
                path = format!("{path}{unit}/");
                units.insert(unit, path.clone());
            }
            return Ok(path);
        }
        if is_root {
            return Err(no_place(account, "its root is not one of the Organization's roots"));
        }
        steps.push(parent.clone());
        child = parent;
    }
    Err(no_place(account, "its OUs have no end"))
}

/// Returns the error of an account that is not in the tree.
fn no_place(account: AccountId, detail: &str) -> ListingError {
    incomplete(Operation::ListParents, &format!("{detail} (account {account})"), None).into()
}

/// Returns the parent of an account or OU, and whether the parent is a root. `account` is the account in question.
async fn parent(
    client: &Client,
    max_attempts: u32,
    account: AccountId,
    child: &str,
) -> Result<(String, bool), ListingError> {
    let operation = Operation::ListParents;
    let mut found = None;
    let page = async |token| {
        let request = client.list_parents().child_id(child).set_next_token(token);
        call(operation, Some(account), request.send()).await
    };
    for_each_page(operation, max_attempts, page, |answer| {
        let known = usize::from(found.is_some());
        for parent in answer.parents() {
            // A child has one parent (Organizations API reference, `ListParents`).
            found = parent.id().map(|id| (id.to_owned(), parent.r#type() == Some(&ParentType::Root)));
        }
        Ok(Page { new: usize::from(found.is_some()) - known, bytes: 0, next: answer.next_token })
    })
    .await?;
    found.ok_or_else(|| no_place(account, "it has no parent"))
}

/// Whether an OU or a root exists.
pub(in super::super) async fn unit_exists(
    client: &Client,
    max_attempts: u32,
    unit: &UnitId,
) -> Result<bool, ListingError> {
    if unit.is_root() {
        let roots = roots(client, max_attempts).await?;
        return Ok(roots.iter().any(|root| root.id == unit.as_str()));
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

/// A root as Organizations lists it.
pub(super) struct Root {
    pub(super) id: String,
    path: String,
    /// The name; the id if Organizations does not say.
    pub(super) name: String,
}

/// Returns the roots.
pub(super) async fn roots(client: &Client, max_attempts: u32) -> Result<Vec<Root>, ListingError> {
    let operation = Operation::ListRoots;
    let mut found = Vec::new();
    let page = async |token| call(operation, None, client.list_roots().set_next_token(token).send()).await;
    for_each_page(operation, max_attempts, page, |answer| {
        let roots = answer.roots();
        found.extend(roots.iter().filter_map(|root| {
            let id = root.id()?;
            // The ARN of a root is arn:aws:organizations::<account>:root/o-…/r-….
            let organization = root.arn().and_then(|arn| arn.split('/').nth(1)).unwrap_or_default();
            let path = if organization.is_empty() { format!("{id}/") } else { format!("{organization}/{id}/") };
            Some(Root { id: id.to_owned(), path, name: root.name().unwrap_or(id).to_owned() })
        }));
        Ok(Page {
            new: roots.len(),
            bytes: roots.iter().filter_map(|root| root.arn()).map(str::len).sum(),
            next: answer.next_token,
        })
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
        let bytes = units.iter().flat_map(|unit| [unit.id(), unit.name()]).flatten().map(str::len).sum();
        Ok(Page { new: units.len(), bytes, next: answer.next_token })
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
        let accounts = answer.accounts();
        for account in accounts {
            let (id, name) = (account.id().unwrap_or_default(), account.name().unwrap_or_default());
            found.push(id.parse().map_err(|_| ListingError::NoId { name: name.to_owned(), id: id.to_owned() })?);
        }
        Ok(Page { new: accounts.len(), bytes: size_of::<AccountId>() * accounts.len(), next: answer.next_token })
    })
    .await?;
    Ok(found)
}
