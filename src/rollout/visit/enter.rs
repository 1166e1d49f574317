//! This module owns the way into an account: the turn, the session, and whose fault a refusal is.

use std::cell::Cell;
use std::pin::pin;
use std::time::Duration;

use tokio::time::Instant;

use super::retry::Missed;
use super::{End, NEW_SESSIONS, Visit};
use crate::cloud::{Cloud, Failure, FailureKind, Operation, retry};
use crate::rollout::context::Intents;
use crate::rollout::record::Stage;
use crate::rollout::stop::StopReason;

/// How often fetching the base credentials may fail, while AWS can be reached, before they are taken to be gone, and how long to wait
/// after the first time; after the second it is twice as long.
const FETCHES: u32 = 3;
const BETWEEN_FETCHES: Duration = Duration::from_secs(1);

/// How long all of that may take: each fetch ends by itself, and the way to STS may be slow.
const QUESTION: Duration = Duration::from_mins(3);

impl<C: Cloud, I: Intents> Visit<'_, '_, C, I> {
    /// Gets a session in the account, or a new one when the old one is no longer accepted.
    pub(super) async fn enter(&mut self) -> Result<(), End> {
        let mut failed = 0;
        loop {
            self.turn().await;
            let sent = Instant::now();
            self.record.attempts += 1;
            let call = pin!(retry::nth(failed + 1, self.run.cloud.enter(self.target.account, &self.target.access)));
            let answer = self.attempt(Stage::Assume, Operation::AssumeRole, call).await?;
            self.entering = None;
            let missed = match answer {
                Ok(answer) => {
                    self.run.rate_limiter.passed();
                    self.session = Some(answer.value);
                    return Ok(());
                }
                Err(missed) => missed,
            };
            failed += missed.tries();
            let Missed { failure, in_outage } = missed;
            self.count(&failure);
            let try_again = match failure.kind {
                FailureKind::Throttled => {
                    self.run.rate_limiter.throttled(sent);
                    true
                }
                FailureKind::Transient if !failure.is_unsigned() || in_outage => true,
                FailureKind::Credentials | FailureKind::Transient => {
                    Box::pin(self.caller_is_accepted(sent, &failure)).await? && failed <= NEW_SESSIONS
                }
                FailureKind::Refused => false,
            };
            if !try_again || failed >= self.run.options.max_attempts {
                return Err(End::Failed(Stage::Assume, failure));
            }
            self.back_off(failed, Stage::Assume, failure).await?;
        }
    }

    /// Waits for a turn of the pace. The time spent so is added to the deadline.
    pub(super) async fn turn(&mut self) {
        if std::mem::take(&mut self.has_turn) {
            return;
        }
        let asked = Instant::now();
        self.run.rate_limiter.turn_again().await;
        self.deadline += asked.elapsed();
    }

    /// Finds out whether the refusal of a call that was sent at `sent` is about the base credentials, which concerns every account, or
    /// only about this one. How long that takes is not the account's fault.
    pub(super) async fn caller_is_accepted(&mut self, sent: Instant, refused: &Failure) -> Result<bool, End> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        self.deadline = Instant::now() + QUESTION;
        let accepted = self.ask_whether_accepted(sent, refused).await;
        self.deadline = Instant::now() + left;
        accepted
    }

    async fn ask_whether_accepted(&mut self, sent: Instant, refused: &Failure) -> Result<bool, End> {
        let run = self.run;
        let question = run.credential_probe.question();
        let (mut since, mut in_vain) = (sent, 0);
        loop {
            let asked = Cell::new(0);
            let ask = async {
                asked.set(1);
                run.cloud.confirm_caller().await
            };
            let call = pin!(question.ask(since, ask));
            let answer = self.attempt(Stage::Assume, Operation::GetCallerIdentity, call).await;
            // Not what another visit has asked.
            self.record.attempts += asked.get();
            let answer = answer.map_err(|end| match end {
                End::Failed(stage, _) => {
                    End::Failed(stage, self.out_of_time(Operation::GetCallerIdentity, Some(refused)))
                }
                end @ (End::NotAttempted(..) | End::Drifted(_)) => end,
            })?;
            match answer {
                // They could not be fetched. That may pass, and need not mean that they are gone. A run that stops does not wait for it.
                Err(Missed { failure, in_outage: false })
                    if failure.is_unsigned() && in_vain + 1 < FETCHES && !run.stop.requested() =>
                {
                    in_vain += 1;
                    since = Instant::now();
                    let wait = BETWEEN_FETCHES * in_vain;
                    self.sleep(wait, Stage::Assume, Operation::GetCallerIdentity, Some(&failure)).await?;
                }
                Err(Missed { failure, in_outage: false })
                    if failure.is_unsigned() || failure.kind == FailureKind::Credentials =>
                {
                    if !run.stop.requested() {
                        run.stop.request(StopReason::CallerCredentials(failure));
                    }
                    return Err(End::NotAttempted(Stage::Assume, refused.clone()));
                }
                // Where it could not be found out, it is worth another try.
                Ok(()) | Err(_) => return Ok(true),
            }
        }
    }
}
