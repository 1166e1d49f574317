//! This module owns the control of the pace: pure arithmetic on instants.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How far a late start may be caught up. A stalled process must not lose its turns, nor send them all at once.
const CATCH_UP: Duration = Duration::from_millis(50);

/// The span over which the pace is measured that an unlimited run takes by itself.
const WINDOW: Duration = Duration::from_secs(1);

/// The pace is not lowered below this many calls per second: 3 % of the quota, so little that it disturbs nobody.
const SLOWEST: f64 = 20.0;

/// How fast the cubic curve rises, in calls per second for each cubed second; the constant of RFC 9438.
const STEEPNESS: f64 = 0.4;

/// How far below the estimate of what AWS lets through the pace starts again.
const MARGIN: f64 = 0.95;

/// So many calls are assumed to have passed besides those that were seen to, when the share of refused ones is estimated
/// from a handful.
const PRIOR: f64 = 3.0;

/// How long one trial lasts, and how long to leave it alone after one that failed.
const TRIAL: Duration = Duration::from_secs(1);
const BETWEEN_TRIALS: Duration = Duration::from_secs(10);

/// A trial at twice the pace succeeds if the share of calls that pass falls by no more than this factor. Under a limit on
/// the pace it would be halved.
const HARDLY_WORSE: f64 = 0.75;

/// The control of the pace.
///
/// The first throttle opens an epoch. For as long as that call was under way no further one starts, and the calls that
/// are still in flight are counted as they are answered. The share of them that passed, times the pace at which they
/// were sent, is what AWS lets through; the pace goes on from just below that.
///
/// Where that leads to the slowest pace and calls are refused all the same, it is tried whether the pace matters at all: for
/// a second at a time at twice the pace. As long as the share that passes stays the same, going slower would help nobody.
#[derive(Debug)]
pub(super) struct Control {
    /// What the user asked for, in calls per second; `None` is unlimited.
    limit: Option<f64>,
    /// The last change of level, if there was any.
    cut: Option<Cut>,
    /// What is being counted.
    phase: Phase,
    /// When the next call may start.
    next: Instant,
    /// When calls started, at most one `WINDOW` ago; kept only while nothing else tells the pace.
    started: VecDeque<Instant>,
    /// Before this there is no further trial.
    next_trial: Instant,
}

/// What the answers are counted for.
#[derive(Clone, Copy, Debug)]
enum Phase {
    /// Nothing: the next throttle opens an epoch.
    Steady,
    /// To find out what is let through.
    Epoch(Count),
    /// To find out whether the pace matters; with the share that passed at half the pace, once that is known.
    Trial(Count, Option<f64>),
}

/// The answers to calls at one pace.
#[derive(Clone, Copy, Debug)]
struct Count {
    until: Instant,
    rate: f64,
    passed: f64,
    refused: f64,
}

impl Count {
    const fn new(until: Instant, rate: f64) -> Self {
        Self { until, rate, passed: 0.0, refused: 0.0 }
    }

    fn share(&self) -> f64 {
        self.passed / (self.passed + self.refused).max(1.0)
    }

    /// What is let through, in calls per second.
    fn let_through(&self) -> f64 {
        self.rate * (self.passed + PRIOR) / (self.passed + self.refused + PRIOR)
    }
}

/// A level of the pace, from which it climbs.
#[derive(Clone, Copy, Debug)]
struct Cut {
    at: Instant,
    /// The level to climb back to before probing beyond it.
    plateau: f64,
    /// The level at the start.
    floor: f64,
}

impl Cut {
    /// The level on the cubic curve at `now`.
    fn level(&self, now: Instant) -> f64 {
        let climb = ((self.plateau - self.floor) / STEEPNESS).cbrt();
        let elapsed = now.saturating_duration_since(self.at).as_secs_f64();
        STEEPNESS.mul_add((elapsed - climb).powi(3), self.plateau)
    }
}

impl Control {
    pub(super) fn new(limit: Option<f64>, now: Instant) -> Self {
        Self { limit, cut: None, phase: Phase::Steady, next: now, started: VecDeque::new(), next_trial: now }
    }

    /// The pace in calls per second; `None` is unlimited.
    pub(super) fn rate(&self, now: Instant) -> Option<f64> {
        match (&self.phase, self.limit, &self.cut) {
            (Phase::Trial(count, _), _, _) => Some(count.rate),
            (_, limit, None) => limit,
            (_, None, Some(cut)) => Some(cut.level(now)),
            (_, Some(limit), Some(cut)) => Some(cut.level(now).min(limit)),
        }
    }

    /// Takes the next turn if it has come, or says when to ask again.
    pub(super) fn take(&mut self, now: Instant) -> Result<(), Instant> {
        match self.phase {
            Phase::Epoch(count) if now >= count.until => self.conclude(count, now),
            Phase::Trial(count, before) if now >= count.until => self.judge(count, before, now),
            Phase::Steady | Phase::Epoch(_) | Phase::Trial(..) => {}
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
        match &mut self.phase {
            Phase::Steady => {}
            Phase::Epoch(count) | Phase::Trial(count, _) => count.passed += 1.0,
        }
    }

    /// Takes in that a call that was sent at `sent` was throttled.
    pub(super) fn throttled(&mut self, sent: Instant, now: Instant) {
        match &mut self.phase {
            Phase::Epoch(count) | Phase::Trial(count, _) => count.refused += 1.0,
            // Calls that were under way when the pace was lowered say nothing about the new pace.
            Phase::Steady if self.cut.is_some_and(|cut| sent < cut.at) => {}
            Phase::Steady => {
                let rate = self.rate(now).unwrap_or_else(|| {
                    let span = self.started.front().map_or(WINDOW, |first| (now - *first).max(WINDOW / 100));
                    let started = u32::try_from(self.started.len()).unwrap_or(u32::MAX);
                    (f64::from(started) / span.as_secs_f64()).max(SLOWEST)
                });
                // A throttle that was long on its way must not stop everything for as long again.
                let until = now + (now - sent).min(WINDOW);
                self.phase = Phase::Epoch(Count { refused: 1.0, ..Count::new(until, rate) });
                self.next = self.next.max(until);
            }
        }
    }

    /// Sets the pace by what was seen in an epoch.
    fn conclude(&mut self, count: Count, now: Instant) {
        self.settle(count.let_through(), now);
        let slowest = count.let_through() * MARGIN <= SLOWEST;
        if slowest && now >= self.next_trial && self.limit.is_none_or(|limit| limit > SLOWEST) {
            self.phase = Phase::Trial(Count::new(now + TRIAL, SLOWEST), None);
        }
    }

    /// Sees what a trial has shown, and tries the next pace or gives up trying.
    fn judge(&mut self, count: Count, before: Option<f64>, now: Instant) {
        let share = count.share();
        if count.refused == 0.0 {
            self.settle(count.rate, now);
        } else if share > 0.0 && before.is_none_or(|before| share >= HARDLY_WORSE * before) {
            let faster = self.limit.map_or(count.rate * 2.0, |limit| limit.min(count.rate * 2.0));
            // The share at the first of the trials is what the pace is measured by, however many follow.
            self.phase = Phase::Trial(Count::new(now + TRIAL, faster), before.or(Some(share)));
        } else {
            self.next_trial = now + BETWEEN_TRIALS;
            self.settle(count.let_through(), now);
        }
    }

    /// Goes on just below what is let through.
    fn settle(&mut self, let_through: f64, now: Instant) {
        let lowest = self.limit.map_or(SLOWEST, |limit| limit.min(SLOWEST));
        let floor = (let_through * MARGIN).max(lowest);
        self.cut = Some(Cut { at: now, plateau: let_through.max(floor), floor });
        self.phase = Phase::Steady;
        self.started.clear();
        self.next = self.next.max(now);
    }
}
