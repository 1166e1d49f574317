//! The options for entering the accounts: credentials, roles and sessions.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::{ACCESS, values};
use crate::org::role::{AccessMode, RoleTemplate, ViaRole};
use crate::org::selection::ManagementAccess;
use crate::secret::Secret;

/// What a session in an account is allowed to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionPolicy {
    /// Only what this command needs.
    Scoped,
    /// Everything that the role is allowed to do.
    None,
    /// What the policy in this file allows.
    File(PathBuf),
}

impl FromStr for SessionPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.strip_prefix("file://")) {
            ("scoped", _) => Ok(Self::Scoped),
            ("none", _) => Ok(Self::None),
            (_, Some(path)) if !path.is_empty() => Ok(Self::File(path.into())),
            (_, Some(_)) => Err("expected a path after file://".to_owned()),
            _ if std::path::Path::new(text).extension().is_some_and(|ending| ending == "json") => {
                let path = text.strip_prefix("file:").unwrap_or(text);
                Err(format!("expected scoped, none, or file://FILE: did you mean file://{path}?"))
            }
            _ => Err("expected scoped, none, or file://FILE".to_owned()),
        }
    }
}

/// The default of `--session-duration`.
pub(crate) const SESSION_DURATION: Duration = Duration::from_mins(15);

/// The options for entering the accounts.
#[derive(Args)]
#[command(next_help_heading = ACCESS)]
pub struct AccessArgs {
    /// The AWS profile of the base credentials [default: AWS_DEFAULT_PROFILE, AWS_PROFILE].
    #[arg(long, env = "V2TOKEN_PROFILE", value_name = "NAME")]
    pub profile: Option<String>,
    /// The Region whose STS endpoint issues the sessions [default: AWS_REGION, AWS_DEFAULT_REGION, the profile].
    #[arg(long, env = "V2TOKEN_REGION", value_name = "REGION")]
    pub region: Option<String>,
    /// The role in every account: a name, a path with a name, or an ARN with {partition} and {account_id}
    /// [default: OrganizationAccountAccessRole].
    #[arg(long, env = "V2TOKEN_ROLE", value_name = "ROLE")]
    pub role: Option<RoleTemplate>,
    /// The full ARNs of roles to assume first, in this order. With this option, sessions last an hour at most.
    #[arg(long, env = "V2TOKEN_VIA_ROLE", value_name = "ARN", value_delimiter = ',')]
    pub via_role: Vec<ViaRole>,
    /// The external id that the roles' trust policies require.
    #[arg(long, env = "V2TOKEN_EXTERNAL_ID", hide_env_values = true, value_name = "ID")]
    pub external_id: Option<Secret>,
    /// The name of the sessions, as CloudTrail shows it [default: v2token-<run id>].
    #[arg(long, env = "V2TOKEN_SESSION_NAME", value_name = "NAME", value_parser = values::session_name)]
    pub session_name: Option<String>,
    /// The source identity of the sessions, as CloudTrail shows it. The roles' trust policies must allow sts:SetSourceIdentity.
    #[arg(long, env = "V2TOKEN_SOURCE_IDENTITY", value_name = "NAME", value_parser = values::source_identity)]
    pub source_identity: Option<String>,
    /// The duration of a session: seconds, or a duration such as 15m [default: 900].
    #[arg(long, env = "V2TOKEN_SESSION_DURATION", value_name = "DURATION", value_parser = values::session_duration)]
    pub session_duration: Option<Duration>,
    /// The session policy: scoped (allows only what this command needs), none (allows everything that the role allows), or
    /// file://FILE (a JSON policy) [default: scoped].
    #[arg(long, env = "V2TOKEN_SESSION_POLICY", value_name = "POLICY")]
    pub session_policy: Option<SessionPolicy>,
    /// The MFA device of the base credentials. One MFA session is used for the whole run [default: mfa_serial of a profile that
    /// assumes a role].
    #[arg(long, env = "V2TOKEN_MFA_SERIAL", value_name = "ARN", value_parser = values::mfa_serial)]
    pub mfa_serial: Option<String>,
    /// The six digits that the MFA device shows [default: ask].
    #[arg(long, env = "V2TOKEN_MFA_TOKEN", hide_env_values = true, value_name = "CODE")]
    pub mfa_token: Option<Secret>,
    /// How accounts are entered: through the role, or by AssumeRoot, which needs no role but can only read (plan and doctor)
    /// [default: role].
    #[arg(long, env = "V2TOKEN_ACCESS", value_name = "HOW", value_parser = values::access())]
    pub access: Option<AccessMode>,
    /// How the management account is visited: with the caller's own credentials if the caller is in it, through the role, or
    /// not at all [default: own].
    #[arg(long, env = "V2TOKEN_MANAGEMENT_ACCOUNT", value_name = "HOW", value_parser = values::management_account())]
    pub management_account: Option<ManagementAccess>,
    /// One endpoint for Organizations, STS, IAM and IAM Access Troubleshooter, such as a VPC endpoint, a proxy or a test server.
    #[arg(long, env = "V2TOKEN_ENDPOINT_URL", value_name = "URL")]
    pub endpoint_url: Option<String>,
    /// Trust only the certificate authorities in this PEM file [default: AWS_CA_BUNDLE, or the system's].
    #[arg(long, env = "V2TOKEN_CA_BUNDLE", value_name = "FILE")]
    pub ca_bundle: Option<PathBuf>,
}
