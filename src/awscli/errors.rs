//! The errors of `v2token iam`: what stderr says, in the words of the AWS CLI v1, and the exit code.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use super::FAILED;
use crate::aws_settings::AwsSettingsError;
use crate::cloud::Failure;
use crate::cloud::aws::credential_chain::SourceError;
use crate::cloud::aws::error::{ChainedRoleError, chain, chained_role_error, find};
use crate::sanitize::for_terminal;
use crate::secret::{mask, without_user};

/// What the AWS CLI prints before each usage error.
const USAGE: &str = "\
usage: v2token [options] iam <subcommand> [parameters]
To see help text, you can run:

  v2token iam help
  v2token iam <subcommand> help
";

/// The reason why a command has no result. Its `Display` text is what stderr says (botocore 1.43, `exceptions.py`).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(super) enum AwsCliError {
    /// The command line can't be parsed.
    #[error("{USAGE}\nv2token: error: {0}\n")]
    Usage(String),
    /// The command line has arguments that no parser knows.
    #[error("{USAGE}\n\nUnknown options: {}\n", .0.join(", "))]
    UnknownOptions(Vec<String>),
    /// The service answered with an error. `retries` is the number of retries if a retryable error remained after the last
    /// attempt, and `None` otherwise.
    #[error(
        "\nAn error occurred ({code}) when calling the {operation} operation{}: {message}\n",
        retries.map_or_else(String::new, |retries| format!(" (reached max retries: {retries})"))
    )]
    Service { status: u16, code: String, message: String, operation: &'static str, retries: Option<u32> },
    // The AWS CLI prints no empty line before the next two messages.
    #[error("Unable to locate credentials. You can configure credentials by running \"aws configure\".\n")]
    NoCredentials,
    #[error("You must specify a region. You can also configure your region by running \"aws configure\".\n")]
    NoRegion,
    /// There was no answer, but another attempt might be answered.
    #[error("\n{0}\n")]
    NoAnswer(String),
    #[error("\nAn HTTP Client raised an unhandled exception: {0}\n")]
    Unhandled(String),
    /// Any other error.
    #[error("\n{0}\n")]
    Other(String),
    /// SIGINT.
    #[error("")]
    Interrupted,
}

impl From<String> for AwsCliError {
    fn from(message: String) -> Self {
        Self::Other(message)
    }
}

impl From<&str> for AwsCliError {
    fn from(message: &str) -> Self {
        Self::Other(message.to_owned())
    }
}

/// If botocore (1.43, `exceptions.py`) has a message that says as much as this program's message, uses botocore's.
impl From<AwsSettingsError> for AwsCliError {
    fn from(error: AwsSettingsError) -> Self {
        match error {
            AwsSettingsError::NoProfile { profile, .. } => {
                format!("The config profile ({profile}) could not be found").into()
            }
            AwsSettingsError::PartialKeys { missing } => {
                format!("Partial credentials found in env, missing: {missing}").into()
            }
            AwsSettingsError::File { .. } => format!("Unable to parse config file: {error}").into(),
            other => other.to_string().into(),
        }
    }
}

impl From<SourceError> for AwsCliError {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Settings(error) => error.into(),
            other => other.to_string().into(),
        }
    }
}

impl AwsCliError {
    /// The exit code of the process.
    pub(super) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Interrupted => 130,
            _ => FAILED,
        }
    }

    /// What stderr says. Control characters are escaped, because a message can come from a server.
    pub(super) fn text(&self) -> String {
        mask(&self.to_string()).split('\n').map(for_terminal).collect::<Vec<_>>().join("\n")
    }

    /// Returns the error for an encrypted connection that can't be made.
    pub(super) fn tls(url: &str, detail: &str) -> Self {
        Self::NoAnswer(format!("SSL validation failed for {} {detail}", without_user(url)))
    }

    /// Returns the error for a connection that was closed before the whole answer arrived.
    pub(super) fn connection_closed(url: &str) -> Self {
        let url = without_user(url);
        Self::NoAnswer(format!(
            "Connection was closed before we received a valid response from endpoint URL: \"{url}\"."
        ))
    }

    /// Returns the error for credentials that can't be fetched.
    pub(super) fn from_credentials(error: &CredentialsError) -> Self {
        if let Some(ChainedRoleError { failure, .. }) = chained_role_error(error) {
            let Failure { code, message, .. } = failure;
            return format!("An error occurred ({code}) when calling the AssumeRole operation: {message}").into();
        }
        match error {
            CredentialsError::CredentialsNotLoaded(_) => Self::NoCredentials,
            other => format!("Error when retrieving credentials: {}", chain(other)).into(),
        }
    }

    /// Classifies an error of the SDK. `proxy` is the URL of the proxy for requests to `url`, without user name and password;
    /// `None` if no proxy is used.
    pub(super) fn from_sdk<E: Error + 'static>(
        error: &SdkError<E, HttpResponse>,
        url: &str,
        proxy: Option<&str>,
    ) -> Self {
        if let Some(credentials) = find::<CredentialsError>(error) {
            return Self::from_credentials(credentials);
        }
        let text = chain(error);
        let failed = |what: &str, url: &str| Self::NoAnswer(format!("{what} URL: \"{}\"", without_user(url)));
        let is_timeout = match error {
            SdkError::DispatchFailure(dispatch) => dispatch.is_timeout(),
            SdkError::TimeoutError(_) => true,
            SdkError::ResponseError(_) if text.contains("throughput") => {
                return failed("Read timeout on endpoint", url);
            }
            SdkError::ResponseError(_) | SdkError::ServiceError(_) => return Self::connection_closed(url),
            _ => return Self::Unhandled(text),
        };
        // The types of the transport's errors are not public, so the errors are classified by their texts.
        let lower = text.to_ascii_lowercase();
        let says = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
        if is_timeout && says(&["http connect", "connect timeout"]) {
            failed("Connect timeout on endpoint", url)
        } else if is_timeout && says(&["timeout", "throughput", "timed out"]) {
            failed("Read timeout on endpoint", url)
        } else if says(&["peer closed connection", "connection closed", "connection reset"]) {
            Self::connection_closed(url)
        } else if says(&["certificate", "corrupt message", "tls ", "handshake"]) {
            Self::tls(url, &text)
        } else if says(&["connection refused", "dns error", "failed to lookup", "unreachable", "tcp connect error"]) {
            match proxy {
                Some(proxy) => failed("Failed to connect to proxy", proxy),
                None => failed("Could not connect to the endpoint", url),
            }
        } else if says(&["tunnel", "proxy"]) {
            failed("Failed to connect to proxy", proxy.unwrap_or_default())
        } else if says(&["incomplete", "broken pipe", "eof", "invalid http", "parse", "canceled"]) {
            Self::connection_closed(url)
        } else {
            Self::Unhandled(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_exit_code_and_its_text() {
        let service = |retries| AwsCliError::Service {
            status: 403,
            code: "AccessDenied".to_owned(),
            message: "no\u{1b}[2J".to_owned(),
            operation: "GetAccountSummary",
            retries,
        };
        let sentence = "\nAn error occurred (AccessDenied) when calling the GetAccountSummary operation";
        for (error, code, text) in [
            (AwsCliError::Usage("wrong".to_owned()), 2, format!("{USAGE}\nv2token: error: wrong\n")),
            (
                AwsCliError::UnknownOptions(vec!["-a".to_owned(), "b".to_owned()]),
                255,
                format!("{USAGE}\n\nUnknown options: -a, b\n"),
            ),
            (service(None), 255, format!("{sentence}: no\\u{{1b}}[2J\n")),
            (service(Some(4)), 255, format!("{sentence} (reached max retries: 4): no\\u{{1b}}[2J\n")),
            (
                AwsCliError::NoRegion,
                255,
                "You must specify a region. You can also configure your region by running \"aws configure\".\n"
                    .to_owned(),
            ),
            (AwsCliError::tls("http://u:p@x/", "bad"), 255, "\nSSL validation failed for http://x/ bad\n".to_owned()),
            (AwsCliError::from("so"), 255, "\nso\n".to_owned()),
            (AwsCliError::Interrupted, 130, String::new()),
        ] {
            assert_eq!((error.exit_code(), error.text()), (code, text), "{error:?}");
        }
    }
}
