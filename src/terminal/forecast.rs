//! This module owns the forecast: how long the rest of a rollout takes, at the pace that is allowed, in visits that take as
//! long as they do, and with the waits between waves.

use std::time::Duration;

use crate::rollout::{Mode, Verify};

/// What a visit takes before any has been made: four calls of some 120 ms, and the 0.75 s after which a Set shows in the
/// summary as a rule (`rollout/visit.rs`, `READ_BACK_WAITS`).
const SET_AND_READ_BACK: Duration = Duration::from_millis(1200);

/// The same without a read-back, or without a Set.
const CALLS: Duration = Duration::from_millis(400);

/// What the proof by a token takes on top: issuance lags the setting by some 9 to 13 s (`rollout/visit.rs`, `TOKEN_WAITS`).
const TOKEN: Duration = Duration::from_secs(12);

/// No visit is shorter, so that nothing is divided by zero.
const SHORTEST: Duration = Duration::from_millis(1);

/// What the duration of a rollout depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Forecast {
    /// Visits per second that may start; `None` is unlimited.
    pub rate: Option<f64>,
    /// Visits in flight at once.
    pub concurrency: usize,
    /// What a visit takes.
    pub visit: Duration,
    /// What is waited between waves.
    pub between: Duration,
}

impl Forecast {
    /// Visits per second.
    pub(crate) fn pace(&self) -> f64 {
        // What is in flight divided by how long it stays there is what comes out (Little's law).
        let width = count(self.concurrency) / self.visit.max(SHORTEST).as_secs_f64();
        self.rate.map_or(width, |rate| rate.clamp(0.1, width.max(0.1)))
    }

    /// How long waves of so many accounts take.
    pub(crate) fn of(&self, waves: impl IntoIterator<Item = usize>) -> Duration {
        let visit = self.visit.max(SHORTEST);
        let pace = self.pace();
        let mut total = Duration::ZERO;
        for (index, accounts) in waves.into_iter().filter(|accounts| *accounts > 0).enumerate() {
            let wait = if index == 0 { Duration::ZERO } else { self.between };
            // The first starts at once, and the last takes its time.
            let starts = Duration::from_secs_f64((count(accounts) - 1.0) / pace);
            total += wait + starts + visit;
        }
        total
    }
}

/// What a visit takes as a rule.
pub(crate) const fn usual_visit(mode: Mode, verify: &Verify) -> Duration {
    match (mode, verify) {
        (Mode::Plan, _) | (Mode::Apply, Verify::None) => CALLS,
        (Mode::Apply, Verify::Setting) => SET_AND_READ_BACK,
        (Mode::Apply, Verify::Token(_)) => SET_AND_READ_BACK.saturating_add(TOKEN),
    }
}

/// The duration in at most two units, and no more precise than it is likely to be.
pub(crate) fn brief(duration: Duration) -> String {
    let seconds = duration.as_secs_f64().ceil().max(0.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a whole number of seconds")]
    let seconds = seconds as u64;
    let minutes = seconds.div_ceil(60);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..600 => match seconds.next_multiple_of(5) {
            whole if whole % 60 == 0 => format!("{}m", whole / 60),
            rounded => format!("{}m {}s", rounded / 60, rounded % 60),
        },
        600..3600 if minutes < 60 => format!("{minutes}m"),
        _ if minutes.is_multiple_of(60) => format!("{}h", minutes / 60),
        _ => format!("{}h {}m", minutes / 60, minutes % 60),
    }
}

/// An Organization has 50,000 accounts at most.
pub(crate) fn count(accounts: usize) -> f64 {
    f64::from(u32::try_from(accounts).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrower_of_rate_and_width_counts_and_every_wait() {
        let forecast = Forecast {
            rate: Some(50.0),
            concurrency: 100,
            visit: Duration::from_secs(1),
            between: Duration::from_mins(10),
        };
        let seconds = |forecast: Forecast, waves: &[usize]| forecast.of(waves.iter().copied()).as_secs_f64().round();
        let table: &[(Forecast, &[usize], f64)] = &[
            (forecast, &[1], 1.0),
            (forecast, &[501], 11.0),
            (forecast, &[1, 501], 612.0),
            (forecast, &[0, 501], 11.0),
            (forecast, &[], 0.0),
            (Forecast { rate: None, ..forecast }, &[501], 6.0),
            (Forecast { concurrency: 10, ..forecast }, &[501], 51.0),
            (Forecast { visit: Duration::ZERO, ..forecast }, &[501], 10.0),
        ];
        for (forecast, waves, expected) in table {
            assert!((seconds(*forecast, waves) - expected).abs() < 0.5, "{forecast:?} {waves:?}");
        }
    }

    #[test]
    fn a_duration_is_told_in_two_units_at_most() {
        let table = [
            (0, "0s"),
            (1_200, "2s"),
            (59_000, "59s"),
            (60_000, "1m"),
            (61_000, "1m 5s"),
            (252_000, "4m 15s"),
            (596_000, "10m"),
            (1_390_000, "24m"),
            (3_599_000, "1h"),
            (3_900_000, "1h 5m"),
            (7_200_000, "2h"),
        ];
        for (milliseconds, expected) in table {
            assert_eq!(brief(Duration::from_millis(milliseconds)), expected, "{milliseconds}");
        }
    }
}
