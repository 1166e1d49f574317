//! This module owns the pace: how many AssumeRole calls start in a second, and how AWS's throttling changes that.
//!
//! Every AssumeRole of a fan-out draws on one quota, that of the caller's account (600 a second in each Region, shared
//! with all else that assumes roles there: IAM user guide, "IAM and AWS STS quotas"). So there is one pace for all
//! visits. Calls are spaced evenly by absolute deadlines. A throttle lowers the pace to what AWS was seen to let
//! through, and the pace then climbs back along a cubic curve (RFC 9438 describes it for TCP; the AWS SDKs' adaptive mode
//! uses it too): slowly around the level that was refused, faster the longer nothing is refused.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore};
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

/// The control of the pace: pure arithmetic on instants.
///
/// The first throttle opens an epoch. For as long as that call was under way no further one starts, and the calls that
/// are still in flight are counted as they are answered. The share of them that passed, times the pace at which they
/// were sent, is what AWS lets through; the pace goes on from just below that.
///
/// Where that leads to the slowest pace and calls are refused all the same, it is tried whether the pace matters at all: for
/// a second at a time at twice the pace. As long as the share that passes stays the same, going slower would help nobody.
#[derive(Debug)]
struct Control {
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
    fn new(limit: Option<f64>, now: Instant) -> Self {
        Self { limit, cut: None, phase: Phase::Steady, next: now, started: VecDeque::new(), next_trial: now }
    }

    /// The pace in calls per second; `None` is unlimited.
    fn rate(&self, now: Instant) -> Option<f64> {
        match (&self.phase, self.limit, &self.cut) {
            (Phase::Trial(count, _), _, _) => Some(count.rate),
            (_, limit, None) => limit,
            (_, None, Some(cut)) => Some(cut.level(now)),
            (_, Some(limit), Some(cut)) => Some(cut.level(now).min(limit)),
        }
    }

    /// Takes the next turn if it has come, or says when to ask again.
    fn take(&mut self, now: Instant) -> Result<(), Instant> {
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

    fn passed(&mut self) {
        match &mut self.phase {
            Phase::Steady => {}
            Phase::Epoch(count) | Phase::Trial(count, _) => count.passed += 1.0,
        }
    }

    /// Takes in that a call that was sent at `sent` was throttled.
    fn throttled(&mut self, sent: Instant, now: Instant) {
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

/// The pace of all visits of a run.
#[derive(Debug)]
pub struct Pace {
    control: RefCell<Control>,
    /// Whoever holds the permit is the head of the queue of visits; the semaphore is first come, first served.
    first: Semaphore,
    /// The same for the queue of calls that are repeated.
    again: Semaphore,
    /// How many repeated calls wait. They come before new visits: what was started is finished first.
    waiting: Cell<usize>,
    none_waits: Notify,
    throttles: Cell<u64>,
}

impl Pace {
    /// A pace of `limit` calls per second; 0 is unlimited.
    #[must_use]
    pub fn new(limit: u32) -> Self {
        let limit = (limit > 0).then(|| f64::from(limit));
        Self {
            control: RefCell::new(Control::new(limit, Instant::now())),
            first: Semaphore::new(1),
            again: Semaphore::new(1),
            waiting: Cell::new(0),
            none_waits: Notify::new(),
            throttles: Cell::new(0),
        }
    }

    /// Waits for the turn of a new visit. Turns are given in the order in which they were asked for.
    pub async fn turn(&self) {
        let _head = self.first.acquire().await.expect("the semaphore is never closed");
        loop {
            while self.waiting.get() > 0 {
                self.none_waits.notified().await;
            }
            let taken = self.control.borrow_mut().take(Instant::now());
            match taken {
                Ok(()) => return,
                Err(later) => tokio::time::sleep_until(later).await,
            }
        }
    }

    /// Waits for the turn of a call that is repeated in a visit.
    pub async fn turn_again(&self) {
        let _waiting = Waiting::new(self);
        let _head = self.again.acquire().await.expect("the semaphore is never closed");
        loop {
            let taken = self.control.borrow_mut().take(Instant::now());
            match taken {
                Ok(()) => return,
                Err(later) => tokio::time::sleep_until(later).await,
            }
        }
    }

    /// Notes that AWS let a call through.
    pub fn passed(&self) {
        self.control.borrow_mut().passed();
    }

    /// Notes that AWS throttled a call that was sent at `sent`.
    pub fn throttled(&self, sent: Instant) {
        self.throttles.set(self.throttles.get() + 1);
        self.control.borrow_mut().throttled(sent, Instant::now());
    }

    /// How many calls were throttled so far.
    #[must_use]
    pub fn throttles(&self) -> u64 {
        self.throttles.get()
    }

    /// The pace of the moment in calls per second; `None` is unlimited.
    #[must_use]
    pub fn rate(&self) -> Option<f64> {
        self.control.borrow().rate(Instant::now())
    }
}

/// Counts a waiting call for as long as it waits, even if the visit is dropped meanwhile.
struct Waiting<'a>(&'a Pace);

impl<'a> Waiting<'a> {
    fn new(pace: &'a Pace) -> Self {
        pace.waiting.set(pace.waiting.get() + 1);
        Self(pace)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.set(self.0.waiting.get() - 1);
        if self.0.waiting.get() == 0 {
            self.0.none_waits.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::rc::Rc;

    /// An endpoint with AWS's kind of limit: a bucket of tokens that refills at a fixed rate.
    struct Endpoint {
        per_second: Cell<f64>,
        tokens: Cell<f64>,
        seen: Cell<Instant>,
        allowed: Cell<u32>,
        refused: Cell<u32>,
    }

    impl Endpoint {
        fn new(per_second: f64) -> Self {
            Self {
                per_second: Cell::new(per_second),
                tokens: Cell::new(per_second),
                seen: Cell::new(Instant::now()),
                allowed: Cell::new(0),
                refused: Cell::new(0),
            }
        }

        fn call(&self) -> bool {
            let now = Instant::now();
            let refill = (now - self.seen.replace(now)).as_secs_f64() * self.per_second.get();
            let tokens = (self.tokens.get() + refill).min(self.per_second.get());
            let allowed = tokens >= 1.0;
            self.tokens.set(if allowed { tokens - 1.0 } else { tokens });
            let count = if allowed { &self.allowed } else { &self.refused };
            count.set(count.get() + 1);
            allowed
        }
    }

    /// Sends calls as fast as the pace lets them for `seconds`, each answered after `latency`.
    async fn drive(pace: &Rc<Pace>, endpoint: &Rc<Endpoint>, width: usize, latency: Duration, seconds: u64) {
        let until = Instant::now() + Duration::from_secs(seconds);
        let worker = || async {
            let mut failed = 0;
            while Instant::now() < until {
                if failed == 0 {
                    pace.turn().await;
                } else {
                    pace.turn_again().await;
                }
                let sent = Instant::now();
                tokio::time::sleep(latency / 2).await;
                let allowed = endpoint.call();
                tokio::time::sleep(latency / 2).await;
                if allowed {
                    pace.passed();
                    failed = 0;
                } else {
                    pace.throttled(sent);
                    failed += 1;
                    assert!(failed < 8, "no account may fail");
                    tokio::time::sleep(crate::cloud::backoff::delay(failed, 0.5)).await;
                }
            }
        };
        futures::future::join_all((0..width).map(|_| worker())).await;
    }

    #[tokio::test(start_paused = true)]
    async fn starts_are_even_and_never_more_than_the_rate() {
        let pace = Pace::new(100);
        let mut starts = Vec::new();
        let begin = Instant::now();
        for _ in 0..500 {
            pace.turn().await;
            starts.push(Instant::now() - begin);
        }
        let most = (0..starts.len())
            .map(|from| {
                starts[from..]
                    .iter()
                    .take_while(|at| (**at).checked_sub(starts[from]).unwrap() < Duration::from_secs(1))
                    .count()
            })
            .max();
        assert!(most <= Some(101), "{most:?} in one second");
        assert!(*starts.last().unwrap() < Duration::from_millis(5_050), "{:?}", starts.last());
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_pace_saves_up_no_more_than_a_small_burst() {
        let pace = Pace::new(100);
        tokio::time::sleep(Duration::from_mins(1)).await;
        let begin = Instant::now();
        for _ in 0..50 {
            pace.turn().await;
        }
        assert!(Instant::now() - begin >= Duration::from_millis(430));
    }

    #[tokio::test(start_paused = true)]
    async fn an_unlimited_pace_does_not_wait() {
        let pace = Pace::new(0);
        let begin = Instant::now();
        for _ in 0..10_000 {
            pace.turn().await;
        }
        assert_eq!(Instant::now(), begin);
        assert_eq!(pace.rate(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn it_settles_below_what_the_endpoint_allows_and_recovers_when_that_is_lifted() {
        for (limit, width, latency) in [(500, 64, 60), (500, 256, 60), (0, 64, 40), (500, 32, 10), (60, 64, 120)] {
            let pace = Rc::new(Pace::new(limit));
            let endpoint = Rc::new(Endpoint::new(50.0));
            drive(&pace, &endpoint, width, Duration::from_millis(latency), 20).await;
            let (allowed, refused) = (endpoint.allowed.replace(0), endpoint.refused.replace(0));
            let case = format!("limit {limit}, width {width}, latency {latency} ms");
            assert!(
                f64::from(refused) < 0.1 * f64::from(allowed + refused),
                "{case}: {refused} refused, {allowed} allowed while settling"
            );
            drive(&pace, &endpoint, width, Duration::from_millis(latency), 60).await;
            let (allowed, refused) = (endpoint.allowed.replace(0), endpoint.refused.replace(0));
            assert!(f64::from(allowed) >= 0.9 * 60.0 * 50.0, "{case}: only {allowed} of 3000 used");
            assert!(f64::from(refused) < 0.05 * f64::from(allowed), "{case}: {refused} refused, {allowed} allowed");
            endpoint.per_second.set(10_000.0);
            drive(&pace, &endpoint, width, Duration::from_millis(latency), 20).await;
            let wanted = if limit == 0 { 300.0 } else { f64::from(limit) };
            assert!(pace.rate().unwrap() >= wanted * 0.99, "{case}: recovered only to {:?}", pace.rate());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn throttles_that_have_nothing_to_do_with_the_pace_do_not_bring_it_to_a_halt() {
        // Every call is refused three times whatever the pace, as when each account is throttled on its own.
        fastrand::seed(7);
        for (limit, at_most) in [(0, 100), (500, 100), (50, 150)] {
            let pace = Pace::new(limit);
            let begin = Instant::now();
            futures::stream::StreamExt::for_each_concurrent(futures::stream::iter(0..1_000), 64, |_| async {
                for attempt in 0..4 {
                    if attempt == 0 {
                        pace.turn().await;
                    } else {
                        pace.turn_again().await;
                    }
                    let sent = Instant::now();
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    if attempt == 3 {
                        pace.passed();
                    } else {
                        pace.throttled(sent);
                        tokio::time::sleep(crate::cloud::backoff::delay(attempt + 1, fastrand::f64())).await;
                    }
                }
            })
            .await;
            let took = Instant::now() - begin;
            assert!(took < Duration::from_secs(at_most), "limit {limit}: {took:?}");
        }
    }
}
