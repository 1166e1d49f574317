//! This module owns the report: one row for every account of the Organization, in several formats.

pub(crate) mod causes;
pub(crate) mod comparison;
mod csv;
mod facts;
mod files;
mod format;
mod json;
mod markdown;
pub(crate) mod merge;
mod page;
pub(crate) mod query_output;
mod row;
mod summary;
pub(crate) mod timeline;
pub(crate) mod units;
mod words;

use std::io::{self, Write};
use std::path::Path;

use serde_json::Value;

use crate::journal::{RunId, RunInfo};
use crate::org::Account;
use crate::rollout::{Record, Tally};
use crate::terminal::layout::wrap_for_stdout;

pub(crate) use files::ReportFiles;
pub(crate) use format::{DocumentFormat, OutputDocument, write_json, write_json_lines};
pub(crate) use row::Column;
pub(crate) use row::Row;
pub use row::{COLUMNS, columns};
pub(crate) use summary::{next_steps, summary};

/// All that a report shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Report<'a> {
    /// What the run is.
    pub run: &'a RunInfo,
    /// Every account of the Organization, sorted by id.
    pub accounts: &'a [Account],
    /// The record of each account, in the same order.
    pub records: &'a [Record],
    /// The verdict in one sentence; of a run that has not ended, how far it has come.
    pub sentence: &'a str,
    /// The exit code of a run that has ended; `None` while it goes on, or after a crash.
    pub ended: Option<u8>,
    /// The run behind each record, where several runs are shown as one.
    pub run_ids: Option<&'a [RunId]>,
    /// The run folder; `None` where several runs are shown as one.
    pub folder: Option<&'a Path>,
}

impl<'a> Report<'a> {
    /// The rows, sorted by account id.
    pub(crate) fn rows(&self) -> impl Iterator<Item = Row<'a>> + use<'a> {
        let (columns, run, run_ids) = (self.columns(), &self.run.run_id, self.run_ids);
        self.accounts.iter().zip(self.records).enumerate().map(move |(index, (account, record))| {
            let run_id = run_ids.and_then(|ids| ids.get(index)).unwrap_or(run);
            Row { account, record, run_id, columns }
        })
    }

    /// The columns of this report.
    pub(crate) const fn columns(&self) -> &'static [Column] {
        columns(&self.run.settings.verify)
    }

    /// How many accounts came to which outcome.
    pub(crate) fn tally(&self) -> Tally {
        self.records.iter().map(|record| record.outcome).collect()
    }
}

impl OutputDocument for Report<'_> {
    fn write(&self, format: DocumentFormat, to: &mut dyn Write) -> io::Result<()> {
        match format {
            DocumentFormat::Table => {
                let next_steps = self
                    .folder
                    .map_or_else(String::new, |folder| next_steps(self, folder, folder.join("report.csv").is_file()));
                to.write_all((wrap_for_stdout(&summary(self)) + &next_steps).as_bytes())
            }
            DocumentFormat::Text => csv::write_tab_separated(self.rows().map(Row::values), to),
            DocumentFormat::Csv => {
                let names = self.columns().iter().map(|(name, _)| *name);
                csv::write(names, self.rows().map(Row::values), to)
            }
            DocumentFormat::Json => write_json(&json::Document::of(self), to),
            DocumentFormat::Jsonl => write_json_lines(self.rows(), to),
            DocumentFormat::Markdown => markdown::write(self, to),
            DocumentFormat::Html => page::write(self, to),
        }
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(json::Document::of(self)).expect("all keys are strings")
    }
}
