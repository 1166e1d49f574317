//! This module owns `run.json`: what a run is, apart from what it did.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::org::AccountId;
use crate::settings::{CommandName, RunSettings};
use crate::timestamp::{optional_time, rfc3339};

/// A run's id: when it started, and a few random characters. It fits into a session's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// A new id.
    #[must_use]
    pub fn new(now: SystemTime) -> Self {
        let time: String = rfc3339(now).chars().take(19).filter(|character| !"-:".contains(*character)).collect();
        let random: String = std::iter::repeat_with(fastrand::lowercase).take(6).collect();
        Self(format!("{time}Z-{random}"))
    }

    /// The id of several runs that are shown as one.
    #[must_use]
    pub fn of_several(ids: &[&Self]) -> Self {
        Self(ids.iter().map(|id| id.0.as_str()).collect::<Vec<_>>().join("+"))
    }

    /// The id as text.
    #[must_use]
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

/// What a run is. It is `run.json`, and the `run` object of the JSON report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The run's id.
    pub run_id: RunId,
    /// The command.
    pub command: CommandName,
    /// The program's version.
    pub version: String,
    /// The Organization; absent until it is known.
    pub organization_id: Option<String>,
    /// Its management account.
    pub management_account: Option<AccountId>,
    /// Who ran it.
    pub caller_arn: Option<String>,
    /// The Region of the STS endpoint.
    pub region: Option<String>,
    /// The regional STS endpoint that the sessions came from.
    pub sts_endpoint: Option<String>,
    /// The settings, without any secret.
    pub settings: RunSettings,
    /// When it started.
    #[serde(with = "optional_time")]
    pub started_at: Option<SystemTime>,
    /// When it ended; absent while it goes on, or after a crash.
    #[serde(with = "optional_time")]
    pub ended_at: Option<SystemTime>,
    /// How it ended; absent while it goes on, or after a crash.
    pub verdict: Option<Ending>,
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
