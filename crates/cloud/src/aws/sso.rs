//! Provides the credentials of a role of IAM Identity Center, with the token of a login.
//!
//! The SDK's provider of credentials is not used: it takes the endpoints of the portal from the environment, even if the AWS settings
//! say to ignore these endpoints. The SDK still reads, refreshes and writes the token of an `sso-session`.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_config::sso::SsoTokenProvider;
use aws_config::{Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::token::ProvideToken as _;
use aws_credential_types::provider::{self, ProvideCredentials, future};
use aws_sdk_sso::Client;

use super::endpoint::of_service;
use crate::aws_settings::{AwsSettings, RegionChoice, SsoRole};
use crate::secret::Secret;

/// Provides the credentials of the role.
pub(super) struct SsoProvider {
    client: Client,
    role: SsoRole,
    token: TokenSource,
}

/// Where the token of the login comes from.
enum TokenSource {
    /// The login of an `sso-session`, which the SDK refreshes.
    Session(SsoTokenProvider),
    /// The login of a start URL. The settings know the file.
    StartUrl(Box<AwsSettings>),
}

impl SsoProvider {
    /// Makes a provider. The requests are not signed, so the configuration needs no credentials.
    pub(super) async fn new(config: &SdkConfig, settings: &AwsSettings, role: &SsoRole) -> Self {
        let RegionChoice { name, fips } = RegionChoice::of(&role.region);
        // The Region of the command can ask for FIPS endpoints in its name, but only for the clients of the command.
        let fips = fips || settings.use_fips();
        let config = config.to_builder().region(Region::new(name.clone())).use_fips(fips).build();
        let token = match &role.session {
            None => TokenSource::StartUrl(Box::new(settings.clone())),
            Some(session) => {
                let builder = SsoTokenProvider::builder()
                    .configure(&of_service(&config, "sso_oidc"))
                    .start_url(&role.start_url)
                    .session_name(session)
                    .region(Region::new(name));
                TokenSource::Session(builder.build().await)
            }
        };
        Self { client: Client::new(&of_service(&config, "sso")), role: role.clone(), token }
    }

    async fn credentials(&self) -> provider::Result {
        let token = self.token().await?;
        let request = self
            .client
            .get_role_credentials()
            .role_name(&self.role.role)
            .account_id(&self.role.account)
            .access_token(token.reveal());
        let answer = request.send().await.map_err(CredentialsError::provider_error)?;
        let missing = || CredentialsError::unhandled("IAM Identity Center answered without credentials");
        let credentials = answer.role_credentials.ok_or_else(missing)?;
        let expires = u64::try_from(credentials.expiration).map_err(CredentialsError::unhandled)?;
        Ok(Credentials::new(
            credentials.access_key_id.ok_or_else(missing)?,
            credentials.secret_access_key.ok_or_else(missing)?,
            credentials.session_token,
            Some(UNIX_EPOCH + Duration::from_millis(expires)),
            "IAM Identity Center",
        ))
    }

    async fn token(&self) -> Result<Secret, CredentialsError> {
        let text = match &self.token {
            TokenSource::Session(provider) => {
                let token = provider.provide_token().await.map_err(CredentialsError::provider_error)?;
                token.token().to_owned()
            }
            TokenSource::StartUrl(settings) => settings
                .login_token(&self.role, SystemTime::now())
                .map_err(CredentialsError::provider_error)?
                .reveal()
                .to_owned(),
        };
        Ok(text.parse().expect("every text is a secret"))
    }
}

impl fmt::Debug for SsoProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SsoProvider").field("role", &self.role).finish_non_exhaustive()
    }
}

impl ProvideCredentials for SsoProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.credentials())
    }
}
