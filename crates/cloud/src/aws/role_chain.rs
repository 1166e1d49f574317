//! The chain of sessions from the first credentials to the credentials that enter the accounts: the MFA session, the roles of a
//! profile, and the roles of `--via-role`.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::IdentityCache;

use super::super::{Failure, FailureKind, Operation, OwnCode};
use super::call::call;
use super::credential_chain::SessionCache;
use super::credentials::{check_expiry, secrets_of};
use super::endpoint::of_service;
use super::error::ChainedRoleError;
use super::sts::credentials;
use crate::aws_settings::CachedSession;
use crate::secret::{Secret, hide_for_good};

/// The duration of a chained role's session, which is AWS's maximum for role chaining.
pub(super) const SESSION_DURATION: Duration = Duration::from_hours(1);

/// The duration of an MFA session: the default of GetSessionToken for IAM users (STS API reference).
const MFA_SESSION: Duration = Duration::from_hours(12);

/// A role in the chain. It can contain an external id, so it does not implement `Debug`.
#[derive(Clone)]
pub struct ChainedRole {
    /// The ARN of the role.
    pub role_arn: String,
    /// The name of the session.
    pub session_name: String,
    /// The source identity of the session, if one is set.
    pub source_identity: Option<String>,
    /// The external id; `None` if none is set.
    pub external_id: Option<Secret>,
    /// How many seconds its sessions last; `None` for AWS's default of one hour.
    pub duration: Option<i64>,
    /// The MFA device and its code, which are parameters of AssumeRole. AWS accepts a code only once, so only one session can be
    /// opened with a code.
    pub mfa: Option<MfaCode>,
    /// A session of this role from the cache of the AWS CLI.
    pub cached: Option<CachedSession>,
}

/// An MFA device and its code.
#[derive(Clone)]
pub struct MfaCode {
    /// The ARN or serial number of the device.
    pub serial: String,
    /// The six digits that the device shows.
    pub code: Secret,
}

/// Opens the MFA session. AWS accepts a code only once, so a run opens only one MFA session.
pub(super) async fn open_mfa_session(
    config: &SdkConfig,
    serial: &str,
    token: &Secret,
) -> Result<SharedCredentialsProvider, Failure> {
    let operation = Operation::GetSessionToken;
    let request = Client::new(&of_service(config, "sts"))
        .get_session_token()
        .serial_number(serial)
        .token_code(token.reveal())
        .duration_seconds(i32::try_from(MFA_SESSION.as_secs()).expect("twelve hours fit"));
    let answer = call(operation, None, request.send()).await?;
    let session = credentials(operation, answer.value.credentials(), answer.request_id.as_deref())?;
    secrets_of(&session).for_each(hide_for_good);
    Ok(SharedCredentialsProvider::new(session))
}

/// Returns the configuration with the credentials of the last role. Each role is assumed with the credentials of the role before
/// it, and again whenever its session is about to expire. The first role is assumed with the credentials of `config`.
pub fn assume_all(config: &SdkConfig, roles: &[ChainedRole]) -> SdkConfig {
    roles.iter().fold(config.clone(), |config, role| {
        let client = Client::new(&with_empty_cache(&of_service(&config, "sts")));
        let sessions = ChainedRoleProvider { client, role: role.clone(), has_opened: AtomicBool::new(false) };
        let sessions = SessionCache::before(SharedCredentialsProvider::new(sessions), role.cached.as_ref());
        with_empty_cache(&config.into_builder().credentials_provider(sessions).build())
    })
}

/// Returns the configuration with its own, empty credentials cache, so that the credentials of one role are never used in place
/// of another role's.
pub(super) fn with_empty_cache(config: &SdkConfig) -> SdkConfig {
    config.to_builder().identity_cache(IdentityCache::lazy().build()).build()
}

/// Provides the credentials of a role's sessions.
struct ChainedRoleProvider {
    client: Client,
    role: ChainedRole,
    /// Whether a session was opened. A second session would need another MFA code.
    has_opened: AtomicBool,
}

impl ChainedRoleProvider {
    /// Opens a session.
    async fn open(&self) -> Result<Credentials, Failure> {
        let operation = Operation::AssumeRole;
        let mfa = self.role.mfa.as_ref();
        if mfa.is_some() && self.has_opened.swap(true, Ordering::Relaxed) {
            let message = "its session has ended, and the next one needs another MFA code".to_owned();
            let failure = Failure::own(operation, OwnCode::NoCredentials, message);
            return Err(Failure { kind: FailureKind::Credentials, ..failure });
        }
        let request = self
            .client
            .assume_role()
            .role_arn(&self.role.role_arn)
            .role_session_name(&self.role.session_name)
            .set_source_identity(self.role.source_identity.clone())
            .set_external_id(self.role.external_id.as_ref().map(|secret| secret.reveal().to_owned()))
            .set_serial_number(mfa.map(|mfa| mfa.serial.clone()))
            .set_token_code(mfa.map(|mfa| mfa.code.reveal().to_owned()))
            .set_duration_seconds(self.role.duration.map(|seconds| i32::try_from(seconds).unwrap_or(i32::MAX)));
        let answer = call(operation, None, request.send()).await?;
        let session = credentials(operation, answer.value.credentials(), answer.request_id.as_deref())?;
        secrets_of(&session).for_each(hide_for_good);
        Ok(session)
    }
}

impl fmt::Debug for ChainedRoleProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChainedRoleProvider").field("role_arn", &self.role.role_arn).finish_non_exhaustive()
    }
}

impl ProvideCredentials for ChainedRoleProvider {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        // There is only one attempt, because the call that needs the credentials is retried as a whole.
        future::ProvideCredentials::new(async move {
            let opened = self.open().await.map_err(|failure| {
                let role = self.role.role_arn.clone();
                CredentialsError::provider_error(ChainedRoleError { role, failure })
            });
            let opened = opened?;
            check_expiry(&opened)?;
            Ok(opened)
        })
    }
}

/// Whether the caller is a role session, which can only open sessions of up to an hour.
pub(super) fn is_role_session(arn: &str) -> bool {
    arn.contains(":assumed-role/")
}
