//! Reads the profiles in `~/.aws/config` and `~/.aws/credentials`: settings that the SDK ignores, especially `mfa_serial`.
//!
//! With the SDK alone, a profile that assumes a role with MFA does not work: AWS refuses the call and does not name the cause. So
//! this module finds such a profile, and the connection opens the MFA session.

use std::borrow::Cow;

use aws_config::profile::{Profile, ProfileSet, load};
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_types::os_shim_internal::{Env, Fs};

use super::role_chain::ChainedRole;

/// A profile can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("profile {profile:?}: {detail}")]
pub struct ProfileError {
    /// The profile.
    pub profile: String,
    /// What is wrong with the profile.
    pub detail: String,
}

/// A profile that assumes a role with MFA.
pub(super) struct MfaProfile {
    /// The MFA device.
    pub(super) serial: String,
    /// The profile whose credentials are used to assume the first of the roles.
    pub(super) source: String,
    /// The roles, in the order in which they are assumed.
    pub(super) roles: Vec<ChainedRole>,
}

/// Returns the selected profile if it assumes a role with MFA, itself or through a source profile. Otherwise returns `None`.
///
/// # Errors
///
/// Returns an error if the profile is not defined, or uses roles or MFA in an unsupported way. If the profile files can't be
/// read, the SDK returns an error later.
pub(super) async fn find_mfa_profile(
    named: Option<&str>,
    session_name: &str,
) -> Result<Option<MfaProfile>, ProfileError> {
    // Credentials in the environment take precedence over AWS_PROFILE, but not over a profile on the command line.
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if named.is_none() && is_set("AWS_ACCESS_KEY_ID") {
        return Ok(None);
    }
    find_mfa_profile_in(&Fs::real(), &Env::real(), named, session_name).await
}

/// Like [`find_mfa_profile`], but with the given files and variables.
pub(super) async fn find_mfa_profile_in(
    fs: &Fs,
    env: &Env,
    named: Option<&str>,
    session_name: &str,
) -> Result<Option<MfaProfile>, ProfileError> {
    let selected = named.map(|name| Cow::Owned(name.to_owned()));
    let Ok(profiles) = load(fs, env, &EnvConfigFiles::default(), selected).await else { return Ok(None) };
    check_defined(&profiles)?;
    walk(&profiles, profiles.selected_profile(), session_name)
}

/// Refuses a profile that is not defined. The SDK would continue without it, and report a missing Region.
fn check_defined(profiles: &ProfileSet) -> Result<(), ProfileError> {
    let selected = profiles.selected_profile();
    if selected == "default" || profiles.get_profile(selected).is_some() {
        return Ok(());
    }
    let suggestion = crate::suggest::did_you_mean(selected, profiles.profiles());
    let detail = format!("it is defined neither in ~/.aws/config nor in ~/.aws/credentials{suggestion}");
    Err(ProfileError { profile: selected.to_owned(), detail })
}

/// Follows `source_profile` from a profile to the profile with the credentials.
fn walk(profiles: &ProfileSet, selected: &str, session_name: &str) -> Result<Option<MfaProfile>, ProfileError> {
    let mut roles = Vec::new();
    let mut serial: Option<String> = None;
    let mut visited: Vec<&str> = Vec::new();
    let mut name = selected;
    let refused = |detail: String| ProfileError { profile: selected.to_owned(), detail };
    loop {
        let Some(profile) = profiles.get_profile(name) else { return Ok(None) };
        let Some(role_arn) = profile.get("role_arn").filter(|_| profile.get("web_identity_token_file").is_none())
        else {
            break;
        };
        if visited.contains(&name) {
            return Err(refused(format!(
                "source_profile leads from profile {name:?} back to it, and never to credentials"
            )));
        }
        visited.push(name);
        if let Some(device) = profile.get("mfa_serial") {
            if device.is_empty() {
                return Err(refused(format!(
                    "mfa_serial of profile {name:?} is empty: give the device's serial number or ARN, or leave the line out"
                )));
            }
            if serial.as_deref().is_some_and(|other| other != device) {
                return Err(refused("it asks for two MFA devices, and only one can be served".to_owned()));
            }
            serial = Some(device.to_owned());
        }
        roles.push(role(profile, role_arn, session_name));
        match profile.get("source_profile") {
            Some(source) if source == name => {
                let has_keys = profile.get("aws_access_key_id").is_some();
                return match (&serial, has_keys) {
                    (Some(_), _) => Err(refused(
                        "it asks for MFA and is its own source_profile: put the keys into a profile of their own"
                            .to_owned(),
                    )),
                    (None, false) => Err(refused(format!(
                        "profile {name:?} is its own source_profile, and has no keys to start from"
                    ))),
                    (None, true) => Ok(None),
                };
            }
            Some(source) => name = source,
            None if serial.is_some() => {
                return Err(refused(format!(
                    "mfa_serial needs the keys of a user, and profile {name:?} has no source_profile"
                )));
            }
            None => return Ok(None),
        }
    }
    roles.reverse();
    Ok(serial.map(|serial| MfaProfile { serial, source: name.to_owned(), roles }))
}

/// Returns the configured token files that can't be read. The SDK's error does not name them.
pub(super) async fn unreadable_token_files(named: Option<&str>) -> Vec<String> {
    let variables = ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"];
    let mut files: Vec<String> = variables.iter().filter_map(|name| std::env::var(name).ok()).collect();
    let selected = named.map(|name| Cow::Owned(name.to_owned()));
    if let Ok(profiles) = load(&Fs::real(), &Env::real(), &EnvConfigFiles::default(), selected).await {
        files.extend(profiles.get("web_identity_token_file").map(str::to_owned));
    }
    files.retain(|file| !file.is_empty() && std::fs::File::open(file).is_err());
    files
}

fn role(profile: &Profile, role_arn: &str, session_name: &str) -> ChainedRole {
    ChainedRole {
        role_arn: role_arn.to_owned(),
        session_name: profile.get("role_session_name").unwrap_or(session_name).to_owned(),
        source_identity: None,
        external_id: profile.get("external_id").map(|text| text.parse().expect("every text is a secret")),
    }
}

/// The user's profiles.
#[derive(Debug)]
pub(crate) struct Profiles(ProfileSet);

impl Profiles {
    /// Reads the files from where every AWS tool looks for them. A missing file counts as empty.
    pub(crate) async fn load() -> Result<Self, String> {
        let loaded = load(&Fs::real(), &Env::real(), &EnvConfigFiles::default(), None).await;
        loaded.map(Self).map_err(|error| super::error::chain(&error))
    }

    /// Whether the profile exists.
    pub(crate) fn contains(&self, profile: &str) -> bool {
        self.0.get_profile(profile).is_some()
    }

    /// Returns the value of a key in a profile.
    pub(crate) fn get(&self, profile: &str, key: &str) -> Option<&str> {
        self.0.get_profile(profile)?.get(key)
    }
}
