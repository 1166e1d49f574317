//! The state of the display, which events update. It draws nothing.

use std::collections::VecDeque;
use std::iter;
use std::mem::discriminant;
use std::time::{Duration, Instant};

use super::failure_dedup::FailureDedup;
use crate::rollout::{Event, Outcome, Tally};
use crate::terminal::forecast::{Forecast, count};

/// The time over which the rate of visits is measured.
const WINDOW: Duration = Duration::from_secs(10);

/// The interval between the samples of the rate.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(500);

/// The weight of the latest visit in the moving average of the duration of a visit.
const LATEST_WEIGHT: f64 = 0.05;

/// The accounts that a run is about to visit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Workload {
    /// The Organization's id.
    pub organization: String,
    /// The number of listed accounts.
    pub listed: usize,
    /// The number of accounts in each wave to come. A run without waves has one element.
    pub waves: Vec<usize>,
    /// The wait between waves.
    pub between: Duration,
    /// The maximum number of visits in flight.
    pub concurrency: usize,
}

impl Workload {
    /// Returns the number of accounts to visit.
    pub(crate) fn targets(&self) -> usize {
        self.waves.iter().sum()
    }
}

/// How far the events of files were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ReadEvents {
    /// The bytes that were read, compressed as they are.
    pub bytes: u64,
    /// The bytes of all files; `None` as long as they are not known.
    pub of: Option<u64>,
    pub events: u64,
    pub files: u64,
}

/// A phase of a command after it has connected to AWS.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    Listing { pages: usize },
    Tags { read: usize, of: usize },
    Reading(ReadEvents),
    Visiting,
    Waiting { until: Instant, next: u32 },
}

/// The current wave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CurrentWave {
    pub(super) number: u32,
    pub(super) last: u32,
    pub(super) accounts: usize,
    /// The number of accounts of the wave that were visited.
    pub(super) done: usize,
    pub(super) since: Instant,
    /// The index of the wave in the workload.
    index: usize,
}

/// The state of the display.
#[derive(Clone, Debug, Default)]
pub(super) struct DisplayState {
    /// The current phase; `None` while the command connects to AWS.
    pub(super) phase: Option<Phase>,
    /// The start of the phase.
    since: Option<Instant>,
    pub(super) listed: usize,
    pub(super) workload: Option<Workload>,
    pub(super) wave: Option<CurrentWave>,
    pub(super) tally: Tally,
    pub(super) throttles: u64,
    pub(super) rate: Option<f64>,
    pub(super) in_flight: usize,
    pub(super) is_stopping: bool,
    pub(super) causes: FailureDedup,
    /// The moving average of the duration of a visit.
    visit_duration: Option<Duration>,
    /// Samples for the rate: a time, and the number of visits until this time.
    samples: VecDeque<(Instant, usize)>,
}

impl DisplayState {
    pub(super) fn new(now: Instant) -> Self {
        Self { since: Some(now), ..Self::default() }
    }

    pub(super) fn listing(&mut self, accounts: usize, pages: usize, now: Instant) {
        self.enter(Phase::Listing { pages }, now);
        self.listed = accounts;
    }

    /// Enters a phase, or updates the numbers of the current phase.
    pub(super) fn enter(&mut self, phase: Phase, now: Instant) {
        if self.phase.as_ref().map(discriminant) != Some(discriminant(&phase)) {
            self.since = Some(now);
        }
        self.phase = Some(phase);
    }

    /// Returns the time since the start of the phase.
    pub(super) fn elapsed(&self, now: Instant) -> Duration {
        self.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }

    pub(super) fn begin(&mut self, workload: Workload, now: Instant) {
        // If the tally is not empty, a plan that visits while it lists has visited accounts already. It keeps its start time and
        // its samples.
        if self.tally.total() == 0 {
            self.since = Some(now);
            self.samples.clear();
        }
        self.phase = Some(Phase::Visiting);
        self.listed = workload.listed;
        self.workload = Some(workload);
    }

    pub(super) fn update(&mut self, event: &Event<'_>, now: Instant) {
        match event {
            Event::WaveStarted { wave, waves, accounts } => {
                self.phase = Some(Phase::Visiting);
                let index = self.wave.map_or(0, |earlier| earlier.index + 1);
                let (number, last, accounts) = (*wave, *waves, *accounts);
                self.wave = Some(CurrentWave { number, last, accounts, done: 0, since: now, index });
                // The wait before the wave must not lower the rate that is shown.
                self.samples.clear();
                self.sample(now);
            }
            Event::Visited { record, tally, throttles, rate, in_flight } => {
                self.tally.clone_from(tally);
                (self.throttles, self.rate, self.in_flight) = (*throttles, *rate, *in_flight);
                if record.outcome != Outcome::NotAttempted {
                    if let Some(wave) = &mut self.wave {
                        wave.done += 1;
                    }
                    if let Some(took) = record.duration.map(Duration::from) {
                        let mean = self.visit_duration.unwrap_or(took);
                        self.visit_duration = Some(mean.mul_f64(1.0 - LATEST_WEIGHT) + took.mul_f64(LATEST_WEIGHT));
                    }
                }
                self.sample(now);
            }
            Event::Stopping { in_flight, .. } => {
                self.phase = Some(Phase::Visiting);
                (self.is_stopping, self.in_flight) = (true, *in_flight);
            }
            Event::WaveFinished { .. }
            | Event::GateStarted { .. }
            | Event::GatePassed { .. }
            | Event::Unreachable { .. }
            | Event::Reachable { .. }
            | Event::GlobalEndpointSilent { .. }
            | Event::Paused { .. } => {}
            Event::Baking { wait, next } => {
                self.phase = Some(Phase::Waiting { until: now + *wait, next: *next });
            }
        }
    }

    /// Returns whether all accounts were visited.
    pub(super) fn is_complete(&self) -> bool {
        self.workload.as_ref().is_some_and(|workload| workload.targets() == self.done())
    }

    /// Returns the number of accounts that were visited.
    pub(super) fn done(&self) -> usize {
        self.tally.total() - self.tally.of(Outcome::NotAttempted)
    }

    /// Adds a sample for the rate if it is time for a sample, and removes samples that are too old.
    fn sample(&mut self, now: Instant) {
        let age = |(when, _): &(Instant, usize)| now.saturating_duration_since(*when);
        if self.samples.back().is_none_or(|last| age(last) >= SAMPLE_INTERVAL) {
            self.samples.push_back((now, self.done()));
            while self.samples.len() > 2 && age(&self.samples[1]) >= WINDOW {
                self.samples.pop_front();
            }
        }
    }

    /// Returns the recent number of visits per second, or `None` if it is not known yet.
    pub(super) fn visits_per_second(&self, now: Instant) -> Option<f64> {
        let age = |(when, _): &(Instant, usize)| now.saturating_duration_since(*when);
        let oldest = self.samples.iter().find(|sample| age(sample) <= WINDOW).or(self.samples.back())?;
        let seconds = age(oldest).as_secs_f64();
        (seconds >= 1.0).then(|| count(self.done().saturating_sub(oldest.1)) / seconds)
    }

    /// Returns the expected remaining time, or `None` if the duration of a visit is not known yet.
    pub(super) fn time_left(&self, now: Instant) -> Option<Duration> {
        let Workload { waves, between, concurrency, .. } = self.workload.as_ref().filter(|_| !self.is_stopping)?;
        let (rate, visit) = (self.rate, self.visit_duration?);
        let forecast = Forecast { rate, concurrency: *concurrency, visit, between: *between };
        // In a run without waves no event starts a wave, so all accounts count as those of the only element of `waves`.
        let (index, done) = self.wave.map_or_else(|| (0, self.done()), |wave| (wave.index, wave.done));
        let current = waves.get(index).map_or(0, |accounts| accounts.saturating_sub(done));
        let later = waves.get(index + 1..).unwrap_or_default();
        let wait = match self.phase {
            Some(Phase::Waiting { until, .. }) => until.saturating_duration_since(now),
            // If no accounts of this wave are left, the forecast skips the wave, and with it the wait after the wave. So the wait
            // is added here.
            _ if current == 0 && !later.is_empty() => *between,
            _ => Duration::ZERO,
        };
        Some(wait + forecast.of(iter::once(current).chain(later.iter().copied())))
    }
}

#[cfg(test)]
pub(super) mod tests;
