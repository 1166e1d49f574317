//! Slow start: at first, at most [`START`] accounts are entered at once, and then more as answers arrive.
//!
//! If hundreds of connections are opened at the same time, they resolve names, do handshakes and wait to be accepted at the same
//! time. They also time out together (aws-sdk-rust issue 1136 reports this for more than 200 connections). Each answer allows one
//! more entry, so the number of concurrent entries doubles with every round trip.

use std::cell::Cell;

use tokio::sync::{Semaphore, SemaphorePermit};

/// How many accounts can be entered at once at the start. `benches/scale/wall.rs` uses the same value.
const START: usize = 64;

/// The limit does not grow beyond this number, which is the largest `--concurrency`.
const MAX: usize = 1000;

/// Limits how many accounts are entered at once.
#[derive(Debug)]
pub(super) struct SlowStart {
    permits: Semaphore,
    limit: Cell<usize>,
}

impl Default for SlowStart {
    fn default() -> Self {
        Self { permits: Semaphore::new(START), limit: Cell::new(START) }
    }
}

impl SlowStart {
    /// Waits until one more account can be entered. Permits are granted in the order of arrival.
    pub(super) async fn acquire(&self) -> EntryPermit<'_> {
        let permit = self.permits.acquire().await.expect("the semaphore is never closed");
        EntryPermit { slow_start: self, _permit: permit }
    }
}

/// The permit to enter one account. Dropping the permit raises the limit by one.
#[derive(Debug)]
pub(crate) struct EntryPermit<'a> {
    slow_start: &'a SlowStart,
    _permit: SemaphorePermit<'a>,
}

impl Drop for EntryPermit<'_> {
    fn drop(&mut self) {
        let limit = self.slow_start.limit.get();
        if limit < MAX {
            self.slow_start.limit.set(limit + 1);
            self.slow_start.permits.add_permits(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn concurrent_entries_double_with_every_round_trip() {
        let slow_start = SlowStart::default();
        let now = Cell::new(0_usize);
        let started = Instant::now();
        let visits = (0..2000).map(async |_| {
            let permit = slow_start.acquire().await;
            now.set(now.get() + 1);
            let width = now.get();
            sleep(Duration::from_millis(100)).await;
            now.set(now.get() - 1);
            drop(permit);
            (started.elapsed().as_millis() / 100, width)
        });
        let seen = futures::future::join_all(visits).await;
        let widest = |trip| seen.iter().filter(|(of, _)| *of == trip).map(|(_, width)| *width).max();
        assert_eq!([1, 2, 3, 4, 5].map(widest), [64, 128, 256, 512, 1000].map(Some));
        assert_eq!(seen.iter().map(|(_, width)| *width).max(), Some(1000));
    }
}
