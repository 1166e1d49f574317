//! Detects that the process did not run for a while: it was stopped (Ctrl-Z), or the machine was suspended.
//!
//! All time limits pass meanwhile, and connections break, but no account is to blame. So the visits get the time back, and a call
//! that was in flight does not count as an attempt, as after an outage.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::waiting::wait_until;

/// The time between two ticks.
const TICK: Duration = Duration::from_millis(500);

/// A gap between two ticks of at least this length is a pause. A busy machine can delay a tick, but not for so long.
const PAUSE: Duration = Duration::from_millis(1_500);

/// Pauses of at least this length are reported to the user.
const WORTH_REPORTING: Duration = Duration::from_secs(5);

/// The clock that also counts while the machine is suspended, unlike the clock of the timers (clock_gettime(2); on macOS,
/// CLOCK_MONOTONIC counts, and the clock of the standard library does not).
#[cfg(target_os = "linux")]
const SUSPENSION_CLOCK: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const SUSPENSION_CLOCK: ClockId = ClockId::Monotonic;

/// The pauses so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    number: u32,
    /// How long the timers went on during all pauses. They don't while the machine is suspended.
    time: Duration,
}

impl Seen {
    /// Whether there was a pause since `earlier`.
    pub(super) const fn is_after(&self, earlier: &Self) -> bool {
        self.number > earlier.number
    }

    /// Returns how long the timers went on during the pauses since `earlier`.
    pub(super) const fn time_since(&self, earlier: &Self) -> Duration {
        self.time.saturating_sub(earlier.time)
    }
}

/// The detector of pauses, which all visits of a run share.
#[derive(Debug, Default)]
pub(crate) struct Pauses {
    last_tick: Cell<Option<(Instant, Duration)>>,
    seen: Cell<Seen>,
    unreported: RefCell<VecDeque<Duration>>,
    changed: Notify,
}

impl Pauses {
    /// Ticks until it is dropped. Pauses are detected only meanwhile.
    pub(super) async fn watch(&self) -> Infallible {
        let _end = EndOfWatch(self);
        loop {
            self.last_tick.set(Some(now()));
            sleep(TICK).await;
            self.observe();
        }
    }

    /// Returns the pauses so far. After a pause, visits may come here before the next tick.
    pub(super) fn observe(&self) -> Seen {
        let mut seen = self.seen.get();
        let Some(last) = self.last_tick.get() else { return seen };
        let now = now();
        let (timers, real) = (now.0.saturating_duration_since(last.0), now.1.saturating_sub(last.1));
        let gap = timers.max(real);
        if gap >= PAUSE {
            seen.number += 1;
            seen.time += timers;
            self.seen.set(seen);
            self.last_tick.set(Some(now));
            if gap >= WORTH_REPORTING {
                self.unreported.borrow_mut().push_back(gap);
                self.changed.notify_waiters();
            }
        }
        seen
    }

    /// Resolves with the length of the next pause that has not been reported.
    pub(super) async fn next(&self) -> Duration {
        wait_until(&self.changed, || self.unreported.borrow_mut().pop_front()).await
    }
}

struct EndOfWatch<'a>(&'a Pauses);

impl Drop for EndOfWatch<'_> {
    fn drop(&mut self) {
        self.0.last_tick.set(None);
    }
}

fn now() -> (Instant, Duration) {
    let real = clock_gettime(SUSPENSION_CLOCK);
    let [seconds, nanoseconds] = [real.tv_sec, real.tv_nsec].map(|part| u64::try_from(part).unwrap_or(0));
    (Instant::now(), Duration::from_secs(seconds) + Duration::from_nanos(nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn gaps_between_ticks_are_pauses() {
        let pauses = Pauses::default();
        tokio::time::advance(Duration::from_mins(5)).await;
        assert_eq!(pauses.observe(), Seen::default(), "no visit is watched");
        let watched = async {
            let begin = pauses.observe();
            sleep(Duration::from_hours(1)).await;
            assert_eq!(pauses.observe(), begin, "the process ran all the time");
            for (gap, pause, reported) in [(900, false, false), (2_000, true, false), (600_000, true, true)] {
                let (before, gap) = (pauses.observe(), Duration::from_millis(gap));
                tokio::time::advance(gap).await;
                let after = pauses.observe();
                assert_eq!(after.is_after(&before), pause, "{gap:?}");
                assert!(!pause || after.time_since(&before) >= gap, "{gap:?}");
                assert_eq!(!pauses.unreported.take().is_empty(), reported, "{gap:?}");
                sleep(TICK * 3).await;
            }
        };
        tokio::select! {
            () = watched => {}
            never = pauses.watch() => match never {},
        }
        let before = pauses.observe();
        tokio::time::advance(Duration::from_mins(5)).await;
        assert_eq!(pauses.observe(), before, "no visit is watched any more");
    }
}
