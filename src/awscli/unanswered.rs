//! This module owns what is said when there was no answer: the SDK's errors, in the words of the AWS CLI.

use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::error::ProvideErrorMetadata as _;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use crate::cloud::aws::error::{Described, chain, find};
use crate::secret::without_user;

/// Why there was no answer. It reads like the AWS CLI's message (botocore 1.43, `exceptions.py`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// There is nothing to sign with.
    NoCredentials,
    /// There is no Region to sign for.
    NoRegion,
    /// The credentials could not be fetched.
    Credentials(String),
    /// There is nobody at the endpoint.
    Unreachable {
        /// The endpoint.
        url: String,
    },
    /// Connecting took too long.
    ConnectTimeout {
        /// The endpoint.
        url: String,
    },
    /// The answer took too long.
    ReadTimeout {
        /// The endpoint.
        url: String,
    },
    /// The connection ended without an answer.
    Closed {
        /// The endpoint.
        url: String,
    },
    /// The connection could not be made secure.
    Tls {
        /// The endpoint.
        url: String,
        /// Why.
        detail: String,
    },
    /// The proxy could not be reached.
    Proxy {
        /// The proxy, without what stands before the `@` in it.
        url: String,
    },
    /// Anything else.
    Other(String),
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCredentials => {
                f.write_str("Unable to locate credentials. You can configure credentials by running \"aws configure\".")
            }
            Self::NoRegion => f.write_str(
                "You must specify a region. You can also configure your region by running \"aws configure\".",
            ),
            Self::Credentials(message) => f.write_str(message),
            Self::Unreachable { url } => write!(f, "Could not connect to the endpoint URL: \"{}\"", without_user(url)),
            Self::ConnectTimeout { url } => write!(f, "Connect timeout on endpoint URL: \"{}\"", without_user(url)),
            Self::ReadTimeout { url } => write!(f, "Read timeout on endpoint URL: \"{}\"", without_user(url)),
            Self::Closed { url } => {
                write!(
                    f,
                    "Connection was closed before we received a valid response from endpoint URL: \"{}\".",
                    without_user(url)
                )
            }
            Self::Tls { url, detail } => write!(f, "SSL validation failed for {} {detail}", without_user(url)),
            Self::Proxy { url } => write!(f, "Failed to connect to proxy URL: \"{url}\""),
            Self::Other(detail) => write!(f, "An HTTP Client raised an unhandled exception: {detail}"),
        }
    }
}

/// Finds out why there was no answer from a URL, perhaps through a proxy.
pub(super) fn unanswered<E: Described>(
    error: &SdkError<E, HttpResponse>,
    url: String,
    proxy: Option<String>,
) -> Unanswered {
    if let Some(refused) = find::<AssumeRoleError>(error) {
        let (code, message) = (refused.code().unwrap_or("Unknown"), refused.message().unwrap_or("Unknown"));
        let text = format!("An error occurred ({code}) when calling the AssumeRole operation: {message}");
        return Unanswered::Credentials(text);
    }
    match find::<CredentialsError>(error) {
        Some(CredentialsError::CredentialsNotLoaded(_)) => return Unanswered::NoCredentials,
        Some(other) => {
            return Unanswered::Credentials(format!("Error when retrieving credentials: {}", chain(other)));
        }
        None => {}
    }
    let words = chain(error);
    match error {
        SdkError::DispatchFailure(dispatch) => {
            let timeout = dispatch.is_timeout();
            sort(timeout, &words, url, proxy)
        }
        SdkError::TimeoutError(_) => sort(true, &words, url, proxy),
        SdkError::ResponseError(_) if words.contains("throughput") => Unanswered::ReadTimeout { url },
        SdkError::ResponseError(_) | SdkError::ServiceError(_) => Unanswered::Closed { url },
        _ => Unanswered::Other(words),
    }
}

/// The transport's types are not public, so its words have to do.
fn sort(timeout: bool, words: &str, url: String, proxy: Option<String>) -> Unanswered {
    let lower = words.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
    if timeout && says(&["http connect", "connect timeout"]) {
        Unanswered::ConnectTimeout { url }
    } else if timeout && says(&["timeout", "throughput", "timed out"]) {
        Unanswered::ReadTimeout { url }
    } else if says(&["peer closed connection", "connection closed", "connection reset"]) {
        Unanswered::Closed { url }
    } else if says(&["certificate", "corrupt message", "tls ", "handshake"]) {
        Unanswered::Tls { url, detail: words.to_owned() }
    } else if says(&["connection refused", "dns error", "failed to lookup", "unreachable", "tcp connect error"]) {
        proxy.map_or(Unanswered::Unreachable { url }, |proxy| Unanswered::Proxy { url: proxy })
    } else if says(&["tunnel", "proxy"]) {
        Unanswered::Proxy { url: proxy.unwrap_or_default() }
    } else if says(&["incomplete", "broken pipe", "eof", "invalid http", "parse", "canceled"]) {
        Unanswered::Closed { url }
    } else {
        Unanswered::Other(words.to_owned())
    }
}
