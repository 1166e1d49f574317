//! Reads the events of files, and adds them up.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::event_files::{self, Batch, Counters};
use crate::impact::evidence::Evidence;
use crate::impact::hours::Hours;
use crate::impact::sighting::Source;
use crate::org::AccountId;
use crate::report::impact::{DamagedFile, ImpactSources, NAMED_FILES};
use crate::terminal::{Progress, ReadEvents};

/// How often the progress is told.
const TICK: Duration = Duration::from_millis(200);

/// What the events say.
pub(super) struct Collected {
    pub evidence: Evidence,
    pub sources: ImpactSources,
}

impl Collected {
    /// Returns what is known without events.
    pub(super) fn none() -> Self {
        Self { evidence: Evidence::default(), sources: ImpactSources::default() }
    }
}

/// Reads all events in these files and folders whose time is in `(since, until)`, in seconds since 1970.
pub(super) fn collect(
    paths: &[PathBuf],
    (since, until): (u64, u64),
    with_addresses: bool,
    accounts: &BTreeSet<AccountId>,
    progress: &Progress,
) -> Collected {
    let counters = Counters::default();
    let total = AtomicU64::new(0);
    let (is_done, is_total_known) = (AtomicBool::new(false), AtomicBool::new(false));
    let mut collector = Collector {
        evidence: Evidence::default(),
        hours: Hours::new(since, until),
        sources: ImpactSources::default(),
        since,
        accounts,
    };
    thread::scope(|scope| {
        if !progress.is_silent() {
            scope.spawn(|| {
                is_total_known.store(event_files::add_sizes(paths, &total, &is_done), Ordering::Relaxed);
            });
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    let of = is_total_known.load(Ordering::Relaxed).then(|| total.load(Ordering::Relaxed));
                    progress.reading(read_events(&counters, of));
                    thread::park_timeout(TICK);
                }
            });
        }
        event_files::read(paths, with_addresses, &counters, |batch| collector.add(batch));
        is_done.store(true, Ordering::Relaxed);
    });
    collector.finish(&counters)
}

/// Returns what was read until now.
fn read_events(counters: &Counters, of: Option<u64>) -> ReadEvents {
    let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    ReadEvents { bytes: get(&counters.bytes), of, events: get(&counters.events), files: get(&counters.files) }
}

/// Adds up what is read.
struct Collector<'a> {
    evidence: Evidence,
    hours: Hours,
    sources: ImpactSources,
    since: u64,
    accounts: &'a BTreeSet<AccountId>,
}

impl Collector<'_> {
    fn add(&mut self, batch: Batch) {
        let Batch { sightings, not_understood, hours, traits, damage, ignored } = batch;
        self.sources.ignored_files += ignored;
        for sighting in sightings {
            self.sources.session_calls += 1;
            if sighting.time < self.since {
                self.sources.too_old += 1;
                continue;
            }
            if !self.accounts.contains(&sighting.issuer) && !self.accounts.contains(&sighting.caller) {
                self.sources.other_accounts += 1;
                continue;
            }
            self.evidence.add(&sighting, Source::Files);
        }
        for event in not_understood.into_iter().filter(|event| event.time.is_none_or(|time| time >= self.since)) {
            *self.sources.not_understood.entry(event.reason.as_str().to_owned()).or_default() += 1;
            if event.recipient.is_none_or(|account| self.accounts.contains(&account)) {
                self.evidence.add_not_understood(event);
            }
        }
        // What other accounts than those of the report do takes no memory.
        let is_listed = |account: &AccountId| self.accounts.contains(account);
        for (account, time) in hours.into_iter().filter(|(account, _)| is_listed(account)) {
            self.hours.mark(account, time);
        }
        for (account, traits) in traits.into_iter().filter(|(account, _)| is_listed(account)) {
            let known = self.hours.account(account);
            known.in_home_region |= traits.in_home_region;
            known.elsewhere |= traits.elsewhere;
            known.not_sts |= traits.not_sts;
            known.reads |= traits.reads;
            known.in_export |= traits.in_export;
        }
        if let Some(damage) = damage {
            self.sources.damaged_files += 1;
            if damage.matters {
                self.hours.add_damaged(damage.account);
            }
            if self.sources.damaged.len() < NAMED_FILES {
                let file = damage.path.display().to_string();
                self.sources.damaged.push(DamagedFile { file, cause: damage.cause });
            }
        }
    }

    fn finish(mut self, counters: &Counters) -> Collected {
        let read = read_events(counters, None);
        (self.sources.files, self.sources.bytes, self.sources.events) = (read.files, read.bytes, read.events);
        self.sources.counts_may_be_high = self.evidence.ids_overflowed;
        self.sources.damaged.sort_by(|one, other| one.file.cmp(&other.file));
        for account in self.hours.accounts().collect::<Vec<_>>() {
            self.evidence.cover(account, Source::Files, self.hours.coverage(account));
        }
        Collected { evidence: self.evidence, sources: self.sources }
    }
}
