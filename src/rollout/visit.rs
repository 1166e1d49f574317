//! The visit of one account: enter, read, look up events, decide, set, verify.
//!
//! Everything that happens in the account ends up in its record. Only what concerns all accounts stops the run.

mod enter;
pub(crate) mod look_up;
mod retry;
mod set;
mod token_size;
pub(crate) mod verify;

use std::pin::pin;
use std::time::SystemTime;

use tokio::time::Instant;

use retry::Attempts;

use super::RequestId;
use super::pauses::Seen;
use super::rate_limiter::EntryPermit;
use super::record::IN_DOUBT;
use super::{
    AccountError, Decision, Intents, NotDurable, Outcome, Provenance, Record, Rollout, Stage, StopReason, Target,
    decide, hint,
};
use crate::cloud::retry::as_attempt;
use crate::cloud::{Answer, Cloud, Failure, Operation, OwnCode, TokenSize};
use crate::org::{ObservedVersion, TokenVersion};

/// How many times one call can replace a session that is no longer accepted.
const NEW_SESSIONS: u32 = 2;

/// Why a visit ends early.
enum VisitError {
    /// A call failed at this stage.
    Failed(Stage, Failure),
    /// The run stops while the visit is at this stage.
    NotAttempted(Stage, Failure),
}

/// Visits one account. If the run stops before the visit can start, returns the record of a target that was not visited.
pub(crate) async fn visit<C: Cloud, I: Intents>(run: &Rollout<'_, C, I>, target: &Target) -> Record {
    // No visit starts during an outage, or while it is unclear whether the base credentials are accepted.
    let permit = tokio::select! {
        biased;
        () = run.stop.wait() => None,
        permit = run.rate_limiter.wait_to_enter(async || {
            run.credential_probe.pending.none().await;
            run.connectivity.probing.none().await;
        }) => Some(permit),
    };
    let record = Record { sts_endpoint: run.sts_endpoint.clone(), ..Record::of_target(target) };
    let Some(permit) = permit else { return record };
    let _in_flight = run.stop.visits.start();
    let started = Instant::now();
    let mut visit = Visit {
        run,
        target,
        record: Record {
            wave: target.wave_number(),
            started_at: Some(SystemTime::now().into()),
            error: None,
            ..record
        },
        // If this run was interrupted and may have sent a Set before, that Set is in doubt until the account is read.
        may_be_set: matches!(target.provenance, Provenance::Intended(_)),
        deadline: started + run.options.account_timeout,
        pauses: run.connectivity.pauses.observe(),
        entry_permit: Some(permit),
        regional_size: None,
    };
    // The future is boxed only now, so that visits that wait for their turn stay small, and the large future is not moved.
    let result = Box::pin(async {
        let mut session = visit.enter().await?;
        let current = visit.read(&mut session, Stage::Read).await?;
        if let Some(lookups) = run.lookups {
            Box::pin(visit.look_up(&mut session, lookups)).await?;
        }
        // If this run was interrupted, the original version is the version that the run read before its first Set.
        let original = if let Provenance::Intended(before) = target.provenance { before } else { current };
        visit.record.previous_version = Some(original);
        match decide(run.options.mode, current, target.wanted, target.provenance) {
            Decision::Done(Outcome::Changed) => Box::pin(visit.verify_token()).await,
            Decision::Done(outcome) => {
                Box::pin(visit.observe_token()).await;
                Ok(outcome)
            }
            Decision::Drifted => {
                visit.record.error = Some(Box::new(visit.drift()));
                Ok(Outcome::Skipped)
            }
            Decision::NotShown => Err(VisitError::Failed(Stage::Read, visit.not_shown())),
            Decision::Set => {
                let asked = Instant::now();
                let durable = run.intents.intend(target.account, original, target.wanted).await;
                // A slow disk must not use up the time of the visit.
                visit.deadline += asked.elapsed();
                durable.map_err(|error| visit.intent_lost(error))?;
                visit.set(&mut session).await
            }
        }
    })
    .await;
    match result {
        Ok(outcome) => {
            visit.record.outcome = outcome;
            visit.record.add_note(note(target.provenance, target.wanted, outcome));
        }
        Err(error) => visit.fail(error),
    }
    Record { duration: Some(started.elapsed().into()), ..visit.record }
}

/// Returns the remark on a successful visit, or an empty text if there is none.
fn note(provenance: Provenance, wanted: TokenVersion, outcome: Outcome) -> &'static str {
    match (provenance, outcome) {
        (Provenance::Set { before: ObservedVersion::Unknown, .. }, Outcome::Changed | Outcome::WouldChange) => {
            "its version was unknown before the run that is undone; v1Token is AWS's default"
        }
        (Provenance::Set { certain: true, to, .. }, Outcome::Unchanged) if to != wanted => {
            "it was back already, by an earlier rollback or by hand"
        }
        _ => "",
    }
}

struct Visit<'a, 'r, C, I> {
    run: &'a Rollout<'r, C, I>,
    target: &'a Target,
    record: Record,
    /// Whether a Set might have taken effect: it was sent, and it was not refused.
    may_be_set: bool,
    /// When the visit times out. Time spent waiting for a turn does not count, because the run causes that wait.
    deadline: Instant,
    /// The pauses of the process whose time `deadline` contains.
    pauses: Seen,
    /// The turn with which the visit started. Held until the account gives its first answer of any kind.
    entry_permit: Option<EntryPermit<'a>>,
    /// The size of the token of the newest session.
    regional_size: Option<TokenSize>,
}

/// Callers box the rare paths and the unusual calls: a visit's future is as large as the largest future awaited in it, and every
/// visit in flight has such a future.
impl<C: Cloud, I: Intents> Visit<'_, '_, C, I> {
    /// Reads the version. Retries a failed call if a retry can help.
    async fn read(&mut self, session: &mut C::Session, stage: Stage) -> Result<ObservedVersion, VisitError> {
        let mut attempts = Attempts::default();
        loop {
            self.record.attempts += 1;
            let answer = {
                let call = pin!(as_attempt(attempts.failed + 1, self.run.cloud.read_version(session)));
                self.attempt(stage, Operation::GetAccountSummary, call).await
            };
            match answer {
                Ok(Answer { value, request_id }) => {
                    self.record.current_version = Some(value);
                    if stage == Stage::Read {
                        self.record.request_id = request_id.map(RequestId::from);
                    }
                    return Ok(value);
                }
                Err(error) => self.prepare_retry(session, stage, error, &mut attempts).await?,
            }
        }
    }

    /// Writes into the record why the visit ended early.
    fn fail(&mut self, error: VisitError) {
        let (stage, failure, attempted) = match error {
            VisitError::Failed(stage, failure) => (stage, failure, true),
            VisitError::NotAttempted(stage, failure) => (stage, failure, false),
        };
        let outcome = match (self.may_be_set, attempted) {
            (true, _) => Outcome::Unverified,
            (false, true) => Outcome::Failed,
            (false, false) => Outcome::NotAttempted,
        };
        let hint = if outcome == Outcome::Unverified && !attempted {
            // Because the record now has no start time, a resume visits the account again even if `--retry-failed` is not given.
            self.record.started_at = None;
            IN_DOUBT.to_owned()
        } else {
            let Target { access, management, invited, .. } = self.target;
            hint(outcome, stage, &failure, access, *management, *invited)
        };
        let Failure { code: error_code, message: error_message, request_id, .. } = failure;
        self.record.outcome = outcome;
        self.record.error = Some(Box::new(AccountError { stage, error_code, error_message, hint, denied_by: None }));
        self.record.request_id = request_id.map(RequestId::from);
    }

    /// Stops the run, because an intent could not be made durable. Without a durable intent, the Set must not be sent.
    fn intent_lost(&self, NotDurable(cause): NotDurable) -> VisitError {
        self.run.stop.request(StopReason::Journal(cause.clone()));
        let failure = Failure::own(Operation::SetSecurityTokenServicePreferences, OwnCode::JournalNotWritable, cause);
        VisitError::NotAttempted(Stage::Set, failure)
    }

    /// The failure of a rollback in an account that the undone run changed, and that no longer shows its version.
    fn not_shown(&self) -> Failure {
        let message = format!(
            "the summary shows no version, so it is not known whether the account is still at {}, as the run left it: nothing was sent",
            self.left_at()
        );
        let failure = Failure::own(Operation::GetAccountSummary, OwnCode::VersionNotShown, message);
        Failure { request_id: self.record.request_id.as_ref().map(RequestId::to_string), ..failure }
    }

    /// The version at which the undone run left the account.
    const fn left_at(&self) -> &'static str {
        match self.target.provenance {
            Provenance::Set { to, .. } => to.as_str(),
            Provenance::None | Provenance::Intended(_) => "another version",
        }
    }

    /// Returns the error of an account that no longer has the version that the undone run set.
    fn drift(&self) -> AccountError {
        let left = self.left_at();
        let now = self.record.current_version.map_or("not known", ObservedVersion::as_str);
        AccountError {
            stage: Stage::Read,
            error_code: OwnCode::Drifted.into(),
            error_message: format!("the run left it at {left}, and now it is at {now}: it was not touched"),
            hint: "it was changed after that run, by hand or by another tool: set it by hand if that was not intended"
                .to_owned(),
            denied_by: None,
        }
    }
}
