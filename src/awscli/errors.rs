//! The errors of `v2token iam`: what stderr says, in the words of the AWS CLI v1, and the exit code.

use std::error::Error;
use std::fmt;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::error::ProvideErrorMetadata as _;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;

use crate::cloud::aws::error::{chain, find};
use crate::sanitize::for_terminal;
use crate::secret::without_user;

/// What the AWS CLI prints before each usage error.
const USAGE: &str = "\
usage: v2token [options] iam <subcommand> [parameters]
To see help text, you can run:

  v2token iam help
  v2token iam <subcommand> help
";

/// Why a command has no result.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum AwsCliError {
    /// The command line can't be parsed.
    Usage(String),
    /// The command line has arguments that no parser knows.
    UnknownOptions(Vec<String>),
    /// The service answered with an error. `retries` is their number once they are used up.
    Service { status: u16, code: String, message: String, operation: &'static str, retries: Option<u32> },
    /// There was no answer.
    NoAnswer(SendError),
    /// Any other error, in the words of the AWS CLI.
    Other(String),
    /// SIGINT.
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

impl AwsCliError {
    /// The exit code of the process.
    pub(super) const fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::UnknownOptions(_) | Self::Service { .. } | Self::NoAnswer(_) | Self::Other(_) => 255,
            Self::Interrupted => 130,
        }
    }

    /// What stderr says. Control characters are escaped: a message may come from a server.
    pub(super) fn text(&self) -> String {
        self.to_string().split('\n').map(for_terminal).collect::<Vec<_>>().join("\n")
    }
}

impl fmt::Display for AwsCliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) => writeln!(f, "{USAGE}\nv2token: error: {message}"),
            Self::UnknownOptions(words) => writeln!(f, "{USAGE}\n\nUnknown options: {}", words.join(", ")),
            Self::Service { code, message, operation, retries, .. } => {
                let retries = retries.map_or_else(String::new, |retries| format!(" (reached max retries: {retries})"));
                writeln!(f, "\nAn error occurred ({code}) when calling the {operation} operation{retries}: {message}")
            }
            // The AWS CLI prints no empty line before these two.
            Self::NoAnswer(error @ (SendError::NoCredentials | SendError::NoRegion)) => writeln!(f, "{error}"),
            Self::NoAnswer(error) => writeln!(f, "\n{error}"),
            Self::Other(message) => writeln!(f, "\n{message}"),
            Self::Interrupted => Ok(()),
        }
    }
}

/// Why a request had no answer. It is displayed as the AWS CLI's message (botocore 1.43, `exceptions.py`).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SendError {
    #[error("Unable to locate credentials. You can configure credentials by running \"aws configure\".")]
    NoCredentials,
    #[error("You must specify a region. You can also configure your region by running \"aws configure\".")]
    NoRegion,
    #[error("{0}")]
    Credentials(String),
    #[error("Could not connect to the endpoint URL: \"{}\"", without_user(.0))]
    Connect(String),
    #[error("Connect timeout on endpoint URL: \"{}\"", without_user(.0))]
    ConnectTimeout(String),
    #[error("Read timeout on endpoint URL: \"{}\"", without_user(.0))]
    ReadTimeout(String),
    #[error(
        "Connection was closed before we received a valid response from endpoint URL: \"{}\".",
        without_user(.0)
    )]
    ConnectionClosed(String),
    #[error("SSL validation failed for {} {detail}", without_user(url))]
    Tls { url: String, detail: String },
    /// The URL is without user name and password.
    #[error("Failed to connect to proxy URL: \"{0}\"")]
    Proxy(String),
    #[error("An HTTP Client raised an unhandled exception: {0}")]
    Other(String),
}

impl SendError {
    /// Classifies an error of the SDK. `proxy` is the proxy on the way to `url`, if there is one.
    pub(super) fn from_sdk<E: Error + 'static>(
        error: &SdkError<E, HttpResponse>,
        url: String,
        proxy: Option<String>,
    ) -> Self {
        if let Some(refused) = find::<AssumeRoleError>(error) {
            let (code, message) = (refused.code().unwrap_or("Unknown"), refused.message().unwrap_or("Unknown"));
            return Self::Credentials(format!(
                "An error occurred ({code}) when calling the AssumeRole operation: {message}"
            ));
        }
        match find::<CredentialsError>(error) {
            Some(CredentialsError::CredentialsNotLoaded(_)) => return Self::NoCredentials,
            Some(other) => return Self::Credentials(format!("Error when retrieving credentials: {}", chain(other))),
            None => {}
        }
        let text = chain(error);
        match error {
            SdkError::DispatchFailure(dispatch) => Self::from_transport(dispatch.is_timeout(), text, url, proxy),
            SdkError::TimeoutError(_) => Self::from_transport(true, text, url, proxy),
            SdkError::ResponseError(_) if text.contains("throughput") => Self::ReadTimeout(url),
            SdkError::ResponseError(_) | SdkError::ServiceError(_) => Self::ConnectionClosed(url),
            _ => Self::Other(text),
        }
    }

    /// Classifies an error of the transport by its text: the transport's types are not public.
    fn from_transport(is_timeout: bool, text: String, url: String, proxy: Option<String>) -> Self {
        let lower = text.to_ascii_lowercase();
        let says = |parts: &[&str]| parts.iter().any(|part| lower.contains(part));
        if is_timeout && says(&["http connect", "connect timeout"]) {
            Self::ConnectTimeout(url)
        } else if is_timeout && says(&["timeout", "throughput", "timed out"]) {
            Self::ReadTimeout(url)
        } else if says(&["peer closed connection", "connection closed", "connection reset"]) {
            Self::ConnectionClosed(url)
        } else if says(&["certificate", "corrupt message", "tls ", "handshake"]) {
            Self::Tls { url, detail: text }
        } else if says(&["connection refused", "dns error", "failed to lookup", "unreachable", "tcp connect error"]) {
            proxy.map_or(Self::Connect(url), Self::Proxy)
        } else if says(&["tunnel", "proxy"]) {
            Self::Proxy(proxy.unwrap_or_default())
        } else if says(&["incomplete", "broken pipe", "eof", "invalid http", "parse", "canceled"]) {
            Self::ConnectionClosed(url)
        } else {
            Self::Other(text)
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
        let unreachable = SendError::Connect("http://x/".to_owned());
        for (error, code, text) in [
            (AwsCliError::Usage("wrong".to_owned()), 2, format!("{USAGE}\nv2token: error: wrong\n")),
            (
                AwsCliError::UnknownOptions(vec!["-a".to_owned(), "b".to_owned()]),
                255,
                format!("{USAGE}\n\nUnknown options: -a, b\n"),
            ),
            (service(None), 255, format!("{sentence}: no\\u{{1b}}[2J\n")),
            (service(Some(4)), 255, format!("{sentence} (reached max retries: 4): no\\u{{1b}}[2J\n")),
            (AwsCliError::NoAnswer(SendError::NoRegion), 255, format!("{}\n", SendError::NoRegion)),
            (
                AwsCliError::NoAnswer(unreachable),
                255,
                "\nCould not connect to the endpoint URL: \"http://x/\"\n".to_owned(),
            ),
            (AwsCliError::from("so"), 255, "\nso\n".to_owned()),
            (AwsCliError::Interrupted, 130, String::new()),
        ] {
            assert_eq!((error.exit_code(), error.text()), (code, text), "{error:?}");
        }
    }
}
