//! The report of `impact`: who uses the global endpoint, and what the change of the token version means for each account.

mod columns;
mod markdown;
mod page;
mod sentence;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::{self, BufReader, Read as _, Write};
use std::net::IpAddr;
use std::path::Path;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::csv;
use super::format::{DocumentFormat, OutputDocument, write_json, write_json_lines};
use crate::build_info::BuildInfo;
use crate::file_ownership::open_regular;
use crate::impact::verdict::Verdict;
use crate::journal::{Ending, RunFolder, RunId};
use crate::org::AccountId;
use crate::terminal::layout::wrap_for_stdout;
use crate::timestamp::optional_time;

pub(crate) use columns::{ACCOUNT_COLUMNS, PRINCIPAL_COLUMNS};
pub(crate) use sentence::sentence;

/// The command, as `run.json` names it.
pub(crate) const COMMAND: &str = "impact";

/// The names of the files in the run folder.
pub(crate) const PRINCIPALS_CSV: &str = "principals.csv";
pub(crate) const IMPACT_JSON: &str = "impact.json";
pub(crate) const IN_IMPACT_FOLDER: [(&str, DocumentFormat); 4] = [
    ("impact.csv", DocumentFormat::Csv),
    (IMPACT_JSON, DocumentFormat::Json),
    ("impact.md", DocumentFormat::Markdown),
    ("impact.html", DocumentFormat::Html),
];

/// The largest report that is read again, in bytes. With 50,000 accounts and 100,000 principals, it has some 60 MB.
const MAX_REPORT: u64 = 512 << 20;

/// How many damaged files are named.
pub(crate) const NAMED_FILES: usize = 100;

/// The settings of the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImpactSettings {
    /// The events since this time count.
    #[serde(with = "optional_time")]
    pub since: Option<SystemTime>,
    /// The files and folders of `--events`.
    #[serde(default)]
    pub events: Vec<String>,
    /// The files of `--accounts-from`.
    #[serde(default)]
    pub accounts_from: Vec<String>,
    #[serde(default)]
    pub offline: bool,
    #[serde(default)]
    pub with_addresses: bool,
    /// The pages of the event history that are read in each account; absent if it is not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_pages: Option<u32>,
}

/// A file that could not be read, or not completely.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DamagedFile {
    pub file: String,
    pub cause: String,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImpactSources {
    pub files: u64,
    /// The files in folders that have no events, by their names.
    pub ignored_files: u64,
    pub damaged_files: u64,
    /// The first of them.
    pub damaged: Vec<DamagedFile>,
    /// The bytes that were read, compressed as they are.
    pub bytes: u64,
    pub events: u64,
    /// The calls of operations that issue sessions.
    pub session_calls: u64,
    /// Those of regional endpoints in the accounts of the report.
    #[serde(default)]
    pub regional_calls: u64,
    /// Those of the global endpoint by AWS services in the accounts of the report.
    #[serde(default)]
    pub service_calls: u64,
    /// Those of the global endpoint that failed in the accounts of the report.
    #[serde(default)]
    pub failed_calls: u64,
    /// The events of STS that are not understood, by the reason.
    pub not_understood: BTreeMap<String, u64>,
    /// The calls before `since`, which do not count.
    pub too_old: u64,
    /// The calls in or for accounts that are not in the report.
    pub other_accounts: u64,
    /// Whether there were too many calls to recognize those that were read twice, so that the numbers may be too high.
    pub counts_may_be_high: bool,
}

/// The description of the run: the content of `run.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImpactRun {
    pub run_id: RunId,
    pub command: String,
    pub version: String,
    /// The program's build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<BuildInfo>,
    pub organization_id: Option<String>,
    /// The partition, if it has no global endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partition: Option<String>,
    pub settings: ImpactSettings,
    #[serde(default)]
    pub sources: ImpactSources,
    #[serde(with = "optional_time")]
    pub started_at: Option<SystemTime>,
    #[serde(with = "optional_time")]
    pub ended_at: Option<SystemTime>,
    pub verdict: Option<Ending>,
}

/// The row of an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImpactAccount {
    pub account_id: AccountId,
    pub account_name: Option<String>,
    pub account_email: Option<String>,
    pub ou_path: Option<String>,
    pub account_state: Option<String>,
    pub verdict: Verdict,
    pub current_version: Option<String>,
    /// The Regions that were enabled by hand, separated by spaces; empty if there are none, and `unknown` if they were not read.
    pub opt_in_regions: String,
    pub global_calls: u64,
    pub principals: u64,
    pub largest_token: Option<u32>,
    pub expected_token: Option<u32>,
    pub coverage: String,
    pub source: Option<String>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub hint: Option<String>,
    pub run_id: RunId,
    /// Whether the expected size is an estimate. It is not a column, and neither is what follows.
    #[serde(default)]
    pub expected_token_is_estimate: bool,
    /// The events of sessions that regional endpoints issued, in the account's trail.
    #[serde(default)]
    pub regional_calls: u64,
    /// The events of calls of the global endpoint by AWS services, which do not count.
    #[serde(default)]
    pub service_calls: u64,
    /// The events of calls of the global endpoint that failed, which do not count.
    #[serde(default)]
    pub failed_calls: u64,
}

/// The row of a principal with one user agent and one operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImpactPrincipal {
    pub account_id: AccountId,
    pub principal: String,
    pub user_agent: String,
    pub operation: String,
    pub calls: u64,
    pub first_seen: String,
    pub last_seen: String,
    pub largest_token: Option<u32>,
    pub expected_token: Option<u32>,
    /// The known limits that the expected size crosses, in characters, separated by spaces.
    pub limits_crossed: Option<String>,
    /// The account that issued the sessions.
    pub attributed_to: AccountId,
    /// Whether the expected size is an estimate. It is not a column.
    #[serde(default)]
    pub expected_token_is_estimate: bool,
    /// Whether the program asks the global endpoint unless it is told otherwise. It is not a column.
    #[serde(default)]
    pub global_by_default: bool,
    /// The addresses that called; only with `--with-addresses`. They are not a column.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<IpAddr>,
}

/// The report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ImpactReport {
    pub run: ImpactRun,
    pub summary: BTreeMap<Verdict, usize>,
    pub accounts: Vec<ImpactAccount>,
    pub principals: Vec<ImpactPrincipal>,
}

impl ImpactReport {
    /// Whether a folder has the report of an impact: by the command in its `run.json`.
    pub(crate) fn is_in(folder: &Path) -> bool {
        Self::started_in(folder).is_some()
    }

    /// Returns when the impact in a folder started, the beginning of 1970 if that is not known; `None` if the folder has no impact.
    pub(crate) fn started_in(folder: &Path) -> Option<SystemTime> {
        #[derive(Deserialize)]
        struct Described {
            command: String,
            #[serde(default, with = "optional_time")]
            started_at: Option<SystemTime>,
        }
        let run = open_regular(&folder.join(RunFolder::RUN), OpenOptions::new().read(true), false).ok()?;
        let described: Described = serde_json::from_reader(BufReader::new(run)).ok()?;
        (described.command == COMMAND).then_some(described.started_at.unwrap_or(SystemTime::UNIX_EPOCH))
    }

    /// Reads the report in a folder.
    ///
    /// # Errors
    ///
    /// Returns why it can't be read.
    pub(crate) fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join(IMPACT_JSON);
        let file = open_regular(&path, OpenOptions::new().read(true), false);
        let file = file.map_err(|error| format!("{}: {error}", path.display()))?;
        serde_json::from_reader(BufReader::new(file.take(MAX_REPORT)))
            .map_err(|error| format!("{}: {error}", path.display()))
    }

    /// Writes the principals as CSV.
    pub(crate) fn write_principals(&self, to: &mut dyn Write) -> io::Result<()> {
        let rows = self.principals.iter().map(|row| PRINCIPAL_COLUMNS.iter().map(move |(_, value)| value(row)));
        csv::write(PRINCIPAL_COLUMNS.iter().map(|(name, _)| *name), rows, to)
    }

    /// Counts the accounts by OU and verdict. The accounts of nested OUs are counted only in their own.
    fn by_unit(&self) -> BTreeMap<&str, BTreeMap<Verdict, usize>> {
        let mut units: BTreeMap<&str, BTreeMap<Verdict, usize>> = BTreeMap::new();
        for account in &self.accounts {
            let path = account.ou_path.as_deref().unwrap_or_default();
            *units.entry(path).or_default().entry(account.verdict).or_default() += 1;
        }
        units
    }

    fn of(&self, verdict: Verdict) -> usize {
        self.summary.get(&verdict).copied().unwrap_or(0)
    }

    /// How many principals the affected accounts have.
    pub(crate) fn affected_principals(&self) -> usize {
        let principals = self.first_to_talk_to().into_iter().map(|row| (row.account_id, row.principal.as_str()));
        principals.collect::<BTreeSet<_>>().len()
    }

    /// The principals of affected accounts, those with the most calls first. Each is in the view of the account that issued its
    /// sessions.
    fn first_to_talk_to(&self) -> Vec<&ImpactPrincipal> {
        let verdicts: BTreeMap<AccountId, Verdict> =
            self.accounts.iter().map(|account| (account.account_id, account.verdict)).collect();
        let is_affected = |row: &&ImpactPrincipal| {
            row.account_id == row.attributed_to
                && verdicts.get(&row.account_id).is_some_and(|verdict| verdict.is_affected())
        };
        let mut rows: Vec<&ImpactPrincipal> = self.principals.iter().filter(is_affected).collect();
        rows.sort_by_key(|row| {
            let verdict = verdicts.get(&row.account_id).copied();
            (verdict, row.limits_crossed.is_none(), std::cmp::Reverse(row.calls))
        });
        rows
    }
}

impl OutputDocument for ImpactReport {
    fn write(&self, format: DocumentFormat, to: &mut dyn Write) -> io::Result<()> {
        let rows = || self.accounts.iter().map(|row| ACCOUNT_COLUMNS.iter().map(move |(_, value)| value(row)));
        match format {
            DocumentFormat::Table => to.write_all(wrap_for_stdout(&table::text(self)).as_bytes()),
            DocumentFormat::Text => csv::write_tab_separated(rows(), to),
            DocumentFormat::Csv => csv::write(ACCOUNT_COLUMNS.iter().map(|(name, _)| *name), rows(), to),
            DocumentFormat::Json => write_json(self, to),
            DocumentFormat::Jsonl => write_json_lines(&self.accounts, to),
            DocumentFormat::Markdown => to.write_all(markdown::text(self).as_bytes()),
            DocumentFormat::Html => page::write(self, to),
        }
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("all keys are strings")
    }
}
