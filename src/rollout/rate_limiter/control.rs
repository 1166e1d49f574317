//! The control algorithm of the rate limiter: pure arithmetic on instants.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How much lost time is made up after a stall of the process. If no time were made up, turns would be lost. If all time were
/// made up, all missed turns would be taken at once.
const CATCH_UP: Duration = Duration::from_millis(50);

/// The span over which the rate of an unlimited run is measured.
const WINDOW: Duration = Duration::from_secs(1);

/// The rate is not lowered below this many calls per second. This is 3 % of the quota of 600 calls per second, which is too
/// little to disturb other callers.
const MIN_RATE: f64 = 20.0;

/// How fast the cubic curve rises, in calls per second for each cubed second. This is the constant C of RFC 9438.
const STEEPNESS: f64 = 0.4;

/// After a throttle, the rate starts at this share of what AWS is estimated to let through.
const MARGIN: f64 = 0.95;

/// The estimate counts this many more passed calls than there were, so that the estimate is not extreme if there are only a few
/// answers.
const PRIOR: f64 = 3.0;

/// How long one trial lasts, and how long to wait after a failed trial before the next trial. [`Control`] describes the trials.
const TRIAL: Duration = Duration::from_secs(1);
const TRIAL_INTERVAL: Duration = Duration::from_secs(10);

/// A trial at twice the rate succeeds if the share of calls that pass is at least this fraction of the share in the first trial.
/// If AWS limited the rate, the share would be halved.
const TRIAL_PASSES: f64 = 0.75;

/// Controls the rate.
///
/// A throttle starts a measurement, which lasts as long as the throttled call took, but at most [`WINDOW`]. No call starts during
/// the measurement, and the answers to the calls in flight are counted. The share of calls that passed, times the rate at which
/// calls were sent, is the rate that AWS lets through. Afterwards, calls start at just below this rate.
///
/// If the result is the minimum rate, trials find out whether the rate affects throttling at all. Each trial lasts one second.
/// The first trial uses the minimum rate, and each further trial twice the rate of the trial before. The trials continue as long
/// as the share of calls that pass stays about the same, because then a lower rate does not help.
#[derive(Debug)]
pub(super) struct Control {
    /// The rate that the user asked for, in calls per second; `None` means no limit.
    limit: Option<f64>,
    /// The recovery since the last throttle; `None` if no call was throttled.
    recovery: Option<Recovery>,
    phase: Phase,
    /// When the next call can start.
    next: Instant,
    /// When the calls of the last `WINDOW` started. The times are kept only while the rate is unlimited.
    started: VecDeque<Instant>,
    /// No trial starts before this time.
    next_trial: Instant,
}

/// The purpose for which answers are counted.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// No answers are counted. The next throttle starts a measurement.
    Steady,
    /// Answers are counted to find out what rate AWS lets through.
    Measurement(AnswerCount),
    /// Answers are counted to find out whether the rate affects throttling. Contains the share of calls that passed in the first
    /// trial; `None` during the first trial.
    Trial(AnswerCount, Option<f64>),
}

/// The answers to calls at one rate.
#[derive(Clone, Copy, Debug)]
struct AnswerCount {
    until: Instant,
    rate: f64,
    passed: f64,
    refused: f64,
}

impl AnswerCount {
    const fn new(until: Instant, rate: f64) -> Self {
        Self { until, rate, passed: 0.0, refused: 0.0 }
    }

    /// Returns the estimate of the rate that AWS lets through, in calls per second.
    fn let_through(&self) -> f64 {
        self.rate * (self.passed + PRIOR) / (self.passed + self.refused + PRIOR)
    }
}

/// The recovery of the rate after a throttle, along a cubic curve.
#[derive(Clone, Copy, Debug)]
struct Recovery {
    since: Instant,
    /// The measured rate that AWS lets through. The curve flattens near this rate, and then rises beyond it.
    plateau: f64,
    /// The rate at the start of the recovery.
    floor: f64,
}

impl Recovery {
    fn rate(&self, now: Instant) -> f64 {
        let climb = ((self.plateau - self.floor) / STEEPNESS).cbrt();
        let elapsed = now.saturating_duration_since(self.since).as_secs_f64();
        STEEPNESS.mul_add((elapsed - climb).powi(3), self.plateau)
    }
}

impl Control {
    pub(super) fn new(limit: Option<f64>, now: Instant) -> Self {
        Self { limit, recovery: None, phase: Phase::Steady, next: now, started: VecDeque::new(), next_trial: now }
    }

    /// Returns the rate in calls per second; `None` means no limit.
    pub(super) fn rate(&self, now: Instant) -> Option<f64> {
        match (&self.phase, self.limit, &self.recovery) {
            (Phase::Trial(count, _), _, _) => Some(count.rate),
            (_, limit, None) => limit,
            (_, None, Some(recovery)) => Some(recovery.rate(now)),
            (_, Some(limit), Some(recovery)) => Some(recovery.rate(now).min(limit)),
        }
    }

    /// Takes the next turn, or returns when to try again.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        match self.phase {
            Phase::Measurement(count) if now >= count.until => self.end_measurement(count, now),
            Phase::Trial(count, first_share) if now >= count.until => self.end_trial(count, first_share, now),
            Phase::Steady | Phase::Measurement(_) | Phase::Trial(..) => {}
        }
        if now < self.next {
            return Err(self.next);
        }
        if let Some(rate) = self.rate(now) {
            let from = self.next.max(now.checked_sub(CATCH_UP).unwrap_or(self.next));
            self.next = from + Duration::from_secs_f64(1.0 / rate);
        } else {
            self.started.push_back(now);
            while self.started.front().is_some_and(|at| now - *at > WINDOW) {
                self.started.pop_front();
            }
        }
        Ok(())
    }

    pub(super) fn passed(&mut self) {
        if let Phase::Measurement(count) | Phase::Trial(count, _) = &mut self.phase {
            count.passed += 1.0;
        }
    }

    /// Records that a call that was sent at `sent` was throttled.
    pub(super) fn throttled(&mut self, sent: Instant, now: Instant) {
        match &mut self.phase {
            Phase::Measurement(count) | Phase::Trial(count, _) => count.refused += 1.0,
            // A call that was in flight when the rate was lowered says nothing about the new rate, so its throttle is ignored.
            Phase::Steady if self.recovery.is_some_and(|recovery| sent < recovery.since) => {}
            Phase::Steady => {
                let rate = self.rate(now).unwrap_or_else(|| {
                    let span = self.started.front().map_or(WINDOW, |first| (now - *first).max(WINDOW / 100));
                    let started = u32::try_from(self.started.len()).unwrap_or(u32::MAX);
                    (f64::from(started) / span.as_secs_f64()).max(MIN_RATE)
                });
                // The length of the measurement is limited, because no call starts during it and the throttle might have taken
                // long to arrive.
                let until = now + (now - sent).min(WINDOW);
                self.phase = Phase::Measurement(AnswerCount { refused: 1.0, ..AnswerCount::new(until, rate) });
                self.next = self.next.max(until);
            }
        }
    }

    /// Sets the rate from the counted answers.
    fn end_measurement(&mut self, count: AnswerCount, now: Instant) {
        self.start_recovery(count.let_through(), now);
        let at_minimum = count.let_through() * MARGIN <= MIN_RATE;
        if at_minimum && now >= self.next_trial && self.limit.is_none_or(|limit| limit > MIN_RATE) {
            self.phase = Phase::Trial(AnswerCount::new(now + TRIAL, MIN_RATE), None);
        }
    }

    /// Starts another trial at twice the rate, or sets the rate from the counted answers.
    fn end_trial(&mut self, count: AnswerCount, first_share: Option<f64>, now: Instant) {
        let share = count.passed / (count.passed + count.refused).max(1.0);
        if count.refused == 0.0 {
            self.start_recovery(count.rate, now);
        } else if share > 0.0 && first_share.is_none_or(|first| share >= TRIAL_PASSES * first) {
            let faster = self.limit.map_or(count.rate * 2.0, |limit| limit.min(count.rate * 2.0));
            // All further trials are compared with the first trial.
            self.phase = Phase::Trial(AnswerCount::new(now + TRIAL, faster), first_share.or(Some(share)));
        } else {
            self.next_trial = now + TRIAL_INTERVAL;
            self.start_recovery(count.let_through(), now);
        }
    }

    /// Sets the rate to just below the rate that AWS lets through. From there, the rate recovers.
    fn start_recovery(&mut self, let_through: f64, now: Instant) {
        let lowest = self.limit.map_or(MIN_RATE, |limit| limit.min(MIN_RATE));
        let floor = (let_through * MARGIN).max(lowest);
        self.recovery = Some(Recovery { since: now, plateau: let_through.max(floor), floor });
        self.phase = Phase::Steady;
        self.started.clear();
        self.next = self.next.max(now);
    }
}
