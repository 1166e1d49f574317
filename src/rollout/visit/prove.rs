//! This module owns the proof of effect: a token of the global endpoint, used in an opt-in Region.

use std::pin::pin;
use std::time::Duration;

use tokio::time::Instant;

use super::{End, Visit};
use crate::cloud::{AccessMethod, Cloud, FailureKind, Operation, failure::code};
use crate::rollout::context::Intents;
use crate::rollout::decide::Verify;
use crate::rollout::record::{Stage, Verified};

/// How long to wait before each try of a token. Issuance lags the setting by some 9 to 13 s (observed in commercial AWS in
/// September 2026 by github radkawar/stackd); together the waits are 32 s.
pub(crate) const TOKEN_WAITS: [Duration; 8] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(5),
    Duration::from_secs(5),
    Duration::from_secs(5),
    Duration::from_secs(5),
    Duration::from_secs(5),
];

impl<C: Cloud, I: Intents> Visit<'_, '_, C, I> {
    /// Proves the effect of the setting, if that is asked for: with patience, because issuance lags the setting.
    ///
    /// The account that the caller is in has no role to get a session for, so there only the setting is proven.
    pub(super) async fn prove_token(&mut self) -> Result<(), End> {
        self.record.verified = Some(Verified::Setting);
        let Verify::Token(region) = &self.run.options.verify else { return Ok(()) };
        let AccessMethod::Role(_) = self.target.access else { return Ok(()) };
        let mut last = None;
        let mut waits = TOKEN_WAITS.into_iter();
        let mut wait = waits.next();
        while let Some(for_now) = wait {
            self.sleep(for_now, Stage::Verify, Operation::GetCallerIdentity, last.as_ref()).await?;
            self.record.attempts += 2;
            let sent = Instant::now();
            let proof = pin!(self.run.cloud.prove_token(self.target.account, &self.target.access, region));
            let Err(missed) = self.attempt(Stage::Verify, Operation::GetCallerIdentity, proof).await? else {
                self.record.verified = Some(Verified::Token);
                return Ok(());
            };
            if !missed.in_outage {
                wait = waits.next();
            }
            let failure = missed.failure;
            match failure.kind {
                FailureKind::Refused => return Err(End::Failed(Stage::Verify, failure)),
                FailureKind::Credentials if failure.operation == Operation::AssumeRole => {
                    Box::pin(self.caller_is_accepted(sent, &failure)).await?;
                }
                FailureKind::Credentials | FailureKind::Throttled | FailureKind::Transient => self.count(&failure),
            }
            last = Some(failure);
        }
        let why = last.map_or_else(String::new, |failure| format!(": {failure}"));
        let message =
            format!("the setting was read back, but {region} did not accept a token of the global endpoint{why}");
        Err(End::Failed(Stage::Verify, self.own(code::TOKEN_REFUSED, message)))
    }
}
