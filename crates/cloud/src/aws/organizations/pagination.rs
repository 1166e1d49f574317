//! Reads all pages of a list. An incomplete list is an error, and so is a list that does not come to an end.

use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use tokio::time::Instant;

use super::ListingError;
use crate::retry::{MAX_OUTAGE, retry_through_outage};
use crate::{Answer, Failure, Operation};

/// The most pages of a list. The largest Organizations have 50,000 accounts, which fill 2,500 pages; pages may be shorter.
const MAX_PAGES: usize = 25_000;

/// The most bytes of texts that are kept from a list. Those of 50,000 accounts are some 15 MB.
const MAX_BYTES: usize = 256 << 20;

/// The most pages in a row that bring nothing new. AWS documents that pages may be empty, but names no number.
const MAX_PAGES_WITHOUT_PROGRESS: usize = 200;

/// How long a list may bring nothing new. It is longer than the outage that a page waits out.
const MAX_TIME_WITHOUT_PROGRESS: Duration = Duration::from_mins(10);
const _: () = assert!(MAX_TIME_WITHOUT_PROGRESS.as_secs() > MAX_OUTAGE.as_secs());

/// What a page brought.
#[derive(Debug)]
pub(super) struct Page {
    /// How many entries were not on an earlier page.
    pub(super) new: usize,
    /// How many bytes of texts are kept.
    pub(super) bytes: usize,
    /// The token of the next page.
    pub(super) next: Option<String>,
}

/// Reads every page of a list. `page` requests the page for a token, and `take` consumes it.
///
/// An empty page with a token is normal. A repeated token is an error. The SDK's own paginator would treat a repeated token as
/// the end of the list.
pub(super) async fn for_each_page<T>(
    operation: Operation,
    max_attempts: u32,
    mut page: impl AsyncFnMut(Option<String>) -> Result<Answer<T>, Failure>,
    mut take: impl FnMut(T) -> Result<Page, ListingError>,
) -> Result<(), ListingError> {
    // A token may have 100,000 characters, so only their hashes are kept.
    let (mut seen, hasher) = (HashSet::new(), RandomState::new());
    let mut token: Option<String> = None;
    let mut bytes = 0;
    let mut progress = (0, Instant::now());
    for pages in 1.. {
        // If there is a short outage, the pages that were read before it must not be lost.
        let outage = if pages == 1 { Duration::ZERO } else { MAX_OUTAGE };
        let answer = retry_through_outage(outage, max_attempts, async || page(token.clone()).await).await?;
        let of_page = take(answer.value)?;
        token = of_page.next.filter(|token| !token.is_empty());
        match &token {
            None => break,
            Some(token) if seen.insert(hasher.hash_one(token)) => {}
            Some(_) => return Err(ListingError::Loop { operation, pages }),
        }
        bytes += of_page.bytes;
        if of_page.new > 0 {
            progress = (pages, Instant::now());
        }
        if let Some(limit) = exceeded(pages, bytes, pages - progress.0, progress.1.elapsed()) {
            return Err(ListingError::Endless { operation, pages, limit });
        }
    }
    Ok(())
}

/// Returns the limit that a list has exceeded, if it has.
fn exceeded(pages: usize, bytes: usize, without_progress: usize, time: Duration) -> Option<String> {
    if pages >= MAX_PAGES {
        Some(format!("{MAX_PAGES} pages"))
    } else if bytes > MAX_BYTES {
        Some(format!("{} MiB", MAX_BYTES >> 20))
    } else if without_progress >= MAX_PAGES_WITHOUT_PROGRESS {
        Some(format!("{MAX_PAGES_WITHOUT_PROGRESS} pages in a row without anything new"))
    } else if time > MAX_TIME_WITHOUT_PROGRESS {
        Some(format!("{} minutes without anything new", MAX_TIME_WITHOUT_PROGRESS.as_secs() / 60))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn list(mut take: impl FnMut(usize) -> Page) -> Result<(), ListingError> {
        let mut number = 0;
        let page = async |_| {
            number += 1;
            // Organizations answers 8 pages a second.
            tokio::time::sleep(Duration::from_millis(125)).await;
            Ok(Answer { value: number, request_id: None })
        };
        for_each_page(Operation::ListAccounts, 1, page, |number| Ok(take(number))).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_list_that_does_not_end_is_an_error() {
        let full =
            list(|number| Page { new: 20, bytes: 6000, next: (number < 3000).then(|| number.to_string()) }).await;
        assert_eq!(full, Ok(()));
        let empty_between = list(|number| Page {
            new: usize::from(number % 100 == 0),
            bytes: 0,
            next: (number < 900).then(|| number.to_string()),
        });
        assert_eq!(empty_between.await, Ok(()));
        let pages = |error: Result<(), ListingError>| match error {
            Err(ListingError::Endless { pages, limit, .. }) => (pages, limit),
            other => panic!("{other:?}"),
        };
        let endless = list(|number| Page { new: 1, bytes: 0, next: Some(number.to_string()) }).await;
        assert_eq!(pages(endless), (MAX_PAGES, "25000 pages".to_owned()));
        let large = list(|number| Page { new: 1, bytes: 1 << 20, next: Some(number.to_string()) }).await;
        assert_eq!(pages(large), (257, "256 MiB".to_owned()));
        let nothing_new =
            list(|number| Page { new: usize::from(number == 7), bytes: 0, next: Some(number.to_string()) }).await;
        assert_eq!(pages(nothing_new), (207, "200 pages in a row without anything new".to_owned()));
        assert_eq!(exceeded(9, 0, 8, Duration::from_mins(11)).as_deref(), Some("10 minutes without anything new"));
    }
}
