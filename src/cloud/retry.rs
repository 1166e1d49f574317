//! This module owns how long to wait before a call is tried again, and which try of it is under way.
//!
//! The SDK's own retries are switched off. Its retry quota is one static bucket for the whole process, and in a
//! fan-out it runs dry: with three throttles for each of 64 concurrent calls, 37 to 59 of them failed although every
//! one would have succeeded later (measured on aws-smithy-runtime 1.16.2, `src/client/retries/strategy/standard.rs`).

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

use super::Failure;

/// The first wait, before jitter. One tenth of the SDK's, because the pace already spaces the calls of all visits.
const FIRST: Duration = Duration::from_millis(100);

/// From this failure on the waits grow no longer outside the visits, so that the end of an outage is noticed within 3.2 s.
const LONG_ENOUGH: u32 = 6;

/// No wait is longer than this, before jitter; the SDK's own cap.
const LONGEST: Duration = Duration::from_secs(20);

/// How long an outage may last once AWS was reached: longer than a router takes to restart, or a VPN to connect again.
pub(crate) const MAX_OUTAGE: Duration = Duration::from_mins(5);

/// How long to wait after the `failed`-th failed attempt (1, 2, …), with `jitter` drawn from `[0, 1)`.
///
/// The wait doubles with every attempt. Half of it is fixed and half is jitter: full jitter would let the first of
/// the waits be next to nothing, and a visit that has been throttled should not come back at once.
pub(crate) fn backoff(failed: u32, jitter: f64) -> Duration {
    let doubled = FIRST.saturating_mul(1 << failed.saturating_sub(1).min(16));
    doubled.min(LONGEST).mul_f64(0.5 + 0.5 * jitter)
}

tokio::task_local! {
    /// Whoever decides on tries is far from where a call is sent and logged, and the calls between them have no use for the
    /// number. So it goes with the future and not with each signature.
    static ATTEMPT: u32;
}

/// Makes a call the `attempt`-th try (1, 2, …), for [`attempt`] to tell.
pub(crate) fn as_attempt<F: Future>(attempt: u32, call: F) -> impl Future<Output = F::Output> {
    ATTEMPT.scope(attempt, call)
}

/// Which try the call is that asks.
pub(crate) fn current_attempt() -> u32 {
    ATTEMPT.try_get().unwrap_or(1)
}

/// Waits before the next attempt.
pub(crate) async fn wait(failed: u32) {
    tokio::time::sleep(backoff(failed, fastrand::f64())).await;
}

/// Tries a call outside the visits until it succeeds, is refused, or has failed `max_attempts` times.
///
/// # Errors
///
/// When it is refused, or the last try failed.
pub(crate) async fn retry<T>(
    max_attempts: u32,
    attempt: impl AsyncFnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    retry_through_outage(Duration::ZERO, max_attempts, attempt).await
}

/// The same in the midst of many calls: where nobody answers, it goes on trying for as long as an outage may last.
///
/// # Errors
///
/// When it is refused, or the last try failed and the outage, if there is one, has lasted for too long.
pub(crate) async fn retry_through_outage<T>(
    outage: Duration,
    max_attempts: u32,
    mut attempt: impl AsyncFnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let began = Instant::now();
    let mut failed = 0;
    loop {
        match as_attempt(failed + 1, attempt()).await {
            Ok(value) => return Ok(value),
            Err(failure) => {
                failed += 1;
                let tries_left = failure.kind.is_retryable() && failed < max_attempts;
                let in_outage = failure.is_unanswered() && began.elapsed() < outage;
                if !(tries_left || in_outage) {
                    return Err(failure);
                }
                wait(failed.min(LONG_ENOUGH)).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{Effect, FailureKind, Operation};

    fn failure(code: &str) -> Failure {
        Failure {
            operation: Operation::ListAccounts,
            kind: FailureKind::Transient,
            effect: Effect::Unknown,
            code: code.into(),
            message: String::new(),
            status: None,
            request_id: None,
        }
    }

    /// An outage is waited for in the midst of a listing, and neither at its start nor where somebody answers.
    #[tokio::test(start_paused = true)]
    async fn an_outage_is_waited_out_where_that_was_asked_for() {
        let table = [
            (MAX_OUTAGE, "ConnectionFailed", 60, true),
            (MAX_OUTAGE, "HostNotFound", 60, true),
            (MAX_OUTAGE, "ConnectionFailed", 600, false),
            (MAX_OUTAGE, "ServiceException", 60, false),
            (Duration::ZERO, "ConnectionFailed", 60, false),
        ];
        for (patience, code, seconds, survives) in table {
            let began = Instant::now();
            let lasts = Duration::from_secs(seconds);
            let attempt = async || if began.elapsed() < lasts { Err(failure(code)) } else { Ok(()) };
            let result = retry_through_outage(patience, 4, attempt).await;
            assert_eq!(result.is_ok(), survives, "{patience:?} {code} {seconds}");
            let limit = if survives { lasts } else { patience } + Duration::from_secs(4);
            assert!(began.elapsed() < limit, "{code} {seconds}: {:?}", began.elapsed());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_knows_which_try_it_is() {
        let mut seen = Vec::new();
        let failure = Failure {
            operation: Operation::ListAccounts,
            kind: FailureKind::Throttled,
            effect: Effect::None,
            code: "".into(),
            message: String::new(),
            status: None,
            request_id: None,
        };
        let told: Result<(), _> = retry(3, async || {
            seen.push(current_attempt());
            // Another call meanwhile has a number of its own.
            let other = as_attempt(7, async { current_attempt() });
            assert_eq!(futures::future::join(other, async { current_attempt() }).await, (7, *seen.last().unwrap()));
            Err(failure.clone())
        })
        .await;
        assert!(told.is_err());
        assert_eq!((seen, current_attempt()), (vec![1, 2, 3], 1));
    }

    #[test]
    fn waits_double_up_to_the_longest() {
        let table =
            [(1, 100), (2, 200), (3, 400), (7, 6_400), (8, 12_800), (9, 20_000), (40, 20_000), (u32::MAX, 20_000)];
        for (failed, milliseconds) in table {
            let full = Duration::from_millis(milliseconds);
            assert_eq!(backoff(failed, 0.0), full / 2, "{failed}");
            assert!(backoff(failed, 0.999) < full, "{failed}");
        }
    }
}
