//! Verifies a Set: reads the version back, and proves the version with a token of the global endpoint.

use std::pin::pin;
use std::time::Duration;

use tokio::time::Instant;

use super::{Visit, VisitError};
use crate::cloud::{AccessMethod, Cloud, FailureKind, Operation, OwnCode};
use crate::org::ObservedVersion;
use crate::rollout::{Intents, Outcome, Stage, Verified, Verify};

/// How many seconds to wait before each read-back. A Set usually shows in the summary after about 0.7 s, but IAM promises only
/// eventual consistency, so the waits grow. The waits add up to 15.75 s.
pub(crate) const READ_BACK_WAITS: [f64; 7] = [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0];

/// How many seconds to wait before each attempt with a token. STS issues tokens of the new version about 9 to 13 s after the Set
/// (observed in commercial AWS in September 2026 by github radkawar/stackd). The waits add up to 32 s.
pub(crate) const TOKEN_WAITS: [u64; 8] = [1, 2, 4, 5, 5, 5, 5, 5];

impl<C: Cloud, I: Intents> Visit<'_, '_, C, I> {
    /// Reads the version until it is the wanted version, or until all waits are over. Then, with `--verify token` or
    /// `--verify token=REGION`, proves the version with a token. Returns `None` if no read returned the wanted version; in this case, the record has the version
    /// that was read last.
    pub(super) async fn read_back(&mut self, session: &mut C::Session) -> Result<Option<Outcome>, VisitError> {
        for wait in READ_BACK_WAITS {
            self.sleep(Duration::from_secs_f64(wait), Stage::Verify, Operation::GetAccountSummary, None).await?;
            if self.read(session, Stage::Verify).await?.shows(self.target.wanted) {
                return Box::pin(self.verify_token()).await.map(Some);
            }
        }
        Ok(None)
    }

    /// Returns the error of a Set that IAM accepted, but that was not verified.
    pub(super) fn not_verified(&self) -> VisitError {
        let (code, message) = if self.run.options.verify == Verify::None {
            (OwnCode::NotVerified, "set was accepted; --verify none asked for no read-back".to_owned())
        } else {
            let version = self.record.current_version.unwrap_or(ObservedVersion::Unknown);
            let message = format!(
                "set was accepted, but {} reads over {:.1} s still showed {version}",
                READ_BACK_WAITS.len(),
                READ_BACK_WAITS.iter().sum::<f64>(),
            );
            (if version == ObservedVersion::Unknown { OwnCode::VersionNotShown } else { OwnCode::NotReadBack }, message)
        };
        VisitError::Failed(Stage::Verify, self.failure(Operation::SetSecurityTokenServicePreferences, code, message))
    }

    /// Completes the verification after the version was read back. With `--verify token`, waits until the size of a token of the global
    /// endpoint shows the version. With `--verify token=REGION`, waits until a token of the global endpoint is accepted in that Region.
    ///
    /// The token belongs to a role session. In an account that is entered without a role, such as the caller's own account, only
    /// the setting is verified.
    pub(super) async fn verify_token(&mut self) -> Result<Outcome, VisitError> {
        self.record.verified = Some(Verified::Setting);
        match (&self.run.options.verify, &self.target.access) {
            (Verify::TokenSize, _) => Box::pin(self.verify_token_size()).await,
            (Verify::TokenIn(region), AccessMethod::Role(_)) => Box::pin(self.verify_token_in(region)).await,
            (Verify::TokenIn(_) | Verify::Setting | Verify::None, _) => Ok(Outcome::Changed),
        }
    }

    async fn verify_token_in(&mut self, region: &str) -> Result<Outcome, VisitError> {
        let mut last = None;
        let mut failed = 0;
        while let Some(wait) = TOKEN_WAITS.get(failed as usize) {
            let wait = Duration::from_secs(*wait);
            self.sleep(wait, Stage::Verify, Operation::GetCallerIdentity, last.as_ref()).await?;
            self.record.attempts += 2;
            let sent = Instant::now();
            let proof = pin!(self.run.cloud.test_token(self.target.account, &self.target.access, region));
            let failure = match self.attempt(Stage::Verify, Operation::GetCallerIdentity, proof).await {
                Ok(_) => {
                    self.record.verified = Some(Verified::Token);
                    return Ok(Outcome::Changed);
                }
                Err(error) => self.count_failure(error, &mut failed)?,
            };
            match failure.kind {
                FailureKind::Refused => return Err(VisitError::Failed(Stage::Verify, failure)),
                FailureKind::Credentials if failure.operation == Operation::AssumeRole => {
                    Box::pin(self.check_base_credentials(sent, &failure)).await?;
                }
                FailureKind::Credentials | FailureKind::Throttled | FailureKind::Transient => {}
            }
            last = Some(failure);
        }
        let why = last.map_or_else(String::new, |failure| format!(": {failure}"));
        let message =
            format!("the setting was read back, but {region} did not accept a token of the global endpoint{why}");
        let operation = Operation::SetSecurityTokenServicePreferences;
        Err(VisitError::Failed(Stage::Verify, self.failure(operation, OwnCode::TokenRefused, message)))
    }
}
