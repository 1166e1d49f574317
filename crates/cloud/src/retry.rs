//! Retries: the wait before the next attempt of a call, and the number of the current attempt.
//!
//! The SDK's own retries are switched off. Their quota is one static token bucket for the whole process, which is soon empty when
//! many calls are retried at once. With three throttles for each of 64 concurrent calls, 37 to 59 calls failed although each of
//! them would have succeeded later (measured on aws-smithy-runtime 1.16.2, `src/client/retries/strategy/standard.rs`).

use std::future::Future;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::Instant;

use super::Failure;

/// The first wait, before jitter. It is a tenth of the SDK's first wait, because the rate limiter already spaces the calls of all
/// visits.
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The number of failures after which waits outside the visits stop growing, so that the end of an outage is noticed within 3.2
/// s.
const LAST_DOUBLING: u32 = 6;

/// The maximum wait, before jitter. The SDK has the same maximum.
const MAX_WAIT: Duration = Duration::from_secs(20);

/// How long the program waits for the end of an outage after it has reached AWS once. Restarting a router or reconnecting a VPN
/// takes less time.
pub const MAX_OUTAGE: Duration = Duration::from_mins(5);

/// Returns the wait after the `failed`-th failed attempt (1, 2, …), for a random `jitter` in `[0, 1)`.
///
/// The wait doubles with every attempt. Half of the wait is fixed and half is jitter. With full jitter, a wait could be almost
/// zero, but a throttled visit must not retry at once.
pub fn backoff(failed: u32, jitter: f64) -> Duration {
    let doubled = FIRST_WAIT.saturating_mul(1 << failed.saturating_sub(1).min(16));
    doubled.min(MAX_WAIT).mul_f64(0.5 + 0.5 * jitter)
}

/// How long a call outside the visits fails before it is said that the program waits, and how often it is said again.
const SAID_AFTER: Duration = Duration::from_secs(5);
const SAID_AGAIN_AFTER: Duration = Duration::from_secs(30);

/// Receives the latest failure of a call that the program waits for, and the number of failed attempts.
type OnWait = Box<dyn Fn(&Failure, u32) + Send + Sync>;

/// What says that the program waits. Like the number of the attempt below, it would be a parameter of every function between the
/// command and the call.
static ON_WAIT: OnceLock<OnWait> = OnceLock::new();

/// Sets what says that the program waits for a call outside the visits. The first call in the process decides.
pub fn on_wait(say: impl Fn(&Failure, u32) + Send + Sync + 'static) {
    let _ = ON_WAIT.set(Box::new(say));
}

tokio::task_local! {
    /// The number of the current attempt. The code that counts attempts is far from the code that logs calls, and the functions
    /// in between don't need the number. So the number is attached to the future instead of being a parameter of each function.
    static ATTEMPT: u32;
}

/// Runs a call as the `attempt`-th attempt (1, 2, …). Inside the call, `current_attempt` returns this number.
pub fn as_attempt<F: Future>(attempt: u32, call: F) -> impl Future<Output = F::Output> {
    ATTEMPT.scope(attempt, call)
}

/// Returns the attempt number of the current call.
pub(crate) fn current_attempt() -> u32 {
    ATTEMPT.try_get().unwrap_or(1)
}

/// Repeats a call outside the visits until it succeeds, is refused, or has failed `max_attempts` times.
///
/// # Errors
///
/// Returns the last failure.
pub async fn retry<T>(max_attempts: u32, attempt: impl AsyncFnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    retry_through_outage(Duration::ZERO, max_attempts, attempt).await
}

/// Repeats a call in the same way as [`retry`]. But as long as the call gets no answer, repeats it even after `max_attempts`
/// failures, until `outage` has passed since the first attempt.
pub(crate) async fn retry_through_outage<T>(
    outage: Duration,
    max_attempts: u32,
    mut attempt: impl AsyncFnMut() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let began = Instant::now();
    let (mut failed, mut next_said) = (0, began + SAID_AFTER);
    loop {
        match as_attempt(failed + 1, attempt()).await {
            Ok(value) => return Ok(value),
            Err(failure) => {
                failed += 1;
                let has_attempts_left = failure.kind.is_retryable() && failed < max_attempts;
                let in_outage = failure.is_unanswered() && began.elapsed() < outage;
                if !(has_attempts_left || in_outage) {
                    return Err(failure);
                }
                if Instant::now() >= next_said {
                    next_said = Instant::now() + SAID_AGAIN_AFTER;
                    if let Some(say) = ON_WAIT.get() {
                        say(&failure, failed);
                    }
                }
                tokio::time::sleep(backoff(failed.min(LAST_DOUBLING), fastrand::f64())).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Effect, FailureKind, Operation};

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

    #[tokio::test(start_paused = true)]
    async fn calls_are_repeated_through_an_outage_up_to_its_limit() {
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
    async fn a_call_knows_its_attempt_number() {
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
        let result: Result<(), _> = retry(3, async || {
            seen.push(current_attempt());
            // A concurrent call has its own number.
            let other = as_attempt(7, async { current_attempt() });
            assert_eq!(futures::future::join(other, async { current_attempt() }).await, (7, *seen.last().unwrap()));
            Err(failure.clone())
        })
        .await;
        assert!(result.is_err());
        assert_eq!((seen, current_attempt()), (vec![1, 2, 3], 1));
    }

    #[test]
    fn waits_double_up_to_the_maximum() {
        let table =
            [(1, 100), (2, 200), (3, 400), (7, 6_400), (8, 12_800), (9, 20_000), (40, 20_000), (u32::MAX, 20_000)];
        for (failed, milliseconds) in table {
            let full = Duration::from_millis(milliseconds);
            assert_eq!(backoff(failed, 0.0), full / 2, "{failed}");
            assert!(backoff(failed, 0.999) < full, "{failed}");
        }
    }
}
