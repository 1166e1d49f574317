//! This module owns the pace: how many AssumeRole calls start in a second, and how AWS's throttling changes that.
//!
//! Every AssumeRole of a fan-out draws on one quota, that of the caller's account (600 a second in each Region, shared
//! with all else that assumes roles there: IAM user guide, "IAM and AWS STS quotas"). So there is one pace for all
//! visits. Calls are spaced evenly by absolute deadlines. A throttle lowers the pace to what AWS was seen to let
//! through, and the pace then climbs back along a cubic curve (RFC 9438 describes it for TCP; the AWS SDKs' adaptive mode
//! uses it too): slowly around the level that was refused, faster the longer nothing is refused.

mod control;
mod slow_start;

use std::cell::{Cell, RefCell};

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use control::Control;
use slow_start::SlowStart;

pub(crate) use slow_start::Entering;

/// The pace of all visits of a run.
#[derive(Debug)]
pub(crate) struct RateLimiter {
    control: RefCell<Control>,
    slow_start: SlowStart,
    /// Whoever holds the permit is the head of the queue of visits; the semaphore is first come, first served.
    first: Semaphore,
    /// The same for the queue of calls that are repeated.
    again: Semaphore,
    /// How many repeated calls wait. They come before new visits: what was started is finished first.
    waiting: Cell<usize>,
    none_waits: Notify,
    throttles: Cell<u64>,
}

impl RateLimiter {
    /// A pace of `limit` calls per second; 0 is unlimited.
    pub(crate) fn new(limit: u32) -> Self {
        let limit = (limit > 0).then(|| f64::from(limit));
        Self {
            control: RefCell::new(Control::new(limit, Instant::now())),
            slow_start: SlowStart::default(),
            first: Semaphore::new(1),
            again: Semaphore::new(1),
            waiting: Cell::new(0),
            none_waits: Notify::new(),
            throttles: Cell::new(0),
        }
    }

    /// Waits for the turn of a new visit. Turns are given in the order in which they were asked for, and none for as long as `open`
    /// is waited for. What it gives is to be kept until the account has answered for the first time.
    pub(crate) async fn turn(&self, open: impl AsyncFn()) -> Entering<'_> {
        let entering = self.slow_start.enter().await;
        let _head = self.first.acquire().await.expect("the semaphore is never closed");
        loop {
            // Only the head of the queue looks, and no turn is taken before it may be used: those behind it keep their distance
            // when it opens again.
            open().await;
            if self.waiting.get() > 0 {
                self.none_waits.notified().await;
                continue;
            }
            let taken = self.control.borrow_mut().take(Instant::now());
            match taken {
                Ok(()) => return entering,
                Err(later) => tokio::time::sleep_until(later).await,
            }
        }
    }

    /// Waits for the turn of a call that is repeated in a visit.
    pub(crate) async fn turn_again(&self) {
        let _waiting = Waiting::new(self);
        let _head = self.again.acquire().await.expect("the semaphore is never closed");
        loop {
            let taken = self.control.borrow_mut().take(Instant::now());
            match taken {
                Ok(()) => return,
                Err(later) => tokio::time::sleep_until(later).await,
            }
        }
    }

    /// Notes that AWS let a call through.
    pub(crate) fn passed(&self) {
        self.control.borrow_mut().passed();
    }

    /// Notes that AWS throttled a call that was sent at `sent`.
    pub(crate) fn throttled(&self, sent: Instant) {
        self.throttles.set(self.throttles.get() + 1);
        self.control.borrow_mut().throttled(sent, Instant::now());
    }

    /// How many calls were throttled so far.
    pub(crate) fn throttles(&self) -> u64 {
        self.throttles.get()
    }

    /// The pace of the moment in calls per second; `None` is unlimited.
    pub(crate) fn rate(&self) -> Option<f64> {
        self.control.borrow().rate(Instant::now())
    }
}

/// Counts a waiting call for as long as it waits, even if the visit is dropped meanwhile.
struct Waiting<'a>(&'a RateLimiter);

impl<'a> Waiting<'a> {
    fn new(rate_limiter: &'a RateLimiter) -> Self {
        rate_limiter.waiting.set(rate_limiter.waiting.get() + 1);
        Self(rate_limiter)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.set(self.0.waiting.get() - 1);
        if self.0.waiting.get() == 0 {
            self.0.none_waits.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests;
