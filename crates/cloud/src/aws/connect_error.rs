//! Why there is no connection.

use std::time::Duration;

use super::credential_chain::SourceError;
use super::endpoint::EndpointError;
use super::http::CaBundleError;
use super::proxy::ProxyError;
use crate::Failure;
use crate::aws_settings::AwsSettingsError;
use crate::org::region::RegionRefused;

impl From<SourceError> for ConnectError {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Settings(error) => error.into(),
            SourceError::Endpoint(error) => error.into(),
            SourceError::Metadata { url } => Self::Metadata { url },
        }
    }
}

/// Why there is no connection. Nothing was attempted in any account.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No Region is configured.
    #[error("no Region is configured")]
    NoRegion,
    /// The Region can't be used.
    #[error(transparent)]
    Region(#[from] RegionRefused),
    /// The endpoint can't be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The CA bundle can't be used.
    #[error(transparent)]
    CaBundle(#[from] CaBundleError),
    /// The proxy can't be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// A call failed.
    #[error(transparent)]
    Call(#[from] Failure),
    /// The session token may be a v1 token, which the Region refuses.
    #[error(
        "{failure}; the session may be a v1 token of the global STS endpoint, which {region} refuses, because this Region must be enabled \
         by hand"
    )]
    V1Token {
        /// The refusal.
        failure: Failure,
        /// The Region.
        region: String,
    },
    /// The variables or the files in `~/.aws` can't be used.
    #[error(transparent)]
    Settings(#[from] AwsSettingsError),
    /// The instance metadata service has no valid URL.
    #[error("{url:?} is no URL of an instance metadata service")]
    Metadata {
        /// The URL.
        url: String,
    },
    /// The MFA device needs a code.
    #[error("the MFA device {serial} needs a code")]
    MfaTokenMissing {
        /// The device.
        serial: String,
    },
    /// There is a code, but no MFA device.
    #[error("--mfa-token is given, but no device: name it with --mfa-serial")]
    MfaSerialMissing,
    /// The caller is a role session, whose own sessions last at most an hour, but a longer duration is requested.
    #[error(
        "the caller {arn} is a role session, whose own sessions last at most 3600 s, but {} s are requested",
        asked.as_secs()
    )]
    SessionTooLong {
        /// The caller.
        arn: String,
        /// The requested duration.
        asked: Duration,
    },
    /// Tokens of the global STS endpoint can't be tested.
    #[error("--verify token: {detail}")]
    TokenTestImpossible {
        /// The reason.
        detail: String,
    },
    /// A role of `--via-role` could not be assumed.
    #[error("{}", .0.message)]
    ViaRole(Failure),
}
