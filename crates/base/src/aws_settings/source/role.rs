//! The role that a profile assumes, and the credentials with which the role is assumed: the credentials of another profile, or
//! those of a named source.

use super::{CredentialSource, KeyOrigin, environment_keys, has_container, of_profile, secret};
use crate::aws_settings::files::{Settings, text};
use crate::aws_settings::{AwsSettings, Result, check_texts, refuse};
use crate::secret::Secret;

/// A role that a profile assumes. It may hold an external id, so this type does not implement `Debug`.
#[derive(Clone)]
pub struct ProfileRole {
    /// The profile that assumes the role.
    pub profile: String,
    /// The ARN of the role.
    pub role_arn: String,
    /// The name of the session; `None` if the program chooses one.
    pub session_name: Option<String>,
    /// The external id; `None` if the profile has none.
    pub external_id: Option<Secret>,
    /// The MFA device whose code is asked for.
    pub mfa_serial: Option<String>,
    /// How many seconds its sessions last; `None` for AWS's default. As in botocore, a text that is no number is ignored.
    pub duration: Option<i64>,
    /// The credentials with which the role is assumed.
    pub base: Box<CredentialSource>,
    /// The setting that names these credentials: `source_profile` or `credential_source`.
    pub(crate) base_setting: &'static str,
    /// The value of that setting.
    pub(crate) base_name: String,
}

/// The shortest session of AssumeRole, in seconds (STS API reference).
const SHORTEST_SESSION: i64 = 900;

/// Whether a profile assumes a role with other credentials. A profile with a web identity token also names a role, but assumes it
/// with the token.
fn assumes_role(profile: &Settings) -> bool {
    profile.contains_key("role_arn") && !profile.contains_key("web_identity_token_file")
}

fn has_keys(profile: &Settings) -> bool {
    ["aws_access_key_id", "aws_secret_access_key"].iter().any(|key| profile.contains_key(*key))
}

/// Returns the role that a profile assumes. `visited` holds the profiles from the profile in use to this profile. Each profile is
/// the `source_profile` of the profile before it.
pub(super) fn of_role_profile(
    settings: &AwsSettings,
    profile: &str,
    visited: &mut Vec<String>,
) -> Result<Option<ProfileRole>> {
    let Some(own) = settings.files.profile(profile).filter(|own| assumes_role(own)) else { return Ok(None) };
    check_texts(profile, own)?;
    let refused = |detail: String| refuse(profile, &detail);
    let role_arn = text(own, "role_arn").unwrap_or_default().to_owned();
    let (base, base_setting, base_name) = match (text(own, "source_profile"), text(own, "credential_source")) {
        (Some(_), Some(_)) => {
            return Err(refused("it has both source_profile and credential_source: remove one of them".to_owned()));
        }
        (None, None) => {
            let detail = "it assumes a role, and has neither source_profile nor credential_source: name the profile with the \
                          credentials that assume the role";
            return Err(refused(detail.to_owned()));
        }
        (None, Some(name)) => (named_source(settings, profile, name)?, "credential_source", name),
        (Some(name), None) => (source_profile(settings, profile, name, visited)?, "source_profile", name),
    };
    let session_name = text(own, "role_session_name").filter(|name| !name.is_empty()).map(str::to_owned);
    let duration: Option<i64> = text(own, "duration_seconds").and_then(python_int);
    // The minimum lengths of AssumeRole's parameters (botocore 1.43, `data/sts`). botocore checks them before the call.
    let lengths = [
        ("role_arn", Some(role_arn.as_str()), 20),
        ("role_session_name", session_name.as_deref(), 2),
        ("external_id", text(own, "external_id"), 2),
        ("mfa_serial", text(own, "mfa_serial"), 9),
    ];
    check_lengths(profile, &lengths)?;
    if duration.is_some_and(|seconds| seconds < SHORTEST_SESSION) {
        return Err(refused(format!("duration_seconds must be at least {SHORTEST_SESSION}")));
    }
    Ok(Some(ProfileRole {
        profile: profile.to_owned(),
        role_arn,
        session_name,
        external_id: text(own, "external_id").map(secret),
        mfa_serial: text(own, "mfa_serial").map(str::to_owned),
        duration,
        base: Box::new(base),
        base_setting,
        base_name: base_name.to_owned(),
    }))
}

/// Reads a whole number as Python's `int()`, which allows underscores between digits. A number beyond 64 bits becomes the largest one.
fn python_int(text: &str) -> Option<i64> {
    let digits = text.trim();
    let unsigned = digits.strip_prefix(['-', '+']).unwrap_or(digits);
    let is_group = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = unsigned.split('_').all(is_group);
    is_number.then(|| digits.replace('_', "").parse().unwrap_or(i64::MAX))
}

/// Returns an error if a value is empty or too short for STS.
pub(super) fn check_lengths(profile: &str, values: &[(&str, Option<&str>, usize)]) -> Result<()> {
    for (key, value, shortest) in values {
        match value.map(|value| value.chars().count()) {
            Some(0) => return Err(refuse(profile, &format!("{key} is empty: give a value, or remove the line"))),
            Some(length) if length < *shortest => {
                let detail = format!("{key} is too short: it must have at least {shortest} characters");
                return Err(refuse(profile, &detail));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns the credentials of the profile that `source_profile` names.
fn source_profile(
    settings: &AwsSettings,
    parent: &str,
    name: &str,
    visited: &mut Vec<String>,
) -> Result<CredentialSource> {
    let refused = |detail: String| refuse(parent, &detail);
    let Some(source) = settings.files.profile(name) else {
        let suggestion = crate::suggest::did_you_mean(name, settings.files.profile_names());
        return Err(refused(format!("its source_profile {name:?} does not exist{suggestion}")));
    };
    // A profile may name itself as its source if it has keys, because its role is then assumed with these keys.
    if visited.iter().any(|known| known == name) && (name != parent || !has_keys(source)) {
        let detail = format!("its source_profile {name:?} leads back to itself, and never to credentials");
        return Err(refused(detail));
    }
    visited.push(name.to_owned());
    if !has_keys(source)
        && let Some(role) = of_role_profile(settings, name, visited)?
    {
        return Ok(CredentialSource::Role(role));
    }
    of_profile(settings, name, false)?.ok_or_else(|| refused(format!("its source_profile {name:?} has no credentials")))
}

/// Returns the credentials that `credential_source` names. The names are case-sensitive in botocore.
fn named_source(settings: &AwsSettings, profile: &str, name: &str) -> Result<CredentialSource> {
    let refused = |detail: String| Err(refuse(profile, &detail));
    match name {
        "Environment" => match environment_keys(settings)? {
            Some(keys) => Ok(CredentialSource::Keys(keys, KeyOrigin::Environment)),
            None => refused("its credential_source is Environment, and AWS_ACCESS_KEY_ID is not set".to_owned()),
        },
        "EcsContainer" if has_container(settings) => Ok(CredentialSource::Container),
        "EcsContainer" => refused(
            "its credential_source is EcsContainer, and neither AWS_CONTAINER_CREDENTIALS_RELATIVE_URI nor \
             AWS_CONTAINER_CREDENTIALS_FULL_URI is set"
                .to_owned(),
        ),
        "Ec2InstanceMetadata" => Ok(CredentialSource::Instance),
        _ => refused(format!(
            "its credential_source {name:?} is not one of Environment, EcsContainer, Ec2InstanceMetadata"
        )),
    }
}
