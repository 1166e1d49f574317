//! The online part of `impact`: visits the selected accounts, and reads the version, the event history, and the opt-in Regions of each.
//!
//! The visits are those of a plan. So waits, retries, outages and stops are the same, and nothing can be changed.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use super::connect::connect_with;
use super::opt_in_regions::OptInRegionsReader;
use super::signals::Signals;
use super::{targets, unit_names};
use crate::cloud::Operation;
use crate::cloud::aws::{Aws, Organization, session_policy};
use crate::error::Error;
use crate::impact::coverage::Coverage;
use crate::impact::event::{NotUnderstood, Parsed, parse};
use crate::impact::event_page::EventPage;
use crate::impact::evidence::Evidence;
use crate::impact::sighting::Source;
use crate::impact::verdict::OptInRegions;
use crate::journal::PolicyChoice;
use crate::org::selection::{SkipReason, select};
use crate::org::{Account, AccountId, UnitNames};
use crate::rollout::lookups::{EventSink, Lookups};
use crate::rollout::wave::divide;
use crate::rollout::{Event, NoIntents, Outcome, Record, Rollout, StopReason, Tally, Targets, Wave, roll_out};
use crate::settings::Settings;
use crate::terminal::{Progress, Workload};

/// How long CloudTrail keeps the event history, in days (CloudTrail user guide, "Working with CloudTrail event history").
pub(crate) const HISTORY_DAYS: u64 = 90;
pub(crate) const HISTORY_SECONDS: u64 = HISTORY_DAYS * 86_400;

/// What the visits read of the event histories.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HistoryOptions {
    /// The time of `--since`, in seconds since 1970.
    pub since: u64,
    /// The time until which events are read.
    pub until: u64,
    /// `--max-pages`.
    pub max_pages: u32,
    /// `--with-addresses`.
    pub with_addresses: bool,
}

impl HistoryOptions {
    /// Returns the first second that the event history has of the time since `--since`.
    fn start(&self) -> u64 {
        self.since.max(self.until.saturating_sub(HISTORY_SECONDS))
    }
}

/// The accounts of the Organization, and which of them are visited.
pub(crate) struct ImpactTargets {
    pub organization: Organization,
    /// Every account, sorted by id. The visits add the names of OUs.
    pub accounts: Vec<Account>,
    pub skipped: BTreeMap<AccountId, SkipReason>,
    units: UnitNames,
    /// All targets, as one wave.
    waves: Vec<Wave>,
}

/// What the visits found, besides the evidence.
pub(crate) struct ImpactVisits {
    /// The record of each account that was to be visited.
    pub records: BTreeMap<AccountId, Record>,
    /// What was read of the event histories.
    pub history: HistoryCounts,
    /// The opt-in Regions of the accounts that were visited. An account that is missing has unknown Regions.
    pub opt_in: BTreeMap<AccountId, OptInRegions>,
    /// Why the visits stopped before the last account; `None` if they did not stop.
    pub stopped: Option<StopReason>,
}

/// Returns the session policy that allows only the actions that the visits call in an account.
pub fn impact_session_policy() -> String {
    session_policy(&[Operation::GetAccountSummary, Operation::LookupEvents])
}

/// What was read of the event histories.
#[derive(Clone, Debug, Default)]
pub(crate) struct HistoryCounts {
    pub events: u64,
    /// The calls of operations that issue sessions.
    pub session_calls: u64,
    /// The events that are not understood, by the reason.
    pub not_understood: BTreeMap<String, u64>,
}

/// Connects to AWS as a plan does, but with sessions that may also read the event history. Checks the endpoints that only `impact` needs.
pub(crate) async fn connect(settings: &Settings, progress: &Progress) -> Result<Aws, Error> {
    progress.show_bar();
    let mut options = settings.connect_options();
    if settings.run.session_policy == PolicyChoice::Scoped {
        options.session.policy = Some(impact_session_policy());
    }
    let aws = connect_with(options, settings.can_ask, progress).await?;
    aws.check_impact_endpoints().await?;
    Ok(aws)
}

/// Visits the targets, and adds the events of their histories to `evidence`.
pub(crate) async fn visit_accounts(
    settings: &Settings,
    aws: &Aws,
    signals: &mut Signals,
    progress: &Progress,
    targets: &mut ImpactTargets,
    history: HistoryOptions,
    evidence: &RefCell<Evidence>,
) -> ImpactVisits {
    let ImpactTargets { organization, accounts, units, waves, .. } = targets;
    let (mut records, mut tally) = (BTreeMap::new(), Tally::default());
    progress.begin(Workload {
        organization: organization.id.clone(),
        listed: accounts.len(),
        waves: waves.iter().map(|wave| wave.targets.len()).collect(),
        between: settings.run.bake,
        concurrency: usize::from(settings.run.concurrency),
    });
    let chosen: Vec<AccountId> = waves.iter().flat_map(|wave| &wave.targets).map(|target| target.account).collect();
    let regions = OptInRegionsReader::new(aws, settings.run.max_attempts, organization.management, progress);
    let sink = HistorySink { evidence, history, counts: RefCell::default() };
    let mut rollout = Rollout::new(aws, &NoIntents, settings.run.rollout_options());
    rollout.lookups = Some(Lookups {
        start: history.start(),
        end: history.until,
        max_pages: history.max_pages,
        // The same run id draws the same windows.
        seed: BuildHasherDefault::<DefaultHasher>::default().hash_one(settings.run_id.as_str()),
        sink: &sink,
    });
    let visits = roll_out(
        &rollout,
        Targets::Waves(waves),
        |event| match event {
            Event::Visited { record, tally: _, throttles, rate, in_flight } => {
                records.insert(record.account_id, record.clone());
                // Nothing is about to change: an account on v1Token is as good as one on v2Token.
                let outcome = if record.outcome == Outcome::WouldChange { Outcome::Unchanged } else { record.outcome };
                tally.add(outcome);
                let record = Record { outcome, ..record.clone() };
                progress.show(&Event::Visited { record: &record, tally: &tally, throttles, rate, in_flight });
            }
            event => progress.show(&event),
        },
        async |_| Ok(()),
    );
    let (mut roots, parents) = units.unread(accounts.iter().map(|account| account.attributes.ou_path.as_ref()));
    let names = async {
        let found = |id, parent, name| units.insert(id, parent, name);
        let max_attempts = settings.run.max_attempts;
        if let Err(error) = aws.for_each_unit(max_attempts, std::mem::take(&mut roots), &parents, found).await {
            progress.warn(&unit_names::without_names(&error));
        }
    };
    let beside = futures::future::join(regions.read(&chosen), names);
    let all = async {
        // What is read beside the visits ends with them if they are stopped.
        let stopped = rollout.stop.wait();
        tokio::select! {
            biased;
            _ = beside => {}
            () = stopped => {}
        }
    };
    let (ended, ()) = tokio::select! {
        both = futures::future::join(visits, all) => both,
        never = signals.watch(&rollout.stop) => match never {},
    };
    units.name(accounts);
    let (counts, opt_in) = (sink.counts.take(), regions.into_found());
    ImpactVisits { records, history: counts, opt_in, stopped: ended.stopped }
}

/// Lists the accounts, and selects those to visit.
pub(crate) async fn list_accounts(
    settings: &mut Settings,
    aws: &Aws,
    progress: &Progress,
) -> Result<ImpactTargets, Error> {
    let run = &mut settings.run;
    let mut accounts = BTreeMap::new();
    let listing = aws.for_each_account(run.selection.needs_units(), |account, page| {
        accounts.insert(account.id, account);
        progress.listing(accounts.len(), page);
    });
    let (organization, list) = tokio::try_join!(aws.describe_organization(), listing)?;
    aws.check_complete(&organization, |id| accounts.contains_key(&id))?;
    targets::warn_of_missing_paths(list.without_paths.as_ref(), progress);
    let accounts: Vec<Account> = accounts.into_values().collect();
    let mut units = list.names;
    unit_names::resolve(aws, run.max_attempts, &mut run.selection, &accounts, &mut units).await?;
    let management_account = targets::management_account(&organization, run, aws);
    let tags = targets::look_up(aws, run, &accounts, &units, management_account, None, progress).await?;
    let selected = select(&accounts, management_account, &run.selection, &tags, None)?;
    let skipped = selected.skipped.iter().map(|(account, reason)| (account.id, *reason)).collect();
    let one_wave = divide(&selected.targets, organization.management, &BTreeSet::new(), None);
    let waves = one_wave.into_iter().map(|(number, members)| {
        let target = |account| targets::target(account, &organization, aws, run, None).in_wave(number);
        Wave { number, targets: members.into_iter().map(target).collect() }
    });
    let waves = waves.collect();
    Ok(ImpactTargets { organization, accounts, skipped, units, waves })
}

/// Adds the events of the histories to the evidence.
#[derive(Debug)]
struct HistorySink<'a> {
    evidence: &'a RefCell<Evidence>,
    history: HistoryOptions,
    counts: RefCell<HistoryCounts>,
}

impl EventSink for HistorySink<'_> {
    /// Files win over the history: an account whose files are complete needs no events of it.
    fn needs(&self, account: AccountId) -> bool {
        self.history.max_pages > 0 && self.evidence.borrow().account(account).coverage != Coverage::Complete
    }

    fn take(&self, account: AccountId, page: &EventPage) {
        let (mut evidence, mut counts) = (self.evidence.borrow_mut(), self.counts.borrow_mut());
        for event in &page.events {
            counts.events += 1;
            match parse(event.as_bytes(), self.history.with_addresses) {
                Parsed::Session(sighting) => {
                    counts.session_calls += 1;
                    evidence.add(&sighting, Source::History);
                }
                Parsed::NotUnderstood(event) => {
                    *counts.not_understood.entry(event.reason.as_str().to_owned()).or_default() += 1;
                    // The event is in the history of this account, even if it does not say so.
                    let recipient = event.recipient.or(Some(account));
                    evidence.add_not_understood(NotUnderstood { recipient, ..event });
                }
                Parsed::Other(_) => {}
            }
        }
    }

    fn finish(&self, account: AccountId, coverage: Coverage) {
        let coverage = match coverage {
            Coverage::Complete | Coverage::Sampled { .. } if self.history.since < self.history.start() => {
                Coverage::Incomplete(format!("the event history has only the last {HISTORY_DAYS} days"))
            }
            coverage => coverage,
        };
        self.evidence.borrow_mut().cover(account, Source::History, coverage);
    }
}
