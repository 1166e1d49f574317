//! This module owns what follows a call that failed: whether it is tried again, when, and what is said where it is not.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use super::{End, NEW_SESSIONS, Visit};
use crate::cloud::{Cloud, Effect, Failure, FailureKind, Operation, failure::code, retry};
use crate::rollout::connectivity::Doubt;
use crate::rollout::context::Intents;
use crate::rollout::record::Stage;
use crate::rollout::stop::StopReason;

/// A call that failed.
pub(super) struct Missed {
    pub(super) failure: Failure,
    /// It fell into an outage, and is not one of the call's tries.
    pub(super) in_outage: bool,
}

impl Missed {
    /// How many of the call's tries it has used up.
    pub(super) const fn tries(&self) -> u32 {
        if self.in_outage { 0 } else { 1 }
    }
}

impl<C: Cloud, I: Intents> Visit<'_, '_, C, I> {
    /// Makes one call. If nobody answers it, and nobody answers anything else either, it waits until somebody does. Where there are
    /// no credentials to make it with, it may be the way to where they come from that is broken, which is the same question.
    pub(super) async fn attempt<T>(
        &mut self,
        stage: Stage,
        operation: Operation,
        call: Pin<&mut impl Future<Output = Result<T, Failure>>>,
    ) -> Result<Result<T, Missed>, End> {
        let began = Instant::now();
        let (failure, late) = match timeout_at(self.deadline, call).await {
            Ok(Ok(answer)) => return Ok(Ok(answer)),
            Ok(Err(failure)) if !(failure.is_silence() || failure.is_unsigned()) => {
                return Ok(Err(Missed { failure, in_outage: false }));
            }
            Ok(Err(failure)) => (failure, None),
            // Whatever else is called has the credentials of a session.
            Err(_) if operation == Operation::AssumeRole && self.run.cloud.is_fetching() => {
                // That is no more the account's fault than an outage.
                self.deadline += began.elapsed();
                let message = "the base credentials were still being fetched when the time of the visit was up";
                let unsigned = self.own(code::NO_CREDENTIALS, message.to_owned());
                (Failure { operation, effect: Effect::None, ..unsigned }, None)
            }
            Err(_) => {
                let silence = self.own(code::TIMEOUT, "no answer within the time of the visit".to_owned());
                (Failure { operation, ..silence }, Some(self.out_of_time(operation, None)))
            }
        };
        if Box::pin(self.sit_out(stage, began, &failure)).await? {
            self.deadline += began.elapsed();
            return Ok(Err(Missed { failure: Failure { kind: FailureKind::Transient, ..failure }, in_outage: true }));
        }
        match late {
            Some(late) => Err(End::Failed(stage, late)),
            None => Ok(Err(Missed { failure, in_outage: false })),
        }
    }

    /// Waits for as long as there is an outage, and says whether there was one.
    ///
    /// Once the run stops, nobody waits for the end of an outage. Whether there is one is found out all the same: without a network
    /// the visit would use up its tries in vain, and end as if the account were at fault.
    async fn sit_out(&self, stage: Stage, sent: Instant, failure: &Failure) -> Result<bool, End> {
        let run = self.run;
        let not_waited_for = async {
            run.stop.wait().await;
            run.connectivity.on().await;
        };
        tokio::select! {
            biased;
            () = not_waited_for => Err(End::NotAttempted(stage, failure.clone())),
            doubt = run.connectivity.doubt(sent, async || run.cloud.reach().await) => match doubt {
                Doubt::Unfounded => Ok(false),
                Doubt::Over => Ok(true),
                Doubt::Endless(silence) => {
                    run.stop.request(StopReason::Unreachable(silence));
                    Err(End::NotAttempted(stage, failure.clone()))
                }
            },
        }
    }

    /// Decides whether a call inside the account is tried again, and makes ready for it.
    pub(super) async fn after(
        &mut self,
        stage: Stage,
        failure: Failure,
        failed: u32,
        renewed: &mut u32,
    ) -> Result<(), End> {
        self.count(&failure);
        match failure.kind {
            FailureKind::Refused => Err(End::Failed(stage, failure)),
            _ if failed >= self.run.options.max_attempts => Err(End::Failed(stage, failure)),
            FailureKind::Credentials if *renewed < NEW_SESSIONS => {
                *renewed += 1;
                Box::pin(self.enter()).await
            }
            FailureKind::Credentials => Err(End::Failed(stage, failure)),
            FailureKind::Throttled | FailureKind::Transient => self.back_off(failed, stage, failure).await,
        }
    }

    /// Counts what AWS throttled.
    pub(super) const fn count(&mut self, failure: &Failure) {
        if matches!(failure.kind, FailureKind::Throttled) {
            self.record.throttled += 1;
        }
    }

    pub(super) async fn back_off(&self, failed: u32, stage: Stage, failure: Failure) -> Result<(), End> {
        let wait = retry::delay(failed, fastrand::f64());
        self.sleep(wait, stage, failure.operation, Some(&failure)).await
    }

    /// Sleeps, unless the deadline comes first.
    pub(super) async fn sleep(
        &self,
        wait: Duration,
        stage: Stage,
        operation: Operation,
        because: Option<&Failure>,
    ) -> Result<(), End> {
        let wake = Instant::now() + wait;
        if wake > self.deadline {
            return Err(End::Failed(stage, self.out_of_time(operation, because)));
        }
        if !wait.is_zero() {
            sleep_until(wake).await;
        }
        Ok(())
    }

    pub(super) fn out_of_time(&self, operation: Operation, because: Option<&Failure>) -> Failure {
        let limit = humantime::format_duration(self.run.options.account_timeout);
        let last = because.map_or_else(String::new, |failure| format!("; the last failure: {failure}"));
        Failure {
            operation,
            ..self.own(code::ACCOUNT_TIMEOUT, format!("the visit took longer than --account-timeout {limit}{last}"))
        }
    }

    pub(super) fn own(&self, code: &str, message: String) -> Failure {
        Failure {
            operation: Operation::SetSecurityTokenServicePreferences,
            kind: FailureKind::Transient,
            effect: Effect::Unknown,
            code: code.to_owned(),
            message,
            status: None,
            request_id: self.record.request_id.clone(),
        }
    }
}
