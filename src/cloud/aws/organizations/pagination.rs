//! Reads all pages of a list. An incomplete list is an error.

use std::collections::HashSet;
use std::time::Duration;

use super::ListingError;
use crate::cloud::retry::{MAX_OUTAGE, retry_through_outage};
use crate::cloud::{Answer, Failure, Operation};

/// Reads every page of a list. `page` requests the page for a token; `take` consumes the page and returns the next token.
///
/// An empty page with a token is normal. A repeated token is an error. The SDK's own paginator would treat a repeated token as
/// the end of the list.
pub(super) async fn for_each_page<T>(
    operation: Operation,
    max_attempts: u32,
    mut page: impl AsyncFnMut(Option<String>) -> Result<Answer<T>, Failure>,
    mut take: impl FnMut(T) -> Result<Option<String>, ListingError>,
) -> Result<(), ListingError> {
    let mut seen = HashSet::new();
    let mut token: Option<String> = None;
    for pages in 1.. {
        // If there is a short outage, the pages that were read before it must not be lost.
        let outage = if pages == 1 { Duration::ZERO } else { MAX_OUTAGE };
        let answer = retry_through_outage(outage, max_attempts, async || page(token.clone()).await).await?;
        token = take(answer.value)?.filter(|token| !token.is_empty());
        match &token {
            None => break,
            Some(token) if seen.insert(token.clone()) => {}
            Some(_) => return Err(ListingError::Loop { operation, pages }),
        }
    }
    Ok(())
}
