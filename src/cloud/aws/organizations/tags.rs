//! This module owns the reading of accounts' tags: one call for each account, at the pace that Organizations allows.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_organizations::Client;
use futures::stream::{self, StreamExt as _, TryStreamExt};
use tokio::time::{Instant, sleep_until};

use super::super::call::call;
use super::ListingError;
use super::pagination::for_each_page;
use crate::cloud::Operation;
use crate::org::selection::Tags;
use crate::org::{AccountId, Tag};

/// One call every tenth of a second: the quota of ListTagsForResource is 10 requests per second for the calling account
/// (Organizations user guide, "Quotas", API throttle limits).
const EVERY: Duration = Duration::from_millis(100);

/// How many calls may be on their way at once, so that slow answers do not lower the pace.
const IN_FLIGHT: usize = 10;

/// The turns of the calls: each page and each repetition takes one, because the quota counts them all.
struct TagRateLimiter(Cell<Instant>);

impl TagRateLimiter {
    /// Waits for the next turn.
    async fn wait(&self) {
        let turn = self.0.get().max(Instant::now());
        self.0.set(turn + EVERY);
        sleep_until(turn).await;
    }
}

/// Reads the tags of these accounts. `progress` is told how many accounts' tags were read so far.
pub(in super::super) async fn tags(
    client: &Client,
    max_attempts: u32,
    accounts: &[AccountId],
    mut progress: impl FnMut(usize),
) -> Result<Tags, ListingError> {
    let turns = TagRateLimiter(Cell::new(Instant::now()));
    let mut read = std::pin::pin!(
        stream::iter(accounts)
            .map(async |account| Ok::<_, ListingError>((*account, of(client, max_attempts, &turns, *account).await?)))
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
async fn of(
    client: &Client,
    max_attempts: u32,
    turns: &TagRateLimiter,
    account: AccountId,
) -> Result<BTreeSet<Tag>, ListingError> {
    let operation = Operation::ListTagsForResource;
    let mut found = BTreeSet::new();
    let page = async |token| {
        turns.wait().await;
        let request = client.list_tags_for_resource().resource_id(account.to_string()).set_next_token(token);
        call(operation, Some(account), request.send()).await
    };
    for_each_page(operation, max_attempts, page, |answer| {
        found.extend(answer.tags().iter().map(|tag| Tag { key: tag.key().to_owned(), value: tag.value().to_owned() }));
        Ok(answer.next_token)
    })
    .await?;
    Ok(found)
}
