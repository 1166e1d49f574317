//! Checks once for all visits whether the base credentials are still accepted.
//!
//! When the base credentials end, every visit in flight is refused at once. Finding out whether there are new ones means fetching
//! them again, which may start a program, open a browser, or ask the user for a code. So one visit checks, and the others take its
//! result.

use std::cell::{Cell, RefCell};
use std::future::Future;

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use crate::cloud::Failure;

/// Whether the base credentials are accepted. All visits of a run share it.
#[derive(Debug)]
pub(crate) struct CredentialProbe {
    /// Held by the visit that checks.
    permit: Semaphore,
    /// When the last check started, and its result.
    last: RefCell<Option<(Instant, Result<(), Failure>)>>,
    /// How many visits need the answer.
    pending: Cell<usize>,
    none_pending: Notify,
}

impl Default for CredentialProbe {
    fn default() -> Self {
        Self {
            permit: Semaphore::new(1),
            last: RefCell::default(),
            pending: Cell::default(),
            none_pending: Notify::default(),
        }
    }
}

impl CredentialProbe {
    /// Starts a check for one visit. It is pending until the guard is dropped.
    pub(crate) fn start(&self) -> PendingCheck<'_> {
        self.pending.set(self.pending.get() + 1);
        PendingCheck(self)
    }

    /// Waits until no check is pending.
    pub(crate) async fn none_pending(&self) {
        loop {
            let none_pending = self.none_pending.notified();
            if self.pending.get() == 0 {
                return;
            }
            none_pending.await;
        }
    }
}

/// The check of one visit.
#[derive(Debug)]
pub(crate) struct PendingCheck<'a>(&'a CredentialProbe);

impl PendingCheck<'_> {
    /// Returns the result of a check that any visit started at `since` or later, or else awaits `check`, one visit at a time.
    pub(crate) async fn result(
        &self,
        since: Instant,
        check: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Failure> {
        let _permit = self.0.permit.acquire().await.expect("the semaphore is never closed");
        if let Some((_, result)) = self.0.last.borrow().as_ref().filter(|(started, _)| *started >= since) {
            return result.clone();
        }
        let started = Instant::now();
        let result = check.await;
        self.0.last.replace(Some((started, result.clone())));
        result
    }
}

impl Drop for PendingCheck<'_> {
    fn drop(&mut self) {
        self.0.pending.set(self.0.pending.get() - 1);
        if self.0.pending.get() == 0 {
            self.0.none_pending.notify_waiters();
        }
    }
}
