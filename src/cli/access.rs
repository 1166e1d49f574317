//! This module owns the options that say how to get into the accounts.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{ACCESS, values};
use crate::org::role::RoleTemplate;
use crate::org::select::Management;
use crate::secret::Secret;

/// What a session in an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum SessionPolicy {
    /// Only what this command needs.
    Scoped,
    /// All that the role may do.
    None,
}

/// How to get into the accounts.
#[derive(Args)]
pub struct AccessArgs {
    /// The AWS profile of the base credentials [default: the AWS chain].
    #[arg(long, env = "V2TOKEN_PROFILE", value_name = "NAME", help_heading = ACCESS)]
    pub profile: Option<String>,
    /// The Region whose STS endpoint issues the sessions [default: the AWS chain].
    #[arg(long, env = "V2TOKEN_REGION", value_name = "REGION", help_heading = ACCESS)]
    pub region: Option<String>,
    /// The role in every account: a name, a path with a name, or an ARN with {partition} and {account_id}.
    #[arg(
        long,
        env = "V2TOKEN_ROLE",
        value_name = "ROLE",
        default_value_t = RoleTemplate::default(),
        help_heading = ACCESS
    )]
    pub role: RoleTemplate,
    /// The external id that the roles' trust policies ask for.
    #[arg(
        long,
        env = "V2TOKEN_EXTERNAL_ID",
        hide_env_values = true,
        value_name = "ID",
        help_heading = ACCESS
    )]
    pub external_id: Option<Secret>,
    /// The session's name, as CloudTrail shows it [default: v2token-<run id>].
    #[arg(long, env = "V2TOKEN_SESSION_NAME", value_name = "NAME", value_parser = values::session_name, help_heading = ACCESS)]
    pub session_name: Option<String>,
    /// How long a session lasts: seconds, or a duration such as 15m.
    #[arg(
        long,
        env = "V2TOKEN_SESSION_DURATION",
        value_name = "DURATION",
        default_value = "900",
        value_parser = values::session_duration,
        help_heading = ACCESS
    )]
    pub session_duration: Duration,
    /// What a session may do: only what this command needs, or all that the role may.
    #[arg(
        long,
        env = "V2TOKEN_SESSION_POLICY",
        value_name = "POLICY",
        value_enum,
        default_value_t = SessionPolicy::Scoped,
        help_heading = ACCESS
    )]
    pub session_policy: SessionPolicy,
    /// How the management account is visited: with the caller's own credentials when the caller is in it, through the role,
    /// or not at all.
    #[arg(
        long,
        env = "V2TOKEN_MANAGEMENT_ACCOUNT",
        value_name = "HOW",
        value_enum,
        default_value_t = Management::Own,
        help_heading = ACCESS
    )]
    pub management_account: Management,
    /// One endpoint for Organizations, STS and IAM: a VPC endpoint, a proxy, a test server.
    #[arg(long, env = "V2TOKEN_ENDPOINT_URL", value_name = "URL", help_heading = ACCESS)]
    pub endpoint_url: Option<String>,
    /// Trust only the certificate authorities in this PEM file [default: AWS_CA_BUNDLE, or the system's].
    #[arg(long, env = "V2TOKEN_CA_BUNDLE", value_name = "FILE", help_heading = ACCESS)]
    pub ca_bundle: Option<PathBuf>,
}
