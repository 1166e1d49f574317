//! The Organizations operations about accounts and the tree, and the faults of pages.

use serde::Serialize;
use serde_json::{Value, json};

use crate::account::{AccountState, JoinedMethod};
use crate::account_id::AccountId;
use crate::answer::ApiError;
use crate::dispatch::Context;
use crate::fault::{ListingError, ListingFault, fire};
use crate::network::Service;
use crate::paging::{self, Page};
use crate::request::Operation;
use crate::root_access::RootAccess;
use crate::tree::{ORGANIZATION_ID, ROOT_ID, Unit};
use crate::world::World;

/// An account as Organizations lists it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Listed<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<AccountId>,
    arn: String,
    email: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paths: Option<[String; 1]>,
    joined_method: JoinedMethod,
    #[serde(skip_serializing_if = "Option::is_none")]
    joined_timestamp: Option<f64>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct AccountPage<'a> {
    accounts: Vec<Listed<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

impl World {
    pub(crate) fn organizations(&mut self, operation: Operation, context: &Context<'_>) -> Result<String, ApiError> {
        if self.listing.contains(&ListingFault::NotInUse) {
            return Err(ApiError::new(
                400,
                "AWSOrganizationsNotInUseException",
                "Your account is not a member of an organization.",
            ));
        }
        if self.settings.organizations_need_mfa && !context.caller.principal.mfa {
            return Err(ApiError::new(
                400,
                "AccessDeniedException",
                format!(
                    "User: {} is not authorized to perform: organizations:{} on resource: * with an explicit deny in an identity-based policy",
                    self.arn(&context.caller.principal),
                    operation.name()
                ),
            ));
        }
        if operation == Operation::DescribeOrganization {
            return Ok(self.describe_organization().to_string());
        }
        if !self.may_list(context.caller.principal.account) {
            return Err(ApiError::new(
                400,
                "AccessDeniedException",
                "You don't have permissions to access this resource.",
            ));
        }
        match operation {
            Operation::ListAccounts => self.list_accounts(context),
            Operation::ListAccountsForParent => self.list_accounts_for_parent(context),
            Operation::ListRoots => Ok(json!({ "Roots": [{ "Id": ROOT_ID, "Arn": self.organizations_arn("root", ROOT_ID), "Name": "Root", "PolicyTypes": [] }] }).to_string()),
            Operation::ListOrganizationalUnitsForParent => self.list_units(context),
            Operation::DescribeOrganizationalUnit => {
                let unit = self.find_unit(context, "OrganizationalUnitId", "OrganizationalUnitNotFoundException")?;
                Ok(json!({ "OrganizationalUnit": self.unit_json(unit) }).to_string())
            }
            Operation::DescribePolicy => self.describe_policy(context),
            Operation::ListParents => self.list_parents(context),
            Operation::ListTagsForResource => self.list_tags(context),
            Operation::ListDelegatedAdministrators => self.list_delegated_administrators(context),
            _ => {
                let id = context.params.text("AccountId").and_then(AccountId::parse).and_then(|id| self.index(id));
                let index = id.ok_or_else(|| ApiError::new(400, "AccountNotFoundException", "You specified an account that doesn't exist."))?;
                Ok(json!({ "Account": self.listed(index) }).to_string())
            }
        }
    }

    fn organizations_arn(&self, kind: &str, id: &str) -> String {
        format!(
            "arn:{}:organizations::{}:{kind}/{ORGANIZATION_ID}/{id}",
            self.settings.partition.name,
            self.account(self.management()).id()
        )
    }

    fn describe_organization(&self) -> Value {
        let management = self.account(self.management());
        let id = management.id();
        json!({ "Organization": {
            "Id": ORGANIZATION_ID,
            "Arn": format!("arn:{}:organizations::{id}:organization/{ORGANIZATION_ID}", self.settings.partition.name),
            "FeatureSet": if self.settings.root_access == RootAccess::NotAllFeatures { "CONSOLIDATED_BILLING" } else { "ALL" },
            "MasterAccountArn": self.organizations_arn("account", &id.to_string()),
            "MasterAccountId": id,
            "MasterAccountEmail": management.email,
            "AvailablePolicyTypes": [{ "Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED" }],
        } })
    }

    fn list_accounts(&mut self, context: &Context<'_>) -> Result<String, ApiError> {
        let page = paging::requested(context.params, self.settings.seed)?;
        self.page_fails(page)?;
        let total = if self.listing.contains(&ListingFault::NoAccounts) { 0 } else { self.accounts.len() };
        let empty = self.listing.iter().any(|fault| match fault {
            ListingFault::EmptyFirstPage => page.number == 1,
            ListingFault::EmptyPage { page: number } => *number == page.number,
            _ => false,
        });
        let end = if empty { page.offset } else { total.min(page.offset + page.size) };
        let mut next = (end < total || empty).then_some(Page { offset: end, number: page.number + 1, ..page });
        if let Some(next) =
            next.as_mut().filter(|_| end - page.offset >= 2 && self.listing.contains(&ListingFault::Duplicates))
        {
            next.offset -= 1;
        }
        let repeated = self
            .listing
            .iter()
            .any(|fault| matches!(fault, ListingFault::RepeatedToken { page: first } if page.number >= *first));
        if repeated {
            // The first page has no token to repeat, so the second page's token is repeated instead.
            next = Some(if page.number == 1 { Page { offset: end, number: 2, ..page } } else { page });
        }
        for (fires, name) in [(empty, "empty_page"), (repeated, "repeated_token")] {
            if fires {
                self.note(name);
            }
        }
        let indexes = (page.offset..end).map(|position| self.at_position(position));
        let accounts = indexes.filter(|index| self.account(*index).is_member).map(|index| self.listed(index)).collect();
        Ok(to_json(&AccountPage { accounts, next_token: next.map(|page| paging::token(page, self.settings.seed)) }))
    }

    /// Fails the page if a fault asks for it and has firings left.
    fn page_fails(&mut self, page: Page) -> Result<(), ApiError> {
        let error = self.listing.iter_mut().find_map(|fault| match fault {
            ListingFault::PageFails { page: number, error, times } if *number == page.number => {
                fire(times).then_some(*error)
            }
            _ => None,
        });
        let Some(error) = error else { return Ok(()) };
        self.note("page_fails");
        Err(match error {
            ListingError::Service => ApiError::internal(Service::Organizations),
            ListingError::AccessDenied => {
                ApiError::new(400, "AccessDeniedException", "You don't have permissions to access this resource.")
            }
            ListingError::TooManyRequests => ApiError::throttled(Service::Organizations),
        })
    }

    /// Returns the account at a position of the list. AWS promises no order. In a realistic organization, the list is not in the
    /// order of the ids, but its order does not change.
    fn at_position(&self, position: usize) -> u32 {
        let count = self.accounts.len();
        let index = if self.settings.shuffled_listing {
            (position * coprime_stride(count) + count / 3) % count
        } else {
            position
        };
        u32::try_from(index).expect("an organization has at most 50,000 accounts")
    }

    pub(crate) fn listed(&self, index: u32) -> Listed<'_> {
        let account = self.account(index);
        let has = |fault: &ListingFault| self.listing.contains(fault);
        let id = account.id();
        let state = if has(&ListingFault::UnknownState(id)) { AccountState::Frozen } else { account.state };
        let status_only = has(&ListingFault::StatusOnly);
        let neither = has(&ListingFault::NeitherStatusNorState);
        Listed {
            id: (!has(&ListingFault::WithoutId(id))).then_some(id),
            arn: self.organizations_arn("account", &id.to_string()),
            email: &account.email,
            name: &account.name,
            status: (!neither && (status_only || has(&ListingFault::WithStatus))).then_some(state.legacy_status()),
            state: (!neither && !status_only).then_some(state.wire()),
            paths: (!has(&ListingFault::NoPaths)).then(|| [self.tree.account_path(account.unit, id)]),
            joined_method: account.joined,
            joined_timestamp: (!has(&ListingFault::NoJoinTimes)).then_some(account.joined_at as f64),
        }
    }

    fn list_accounts_for_parent(&self, context: &Context<'_>) -> Result<String, ApiError> {
        let unit = self.find_unit(context, "ParentId", "ParentNotFoundException")?;
        let page = paging::requested(context.params, self.settings.seed)?;
        let (indexes, next) = page.of(&self.tree.unit(unit).accounts);
        let accounts = indexes.iter().map(|index| self.listed(*index)).collect();
        Ok(to_json(&AccountPage { accounts, next_token: next.map(|page| paging::token(page, self.settings.seed)) }))
    }

    fn list_units(&self, context: &Context<'_>) -> Result<String, ApiError> {
        let unit = self.find_unit(context, "ParentId", "ParentNotFoundException")?;
        let page = paging::requested(context.params, self.settings.seed)?;
        let (indexes, next) = page.of(&self.tree.unit(unit).children);
        let units: Vec<Value> = indexes.iter().map(|index| self.unit_json(*index)).collect();
        Ok(self.json_page("OrganizationalUnits", units, next))
    }

    fn list_parents(&self, context: &Context<'_>) -> Result<String, ApiError> {
        let child = context.params.text("ChildId").unwrap_or_default();
        let parent = match AccountId::parse(child).and_then(|id| self.index(id)) {
            Some(index) => Some(self.account(index).unit),
            None => self.tree.find(child).and_then(|unit| self.tree.unit(unit).parent),
        };
        let parent = parent
            .ok_or_else(|| ApiError::new(400, "ChildNotFoundException", "You specified a child that doesn't exist."))?;
        let kind = if parent == 0 { "ROOT" } else { "ORGANIZATIONAL_UNIT" };
        Ok(json!({ "Parents": [{ "Id": self.tree.unit(parent).id, "Type": kind }] }).to_string())
    }

    fn find_unit(&self, context: &Context<'_>, parameter: &str, missing: &'static str) -> Result<u32, ApiError> {
        context.params.text(parameter).and_then(|id| self.tree.find(id)).ok_or_else(|| {
            ApiError::new(400, missing, "You specified a root or an organizational unit that doesn't exist.")
        })
    }

    fn unit_json(&self, index: u32) -> Value {
        let Unit { id, name, path, .. } = self.tree.unit(index);
        let mut unit = json!({ "Id": id, "Arn": self.organizations_arn("ou", id), "Name": name });
        if !self.listing.contains(&ListingFault::NoPaths) {
            unit["Path"] = path.as_str().into();
        }
        unit
    }
}

pub(crate) fn to_json(document: &impl Serialize) -> String {
    serde_json::to_string(document).expect("accounts have text keys only")
}

/// A stride that reaches every position of the list once.
fn coprime_stride(count: usize) -> usize {
    // A prime above the quota of accounts has no common factor with any possible number of accounts.
    const PRIME: usize = 50_021;
    PRIME % count.max(1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::coprime_stride;

    #[test]
    fn the_shuffled_list_has_every_account_once() {
        for count in [1_usize, 2, 3, 20, 500, 49_999, 50_000] {
            let seen: HashSet<usize> =
                (0..count).map(|position| (position * coprime_stride(count) + count / 3) % count).collect();
            assert_eq!(seen.len(), count);
        }
    }
}
