//! This module owns the report: one row for every account of the Organization, in several formats.

pub(crate) mod causes;
pub(crate) mod comparison;
mod csv;
mod facts;
mod files;
mod json;
mod markdown;
pub(crate) mod merge;
mod page;
pub(crate) mod query_output;
mod row;
mod summary;
mod text;
pub(crate) mod timeline;
pub(crate) mod units;
mod words;

use crate::awscli::jmespath::value::Value;
use crate::journal::{RunId, RunInfo};
use crate::org::Account;
use crate::rollout::{Record, Tally};

pub(crate) use files::{Destination, Format, ReportFiles};
pub(crate) use row::Column;
pub(crate) use row::Row;
pub use row::{COLUMNS, columns};
pub(crate) use summary::{summary, whereabouts};
pub(crate) use text::write as write_text;

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

    /// The JSON report as a value, for a query. It has a copy of every text, so it is made only when it is asked for.
    pub(crate) fn document(&self) -> Value {
        json::document(self)
    }

    /// How many accounts came to which outcome.
    pub(crate) fn tally(&self) -> Tally {
        self.records.iter().map(|record| record.outcome).collect()
    }
}
