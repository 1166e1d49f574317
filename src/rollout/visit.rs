//! The visit of one account: enter, read, decide, set, verify.
//!
//! Everything that happens in the account ends up in its record. Only what concerns all accounts stops the run.

mod enter;
mod read;
mod retry;
mod set;
pub(crate) mod verify;

use std::sync::Arc;
use std::time::SystemTime;

use tokio::time::Instant;

use super::context::{Intents, NotDurable, Rollout};
use super::decide::{Decision, decide};
use super::hint::{HintContext, hint};
use super::rate_limiter::EntryPermit;
use super::record::{AccountError, IN_DOUBT, Outcome, Record, Stage};
use super::stop::StopReason;
use super::target::{Provenance, Target};
use crate::cloud::{Cloud, Failure, Operation, OwnCode};
use crate::org::ObservedVersion;

/// How often one call may replace a session that is no longer accepted.
const NEW_SESSIONS: u32 = 2;

/// What is known about the Sets of a visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SetState {
    /// None was sent, or all were refused.
    NotSent,
    /// One was sent, and its result is unknown.
    InDoubt,
    /// IAM accepted one.
    Accepted,
}

/// Why a visit ends early.
enum VisitError {
    /// A call failed at this stage.
    Failed(Stage, Failure),
    /// The whole run stops, and nothing was done in this account.
    NotAttempted(Stage, Failure),
    /// The account was changed since the run that is undone, so it is left alone.
    Drifted(Outcome),
}

/// Visits one account. The record is `not_attempted` if the run stops before the visit may start.
pub(crate) async fn visit<C: Cloud, I: Intents>(run: &Rollout<'_, C, I>, target: &Target, wave: Option<u32>) -> Record {
    let permit = tokio::select! {
        biased;
        () = run.stop.wait() => None,
        permit = run.rate_limiter.wait_to_enter(|| may_enter(run)) => Some(permit),
    };
    let record = Record { sts_endpoint: Arc::clone(&run.sts_endpoint), ..Record::of_target(target) };
    let Some(permit) = permit else { return record };
    let _in_flight = run.stop.count_in_flight();
    let mut visit = Visit {
        run,
        target,
        record: Record { wave, started_at: Some(SystemTime::now()), error: None, ..record },
        // A Set that an interrupted part of this run may have sent is in doubt until the account is read.
        set_state: if matches!(target.provenance, Provenance::Intended(_)) {
            SetState::InDoubt
        } else {
            SetState::NotSent
        },
        deadline: Instant::now() + run.options.account_timeout,
        turn_unused: true,
        entry_permit: Some(permit),
    };
    let started = Instant::now();
    // Boxed only now: visits that wait for their turn stay small, and the large future is not moved around.
    let result = Box::pin(visit.perform()).await;
    visit.conclude(result);
    Record { duration: Some(started.elapsed()), ..visit.record }
}

/// Waits while an outage lasts, or while it is unclear whether the base credentials are accepted.
async fn may_enter<C, I>(run: &Rollout<'_, C, I>) {
    run.credential_probe.none_pending().await;
    run.connectivity.probe_ended().await;
}

struct Visit<'a, 'r, C, I> {
    run: &'a Rollout<'r, C, I>,
    target: &'a Target,
    record: Record,
    set_state: SetState,
    /// When the visit has taken too long. Waiting for a turn does not count, because the run causes it.
    deadline: Instant,
    /// The turn with which the visit started is unused.
    turn_unused: bool,
    /// Held until the account gives its first answer of any kind.
    entry_permit: Option<EntryPermit<'a>>,
}

/// Callers box the rare paths and the unusual calls: a visit's future is as large as the largest future awaited in it, and there are as
/// many of them as visits in flight.
impl<C: Cloud, I: Intents> Visit<'_, '_, C, I> {
    async fn perform(&mut self) -> Result<Outcome, VisitError> {
        let mut session = self.enter().await?;
        let current = self.read(&mut session, Stage::Read).await?;
        // An interrupted part of this run read the account before it sent its Set.
        let original = if let Provenance::Intended(before) = self.target.provenance { before } else { current };
        self.record.previous_version = Some(original);
        match decide(self.run.options.mode, current, self.target.wanted, self.target.provenance) {
            Decision::Done(Outcome::Changed) => {
                self.set_state = SetState::Accepted;
                Box::pin(self.verify_token()).await
            }
            Decision::Done(outcome) => Ok(outcome),
            Decision::Drifted(outcome) => Err(VisitError::Drifted(outcome)),
            Decision::Set => {
                let asked = Instant::now();
                let durable = self.run.intents.intend(self.target.account, original, self.target.wanted).await;
                // A slow disk must not use up the account's time.
                self.deadline += asked.elapsed();
                if let Err(error) = durable {
                    self.run.stop.request(StopReason::Journal(error.0.clone()));
                    return Err(VisitError::NotAttempted(Stage::Set, not_durable(error)));
                }
                self.set(&mut session).await
            }
        }
    }

    /// Writes the result of the visit into the record.
    fn conclude(&mut self, result: Result<Outcome, VisitError>) {
        let (outcome, error) = match result {
            Ok(outcome) => (outcome, None),
            Err(VisitError::Drifted(outcome)) => {
                self.record.outcome = outcome;
                self.record.error = Some(self.drift());
                return;
            }
            Err(VisitError::NotAttempted(stage, failure)) if self.set_state == SetState::NotSent => {
                (Outcome::NotAttempted, Some((stage, failure)))
            }
            Err(VisitError::NotAttempted(stage, failure)) => {
                // Without a start time, a resume visits the account again even without --retry-failed.
                self.record.started_at = None;
                (Outcome::Unverified, Some((stage, failure)))
            }
            Err(VisitError::Failed(stage, failure)) => match self.set_state {
                SetState::NotSent => (Outcome::Failed, Some((stage, failure))),
                SetState::InDoubt | SetState::Accepted => (Outcome::Unverified, Some((stage, failure))),
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
            let context = HintContext {
                access: &self.target.access,
                management: self.target.management,
                invited: self.target.invited,
            };
            let in_doubt = outcome == Outcome::Unverified && self.record.started_at.is_none();
            let hint = if in_doubt { IN_DOUBT.to_owned() } else { hint(outcome, stage, &failure, context) };
            self.record.set_error(stage, &failure, hint);
        }
    }

    /// The error of an account that is not as the undone run left it.
    fn drift(&self) -> AccountError {
        let left = match self.target.provenance {
            Provenance::Set { to, .. } => to.as_str(),
            Provenance::None | Provenance::Intended(_) => "another version",
        };
        let now = self.record.current_version.map_or("not known", ObservedVersion::as_str);
        AccountError {
            stage: Stage::Read,
            error_code: OwnCode::Drifted.into(),
            error_message: format!("the run left it at {left}, and now it is at {now}: it was not touched"),
            hint: "it was changed after that run, by hand or by an earlier rollback: set it by hand if that was not intended"
                .to_owned(),
        }
    }
}

fn not_durable(error: NotDurable) -> Failure {
    Failure::own(Operation::SetSecurityTokenServicePreferences, OwnCode::JournalNotWritable, error.0)
}
