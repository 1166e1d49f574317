//! The report of a run: one row for each account of the Organization, in several formats.

pub(crate) mod causes;
pub(crate) mod comparison;
pub(crate) mod csv;
mod files;
mod format;
pub(crate) mod impact;
mod issued_otherwise;
pub(crate) mod lineage;
mod markdown;
pub(crate) mod merge;
pub(crate) mod next_steps;
pub(crate) mod ou_totals;
mod page;
pub(crate) mod query_output;
mod row;
mod summary;
pub(crate) mod timeline;
mod would_change;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde_json::Value;

use self::format::LazyList;
use self::next_steps::{NextStep, RunEnd, is_left_out, next_steps};
use crate::humanize::{count, duration, utc};
use crate::journal::{CommandName, RunId, RunInfo};
use crate::org::Account;
use crate::rollout::{Mode, Outcome, Record, Tally, Verify, denied_by};
use crate::terminal::layout::wrap_for_stdout;
use crate::terminal::style::Paint;

pub(crate) use files::{IN_RUN_FOLDER, ReportFiles};
pub(crate) use format::{DocumentFormat, OutputDocument, write_json, write_json_lines};
pub(crate) use row::columns_of;
pub use row::{COLUMNS, columns};
pub(crate) use row::{Cell, Column, Row};
pub(crate) use summary::{closing, report_files, summary, wrong_setting};

/// The content of a report.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report<'a> {
    /// The description of the run.
    pub run: &'a RunInfo,
    /// The accounts of the Organization, sorted by id.
    pub accounts: &'a [Account],
    /// The record of each account, in the same order.
    pub records: &'a [Record],
    /// The verdict in one sentence, or the progress of a run that has not ended; empty if it is told elsewhere.
    pub sentence: &'a str,
    /// The exit code; `None` while the run is still going on, or after a crash.
    pub exit_code: Option<u8>,
    /// The run that each record comes from; `None` unless several runs are merged.
    pub run_ids: Option<&'a [RunId]>,
    /// The run folder; `None` if several runs are merged, or if the next steps are told elsewhere.
    pub folder: Option<&'a Path>,
}

impl<'a> Report<'a> {
    /// Returns the rows, sorted by account id.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let (columns, run, run_ids) = (self.columns(), &self.run.run_id, self.run_ids);
        self.accounts.iter().zip(self.records).enumerate().map(move |(index, (account, record))| {
            let run_id = run_ids.and_then(|ids| ids.get(index)).unwrap_or(run);
            Row { account, record, run_id, columns }
        })
    }

    /// Returns the columns.
    pub(crate) fn columns(&self) -> &'static [Column] {
        columns_of(&self.run.settings)
    }

    /// Counts the accounts by outcome.
    pub(crate) fn tally(&self) -> Tally {
        self.records.iter().map(|record| record.outcome).collect()
    }

    /// Returns the command lines to run next. There are none without the run folder.
    pub(crate) fn steps(&self, folder: Option<&Path>) -> Vec<NextStep> {
        // Neither resume nor rollback takes a run whose journal was changed.
        let Some(folder) = folder.filter(|_| self.run.journal_changed.is_none()) else { return Vec::new() };
        let settings = &self.run.settings;
        next_steps(&RunEnd {
            command: self.run.command,
            mode: settings.mode,
            wanted: settings.global_endpoint_token_version,
            verify: &settings.verify,
            undoes: settings.undoes.as_deref(),
            folder,
            tally: &self.tally(),
            // A run that was killed after its last visit still has to be ended.
            left_out: is_left_out(self.records) || self.exit_code.is_none(),
            has_gate: self.run.settings.gate.is_some(),
        })
    }

    /// Whether the records say in which wave each account was visited, or would be visited by an apply of the plan.
    fn has_waves(&self) -> bool {
        self.records.iter().any(|record| record.wave.is_some())
    }

    /// Returns the known details of the run, each with its name. The details are not sanitized.
    fn details(&self) -> Vec<(&'static str, String)> {
        let (run, settings) = (self.run, &self.run.settings);
        let is_apply = settings.mode == Mode::Apply;
        let target = match run.command {
            CommandName::Plan | CommandName::Apply => settings.global_endpoint_token_version.to_string(),
            CommandName::Rollback => "the version of each account before the run that is undone".to_owned(),
        };
        let visits = count(settings.concurrency, "visit", "visits");
        let rate = match settings.rate {
            0 => format!("{visits} at once, unlimited per second"),
            rate => format!("{visits} at once, at most {rate} started per second"),
        };
        let elapsed = run.started_at.zip(run.ended_at).and_then(|(start, end)| end.duration_since(start).ok());
        let details = [
            ("Run", Some(run.run_id.to_string())),
            ("Reason", settings.reason.clone()),
            ("Organization", run.organization_id.clone()),
            ("Caller", run.caller_arn.clone()),
            ("Target version", Some(target)),
            ("Role", Some(settings.role.to_string())),
            ("STS endpoint", run.sts_endpoint.clone()),
            ("Rate", Some(rate)),
            ("Waves", settings.waves.as_ref().filter(|_| is_apply || self.has_waves()).map(ToString::to_string)),
            ("Bake", (is_apply && !settings.bake.is_zero()).then(|| duration(settings.bake))),
            ("Verify", (is_apply || settings.verify == Verify::TokenSize).then(|| settings.verify.to_string())),
            ("Max errors", settings.max_errors.map(|tolerance| tolerance.to_string())),
            ("Started", run.started_at.map(utc)),
            ("Duration", elapsed.map(duration)),
            ("Exit code", self.exit_code.map(|code| code.to_string())),
            ("Program", Some(program(run))),
        ];
        details.into_iter().filter_map(|(name, detail)| Some((name, detail?))).collect()
    }
}

impl OutputDocument for Report<'_> {
    fn painted_word<'a>(&self, line: &'a str) -> Option<(&'a str, Paint)> {
        let (count, rest) = line.trim_start().split_once(' ')?;
        let word = rest.split_whitespace().next()?;
        let outcome = Outcome::ALL.into_iter().find(|outcome| outcome.as_str() == word)?;
        count.bytes().all(|byte| byte.is_ascii_digit()).then(|| (word, Paint::of(outcome)))
    }

    fn write(&self, format: DocumentFormat, to: &mut dyn Write) -> io::Result<()> {
        match format {
            DocumentFormat::Table => {
                let closing = self.folder.map_or_else(String::new, |folder| closing(self, folder));
                to.write_all((wrap_for_stdout(&summary(self)) + &closing).as_bytes())
            }
            DocumentFormat::Text => csv::write_tab_separated(self.rows().map(Row::values), to),
            DocumentFormat::Csv => {
                let names = self.columns().iter().map(|(name, _)| *name);
                csv::write(names, self.rows().map(Row::values), to)
            }
            DocumentFormat::Json => write_json(self, to),
            DocumentFormat::Jsonl => write_json_lines(self.rows(), to),
            DocumentFormat::Markdown => to.write_all(markdown::text(self).as_bytes()),
            DocumentFormat::Html => page::write(self, to),
        }
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("all keys are strings")
    }

    fn optional_members(&self) -> Vec<&'static str> {
        let has_some =
            self.records.iter().any(|record| record.error.as_ref().is_some_and(|error| error.denied_by.is_some()));
        let of_denials = if has_some { denied_by::MEMBERS } else { &[] };
        [&["denied_by"], of_denials].concat()
    }
}

/// The JSON document. Its texts are not sanitized; JSON itself escapes the control characters below U+0020.
impl Serialize for Report<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("Report", 3)?;
        document.serialize_field("run", self.run)?;
        document.serialize_field("summary", &outcome_counts(self.records))?;
        document.serialize_field("accounts", &LazyList(|| self.rows()))?;
        document.end()
    }
}

/// Counts the records by outcome, for JSON. Every outcome has a count.
fn outcome_counts(records: &[Record]) -> BTreeMap<Outcome, usize> {
    records.iter().map(|record| record.outcome).collect::<Tally>().iter().collect()
}

/// Returns the program's name, version, and build.
fn program(run: &RunInfo) -> String {
    let build = run.build.as_ref().map(|build| format!(" ({} {} {})", build.commit, build.commit_date, build.target));
    format!("v2token {}{}", run.version, build.unwrap_or_default())
}
