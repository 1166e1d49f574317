//! The text that names a source of credentials in the question before a run, in the output of `doctor` and in `run.json`. The
//! text holds no secret.

use std::fmt;

use super::{CredentialSource, KeyOrigin};

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keys(_, origin) => origin.fmt(f),
            Self::Role(role) => {
                write!(f, "profile {}", role.profile)?;
                let mut role = role;
                loop {
                    write!(f, ", role {} by {} {}", role.role_arn, role.base_setting, role.base_name)?;
                    match &*role.base {
                        Self::Role(next) => role = next,
                        base if role.base_setting == "source_profile" => return write!(f, " ({})", base.kind()),
                        _ => return Ok(()),
                    }
                }
            }
            Self::WebIdentity(identity) => match &identity.profile {
                Some(profile) => write!(f, "profile {profile}, role {} by web_identity_token_file", identity.role_arn),
                None => write!(f, "role {} by AWS_WEB_IDENTITY_TOKEN_FILE", identity.role_arn),
            },
            Self::Sso(sso) => {
                write!(f, "profile {}, {} {} in account {}", sso.profile, self.kind(), sso.role, sso.account)
            }
            Self::Login { profile, .. } | Self::Process { profile, .. } => {
                write!(f, "profile {profile}, {}", self.kind())
            }
            Self::Container | Self::Instance => f.write_str(self.kind()),
        }
    }
}

impl fmt::Display for KeyOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment => f.write_str("AWS_ACCESS_KEY_ID in the environment"),
            Self::CredentialsFile { profile } => write!(f, "profile {profile}, keys in the credentials file"),
            Self::ConfigFile { profile } => write!(f, "profile {profile}, keys in the config file"),
            Self::OldFile { path } => write!(f, "keys in {path}"),
        }
    }
}

impl CredentialSource {
    /// Names the kind of the source, without its profile.
    fn kind(&self) -> &'static str {
        match self {
            Self::Keys(_, KeyOrigin::Environment) => "AWS_ACCESS_KEY_ID in the environment",
            Self::Keys(_, KeyOrigin::CredentialsFile { .. }) => "keys in the credentials file",
            Self::Keys(_, KeyOrigin::ConfigFile { .. }) => "keys in the config file",
            Self::Keys(_, KeyOrigin::OldFile { .. }) => "keys in a file",
            Self::Role(_) => "role",
            Self::WebIdentity(_) => "web_identity_token_file",
            Self::Sso(_) => "IAM Identity Center role",
            Self::Login { .. } => "session of aws login",
            Self::Process { .. } => "credential_process",
            Self::Container => "container credentials",
            Self::Instance => "instance role",
        }
    }
}
