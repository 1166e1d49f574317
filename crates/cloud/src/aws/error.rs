//! Converts the SDK's errors into [`Failure`]s.
//!
//! The SDK's own error messages are never printed as a whole, because they can include the raw answer, and the answer of
//! AssumeRole contains credentials.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use http_body_util::LengthLimitError;

use super::super::failure::classify;
use super::super::{Effect, ErrorCode, Failure, FailureKind, Operation, OwnCode};
use super::body_limit::MAX_BODY;
use super::refusal::{self, ServiceError};
use super::timeouts;
use super::tunnel::{HOST_OF_ANSWER, TunnelRefused};

/// The error type of an operation in the SDK.
pub(crate) trait OperationError: ProvideErrorMetadata + RequestId + Error + 'static {}
impl<E: ProvideErrorMetadata + RequestId + Error + 'static> OperationError for E {}

/// Converts an error of the SDK.
pub(super) fn failure<E: OperationError>(operation: Operation, error: &SdkError<E, HttpResponse>) -> Failure {
    let status = error.raw_response().map(|response| response.status().as_u16()).or_else(|| chained_role_status(error));
    let cause = match error {
        SdkError::ServiceError(answer) => {
            let status = answer.raw().status().as_u16();
            let body = answer.raw().body().bytes().unwrap_or_default();
            let error_type = answer.raw().headers().get(refusal::ERROR_TYPE);
            let error = refusal::read(operation, body, error_type).filter(|_| status >= 400);
            let (kind, effect) = classify(error.as_ref().map(|error| error.code.as_str()), status);
            match error {
                Some(ServiceError { code, message }) => (kind, effect, code.into(), message),
                // If the SDK can't parse a successful answer, it reports a service error without a code.
                None if status < 400 => unreadable(operation, status, &from_host(answer.raw()), answer.err()),
                None => (
                    kind,
                    effect,
                    ErrorCode::http_status(status),
                    format!("HTTP status {status}{} with a body that names no AWS error", from_host(answer.raw())),
                ),
            }
        }
        SdkError::ResponseError(response) => {
            let answer = response.raw();
            unreadable(operation, answer.status().as_u16(), &from_host(answer), error)
        }
        SdkError::TimeoutError(_) => {
            let message = format!("no answer within {} s", timeouts::ATTEMPT.as_secs());
            (FailureKind::Transient, Effect::Unknown, OwnCode::RequestTimedOut.into(), message)
        }
        SdkError::DispatchFailure(dispatch) => match dispatch.as_connector_error() {
            Some(error) => connector(error),
            None => (FailureKind::Transient, Effect::Unknown, OwnCode::ConnectionFailed.into(), chain(error)),
        },
        SdkError::ConstructionFailure(_) => unsent(error),
        other => (FailureKind::Transient, Effect::Unknown, OwnCode::ConnectionFailed.into(), chain(other)),
    };
    Failure::new(operation, cause, status, error.request_id())
}

/// Converts an error that occurred when the credentials for a request were fetched.
pub(super) fn without_credentials(operation: Operation, error: &CredentialsError) -> Failure {
    Failure::new(operation, unsent(error), chained_role_status(error), None)
}

/// A role of a profile, or of `--via-role`, could not be assumed.
#[derive(Debug, thiserror::Error)]
#[error("the role {role} in the chain to the accounts can't be assumed: {failure}")]
pub struct ChainedRoleError {
    /// The ARN of the role.
    pub role: String,
    /// Why it can't be assumed.
    pub failure: Failure,
}

/// An answer lacks something that every answer of the service has. Contains what it lacks.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct IncompleteAnswer(pub(super) String);

type Cause = (FailureKind, Effect, ErrorCode, String);

/// Returns the cause for an answer that does not come from the called service, or that was damaged on the way.
fn unreadable(operation: Operation, status: u16, host: &str, error: &(dyn Error + 'static)) -> Cause {
    let detail = if find::<LengthLimitError>(error).is_some() {
        format!(": it is longer than {MAX_BODY} bytes")
    } else {
        find::<IncompleteAnswer>(error).map_or_else(String::new, |IncompleteAnswer(lack)| format!(": {lack}"))
    };
    let message = format!("HTTP status {status}{host} with a body that is not an answer to {operation}{detail}");
    (FailureKind::Transient, Effect::Unknown, OwnCode::UnreadableAnswer.into(), message)
}

/// Returns the failure for a successful answer that lacks something. A retry can help.
pub(super) fn incomplete(operation: Operation, lack: &str, request_id: Option<&str>) -> Failure {
    Failure::new(operation, unreadable(operation, 200, "", &IncompleteAnswer(lack.to_owned())), Some(200), request_id)
}

/// Returns ` from` and the host that the request was sent to. A proxy may have answered in its place.
fn from_host(answer: &HttpResponse) -> String {
    answer.headers().get(HOST_OF_ANSWER).map_or_else(String::new, |host| format!(" from {host}"))
}

/// Returns the error of the role that could not be assumed. In a chain of roles, the error of the first role that refused is the
/// innermost one.
pub fn chained_role_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a ChainedRoleError> {
    with_sources(error).filter_map(|error| error.downcast_ref()).last()
}

/// Returns the HTTP status of AWS's answer for the role that could not be assumed. If there was an answer, the source of the
/// credentials can be reached.
fn chained_role_status(error: &(dyn Error + 'static)) -> Option<u16> {
    chained_role_error(error).and_then(|refused| refused.failure.status)
}

/// Returns the cause for a request that was not sent, usually because there were no credentials to sign it.
fn unsent(error: &(dyn Error + 'static)) -> Cause {
    if let Some(refused) = chained_role_error(error) {
        let (kind, code) = match refused.failure.kind {
            kind @ (FailureKind::Throttled | FailureKind::Transient) => (kind, refused.failure.code.clone()),
            FailureKind::Credentials | FailureKind::Refused => {
                (FailureKind::Credentials, OwnCode::NoCredentials.into())
            }
        };
        return (kind, Effect::None, code, refused.to_string());
    }
    match find::<CredentialsError>(error) {
        Some(slow @ CredentialsError::ProviderTimedOut(_)) => {
            (FailureKind::Transient, Effect::None, OwnCode::NoCredentials.into(), chain(slow))
        }
        Some(credentials) => {
            (FailureKind::Credentials, Effect::None, OwnCode::NoCredentials.into(), chain(credentials))
        }
        None => (FailureKind::Refused, Effect::None, OwnCode::RequestNotBuilt.into(), chain(error)),
    }
}

/// The system's error codes for too many open files, in the process or in the whole system. AWS may be reachable all the same, and the
/// request was not sent.
const OUT_OF_FILES: [i32; 2] = [rustix::io::Errno::MFILE.raw_os_error(), rustix::io::Errno::NFILE.raw_os_error()];

/// Returns the cause for a request without an answer. Whether the request might have arrived depends on where it failed.
fn connector(error: &ConnectorError) -> Cause {
    let message = chain(error);
    if find::<CredentialsError>(error).is_some() || error.is_user() {
        return unsent(error);
    }
    let lower = message.to_ascii_lowercase();
    // The SDK's own limit for credentials, whose type is private. A visit reaches it if it waits for the fetch of another visit first.
    if lower.contains("identity resolver timed out") {
        return (FailureKind::Transient, Effect::None, OwnCode::NoCredentials.into(), message);
    }
    let has_no_files = find::<std::io::Error>(error)
        .and_then(std::io::Error::raw_os_error)
        .is_some_and(|code| OUT_OF_FILES.contains(&code));
    if has_no_files {
        return (FailureKind::Transient, Effect::None, OwnCode::TooManyOpenFiles.into(), message);
    }
    if let Some(refused) = find::<TunnelRefused>(error) {
        let kind = if refused.is_final() { FailureKind::Refused } else { FailureKind::Transient };
        return (kind, Effect::None, OwnCode::ConnectionFailed.into(), refused.to_string());
    }
    let refused = find::<std::io::Error>(error).is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused);
    // The HTTP client's types for a failed name resolution and for an untrusted certificate are private, so only the messages
    // distinguish these errors.
    if lower.contains("dns error") || lower.contains("failed to lookup address") {
        (FailureKind::Transient, Effect::None, OwnCode::HostNotFound.into(), message)
    } else if lower.contains("invalid peer certificate") {
        (FailureKind::Refused, Effect::None, OwnCode::CertificateRefused.into(), message)
    } else if error.is_timeout() {
        let connecting = lower.contains("connect timeout") || lower.contains("http connect");
        let effect = if connecting { Effect::None } else { Effect::Unknown };
        (FailureKind::Transient, effect, OwnCode::RequestTimedOut.into(), message)
    } else {
        let effect = if refused { Effect::None } else { Effect::Unknown };
        (FailureKind::Transient, effect, OwnCode::ConnectionFailed.into(), message)
    }
}

/// Returns the first error of this type in the chain of sources.
pub fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    with_sources(error).find_map(|error| error.downcast_ref())
}

/// Returns the error and its sources, from the outermost to the innermost.
fn with_sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// The text before the stderr of a `credential_process` in the SDK's message (aws-config 1.13.0, `credential_process.rs`). The
/// stderr is not shown, because scripts can write secrets to it, for example with `set -x`.
const PROCESS_STDERR: &str = ". Stderr: ";

/// Returns the message of one error in one line, without the `Debug` output that the SDK puts into some messages.
fn message_of(error: &(dyn Error + 'static)) -> String {
    if let Some(metadata) = error.downcast_ref::<ErrorMetadata>() {
        let parts = [metadata.code(), metadata.message()];
        return parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
    }
    let text = error.to_string().replace("StatusCode(", "status (");
    let text = match text.split_once(PROCESS_STDERR) {
        // 127 is the shell's exit code for a missing command.
        Some((before, _)) if before.ends_with(" 127") => format!("{before}: the command was not found"),
        Some((before, stderr)) if !stderr.trim().is_empty() => {
            format!(
                "{before}; its stderr is not shown, because it may contain secrets: run the command of credential_process by hand"
            )
        }
        Some((before, _)) => before.to_owned(),
        None => text,
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns the messages of the error and its sources in one line. Messages that an outer error already contains are skipped.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for part in with_sources(error).map(message_of) {
        // Some of the SDK's messages show the whole request with its body.
        if part.contains("SdkBody") {
            continue;
        }
        if !text.contains(&part) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&part);
        }
    }
    if text.is_empty() { "the request could not be sent as it was built".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The message is that of `TimedOutError` in aws-smithy-runtime's `client/identity/cache/lazy.rs`.
    #[test]
    fn an_identity_that_comes_too_late_is_no_lost_connection() {
        let late = ConnectorError::other("identity resolver timed out after 20s".into(), None);
        let (kind, effect, code, message) = connector(&late);
        assert_eq!((kind, effect), (FailureKind::Transient, Effect::None));
        assert_eq!(code.as_str(), "NoCredentials", "{message}");
        let lost = ConnectorError::other("the connection was reset".into(), None);
        assert_eq!(connector(&lost).2.as_str(), "ConnectionFailed");
    }

    #[test]
    fn a_chained_role_that_fails_passes_on_its_kind_and_code() {
        let table = [
            (FailureKind::Throttled, "Throttling", Some(400), FailureKind::Throttled, "Throttling"),
            (FailureKind::Transient, "ConnectionFailed", None, FailureKind::Transient, "ConnectionFailed"),
            (FailureKind::Refused, "AccessDenied", Some(403), FailureKind::Credentials, "NoCredentials"),
        ];
        for (kind, code, status, expected, expected_code) in table {
            let failure = Failure {
                operation: Operation::AssumeRole,
                kind,
                effect: Effect::None,
                code: code.into(),
                message: "why".to_owned(),
                status,
                request_id: None,
            };
            let refused = ChainedRoleError { role: "arn:aws:iam::000000000100:role/Hub".to_owned(), failure };
            let error = CredentialsError::provider_error(refused);
            let failure = without_credentials(Operation::GetCallerIdentity, &error);
            assert_eq!((failure.kind, failure.code.as_str(), failure.status), (expected, expected_code, status));
            assert!(failure.message.contains("role/Hub") && failure.message.contains(code), "{failure}");
            assert!(!failure.has_no_credentials() || status.is_none(), "AWS has answered");
        }
        let nothing = CredentialsError::not_loaded("the file is gone");
        let failure = without_credentials(Operation::GetCallerIdentity, &nothing);
        assert!(failure.has_no_credentials() && failure.message.contains("the file is gone"), "{failure}");
    }
}
