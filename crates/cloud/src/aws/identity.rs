//! The identity of a connection: the source of the base credentials, the MFA device, the Region, and the first credentials.

use std::sync::Arc;

use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use super::connect_error::ConnectError;
use super::connect_options::ConnectOptions;
use super::credential_chain::{CredentialChain, FirstCredentials, ProviderFactory, RoleStep};
use super::credentials::{CheckedProvider, FetchCounter};
use super::error::without_credentials;
use super::role_chain::{self, ChainedRole};
use super::sdk_config::{self, SdkBasis};
use super::timeouts;
use crate::aws_settings::{AwsSettings, AwsSettingsError, CredentialSource, RegionChoice};
use crate::org::region::check_opt_in;
use crate::{Failure, Operation, OwnCode};

/// The caller that the options, the variables and the files determine. It may hold keys, so this type does not implement `Debug`.
pub(super) struct Identity {
    pub(super) settings: AwsSettings,
    /// The text that names the source of the base credentials.
    pub(super) source: String,
    /// Whether nothing is configured, so that only the metadata service of an instance is left.
    is_last_resort: bool,
    chain: CredentialChain,
    /// The MFA device with which the first session is opened.
    mfa_serial: Option<String>,
}

/// The providers at the beginning of the chain.
pub(super) struct FirstProvider {
    /// Provides the first credentials, or, with an MFA device, the credentials of the MFA session.
    pub(super) first: SharedCredentialsProvider,
    /// Fetches the first credentials from their source.
    pub(super) source: Arc<CheckedProvider>,
}

impl Identity {
    /// Reads the variables and the files, and decides on the source of the credentials and on the MFA device.
    pub(super) fn decide(options: &ConnectOptions) -> Result<Self, ConnectError> {
        let settings = options.aws_settings()?;
        let source = settings.credential_source()?;
        let is_last_resort = matches!(source, CredentialSource::Instance);
        let text = source.to_string();
        let chain = CredentialChain::of(source, &settings);
        let of_profile = mfa_device(&chain)?;
        let mfa_serial = options.mfa.serial.clone().or(of_profile);
        Ok(Self { settings, source: text, is_last_resort, chain, mfa_serial })
    }

    /// Returns the Region of the options, of the environment or of the profile. If none of them names a Region, and the
    /// credentials are those of an instance, returns the instance's Region.
    pub(super) async fn region(
        &self,
        options: &ConnectOptions,
        http: &SharedHttpClient,
    ) -> Result<RegionChoice, ConnectError> {
        let configured = || self.settings.region(&["AWS_REGION", "AWS_DEFAULT_REGION"]);
        if let Some(region) = options.region.as_deref().or_else(configured) {
            return Ok(RegionChoice::of(region));
        }
        let FirstCredentials::Source(CredentialSource::Instance, _) = &self.chain.first else {
            return Err(ConnectError::NoRegion);
        };
        // The metadata service is not in a Region, so its client can have any Region.
        let basis = sdk_config::build(&self.settings, "us-east-1", false, http.clone(), timeouts::per_attempt())?;
        let client = self.providers(options, &basis).instance_metadata()?;
        let answer = client.get("/latest/meta-data/placement/region").await.map_err(|_| ConnectError::NoRegion)?;
        Ok(RegionChoice::of(answer.as_ref()))
    }

    /// Whether the first credentials are those of a session that was opened before this program started. The token of such a
    /// session may have either version.
    fn has_session(&self) -> bool {
        match &self.chain.first {
            FirstCredentials::Source(CredentialSource::Keys(keys, _), _) => keys.session_token.is_some(),
            FirstCredentials::MfaSession(_) => true,
            FirstCredentials::Source(..) => false,
        }
    }

    fn providers<'a>(&'a self, options: &'a ConnectOptions, basis: &'a SdkBasis) -> ProviderFactory<'a> {
        ProviderFactory { settings: &self.settings, basis, session_name: &options.session.name }
    }

    /// Returns the provider of the first credentials. With an MFA device, uses the first credentials to open an MFA session at
    /// the endpoint of `config`, and returns a provider of this session.
    pub(super) async fn first_credentials(
        &self,
        options: &ConnectOptions,
        basis: &SdkBasis,
        config: &SdkConfig,
        fetches: &FetchCounter,
    ) -> Result<FirstProvider, ConnectError> {
        let mfa = match (&self.mfa_serial, &options.mfa.token) {
            (None, None) => None,
            (None, Some(_)) => return Err(ConnectError::MfaSerialMissing),
            (Some(serial), None) => return Err(ConnectError::MfaTokenMissing { serial: serial.clone() }),
            (Some(serial), Some(token)) => Some((serial, token)),
        };
        let provider = self.providers(options, basis).first(&self.chain.first).await?;
        let source = Arc::new(CheckedProvider::around(provider, fetches));
        if self.chain.process().is_some() {
            // The program of `credential_process` may ask a person a question, and the person's answer may take longer than the
            // time limit of a call.
            let result = source.fetch_without_limit().await;
            let region = basis.config.region().map_or("", Region::as_ref);
            let failure = |error| without_credentials(Operation::GetCallerIdentity, &error);
            result.map_err(|error| self.explain(failure(error), region))?;
        }
        let shared: Arc<dyn ProvideCredentials> = Arc::<CheckedProvider>::clone(&source);
        let first = SharedCredentialsProvider::new(shared);
        let Some((serial, token)) = mfa else { return Ok(FirstProvider { first, source }) };
        let config = config.to_builder().credentials_provider(first).build();
        Ok(FirstProvider { first: role_chain::open_mfa_session(&config, serial, token).await?, source })
    }

    /// Returns the roles of the profile that lead from the first credentials to the base credentials.
    pub(super) fn roles(&self, options: &ConnectOptions) -> Vec<ChainedRole> {
        let roles = self.chain.roles.iter().map(|RoleStep { role, cached }| ChainedRole {
            role_arn: role.role_arn.clone(),
            session_name: role.session_name.clone().unwrap_or_else(|| options.session.name.clone()),
            source_identity: None,
            external_id: role.external_id.clone(),
            duration: role.duration,
            mfa: None,
            cached: cached.clone(),
        });
        roles.collect()
    }

    /// Returns the error for the failure of the first call. The error also says what the configuration shows about the cause. If
    /// there are no credentials, the error names the profile and the token files that can't be read, because the SDK's message
    /// does not always name them. If STS refuses the token of an earlier session, the error says that the Region may refuse v1
    /// tokens.
    pub(super) fn explain(&self, mut failure: Failure, region: &str) -> ConnectError {
        if failure.code.as_str() == "InvalidClientTokenId" && self.has_session() && check_opt_in(region).is_ok() {
            return ConnectError::V1Token { failure, region: region.to_owned() };
        }
        if failure.code == OwnCode::NoCredentials.into() {
            let profile = self.settings.profile_name();
            if self.is_last_resort {
                failure.message = format!(
                    "neither the environment nor profile {profile:?} has credentials, and the metadata service of the \
                     instance gives none: {}",
                    failure.message
                );
            } else if self.settings.has_profile() {
                failure.message = format!("profile {profile:?} gives no credentials: {}", failure.message);
            }
            for file in self.settings.unreadable_token_files() {
                failure.message.push_str(&format!("; the token file {file} can't be read"));
            }
        }
        ConnectError::Call(failure)
    }
}

/// Returns the MFA device of the profile's roles. All roles start from one MFA session, so the roles can't have different
/// devices.
fn mfa_device(chain: &CredentialChain) -> Result<Option<String>, AwsSettingsError> {
    let mut found: Option<&str> = None;
    for RoleStep { role, .. } in &chain.roles {
        let refused =
            |detail: &str| Err(AwsSettingsError::Profile { profile: role.profile.clone(), detail: detail.to_owned() });
        let Some(device) = role.mfa_serial.as_deref() else { continue };
        if found.is_some_and(|other| other != device) {
            return refused("it and its source_profile ask for two MFA devices, and only one can be served");
        }
        if matches!(*role.base, CredentialSource::Container | CredentialSource::Instance) {
            return refused("mfa_serial needs the keys of a user, and its credential_source has none");
        }
        found = Some(device);
    }
    Ok(found.map(str::to_owned))
}
