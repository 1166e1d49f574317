//! Enters an account: waits for a turn, opens a session, and finds out whether a refusal concerns the account or the caller.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use tokio::time::Instant;

use super::retry::CallError;
use super::{NEW_SESSIONS, Visit, VisitError};
use crate::cloud::{Cloud, Failure, FailureKind, Operation, retry};
use crate::rollout::{Intents, Stage, StopReason};

/// After this many failed fetches, the base credentials count as expired. `FETCH_WAIT` is the wait after the first failure; the
/// second wait is twice as long. Fetches that fail while AWS can't be reached do not count.
const FETCH_ATTEMPTS: u32 = 3;
const FETCH_WAIT: Duration = Duration::from_secs(1);

/// The timeout of the check of the base credentials. It is long, because each fetch has its own timeout and STS can be slow to
/// reach.
const CHECK_TIMEOUT: Duration = Duration::from_mins(3);

impl<C: Cloud, I: Intents> Visit<'_, '_, C, I> {
    /// Opens a session in the account.
    pub(super) async fn enter(&mut self) -> Result<C::Session, VisitError> {
        let mut failed = 0;
        loop {
            if self.entry_permit.is_none() {
                let asked = Instant::now();
                self.run.rate_limiter.wait_to_retry().await;
                self.deadline += asked.elapsed();
            }
            let sent = Instant::now();
            self.record.attempts += 1;
            let call = pin!(retry::as_attempt(
                failed + 1,
                self.run.cloud.open_session(self.target.account, &self.target.access)
            ));
            let answer = self.attempt(Stage::Assume, Operation::AssumeRole, call).await;
            self.entry_permit = None;
            let error = match answer {
                Ok(answer) => {
                    self.run.rate_limiter.passed();
                    self.regional_size = self.run.cloud.token_size(&answer.value);
                    return Ok(answer.value);
                }
                Err(error) => error,
            };
            let in_outage = matches!(error, CallError::Outage(_));
            let failure = self.count_failure(error, &mut failed)?;
            let retry = match failure.kind {
                FailureKind::Throttled => {
                    self.run.rate_limiter.throttled(sent);
                    true
                }
                FailureKind::Transient if !failure.has_no_credentials() || in_outage => true,
                FailureKind::Credentials | FailureKind::Transient => {
                    Box::pin(self.check_base_credentials(sent, &failure)).await?;
                    failed <= NEW_SESSIONS
                }
                FailureKind::Refused => false,
            };
            if !retry || failed >= self.run.options.max_attempts {
                return Err(VisitError::Failed(Stage::Assume, failure));
            }
            self.back_off(failed, Stage::Assume, failure).await?;
        }
    }

    /// Finds out whether the base credentials are still accepted, after a call that was sent at `sent` failed with `refused`. If
    /// they are no longer accepted, stops the run. The time of the check does not count towards the visit's timeout.
    pub(super) async fn check_base_credentials(&mut self, sent: Instant, refused: &Failure) -> Result<(), VisitError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.deadline = Instant::now() + CHECK_TIMEOUT;
        let result = self.check_until_known(sent, refused).await;
        self.deadline = Instant::now() + left;
        result
    }

    async fn check_until_known(&mut self, sent: Instant, refused: &Failure) -> Result<(), VisitError> {
        let run = self.run;
        let _pending = run.credential_probe.pending.start();
        let (mut since, mut failed) = (sent, 0);
        loop {
            let calls = Cell::new(0);
            let check = async {
                calls.set(1);
                run.cloud.check_base_credentials().await
            };
            let call = pin!(run.credential_probe.result(since, check));
            let result = self.attempt(Stage::Assume, Operation::GetCallerIdentity, call).await;
            // A check by another visit does not count as a call of this visit.
            self.record.attempts += calls.get();
            match result {
                Err(CallError::VisitEnds(VisitError::Failed(stage, _))) => {
                    let timeout = self.out_of_time(Operation::GetCallerIdentity, Some(refused));
                    return Err(VisitError::Failed(stage, timeout));
                }
                Err(CallError::VisitEnds(error)) => return Err(error),
                // A fetch can fail although the credentials have not expired, so it is repeated. A run that stops does not repeat
                // it.
                Err(CallError::Failed(failure))
                    if failure.has_no_credentials() && failed + 1 < FETCH_ATTEMPTS && !run.stop.requested() =>
                {
                    failed += 1;
                    since = Instant::now();
                    let wait = FETCH_WAIT * failed;
                    self.sleep(wait, Stage::Assume, Operation::GetCallerIdentity, Some(&failure)).await?;
                }
                Err(CallError::Failed(failure))
                    if failure.has_no_credentials() || failure.kind == FailureKind::Credentials =>
                {
                    if !run.stop.requested() {
                        run.stop.request(StopReason::CallerCredentials(failure));
                    }
                    return Err(VisitError::NotAttempted(Stage::Assume, refused.clone()));
                }
                // The credentials are accepted, or the check failed for another reason. In both cases, the visit can try its call
                // again.
                Ok(()) | Err(CallError::Failed(_) | CallError::Outage(_)) => return Ok(()),
            }
        }
    }
}
