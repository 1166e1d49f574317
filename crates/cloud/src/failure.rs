//! The failure of one call: its cause, whether a retry can help, and whether the call might still have taken effect.

use std::fmt;

use super::{ErrorCode, Operation, OwnCode};
use crate::sanitize::cut;
use crate::secret::mask;

/// The longest message, in characters. Every failed account has one in the journal and in each report. AWS's longest, about a wrong
/// signature, have some 1,500 without the session token.
const MAX_MESSAGE: usize = 2048;

/// The longest request id, in characters. AWS's are UUIDs with 36.
const MAX_REQUEST_ID: usize = 64;

/// Returns a text from outside without the secrets that the program holds, and cut to a length. It is masked first, because a part of a
/// secret would not be recognised.
pub(crate) fn from_outside(text: &str, limit: usize) -> String {
    cut(&mask(text), limit).into_owned()
}

/// Returns a request id as it is shown.
pub fn request_id(id: &str) -> String {
    from_outside(id, MAX_REQUEST_ID)
}

/// The kind of a failure, which decides how the visit reacts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The service asks for fewer calls. A later retry helps.
    Throttled,
    /// There was no usable answer, because the connection, the service, or the answer was broken. A retry can help.
    Transient,
    /// The credentials that signed the call have expired or are not accepted.
    Credentials,
    /// The service refused the call. A retry would get the same answer.
    Refused,
}

impl FailureKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Throttled, Self::Transient, Self::Credentials, Self::Refused];

    /// Whether the same call can succeed on a retry.
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::Throttled | Self::Transient => true,
            Self::Credentials | Self::Refused => false,
        }
    }
}

/// Whether a failed call might have taken effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// No: the call did not reach the service, or the service refused it.
    None,
    /// Unknown: the answer was lost, or the service failed while it processed the call.
    Unknown,
}

/// A failed call. Its code is never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The operation that failed.
    pub operation: Operation,
    /// The kind of failure.
    pub kind: FailureKind,
    /// Whether the call might have taken effect.
    pub effect: Effect,
    /// The service's error code. If the service returned none, it is the HTTP status or a code of this program.
    pub code: ErrorCode,
    /// The message of the service or of the network layer, without the secrets that the program holds. It never quotes a response body
    /// that might contain credentials.
    pub message: String,
    /// The HTTP status; `None` if there was no answer.
    pub status: Option<u16>,
    /// AWS's id of the call.
    pub request_id: Option<String>,
}

impl Failure {
    /// Returns a failure whose texts come from outside. Every failure is made here, so that no secret and no text without end gets any
    /// further.
    pub fn new(
        operation: Operation,
        (kind, effect, code, message): (FailureKind, Effect, ErrorCode, String),
        status: Option<u16>,
        id: Option<&str>,
    ) -> Self {
        let message = from_outside(&message, MAX_MESSAGE);
        let code = match code {
            ErrorCode::Other(code) => from_outside(&code, MAX_MESSAGE).into(),
            code => code,
        };
        Self { operation, kind, effect, code, message, status, request_id: id.map(request_id) }
    }

    /// Returns a failure that this program detected, without an answer of AWS. A retry can't help.
    pub fn own(operation: Operation, code: OwnCode, message: String) -> Self {
        Self::new(operation, (FailureKind::Refused, Effect::None, code.into(), message), None, None)
    }

    /// Whether the request or the answer was lost between this machine and AWS.
    pub fn is_unanswered(&self) -> bool {
        use OwnCode::{CertificateRefused, ConnectionFailed, HostNotFound, RequestTimedOut};
        let code = &self.code;
        let is_lost =
            matches!(code, ErrorCode::Own(RequestTimedOut | ConnectionFailed | HostNotFound | CertificateRefused));
        is_lost && self.status.is_none()
    }

    /// Whether the call was not sent because its credentials could not be fetched.
    pub fn has_no_credentials(&self) -> bool {
        self.status.is_none() && self.code == OwnCode::NoCredentials.into()
    }

    /// Whether the service itself refused the call, and not a proxy or this program.
    pub fn is_service_refusal(&self) -> bool {
        self.kind == FailureKind::Refused && self.status.is_some() && matches!(self.code, ErrorCode::Other(_))
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

/// Returns the [`FailureKind`] and the [`Effect`] for the HTTP status of an error answer, and the code in it; `None` if the answer
/// is not an error in the service's own form.
///
/// Only the service can refuse a call. An answer without its code may come from a proxy or a firewall, which may have replaced the
/// answer of a call that took effect.
///
/// The throttling codes come from the SDK's own classifier (aws-runtime 1.10.2, `src/retries/classifiers.rs`). The credential
/// codes come from the common errors of the STS and IAM API references.
pub fn classify(code: Option<&str>, status: u16) -> (FailureKind, Effect) {
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
    let Some(code) = code.filter(|_| status >= 400) else {
        let kind = if status == 429 { FailureKind::Throttled } else { FailureKind::Transient };
        return (kind, Effect::Unknown);
    };
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
    fn codes_and_statuses_are_classified() {
        let table = [
            ("Throttling", 400, FailureKind::Throttled, Effect::None),
            ("TooManyRequestsException", 400, FailureKind::Throttled, Effect::None),
            ("RequestLimitExceeded", 503, FailureKind::Throttled, Effect::None),
            ("SlowDown", 503, FailureKind::Throttled, Effect::None),
            ("SomethingNew", 429, FailureKind::Throttled, Effect::None),
            ("SomethingNew", 408, FailureKind::Transient, Effect::Unknown),
            ("AccessDenied", 500, FailureKind::Transient, Effect::Unknown),
            ("AccessDenied", 200, FailureKind::Transient, Effect::Unknown),
            ("AccessDenied", 302, FailureKind::Transient, Effect::Unknown),
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
            assert_eq!(classify(Some(code), status), (kind, effect), "{code} {status}");
        }
    }

    #[test]
    fn without_a_code_no_status_is_a_refusal() {
        for status in 100..600 {
            let kind = if status == 429 { FailureKind::Throttled } else { FailureKind::Transient };
            assert_eq!(classify(None, status), (kind, Effect::Unknown), "{status}");
        }
    }

    #[test]
    fn only_throttled_and_transient_failures_are_retryable() {
        let retried: Vec<_> = FailureKind::ALL.into_iter().filter(|kind| kind.is_retryable()).collect();
        assert_eq!(retried, [FailureKind::Throttled, FailureKind::Transient]);
    }
}
