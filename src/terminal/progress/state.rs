//! The state of the display, which events update. It draws nothing.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::failure_dedup::FailureDedup;
use crate::rollout::{Event, Outcome, Tally};
use crate::terminal::forecast::Forecast;

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
    /// The number of accounts in each wave to come; one element in a run without waves.
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

/// The current phase of a command.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    Connecting,
    Listing { pages: usize },
    Tags { read: usize, of: usize },
    Visiting,
    Waiting { until: Instant, next: u32 },
}

/// The current wave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CurrentWave {
    pub(super) number: u32,
    pub(super) last: u32,
    pub(super) accounts: usize,
    /// The number of its accounts that were visited.
    pub(super) done: usize,
    pub(super) since: Instant,
}

/// The state of the display.
#[derive(Clone, Debug)]
pub(super) struct DisplayState {
    pub(super) phase: Phase,
    /// The start of the phase.
    pub(super) since: Instant,
    pub(super) listed: usize,
    pub(super) workload: Option<Workload>,
    pub(super) wave: Option<CurrentWave>,
    /// The number of waves of the workload that have begun.
    waves_begun: usize,
    pub(super) tally: Tally,
    pub(super) throttles: u64,
    pub(super) rate: Option<f64>,
    pub(super) in_flight: usize,
    pub(super) is_stopping: bool,
    pub(super) causes: FailureDedup,
    /// The moving average of the duration of a visit, in seconds.
    visit_seconds: Option<f64>,
    rate_meter: RateMeter,
}

impl DisplayState {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            phase: Phase::Connecting,
            since: now,
            listed: 0,
            workload: None,
            wave: None,
            waves_begun: 0,
            tally: Tally::default(),
            throttles: 0,
            rate: None,
            in_flight: 0,
            is_stopping: false,
            causes: FailureDedup::default(),
            visit_seconds: None,
            rate_meter: RateMeter::default(),
        }
    }

    pub(super) fn listing(&mut self, accounts: usize, pages: usize, now: Instant) {
        if !matches!(self.phase, Phase::Listing { .. }) {
            self.since = now;
        }
        self.phase = Phase::Listing { pages };
        self.listed = accounts;
    }

    pub(super) fn tags(&mut self, read: usize, of: usize, now: Instant) {
        if !matches!(self.phase, Phase::Tags { .. }) {
            self.since = now;
        }
        self.phase = Phase::Tags { read, of };
    }

    pub(super) fn begin(&mut self, workload: Workload, now: Instant) {
        // A plan that visits while it lists has started before.
        if self.tally.total() == 0 {
            self.since = now;
            self.rate_meter = RateMeter::default();
        }
        self.phase = Phase::Visiting;
        self.listed = workload.listed;
        self.workload = Some(workload);
    }

    pub(super) fn update(&mut self, event: &Event<'_>, now: Instant) {
        match event {
            Event::WaveStarted { wave, waves, accounts } => {
                self.phase = Phase::Visiting;
                self.waves_begun += 1;
                self.wave = Some(CurrentWave { number: *wave, last: *waves, accounts: *accounts, done: 0, since: now });
                // The wait before the wave does not count.
                self.rate_meter = RateMeter::default();
                self.rate_meter.sample(self.done(), now);
            }
            Event::Visited { record, tally, throttles, rate, in_flight } => {
                self.tally.clone_from(tally);
                (self.throttles, self.rate, self.in_flight) = (*throttles, *rate, *in_flight);
                if record.outcome != Outcome::NotAttempted {
                    if let Some(wave) = &mut self.wave {
                        wave.done += 1;
                    }
                    if let Some(took) = record.duration {
                        let took = took.as_secs_f64();
                        self.visit_seconds =
                            Some(self.visit_seconds.map_or(took, |mean| mean + LATEST_WEIGHT * (took - mean)));
                    }
                }
                self.rate_meter.sample(self.done(), now);
            }
            Event::Stopping { in_flight, .. } => {
                self.phase = Phase::Visiting;
                (self.is_stopping, self.in_flight) = (true, *in_flight);
            }
            Event::WaveFinished { .. } | Event::Unreachable { .. } | Event::Reachable { .. } => {}
            Event::Baking { wait, next } => {
                self.phase = Phase::Waiting { until: now + *wait, next: *next };
            }
        }
    }

    /// Returns the number of accounts that were visited.
    pub(super) fn done(&self) -> usize {
        self.tally.total() - self.tally.of(Outcome::NotAttempted)
    }

    /// Returns the recent number of visits per second, once it is known.
    pub(super) fn visits_per_second(&self, now: Instant) -> Option<f64> {
        self.rate_meter.visits_per_second(self.done(), now)
    }

    /// Returns the expected remaining time, once the duration of a visit is known.
    pub(super) fn time_left(&self, now: Instant) -> Option<Duration> {
        let (workload, visit) = (self.workload.as_ref()?, self.visit_seconds?);
        let forecast = Forecast {
            rate: self.rate,
            concurrency: workload.concurrency,
            visit: Duration::from_secs_f64(visit),
            between: workload.between,
        };
        // In a run without waves no event says that one starts.
        let done = self.wave.map_or_else(|| self.done(), |wave| wave.done);
        let waves_begun = self.waves_begun.max(1);
        let current = workload.waves.get(waves_begun - 1).map_or(0, |accounts| accounts.saturating_sub(done));
        if self.is_stopping {
            return None;
        }
        let wait = match self.phase {
            Phase::Waiting { until, .. } => until.saturating_duration_since(now),
            // The forecast includes the wait after this wave only if accounts of the wave are left.
            _ if current == 0 && waves_begun < workload.waves.len() => workload.between,
            _ => Duration::ZERO,
        };
        Some(
            wait + forecast
                .of(std::iter::once(current)
                    .chain(workload.waves[waves_begun.min(workload.waves.len())..].iter().copied())),
        )
    }
}

/// Measures the rate of visits from samples of the time and the number of visits.
#[derive(Clone, Debug, Default)]
struct RateMeter(VecDeque<(Instant, usize)>);

impl RateMeter {
    fn sample(&mut self, done: usize, now: Instant) {
        if self.0.back().is_none_or(|(last, _)| now.saturating_duration_since(*last) >= SAMPLE_INTERVAL) {
            self.0.push_back((now, done));
            while self.0.len() > 2 && now.saturating_duration_since(self.0[1].0) >= WINDOW {
                self.0.pop_front();
            }
        }
    }

    fn visits_per_second(&self, done: usize, now: Instant) -> Option<f64> {
        let oldest = self.0.iter().find(|(when, _)| now.saturating_duration_since(*when) <= WINDOW).or(self.0.back());
        let (when, before) = oldest?;
        let seconds = now.saturating_duration_since(*when).as_secs_f64();
        let visits = f64::from(u32::try_from(done.saturating_sub(*before)).unwrap_or(u32::MAX));
        (seconds >= 1.0).then(|| visits / seconds)
    }
}

#[cfg(test)]
pub(super) mod tests;
