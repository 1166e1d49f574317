//! The rate limiter: how many AssumeRole calls start per second, and how throttling by AWS changes this rate.
//!
//! All AssumeRole calls count against one quota of the caller's account, which all other callers in the account share. The quota
//! is 600 calls per second in each Region (IAM user guide, "IAM and AWS STS quotas"). So one rate applies to all visits. The
//! start times of calls are evenly spaced: each is computed from the planned time of the previous call, not from its actual time.
//! A throttle lowers the rate to just below the measured rate that AWS lets through. The rate then recovers along a cubic curve.
//! RFC 9438 describes this curve for TCP, and the adaptive mode of the AWS SDKs uses it too. The rate rises slowly near the
//! measured rate, and then faster and faster until AWS throttles a call again.

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
    /// The visit at the head of the queue of new visits holds the permit. The semaphore grants the permit in the order of
    /// arrival.
    visits: Semaphore,
    /// The visit at the head of the queue of retries holds the permit.
    retries: Semaphore,
    /// The retries that wait. Retries go before new visits, so that visits in flight finish first.
    waiting_retries: InProgress,
    throttles: Cell<u64>,
}

impl RateLimiter {
    /// Returns a rate limiter that allows `limit` calls per second; 0 means no limit.
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

    /// Waits until `may_enter` resolves and the rate allows a new visit. Visits start in the order of arrival. The caller holds
    /// the returned permit until the first call for the account has ended.
    pub(crate) async fn wait_to_enter(&self, may_enter: impl AsyncFn()) -> EntryPermit<'_> {
        let permit = self.slow_start.acquire().await;
        let _head = self.visits.acquire().await.expect("the semaphore is never closed");
        loop {
            // Only the head of the queue waits for `may_enter`, and takes its turn afterwards. So after an outage, visits still
            // start at the usual rate.
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

    /// Waits until the rate allows a visit to retry AssumeRole.
    pub(crate) async fn wait_to_retry(&self) {
        let _waiting = self.waiting_retries.start();
        let _head = self.retries.acquire().await.expect("the semaphore is never closed");
        while !self.take_or_sleep().await {}
    }

    /// Takes the next turn, or sleeps until the next turn is due. Returns whether a turn was taken.
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

    /// Returns the current rate in calls per second; `None` means no limit.
    pub(crate) fn rate(&self) -> Option<f64> {
        self.control.borrow().rate(Instant::now())
    }
}

#[cfg(test)]
mod tests;
