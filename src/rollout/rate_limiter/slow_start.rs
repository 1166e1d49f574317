//! This module owns the ramp: at a cold start a few accounts are entered at once, and more as the answers come.
//!
//! Hundreds of connections that are opened in the same instant are looked up, handshaken and accepted all at once, and time out
//! together (aws-sdk-rust issue 1136 has it at more than 200). With every answer one more may be on its way, so the width
//! doubles with every round trip.

use std::cell::Cell;

use tokio::sync::{Semaphore, SemaphorePermit};

/// How many accounts may be entered at once at the start. `benches/scale/wall.rs` reckons with it.
const START: usize = 64;

/// The width is of no further interest beyond the widest `--concurrency`.
const WIDEST: usize = 1000;

/// How many accounts may be entered at once.
#[derive(Debug)]
pub(super) struct SlowStart {
    free: Semaphore,
    width: Cell<usize>,
}

impl Default for SlowStart {
    fn default() -> Self {
        Self { free: Semaphore::new(START), width: Cell::new(START) }
    }
}

impl SlowStart {
    /// Waits until one more account may be entered, first come, first served.
    pub(super) async fn enter(&self) -> Entering<'_> {
        let permit = self.free.acquire().await.expect("the semaphore is never closed");
        Entering { slow_start: self, _permit: permit }
    }
}

/// An account that is being entered, until it is dropped.
#[derive(Debug)]
pub(crate) struct Entering<'a> {
    slow_start: &'a SlowStart,
    _permit: SemaphorePermit<'a>,
}

impl Drop for Entering<'_> {
    fn drop(&mut self) {
        let width = self.slow_start.width.get();
        if width < WIDEST {
            self.slow_start.width.set(width + 1);
            self.slow_start.free.add_permits(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_width_doubles_with_every_round_trip() {
        let slow_start = SlowStart::default();
        let now = Cell::new(0_usize);
        let started = Instant::now();
        let visits = (0..2000).map(async |_| {
            let entering = slow_start.enter().await;
            now.set(now.get() + 1);
            let width = now.get();
            sleep(Duration::from_millis(100)).await;
            now.set(now.get() - 1);
            drop(entering);
            (started.elapsed().as_millis() / 100, width)
        });
        let seen = futures::future::join_all(visits).await;
        let widest = |trip| seen.iter().filter(|(of, _)| *of == trip).map(|(_, width)| *width).max();
        assert_eq!([1, 2, 3, 4, 5].map(widest), [64, 128, 256, 512, 1000].map(Some));
        assert_eq!(seen.iter().map(|(_, width)| *width).max(), Some(1000));
    }
}
