//! This module owns the failure of one call: what went wrong, whether trying again can help, and whether the call
//! may have taken effect all the same.

use std::fmt;

use super::Operation;

/// What kind of failure it is, which decides what is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The service asks for fewer calls. Trying again helps, later.
    Throttled,
    /// No usable answer: the connection, the service, or the answer itself was broken. Trying again may help.
    Transient,
    /// The credentials that signed the call are expired or are not accepted.
    Credentials,
    /// The service refused. Asking again would give the same answer.
    Refused,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Throttled, Self::Transient, Self::Credentials, Self::Refused];

    /// Whether the same call may succeed later.
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::Throttled | Self::Transient => true,
            Self::Credentials | Self::Refused => false,
        }
    }
}

/// Whether a call that failed may have been carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It never reached the service, or the service said no.
    None,
    /// Nobody can tell from the failure: the answer was lost, or the service broke while working on it.
    Unknown,
}

/// One call that failed. The cause is always there: the service's own code, or one of [`code`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The operation that failed.
    pub operation: Operation,
    /// What kind of failure it is.
    pub kind: FailureKind,
    /// Whether it may have taken effect.
    pub effect: Effect,
    /// The service's error code, or one of ours where the service gave none.
    pub code: String,
    /// What the service or the network layer said. Never part of a response body that could hold credentials.
    pub message: String,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The id under which AWS logged the call.
    pub request_id: Option<String>,
}

impl Failure {
    /// Returns a failure that this program found, not AWS.
    pub(crate) fn own(operation: Operation, code: &str, message: String) -> Self {
        Self {
            operation,
            kind: FailureKind::Refused,
            effect: Effect::None,
            code: code.to_owned(),
            message,
            status: None,
            request_id: None,
        }
    }

    /// Whether nobody answered: the request, or the answer, got lost on the way between here and AWS.
    pub fn is_silence(&self) -> bool {
        self.status.is_none() && [code::TIMEOUT, code::CONNECTION, code::DNS, code::TLS].contains(&self.code.as_str())
    }

    /// Whether there were no credentials to sign the call with: they could not be fetched from where they come from.
    pub fn is_unsigned(&self) -> bool {
        self.status.is_none() && self.code == code::NO_CREDENTIALS
    }

    /// Whether the service looked at the request and said no: with an answer that names an error of its own.
    pub fn is_the_services_no(&self) -> bool {
        self.kind == FailureKind::Refused
            && self.status.is_some()
            && !self.code.starts_with(code::HTTP_STATUS)
            && !code::ALL.contains(&self.code.as_str())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} failed with {}", self.operation, self.code)?;
        if !self.message.is_empty() {
            write!(f, ": {}", self.message)?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request id {id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Failure {}

/// The error codes that are ours, for failures in which AWS did not get to speak.
pub mod code {
    /// No answer within the time limit of one attempt.
    pub const TIMEOUT: &str = "RequestTimedOut";
    /// The connection could not be made, or broke.
    pub const CONNECTION: &str = "ConnectionFailed";
    /// The host's name could not be resolved.
    pub const DNS: &str = "HostNotFound";
    /// The other side's certificate is not trusted.
    pub const TLS: &str = "CertificateRefused";
    /// An answer came that is not one of this service.
    pub const UNREADABLE: &str = "UnreadableAnswer";
    /// The base credentials could not be obtained.
    pub const NO_CREDENTIALS: &str = "NoCredentials";
    /// The session is in another account than the one asked for.
    pub const WRONG_ACCOUNT: &str = "WrongAccount";
    /// The request could not be built.
    pub const NOT_SENT: &str = "RequestNotBuilt";
    /// The visit took longer than `--account-timeout`.
    pub const ACCOUNT_TIMEOUT: &str = "AccountTimeout";
    /// Set was accepted, but the read-back went on showing another version.
    pub const NOT_READ_BACK: &str = "NotReadBack";
    /// Set was accepted, but the summary has no version at all, so that nothing can be read back.
    pub const NOT_SHOWN: &str = "VersionNotShown";
    /// Set was accepted, and `--verify none` asked for no read-back.
    pub const NOT_VERIFIED: &str = "NotVerified";

    /// The setting was read back, but a token of the global STS endpoint was not accepted in the opt-in Region in time.
    pub const TOKEN_REFUSED: &str = "TokenRefused";
    /// The run ended between its intent to set the account and the outcome.
    pub const INTERRUPTED: &str = "Interrupted";
    /// The journal can't be written, so nothing was sent.
    pub const JOURNAL: &str = "JournalNotWritable";
    /// The account is not as the run that is to be undone left it.
    pub const DRIFTED: &str = "Drifted";

    /// How the code of an answer begins that names no error of AWS. The status follows.
    pub const HTTP_STATUS: &str = "HttpStatus";

    /// All whole ones.
    pub const ALL: [&str; 16] = [
        TIMEOUT,
        CONNECTION,
        DNS,
        TLS,
        UNREADABLE,
        NO_CREDENTIALS,
        WRONG_ACCOUNT,
        NOT_SENT,
        ACCOUNT_TIMEOUT,
        NOT_READ_BACK,
        NOT_SHOWN,
        NOT_VERIFIED,
        TOKEN_REFUSED,
        INTERRUPTED,
        JOURNAL,
        DRIFTED,
    ];
}

/// Sorts a service's error code and HTTP status into a [`FailureKind`] and an [`Effect`].
///
/// The throttling codes are those of the SDK's own classifier (aws-runtime 1.10.2,
/// `src/retries/classifiers.rs`); the credential codes are from the common errors of the STS and IAM API references.
pub fn classify(code: &str, status: u16) -> (FailureKind, Effect) {
    const THROTTLED: &[&str] = &[
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "RequestThrottled",
        "SlowDown",
        "PriorRequestNotComplete",
    ];
    const TRANSIENT: &[&str] = &["RequestTimeout", "RequestTimeoutException", "IDPCommunicationError", "InternalError"];
    const CREDENTIALS: &[&str] = &[
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidAccessKeyId",
        "InvalidToken",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
    ];
    if THROTTLED.contains(&code) || status == 429 {
        (FailureKind::Throttled, Effect::None)
    } else if TRANSIENT.contains(&code) || status >= 500 || status == 408 {
        (FailureKind::Transient, Effect::Unknown)
    } else if CREDENTIALS.contains(&code) {
        (FailureKind::Credentials, Effect::None)
    } else {
        (FailureKind::Refused, Effect::None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_statuses_are_sorted() {
        let table = [
            ("Throttling", 400, FailureKind::Throttled, Effect::None),
            ("TooManyRequestsException", 400, FailureKind::Throttled, Effect::None),
            ("RequestLimitExceeded", 503, FailureKind::Throttled, Effect::None),
            ("", 429, FailureKind::Throttled, Effect::None),
            ("ServiceFailure", 500, FailureKind::Transient, Effect::Unknown),
            ("ServiceUnavailable", 503, FailureKind::Transient, Effect::Unknown),
            ("RequestTimeout", 400, FailureKind::Transient, Effect::Unknown),
            ("ExpiredToken", 403, FailureKind::Credentials, Effect::None),
            ("InvalidClientTokenId", 403, FailureKind::Credentials, Effect::None),
            ("SignatureDoesNotMatch", 403, FailureKind::Credentials, Effect::None),
            ("AccessDenied", 403, FailureKind::Refused, Effect::None),
            ("RegionDisabledException", 403, FailureKind::Refused, Effect::None),
            ("ValidationError", 400, FailureKind::Refused, Effect::None),
            ("SomethingNew", 400, FailureKind::Refused, Effect::None),
        ];
        for (code, status, kind, effect) in table {
            assert_eq!(classify(code, status), (kind, effect), "{code} {status}");
        }
    }

    #[test]
    fn only_throttles_and_broken_answers_are_tried_again() {
        let retried: Vec<_> = FailureKind::ALL.into_iter().filter(|kind| kind.is_retryable()).collect();
        assert_eq!(retried, [FailureKind::Throttled, FailureKind::Transient]);
    }
}
