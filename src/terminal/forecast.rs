//! The forecast: the duration of a rollout, from its rate, its concurrency, the duration of a visit, and the waits between waves.

use std::time::Duration;

use crate::rollout::{Mode, Verify};

/// The usual duration of a visit that sets the version and reads it back: four calls of some 120 ms, and the 0.75 s after which
/// the account summary usually shows the new version (`rollout/visit/verify.rs`, `READ_BACK_WAITS`).
const SET_AND_READ_BACK: Duration = Duration::from_millis(1200);

/// The usual duration of a visit that sets nothing, or reads nothing back.
const CALLS: Duration = Duration::from_millis(400);

/// The additional call of the global STS endpoint in a plan with `--verify token`.
const CALL: Duration = Duration::from_millis(120);

/// The additional duration of `--verify token` and `--verify token=REGION`: new tokens have the new version some 9 to 13 s after the setting
/// (`rollout/visit/verify.rs`, `TOKEN_WAITS`).
const TOKEN: Duration = Duration::from_secs(12);

/// The duration of a visit is at least this long in calculations, so that nothing is divided by zero.
const SHORTEST: Duration = Duration::from_millis(1);

/// The quantities that the duration of a rollout depends on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Forecast {
    /// The maximum number of visits that start per second; `None` for no limit.
    pub rate: Option<f64>,
    /// The maximum number of visits in flight.
    pub concurrency: usize,
    /// The duration of a visit.
    pub visit: Duration,
    /// The wait between waves.
    pub between: Duration,
}

impl Forecast {
    /// Returns the number of visits per second.
    pub(crate) fn pace(&self) -> f64 {
        // The throughput is the number of visits in flight, divided by the duration of a visit (Little's law).
        let width = count(self.concurrency) / self.visit.max(SHORTEST).as_secs_f64();
        self.rate.map_or(width, |rate| rate.clamp(0.1, width.max(0.1)))
    }

    /// Returns the duration of waves with these numbers of accounts.
    pub(crate) fn of(&self, waves: impl IntoIterator<Item = usize>) -> Duration {
        let pace = self.pace();
        let mut waves = waves.into_iter().filter(|accounts| *accounts > 0).map(|accounts| {
            // The first visit starts immediately, and the wave ends with its last visit.
            Duration::from_secs_f64((count(accounts) - 1.0) / pace) + self.visit.max(SHORTEST)
        });
        let first = waves.next().unwrap_or_default();
        waves.fold(first, |total, wave| total + self.between + wave)
    }
}

/// Returns the usual duration of a visit, for use before the first visit.
pub(crate) const fn usual_visit(mode: Mode, verify: &Verify) -> Duration {
    match (mode, verify) {
        (Mode::Plan, Verify::TokenSize) => CALLS.saturating_add(CALL),
        (Mode::Plan, _) | (Mode::Apply, Verify::None) => CALLS,
        (Mode::Apply, Verify::Setting) => SET_AND_READ_BACK,
        (Mode::Apply, Verify::TokenSize | Verify::TokenIn(_)) => SET_AND_READ_BACK.saturating_add(TOKEN),
    }
}

/// Formats a duration in at most two units, rounded up, because a forecast is not more precise.
pub(crate) fn brief(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    let seconds = seconds.next_multiple_of(match seconds {
        0..60 => 1,
        60..600 => 5,
        _ => 60,
    });
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}s"),
        (0, minutes, 0) => format!("{minutes}m"),
        (0, minutes, seconds) => format!("{minutes}m {seconds}s"),
        (hours, 0, _) => format!("{hours}h"),
        (hours, minutes, _) => format!("{hours}h {minutes}m"),
    }
}

/// Converts a number of accounts for a calculation. An Organization has 50,000 accounts at most.
pub(crate) fn count(accounts: usize) -> f64 {
    f64::from(u32::try_from(accounts).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_depends_on_the_rate_or_the_concurrency_and_on_the_waits() {
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
    fn durations_have_at_most_two_units() {
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
