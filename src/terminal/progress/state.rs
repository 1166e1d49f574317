//! This module owns what the display knows of a command at work. It is fed with what happens, and draws nothing.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::failure_dedup::FailureDedup;
use crate::rollout::{Event, Outcome, Tally};
use crate::terminal::forecast::Forecast;

/// Over how long the pace is measured.
const WINDOW: Duration = Duration::from_secs(10);

/// How far apart the marks are by which it is measured.
const MARK: Duration = Duration::from_millis(500);

/// How much the latest visit counts in the mean duration of a visit.
const LATEST: f64 = 0.05;

/// What the display has to know of a run before its first visit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outline {
    /// The Organization's id.
    pub organization: String,
    /// How many accounts are listed.
    pub listed: usize,
    /// How many are to be visited in each wave that is to come; one in a run without waves.
    pub waves: Vec<usize>,
    /// What is waited between waves.
    pub between: Duration,
    /// Visits in flight at once.
    pub concurrency: usize,
}

impl Outline {
    /// How many accounts are to be visited.
    pub(crate) fn targets(&self) -> usize {
        self.waves.iter().sum()
    }
}

/// What the command is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Phase {
    Connecting,
    Listing { pages: usize },
    Tags { read: usize, of: usize },
    Visiting,
    Waiting { until: Instant, next: u32 },
}

/// The wave of the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Current {
    pub(super) number: u32,
    pub(super) last: u32,
    pub(super) accounts: usize,
    /// How many of its accounts are through.
    pub(super) done: usize,
    pub(super) since: Instant,
}

/// All that the display knows.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// Since when it is doing that.
    pub(super) since: Instant,
    pub(super) listed: usize,
    pub(super) outline: Option<Outline>,
    pub(super) wave: Option<Current>,
    /// How many waves of the outline have begun.
    begun: usize,
    pub(super) tally: Tally,
    pub(super) throttles: u64,
    pub(super) rate: Option<f64>,
    pub(super) in_flight: usize,
    pub(super) is_stopping: bool,
    pub(super) seen: FailureDedup,
    /// The mean duration of the latest visits, in seconds.
    visit: Option<f64>,
    meter: Meter,
}

impl State {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            phase: Phase::Connecting,
            since: now,
            listed: 0,
            outline: None,
            wave: None,
            begun: 0,
            tally: Tally::default(),
            throttles: 0,
            rate: None,
            in_flight: 0,
            is_stopping: false,
            seen: FailureDedup::default(),
            visit: None,
            meter: Meter::default(),
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

    pub(super) fn begin(&mut self, outline: Outline, now: Instant) {
        // A survey visits since long.
        if self.tally.total() == 0 {
            self.since = now;
            self.meter = Meter::default();
        }
        self.phase = Phase::Visiting;
        self.listed = outline.listed;
        self.outline = Some(outline);
    }

    pub(super) fn note(&mut self, event: &Event<'_>, now: Instant) {
        match event {
            Event::WaveStarted { wave, waves, accounts } => {
                self.phase = Phase::Visiting;
                self.begun += 1;
                self.wave = Some(Current { number: *wave, last: *waves, accounts: *accounts, done: 0, since: now });
                // The pause before it is no part of the pace.
                self.meter = Meter::default();
                self.meter.mark(self.done(), now);
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
                        self.visit = Some(self.visit.map_or(took, |mean| mean + LATEST * (took - mean)));
                    }
                }
                self.meter.mark(self.done(), now);
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

    /// How many accounts are through.
    pub(super) fn done(&self) -> usize {
        self.tally.total() - self.tally.of(Outcome::NotAttempted)
    }

    /// Visits per second of late, once that can be told.
    pub(super) fn pace(&self, now: Instant) -> Option<f64> {
        self.meter.pace(self.done(), now)
    }

    /// How long the rest takes, once a visit has shown how long one takes.
    pub(super) fn left(&self, now: Instant) -> Option<Duration> {
        let (outline, visit) = (self.outline.as_ref()?, self.visit?);
        let forecast = Forecast {
            rate: self.rate,
            concurrency: outline.concurrency,
            visit: Duration::from_secs_f64(visit),
            between: outline.between,
        };
        // Without numbers there is one wave, and nobody says when it starts.
        let done = self.wave.map_or_else(|| self.done(), |wave| wave.done);
        let begun = self.begun.max(1);
        let current = outline.waves.get(begun - 1).map_or(0, |accounts| accounts.saturating_sub(done));
        if self.is_stopping {
            return None;
        }
        let wait = match self.phase {
            Phase::Waiting { until, .. } => until.saturating_duration_since(now),
            // Behind the rest of this wave there is a wait, which the forecast counts; behind no rest it would not.
            _ if current == 0 && begun < outline.waves.len() => outline.between,
            _ => Duration::ZERO,
        };
        Some(
            wait + forecast
                .of(std::iter::once(current).chain(outline.waves[begun.min(outline.waves.len())..].iter().copied())),
        )
    }
}

/// How many visits ended when, of late.
#[derive(Clone, Debug, Default)]
struct Meter(VecDeque<(Instant, usize)>);

impl Meter {
    fn mark(&mut self, done: usize, now: Instant) {
        if self.0.back().is_none_or(|(last, _)| now.saturating_duration_since(*last) >= MARK) {
            self.0.push_back((now, done));
            while self.0.len() > 2 && now.saturating_duration_since(self.0[1].0) >= WINDOW {
                self.0.pop_front();
            }
        }
    }

    fn pace(&self, done: usize, now: Instant) -> Option<f64> {
        let oldest = self.0.iter().find(|(when, _)| now.saturating_duration_since(*when) <= WINDOW).or(self.0.back());
        let (when, before) = oldest?;
        let seconds = now.saturating_duration_since(*when).as_secs_f64();
        let visits = f64::from(u32::try_from(done.saturating_sub(*before)).unwrap_or(u32::MAX));
        (seconds >= 1.0).then(|| visits / seconds)
    }
}

#[cfg(test)]
pub(super) mod tests;
