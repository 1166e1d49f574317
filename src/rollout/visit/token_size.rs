//! Compares the size of the session's token with that of a token that the global STS endpoint issues for the same request, and so finds out
//! which version that endpoint issues for the account.

use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::retry::CallError;
use super::verify::TOKEN_WAITS;
use super::{NEW_SESSIONS, Visit, VisitError};
use crate::cloud::{AccessMethod, Cloud, Failure, FailureKind, Operation, OwnCode, retry};
use crate::org::{ObservedVersion, TokenVersion};
use crate::rollout::issued_version::{Comparison, IssuedToken, compare};
use crate::rollout::{Intents, Outcome, Stage, Verified, Verify};

/// How often an account that is only observed asks a global endpoint that does not answer. A firewall that blocks this endpoint alone
/// would otherwise make every visit of a plan last as long as all attempts together.
const UNANSWERED_ATTEMPTS: u32 = 2;

/// How long such an account waits for one answer. The endpoint answers in well below a second, but a firewall may drop the packets.
const OBSERVATION_TIMEOUT: Duration = Duration::from_secs(6);

/// The remark if neither endpoint tells the size of its token.
const BY_LENGTH: &str = "STS gave no token sizes, so the lengths of the tokens were compared";

impl<C: Cloud, I: Intents> Visit<'_, '_, C, I> {
    /// Waits until the size of a token of the global endpoint shows the wanted version. In an account whose tokens can't be compared, only
    /// the setting is verified.
    pub(super) async fn verify_token_size(&mut self) -> Result<Outcome, VisitError> {
        if let Some(obstacle) = self.comparison_obstacle() {
            self.record.add_note(obstacle);
            return Ok(Outcome::Changed);
        }
        self.note_regional_size();
        let mut last = None;
        // What the last comparison showed. It stays true if later attempts fail.
        let mut shown: Option<Failure> = None;
        let mut failed = 0;
        while let Some(wait) = TOKEN_WAITS.get(failed as usize) {
            let wait = Duration::from_secs(*wait);
            self.sleep(wait, Stage::Verify, Operation::AssumeRole, last.as_ref()).await?;
            let sent = Instant::now();
            let failure = match self.compare_tokens(1, None).await {
                Ok(comparison) if comparison.token.version == Some(self.target.wanted) => {
                    self.record.verified = Some(Verified::TokenSize);
                    self.note_comparison(&comparison);
                    return Ok(Outcome::Changed);
                }
                Ok(comparison) => {
                    failed += 1;
                    let failure = self.not_proven(&comparison);
                    (shown, last) = (Some(failure.clone()), Some(failure));
                    continue;
                }
                Err(error) => self.count_failure(error, &mut failed)?,
            };
            let is_refused = failure.kind == FailureKind::Refused;
            if failure.kind == FailureKind::Credentials {
                Box::pin(self.check_base_credentials(sent, &failure)).await?;
            }
            let failure = match &shown {
                None => failure,
                Some(shown) => {
                    let message = format!("{}; the last attempts failed: {failure}", shown.message);
                    Failure { message, ..shown.clone() }
                }
            };
            if is_refused {
                return Err(VisitError::Failed(Stage::Verify, failure));
            }
            last = Some(failure);
        }
        let failure = match last {
            Some(failure) if failure.code == OwnCode::IssuedVersionDiffers.into() => failure,
            Some(failure) if failure.code == OwnCode::IssuedVersionUnknown.into() => failure,
            last => {
                let why = last.map_or_else(String::new, |failure| format!(": {failure}"));
                let message =
                    format!("the setting was read back, but the global endpoint gave no token to compare{why}");
                self.failure(Operation::AssumeRole, OwnCode::IssuedVersionUnknown, message)
            }
        };
        Err(VisitError::Failed(Stage::Verify, failure))
    }

    /// With `--verify token`, finds out once which version the global endpoint issues for an account that is not set. The outcome does not
    /// depend on it: if the version can't be found out, the record says why.
    pub(super) async fn observe_token(&mut self) {
        if self.run.options.verify != Verify::TokenSize {
            return;
        }
        if let Some(obstacle) = self.comparison_obstacle() {
            self.record.add_note(obstacle);
            return;
        }
        self.note_regional_size();
        if self.run.global_silence.is_given_up() {
            let why = "the version that the global endpoint issues is not known: the global endpoint did not answer";
            self.record.add_note(why);
            return;
        }
        match self.compare_tokens_with_retries().await {
            Ok(comparison) => self.note_comparison(&comparison),
            Err(failure) => {
                if failure.is_unanswered() || failure.code == OwnCode::AccountTimeout.into() {
                    self.run.global_silence.unanswered();
                }
                self.record.add_note(&format!("the version that the global endpoint issues is not known: {failure}"));
            }
        }
    }

    /// Writes the size that the regional endpoint gave into the record, in case the global endpoint gives none.
    fn note_regional_size(&mut self) {
        let regional_size = self.regional_size.and_then(|size| size.reported);
        self.record.issued_token = Some(Box::new(IssuedToken { regional_size, ..IssuedToken::default() }));
    }

    /// Returns why the tokens of this account can't be compared.
    fn comparison_obstacle(&self) -> Option<&'static str> {
        if !self.run.cloud.has_global_endpoint() {
            return Some("only the setting was read, because this partition has no global STS endpoint");
        }
        match self.target.access {
            AccessMethod::Role(_) => None,
            AccessMethod::Own => Some("only the setting was read, because the account was entered without a role"),
            AccessMethod::Root(_) => {
                Some("only the setting was read, because the global STS endpoint has no AssumeRoot")
            }
        }
    }

    async fn compare_tokens_with_retries(&mut self) -> Result<Comparison, Failure> {
        let ended = |error| match error {
            VisitError::Failed(_, failure) | VisitError::NotAttempted(_, failure) => failure,
        };
        let mut failed = 0;
        loop {
            let sent = Instant::now();
            let error = match self.compare_tokens(failed + 1, Some(OBSERVATION_TIMEOUT)).await {
                Ok(comparison) => return Ok(comparison),
                Err(error) => error,
            };
            let failure = self.count_failure(error, &mut failed).map_err(ended)?;
            let attempts = self.run.options.max_attempts;
            let attempts = if failure.is_unanswered() { attempts.min(UNANSWERED_ATTEMPTS) } else { attempts };
            match failure.kind {
                _ if failed >= attempts => return Err(failure),
                FailureKind::Refused => return Err(failure),
                FailureKind::Credentials if failed > NEW_SESSIONS => return Err(failure),
                FailureKind::Credentials => {
                    Box::pin(self.check_base_credentials(sent, &failure)).await.map_err(ended)?;
                }
                FailureKind::Throttled | FailureKind::Transient => {
                    self.back_off(failed, Stage::Verify, failure).await.map_err(ended)?;
                }
            }
        }
    }

    /// Asks the global endpoint once, at its own rate, and writes the sizes into the record. `limit` is how long to wait for the answer;
    /// without it, as long as for other calls.
    async fn compare_tokens(&mut self, attempt: u32, limit: Option<Duration>) -> Result<Comparison, CallError> {
        let run = self.run;
        let asked = Instant::now();
        run.global_rate_limiter.wait_to_retry().await;
        self.deadline += asked.elapsed();
        self.record.attempts += 1;
        let sent = Instant::now();
        let call = retry::as_attempt(attempt, run.cloud.global_token_size(self.target.account, &self.target.access));
        let call = async {
            let mut call = pin!(call);
            let Some(limit) = limit else { return call.await };
            match timeout(limit, &mut call).await {
                Ok(answer) => answer,
                // The time that it takes to fetch the base credentials says nothing about the endpoint.
                Err(_) if run.cloud.is_fetching_credentials() => call.await,
                Err(_) => {
                    let message = format!("no answer within {} s", limit.as_secs());
                    let failure = Failure::own(Operation::AssumeRole, OwnCode::RequestTimedOut, message);
                    Err(Failure { kind: FailureKind::Transient, ..failure })
                }
            }
        };
        let global = match self.attempt(Stage::Verify, Operation::AssumeRole, pin!(call)).await {
            Ok(answer) => answer.value,
            Err(error) => {
                if matches!(&error, CallError::Failed(failure) if failure.status.is_some()) {
                    run.global_silence.answered();
                }
                if matches!(&error, CallError::Failed(failure) if failure.kind == FailureKind::Throttled) {
                    run.global_rate_limiter.throttled(sent);
                }
                return Err(error);
            }
        };
        run.global_silence.answered();
        run.global_rate_limiter.passed();
        let regional = self.regional_size.expect("a session of a role has a token");
        let comparison = compare(regional, global);
        self.record.issued_token = Some(Box::new(comparison.token.clone()));
        Ok(comparison)
    }

    /// Writes remarks on the comparison into the record.
    fn note_comparison(&mut self, comparison: &Comparison) {
        if let Some(unclear) = comparison.unclear {
            self.record.add_note(&format!("the version that the global endpoint issues is not known: {unclear}"));
        } else if self.record.is_issued_otherwise() {
            let setting = self.record.current_version.unwrap_or(ObservedVersion::Unknown);
            let issued = comparison.token.version.map_or("unknown", TokenVersion::as_str);
            self.record.add_note(&format!("the setting is {setting}, but the global endpoint issues {issued}"));
        }
        if comparison.by_length {
            self.record.add_note(BY_LENGTH);
        }
    }

    /// Returns the failure of a comparison that does not show the wanted version.
    fn not_proven(&self, comparison: &Comparison) -> Failure {
        let how = if comparison.by_length { format!("; {BY_LENGTH}") } else { String::new() };
        let (code, why) = match (&comparison.unclear, &comparison.token) {
            (Some(unclear), _) => (
                OwnCode::IssuedVersionUnknown,
                format!("which version the global endpoint issues is not known: {unclear}"),
            ),
            (None, token) => {
                let issued = token.version.map_or("unknown", TokenVersion::as_str);
                (
                    OwnCode::IssuedVersionDiffers,
                    format!("by the size of its token, the global endpoint still issues {issued}"),
                )
            }
        };
        self.failure(Operation::AssumeRole, code, format!("the setting was read back, but {why}{how}"))
    }
}
