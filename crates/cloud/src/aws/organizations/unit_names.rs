//! Reads the names of OUs and roots, at the rate that Organizations allows.
//!
//! `ListOrganizationalUnitsForParent` gives the names of up to 20 OUs and may be called 5 times per second.
//! `DescribeOrganizationalUnit` gives one name and may be called twice per second. So the children of each parent are listed. The
//! paths of accounts say which OUs have OUs below them, so no OU is asked in vain.

use std::cell::Cell;
use std::time::Duration;

use aws_sdk_organizations::Client;
use tokio::time::{Instant, sleep_until};

use super::super::call::call;
use super::ListingError;
use super::pagination::{Page, for_each_page};
use super::tree::{Root, roots};
use crate::Operation;
use crate::org::UnitId;

/// The interval between calls. The quota of `ListOrganizationalUnitsForParent` is 5 requests per second for the calling account, and
/// 8 at once (Organizations user guide, "Quotas", API throttle limits). One of the 8 is left over, because calls may arrive at shorter
/// intervals than they are sent.
const INTERVAL: Duration = Duration::from_millis(200);
const AT_ONCE: u32 = 7;

/// Spaces the calls. The cell contains the time at which the next call would be sent without the allowance for several at once.
struct UnitRateLimiter(Cell<Instant>);

impl UnitRateLimiter {
    /// Waits until the next call can be sent.
    async fn wait(&self) {
        let next = self.0.get().max(Instant::now());
        self.0.set(next + INTERVAL);
        if let Some(earliest) = next.checked_sub(INTERVAL * (AT_ONCE - 1)) {
            sleep_until(earliest).await;
        }
    }
}

/// Passes each OU directly below `parents`, and with `read_roots` each root, to `found`.
pub(in super::super) async fn for_each(
    client: &Client,
    max_attempts: u32,
    read_roots: bool,
    parents: &[UnitId],
    mut found: impl FnMut(UnitId, Option<UnitId>, String),
) -> Result<(), ListingError> {
    if read_roots {
        for Root { id, name, .. } in roots(client, max_attempts).await? {
            if let Ok(id) = id.parse() {
                found(id, None, name);
            }
        }
    }
    let limiter = UnitRateLimiter(Cell::new(Instant::now()));
    for parent in parents {
        match children(client, max_attempts, &limiter, parent, &mut found).await {
            // The OU was removed after the accounts were listed.
            Err(ListingError::Call(failure)) if failure.code.as_str() == "ParentNotFoundException" => {}
            other => other?,
        }
    }
    Ok(())
}

async fn children(
    client: &Client,
    max_attempts: u32,
    limiter: &UnitRateLimiter,
    parent: &UnitId,
    found: &mut impl FnMut(UnitId, Option<UnitId>, String),
) -> Result<(), ListingError> {
    let operation = Operation::ListOrganizationalUnitsForParent;
    let page = async |token| {
        limiter.wait().await;
        let request = client.list_organizational_units_for_parent().parent_id(parent.as_str());
        call(operation, None, request.max_results(super::PAGE).set_next_token(token).send()).await
    };
    for_each_page(operation, max_attempts, page, |answer| {
        let units = answer.organizational_units();
        let mut bytes = 0;
        for unit in units {
            let (id, name) = (unit.id().unwrap_or_default(), unit.name().unwrap_or_default());
            bytes += id.len() + name.len();
            if let Ok(id) = id.parse() {
                found(id, Some(parent.clone()), name.to_owned());
            }
        }
        Ok(Page { new: units.len(), bytes, next: answer.next_token })
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_keep_to_the_quota() {
        let (start, limiter) = (Instant::now(), UnitRateLimiter(Cell::new(Instant::now())));
        let mut sent = Vec::new();
        for _ in 0..12 {
            limiter.wait().await;
            sent.push(start.elapsed().as_millis());
        }
        assert_eq!(sent, [0, 0, 0, 0, 0, 0, 0, 200, 400, 600, 800, 1000]);
        // After a pause, several calls can be sent at once again.
        tokio::time::advance(Duration::from_mins(1)).await;
        let paused = start.elapsed();
        for _ in 0..AT_ONCE {
            limiter.wait().await;
        }
        assert_eq!(start.elapsed(), paused);
    }
}
