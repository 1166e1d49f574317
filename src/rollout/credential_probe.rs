//! Checks whether the base credentials are still accepted. All visits share one check.
//!
//! When the base credentials expire, AWS refuses the calls of all visits in flight at about the same time. To find out whether
//! there are new credentials, they are fetched again. A fetch can start a program, open a browser, or ask the user for a code. So
//! only one visit makes the check, and the other visits use the result.

use std::future::Future;

use tokio::sync::Mutex;
use tokio::time::Instant;

use super::waiting::InProgress;
use crate::cloud::Failure;

/// The check of the base credentials, which all visits of a run share.
#[derive(Debug, Default)]
pub(crate) struct CredentialProbe {
    /// When the last check started, and its result. The mutex is locked during a check.
    last: Mutex<Option<(Instant, Result<(), Failure>)>>,
    /// The visits that wait for the result. While a visit waits, no other visit starts.
    pub(super) pending: InProgress,
}

impl CredentialProbe {
    /// Returns the result of the last check if it started at `since` or later. Otherwise awaits `check` and returns its result.
    /// Only one visit at a time awaits a check.
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
