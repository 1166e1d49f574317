//! The rate limiter: how many AssumeRole calls start per second, and how throttling by AWS changes that.
//!
//! All AssumeRole calls draw on one quota, that of the caller's account (600 per second in each Region, shared with everything else
//! that assumes roles there: IAM user guide, "IAM and AWS STS quotas"). So one rate applies to all visits. Calls are spaced evenly
//! by absolute deadlines. A throttle lowers the rate to just below the measured rate that AWS lets through. The rate then recovers
//! along a cubic curve (RFC 9438 describes it for TCP; the AWS SDKs' adaptive mode uses it too): slowly near the measured rate, and
//! faster the longer AWS throttles no call.

mod control;
mod slow_start;

use std::cell::{Cell, RefCell};

use tokio::sync::Semaphore;
use tokio::time::Instant;

use control::Control;
use slow_start::SlowStart;

use super::waiting::InProgress;

pub(crate) use slow_start::EntryPermit;

/// Limits the rate of all visits of a run.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    control: RefCell<Control>,
    slow_start: SlowStart,
    /// Held by the head of the queue of new visits. The semaphore is first come, first served.
    visits: Semaphore,
    /// The same for the queue of retries.
    retries: Semaphore,
    /// The retries that wait. They go before new visits, so that visits in flight finish first.
    waiting_retries: InProgress,
    throttles: Cell<u64>,
}

impl RateLimiter {
    /// Allows `limit` calls per second; 0 is unlimited.
    pub(crate) fn new(limit: u32) -> Self {
        let limit = (limit > 0).then(|| f64::from(limit));
        Self {
            control: RefCell::new(Control::new(limit, Instant::now())),
            slow_start: SlowStart::default(),
            visits: Semaphore::new(1),
            retries: Semaphore::new(1),
            waiting_retries: InProgress::default(),
            throttles: Cell::new(0),
        }
    }

    /// Waits until `may_enter` resolves and a new visit may start. Visits start first come, first served. The caller holds the
    /// permit until the account gives its first answer.
    pub(crate) async fn wait_to_enter(&self, may_enter: impl AsyncFn()) -> EntryPermit<'_> {
        let permit = self.slow_start.acquire().await;
        let _head = self.visits.acquire().await.expect("the semaphore is never closed");
        loop {
            // Only the head of the queue waits here, and takes its turn afterwards. So after an outage the visits behind it are
            // spaced as usual.
            may_enter().await;
            if self.waiting_retries.count() > 0 {
                self.waiting_retries.none().await;
                continue;
            }
            if self.take_or_sleep().await {
                return permit;
            }
        }
    }

    /// Waits until a visit may retry AssumeRole.
    pub(crate) async fn wait_to_retry(&self) {
        let _waiting = self.waiting_retries.start();
        let _head = self.retries.acquire().await.expect("the semaphore is never closed");
        while !self.take_or_sleep().await {}
    }

    /// Takes the next turn, or sleeps until it may come. Returns whether it was taken.
    async fn take_or_sleep(&self) -> bool {
        let taken = self.control.borrow_mut().take(Instant::now());
        if let Err(later) = taken {
            tokio::time::sleep_until(later).await;
        }
        taken.is_ok()
    }

    /// Records that AWS let a call through.
    pub(crate) fn passed(&self) {
        self.control.borrow_mut().passed();
    }

    /// Records that AWS throttled a call that was sent at `sent`.
    pub(crate) fn throttled(&self, sent: Instant) {
        self.throttles.set(self.throttles.get() + 1);
        self.control.borrow_mut().throttled(sent, Instant::now());
    }

    /// Returns how many calls were throttled so far.
    pub(crate) fn throttles(&self) -> u64 {
        self.throttles.get()
    }

    /// Returns the current rate in calls per second; `None` is unlimited.
    pub(crate) fn rate(&self) -> Option<f64> {
        self.control.borrow().rate(Instant::now())
    }
}

#[cfg(test)]
mod tests;
