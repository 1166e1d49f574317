//! Provides the credentials of a role that is assumed with a token of an identity provider.
//!
//! The SDK's provider is not used: it takes the endpoint of STS from the environment, even if the AWS settings say to ignore that
//! endpoint, and it panics if the variable is empty.

use std::fmt;
use std::time::SystemTime;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_sdk_sts::Client;

use super::endpoint::of_service;

/// The longest token that is read. Tokens of Kubernetes and of CI systems have about 2 kB.
const MAX_TOKEN: u64 = 256 << 10;

/// Provides the credentials of the role.
pub(super) struct WebIdentityProvider {
    client: Client,
    token_file: String,
    role_arn: String,
    session_name: String,
}

impl WebIdentityProvider {
    /// Makes a provider. The request is not signed, so the configuration needs no credentials.
    pub(super) fn new(config: &SdkConfig, token_file: &str, role_arn: &str, session_name: &str) -> Self {
        Self {
            client: Client::new(&of_service(config, "sts")),
            token_file: token_file.to_owned(),
            role_arn: role_arn.to_owned(),
            session_name: session_name.to_owned(),
        }
    }

    async fn assume(&self) -> provider::Result {
        let token = read_token(&self.token_file).map_err(CredentialsError::provider_error)?;
        let request = self
            .client
            .assume_role_with_web_identity()
            .role_arn(&self.role_arn)
            .role_session_name(&self.session_name)
            .web_identity_token(token);
        let answer = request.send().await.map_err(CredentialsError::provider_error)?;
        let credentials =
            answer.credentials.ok_or_else(|| CredentialsError::unhandled("STS answered without credentials"))?;
        let expires = SystemTime::try_from(credentials.expiration).map_err(CredentialsError::unhandled)?;
        Ok(Credentials::new(
            credentials.access_key_id,
            credentials.secret_access_key,
            Some(credentials.session_token),
            Some(expires),
            "web identity",
        ))
    }
}

/// Reads a token. Python reads the file in text mode, which changes the line ends.
fn read_token(path: &str) -> Result<String, String> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let read = std::fs::File::open(path).and_then(|file| file.take(MAX_TOKEN + 1).read_to_end(&mut bytes));
    read.map_err(|error| format!("the web identity token file {path} can't be read: {error}"))?;
    if bytes.len() as u64 > MAX_TOKEN {
        return Err(format!("the web identity token file {path} is larger than {} KiB", MAX_TOKEN >> 10));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("the web identity token file {path} is not text"))?;
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    // The shortest token that STS takes (STS API reference, AssumeRoleWithWebIdentity).
    if text.len() < 4 { Err(format!("the web identity token file {path} has no token")) } else { Ok(text) }
}

impl fmt::Debug for WebIdentityProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebIdentityProvider").field("role_arn", &self.role_arn).finish_non_exhaustive()
    }
}

impl ProvideCredentials for WebIdentityProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.assume())
    }
}
