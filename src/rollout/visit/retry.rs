//! Makes one call of a visit, and decides whether and when a failed call is retried.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::{NEW_SESSIONS, RequestId, Visit, VisitError};
use crate::cloud::{Cloud, Effect, Failure, FailureKind, Operation, OwnCode, retry};
use crate::rollout::{Intents, Stage, StopReason};

/// Why a call gave no result.
pub(super) enum CallError {
    /// The call failed.
    Failed(Failure),
    /// The call failed because of an outage or a pause of the process, so it does not count as an attempt.
    Outage(Failure),
    /// The visit ends with this error.
    VisitEnds(VisitError),
}

/// How many attempts of one call have failed so far, and how many new sessions were opened for the call.
#[derive(Default)]
pub(super) struct Attempts {
    pub(super) failed: u32,
    new_sessions: u32,
}

impl<C: Cloud, I: Intents> Visit<'_, '_, C, I> {
    /// Makes one call. If it gets no answer, and STS can't be reached either, waits until STS answers again. A call that can't be
    /// signed is treated like a call without an answer, because the source of the credentials might be unreachable too.
    pub(super) async fn attempt<T>(
        &mut self,
        stage: Stage,
        operation: Operation,
        call: Pin<&mut impl Future<Output = Result<T, Failure>>>,
    ) -> Result<T, CallError> {
        self.excuse_pauses();
        let began = Instant::now();
        let (failure, timed_out) = match timeout_at(self.deadline, call).await {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(failure)) if !(failure.is_unanswered() || failure.has_no_credentials()) => {
                return Err(CallError::Failed(failure));
            }
            Ok(Err(failure)) => (failure, false),
            // Of the calls for an account, only AssumeRole is signed with the base credentials. The time that it takes to fetch
            // these credentials must not count towards the visit's timeout.
            Err(_) if operation == Operation::AssumeRole && self.run.cloud.is_fetching_credentials() => {
                self.deadline += began.elapsed();
                let message = "the base credentials were still being fetched when the time of the visit was up";
                let unsigned = self.failure(operation, OwnCode::NoCredentials, message.to_owned());
                (Failure { effect: Effect::None, ..unsigned }, false)
            }
            Err(_) => {
                let message = "no answer within the time of the visit".to_owned();
                (self.failure(operation, OwnCode::RequestTimedOut, message), true)
            }
        };
        let deadline = self.deadline;
        let was_paused = self.excuse_pauses();
        let was_outage = Box::pin(self.wait_out_outage(stage, began, &failure)).await.map_err(CallError::VisitEnds)?;
        if was_outage || was_paused {
            // The elapsed time contains all pauses since the call began.
            self.excuse_pauses();
            self.deadline = deadline + began.elapsed();
            Err(CallError::Outage(Failure { kind: FailureKind::Transient, ..failure }))
        } else if timed_out {
            Err(CallError::VisitEnds(VisitError::Failed(stage, self.out_of_time(operation, None))))
        } else {
            Err(CallError::Failed(failure))
        }
    }

    /// Gives the visit the time back in which the process did not run. Returns whether there was such a time since the last call.
    fn excuse_pauses(&mut self) -> bool {
        let seen = self.run.connectivity.pauses.observe();
        let was_paused = seen.is_after(&self.pauses);
        self.deadline += seen.time_since(&self.pauses);
        self.pauses = seen;
        was_paused
    }

    /// Waits while an outage lasts. Returns whether there was an outage.
    ///
    /// A run that stops does not wait for the end of an outage. It still finds out whether there is an outage, because otherwise
    /// the visit would use up its attempts and the account would fail.
    async fn wait_out_outage(&self, stage: Stage, sent: Instant, failure: &Failure) -> Result<bool, VisitError> {
        let run = self.run;
        let stopped_in_outage = async {
            run.stop.wait().await;
            run.connectivity.lost().await;
        };
        tokio::select! {
            biased;
            () = stopped_in_outage => Err(VisitError::NotAttempted(stage, failure.clone())),
            result = run.connectivity.probe(sent, async || run.cloud.probe_connection().await) => {
                result.map_err(|cause| {
                    run.stop.request(StopReason::Unreachable(cause));
                    VisitError::NotAttempted(stage, failure.clone())
                })
            }
        }
    }

    /// Decides whether a call inside the account is retried. Before a retry, waits or replaces the session. If the call is not
    /// retried, returns the error with which the visit ends.
    pub(super) async fn prepare_retry(
        &mut self,
        session: &mut C::Session,
        stage: Stage,
        error: CallError,
        attempts: &mut Attempts,
    ) -> Result<(), VisitError> {
        let failure = self.count_failure(error, &mut attempts.failed)?;
        match failure.kind {
            FailureKind::Refused => Err(VisitError::Failed(stage, failure)),
            _ if attempts.failed >= self.run.options.max_attempts => Err(VisitError::Failed(stage, failure)),
            FailureKind::Credentials if attempts.new_sessions < NEW_SESSIONS => {
                attempts.new_sessions += 1;
                *session = Box::pin(self.enter()).await?;
                Ok(())
            }
            FailureKind::Credentials => Err(VisitError::Failed(stage, failure)),
            FailureKind::Throttled | FailureKind::Transient => self.back_off(attempts.failed, stage, failure).await,
        }
    }

    /// Returns the failure of a call. If the visit ends, returns the error with which it ends. Counts the failure in `failed`
    /// unless it is part of an outage.
    pub(super) fn count_failure(&mut self, error: CallError, failed: &mut u32) -> Result<Failure, VisitError> {
        let failure = match error {
            CallError::VisitEnds(error) => return Err(error),
            CallError::Outage(failure) => failure,
            CallError::Failed(failure) => {
                *failed += 1;
                failure
            }
        };
        if failure.kind == FailureKind::Throttled {
            self.record.throttled += 1;
        }
        Ok(failure)
    }

    pub(super) async fn back_off(&mut self, failed: u32, stage: Stage, failure: Failure) -> Result<(), VisitError> {
        let wait = retry::backoff(failed, fastrand::f64());
        self.sleep(wait, stage, failure.operation, Some(&failure)).await
    }

    /// Sleeps, or fails at once if the deadline comes first.
    pub(super) async fn sleep(
        &mut self,
        wait: Duration,
        stage: Stage,
        operation: Operation,
        last: Option<&Failure>,
    ) -> Result<(), VisitError> {
        self.excuse_pauses();
        let wake = Instant::now() + wait;
        if wake > self.deadline {
            return Err(VisitError::Failed(stage, self.out_of_time(operation, last)));
        }
        if !wait.is_zero() {
            sleep_until(wake).await;
        }
        Ok(())
    }

    /// Returns the failure of a visit that reached its deadline.
    pub(super) fn out_of_time(&self, operation: Operation, last: Option<&Failure>) -> Failure {
        let limit = humantime::format_duration(self.run.options.account_timeout);
        let last = last.map_or_else(String::new, |failure| format!("; the last failure: {failure}"));
        let message = format!("the visit took longer than --account-timeout {limit}{last}");
        self.failure(operation, OwnCode::AccountTimeout, message)
    }

    /// Returns a failure that this program detected. The failure is transient, so a retry can help.
    pub(super) fn failure(&self, operation: Operation, code: OwnCode, message: String) -> Failure {
        Failure {
            kind: FailureKind::Transient,
            effect: Effect::Unknown,
            request_id: self.record.request_id.as_ref().map(RequestId::to_string),
            ..Failure::own(operation, code, message)
        }
    }
}
