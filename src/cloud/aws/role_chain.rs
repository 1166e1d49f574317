//! This module owns the way from the first credentials to those that enter the accounts: an MFA session, the role of a profile
//! that asks for MFA, and the roles of `--via-role`, one after the other.

use std::fmt;
use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::IdentityCache;

use super::super::{Failure, Operation};
use super::call::call;
use super::error::ChainedRoleError;
use super::sts::credentials;
use crate::secret::Secret;

/// How long the session of a role on the way lasts: the most that a session can last which another one opened.
pub(super) const SESSION_DURATION: Duration = Duration::from_hours(1);

/// How long an MFA session lasts: the default of GetSessionToken for IAM users (STS API reference).
const MFA_SESSION: Duration = Duration::from_hours(12);

/// A role on the way. It may hold an external id, so it can't be printed.
#[derive(Clone)]
pub(super) struct ChainedRole {
    pub(super) role_arn: String,
    pub(super) session_name: String,
    pub(super) source_identity: Option<String>,
    pub(super) external_id: Option<Secret>,
}

/// Opens the MFA session. A code is accepted only once, so this happens once in a run.
pub(super) async fn open_mfa_session(
    config: &SdkConfig,
    serial: &str,
    token: &Secret,
) -> Result<SharedCredentialsProvider, Failure> {
    let operation = Operation::GetSessionToken;
    let request = Client::new(config)
        .get_session_token()
        .serial_number(serial)
        .token_code(token.reveal())
        .duration_seconds(i32::try_from(MFA_SESSION.as_secs()).expect("twelve hours fit"));
    let answer = call(operation, None, request.send()).await?;
    let session = credentials(operation, answer.value.credentials(), answer.request_id.as_deref())?;
    Ok(SharedCredentialsProvider::new(session))
}

/// Returns the configuration with the credentials of the last role. Each role is assumed with the credentials of the one before, and
/// again whenever its session is about to expire.
pub(super) fn assume_all(config: &SdkConfig, roles: &[ChainedRole]) -> SdkConfig {
    roles.iter().fold(config.clone(), |config, role| {
        let sessions = ChainedRoleProvider { client: Client::new(&with_empty_cache(&config)), role: role.clone() };
        with_empty_cache(&config.into_builder().credentials_provider(SharedCredentialsProvider::new(sessions)).build())
    })
}

/// Returns the configuration with a credentials cache of its own: the credentials of one role must never be taken for those of
/// another.
pub(super) fn with_empty_cache(config: &SdkConfig) -> SdkConfig {
    config.to_builder().identity_cache(IdentityCache::lazy().build()).build()
}

/// The sessions of a role on the way.
struct ChainedRoleProvider {
    client: Client,
    role: ChainedRole,
}

impl ChainedRoleProvider {
    /// Opens a session.
    async fn open(&self) -> Result<Credentials, Failure> {
        let operation = Operation::AssumeRole;
        let request = self
            .client
            .assume_role()
            .role_arn(&self.role.role_arn)
            .role_session_name(&self.role.session_name)
            .set_source_identity(self.role.source_identity.clone())
            .set_external_id(self.role.external_id.as_ref().map(|secret| secret.reveal().to_owned()))
            .duration_seconds(i32::try_from(SESSION_DURATION.as_secs()).expect("an hour fits"));
        let answer = call(operation, None, request.send()).await?;
        credentials(operation, answer.value.credentials(), answer.request_id.as_deref())
    }
}

impl fmt::Debug for ChainedRoleProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HopSessions").field("role_arn", &self.role.role_arn).finish_non_exhaustive()
    }
}

impl ProvideCredentials for ChainedRoleProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        // One attempt: whoever needs the credentials tries again as it sees fit.
        future::ProvideCredentials::new(async move {
            self.open().await.map_err(|failure| {
                let role = self.role.role_arn.clone();
                CredentialsError::provider_error(ChainedRoleError { role, failure })
            })
        })
    }
}

/// Whether the caller is a role's session, whose own sessions last an hour at most.
pub(super) fn is_role_session(arn: &str) -> bool {
    arn.contains(":assumed-role/")
}
