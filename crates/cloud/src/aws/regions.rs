//! The call of Account Management that lists the opt-in Regions of an account.

use aws_sdk_account::Client;
use aws_sdk_account::types::RegionOptStatus;

use super::super::retry::retry;
use super::super::{Failure, Operation};
use super::call::call;
use super::error::incomplete;
use crate::org::AccountId;

/// The maximum number of Regions on a page (Account Management API reference, `ListRegions`).
const PAGE: i32 = 50;

/// The most pages. There are some 40 Regions.
const MAX_PAGES: usize = 20;

/// The states of Regions that are enabled by hand. In a Region that is being enabled, calls can work already.
const ENABLED: [RegionOptStatus; 2] = [RegionOptStatus::Enabled, RegionOptStatus::Enabling];

/// Lists the opt-in Regions that are enabled, sorted by name.
pub(super) async fn list_opt_in(
    client: &Client,
    account: Option<AccountId>,
    max_attempts: u32,
) -> Result<Vec<String>, Failure> {
    let operation = Operation::ListRegions;
    let (mut names, mut token) = (Vec::new(), None);
    for _ in 0..MAX_PAGES {
        let answer = retry(max_attempts, async || {
            let request = client
                .list_regions()
                .set_account_id(account.map(|account| account.to_string()))
                .set_region_opt_status_contains(Some(ENABLED.to_vec()))
                .max_results(PAGE)
                .set_next_token(token.clone());
            let answer = call(operation, account, request.send()).await?;
            // A missing list must not look like an empty one.
            let lacks = |member| incomplete(operation, member, answer.request_id.as_deref());
            let regions = answer.value.regions.ok_or_else(|| lacks("it lacks Regions"))?;
            let mut page = Vec::new();
            for region in regions {
                let status = region.region_opt_status.ok_or_else(|| lacks("it lacks Regions[].RegionOptStatus"))?;
                let name = region.region_name.ok_or_else(|| lacks("it lacks Regions[].RegionName"))?;
                if ENABLED.contains(&status) {
                    page.push(name);
                }
            }
            Ok((page, answer.value.next_token.filter(|token| !token.is_empty()), answer.request_id))
        })
        .await?;
        let (page, next, request_id) = answer;
        names.extend(page);
        match next {
            None => {
                names.sort_unstable();
                names.dedup();
                return Ok(names);
            }
            next if next == token => {
                return Err(incomplete(operation, "it repeats the token of the page", request_id.as_deref()));
            }
            next => token = next,
        }
    }
    Err(incomplete(operation, "it has no end", None))
}
