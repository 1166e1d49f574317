//! The settings of a run. They are stored in `run.json`, so that the run can be resumed. They contain no secrets.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cloud::Operation;
use crate::cloud::aws::session_policy;
use crate::impact::known_impact::KnownImpact;
use crate::org::role::{AccessMode, RoleTemplate, ViaRole};
use crate::org::selection::Selection;
use crate::org::{AccountId, TokenVersion};
use crate::rollout::wave::Waves;
use crate::rollout::{Mode, RolloutOptions, Tolerance, Verify};
use crate::text_enum::text_enum;
use crate::timestamp::duration_text;

text_enum! {
    /// The commands that make a run.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum CommandName {
        /// A preview, which changes no account.
        Plan = "plan",
        /// A rollout.
        Apply = "apply",
        /// A rollout that undoes an earlier rollout.
        Rollback = "rollback",
    }
}

/// What a session in an account is allowed to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyChoice {
    /// Only the actions that the command needs.
    #[default]
    Scoped,
    /// Everything that the role is allowed to do.
    None,
    /// What this policy document allows.
    Document(String),
}

/// The maximum duration of a session that is opened with the credentials of another role's session (STS API reference,
/// `AssumeRole`).
const MAX_CHAINED_SESSION: Duration = Duration::from_hours(1);

/// The maximum duration of a session that `AssumeRoot` opens (STS API reference, `AssumeRoot`).
const MAX_ROOT_SESSION: Duration = Duration::from_mins(15);

/// Settings that contradict each other, or that AWS does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    /// `--verify token=REGION` in a rollback.
    #[error("--verify token=REGION proves v2Token, but most rollbacks set v1Token: --verify token checks both")]
    TokenProofInRollback,
    /// `--verify token=REGION` in a run that sets v1Token.
    #[error("--verify token=REGION proves v2Token, and v1Token is asked for: --verify token checks both")]
    TokenProofOfV1,
    /// A session through `--via-role` that is longer than AWS allows.
    #[error("--session-duration {}: a session that is reached through --via-role lasts 3600 s at most", .0.as_secs())]
    ChainedSessionTooLong(Duration),
    /// `--access assume-root` in a run that sets versions.
    #[error(
        "--access assume-root can only read, because AWS's task policies allow no more: use it with plan or doctor"
    )]
    RootCannotSet,
    /// `--access assume-root` with an MFA session.
    #[error(
        "--access assume-root can't be used with an MFA session, which may assume roles only: go through one with \
         --via-role"
    )]
    RootWithMfa,
    /// A session by `--access assume-root` that is longer than AWS allows.
    #[error("--session-duration: a session by --access assume-root lasts 900 s at most")]
    RootSessionTooLong,
}

/// The settings of a run, as stored in `run.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSettings {
    /// Whether the run is allowed to change accounts.
    pub mode: Mode,
    /// The wanted version.
    pub global_endpoint_token_version: TokenVersion,
    /// The selected accounts.
    pub selection: Selection,
    /// The folder of the plan that is applied.
    pub plan: Option<PathBuf>,
    /// The folder of the run that is undone.
    pub undoes: Option<PathBuf>,
    /// How member accounts are entered.
    #[serde(default)]
    pub access: AccessMode,
    /// The role to assume in every account.
    pub role: RoleTemplate,
    /// The roles of the accounts in which a role other than `role` is assumed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<AccountId, RoleTemplate>,
    /// The roles to assume before the account's role, in this order.
    #[serde(default)]
    pub via_roles: Vec<ViaRole>,
    /// The role session name.
    pub session_name: String,
    /// The source identity of the sessions; absent if none was given.
    pub source_identity: Option<String>,
    /// How long a session lasts.
    #[serde(with = "duration_text")]
    pub session_duration: Duration,
    /// What the sessions are allowed to do.
    pub session_policy: PolicyChoice,
    /// Whether an external id was given. The id itself is not stored.
    pub external_id_given: bool,
    /// The accounts that have an external id of their own. The ids themselves are not stored.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub external_ids_given: BTreeSet<AccountId>,
    /// The serial number or ARN of the MFA device; absent if none was given.
    pub mfa_serial: Option<String>,
    /// The Region; absent if none was given on the command line.
    pub region: Option<String>,
    /// How many visits run at once.
    pub concurrency: u16,
    /// How many visits can start per second; 0 means no limit.
    pub rate: u32,
    /// The maximum number of attempts of one API call.
    pub max_attempts: u32,
    /// The timeout of one visit.
    #[serde(with = "duration_text")]
    pub account_timeout: Duration,
    /// The waves; in a plan, those of an apply of it. Absent in the plans of older versions.
    pub waves: Option<Waves>,
    /// The accounts of the first wave; empty if none were given.
    pub canary: BTreeSet<AccountId>,
    /// How long to wait between waves.
    #[serde(with = "duration_text")]
    pub bake: Duration,
    /// The hash of the command of `--gate`; absent if there is no gate. The command can contain a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<String>,
    /// How long one call of the gate may take.
    #[serde(default = "no_time", with = "duration_text")]
    pub gate_timeout: Duration,
    /// How many accounts are allowed to fail; absent if there is no limit.
    pub max_errors: Option<Tolerance>,
    /// How a Set is verified.
    pub verify: Verify,
    /// Whether a plan exits with 4 if something would change.
    pub detailed_exitcode: bool,
    /// Why the run is made; absent if no reason was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Whether AWS is not asked which policies denied a request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub no_explain: bool,
    /// What the impact of `--impact` says about the accounts; absent without this option.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<KnownImpact>,
    /// Whether `--yes` was given.
    pub yes: bool,
}

/// Older versions had no gate.
const fn no_time() -> Duration {
    Duration::ZERO
}

impl RunSettings {
    /// Checks the settings that depend on each other.
    pub(crate) fn check(&self) -> Result<(), InvalidSettings> {
        let by_root = self.access == AccessMode::AssumeRoot;
        let proves_token = matches!(self.verify, Verify::TokenIn(_));
        let (chained, duration) = (!self.via_roles.is_empty(), self.session_duration);
        let rules = [
            (proves_token && self.undoes.is_some(), InvalidSettings::TokenProofInRollback),
            (
                proves_token && self.global_endpoint_token_version == TokenVersion::V1Token,
                InvalidSettings::TokenProofOfV1,
            ),
            (chained && duration > MAX_CHAINED_SESSION, InvalidSettings::ChainedSessionTooLong(duration)),
            (by_root && self.mode == Mode::Apply, InvalidSettings::RootCannotSet),
            (by_root && self.mfa_serial.is_some() && !chained, InvalidSettings::RootWithMfa),
            (by_root && duration > MAX_ROOT_SESSION, InvalidSettings::RootSessionTooLong),
        ];
        rules.into_iter().find(|(broken, _)| *broken).map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Returns the options of the rollout.
    pub fn rollout_options(&self) -> RolloutOptions {
        RolloutOptions {
            rate: self.rate,
            mode: self.mode,
            verify: self.verify.clone(),
            concurrency: usize::from(self.concurrency),
            max_attempts: self.max_attempts,
            account_timeout: self.account_timeout,
            bake: self.bake,
            max_errors: self.max_errors,
        }
    }

    /// Returns the session policy for the accounts; `None` if sessions are allowed to do everything that the role is allowed to
    /// do.
    pub fn policy(&self) -> Option<String> {
        match &self.session_policy {
            PolicyChoice::Scoped => Some(scoped_policy(self.mode)),
            PolicyChoice::None => None,
            PolicyChoice::Document(document) => Some(document.clone()),
        }
    }

    /// Returns the role to assume in an account.
    pub fn role_in(&self, account: AccountId) -> &RoleTemplate {
        self.roles.get(&account).unwrap_or(&self.role)
    }

    /// Returns these settings with the access settings of a plan, so that an apply does not silently use another role than the
    /// plan that it applies.
    pub(crate) fn with_access_of(self, plan: Self) -> Self {
        Self {
            role: plan.role,
            roles: plan.roles,
            via_roles: plan.via_roles,
            source_identity: plan.source_identity,
            session_duration: plan.session_duration,
            session_policy: match plan.session_policy {
                // The plan's policy document is not taken over: it might allow only reading, which is all that a plan needs.
                PolicyChoice::Document(_) => self.session_policy,
                scoped_or_none => scoped_or_none,
            },
            external_id_given: plan.external_id_given,
            external_ids_given: plan.external_ids_given,
            mfa_serial: plan.mfa_serial,
            region: plan.region,
            ..self
        }
    }
}

/// Returns the session policy that allows only the actions that a run calls in a member account.
pub fn scoped_policy(mode: Mode) -> String {
    match mode {
        Mode::Plan => session_policy(&[Operation::GetAccountSummary]),
        Mode::Apply => session_policy(&[Operation::GetAccountSummary, Operation::SetSecurityTokenServicePreferences]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scoped_session_allows_only_the_calls_of_a_run() {
        let actions = |mode| {
            let policy: serde_json::Value = serde_json::from_str(&scoped_policy(mode)).unwrap();
            policy["Statement"][0]["Action"].clone()
        };
        assert_eq!(actions(Mode::Plan), serde_json::json!(["iam:GetAccountSummary"]));
        assert_eq!(
            actions(Mode::Apply),
            serde_json::json!(["iam:GetAccountSummary", "iam:SetSecurityTokenServicePreferences"])
        );
    }
}
