//! Reads the tags of accounts: one call for each account, at the rate that Organizations allows.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_organizations::Client;
use futures::stream::{self, StreamExt as _, TryStreamExt};
use tokio::time::{Instant, sleep_until};

use super::super::call::call;
use super::ListingError;
use super::pagination::{Page, for_each_page};
use crate::Operation;
use crate::org::selection::Tags;
use crate::org::{AccountId, Tag};

/// The interval between calls. The quota of ListTagsForResource is 10 requests per second for the calling account (Organizations
/// user guide, "Quotas", API throttle limits).
const INTERVAL: Duration = Duration::from_millis(100);

/// The maximum number of concurrent calls. It is more than 1, so that slow answers do not lower the rate.
const IN_FLIGHT: usize = 10;

/// Spaces the calls, including the calls for further pages and the retries, because the quota counts all calls. The cell contains
/// the time of the next call.
struct TagRateLimiter(Cell<Instant>);

impl TagRateLimiter {
    /// Waits until the next call can be sent.
    async fn wait(&self) {
        let next = self.0.get().max(Instant::now());
        self.0.set(next + INTERVAL);
        sleep_until(next).await;
    }
}

/// Reads the tags of `accounts`. `progress` receives the number of accounts whose tags have been read.
pub(in super::super) async fn list(
    client: &Client,
    max_attempts: u32,
    accounts: &[AccountId],
    mut progress: impl FnMut(usize),
) -> Result<Tags, ListingError> {
    let limiter = TagRateLimiter(Cell::new(Instant::now()));
    let mut read = std::pin::pin!(
        stream::iter(accounts)
            .map(async |account| Ok::<_, ListingError>((
                *account,
                list_of_account(client, max_attempts, &limiter, *account).await?
            )))
            .buffer_unordered(IN_FLIGHT)
    );
    let mut found = Tags::new();
    while let Some((account, tags)) = TryStreamExt::try_next(&mut read).await? {
        found.insert(account, tags);
        progress(found.len());
    }
    Ok(found)
}

/// Reads the tags of one account.
async fn list_of_account(
    client: &Client,
    max_attempts: u32,
    limiter: &TagRateLimiter,
    account: AccountId,
) -> Result<BTreeSet<Tag>, ListingError> {
    let operation = Operation::ListTagsForResource;
    let mut found = BTreeSet::new();
    let page = async |token| {
        limiter.wait().await;
        let request = client.list_tags_for_resource().resource_id(account.to_string()).set_next_token(token);
        call(operation, Some(account), request.send()).await
    };
    for_each_page(operation, max_attempts, page, |answer| {
        let (known, tags) = (found.len(), answer.tags());
        let bytes = tags.iter().map(|tag| tag.key().len() + tag.value().len()).sum();
        found.extend(tags.iter().map(|tag| Tag { key: tag.key().to_owned(), value: tag.value().to_owned() }));
        Ok(Page { new: found.len() - known, bytes, next: answer.next_token })
    })
    .await?;
    Ok(found)
}
