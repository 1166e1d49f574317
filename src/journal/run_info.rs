//! `run.json`: the description of a run, as opposed to its results.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::run_id::RunId;
use super::run_settings::{CommandName, RunSettings};
use crate::org::AccountId;
use crate::timestamp::optional_time;

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
    /// The id of the Organization; absent until it is known.
    pub organization_id: Option<String>,
    /// Its management account.
    pub management_account: Option<AccountId>,
    /// The ARN of the caller.
    pub caller_arn: Option<String>,
    /// The Region of the STS endpoint.
    pub region: Option<String>,
    /// The regional STS endpoint that sessions come from.
    pub sts_endpoint: Option<String>,
    /// The settings, without secrets.
    pub settings: RunSettings,
    /// When it started.
    #[serde(with = "optional_time")]
    pub started_at: Option<SystemTime>,
    /// When it ended; absent during the run and after a crash.
    #[serde(with = "optional_time")]
    pub ended_at: Option<SystemTime>,
    /// How it ended; absent during the run and after a crash.
    pub verdict: Option<Ending>,
}

impl RunInfo {
    /// The description of a run that starts now, before anything is known of its Organization.
    pub(crate) fn new(run_id: RunId, command: CommandName, settings: RunSettings, now: SystemTime) -> Self {
        Self {
            run_id,
            command,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            organization_id: None,
            management_account: None,
            caller_arn: None,
            region: None,
            sts_endpoint: None,
            settings,
            started_at: Some(now),
            ended_at: None,
            verdict: None,
        }
    }
}
