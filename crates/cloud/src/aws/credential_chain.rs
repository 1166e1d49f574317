//! The credential providers of a [`CredentialSource`]: the provider of the first credentials, and the roles that are assumed one
//! after the other, from the first credentials to the base credentials. The SDK's own chain, which tries one source after the
//! other, is not used.

use std::time::SystemTime;

use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::login::LoginCredentialsProvider;
use aws_credential_types::Credentials;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};

use super::credentials::check;
use super::endpoint::EndpointError;
use super::process::CredentialProcess;
use super::sdk_config::SdkBasis;
use super::sso::SsoProvider;
use super::web_identity::WebIdentityProvider;
use crate::aws_settings::{
    AwsSettings, AwsSettingsError, CachedSession, CredentialSource, EXPIRY_WINDOW, Keys, ProfileRole, WebIdentity,
};

/// The first credentials, and the roles that are assumed with them, in the order in which they are assumed.
pub struct CredentialChain {
    /// The first credentials.
    pub first: FirstCredentials,
    /// The roles, in the order in which they are assumed.
    pub roles: Vec<RoleStep>,
}

/// The credentials at the beginning of a chain.
pub enum FirstCredentials {
    /// The credentials of a source. While its session from the cache of the AWS CLI lasts, that session is used instead.
    Source(CredentialSource, Option<CachedSession>),
    /// A session of a role that requires MFA, from the cache of the AWS CLI. A new session would need an MFA code.
    MfaSession(CachedSession),
}

/// A role of a chain, and its session from the cache of the AWS CLI, if the cache contains such a session.
pub struct RoleStep {
    /// The role.
    pub role: ProfileRole,
    /// Its session from the cache.
    pub cached: Option<CachedSession>,
}

impl CredentialChain {
    /// Splits a source into the first credentials and the roles.
    pub fn of(source: CredentialSource, settings: &AwsSettings) -> Self {
        let now = SystemTime::now();
        let (mut source, mut roles) = (source, Vec::new());
        let first = loop {
            match source {
                CredentialSource::Role(role) => {
                    let cached = settings.cached_role(&role, now);
                    match cached {
                        Some(session) if requires_mfa(&role) => break FirstCredentials::MfaSession(session),
                        cached => {
                            source = (*role.base).clone();
                            roles.push(RoleStep { role, cached });
                        }
                    }
                }
                // botocore does not cache the session of a web identity with which another role is assumed.
                CredentialSource::WebIdentity(ref identity) if roles.is_empty() => {
                    let cached = settings.cached_web_identity(identity, now);
                    break FirstCredentials::Source(source, cached);
                }
                source => break FirstCredentials::Source(source, None),
            }
        };
        roles.reverse();
        Self { first, roles }
    }

    /// Returns the profile whose `credential_process` provides the first credentials, or `None` if another source provides them.
    pub fn process(&self) -> Option<&str> {
        match &self.first {
            FirstCredentials::Source(CredentialSource::Process { profile, .. }, _) => Some(profile),
            FirstCredentials::Source(..) | FirstCredentials::MfaSession(_) => None,
        }
    }
}

/// Whether the role, or a role before it in the chain, requires MFA.
fn requires_mfa(role: &ProfileRole) -> bool {
    role.mfa_serial.is_some() || matches!(&*role.base, CredentialSource::Role(base) if requires_mfa(base))
}

/// Builds the providers of a chain.
pub struct ProviderFactory<'a> {
    /// The variables and the files.
    pub settings: &'a AwsSettings,
    /// What the providers are built from.
    pub basis: &'a SdkBasis,
    /// The name of the sessions for which the profile sets no name.
    pub session_name: &'a str,
}

/// A provider can't be built.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The variables or the files can't be used.
    #[error(transparent)]
    Settings(#[from] AwsSettingsError),
    /// An endpoint can't be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The metadata service has no valid URL.
    #[error("{url:?} is no URL of an instance metadata service")]
    Metadata {
        /// The URL.
        url: String,
    },
}

impl ProviderFactory<'_> {
    /// Returns the provider of the first credentials.
    ///
    /// # Errors
    ///
    /// Returns an error if the settings of the source can't be used.
    pub async fn first(&self, first: &FirstCredentials) -> Result<SharedCredentialsProvider, SourceError> {
        match first {
            FirstCredentials::MfaSession(session) => Ok(SharedCredentialsProvider::new(session_credentials(session))),
            FirstCredentials::Source(source, cached) => {
                Ok(SessionCache::before(self.of_source(source).await?, cached.as_ref()))
            }
        }
    }

    async fn of_source(&self, source: &CredentialSource) -> Result<SharedCredentialsProvider, SourceError> {
        let provider = &self.basis.provider;
        Ok(match source {
            CredentialSource::Keys(keys, _) => SharedCredentialsProvider::new(static_credentials(keys)),
            CredentialSource::Role(_) => unreachable!("the chain takes roles apart"),
            CredentialSource::WebIdentity(identity) => {
                let session_name = identity.session_name.as_deref().unwrap_or(self.session_name);
                let WebIdentity { token_file, role_arn, .. } = identity;
                let config = &self.basis.config;
                SharedCredentialsProvider::new(WebIdentityProvider::new(config, token_file, role_arn, session_name))
            }
            CredentialSource::Sso(role) => {
                SharedCredentialsProvider::new(SsoProvider::new(&self.basis.config, self.settings, role).await)
            }
            CredentialSource::Login { session, .. } => {
                SharedCredentialsProvider::new(LoginCredentialsProvider::builder(session).configure(provider).build())
            }
            CredentialSource::Process { profile, words } => {
                SharedCredentialsProvider::new(CredentialProcess::new(profile, words))
            }
            CredentialSource::Container => {
                self.settings.check_container_host()?;
                SharedCredentialsProvider::new(EcsCredentialsProvider::builder().configure(provider).build())
            }
            CredentialSource::Instance => {
                let client = self.instance_metadata()?;
                let builder = ImdsCredentialsProvider::builder().configure(provider).imds_client(client);
                SharedCredentialsProvider::new(builder.build())
            }
        })
    }

    /// Returns a client of the instance metadata service.
    pub(crate) fn instance_metadata(&self) -> Result<imds::Client, SourceError> {
        let url = self.settings.instance_metadata_endpoint()?;
        let invalid = |_| SourceError::Metadata { url: url.to_owned() };
        Ok(imds::Client::builder().configure(&self.basis.provider).endpoint(url).map_err(invalid)?.build())
    }
}

/// Provides a cached session while it lasts, and after that the credentials of another provider.
#[derive(Debug)]
pub(super) struct SessionCache {
    cached: Credentials,
    then: SharedCredentialsProvider,
}

impl SessionCache {
    /// Returns a provider that provides the cached session while it lasts, and afterwards the credentials of `then`. Without a
    /// cached session, returns `then`.
    pub(super) fn before(then: SharedCredentialsProvider, cached: Option<&CachedSession>) -> SharedCredentialsProvider {
        match cached {
            None => then,
            // A session that can't be used is replaced by a new one.
            Some(session) => match session_credentials(session) {
                cached if check(&cached).is_err() => then,
                cached => SharedCredentialsProvider::new(Self { cached, then }),
            },
        }
    }
}

impl ProvideCredentials for SessionCache {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async {
            let lasts = self.cached.expiry().is_some_and(|end| end >= SystemTime::now() + EXPIRY_WINDOW);
            if lasts { Ok(self.cached.clone()) } else { self.then.provide_credentials().await }
        })
    }
}

fn static_credentials(keys: &Keys) -> Credentials {
    let token = keys.session_token.as_ref().map(|token| token.reveal().to_owned());
    Credentials::new(&keys.access_key_id, keys.secret_access_key.reveal(), token, keys.expires, "static")
}

fn session_credentials(session: &CachedSession) -> Credentials {
    let Keys { access_key_id, secret_access_key, session_token, .. } = &session.keys;
    let token = session_token.as_ref().map(|token| token.reveal().to_owned());
    Credentials::new(access_key_id, secret_access_key.reveal(), token, Some(session.expires), "cached session")
}
