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

    /// The terms of the rollout.
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

    /// These settings, with the way in of a plan where `gave` does not say that another one was given. What was previewed through
    /// one role must not be done through another without a word.
    pub fn with_way_of(self, plan: &Self, gave: impl Fn(&str) -> bool) -> Self {
        let other_role = gave("role");
        Self {
            role: if other_role { self.role } else { plan.role.clone() },
            roles: match (other_role, gave("accounts-from")) {
                (true, _) => self.roles,
                (false, true) => plan.roles.clone().into_iter().chain(self.roles).collect(),
                (false, false) => plan.roles.clone(),
            },
            via_roles: if gave("via-role") { self.via_roles } else { plan.via_roles.clone() },
            source_identity: self.source_identity.or_else(|| plan.source_identity.clone()),
            session_duration: if gave("session-duration") { self.session_duration } else { plan.session_duration },
            session_policy: match (&plan.session_policy, gave("session-policy")) {
                // A document that lets a plan read need not let an apply set, so it is taken only where it is given.
                (PolicyChoice::Document(_), _) | (_, true) => self.session_policy,
                (PolicyChoice::Scoped | PolicyChoice::None, false) => plan.session_policy.clone(),
            },
            external_id_given: self.external_id_given || plan.external_id_given,
            external_ids_given: &self.external_ids_given | &plan.external_ids_given,
            mfa_serial: self.mfa_serial.or_else(|| plan.mfa_serial.clone()),
            region: self.region.or_else(|| plan.region.clone()),
            ..self
        }
    }

    /// These settings, with what `gave` says was given explicitly taken from `typed`. Which accounts are meant and what is
    /// wanted in them belongs to the run and stays.
    pub fn with_given(self, typed: Self, gave: impl Fn(&str) -> bool) -> Self {
        Self {
            access: if gave("access") { typed.access } else { self.access },
            // A role that is given anew is for every account, but for those that have one of their own in a file.
            roles: match (gave("role"), gave("accounts-from")) {
                (true, _) => typed.roles,
                (false, true) => self.roles.into_iter().chain(typed.roles).collect(),
                (false, false) => self.roles,
            },
            role: if gave("role") { typed.role } else { self.role },
            via_roles: if gave("via-role") { typed.via_roles } else { self.via_roles },
            source_identity: typed.source_identity.or(self.source_identity),
            session_name: if gave("session-name") { typed.session_name } else { self.session_name },
            session_duration: if gave("session-duration") { typed.session_duration } else { self.session_duration },
            session_policy: if gave("session-policy") { typed.session_policy } else { self.session_policy },
            external_id_given: self.external_id_given || typed.external_id_given,
            external_ids_given: self.external_ids_given,
            mfa_serial: typed.mfa_serial.or(self.mfa_serial),
            region: typed.region.or(self.region),
            concurrency: if gave("concurrency") { typed.concurrency } else { self.concurrency },
            rate: if gave("rate") { typed.rate } else { self.rate },
            max_attempts: if gave("max-attempts") { typed.max_attempts } else { self.max_attempts },
            account_timeout: if gave("account-timeout") { typed.account_timeout } else { self.account_timeout },
            waves: if gave("waves") { typed.waves } else { self.waves },
            canary: if gave("canary") { typed.canary } else { self.canary },
            bake: if gave("bake") { typed.bake } else { self.bake },
            max_errors: if gave("max-errors") { typed.max_errors } else { self.max_errors },
            verify: if gave("verify") { typed.verify } else { self.verify },
            yes: self.yes || typed.yes,
            mode: self.mode,
            global_endpoint_token_version: self.global_endpoint_token_version,
            selection: self.selection,
            plan: self.plan,
            undoes: self.undoes,
            detailed_exitcode: self.detailed_exitcode,
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
