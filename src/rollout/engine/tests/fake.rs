//! AWS in memory, with faults that a test chooses.

use std::cell::Cell;

use super::*;

/// How the next call of an account goes wrong.
#[derive(Clone, Debug)]
pub(super) enum Fault {
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

pub(super) const THROTTLED: Fault = Fault::Fail(FailureKind::Throttled, Effect::None, "Throttling");
pub(super) const DENIED: Fault = Fault::Fail(FailureKind::Refused, Effect::None, "AccessDenied");
pub(super) const BROKEN: Fault = Fault::Fail(FailureKind::Transient, Effect::Unknown, "ServiceFailure");
pub(super) const UNREACHED: Fault = Fault::Fail(FailureKind::Transient, Effect::None, "ConnectionFailed");
pub(super) const EXPIRED: Fault = Fault::Fail(FailureKind::Credentials, Effect::None, "ExpiredToken");

#[derive(Debug)]
pub(super) struct World {
    pub(super) versions: BTreeMap<AccountId, (ObservedVersion, ObservedVersion)>,
    pub(super) faults: HashMap<(AccountId, Operation), Vec<Fault>>,
    pub(super) calls: Vec<(AccountId, Operation)>,
    pub(super) intended: HashSet<AccountId>,
}

/// AWS in memory. Every call takes a tenth of a second.
#[derive(Debug)]
pub(super) struct Fake {
    pub(super) world: RefCell<World>,
    pub(super) caller_expired: Cell<bool>,
    /// When the base credentials expire. After that, the next signed call fetches them over the network. The fetch fails during
    /// an outage, and always if `base_is_gone` is set.
    pub(super) base_ends: Cell<Option<Duration>>,
    pub(super) base_is_gone: Cell<bool>,
    /// How long a fetch of the base credentials takes.
    pub(super) fetch_takes: Cell<Duration>,
    /// Whether a fetch is in progress.
    pub(super) fetching: Cell<bool>,
    pub(super) fetches: Cell<usize>,
    /// How often the base credentials were checked.
    pub(super) confirmations: Cell<usize>,
    pub(super) disk_full: Cell<bool>,
    /// How many token proofs of each account fail.
    pub(super) lag: Cell<usize>,
    /// The size of the tokens of the regional endpoint.
    pub(super) regional_size: Cell<TokenSize>,
    /// The error code of all calls of the global endpoint.
    pub(super) global_fails: Cell<Option<&'static str>>,
    /// The token proofs that were tried.
    pub(super) proofs: RefCell<Vec<(AccountId, tokio::time::Instant)>>,
    /// The queries to event histories.
    pub(super) lookups: RefCell<Vec<(AccountId, EventQuery, tokio::time::Instant)>>,
    pub(super) in_flight: Cell<usize>,
    pub(super) widest: Cell<usize>,
    pub(super) outage: Cell<Option<Outage>>,
    pub(super) started: tokio::time::Instant,
}

/// A span of time, counted from the start of the test, in which no call gets an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outage {
    pub(super) from: Duration,
    pub(super) to: Duration,
    /// How long a call takes to fail.
    pub(super) each: Duration,
}

impl Fake {
    pub(super) fn new(accounts: u64) -> Self {
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

    pub(super) fn rollout(&self, options: RolloutOptions) -> Rollout<'_, Self, Self> {
        Rollout::new(self, self, options)
    }

    /// Fetches the base credentials if they have expired.
    pub(super) async fn sign(&self, operation: Operation) -> Result<(), Failure> {
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
    pub(super) async fn arrive(&self, operation: Operation) -> Result<(), Failure> {
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

    pub(super) fn fault(self, number: u64, operation: Operation, faults: impl IntoIterator<Item = Fault>) -> Self {
        let faults: Vec<_> = faults.into_iter().collect();
        self.world.borrow_mut().faults.insert((id(number), operation), faults.into_iter().rev().collect());
        self
    }

    pub(super) fn version(&self, number: u64) -> ObservedVersion {
        self.world.borrow().versions[&id(number)].1
    }

    pub(super) fn count(&self, number: u64, operation: Operation) -> usize {
        self.world.borrow().calls.iter().filter(|call| **call == (id(number), operation)).count()
    }

    pub(super) fn count_sets(&self, account: AccountId) -> usize {
        let set = (account, Operation::SetSecurityTokenServicePreferences);
        self.world.borrow().calls.iter().filter(|call| **call == set).count()
    }

    pub(super) async fn call(&self, account: AccountId, operation: Operation) -> Result<Option<Fault>, Failure> {
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

pub(super) fn failure(operation: Operation, kind: FailureKind, effect: Effect, code: &str) -> Failure {
    // Error codes of AWS come with an HTTP status; v2token's own codes do not.
    let status = (!matches!(code.into(), crate::cloud::ErrorCode::Own(_))).then_some(400);
    Failure { operation, kind, effect, code: code.into(), message: "why".into(), status, request_id: None }
}

pub(super) fn id(number: u64) -> AccountId {
    format!("{number:012}").parse().unwrap()
}
