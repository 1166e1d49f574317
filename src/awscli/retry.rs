//! This module owns when a call is tried again, and after how long, by the rules of the AWS CLI v1.

use std::time::Duration;

use super::unanswered::Unanswered;

/// The retry modes of the AWS CLI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The default of version 1 (botocore 1.43, `retryhandler.py`, `data/_retry.json`).
    Legacy,
    /// That of newer tools (`retries/standard.py`). The mode `adaptive` differs from it only in pacing further calls, and a
    /// command makes one.
    Standard,
}

/// How often and when a call is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Policy {
    pub(super) mode: Mode,
    /// Tries in all, the first included.
    pub(super) max_attempts: u32,
}

/// What became of one try.
pub(super) enum Tried<'a> {
    /// The HTTP status, and the error's code if there is one.
    Answered(u16, Option<&'a str>),
    Unanswered(&'a Unanswered),
}

const LEGACY_CODES: [&str; 5] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "ProvisionedThroughputExceededException",
];

const STANDARD_CODES: [&str; 16] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
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

impl Policy {
    /// Whether such an outcome is worth another try.
    pub(super) fn is_worth_it(self, tried: &Tried<'_>) -> bool {
        match (self.mode, tried) {
            (_, Tried::Unanswered(unanswered)) => came_to_nothing(unanswered),
            (Mode::Legacy, Tried::Answered(status, code)) => {
                matches!(status, 429 | 500 | 502 | 503 | 504 | 509)
                    || (*status == 400 && code.is_some_and(|code| LEGACY_CODES.contains(&code)))
            }
            (Mode::Standard, Tried::Answered(status, code)) => {
                matches!(status, 500 | 502 | 503 | 504) || code.is_some_and(|code| STANDARD_CODES.contains(&code))
            }
        }
    }

    /// How long to wait after this many tries. `random` is from 0 to 1.
    pub(super) fn wait(self, tries: u32, random: f64) -> Duration {
        let doubled = random * 2_f64.powi(i32::try_from(tries).unwrap_or(i32::MAX).saturating_sub(1).min(30));
        Duration::from_secs_f64(match self.mode {
            Mode::Legacy => doubled,
            Mode::Standard => doubled.min(20.0),
        })
    }

    /// The value of `amz-sdk-request`.
    pub(super) fn header(self, attempt: u32) -> String {
        if attempt == 1 { "attempt=1".to_owned() } else { format!("attempt={attempt}; max={}", self.max_attempts) }
    }
}

const fn came_to_nothing(unanswered: &Unanswered) -> bool {
    match unanswered {
        Unanswered::Unreachable { .. }
        | Unanswered::ConnectTimeout { .. }
        | Unanswered::ReadTimeout { .. }
        | Unanswered::Closed { .. }
        | Unanswered::Tls { .. }
        | Unanswered::Proxy { .. } => true,
        Unanswered::NoCredentials | Unanswered::NoRegion | Unanswered::Credentials(_) | Unanswered::Other(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_again() {
        for (status, code, legacy, standard) in [
            (400, Some("Throttling"), true, true),
            (400, Some("RequestLimitExceeded"), false, true),
            (403, Some("Throttling"), false, true),
            (429, None, true, false),
            (500, Some("ServiceFailure"), true, true),
            (501, None, false, false),
            (509, None, true, false),
            (403, Some("AccessDenied"), false, false),
            (400, Some("RequestTimeout"), false, true),
        ] {
            for (mode, expected) in [(Mode::Legacy, legacy), (Mode::Standard, standard)] {
                let policy = Policy { mode, max_attempts: 5 };
                assert_eq!(policy.is_worth_it(&Tried::Answered(status, code)), expected, "{mode:?} {status} {code:?}");
            }
        }
        let policy = Policy { mode: Mode::Legacy, max_attempts: 5 };
        let url = || "http://x".to_owned();
        for (unanswered, expected) in [
            (Unanswered::Unreachable { url: url() }, true),
            (Unanswered::ConnectTimeout { url: url() }, true),
            (Unanswered::ReadTimeout { url: url() }, true),
            (Unanswered::Closed { url: url() }, true),
            (Unanswered::Tls { url: url(), detail: String::new() }, true),
            (Unanswered::Proxy { url: url() }, true),
            (Unanswered::NoCredentials, false),
            (Unanswered::NoRegion, false),
            (Unanswered::Credentials(String::new()), false),
            (Unanswered::Other(String::new()), false),
        ] {
            assert_eq!(policy.is_worth_it(&Tried::Unanswered(&unanswered)), expected, "{unanswered:?}");
        }
    }

    #[test]
    fn waits_double_with_full_jitter() {
        let legacy = Policy { mode: Mode::Legacy, max_attempts: 5 };
        let seconds: Vec<f64> = (1..=6).map(|tries| legacy.wait(tries, 1.0).as_secs_f64()).collect();
        assert_eq!(seconds, [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]);
        assert_eq!(legacy.wait(4, 0.25), Duration::from_secs(2));
        let standard = Policy { mode: Mode::Standard, max_attempts: 3 };
        assert_eq!(standard.wait(6, 1.0), Duration::from_secs(20));
        assert_eq!(legacy.header(1), "attempt=1");
        assert_eq!(legacy.header(2), "attempt=2; max=5");
    }
}
