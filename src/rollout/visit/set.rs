//! Sets an account's token version, and finds out whether a Set whose answer was lost took effect.

use std::pin::pin;

use super::retry::{Attempts, CallError};
use super::{RequestId, Visit, VisitError};
use crate::cloud::{Answer, Cloud, Effect, Failure, Operation, retry};
use crate::org::ObservedVersion;
use crate::rollout::{Intents, Outcome, Stage, Verify};

impl<C: Cloud, I: Intents> Visit<'_, '_, C, I> {
    /// Sets the version and verifies it.
    pub(super) async fn set(&mut self, session: &mut C::Session) -> Result<Outcome, VisitError> {
        let mut attempts = Attempts::default();
        loop {
            let before = std::mem::replace(&mut self.may_be_set, true);
            self.record.attempts += 1;
            let answer = {
                let call = pin!(retry::as_attempt(
                    attempts.failed + 1,
                    self.run.cloud.set_version(session, self.target.wanted)
                ));
                self.attempt(Stage::Set, Operation::SetSecurityTokenServicePreferences, call).await
            };
            let error = match answer {
                Ok(Answer { request_id, .. }) => {
                    self.record.request_id = request_id.map(RequestId::from);
                    let verified = match self.run.options.verify {
                        Verify::None => None,
                        Verify::Setting | Verify::TokenSize | Verify::TokenIn(_) => self.read_back(session).await?,
                    };
                    return verified.ok_or_else(|| self.not_verified());
                }
                Err(error) => error,
            };
            match &error {
                CallError::Failed(failure) | CallError::Outage(failure) => match failure.effect {
                    Effect::None => self.may_be_set = before,
                    // The answer is lost, but the Set might have taken effect. So the version is read before the Set is sent
                    // again.
                    Effect::Unknown => {
                        if self.read(session, Stage::Verify).await?.shows(self.target.wanted) {
                            return Box::pin(self.verify_token()).await;
                        }
                    }
                },
                CallError::VisitEnds(VisitError::NotAttempted(_, Failure { effect: Effect::None, .. })) => {
                    self.may_be_set = before;
                }
                CallError::VisitEnds(_) => {}
            }
            let visit_ends = matches!(error, CallError::VisitEnds(_));
            if let Err(error) = self.prepare_retry(session, Stage::Set, error, &mut attempts).await {
                return if visit_ends || !self.may_be_set {
                    Err(error)
                } else {
                    self.verify_in_doubt(session, error).await
                };
            }
        }
    }

    /// Reads the version back after all attempts to set it have failed, if at least one of them might have taken effect.
    async fn verify_in_doubt(&mut self, session: &mut C::Session, error: VisitError) -> Result<Outcome, VisitError> {
        if let Some(outcome) = self.read_back(session).await? {
            return Ok(outcome);
        }
        // If IAM refused a later Set and the version is unchanged, the Set in doubt had no effect either. A summary without the
        // version, a refusal by a proxy, or the refusal of a new session does not allow this conclusion.
        let refused_by_iam = |failure: &Failure| {
            failure.operation == Operation::SetSecurityTokenServicePreferences && failure.is_service_refusal()
        };
        if self.record.current_version != Some(ObservedVersion::Unknown)
            && matches!(&error, VisitError::Failed(_, failure) if refused_by_iam(failure))
        {
            self.may_be_set = false;
        }
        Err(error)
    }
}
