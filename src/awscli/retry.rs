//! Which attempts are retried, and after how long, by the rules of the AWS CLI v1.

use std::time::Duration;

use super::errors::AwsCliError;

/// A retry mode of the AWS CLI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RetryMode {
    /// The default mode of version 1 (botocore 1.43, `retryhandler.py`, `data/_retry.json`).
    Legacy,
    /// The mode of newer tools (`retries/standard.py`). The mode `adaptive` differs from this mode only in the rate of further
    /// calls. A command makes only one call, so both modes are the same here.
    Standard,
}

/// Which attempts are retried, and how often.
#[derive(Clone, Copy, Debug)]
pub(super) struct RetryPolicy {
    pub(super) mode: RetryMode,
    /// The largest number of attempts, including the first one.
    pub(super) max_attempts: u32,
}

/// The codes that both modes retry.
const THROTTLING_CODES: [&str; 5] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "ProvisionedThroughputExceededException",
];

/// The codes that only the standard mode retries.
const STANDARD_CODES: [&str; 11] = [
    "TooManyRequestsException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
];

impl RetryPolicy {
    /// Whether an attempt that ended with this error can be retried.
    pub(super) fn is_retryable(self, error: &AwsCliError) -> bool {
        let AwsCliError::Service { status, code, .. } = error else { return matches!(error, AwsCliError::NoAnswer(_)) };
        let is_throttling = THROTTLING_CODES.contains(&code.as_str());
        matches!(status, 500 | 502 | 503 | 504)
            || match self.mode {
                RetryMode::Legacy => matches!(status, 429 | 509) || (*status == 400 && is_throttling),
                RetryMode::Standard => is_throttling || STANDARD_CODES.contains(&code.as_str()),
            }
    }

    /// The wait after this many attempts. `random` is from 0 to 1.
    pub(super) fn wait(self, attempts: u32, random: f64) -> Duration {
        let doubled = random * 2_f64.powi(i32::try_from(attempts).unwrap_or(i32::MAX).saturating_sub(1).min(30));
        Duration::from_secs_f64(match self.mode {
            RetryMode::Legacy => doubled,
            RetryMode::Standard => doubled.min(20.0),
        })
    }

    /// The value of the header `amz-sdk-request`.
    pub(super) fn header(self, attempt: u32) -> String {
        if attempt == 1 { "attempt=1".to_owned() } else { format!("attempt={attempt}; max={}", self.max_attempts) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_retried_as_by_the_aws_cli() {
        let unknown = "Unknown";
        for (status, code, legacy, standard) in [
            (400, "Throttling", true, true),
            (400, "RequestLimitExceeded", false, true),
            (403, "Throttling", false, true),
            (429, unknown, true, false),
            (500, "ServiceFailure", true, true),
            (501, unknown, false, false),
            (509, unknown, true, false),
            (403, "AccessDenied", false, false),
            (400, "RequestTimeout", false, true),
        ] {
            for (mode, expected) in [(RetryMode::Legacy, legacy), (RetryMode::Standard, standard)] {
                let policy = RetryPolicy { mode, max_attempts: 5 };
                let (code, message) = (code.to_owned(), String::new());
                let error = AwsCliError::Service { status, code, message, operation: "", retries: None };
                assert_eq!(policy.is_retryable(&error), expected, "{mode:?} {error:?}");
            }
        }
        let policy = RetryPolicy { mode: RetryMode::Legacy, max_attempts: 5 };
        for (error, expected) in [
            (AwsCliError::tls("http://x", ""), true),
            (AwsCliError::connection_closed("http://x"), true),
            (AwsCliError::NoAnswer(String::new()), true),
            (AwsCliError::NoCredentials, false),
            (AwsCliError::NoRegion, false),
            (AwsCliError::Unhandled(String::new()), false),
            (AwsCliError::Other(String::new()), false),
        ] {
            assert_eq!(policy.is_retryable(&error), expected, "{error:?}");
        }
    }

    #[test]
    fn waits_double_with_full_jitter() {
        let legacy = RetryPolicy { mode: RetryMode::Legacy, max_attempts: 5 };
        let seconds: Vec<f64> = (1..=6).map(|attempts| legacy.wait(attempts, 1.0).as_secs_f64()).collect();
        assert_eq!(seconds, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]);
        assert_eq!(legacy.wait(4, 0.25), Duration::from_secs(2));
        let standard = RetryPolicy { mode: RetryMode::Standard, max_attempts: 3 };
        assert_eq!(standard.wait(6, 1.0), Duration::from_secs(20));
        assert_eq!(legacy.header(1), "attempt=1");
        assert_eq!(legacy.header(2), "attempt=2; max=5");
    }
}
