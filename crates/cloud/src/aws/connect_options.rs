//! The options of a connection to AWS.

use std::path::PathBuf;

use super::clock_skew::Clock;
use super::credential_chain::CredentialChain;
use super::session::SessionOptions;
use crate::aws_settings::{AwsSettings, AwsSettingsError, Variables};
use crate::org::role::ViaRole;
use crate::secret::Secret;

/// The options of a connection to AWS. They can contain a secret, so they do not implement `Debug`.
#[derive(Clone)]
pub struct ConnectOptions {
    /// The profile named on the command line. As in the AWS CLI, it takes precedence over credentials in the environment.
    pub profile: Option<String>,
    /// The Region named on the command line; `None` for the Region of the environment, of the profile or of the instance.
    pub region: Option<String>,
    /// One endpoint for Organizations, STS and IAM. The credential providers do not use it.
    pub endpoint_url: Option<String>,
    /// A PEM file of certificate authorities that are trusted instead of the system's authorities.
    pub ca_bundle: Option<PathBuf>,
    /// The maximum number of connections to one host.
    pub connections: usize,
    /// The maximum number of attempts of a call outside the visits.
    pub max_attempts: u32,
    /// The MFA device of the base credentials.
    pub mfa: Mfa,
    /// The roles that are assumed one after the other before the roles in the accounts.
    pub via_roles: Vec<ViaRole>,
    /// The parameters of the sessions in the accounts.
    pub session: SessionOptions,
    /// Receives the difference between this machine's clock and the clock of AWS.
    pub clock: Clock,
}

impl Default for ConnectOptions {
    /// Returns the options for the caller that the environment determines, and for sessions of 15 minutes that are only allowed
    /// to read the account summary.
    fn default() -> Self {
        Self {
            profile: None,
            region: None,
            endpoint_url: None,
            ca_bundle: None,
            connections: 32,
            max_attempts: 8,
            mfa: Mfa::default(),
            via_roles: Vec::new(),
            session: SessionOptions::default(),
            clock: Clock::default(),
        }
    }
}

impl ConnectOptions {
    /// Reads the `AWS_*` variables and the files in `~/.aws`, and finds the profile.
    ///
    /// # Errors
    ///
    /// Returns an error if a file can't be read, or if the profile is not defined.
    pub fn aws_settings(&self) -> Result<AwsSettings, AwsSettingsError> {
        AwsSettings::read(self.profile.as_deref(), Variables::of_process())
    }

    /// Returns the profile whose `credential_process` provides the first credentials, or `None` if another source provides them.
    /// The program of `credential_process` may ask a person for something.
    ///
    /// # Errors
    ///
    /// Returns an error if the profile can't be used.
    pub fn process_profile(&self) -> Result<Option<String>, AwsSettingsError> {
        let settings = self.aws_settings()?;
        Ok(CredentialChain::of(settings.credential_source()?, &settings).process().map(str::to_owned))
    }
}

/// The MFA device of the base credentials. It may hold a code, so this type does not implement `Debug`.
#[derive(Clone, Default)]
pub struct Mfa {
    /// The device's serial number or ARN; `None` means the device of the profile.
    pub serial: Option<String>,
    /// The code that the device shows.
    pub token: Option<Secret>,
}
