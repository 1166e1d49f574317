//! This module owns how long to wait before a call is tried again.
//!
//! The SDK's own retries are switched off. Its retry quota is one static bucket for the whole process, and in a
//! fan-out it runs dry: with three throttles for each of 64 concurrent calls, 37 to 59 of them failed although every
//! one would have succeeded later (measured on aws-smithy-runtime 1.16.2, `src/client/retries/strategy/standard.rs`).

use std::time::Duration;

use super::Failure;

/// The first wait, before jitter. One tenth of the SDK's, because the pace already spaces the calls of all visits.
const FIRST: Duration = Duration::from_millis(100);

/// No wait is longer than this, before jitter; the SDK's own cap.
const LONGEST: Duration = Duration::from_secs(20);

/// How long to wait after the `failed`-th failed attempt (1, 2, …), with `jitter` drawn from `[0, 1)`.
///
/// The wait doubles with every attempt. Half of it is fixed and half is jitter: full jitter would let the first of
/// the waits be next to nothing, and a visit that has been throttled should not come back at once.
#[must_use]
pub fn delay(failed: u32, jitter: f64) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failed.saturating_sub(1).min(16));
    doubled.min(LONGEST).mul_f64(0.5 + 0.5 * jitter)
}

/// Waits before the next attempt.
pub async fn wait(failed: u32) {
    tokio::time::sleep(delay(failed, fastrand::f64())).await;
}

/// Tries a call outside the visits until it succeeds, is refused, or has failed `max_attempts` times.
///
/// # Errors
///
/// When it is refused, or the last try failed.
pub async fn persist<T>(max_attempts: u32, mut attempt: impl AsyncFnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    let mut failed = 0;
    loop {
        match attempt().await {
            Ok(value) => return Ok(value),
            Err(failure) => {
                failed += 1;
                if !failure.kind.is_retryable() || failed >= max_attempts {
                    return Err(failure);
                }
                wait(failed).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let table =
            [(1, 100), (2, 200), (3, 400), (7, 6_400), (8, 12_800), (9, 20_000), (40, 20_000), (u32::MAX, 20_000)];
        for (failed, milliseconds) in table {
            let full = Duration::from_millis(milliseconds);
            assert_eq!(delay(failed, 0.0), full / 2, "{failed}");
            assert!(delay(failed, 0.999) < full, "{failed}");
        }
    }
}
