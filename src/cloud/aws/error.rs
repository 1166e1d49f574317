//! This module owns the translation of the SDK's errors: every one of them becomes a [`Failure`] with its cause.
//!
//! The SDK's own rendering is never used. It can include the raw answer, and AssumeRole's answer is made of credentials.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;

use super::super::failure::classify;
use super::super::{Effect, ErrorCode, Failure, FailureKind, Operation, OwnCode};
use super::timeouts;

/// An operation's modelled error.
pub(crate) trait OperationError: ProvideErrorMetadata + RequestId + Error + 'static {}
impl<E: ProvideErrorMetadata + RequestId + Error + 'static> OperationError for E {}

/// Translates one error of the SDK.
pub(super) fn failure<E: OperationError>(operation: Operation, error: &SdkError<E, HttpResponse>) -> Failure {
    let request_id = error.request_id().map(str::to_owned);
    let status = error.raw_response().map(|response| response.status().as_u16()).or_else(|| hop_status(error));
    let (kind, effect, code, message) = match error {
        SdkError::ServiceError(refusal) => {
            let status = refusal.raw().status().as_u16();
            let code = refusal.err().code().filter(|code| !code.is_empty());
            let (kind, effect) = classify(code.unwrap_or_default(), status);
            let message = refusal.err().message().unwrap_or_default().to_owned();
            match code {
                Some(code) => (kind, effect, code.into(), message),
                // The SDK takes a success that it can't read for a refusal without a code.
                None if status < 400 => unreadable(operation, status),
                None => (
                    kind,
                    effect,
                    ErrorCode::http_status(status),
                    format!("HTTP status {status} with a body that names no AWS error"),
                ),
            }
        }
        SdkError::ResponseError(response) => unreadable(operation, response.raw().status().as_u16()),
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
    Failure { operation, kind, effect, code, message, status, request_id }
}

/// Translates the failure to get credentials for a request.
pub(super) fn without_credentials(operation: Operation, error: &CredentialsError) -> Failure {
    let (kind, effect, code, message) = unsent(error);
    Failure { operation, kind, effect, code, message, status: hop_status(error), request_id: None }
}

/// A role on the way could not be assumed.
#[derive(Debug, thiserror::Error)]
#[error("the role {role} on the way to the accounts can't be assumed: {failure}")]
pub(super) struct ChainedRoleError {
    pub(super) role: String,
    pub(super) failure: Failure,
}

type Cause = (FailureKind, Effect, ErrorCode, String);

/// Something answered that is not this service, or its answer was damaged on the way.
fn unreadable(operation: Operation, status: u16) -> Cause {
    let message = format!("HTTP status {status} with a body that is not an answer to {operation}");
    (FailureKind::Transient, Effect::Unknown, OwnCode::UnreadableAnswer.into(), message)
}

/// The role on the way to the accounts that could not be assumed. Where several lead there, the first that refuses is behind the
/// refusals of those that follow.
fn hop<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a ChainedRoleError> {
    links(error).filter_map(|error| error.downcast_ref()).last()
}

/// The status of the answer, if AWS has answered to such a role: then the credentials are not out of reach.
fn hop_status(error: &(dyn Error + 'static)) -> Option<u16> {
    hop(error).and_then(|refused| refused.failure.status)
}

/// The request never left: usually because there were no credentials to sign it with.
fn unsent(error: &(dyn Error + 'static)) -> Cause {
    if let Some(refused) = hop(error) {
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

/// There was no answer. Whether the request can have arrived depends on how far it came.
fn connector(error: &ConnectorError) -> Cause {
    let message = chain(error);
    if find::<CredentialsError>(error).is_some() || error.is_user() {
        return unsent(error);
    }
    let refused = find::<std::io::Error>(error).is_some_and(|io| io.kind() == std::io::ErrorKind::ConnectionRefused);
    let lower = message.to_ascii_lowercase();
    // The transport's own types for these two are not public, so their words have to do.
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

/// The first error of this type in the chain.
pub(crate) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    links(error).find_map(|error| error.downcast_ref())
}

/// The error and its sources, from the outside in.
fn links<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// Where the SDK quotes what a `credential_process` wrote to stderr (aws-config 1.13.0, `credential_process.rs`). A script that
/// traces itself, or that prints the answer which it could not use, writes its secrets there.
const SAID_BY_PROCESS: &str = ". Stderr: ";

/// What one error says, in one line. The SDK shows its errors to programmers, with the structures they come in.
fn words(error: &(dyn Error + 'static)) -> String {
    if let Some(metadata) = error.downcast_ref::<ErrorMetadata>() {
        let parts = [metadata.code(), metadata.message()];
        return parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
    }
    let text = error.to_string().replace("StatusCode(", "status (");
    let text = match text.split_once(SAID_BY_PROCESS) {
        // What the shell says of it, which is no secret.
        Some((before, _)) if before.ends_with(" 127") => format!("{before}: the command was not found"),
        Some((before, said)) if !said.trim().is_empty() => {
            format!("{before}; what it said is not repeated here: run the command of credential_process by hand")
        }
        Some((before, _)) => before.to_owned(),
        None => text,
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The whole chain in one line, without the repetitions that arise when an error's text includes its source's.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = String::new();
    for part in links(error).map(words) {
        // Some of the SDK's errors show the whole request, body included.
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

    /// What became of a role on the way decides what is done about the account behind it.
    #[test]
    fn credentials_that_a_role_on_the_way_does_not_give_keep_its_reason() {
        let table = [
            (FailureKind::Throttled, "Throttling", Some(400), FailureKind::Throttled, "Throttling"),
            (FailureKind::Transient, "ConnectionFailed", None, FailureKind::Transient, "ConnectionFailed"),
            (FailureKind::Refused, "AccessDenied", Some(403), FailureKind::Credentials, "NoCredentials"),
        ];
        for (kind, code, status, expected, told) in table {
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
            assert_eq!((failure.kind, failure.code.as_str(), failure.status), (expected, told, status));
            assert!(failure.message.contains("role/Hub") && failure.message.contains(code), "{failure}");
            assert!(!failure.has_no_credentials() || status.is_none(), "AWS has answered");
        }
        let nothing = CredentialsError::not_loaded("the file is gone");
        let failure = without_credentials(Operation::GetCallerIdentity, &nothing);
        assert!(failure.has_no_credentials() && failure.message.contains("the file is gone"), "{failure}");
    }
}
