//! This module owns the visit: all that is done in one account. Enter, read, decide, set, read back.
//!
//! Whatever happens in an account ends up in its record; only what concerns the whole run asks for a stop.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, sleep_until, timeout_at};

use super::decide::{Decision, Verify, decide};
use super::hint::{Surrounding, hint};
use super::pace::Entering;
use super::record::{Outcome, Record, Stage, Trouble, Verified};
use super::run::{Past, Rollout, Target};
use super::stop::StopReason;
use crate::cloud::{Answer, Cloud, Effect, Failure, Kind, Operation, WayIn, backoff, failure::code};
use crate::org::{AccountId, Reading, TokenVersion};

/// How long to wait before each read-back. A Set shows in the summary after about 0.7 s as a rule, but IAM promises only
/// eventual consistency, so the waits grow; together they are 15.75 s.
pub const READ_BACK_WAITS: [Duration; 7] = [
    Duration::ZERO,
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
];

/// How long to wait before each try of a token. Issuance lags the setting by some 9 to 13 s (observed in commercial AWS in
/// September 2026 by github radkawar/stackd); together the waits are 32 s.
pub const TOKEN_WAITS: [Duration; 8] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(5),
    Duration::from_secs(5),
    Duration::from_secs(5),
    Duration::from_secs(5),
    Duration::from_secs(5),
];

/// How often a session that is no longer accepted is replaced within one call.
const NEW_SESSIONS: u32 = 2;

/// Makes the intent to change an account durable before anything is sent.
pub trait Intents {
    /// Resolves once the intent will survive a crash.
    ///
    /// # Errors
    ///
    /// When it can't be made durable. Then nothing may be sent.
    fn intend(
        &self,
        account: AccountId,
        previous: Reading,
        wanted: TokenVersion,
    ) -> impl Future<Output = Result<(), NotDurable>>;
}

/// For a plan, which never has an intent.
#[derive(Clone, Copy, Debug)]
pub struct NoIntents;

impl Intents for NoIntents {
    async fn intend(&self, _: AccountId, _: Reading, _: TokenVersion) -> Result<(), NotDurable> {
        Err(NotDurable("there is no journal".to_owned()))
    }
}

/// The intent could not be written down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotDurable(pub String);

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
pub async fn visit<C: Cloud, I: Intents>(run: &Rollout<'_, C, I>, target: &Target, wave: Option<u32>) -> Record {
    let entering = tokio::select! {
        biased;
        () = run.stop.wait() => None,
        entering = run.pace.turn() => Some(entering),
    };
    let record = Record { sts_endpoint: Arc::clone(&run.sts_endpoint), ..Record::of_target(target) };
    let Some(entering) = entering else { return record };
    let mut visit = Visit {
        run,
        target,
        record: Record { wave, started_at: Some(SystemTime::now()), trouble: None, ..record },
        session: None,
        // What an interrupted part of this run may have sent is in doubt until it is read.
        sent: if matches!(target.past, Past::Intended(_)) { Sent::InDoubt } else { Sent::Nothing },
        deadline: Instant::now() + run.terms.account_timeout,
        has_turn: true,
        entering: Some(entering),
    };
    let started = Instant::now();
    let end = visit.walk().await;
    visit.conclude(end);
    Record { duration: Some(started.elapsed()), ..visit.record }
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

impl<C: Cloud, I: Intents> Visit<'_, '_, C, I> {
    async fn walk(&mut self) -> Result<Outcome, End> {
        let terms = &self.run.terms;
        self.enter().await?;
        let previous = self.read(Stage::Read).await?;
        // A run that was interrupted in this account knows better what was there before it came.
        let original = if let Past::Intended(before) = self.target.past { before } else { previous };
        self.record.previous_version = Some(original);
        match decide(terms.mode, previous, self.target.wanted, self.target.past) {
            Decision::Done(Outcome::Changed) => {
                self.sent = Sent::Accepted;
                self.prove_token().await?;
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
        let (outcome, trouble) = match end {
            Ok(outcome) => (outcome, None),
            Err(End::Drifted(outcome)) => {
                self.record.outcome = outcome;
                self.record.trouble = Some(self.drift());
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
        if let (Past::Set { before: Reading::Unknown, .. }, Outcome::Changed | Outcome::WouldChange) =
            (self.target.past, outcome)
        {
            "its version was unknown before the run that is undone; v1Token is AWS's default"
                .clone_into(&mut self.record.note);
        }
        if let Some((stage, failure)) = trouble {
            let surrounding =
                Surrounding { way: &self.target.way, management: self.target.management, invited: self.target.invited };
            let advice = hint(stage, &failure, surrounding);
            self.record.blame(stage, &failure, advice);
        }
    }

    /// Says that the account is not as the undone run left it.
    fn drift(&self) -> Trouble {
        let left = match self.target.past {
            Past::Set { to, .. } => to.as_str(),
            Past::None | Past::Intended(_) => "another version",
        };
        let now = self.record.current_version.map_or("not known", Reading::as_str);
        Trouble {
            stage: Stage::Read,
            error_code: code::DRIFTED.to_owned(),
            error_message: format!("the run left it at {left}, and now it is at {now}: it was not touched"),
            hint: "somebody, or an earlier rollback, has changed it since: set it by hand if that was not meant"
                .to_owned(),
        }
    }

    /// Gets a session in the account, or a new one when the old one is no longer accepted.
    async fn enter(&mut self) -> Result<(), End> {
        let mut failed = 0;
        loop {
            self.turn().await;
            let sent = Instant::now();
            self.record.attempts += 1;
            let answer = timeout_at(self.deadline, self.run.cloud.enter(self.target.account, &self.target.way)).await;
            self.entering = None;
            let failure = match answer {
                Err(_) => return Err(End::Failed(Stage::Assume, self.out_of_time(Operation::AssumeRole, None))),
                Ok(Ok(answer)) => {
                    self.run.pace.passed();
                    self.session = Some(answer.value);
                    return Ok(());
                }
                Ok(Err(failure)) => failure,
            };
            failed += 1;
            self.count(&failure);
            let try_again = match failure.kind {
                Kind::Throttled => {
                    self.run.pace.throttled(sent);
                    true
                }
                Kind::Transient => true,
                Kind::Credentials => self.caller_is_accepted(&failure).await? && failed <= NEW_SESSIONS,
                Kind::Refused => false,
            };
            if !try_again || failed >= self.run.terms.max_attempts {
                return Err(End::Failed(Stage::Assume, failure));
            }
            self.back_off(failed, Stage::Assume, failure).await?;
        }
    }

    /// Waits for a turn of the pace. The time spent so is added to the deadline.
    async fn turn(&mut self) {
        if std::mem::take(&mut self.has_turn) {
            return;
        }
        let asked = Instant::now();
        self.run.pace.turn_again().await;
        self.deadline += asked.elapsed();
    }

    /// Finds out whether a refusal is about the base credentials, which concerns every account, or only about this one.
    async fn caller_is_accepted(&mut self, refused: &Failure) -> Result<bool, End> {
        self.record.attempts += 1;
        match timeout_at(self.deadline, self.run.cloud.confirm_caller()).await {
            Ok(Err(failure)) if failure.kind == Kind::Credentials => {
                self.run.stop.request(StopReason::CallerCredentials(failure));
                Err(End::NotAttempted(Stage::Assume, refused.clone()))
            }
            // Where it could not be found out, it is worth another try.
            Ok(Ok(()) | Err(_)) => Ok(true),
            Err(_) => Err(End::Failed(Stage::Assume, self.out_of_time(Operation::GetCallerIdentity, Some(refused)))),
        }
    }

    /// Reads the version, again and again where that can help.
    async fn read(&mut self, stage: Stage) -> Result<Reading, End> {
        let (mut failed, mut renewed) = (0, 0);
        loop {
            self.record.attempts += 1;
            let session = self.session.as_ref().expect("a visit reads only after it has entered");
            let answer = timeout_at(self.deadline, self.run.cloud.read(session)).await;
            let failure = match answer {
                Err(_) => return Err(End::Failed(stage, self.out_of_time(Operation::GetAccountSummary, None))),
                Ok(Ok(Answer { value, request_id })) => {
                    self.record.current_version = Some(value);
                    if stage == Stage::Read {
                        self.record.request_id = request_id;
                    }
                    return Ok(value);
                }
                Ok(Err(failure)) => failure,
            };
            failed += 1;
            self.after(stage, failure, failed, &mut renewed).await?;
        }
    }

    /// Sets the version and settles what became of it.
    async fn set(&mut self) -> Result<Outcome, End> {
        let (mut failed, mut renewed) = (0, 0);
        let refused = loop {
            let before = std::mem::replace(&mut self.sent, Sent::InDoubt);
            self.record.attempts += 1;
            let session = self.session.as_ref().expect("a visit sets only after it has entered");
            let answer = timeout_at(self.deadline, self.run.cloud.set(session, self.target.wanted)).await;
            let failure = match answer {
                Err(_) => {
                    let operation = Operation::SetSecurityTokenServicePreferences;
                    return Err(End::Failed(Stage::Set, self.out_of_time(operation, None)));
                }
                Ok(Ok(Answer { request_id, .. })) => {
                    self.record.request_id = request_id;
                    self.sent = Sent::Accepted;
                    break None;
                }
                Ok(Err(failure)) => failure,
            };
            failed += 1;
            match failure.effect {
                Effect::None => self.sent = before,
                // The answer is lost, not necessarily the request: a look tells before it is sent again.
                Effect::Unknown => {
                    if self.read(Stage::Verify).await?.shows(self.target.wanted) {
                        self.prove_token().await?;
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
            (None, _) if self.run.terms.verify == Verify::None => Err(End::Failed(
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
                    Err(End::Failed(Stage::Verify, self.own(code::NOT_READ_BACK, message)))
                },
                Ok,
            ),
        }
    }

    /// Every try to set failed, but at least one may have gone through.
    async fn settle(&mut self, end: End) -> Result<Outcome, End> {
        if let Ok(outcome) = self.read_back().await? {
            Ok(outcome)
        } else {
            // The service has looked at the request and refused it, and the version has stayed as it was:
            // then the request that went astray was not carried out either.
            if matches!(&end, End::Failed(_, failure) if failure.kind == Kind::Refused) {
                self.sent = Sent::Nothing;
            }
            Err(end)
        }
    }

    /// Reads until the wanted version shows, or gives the last reading when patience runs out.
    async fn read_back(&mut self) -> Result<Result<Outcome, Reading>, End> {
        let mut last = Reading::Unknown;
        for wait in READ_BACK_WAITS {
            self.sleep(wait, Stage::Verify, Operation::GetAccountSummary, None).await?;
            last = self.read(Stage::Verify).await?;
            if last.shows(self.target.wanted) {
                self.prove_token().await?;
                return Ok(Ok(Outcome::Changed));
            }
        }
        Ok(Err(last))
    }

    /// Proves the effect of the setting, if that is asked for: with patience, because issuance lags the setting.
    ///
    /// The account that the caller is in has no role to get a session for, so there only the setting is proven.
    async fn prove_token(&mut self) -> Result<(), End> {
        self.record.verified = Some(Verified::Setting);
        let Verify::Token(region) = &self.run.terms.verify else { return Ok(()) };
        let WayIn::Role(_) = self.target.way else { return Ok(()) };
        let mut last = None;
        for wait in TOKEN_WAITS {
            self.sleep(wait, Stage::Verify, Operation::GetCallerIdentity, last.as_ref()).await?;
            self.record.attempts += 2;
            let proof = self.run.cloud.prove_token(self.target.account, &self.target.way, region);
            match timeout_at(self.deadline, proof).await {
                Ok(Ok(_)) => {
                    self.record.verified = Some(Verified::Token);
                    return Ok(());
                }
                Ok(Err(failure)) if failure.kind == Kind::Refused => return Err(End::Failed(Stage::Verify, failure)),
                Ok(Err(failure)) => {
                    self.count(&failure);
                    if failure.operation == Operation::AssumeRole && failure.kind == Kind::Credentials {
                        self.caller_is_accepted(&failure).await?;
                    }
                    last = Some(failure);
                }
                Err(_) => {
                    let late = self.out_of_time(Operation::GetCallerIdentity, last.as_ref());
                    return Err(End::Failed(Stage::Verify, late));
                }
            }
        }
        let why = last.map_or_else(String::new, |failure| format!(": {failure}"));
        let message =
            format!("the setting was read back, but {region} did not accept a token of the global endpoint{why}");
        Err(End::Failed(Stage::Verify, self.own(code::TOKEN_REFUSED, message)))
    }

    /// Decides whether a call inside the account is tried again, and makes ready for it.
    async fn after(&mut self, stage: Stage, failure: Failure, failed: u32, renewed: &mut u32) -> Result<(), End> {
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
    const fn count(&mut self, failure: &Failure) {
        if matches!(failure.kind, Kind::Throttled) {
            self.record.throttled += 1;
        }
    }

    async fn back_off(&self, failed: u32, stage: Stage, failure: Failure) -> Result<(), End> {
        let wait = backoff::delay(failed, fastrand::f64());
        self.sleep(wait, stage, failure.operation, Some(&failure)).await
    }

    /// Sleeps, unless the deadline comes first.
    async fn sleep(
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

    fn out_of_time(&self, operation: Operation, because: Option<&Failure>) -> Failure {
        let limit = humantime::format_duration(self.run.terms.account_timeout);
        let last = because.map_or_else(String::new, |failure| format!("; the last failure: {failure}"));
        Failure {
            operation,
            ..self.own(code::ACCOUNT_TIMEOUT, format!("the visit took longer than --account-timeout {limit}{last}"))
        }
    }

    fn own(&self, code: &str, message: String) -> Failure {
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

fn unwritten(error: NotDurable) -> Failure {
    Failure {
        operation: Operation::SetSecurityTokenServicePreferences,
        kind: Kind::Refused,
        effect: Effect::None,
        code: code::JOURNAL.to_owned(),
        message: error.0,
        status: None,
        request_id: None,
    }
}
