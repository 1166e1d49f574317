//! Decides where the credentials come from. The rules are those of botocore 1.43 (`credentials.py`).
//!
//! A source that is configured but incomplete is an error. The search does not continue with the next source, because that source
//! may belong to another identity.

mod describe;
mod role;

use super::files::{self, Settings, text};
use super::{AwsSettings, AwsSettingsError, Result, check_texts, refuse};
use std::time::SystemTime;

use crate::secret::Secret;
use crate::timestamp;

pub use role::ProfileRole;

/// Where credentials come from. Some sources hold secrets, so this type does not implement `Debug`.
#[derive(Clone)]
pub enum CredentialSource {
    /// Keys in the environment or in a file.
    Keys(Keys, KeyOrigin),
    /// A role that a profile assumes.
    Role(ProfileRole),
    /// A role that is assumed with a token of an identity provider.
    WebIdentity(WebIdentity),
    /// A role of IAM Identity Center.
    Sso(SsoRole),
    /// A session of `aws login`.
    Login {
        /// The name of the profile.
        profile: String,
        /// The ARN of the identity that logged in.
        session: String,
    },
    /// A program that prints credentials.
    Process {
        /// The name of the profile.
        profile: String,
        /// The program and its arguments.
        words: Vec<String>,
    },
    /// The endpoint that the `AWS_CONTAINER_CREDENTIALS_…` variables name.
    Container,
    /// The metadata service of the EC2 instance.
    Instance,
}

/// Access keys, with the session token if they are temporary.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// The id of the access key.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: Secret,
    /// The session token, if the credentials are temporary.
    pub session_token: Option<Secret>,
    /// When they expire, if the environment says so.
    pub expires: Option<SystemTime>,
}

/// Where keys are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOrigin {
    /// `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN`.
    Environment,
    /// A section of the credentials file.
    CredentialsFile {
        /// The name of the section.
        profile: String,
    },
    /// A profile of the config file.
    ConfigFile {
        /// The name of the profile.
        profile: String,
    },
    /// A file of the EC2 tools or of boto 2, named by `AWS_CREDENTIAL_FILE` or `BOTO_CONFIG`, or in its usual place.
    OldFile {
        /// The path of the file.
        path: String,
    },
}

/// A role that is assumed with a token of an identity provider.
#[derive(Clone)]
pub struct WebIdentity {
    /// The profile that names the token, or `None` if the environment names it.
    pub profile: Option<String>,
    /// The file with the token.
    pub token_file: String,
    /// The ARN of the role.
    pub role_arn: String,
    /// The name of the session; `None` if the program chooses one.
    pub session_name: Option<String>,
}

/// A role of IAM Identity Center.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SsoRole {
    /// The name of the profile.
    pub profile: String,
    /// The URL of the access portal.
    pub start_url: String,
    /// The Region of Identity Center.
    pub region: String,
    /// The account of the role, as the profile has it.
    pub account: String,
    /// The name of the permission set.
    pub role: String,
    /// The name of the `sso-session` section, from which the name of the token's file is derived. The older form of the settings
    /// has no such section.
    pub session: Option<String>,
}

/// Decides on the source of the base credentials.
pub(super) fn decide(settings: &AwsSettings) -> Result<CredentialSource> {
    let profile = settings.profile_name();
    let is_named = settings.is_profile_named();
    if !is_named && let Some(keys) = environment_keys(settings)? {
        return Ok(CredentialSource::Keys(keys, KeyOrigin::Environment));
    }
    if let Some(role) = role::of_role_profile(settings, profile, &mut vec![profile.to_owned()])? {
        return Ok(CredentialSource::Role(role));
    }
    if let Some(source) = of_profile(settings, profile, !is_named)? {
        return Ok(source);
    }
    if let Some(source) = of_old_files(settings)? {
        return Ok(source);
    }
    Ok(if has_container(settings) { CredentialSource::Container } else { CredentialSource::Instance })
}

/// Returns the source of a profile's own credentials. A role of this or of another profile may be assumed with these credentials.
fn of_profile(settings: &AwsSettings, profile: &str, with_environment: bool) -> Result<Option<CredentialSource>> {
    if let Some(own) = settings.files.profile(profile) {
        check_texts(profile, own)?;
    }
    if let Some(web_identity) = web_identity(settings, profile, with_environment)? {
        return Ok(Some(CredentialSource::WebIdentity(web_identity)));
    }
    if let Some(role) = sso_role(settings, profile)? {
        return Ok(Some(CredentialSource::Sso(role)));
    }
    if let Some(keys) = settings.files.in_credentials(profile) {
        let origin = KeyOrigin::CredentialsFile { profile: profile.to_owned() };
        if let Some(keys) = keys_in(keys, profile, &settings.files.credentials_path)? {
            return Ok(Some(CredentialSource::Keys(keys, origin)));
        }
    }
    let both = settings.files.profile(profile);
    let setting = |key| both.and_then(|settings| text(settings, key)).map(str::to_owned);
    if let Some(session) = setting("login_session") {
        return Ok(Some(CredentialSource::Login { profile: profile.to_owned(), session }));
    }
    if let Some(command) = setting("credential_process") {
        let words = super::ini::split_words(&command).filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| refuse(profile, "credential_process is not a command: check its quotes"))?;
        return Ok(Some(CredentialSource::Process { profile: profile.to_owned(), words }));
    }
    if let Some(keys) = settings.files.in_config(profile) {
        let origin = KeyOrigin::ConfigFile { profile: profile.to_owned() };
        if let Some(keys) = keys_in(keys, profile, &settings.files.config_path)? {
            return Ok(Some(CredentialSource::Keys(keys, origin)));
        }
    }
    Ok(None)
}

/// Returns the keys of the environment.
pub(super) fn environment_keys(settings: &AwsSettings) -> Result<Option<Keys>> {
    let variables = &settings.variables;
    let Some(access_key_id) = variables.get_non_empty("AWS_ACCESS_KEY_ID") else { return Ok(None) };
    let secret = variables
        .get_non_empty("AWS_SECRET_ACCESS_KEY")
        .ok_or(AwsSettingsError::PartialKeys { missing: "AWS_SECRET_ACCESS_KEY" })?;
    let token = ["AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN"].iter().find_map(|name| variables.get_non_empty(name));
    let expires = variables.get_non_empty("AWS_CREDENTIAL_EXPIRATION").map(|text| {
        timestamp::parse_with_offset(text).ok_or_else(|| AwsSettingsError::Value {
            name: "AWS_CREDENTIAL_EXPIRATION".to_owned(),
            value: text.to_owned(),
            expected: "expected a time such as 2030-01-31T12:00:00Z",
        })
    });
    Ok(Some(Keys { expires: expires.transpose()?, ..keys(access_key_id, secret, token) }))
}

/// Returns the keys of a section. They belong together, so none is taken from another file.
fn keys_in(section: &Settings, profile: &str, path: &str) -> Result<Option<Keys>> {
    let Some(access_key_id) = text(section, "aws_access_key_id") else { return Ok(None) };
    let Some(secret) = text(section, "aws_secret_access_key") else {
        let detail = format!("{path} has aws_access_key_id without aws_secret_access_key");
        return Err(AwsSettingsError::Profile { profile: profile.to_owned(), detail });
    };
    let token = ["aws_security_token", "aws_session_token"].iter().find(|key| section.contains_key(**key));
    // If the setting is empty, botocore signs without a token.
    let token = token.and_then(|key| text(section, key)).filter(|token| !token.is_empty());
    Ok(Some(keys(access_key_id, secret, token)))
}

pub(super) fn keys(access_key_id: &str, secret: &str, token: Option<&str>) -> Keys {
    Keys {
        access_key_id: access_key_id.to_owned(),
        secret_access_key: self::secret(secret),
        session_token: token.map(self::secret),
        expires: None,
    }
}

pub(super) fn secret(text: &str) -> Secret {
    text.parse().expect("every text is a secret")
}

/// Returns the role that is assumed with a token. Each setting may come from the environment or from the profile.
fn web_identity(settings: &AwsSettings, profile: &str, with_environment: bool) -> Result<Option<WebIdentity>> {
    let in_profile = settings.files.profile(profile);
    let in_environment = |variable| settings.variables.get(variable).filter(|_| with_environment);
    let setting = |variable, key| in_environment(variable).or_else(|| text(in_profile?, key));
    let Some(token_file) =
        setting("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file").filter(|file| !file.is_empty())
    else {
        return Ok(None);
    };
    let Some(role_arn) = setting("AWS_ROLE_ARN", "role_arn").filter(|arn| !arn.is_empty()) else {
        return Err(AwsSettingsError::WebIdentityWithoutRole);
    };
    let session_name = setting("AWS_ROLE_SESSION_NAME", "role_session_name").filter(|name| !name.is_empty());
    role::check_lengths(profile, &[("role_arn", Some(role_arn), 20), ("role_session_name", session_name, 2)])?;
    let from_environment = in_environment("AWS_WEB_IDENTITY_TOKEN_FILE").is_some();
    Ok(Some(WebIdentity {
        profile: Some(profile.to_owned()).filter(|_| !from_environment),
        token_file: token_file.to_owned(),
        role_arn: role_arn.to_owned(),
        session_name: session_name.map(str::to_owned),
    }))
}

/// Returns the profile's role of IAM Identity Center.
fn sso_role(settings: &AwsSettings, profile: &str) -> Result<Option<SsoRole>> {
    let Some(own) = settings.files.profile(profile) else { return Ok(None) };
    if !own.contains_key("sso_role_name") && !own.contains_key("sso_account_id") {
        return Ok(None);
    }
    let refused = |detail: String| refuse(profile, &detail);
    let mut all = own.clone();
    let session = text(own, "sso_session");
    if let Some(name) = session {
        let shared = settings.files.sso_session(name);
        let shared = shared.ok_or_else(|| refused(format!("there is no section [sso-session {name}]")))?;
        for (key, value) in shared {
            if all.insert(key.clone(), value.clone()).is_some_and(|own| own != *value) {
                return Err(refused(format!("{key} differs from that of the section [sso-session {name}]")));
            }
        }
    }
    let required = ["sso_role_name", "sso_account_id", "sso_start_url", "sso_region"];
    let missing: Vec<&str> = required.into_iter().filter(|key| text(&all, key).is_none()).collect();
    if !missing.is_empty() {
        return Err(refused(format!("it uses IAM Identity Center, and has no {}", missing.join(", "))));
    }
    let setting = |key| text(&all, key).unwrap_or_default().to_owned();
    Ok(Some(SsoRole {
        profile: profile.to_owned(),
        start_url: setting("sso_start_url"),
        region: setting("sso_region"),
        account: setting("sso_account_id"),
        role: setting("sso_role_name"),
        session: session.map(str::to_owned),
    }))
}

/// Whether the environment names an endpoint with container credentials.
fn has_container(settings: &AwsSettings) -> bool {
    let names = ["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_CREDENTIALS_FULL_URI"];
    names.iter().any(|name| settings.variables.get(name).is_some())
}

/// Returns the keys of a file of the EC2 tools or of boto 2. botocore looks for them before it asks a metadata service.
fn of_old_files(settings: &AwsSettings) -> Result<Option<CredentialSource>> {
    let variables = &settings.variables;
    if let Some(path) = variables.get("AWS_CREDENTIAL_FILE") {
        let path = variables.expand_home(path);
        let refused = |detail: String| AwsSettingsError::File { path: path.clone(), line: None, detail };
        let contents = files::read_limited(&path).map_err(|error| refused(format!("it can't be read: {error}")))?;
        let contents = String::from_utf8_lossy(&contents);
        let value = |name: &str| {
            let mut pairs = contents.lines().filter_map(|line| line.split_once('='));
            pairs.rfind(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
        };
        if let Some(access_key_id) = value("AWSAccessKeyId") {
            let secret = value("AWSSecretKey").ok_or_else(|| refused("it has no AWSSecretKey".to_owned()))?;
            let keys = keys(access_key_id, secret, None);
            return Ok(Some(CredentialSource::Keys(keys, KeyOrigin::OldFile { path: path.clone() })));
        }
    }
    let paths = match variables.get("BOTO_CONFIG") {
        Some(path) => vec![path],
        None => vec!["/etc/boto.cfg", "~/.boto"],
    };
    for path in paths.into_iter().map(|path| variables.expand(path)) {
        let section = files::sections(&path)?.into_iter().find(|section| section.name == "Credentials");
        let settings: Option<Settings> = section.map(|section| section.values.into_iter().collect());
        let Some(access_key_id) = settings.as_ref().and_then(|settings| text(settings, "aws_access_key_id")) else {
            continue;
        };
        let secret = settings.as_ref().and_then(|settings| text(settings, "aws_secret_access_key"));
        let secret = secret.ok_or_else(|| AwsSettingsError::File {
            path: path.clone(),
            line: None,
            detail: "it has aws_access_key_id without aws_secret_access_key".to_owned(),
        })?;
        let keys = keys(access_key_id, secret, None);
        return Ok(Some(CredentialSource::Keys(keys, KeyOrigin::OldFile { path })));
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
