//! This module owns the way into an account: the turn, the session, and whose fault a refusal is.

use tokio::time::{Instant, timeout_at};

use super::{End, Intents, NEW_SESSIONS, Visit};
use crate::cloud::{Cloud, Failure, Kind, Operation, backoff};
use crate::rollout::record::Stage;
use crate::rollout::stop::StopReason;

impl<C: Cloud, I: Intents> Visit<'_, '_, C, I> {
    /// Gets a session in the account, or a new one when the old one is no longer accepted.
    pub(super) async fn enter(&mut self) -> Result<(), End> {
        let mut failed = 0;
        loop {
            self.turn().await;
            let sent = Instant::now();
            self.record.attempts += 1;
            let call = backoff::nth(failed + 1, self.run.cloud.enter(self.target.account, &self.target.way));
            let answer = self.attempt(Stage::Assume, Operation::AssumeRole, call).await?;
            self.entering = None;
            let missed = match answer {
                Ok(answer) => {
                    self.run.pace.passed();
                    self.session = Some(answer.value);
                    return Ok(());
                }
                Err(missed) => missed,
            };
            failed += missed.tries();
            let failure = missed.failure;
            self.count(&failure);
            let try_again = match failure.kind {
                Kind::Throttled => {
                    self.run.pace.throttled(sent);
                    true
                }
                Kind::Transient => true,
                Kind::Credentials => self.caller_is_accepted(&failure).await? && failed <= NEW_SESSIONS,
                Kind::Refused => false,
            };
            if !try_again || failed >= self.run.terms.max_attempts {
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
        self.run.pace.turn_again().await;
        self.deadline += asked.elapsed();
    }

    /// Finds out whether a refusal is about the base credentials, which concerns every account, or only about this one.
    pub(super) async fn caller_is_accepted(&mut self, refused: &Failure) -> Result<bool, End> {
        self.record.attempts += 1;
        match timeout_at(self.deadline, self.run.cloud.confirm_caller()).await {
            Ok(Err(failure)) if failure.kind == Kind::Credentials => {
                self.run.stop.request(StopReason::CallerCredentials(failure));
                Err(End::NotAttempted(Stage::Assume, refused.clone()))
            }
            // Where it could not be found out, it is worth another try.
            Ok(Ok(()) | Err(_)) => Ok(true),
            Err(_) => Err(End::Failed(Stage::Assume, self.out_of_time(Operation::GetCallerIdentity, Some(refused)))),
        }
    }
}
