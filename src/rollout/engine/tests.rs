//! Tests of the rollout on a paused clock, against an in-memory fake of AWS.

mod lookups;
mod outages;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use super::*;
use crate::cloud::{AccessMethod, Answer, Effect, Failure, FailureKind, Operation, TokenSize};
use crate::impact::event_page::{EventPage, EventQuery};
use crate::org::{AccountId, ObservedVersion, TokenVersion};
use crate::rollout::visit::verify::{READ_BACK_WAITS, TOKEN_WAITS};
use crate::rollout::wave::Waves;
use crate::rollout::{
    Mode, NotDurable, Outcome, Provenance, Record, RolloutOptions, Stage, Tolerance, Verified, Verify,
};

/// How the next call of an account goes wrong.
#[derive(Clone, Debug)]
enum Fault {
    /// The call fails.
    Fail(FailureKind, Effect, &'static str),
    /// A Set takes effect, but its answer is lost.
    LostAcknowledgement,
    /// The call never gets an answer.
    Hang,
    /// A read returns the version that the account had before the last Set.
    Stale,
    /// A Set is accepted, but has no effect.
    Ignored,
}

const THROTTLED: Fault = Fault::Fail(FailureKind::Throttled, Effect::None, "Throttling");
const DENIED: Fault = Fault::Fail(FailureKind::Refused, Effect::None, "AccessDenied");
const BROKEN: Fault = Fault::Fail(FailureKind::Transient, Effect::Unknown, "ServiceFailure");
const UNREACHED: Fault = Fault::Fail(FailureKind::Transient, Effect::None, "ConnectionFailed");
const EXPIRED: Fault = Fault::Fail(FailureKind::Credentials, Effect::None, "ExpiredToken");

#[derive(Debug)]
struct World {
    versions: BTreeMap<AccountId, (ObservedVersion, ObservedVersion)>,
    faults: HashMap<(AccountId, Operation), Vec<Fault>>,
    calls: Vec<(AccountId, Operation)>,
    intended: HashSet<AccountId>,
}

/// AWS in memory. Every call takes a tenth of a second.
#[derive(Debug)]
struct Fake {
    world: RefCell<World>,
    caller_expired: Cell<bool>,
    /// When the base credentials expire. After that, the next signed call fetches them over the network. The fetch fails during
    /// an outage, and always if `base_is_gone` is set.
    base_ends: Cell<Option<Duration>>,
    base_is_gone: Cell<bool>,
    /// How long a fetch of the base credentials takes.
    fetch_takes: Cell<Duration>,
    /// Whether a fetch is in progress.
    fetching: Cell<bool>,
    fetches: Cell<usize>,
    /// How often the base credentials were checked.
    confirmations: Cell<usize>,
    disk_full: Cell<bool>,
    /// How many token proofs of each account fail.
    lag: Cell<usize>,
    /// The size of the tokens of the regional endpoint.
    regional_size: Cell<TokenSize>,
    /// The error code of all calls of the global endpoint.
    global_fails: Cell<Option<&'static str>>,
    /// The token proofs that were tried.
    proofs: RefCell<Vec<(AccountId, tokio::time::Instant)>>,
    /// The queries to event histories.
    lookups: RefCell<Vec<(AccountId, EventQuery, tokio::time::Instant)>>,
    in_flight: Cell<usize>,
    widest: Cell<usize>,
    outage: Cell<Option<Outage>>,
    started: tokio::time::Instant,
}

/// A span of time, counted from the start of the test, in which no call gets an answer.
#[derive(Clone, Copy, Debug)]
struct Outage {
    from: Duration,
    to: Duration,
    /// How long a call takes to fail.
    each: Duration,
}

impl Fake {
    fn new(accounts: u64) -> Self {
        let versions =
            (1..=accounts).map(|number| (id(number), (ObservedVersion::V1Token, ObservedVersion::V1Token))).collect();
        let world = World { versions, faults: HashMap::new(), calls: Vec::new(), intended: HashSet::new() };
        Self {
            world: RefCell::new(world),
            caller_expired: Cell::new(false),
            base_ends: Cell::new(None),
            base_is_gone: Cell::new(false),
            fetch_takes: Cell::new(Duration::ZERO),
            fetching: Cell::new(false),
            fetches: Cell::new(0),
            confirmations: Cell::new(0),
            disk_full: Cell::new(false),
            lag: Cell::new(0),
            regional_size: Cell::new(TokenSize::new(Some(752), 0)),
            global_fails: Cell::new(None),
            proofs: RefCell::default(),
            lookups: RefCell::default(),
            in_flight: Cell::new(0),
            widest: Cell::new(0),
            outage: Cell::new(None),
            started: tokio::time::Instant::now(),
        }
    }

    fn rollout(&self, options: RolloutOptions) -> Rollout<'_, Self, Self> {
        Rollout::new(self, self, options)
    }

    /// Fetches the base credentials if they have expired.
    async fn sign(&self, operation: Operation) -> Result<(), Failure> {
        if self.base_ends.get().is_some_and(|end| self.started.elapsed() >= end) {
            self.fetches.set(self.fetches.get() + 1);
            self.fetching.set(true);
            tokio::time::sleep(self.fetch_takes.get()).await;
            self.fetching.set(false);
            if self.base_is_gone.get() || self.arrive(operation).await.is_err() {
                return Err(failure(operation, FailureKind::Credentials, Effect::None, "NoCredentials"));
            }
            self.base_ends.set(None);
        }
        Ok(())
    }

    /// Fails during an outage.
    async fn arrive(&self, operation: Operation) -> Result<(), Failure> {
        let now = self.started.elapsed();
        match self.outage.get().filter(|outage| (outage.from..outage.to).contains(&now)) {
            Some(outage) => {
                tokio::time::sleep(outage.each).await;
                // A refused connection carries no request. A connection that times out might have carried a request.
                let (effect, code) = if outage.each.is_zero() {
                    (Effect::None, "ConnectionFailed")
                } else {
                    (Effect::Unknown, "RequestTimedOut")
                };
                Err(failure(operation, FailureKind::Transient, effect, code))
            }
            None => Ok(()),
        }
    }

    fn fault(self, number: u64, operation: Operation, faults: impl IntoIterator<Item = Fault>) -> Self {
        let faults: Vec<_> = faults.into_iter().collect();
        self.world.borrow_mut().faults.insert((id(number), operation), faults.into_iter().rev().collect());
        self
    }

    fn version(&self, number: u64) -> ObservedVersion {
        self.world.borrow().versions[&id(number)].1
    }

    fn count(&self, number: u64, operation: Operation) -> usize {
        self.world.borrow().calls.iter().filter(|call| **call == (id(number), operation)).count()
    }

    fn count_sets(&self, account: AccountId) -> usize {
        let set = (account, Operation::SetSecurityTokenServicePreferences);
        self.world.borrow().calls.iter().filter(|call| **call == set).count()
    }

    async fn call(&self, account: AccountId, operation: Operation) -> Result<Option<Fault>, Failure> {
        self.world.borrow_mut().calls.push((account, operation));
        self.in_flight.set(self.in_flight.get() + 1);
        self.widest.set(self.widest.get().max(self.in_flight.get()));
        tokio::time::sleep(Duration::from_millis(100)).await;
        let arrived = self.arrive(operation).await;
        self.in_flight.set(self.in_flight.get() - 1);
        arrived?;
        let fault = self.world.borrow_mut().faults.get_mut(&(account, operation)).and_then(Vec::pop);
        match fault {
            Some(Fault::Fail(kind, effect, code)) => Err(failure(operation, kind, effect, code)),
            Some(Fault::Hang) => std::future::pending().await,
            other => Ok(other),
        }
    }
}

impl Cloud for Fake {
    type Session = AccountId;

    async fn open_session(&self, account: AccountId, _: &AccessMethod) -> Result<Answer<AccountId>, Failure> {
        if self.caller_expired.get() {
            return Err(failure(Operation::AssumeRole, FailureKind::Credentials, Effect::None, "ExpiredToken"));
        }
        self.sign(Operation::AssumeRole).await?;
        self.call(account, Operation::AssumeRole).await?;
        Ok(Answer { value: account, request_id: None })
    }

    async fn read_version(&self, session: &AccountId) -> Result<Answer<ObservedVersion>, Failure> {
        let fault = self.call(*session, Operation::GetAccountSummary).await?;
        let (before, now) = self.world.borrow().versions[session];
        Ok(Answer { value: if matches!(fault, Some(Fault::Stale)) { before } else { now }, request_id: None })
    }

    async fn set_version(&self, session: &AccountId, version: TokenVersion) -> Result<Answer<()>, Failure> {
        let operation = Operation::SetSecurityTokenServicePreferences;
        assert!(self.world.borrow().intended.contains(session), "{session} was set without a durable intent");
        let fault = self.call(*session, operation).await?;
        if !matches!(fault, Some(Fault::Ignored)) {
            let mut world = self.world.borrow_mut();
            let versions = world.versions.get_mut(session).unwrap();
            let wanted = ObservedVersion::from_summary(Some(if version == TokenVersion::V2Token { 2 } else { 1 }));
            *versions = (versions.1, wanted);
        }
        match fault {
            Some(Fault::LostAcknowledgement) => {
                Err(failure(operation, FailureKind::Transient, Effect::Unknown, "ConnectionFailed"))
            }
            _ => Ok(Answer { value: (), request_id: Some("set".to_owned()) }),
        }
    }

    async fn test_token(&self, account: AccountId, _: &AccessMethod, _: &str) -> Result<Answer<()>, Failure> {
        self.proofs.borrow_mut().push((account, tokio::time::Instant::now()));
        if self.proofs.borrow().iter().filter(|(of, _)| *of == account).count() <= self.lag.get() {
            return Err(failure(
                Operation::GetCallerIdentity,
                FailureKind::Credentials,
                Effect::None,
                "InvalidClientTokenId",
            ));
        }
        Ok(Answer { value: (), request_id: None })
    }

    fn token_size(&self, _: &AccountId) -> Option<TokenSize> {
        Some(self.regional_size.get())
    }

    fn has_global_endpoint(&self) -> bool {
        true
    }

    /// The tokens of the first `lag` calls for an account have the other version.
    async fn global_token_size(&self, account: AccountId, _: &AccessMethod) -> Result<Answer<TokenSize>, Failure> {
        self.proofs.borrow_mut().push((account, tokio::time::Instant::now()));
        let count = self.proofs.borrow().iter().filter(|(of, _)| *of == account).count();
        if let Some(code) = self.global_fails.get() {
            let kind = if code == "AccessDenied" { FailureKind::Refused } else { FailureKind::Throttled };
            return Err(failure(Operation::AssumeRole, kind, Effect::None, code));
        }
        let size = if count <= self.lag.get() { 352 } else { 752 };
        Ok(Answer { value: TokenSize::new(Some(size), 0), request_id: None })
    }

    async fn look_up_events(&self, session: &AccountId, query: &EventQuery) -> Result<Answer<EventPage>, Failure> {
        self.call(*session, Operation::LookupEvents).await?;
        self.lookups.borrow_mut().push((*session, query.clone(), tokio::time::Instant::now()));
        // AssumeRole has no end, but within an hour there are few calls.
        let has_no_end = query.name == "AssumeRole" && query.end - query.start > 3600;
        let next = has_no_end.then(|| query.page.clone().unwrap_or_default() + "x");
        Ok(Answer {
            value: EventPage { events: vec!["{}".to_owned()], oldest: Some(query.end), next },
            request_id: None,
        })
    }

    fn sts_endpoint(&self) -> &'static str {
        "https://sts.test"
    }

    fn is_fetching_credentials(&self) -> bool {
        self.fetching.get()
    }

    async fn check_base_credentials(&self) -> Result<(), Failure> {
        self.confirmations.set(self.confirmations.get() + 1);
        self.sign(Operation::GetCallerIdentity).await?;
        self.arrive(Operation::GetCallerIdentity).await?;
        if self.caller_expired.get() {
            return Err(failure(Operation::GetCallerIdentity, FailureKind::Credentials, Effect::None, "ExpiredToken"));
        }
        Ok(())
    }

    async fn probe_connection(&self) -> Result<(), Failure> {
        self.arrive(Operation::GetCallerIdentity).await
    }
}

impl Intents for Fake {
    async fn intend(&self, account: AccountId, _: ObservedVersion, _: TokenVersion) -> Result<(), NotDurable> {
        if self.disk_full.get() {
            return Err(NotDurable("No space left on device".to_owned()));
        }
        self.world.borrow_mut().intended.insert(account);
        Ok(())
    }
}

fn failure(operation: Operation, kind: FailureKind, effect: Effect, code: &str) -> Failure {
    // Error codes of AWS come with an HTTP status; v2token's own codes do not.
    let status = (!matches!(code.into(), crate::cloud::ErrorCode::Own(_))).then_some(400);
    Failure { operation, kind, effect, code: code.into(), message: "why".into(), status, request_id: None }
}

fn id(number: u64) -> AccountId {
    format!("{number:012}").parse().unwrap()
}

fn options() -> RolloutOptions {
    RolloutOptions {
        mode: Mode::Apply,
        verify: Verify::Setting,
        rate: 0,
        concurrency: 32,
        max_attempts: 4,
        account_timeout: Duration::from_mins(2),
        bake: Duration::ZERO,
        max_errors: None,
    }
}

async fn run(rollout: &Rollout<'_, Fake, Fake>, listen: impl FnMut(&Event<'_>)) -> (RolloutResult, Vec<Record>) {
    run_in_waves(rollout, None, listen).await
}

async fn run_in_waves(
    rollout: &Rollout<'_, Fake, Fake>,
    waves: Option<&Waves>,
    mut listen: impl FnMut(&Event<'_>),
) -> (RolloutResult, Vec<Record>) {
    let targets: Vec<Target> = rollout
        .cloud
        .world
        .borrow()
        .versions
        .keys()
        .map(|account| Target {
            wave: None,
            account: *account,
            access: AccessMethod::Role(format!("arn:aws:iam::{account}:role/R").into()),
            management: false,
            invited: false,
            wanted: TokenVersion::V2Token,
            provenance: Provenance::None,
        })
        .collect();
    let count = targets.len();
    let mut rest = targets.into_iter();
    let sizes = waves.map_or_else(|| vec![count], |waves| waves.sizes(count));
    let wave = |(number, size)| {
        let number = waves.map(|_| number);
        Wave { number, targets: rest.by_ref().take(size).map(|target| Target { wave: number, ..target }).collect() }
    };
    let waves: Vec<Wave> = (1..).zip(sizes).map(wave).collect();
    let mut records = Vec::new();
    let ended = roll_out(
        rollout,
        Targets::Waves(&waves),
        |event| {
            listen(&event);
            if let Event::Visited { record, .. } = event {
                records.push(record.clone());
            }
        },
        async |_| Ok(()),
    )
    .await;
    assert_eq!(ended.tally.total(), count);
    let reported: HashSet<_> = records.iter().map(|record| record.account_id).collect();
    assert_eq!(reported.len(), count, "every target is reported exactly once");
    records.sort_by_key(|record| record.account_id);
    (ended, records)
}

/// Returns the record of one account with faults in one operation.
async fn one(operation: Operation, faults: impl IntoIterator<Item = Fault>) -> (Record, Fake) {
    let fake = Fake::new(1).fault(1, operation, faults);
    let (_, records) = run(&fake.rollout(options()), |_| {}).await;
    (records.into_iter().next().unwrap(), fake)
}

/// A test case: its name, the operation and its faults, the outcome, the stage and code in the record, and the final version.
type Case = (&'static str, Operation, Vec<Fault>, Outcome, Option<(Stage, &'static str)>, ObservedVersion);

#[tokio::test(start_paused = true)]
async fn each_fault_gives_the_expected_record() {
    use ObservedVersion::{V1Token, V2Token};
    use Operation::{AssumeRole, GetAccountSummary as Read, SetSecurityTokenServicePreferences as Set};
    use Outcome::{Changed, Failed, Unverified};
    let all = |fault: &Fault| vec![fault.clone(); 50];
    let table: Vec<Case> = vec![
        ("nothing", AssumeRole, vec![], Changed, None, V2Token),
        ("throttled AssumeRole", AssumeRole, vec![THROTTLED; 3], Changed, None, V2Token),
        (
            "AssumeRole throttled for ever",
            AssumeRole,
            all(&THROTTLED),
            Failed,
            Some((Stage::Assume, "Throttling")),
            V1Token,
        ),
        ("denied AssumeRole", AssumeRole, vec![DENIED], Failed, Some((Stage::Assume, "AccessDenied")), V1Token),
        (
            "AssumeRole without an answer",
            AssumeRole,
            vec![Fault::Hang],
            Failed,
            Some((Stage::Assume, "AccountTimeout")),
            V1Token,
        ),
        ("base credentials refused once", AssumeRole, vec![EXPIRED], Changed, None, V2Token),
        (
            "base credentials refused for ever",
            AssumeRole,
            all(&EXPIRED),
            Failed,
            Some((Stage::Assume, "ExpiredToken")),
            V1Token,
        ),
        ("a broken read", Read, vec![BROKEN; 3], Changed, None, V2Token),
        ("only broken reads", Read, all(&BROKEN), Failed, Some((Stage::Read, "ServiceFailure")), V1Token),
        ("a denied read", Read, vec![DENIED], Failed, Some((Stage::Read, "AccessDenied")), V1Token),
        ("a session that expires", Read, vec![EXPIRED], Changed, None, V2Token),
        ("throttled at Set", Set, vec![THROTTLED; 3], Changed, None, V2Token),
        ("throttled at Set for ever", Set, all(&THROTTLED), Failed, Some((Stage::Set, "Throttling")), V1Token),
        ("a denied Set", Set, vec![DENIED], Failed, Some((Stage::Set, "AccessDenied")), V1Token),
        ("a Set that never arrives", Set, all(&UNREACHED), Failed, Some((Stage::Set, "ConnectionFailed")), V1Token),
        ("a lost acknowledgement", Set, vec![Fault::LostAcknowledgement], Changed, None, V2Token),
        ("a broken Set", Set, vec![BROKEN], Changed, None, V2Token),
        ("only broken Sets", Set, all(&BROKEN), Unverified, Some((Stage::Set, "ServiceFailure")), V1Token),
        ("broken, then denied", Set, vec![BROKEN, DENIED], Failed, Some((Stage::Set, "AccessDenied")), V1Token),
        ("a Set without an answer", Set, vec![Fault::Hang], Unverified, Some((Stage::Set, "AccountTimeout")), V1Token),
        ("an ignored Set", Set, vec![Fault::Ignored], Unverified, Some((Stage::Verify, "NotReadBack")), V1Token),
        ("a session that expires at Set", Set, vec![EXPIRED], Changed, None, V2Token),
    ];
    for (name, operation, faults, outcome, error, truth) in table {
        let (record, fake) = one(operation, faults).await;
        assert_eq!(record.outcome, outcome, "{name}: {record:?}");
        let reported = record.error.as_ref().map(|error| (error.stage, error.error_code.as_str()));
        assert_eq!(reported, error, "{name}: {record:?}");
        assert_eq!(fake.version(1), truth, "{name}");
        let calls = fake.world.borrow().calls.len();
        assert!(record.attempts as usize >= calls, "{name}: {calls} calls, {record:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn stale_reads_are_waited_out() {
    for stale in 0..READ_BACK_WAITS.len() {
        let mut reads = vec![Fault::Ignored];
        reads.extend(vec![Fault::Stale; stale]);
        let (record, fake) = one(Operation::GetAccountSummary, reads).await;
        assert_eq!(record.outcome, Outcome::Changed, "{stale} stale reads");
        assert_eq!(fake.count(1, Operation::GetAccountSummary), stale + 2);
        assert_eq!(fake.count(1, Operation::SetSecurityTokenServicePreferences), 1);
    }
    let (record, fake) = one(Operation::GetAccountSummary, vec![Fault::Stale; 100]).await;
    assert_eq!(record.outcome, Outcome::Unverified);
    assert_eq!(fake.version(1), ObservedVersion::V2Token);
    assert_eq!(record.current_version, Some(ObservedVersion::V1Token));
}

#[tokio::test(start_paused = true)]
async fn a_denied_read_back_is_unverified() {
    let (record, _) = one(Operation::GetAccountSummary, [Fault::Ignored, DENIED]).await;
    assert_eq!(record.outcome, Outcome::Unverified);
    assert_eq!(record.error.unwrap().stage, Stage::Verify);
}

/// If a summary lacks the version, the version might have changed.
#[tokio::test(start_paused = true)]
async fn a_refusal_settles_a_set_in_doubt_only_if_the_version_can_be_read() {
    for (reading, expected) in
        [(ObservedVersion::V1Token, Outcome::Failed), (ObservedVersion::Unknown, Outcome::Unverified)]
    {
        let fake = Fake::new(1).fault(1, Operation::SetSecurityTokenServicePreferences, [BROKEN, DENIED]);
        fake.world.borrow_mut().versions.insert(id(1), (reading, reading));
        let (_, records) = run(&fake.rollout(options()), |_| {}).await;
        let error = records[0].error.as_ref().unwrap();
        assert_eq!((records[0].outcome, error.error_code.as_str()), (expected, "AccessDenied"), "{reading}");
    }
}

/// A refusal of a certificate or of AssumeRole says nothing about an earlier Set whose answer was lost.
#[tokio::test(start_paused = true)]
async fn only_a_refusal_by_iam_settles_a_set_in_doubt() {
    let certificate = Fault::Fail(FailureKind::Refused, Effect::None, "CertificateRefused");
    for (sets, entries, expected) in [
        (vec![BROKEN, DENIED], vec![], Outcome::Failed),
        (vec![BROKEN, certificate], vec![], Outcome::Unverified),
        // `Ignored` does nothing to AssumeRole, so the first AssumeRole succeeds, and only the second AssumeRole is denied.
        (vec![BROKEN, EXPIRED], vec![Fault::Ignored, DENIED], Outcome::Unverified),
    ] {
        let set = Operation::SetSecurityTokenServicePreferences;
        let fake = Fake::new(1).fault(1, set, sets.clone()).fault(1, Operation::AssumeRole, entries);
        let (_, records) = run(&fake.rollout(options()), |_| {}).await;
        assert_eq!(records[0].outcome, expected, "{sets:?}: {records:?}");
        assert_eq!(fake.count(1, set), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_sends_no_set_and_needs_no_intent() {
    let fake = Fake::new(40);
    fake.disk_full.set(true);
    let (ended, _) = run(&fake.rollout(RolloutOptions { mode: Mode::Plan, ..options() }), |_| {}).await;
    assert_eq!(ended.tally.of(Outcome::WouldChange), 40);
}

#[tokio::test(start_paused = true)]
async fn without_a_durable_intent_nothing_is_sent_and_the_run_stops() {
    let fake = Fake::new(100);
    fake.disk_full.set(true);
    let (ended, records) = run(&fake.rollout(RolloutOptions { concurrency: 10, ..options() }), |_| {}).await;
    assert_eq!(ended.tally.of(Outcome::NotAttempted), 100);
    assert!(matches!(ended.stopped, Some(StopReason::Journal(_))));
    let visited = records.iter().filter(|record| record.started_at.is_some()).count();
    assert_eq!(visited, 10, "only the visits in flight reached the intent");
}

#[tokio::test(start_paused = true)]
async fn expired_base_credentials_stop_the_run_and_fail_no_account() {
    let fake = Fake::new(1_000);
    let (ended, records) = run(&fake.rollout(RolloutOptions { concurrency: 10, ..options() }), |event| {
        if let Event::Visited { tally, .. } = event {
            fake.caller_expired.set(tally.total() >= 50);
        }
    })
    .await;
    assert!(matches!(ended.stopped, Some(StopReason::CallerCredentials(_))));
    assert_eq!(ended.tally.of(Outcome::Failed), 0);
    assert_eq!(ended.tally.of(Outcome::Changed) + ended.tally.of(Outcome::NotAttempted), 1_000);
    let hit = records.iter().filter(|record| record.outcome == Outcome::NotAttempted && record.started_at.is_some());
    assert!(hit.count() <= 10);
    assert_eq!(fake.confirmations.get(), 1, "one visit checks for all");
}

#[tokio::test(start_paused = true)]
async fn concurrency_is_what_was_asked_for() {
    for width in [1, 7, 64] {
        let fake = Fake::new(200);
        let begin = tokio::time::Instant::now();
        run(&fake.rollout(RolloutOptions { concurrency: width, ..options() }), |_| {}).await;
        assert_eq!(fake.widest.get(), width);
        // Each account takes four calls of 100 ms.
        let ideal = Duration::from_millis(400) * 200_u32.div_ceil(u32::try_from(width).unwrap());
        let took = begin.elapsed();
        assert!(took >= ideal && took < ideal.mul_f64(1.05), "{took:?} instead of {ideal:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn waves_come_one_after_the_other_with_a_wait_between() {
    let fake = Fake::new(500);
    let mut events = Vec::new();
    let begin = tokio::time::Instant::now();
    let options = RolloutOptions { bake: Duration::from_mins(10), ..options() };
    let (ended, records) = run_in_waves(&fake.rollout(options), Some(&Waves::default()), |event| match event {
        Event::WaveStarted { wave, waves, accounts } => events.push(format!("{wave}/{waves}: {accounts}")),
        Event::WaveFinished { wave, tally } => events.push(format!("{wave} done: {}", tally.of(Outcome::Changed))),
        Event::Baking { next, .. } => events.push(format!("before {next}")),
        Event::Visited { .. }
        | Event::Stopping { .. }
        | Event::GateStarted { .. }
        | Event::GatePassed { .. }
        | Event::Unreachable { .. }
        | Event::Reachable { .. }
        | Event::GlobalEndpointSilent { .. }
        | Event::Paused { .. } => {}
    })
    .await;
    assert_eq!(
        events,
        ["1/3: 1", "1 done: 1", "before 2", "2/3: 49", "2 done: 49", "before 3", "3/3: 450", "3 done: 450"]
    );
    assert!(begin.elapsed() > Duration::from_mins(20));
    assert_eq!(ended.tally.of(Outcome::Changed), 500);
    let sizes = [1, 2, 3].map(|wave| records.iter().filter(|record| record.wave == Some(wave)).count());
    assert_eq!(sizes, [1, 49, 450]);
}

#[tokio::test(start_paused = true)]
async fn the_run_stops_when_more_accounts_fail_than_max_errors_allows() {
    // The sizes of the waves, the tolerance, which accounts fail, how many accounts are attempted, and the wave in the reason for
    // the stop (`None` if the run does not stop, `Some(None)` if the reason names no wave).
    type Case = (&'static str, &'static str, fn(u64) -> bool, std::ops::RangeInclusive<usize>, Option<Option<u32>>);
    let table: [Case; 7] = [
        ("1,10%,100%", "10%", |_| false, 500..=500, None),
        ("1,10%,100%", "10%", |number| number == 1, 1..=1, Some(Some(1))),
        ("1,10%,100%", "10%", |number| number % 8 == 3, 50..=50, Some(Some(2))),
        ("1,10%,100%", "1", |number| number == 1, 500..=500, None),
        ("1,10%,100%", "0", |number| number == 60, 50..=100, Some(None)),
        ("100%", "10%", |number| number > 200, 251..=290, Some(None)),
        ("100%", "100%", |_| true, 500..=500, None),
    ];
    for (waves, tolerance, fails, attempted, stopped) in table {
        let mut fake = Fake::new(500);
        for number in (1..=500).filter(|number| fails(*number)) {
            fake = fake.fault(number, Operation::AssumeRole, [DENIED]);
        }
        let options = RolloutOptions { max_errors: Some(tolerance.parse().unwrap()), ..options() };
        let sizes = waves.parse().unwrap();
        let (ended, _) = run_in_waves(&fake.rollout(options), Some(&sizes), |_| {}).await;
        let done = 500 - ended.tally.of(Outcome::NotAttempted);
        assert!(attempted.contains(&done), "{waves} {tolerance}: {done} attempted");
        let wave = ended.stopped.map(|reason| match reason {
            StopReason::TooManyErrors { wave, .. } => wave,
            other => panic!("{other:?}"),
        });
        assert_eq!(wave, stopped, "{waves} {tolerance}");
    }
}

#[tokio::test(start_paused = true)]
async fn unverified_accounts_count_as_errors() {
    let mut fake = Fake::new(20);
    for number in 1..=20 {
        fake = fake.fault(number, Operation::SetSecurityTokenServicePreferences, [Fault::Ignored]);
    }
    let options = RolloutOptions { max_errors: Some(Tolerance::Count(3)), concurrency: 1, ..options() };
    let (ended, _) = run(&fake.rollout(options), |_| {}).await;
    assert_eq!(ended.tally.of(Outcome::Unverified), 4);
    assert_eq!(ended.tally.of(Outcome::NotAttempted), 16);
}

#[tokio::test(start_paused = true)]
async fn after_a_stop_visits_in_flight_finish_and_no_other_starts() {
    let fake = Fake::new(100);
    let rollout = fake.rollout(RolloutOptions { concurrency: 10, ..options() });
    let stop = &rollout.stop;
    let mut reported = Vec::new();
    let (ended, records) = run_in_waves(&rollout, Some(&Waves::default()), |event| match event {
        Event::Visited { tally, in_flight, .. } => {
            assert!(*in_flight <= 9, "the visit that has ended is not in flight");
            if tally.total() == 30 {
                stop.request(StopReason::Interrupted);
            }
            // A second stop changes the reason, but is not reported.
            if tally.total() == 33 {
                stop.request(StopReason::Terminated);
                stop.request(StopReason::Interrupted);
            }
        }
        Event::Stopping { reason, in_flight } => reported.push(((*reason).clone(), *in_flight)),
        Event::WaveStarted { .. }
        | Event::WaveFinished { .. }
        | Event::Baking { .. }
        | Event::GateStarted { .. }
        | Event::GatePassed { .. }
        | Event::Unreachable { .. }
        | Event::Reachable { .. }
        | Event::GlobalEndpointSilent { .. }
        | Event::Paused { .. } => {}
    })
    .await;
    let (reason, in_flight) = reported.pop().expect("the stop is reported");
    assert!(reported.is_empty(), "once");
    assert_eq!((reason, stop.in_flight()), (StopReason::Interrupted, 0));
    let finished = ended.tally.of(Outcome::Changed) - 30;
    assert_eq!(in_flight, finished, "as many finish as were in flight");
    assert_eq!(ended.stopped, Some(StopReason::Terminated));
    let changed = ended.tally.of(Outcome::Changed);
    assert!((30..=40).contains(&changed), "{changed}");
    assert_eq!(changed + ended.tally.of(Outcome::NotAttempted), 100);
    for record in records {
        let set = fake.world.borrow().versions[&record.account_id].1 == ObservedVersion::V2Token;
        assert_eq!(set, record.outcome == Outcome::Changed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_the_wait_between_waves() {
    let fake = Fake::new(10);
    let rollout = fake.rollout(RolloutOptions { bake: Duration::from_hours(24), ..options() });
    let waves = Waves::default();
    let begin = tokio::time::Instant::now();
    let interrupted = async {
        tokio::time::sleep(Duration::from_mins(1)).await;
        rollout.stop.request(StopReason::Terminated);
    };
    let ((ended, _), ()) = tokio::join!(run_in_waves(&rollout, Some(&waves), |_| {}), interrupted);
    assert_eq!(ended.tally.of(Outcome::Changed), 1);
    assert!(begin.elapsed() < Duration::from_secs(61));
}

#[tokio::test(start_paused = true)]
async fn without_a_read_back_no_account_is_changed() {
    let fake = Fake::new(3);
    let (ended, records) = run(&fake.rollout(RolloutOptions { verify: Verify::None, ..options() }), |_| {}).await;
    assert_eq!(ended.tally.of(Outcome::Unverified), 3);
    assert_eq!(records[0].error.as_ref().unwrap().error_code.as_str(), "NotVerified");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_tried_for_a_limited_time() {
    let verify = Verify::TokenIn("ap-east-1".to_owned());
    for (lag, outcome, verified) in [
        (0, Outcome::Changed, Some(Verified::Token)),
        (4, Outcome::Changed, Some(Verified::Token)),
        (100, Outcome::Unverified, Some(Verified::Setting)),
    ] {
        let fake = Fake::new(1);
        fake.lag.set(lag);
        let (_, records) = run(&fake.rollout(RolloutOptions { verify: verify.clone(), ..options() }), |_| {}).await;
        assert_eq!((records[0].outcome, records[0].verified), (outcome, verified), "{lag}");
        let proofs = fake.proofs.borrow();
        assert!(proofs.len() <= TOKEN_WAITS.len());
        if lag == 100 {
            assert_eq!(records[0].error.as_ref().unwrap().error_code.as_str(), "TokenRefused");
            let span = proofs.last().unwrap().1 - proofs[0].1;
            assert!(span > Duration::from_secs(25), "more than twice the lag that was observed: {span:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn only_changed_accounts_are_verified() {
    let fake = Fake::new(2).fault(2, Operation::AssumeRole, [DENIED]);
    let (_, records) = run(&fake.rollout(options()), |_| {}).await;
    assert_eq!(records[0].verified, Some(Verified::Setting));
    assert_eq!(records[1].verified, None);
    assert!(fake.proofs.borrow().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_token_grows_in_a_limited_time() {
    for (lag, outcome, verified, code) in [
        (0, Outcome::Changed, Verified::TokenSize, ""),
        (7, Outcome::Changed, Verified::TokenSize, ""),
        (8, Outcome::Unverified, Verified::Setting, "IssuedVersionDiffers"),
    ] {
        let fake = Fake::new(1);
        fake.lag.set(lag);
        let (_, records) = run(&fake.rollout(RolloutOptions { verify: Verify::TokenSize, ..options() }), |_| {}).await;
        let found = records[0].error.as_ref().map_or("", |error| error.error_code.as_str());
        assert_eq!((records[0].outcome, records[0].verified, found), (outcome, Some(verified), code), "{lag}");
        let asked = fake.proofs.borrow();
        assert_eq!(asked.len(), (lag + 1).min(TOKEN_WAITS.len()), "it is asked until the token has grown");
        let waits = asked.windows(2).zip(&TOKEN_WAITS[1..]).map(|(pair, wait)| (pair[1].1 - pair[0].1, *wait));
        assert!(waits.into_iter().all(|(waited, wait)| waited == Duration::from_secs(wait)), "{asked:?}");
        let token = records[0].issued_token.as_ref().unwrap();
        assert_eq!((token.regional_size, token.global_size), (Some(752), Some(if lag == 8 { 352 } else { 752 })));
    }
}

/// A plan asks once. What it asks does not decide about the outcome, and a throttle of the global endpoint lowers no other rate.
#[tokio::test(start_paused = true)]
async fn a_plan_observes_the_token_without_consequences() {
    for (fails, lag, calls, issued) in [
        (None, 0, 1, Some(TokenVersion::V2Token)),
        (None, 100, 1, Some(TokenVersion::V1Token)),
        (Some("AccessDenied"), 0, 1, None),
        (Some("Throttling"), 0, 4, None),
    ] {
        let fake = Fake::new(1);
        fake.lag.set(lag);
        fake.global_fails.set(fails);
        let options = RolloutOptions { verify: Verify::TokenSize, mode: Mode::Plan, rate: 50, ..options() };
        let rollout = fake.rollout(options);
        let mut throttles = 0;
        let (_, records) = run(&rollout, |event| {
            if let Event::Visited { throttles: all, .. } = event {
                throttles = *all;
            }
        })
        .await;
        assert_eq!((records[0].outcome, &records[0].error), (Outcome::WouldChange, &None), "{fails:?}");
        assert_eq!((fake.proofs.borrow().len(), records[0].issued_version()), (calls, issued), "{fails:?} {lag}");
        assert_eq!(records[0].note.contains("is not known"), fails.is_some(), "{:?}", records[0].note);
        assert_eq!(records[0].is_issued_otherwise(), issued == Some(TokenVersion::V2Token), "the setting is v1Token");
        assert_eq!(rollout.rate_limiter.rate(), Some(50.0), "{fails:?}");
        assert_eq!(throttles, if fails == Some("Throttling") { 4 } else { 0 });
        assert_eq!(records[0].attempts as usize, 2 + calls);
    }
}
