//! The Account Management operation `ListRegions`: which Regions an account has enabled.

use serde_json::{Value, json};

use crate::account_id::AccountId;
use crate::answer::{ApiError, Document};
use crate::dispatch::{Context, Outcome};
use crate::request::Params;
use crate::world::World;

/// Some Regions that are enabled in every account.
const BY_DEFAULT: [&str; 6] = ["ap-northeast-1", "eu-central-1", "eu-north-1", "eu-west-1", "us-east-1", "us-west-2"];

/// Some Regions that an account must enable before use.
const OPT_IN: [&str; 5] = ["af-south-1", "ap-east-1", "eu-central-2", "eu-south-1", "me-central-1"];

const ACTION: &str = "account:ListRegions";
const MAX_RESULTS: usize = 50;

impl World {
    /// Switches trusted access of Account Management on or off.
    pub fn set_account_management(&mut self, trusted: bool) {
        self.account_management = trusted;
    }

    pub(crate) fn list_regions(&mut self, context: &Context<'_>) -> Outcome {
        let principal = &context.caller.principal;
        let caller = principal.account;
        self.authorise(principal, ACTION)?;
        let denied = |message: &'static str| Err(ApiError::new(403, "AccessDeniedException", message).into());
        let index = match context.params.text("AccountId") {
            None => caller,
            Some(text) => {
                let index = AccountId::parse(text).and_then(|id| self.index(id));
                let Some(index) = index else {
                    return Err(ApiError::new(404, "ResourceNotFoundException", "The account was not found.").into());
                };
                if !self.may_list(caller) {
                    return denied("Only the management account or a delegated administrator can name an account.");
                }
                if index == self.management() {
                    return denied("The management account can't name itself: leave the account id out.");
                }
                if !self.account_management {
                    return denied("Trusted access for AWS Account Management is not enabled in the organization.");
                }
                index
            }
        };
        let wanted: Option<Vec<&str>> = match context.params {
            Params::Json(document) => document["RegionOptStatusContains"]
                .as_array()
                .map(|list| list.iter().filter_map(Value::as_str).collect()),
            Params::Form(_) => None,
        };
        let enabled = &self.account(index).enabled_regions;
        let regions: Vec<Value> = BY_DEFAULT
            .iter()
            .map(|name| (*name, "ENABLED_BY_DEFAULT"))
            .chain(OPT_IN.iter().map(|name| {
                (*name, if enabled.iter().any(|enabled| enabled == name) { "ENABLED" } else { "DISABLED" })
            }))
            .filter(|(_, status)| wanted.as_ref().is_none_or(|wanted| wanted.contains(status)))
            .map(|(name, status)| json!({ "RegionName": name, "RegionOptStatus": status }))
            .collect();
        let size = match context.params.number("MaxResults") {
            Some(Ok(size)) => usize::try_from(size).unwrap_or(MAX_RESULTS).clamp(1, MAX_RESULTS),
            _ => MAX_RESULTS,
        };
        let offset: usize = match context.params.text("NextToken") {
            None => 0,
            Some(token) => token
                .strip_prefix("regions-")
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| ApiError::new(400, "ValidationException", "The token is invalid."))?,
        };
        let page: Vec<&Value> = regions.iter().skip(offset).take(size).collect();
        let mut document = json!({ "Regions": page });
        if offset + size < regions.len() {
            document["NextToken"] = format!("regions-{}", offset + size).into();
        }
        Ok(Document::Json(document.to_string()).into())
    }
}
