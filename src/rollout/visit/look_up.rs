//! Reads the event history of an account, page by page, as fast as CloudTrail allows.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::retry::Attempts;
use super::{Visit, VisitError};
use crate::cloud::retry::as_attempt;
use crate::cloud::{Cloud, Operation};
use crate::impact::sampling::Sampler;
use crate::rollout::lookups::Lookups;
use crate::rollout::{Intents, Stage};

/// The time between two calls. CloudTrail allows two calls a second for each account and Region (CloudTrail API reference,
/// `LookupEvents`), so the accounts do not slow each other down.
pub(crate) const SPACING: Duration = Duration::from_millis(500);

impl<C: Cloud, I: Intents> Visit<'_, '_, C, I> {
    /// Reads the event history. If a call fails, or the run stops, the pages that were read before count.
    pub(super) async fn look_up(&mut self, session: &mut C::Session, lookups: Lookups<'_>) -> Result<(), VisitError> {
        let account = self.target.account;
        if !lookups.sink.needs(account) {
            return Ok(());
        }
        let mut sampler = lookups.sampler(account);
        let result = self.read_pages(session, lookups, &mut sampler).await;
        lookups.sink.finish(account, sampler.coverage());
        result
    }

    async fn read_pages(
        &mut self,
        session: &mut C::Session,
        lookups: Lookups<'_>,
        sampler: &mut Sampler,
    ) -> Result<(), VisitError> {
        let mut next_call = Instant::now();
        let mut attempts = Attempts::default();
        while let Some(query) = sampler.next_query() {
            if !self.wait_for_turn(next_call).await {
                return Ok(());
            }
            next_call = Instant::now() + SPACING;
            self.record.attempts += 1;
            let answer = {
                let call = pin!(as_attempt(attempts.failed + 1, self.run.cloud.look_up_events(session, &query)));
                self.attempt(Stage::Read, Operation::LookupEvents, call).await
            };
            match answer {
                Ok(answer) => {
                    lookups.sink.take(self.target.account, &answer.value);
                    sampler.take(&answer.value);
                    attempts = Attempts::default();
                    // The time limit of the visit is for calls that fail or hang: each page of a long history starts it again.
                    self.deadline = Instant::now() + self.run.options.account_timeout;
                }
                Err(error) => self.prepare_retry(session, Stage::Read, error, &mut attempts).await?,
            }
        }
        Ok(())
    }

    /// Waits for the time of the next call. Returns whether the run goes on. The wait does not count as time of the visit.
    async fn wait_for_turn(&mut self, time: Instant) -> bool {
        let asked = Instant::now();
        tokio::select! {
            biased;
            () = self.run.stop.wait() => return false,
            () = sleep_until(time) => {}
        }
        self.deadline += asked.elapsed();
        true
    }
}
