//! This module owns the question whether the base credentials are still accepted, which is asked once for all visits.
//!
//! When they end, every visit in flight is refused at once. To learn whether there are others they are fetched anew, and that may
//! start a program, open a browser, or ask somebody for a code. So one visit asks, and the others take the answer.

use std::cell::{Cell, RefCell};
use std::future::Future;

use tokio::sync::{Notify, Semaphore};
use tokio::time::Instant;

use crate::cloud::Failure;

/// What is known about the base credentials. All visits of a run share it.
#[derive(Debug)]
pub(crate) struct CredentialProbe {
    /// Whoever holds the permit asks.
    alone: Semaphore,
    last: RefCell<Option<Found>>,
    open: Cell<usize>,
    settled: Notify,
}

/// What was found out last.
#[derive(Debug)]
struct Found {
    /// When it was asked.
    asked: Instant,
    answer: Result<(), Failure>,
}

impl Default for CredentialProbe {
    fn default() -> Self {
        let (last, open, settled) = Default::default();
        Self { alone: Semaphore::new(1), last, open, settled }
    }
}

impl CredentialProbe {
    /// Opens the question, until what it gives is dropped.
    pub(crate) fn question(&self) -> Question<'_> {
        self.open.set(self.open.get() + 1);
        Question(self)
    }

    /// Waits for as long as the question is open.
    pub(crate) async fn settled(&self) {
        loop {
            let settled = self.settled.notified();
            if self.open.get() == 0 {
                return;
            }
            settled.await;
        }
    }
}

/// The question of one visit.
#[derive(Debug)]
pub(crate) struct Question<'a>(&'a CredentialProbe);

impl Question<'_> {
    /// Whether they are accepted: what somebody else was answered who asked at `since` or later, or else by asking. Only one asks at a
    /// time.
    ///
    /// # Errors
    ///
    /// When they are not, or nobody answers, whoever asked.
    pub(crate) async fn ask(
        &self,
        since: Instant,
        ask: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Failure> {
        let _alone = self.0.alone.acquire().await.expect("the semaphore is never closed");
        if let Some(found) = self.0.last.borrow().as_ref().filter(|found| found.asked >= since) {
            return found.answer.clone();
        }
        let asked = Instant::now();
        let answer = ask.await;
        self.0.last.replace(Some(Found { asked, answer: answer.clone() }));
        answer
    }
}

impl Drop for Question<'_> {
    fn drop(&mut self) {
        self.0.open.set(self.0.open.get() - 1);
        if self.0.open.get() == 0 {
            self.0.settled.notify_waiters();
        }
    }
}
