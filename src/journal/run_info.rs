//! `run.json`: the description of a run, as opposed to its results.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::run_settings::{CommandName, RunSettings};
use crate::build_info::{BuildInfo, VERSION};
use crate::org::AccountId;
use crate::timestamp::{optional_time, rfc3339};

/// The id of a run: its start time and a few random characters. It fits into a role session name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// Creates the id of a run that starts at `now`.
    pub fn new(now: SystemTime) -> Self {
        let time: String = rfc3339(now).chars().take(19).filter(|character| !"-:".contains(*character)).collect();
        let random: String = std::iter::repeat_with(fastrand::lowercase).take(6).collect();
        Self(format!("{time}Z-{random}"))
    }

    /// Joins the ids of several runs that are reported together.
    pub fn of_several(ids: &[&Self]) -> Self {
        Self(ids.iter().map(|id| id.0.as_str()).collect::<Vec<_>>().join("+"))
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// The process's exit code.
    pub exit_code: u8,
    /// The verdict in one sentence.
    pub sentence: String,
}

/// The description of a run: the content of `run.json`, and the `run` object of the JSON report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The run's id.
    pub run_id: RunId,
    /// The command.
    pub command: CommandName,
    /// The program's version.
    pub version: String,
    /// The program's build. Older versions did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<BuildInfo>,
    /// The id of the Organization; absent until it is known.
    pub organization_id: Option<String>,
    /// The management account of the Organization.
    pub management_account: Option<AccountId>,
    /// The ARN of the caller.
    pub caller_arn: Option<String>,
    /// The source of the caller's credentials, such as a profile.
    #[serde(default)]
    pub credential_source: Option<String>,
    /// The Region of the STS endpoint.
    pub region: Option<String>,
    /// The regional STS endpoint that issues the sessions.
    pub sts_endpoint: Option<String>,
    /// The plan that is applied, or the run that is undone. It came first, even if clocks say otherwise. Older versions wrote only its
    /// folder, into the settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub based_on: Option<RunId>,
    /// How often that run had been resumed when this run started. What a later resume of it did may be newer than this run. Older versions
    /// did not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub based_on_resumes: Option<u32>,
    /// The settings, without secrets.
    pub settings: RunSettings,
    /// How something else changed the journal during the run, so that it no longer has everything that the run did; usually absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub journal_changed: Option<String>,
    /// When the run started.
    #[serde(with = "optional_time")]
    pub started_at: Option<SystemTime>,
    /// When the run ended; absent during the run and after a crash.
    #[serde(with = "optional_time")]
    pub ended_at: Option<SystemTime>,
    /// How the run ended; absent during the run and after a crash.
    pub verdict: Option<Ending>,
}

impl RunInfo {
    /// Returns the description of a run that starts now. Its Organization is not known yet.
    pub(crate) fn new(run_id: RunId, command: CommandName, settings: RunSettings, now: SystemTime) -> Self {
        Self {
            run_id,
            command,
            version: VERSION.to_owned(),
            build: Some(BuildInfo::of_this_program()),
            organization_id: None,
            management_account: None,
            caller_arn: None,
            credential_source: None,
            region: None,
            sts_endpoint: None,
            based_on: None,
            based_on_resumes: None,
            settings,
            journal_changed: None,
            started_at: Some(now),
            ended_at: None,
            verdict: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_fits_into_a_session_name() {
        let id = RunId::new(std::time::UNIX_EPOCH + std::time::Duration::from_mins(29_922_015));
        assert!(id.as_str().starts_with("20261122T"), "{id}");
        let name = format!("v2token-{id}");
        assert!(name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{name}");
    }
}
