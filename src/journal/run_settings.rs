//! This module owns the settings that make a run what it is. They are written down in the run folder, so that the run can be
//! gone on with; no secret is among them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::cloud::Operation;
use crate::cloud::aws::session_policy;
use crate::error::Error;
use crate::org::role::{AccessMode, RoleTemplate, ViaRole};
use crate::org::selection::Selection;
use crate::org::{AccountId, TokenVersion};
use crate::rollout::wave::Waves;
use crate::rollout::{Mode, RolloutOptions, Tolerance, Verify};
use crate::timestamp::duration_text;

/// The commands that make a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommandName {
    /// A preview.
    Plan,
    /// A rollout.
    Apply,
    /// A rollout that is undone.
    Rollback,
}

impl CommandName {
    /// The command's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Rollback => "rollback",
        }
    }
}

impl fmt::Display for CommandName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a session in an account may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PolicyChoice {
    /// Only what the command needs.
    #[default]
    Scoped,
    /// All that the role may do.
    None,
    /// What this JSON document allows.
    Document(String),
}

/// How long a session lasts at most that was opened by another role's session (STS API reference, `AssumeRole`).
pub(super) const CHAINED: Duration = Duration::from_hours(1);

/// How long a session by `AssumeRoot` lasts at most (STS API reference, `AssumeRoot`).
const ROOT: Duration = Duration::from_mins(15);

/// The settings that were given explicitly. They replace those that a plan or a run folder hands on.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    pub access: Option<AccessMode>,
    pub role: Option<RoleTemplate>,
    /// The roles of single accounts, from a file.
    pub roles: Option<BTreeMap<AccountId, RoleTemplate>>,
    pub via_roles: Option<Vec<ViaRole>>,
    pub source_identity: Option<String>,
    pub session_name: Option<String>,
    pub session_duration: Option<Duration>,
    pub session_policy: Option<PolicyChoice>,
    pub external_id: bool,
    pub mfa_serial: Option<String>,
    pub region: Option<String>,
    pub concurrency: Option<u16>,
    pub rate: Option<u32>,
    pub max_attempts: Option<u32>,
    pub account_timeout: Option<Duration>,
    pub waves: Option<Waves>,
    pub canary: Option<BTreeSet<AccountId>>,
    pub bake: Option<Duration>,
    pub max_errors: Option<Tolerance>,
    pub verify: Option<Verify>,
    pub yes: bool,
}

/// The settings of a run that are written down in `run.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunSettings {
    /// Whether anything may be changed.
    pub mode: Mode,
    /// The wanted version.
    pub global_endpoint_token_version: TokenVersion,
    /// Which accounts.
    pub selection: Selection,
    /// The folder of the plan that is applied.
    pub plan: Option<PathBuf>,
    /// The folder of the run that is undone.
    pub undoes: Option<PathBuf>,
    /// How member accounts are entered.
    #[serde(default)]
    pub access: AccessMode,
    /// The role in every account.
    pub role: RoleTemplate,
    /// The roles of single accounts that have another one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub roles: BTreeMap<AccountId, RoleTemplate>,
    /// The roles to go through first.
    #[serde(default)]
    pub via_roles: Vec<ViaRole>,
    /// The session's name.
    pub session_name: String,
    /// Who is behind the sessions, where it was given.
    #[serde(default)]
    pub source_identity: Option<String>,
    /// How long a session lasts.
    #[serde(with = "duration_text")]
    pub session_duration: Duration,
    /// What the sessions may do.
    pub session_policy: PolicyChoice,
    /// Whether an external id was given. The id itself is not written down.
    pub external_id_given: bool,
    /// The accounts that have an external id of their own. The ids themselves are not written down.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub external_ids_given: BTreeSet<AccountId>,
    /// The MFA device that was named.
    #[serde(default)]
    pub mfa_serial: Option<String>,
    /// The Region that was named on the command line.
    pub region: Option<String>,
    /// Visits in flight.
    pub concurrency: u16,
    /// Visits started per second; 0 is unlimited.
    pub rate: u32,
    /// Tries of one API call.
    pub max_attempts: u32,
    /// How long one visit may take.
    #[serde(with = "duration_text")]
    pub account_timeout: Duration,
    /// The waves; absent in a plan.
    pub waves: Option<Waves>,
    /// The accounts of the first wave, where they were named.
    pub canary: BTreeSet<AccountId>,
    /// How long to wait between waves.
    #[serde(with = "duration_text")]
    pub bake: Duration,
    /// How many accounts may fail; absent for no limit.
    pub max_errors: Option<Tolerance>,
    /// How a Set is checked.
    pub verify: Verify,
    /// A plan ends with 4 when something would change.
    pub detailed_exitcode: bool,
    /// It was agreed to beforehand, by `--yes`.
    pub yes: bool,
}

impl RunSettings {
    /// Checks what only shows in the whole: options that exclude each other, or ask for what can't be.
    ///
    /// # Errors
    ///
    /// When there is such a thing.
    pub fn check(&self) -> Result<(), Error> {
        let token = matches!(self.verify, Verify::Token(_));
        if token && (self.undoes.is_some() || self.global_endpoint_token_version == TokenVersion::V1Token) {
            let what =
                if self.undoes.is_some() { "a rollback mostly goes away from it" } else { "v1Token is asked for" };
            return Err(Error::Usage(format!("--verify token=REGION proves v2Token, and {what}")));
        }
        if !self.via_roles.is_empty() && self.session_duration > CHAINED {
            return Err(Error::Usage(format!(
                "--session-duration {}: a session that is reached through --via-role lasts 3600 s at most",
                self.session_duration.as_secs()
            )));
        }
        if self.access == AccessMode::AssumeRoot && self.mode == Mode::Apply {
            return Err(Error::Usage(
                "--access assume-root can only read, because AWS's task policies allow no more: use it with plan or doctor"
                    .to_owned(),
            ));
        }
        if self.access == AccessMode::AssumeRoot && self.mfa_serial.is_some() && self.via_roles.is_empty() {
            return Err(Error::Usage(
                "--access assume-root can't be used with an MFA session, which may assume roles only: go through one with \
                 --via-role"
                    .to_owned(),
            ));
        }
        if self.access == AccessMode::AssumeRoot && self.session_duration > ROOT {
            return Err(Error::Usage(
                "--session-duration: a session by --access assume-root lasts 900 s at most".to_owned(),
            ));
        }
        Ok(())
    }

    /// The options of the rollout.
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

    /// The policy that narrows the sessions in the accounts; `None` when they may do all that the role may.
    pub fn policy(&self) -> Option<String> {
        match &self.session_policy {
            PolicyChoice::Scoped => Some(scoped_policy(self.mode)),
            PolicyChoice::None => None,
            PolicyChoice::Document(document) => Some(document.clone()),
        }
    }

    /// The role in an account.
    pub fn role_in(&self, account: AccountId) -> &RoleTemplate {
        self.roles.get(&account).unwrap_or(&self.role)
    }

    /// These settings, with the access to the accounts of a plan: what was previewed through one role must not be done through another
    /// without notice.
    pub(crate) fn with_access_of(self, plan: &Self) -> Self {
        Self {
            role: plan.role.clone(),
            roles: plan.roles.clone(),
            via_roles: plan.via_roles.clone(),
            source_identity: plan.source_identity.clone(),
            session_duration: plan.session_duration,
            session_policy: match &plan.session_policy {
                // A document that lets a plan read need not let an apply set.
                PolicyChoice::Document(_) => self.session_policy,
                scoped_or_none => scoped_or_none.clone(),
            },
            external_id_given: self.external_id_given || plan.external_id_given,
            external_ids_given: &self.external_ids_given | &plan.external_ids_given,
            mfa_serial: plan.mfa_serial.clone(),
            region: plan.region.clone(),
            ..self
        }
    }

    /// These settings, with those that were given explicitly in their place. The accounts and the wanted version belong to the run
    /// and stay.
    pub(crate) fn overlaid(self, given: Overrides) -> Self {
        let roles = match (&given.role, given.roles) {
            // A role that is given is for every account, except those with a role of their own in a file.
            (Some(_), roles) => roles.unwrap_or_default(),
            (None, roles) => self.roles.into_iter().chain(roles.unwrap_or_default()).collect(),
        };
        Self {
            roles,
            access: given.access.unwrap_or(self.access),
            role: given.role.unwrap_or(self.role),
            via_roles: given.via_roles.unwrap_or(self.via_roles),
            source_identity: given.source_identity.or(self.source_identity),
            session_name: given.session_name.unwrap_or(self.session_name),
            session_duration: given.session_duration.unwrap_or(self.session_duration),
            session_policy: given.session_policy.unwrap_or(self.session_policy),
            external_id_given: self.external_id_given || given.external_id,
            mfa_serial: given.mfa_serial.or(self.mfa_serial),
            region: given.region.or(self.region),
            concurrency: given.concurrency.unwrap_or(self.concurrency),
            rate: given.rate.unwrap_or(self.rate),
            max_attempts: given.max_attempts.unwrap_or(self.max_attempts),
            account_timeout: given.account_timeout.unwrap_or(self.account_timeout),
            waves: given.waves.or(self.waves),
            canary: given.canary.unwrap_or(self.canary),
            bake: given.bake.unwrap_or(self.bake),
            max_errors: given.max_errors.or(self.max_errors),
            verify: given.verify.unwrap_or(self.verify),
            yes: self.yes || given.yes,
            ..self
        }
    }
}

/// The policy that narrows a session to what a run calls in a member account.
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
    fn a_scoped_session_may_do_only_what_the_run_calls() {
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
