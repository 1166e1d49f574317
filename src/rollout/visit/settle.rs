//! This module owns what is asked and done inside an account: reading, setting, and finding out what became of a set.

use std::pin::pin;
use std::time::Duration;

use super::{End, Sent, Visit};
use crate::cloud::{Answer, Cloud, Effect, Failure, Operation, failure::code, retry};
use crate::org::ObservedVersion;
use crate::rollout::context::Intents;
use crate::rollout::decide::Verify;
use crate::rollout::record::{Outcome, Stage};

/// How long to wait before each read-back. A Set shows in the summary after about 0.7 s as a rule, but IAM promises only
/// eventual consistency, so the waits grow; together they are 15.75 s.
pub(crate) const READ_BACK_WAITS: [Duration; 7] = [
    Duration::ZERO,
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

impl<C: Cloud, I: Intents> Visit<'_, '_, C, I> {
    /// Reads the version, again and again where that can help.
    pub(super) async fn read(&mut self, stage: Stage) -> Result<ObservedVersion, End> {
        let (mut failed, mut renewed) = (0, 0);
        loop {
            self.record.attempts += 1;
            let session = self.session.take().expect("a visit reads only after it has entered");
            let answer = {
                let call = pin!(retry::nth(failed + 1, self.run.cloud.read(&session)));
                self.attempt(stage, Operation::GetAccountSummary, call).await
            };
            self.session = Some(session);
            let missed = match answer? {
                Ok(Answer { value, request_id }) => {
                    self.record.current_version = Some(value);
                    if stage == Stage::Read {
                        self.record.request_id = request_id;
                    }
                    return Ok(value);
                }
                Err(missed) => missed,
            };
            failed += missed.tries();
            self.after(stage, missed.failure, failed, &mut renewed).await?;
        }
    }

    /// Sets the version and settles what became of it.
    pub(super) async fn set(&mut self) -> Result<Outcome, End> {
        let (mut failed, mut renewed) = (0, 0);
        let refused = loop {
            let before = std::mem::replace(&mut self.sent, Sent::InDoubt);
            self.record.attempts += 1;
            let session = self.session.take().expect("a visit sets only after it has entered");
            let answer = {
                let call = pin!(retry::nth(failed + 1, self.run.cloud.set(&session, self.target.wanted)));
                self.attempt(Stage::Set, Operation::SetSecurityTokenServicePreferences, call).await
            };
            self.session = Some(session);
            if let Err(End::NotAttempted(_, Failure { effect: Effect::None, .. })) = answer {
                self.sent = before;
            }
            let missed = match answer? {
                Ok(Answer { request_id, .. }) => {
                    self.record.request_id = request_id;
                    self.sent = Sent::Accepted;
                    break None;
                }
                Err(missed) => missed,
            };
            failed += missed.tries();
            let failure = missed.failure;
            match failure.effect {
                Effect::None => self.sent = before,
                // The answer is lost, not necessarily the request: a look tells before it is sent again.
                Effect::Unknown => {
                    if self.read(Stage::Verify).await?.shows(self.target.wanted) {
                        Box::pin(self.prove_token()).await?;
                        return Ok(Outcome::Changed);
                    }
                }
            }
            if let Err(end) = self.after(Stage::Set, failure, failed, &mut renewed).await {
                break Some(end);
            }
        };
        match (refused, self.sent) {
            (Some(end), Sent::Nothing) => Err(end),
            (Some(end), Sent::InDoubt | Sent::Accepted) => self.settle(end).await,
            (None, _) if self.run.options.verify == Verify::None => Err(End::Failed(
                Stage::Verify,
                self.own(code::NOT_VERIFIED, "set was accepted; --verify none asked for no read-back".to_owned()),
            )),
            (None, _) => self.read_back().await?.map_or_else(
                |last| {
                    let message = format!(
                        "set was accepted, but {} reads over {:.1} s went on showing {last}",
                        READ_BACK_WAITS.len(),
                        READ_BACK_WAITS.iter().sum::<Duration>().as_secs_f64(),
                    );
                    let code = if last == ObservedVersion::Unknown { code::NOT_SHOWN } else { code::NOT_READ_BACK };
                    Err(End::Failed(Stage::Verify, self.own(code, message)))
                },
                Ok,
            ),
        }
    }

    /// Every try to set failed, but at least one may have gone through.
    pub(super) async fn settle(&mut self, end: End) -> Result<Outcome, End> {
        let last = match self.read_back().await? {
            Ok(outcome) => return Ok(outcome),
            Err(last) => last,
        };
        // IAM has looked at the request and refused it, and the version has stayed as it was: then the request that went astray was
        // not carried out either. A summary without the version shows nothing of the kind, and nor does the refusal of a proxy, or
        // of a new session.
        let refused_by_iam = |failure: &Failure| {
            failure.operation == Operation::SetSecurityTokenServicePreferences && failure.is_the_services_no()
        };
        if last != ObservedVersion::Unknown && matches!(&end, End::Failed(_, failure) if refused_by_iam(failure)) {
            self.sent = Sent::Nothing;
        }
        Err(end)
    }

    /// Reads until the wanted version shows, or gives the last reading when patience runs out.
    pub(super) async fn read_back(&mut self) -> Result<Result<Outcome, ObservedVersion>, End> {
        let mut last = ObservedVersion::Unknown;
        for wait in READ_BACK_WAITS {
            self.sleep(wait, Stage::Verify, Operation::GetAccountSummary, None).await?;
            last = self.read(Stage::Verify).await?;
            if last.shows(self.target.wanted) {
                Box::pin(self.prove_token()).await?;
                return Ok(Ok(Outcome::Changed));
            }
        }
        Ok(Err(last))
    }
}
