//! This module owns the turning of pages, so that a listing is complete or an error.

use std::collections::HashSet;
use std::time::Duration;

use super::ListingError;
use crate::cloud::retry::{MAX_OUTAGE, retry_through_outage};
use crate::cloud::{Answer, Failure, Operation};

/// Reads every page of a listing. `page` asks for the page that a token leads to; `take` uses it, and gives the next token.
///
/// An empty page with a token is normal. A token that was there before is not: the SDK's own paginator would end there without a
/// word, as if the list were complete.
pub(super) async fn for_each_page<T>(
    operation: Operation,
    max_attempts: u32,
    mut page: impl AsyncFnMut(Option<String>) -> Result<Answer<T>, Failure>,
    mut take: impl FnMut(T) -> Result<Option<String>, ListingError>,
) -> Result<(), ListingError> {
    let mut seen = HashSet::new();
    let mut token: Option<String> = None;
    for pages in 1.. {
        // What was listed so far would be lost with a network that is gone for a moment.
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
