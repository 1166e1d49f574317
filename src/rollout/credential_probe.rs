//! Checks once for all visits whether the base credentials are still accepted.
//!
//! When the base credentials end, every visit in flight is refused at once. Finding out whether there are new ones means fetching
//! them again, which may start a program, open a browser, or ask the user for a code. So one visit checks, and the others take its
//! result.

use std::future::Future;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::waiting::InProgress;
use crate::cloud::Failure;

/// Whether the base credentials are accepted. All visits of a run share it.
#[derive(Debug, Default)]
pub(crate) struct CredentialProbe {
    /// When the last check started, and its result. Locked during a check.
    last: Mutex<Option<(Instant, Result<(), Failure>)>>,
    /// The visits that need the result. While there are any, no other account is entered.
    pub(super) pending: InProgress,
}

impl CredentialProbe {
    /// Returns the result of the last check if it started at `since` or later. Otherwise awaits `check`; only one visit at a time
    /// does so.
    pub(super) async fn result(
        &self,
        since: Instant,
        check: impl Future<Output = Result<(), Failure>>,
    ) -> Result<(), Failure> {
        let mut last = self.last.lock().await;
        if let Some((_, result)) = last.as_ref().filter(|(started, _)| *started >= since) {
            return result.clone();
        }
        let started = Instant::now();
        let result = check.await;
        *last = Some((started, result.clone()));
        result
    }
}
