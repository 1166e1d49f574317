//! Reads an account's token version.

use std::pin::pin;

use super::retry::Attempts;
use super::{Visit, VisitError};
use crate::cloud::{Answer, Cloud, Operation, retry};
use crate::org::ObservedVersion;
use crate::rollout::context::Intents;
use crate::rollout::record::Stage;

impl<C: Cloud, I: Intents> Visit<'_, '_, C, I> {
    /// Reads the version. Retries where that can help.
    pub(super) async fn read(&mut self, session: &mut C::Session, stage: Stage) -> Result<ObservedVersion, VisitError> {
        let mut attempts = Attempts::default();
        loop {
            self.record.attempts += 1;
            let answer = {
                let call = pin!(retry::as_attempt(attempts.failed + 1, self.run.cloud.read_version(session)));
                self.attempt(stage, Operation::GetAccountSummary, call).await
            };
            match answer {
                Ok(Answer { value, request_id }) => {
                    self.record.current_version = Some(value);
                    if stage == Stage::Read {
                        self.record.request_id = request_id;
                    }
                    return Ok(value);
                }
                Err(error) => self.prepare_retry(session, stage, error, &mut attempts).await?,
            }
        }
    }
}
