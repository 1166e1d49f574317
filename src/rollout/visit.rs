//! This module owns the visit: all that is done in one account. Enter, read, decide, set, read back.
//!
//! Whatever happens in an account ends up in its record; only what concerns the whole run asks for a stop.

mod enter;
pub(crate) mod prove;
mod retry;
pub(crate) mod settle;

use std::sync::Arc;
use std::time::SystemTime;

use tokio::time::Instant;

use super::context::{Intents, NotDurable, Rollout};
use super::decide::{Decision, decide};
use super::hint::{HintContext, hint};
use super::rate_limiter::Entering;
use super::record::{AccountError, IN_DOUBT, Outcome, Record, Stage};
use super::stop::StopReason;
use super::target::{Provenance, Target};
use crate::cloud::{Cloud, Effect, Failure, FailureKind, Operation, failure::code};
use crate::org::ObservedVersion;

/// How often a session that is no longer accepted is replaced within one call.
const NEW_SESSIONS: u32 = 2;

/// What is known about a Set that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    /// Nothing was sent, or everything that was sent was refused.
    Nothing,
    /// Something was sent and its fate is unknown.
    InDoubt,
    /// The service accepted it.
    Accepted,
}

/// Why a visit ends early.
enum End {
    /// This went wrong, at this stage.
    Failed(Stage, Failure),
    /// The run as a whole stops, and nothing was done in this account.
    NotAttempted(Stage, Failure),
    /// Somebody else has changed the account since, so it is left alone.
    Drifted(Outcome),
}

/// Visits one account. The record is `not_attempted` when the run stops before the visit's turn comes.
pub(crate) async fn visit<C: Cloud, I: Intents>(run: &Rollout<'_, C, I>, target: &Target, wave: Option<u32>) -> Record {
    let entering = tokio::select! {
        biased;
        () = run.stop.wait() => None,
        entering = run.rate_limiter.turn(|| may_enter(run)) => Some(entering),
    };
    let record = Record { sts_endpoint: Arc::clone(&run.sts_endpoint), ..Record::of_target(target) };
    let Some(entering) = entering else { return record };
    let _in_flight = run.stop.fly();
    let mut visit = Visit {
        run,
        target,
        record: Record { wave, started_at: Some(SystemTime::now()), error: None, ..record },
        session: None,
        // What an interrupted part of this run may have sent is in doubt until it is read.
        sent: if matches!(target.provenance, Provenance::Intended(_)) { Sent::InDoubt } else { Sent::Nothing },
        deadline: Instant::now() + run.options.account_timeout,
        has_turn: true,
        entering: Some(entering),
    };
    let started = Instant::now();
    // Boxed only now: what waits for its turn is small, and what is large is not copied from hand to hand.
    let end = Box::pin(visit.walk()).await;
    visit.conclude(end);
    Record { duration: Some(started.elapsed()), ..visit.record }
}

/// Nobody enters another account in an outage, or while it is open whether the base credentials are accepted.
async fn may_enter<C, I>(run: &Rollout<'_, C, I>) {
    run.credential_probe.settled().await;
    run.connectivity.over().await;
}

struct Visit<'a, 'r, C: Cloud, I> {
    run: &'a Rollout<'r, C, I>,
    target: &'a Target,
    record: Record,
    session: Option<C::Session>,
    sent: Sent,
    /// When the visit has taken too long. Waiting for a turn does not count: that is the run's doing.
    deadline: Instant,
    /// The turn that admitted the visit is still unused.
    has_turn: bool,
    /// Kept until the account has answered for the first time, with whatever.
    entering: Option<Entering<'a>>,
}

/// What seldom happens in a visit, or calls AWS beside the usual calls, is boxed by whoever awaits it: the future of a visit is as
/// large as the largest of what may be awaited in it, and there are as many of them as visits are in flight.
impl<C: Cloud, I: Intents> Visit<'_, '_, C, I> {
    async fn walk(&mut self) -> Result<Outcome, End> {
        let terms = &self.run.options;
        self.enter().await?;
        let previous = self.read(Stage::Read).await?;
        // A run that was interrupted in this account knows better what was there before it came.
        let original = if let Provenance::Intended(before) = self.target.provenance { before } else { previous };
        self.record.previous_version = Some(original);
        match decide(terms.mode, previous, self.target.wanted, self.target.provenance) {
            Decision::Done(Outcome::Changed) => {
                self.sent = Sent::Accepted;
                Box::pin(self.prove_token()).await?;
                Ok(Outcome::Changed)
            }
            Decision::Done(outcome) => Ok(outcome),
            Decision::Drifted(outcome) => Err(End::Drifted(outcome)),
            Decision::Set => {
                let asked = Instant::now();
                let durable = self.run.intents.intend(self.target.account, original, self.target.wanted).await;
                // A slow disk is not the account's fault.
                self.deadline += asked.elapsed();
                if let Err(error) = durable {
                    self.run.stop.request(StopReason::Journal(error.0.clone()));
                    return Err(End::NotAttempted(Stage::Set, unwritten(error)));
                }
                self.set().await
            }
        }
    }

    /// Writes the end of the visit into the record.
    fn conclude(&mut self, end: Result<Outcome, End>) {
        let (outcome, error) = match end {
            Ok(outcome) => (outcome, None),
            Err(End::Drifted(outcome)) => {
                self.record.outcome = outcome;
                self.record.error = Some(self.drift());
                return;
            }
            Err(End::NotAttempted(stage, failure)) if self.sent == Sent::Nothing => {
                (Outcome::NotAttempted, Some((stage, failure)))
            }
            Err(End::NotAttempted(stage, failure)) => {
                // The visit got nowhere, so a resume takes it again without being asked to retry.
                self.record.started_at = None;
                (Outcome::Unverified, Some((stage, failure)))
            }
            Err(End::Failed(stage, failure)) => match self.sent {
                Sent::Nothing => (Outcome::Failed, Some((stage, failure))),
                Sent::InDoubt | Sent::Accepted => (Outcome::Unverified, Some((stage, failure))),
            },
        };
        self.record.outcome = outcome;
        if let (Provenance::Set { before: ObservedVersion::Unknown, .. }, Outcome::Changed | Outcome::WouldChange) =
            (self.target.provenance, outcome)
        {
            "its version was unknown before the run that is undone; v1Token is AWS's default"
                .clone_into(&mut self.record.note);
        }
        if let Some((stage, failure)) = error {
            let surrounding = HintContext {
                access: &self.target.access,
                management: self.target.management,
                invited: self.target.invited,
            };
            let in_doubt = outcome == Outcome::Unverified && self.record.started_at.is_none();
            let advice = if in_doubt { IN_DOUBT.to_owned() } else { hint(outcome, stage, &failure, surrounding) };
            self.record.blame(stage, &failure, advice);
        }
    }

    /// Says that the account is not as the undone run left it.
    fn drift(&self) -> AccountError {
        let left = match self.target.provenance {
            Provenance::Set { to, .. } => to.as_str(),
            Provenance::None | Provenance::Intended(_) => "another version",
        };
        let now = self.record.current_version.map_or("not known", ObservedVersion::as_str);
        AccountError {
            stage: Stage::Read,
            error_code: code::DRIFTED.to_owned(),
            error_message: format!("the run left it at {left}, and now it is at {now}: it was not touched"),
            hint: "somebody, or an earlier rollback, has changed it since: set it by hand if that was not meant"
                .to_owned(),
        }
    }
}

fn unwritten(error: NotDurable) -> Failure {
    Failure {
        operation: Operation::SetSecurityTokenServicePreferences,
        kind: FailureKind::Refused,
        effect: Effect::None,
        code: code::JOURNAL.to_owned(),
        message: error.0,
        status: None,
        request_id: None,
    }
}
