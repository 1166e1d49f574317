//! This module owns what follows a call that failed: whether it is tried again, when, and what is said where it is not.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::{End, Intents, NEW_SESSIONS, Visit};
use crate::cloud::{Cloud, Effect, Failure, Kind, Operation, backoff, failure::code};
use crate::rollout::record::Stage;

impl<C: Cloud, I: Intents> Visit<'_, '_, C, I> {
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
            Kind::Refused => Err(End::Failed(stage, failure)),
            _ if failed >= self.run.terms.max_attempts => Err(End::Failed(stage, failure)),
            Kind::Credentials if *renewed < NEW_SESSIONS => {
                *renewed += 1;
                self.enter().await
            }
            Kind::Credentials => Err(End::Failed(stage, failure)),
            Kind::Throttled | Kind::Transient => self.back_off(failed, stage, failure).await,
        }
    }

    /// Counts what AWS throttled.
    pub(super) const fn count(&mut self, failure: &Failure) {
        if matches!(failure.kind, Kind::Throttled) {
            self.record.throttled += 1;
        }
    }

    pub(super) async fn back_off(&self, failed: u32, stage: Stage, failure: Failure) -> Result<(), End> {
        let wait = backoff::delay(failed, fastrand::f64());
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
        let limit = humantime::format_duration(self.run.terms.account_timeout);
        let last = because.map_or_else(String::new, |failure| format!("; the last failure: {failure}"));
        Failure {
            operation,
            ..self.own(code::ACCOUNT_TIMEOUT, format!("the visit took longer than --account-timeout {limit}{last}"))
        }
    }

    pub(super) fn own(&self, code: &str, message: String) -> Failure {
        Failure {
            operation: Operation::SetSecurityTokenServicePreferences,
            kind: Kind::Transient,
            effect: Effect::Unknown,
            code: code.to_owned(),
            message,
            status: None,
            request_id: self.record.request_id.clone(),
        }
    }
}
