//! The history of one account: what all runs in a folder know of it, in chronological order.

use std::fs::OpenOptions;
use std::io::{self, Read as _, Write};
use std::path::Path;
use std::time::SystemTime;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde_json::Value;

use super::catalog::{Catalog, CatalogEntry, UnreadableRun};
use super::columns::{self, Column, items};
use super::list::problems;
use super::parallel;
use crate::file_ownership::open_regular;
use crate::humanize::{count, utc};
use crate::journal::{AccountReplay, RunFolder, RunInfo};
use crate::org::{Account, AccountId, ObservedVersion};
use crate::report::{Cell, DocumentFormat, OutputDocument};
use crate::rollout::{Outcome, Record};
use crate::sanitize::for_terminal;
use crate::terminal::layout::wrap_for_stdout;
use crate::timestamp::rfc3339;

/// What a run knows of the account: a visit, or the reason why there was no visit.
#[derive(Debug)]
pub(crate) struct HistoryRow {
    account: Account,
    record: Record,
    info: RunInfo,
    folder: String,
    /// When the visit started, or else when the run started.
    time: Option<SystemTime>,
    /// Whether the version was read, and is another one than the last that an earlier row knows.
    changed_outside: bool,
}

/// The history of one account.
#[derive(Debug)]
pub(crate) struct History {
    account_id: AccountId,
    runs_dir: String,
    /// The number of runs that were read.
    runs: usize,
    rows: Vec<HistoryRow>,
    unreadable: Vec<UnreadableRun>,
}

/// The columns of the machine-readable formats. New columns are added at the end.
pub(crate) const HISTORY_COLUMNS: &[Column<HistoryRow>] = &[
    ("time", |row| row.time.map_or(Cell::Nothing, |time| Cell::Text(rfc3339(time).into()))),
    ("run_id", |row| Cell::text(row.info.run_id.as_str())),
    ("command", |row| Cell::text(row.info.command.as_str())),
    ("outcome", |row| Cell::text(row.record.outcome.as_str())),
    ("previous_version", |row| version(row.record.previous_version)),
    ("current_version", |row| version(row.record.current_version)),
    ("target_version", |row| Cell::text(row.record.target_version.as_str())),
    ("changed_outside", |row| Cell::text(if row.changed_outside { "yes" } else { "no" })),
    ("stage", |row| row.record.error.as_ref().map_or(Cell::Nothing, |error| Cell::text(error.stage.as_str()))),
    ("error_code", |row| Cell::text(row.record.error.as_ref().map_or("", |error| error.error_code.as_str()))),
    ("error_message", |row| row.record.error.as_ref().map_or(Cell::Nothing, |error| Cell::text(&error.error_message))),
    ("hint", |row| Cell::text(row.record.error.as_ref().map_or(&row.record.note, |error| &error.hint))),
    ("request_id", |row| row.record.request_id.as_ref().map_or(Cell::Nothing, |id| Cell::owned(id.to_string()))),
    ("wave", |row| row.record.wave.map_or(Cell::Nothing, |wave| Cell::Number(wave.into()))),
    ("account_name", |row| Cell::text(&row.account.name)),
    ("account_state", |row| Cell::text(row.account.attributes.state.as_str())),
    ("ou_path", |row| Cell::text(&row.account.attributes.ou_path)),
    ("caller_arn", |row| row.info.caller_arn.as_deref().map_or(Cell::Nothing, Cell::text)),
    ("reason", |row| row.info.settings.reason.as_deref().map_or(Cell::Nothing, Cell::text)),
    ("folder", |row| Cell::text(&row.folder)),
];

fn version(read: Option<ObservedVersion>) -> Cell<'static> {
    read.map_or(Cell::Nothing, |read| Cell::text(read.as_str()))
}

impl History {
    /// Reads the journals of all runs.
    pub(crate) fn of(account_id: AccountId, catalog: &Catalog) -> Self {
        let mut history = Self {
            account_id,
            runs_dir: catalog.runs_dir.to_string_lossy().into_owned(),
            runs: catalog.entries.len(),
            rows: Vec::new(),
            unreadable: catalog.unreadable.clone(),
        };
        let read = parallel::map(&catalog.entries, |entry| read(account_id, entry));
        for (CatalogEntry { folder, info }, read) in catalog.entries.iter().zip(read) {
            match read {
                Ok(AccountReplay { account: Some(account), records }) => {
                    history.rows.extend(records.into_iter().map(|record| HistoryRow {
                        account: account.clone(),
                        time: record.started_at.map(SystemTime::from).or(info.started_at),
                        record,
                        info: info.clone(),
                        folder: folder.to_string_lossy().into_owned(),
                        changed_outside: false,
                    }));
                }
                Ok(AccountReplay { account: None, .. }) => {}
                Err(cause) => history.unreadable.push(UnreadableRun { folder: folder.clone(), cause }),
            }
        }
        // The sort is stable: rows of one run keep the order of its journal.
        history.rows.sort_by(|one, other| (one.time, &one.info.run_id).cmp(&(other.time, &other.info.run_id)));
        mark_outside_changes(&mut history.rows);
        history
    }

    /// Whether no run lists the account.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The number of runs that were read.
    pub(crate) const fn runs(&self) -> usize {
        self.runs
    }

    /// Returns the folders that can't be read, with the reason.
    pub(crate) fn problems(&self) -> impl Iterator<Item = (&Path, &str)> {
        self.unreadable.iter().map(|run| (run.folder.as_path(), run.cause.as_str()))
    }

    fn table(&self) -> String {
        let Some(newest) = self.rows.last() else { return String::new() };
        let name = match &*newest.account.name {
            "" => String::new(),
            name => format!(" ({})", for_terminal(name)),
        };
        let mut text = format!(
            "{}{name} in {} in {}, oldest first\n\n",
            self.account_id,
            count(self.runs, "run", "runs"),
            for_terminal(&self.runs_dir)
        );
        for same in self.rows.chunk_by(|one, other| other.is_as_uneventful_as(one)) {
            let [first, more @ ..] = same else { continue };
            text.push_str(&first.line());
            if let Some(last) = more.last() {
                let until = last.time.map_or_else(String::new, |time| format!(", until {}", utc(time)));
                text.push_str(&format!(
                    "    the same in {}{until}\n",
                    count(more.len(), "further run", "further runs")
                ));
            }
        }
        wrap_for_stdout(&text)
    }
}

impl HistoryRow {
    /// Whether this row says the same as the row before it, and nothing happened in between.
    fn is_as_uneventful_as(&self, before: &Self) -> bool {
        let said = |row: &Self| {
            let Record { outcome, previous_version, current_version, error, .. } = &row.record;
            (*outcome, *previous_version, *current_version, error.as_ref().map(|error| error.error_code.clone()))
        };
        let is_eventful = matches!(self.record.outcome, Outcome::Changed | Outcome::Unverified);
        !self.changed_outside && !is_eventful && self.info.command == before.info.command && said(self) == said(before)
    }

    /// Returns the lines about the row.
    fn line(&self) -> String {
        let Self { record, info, .. } = self;
        let time = self.time.map_or_else(String::new, utc);
        let text = |version: Option<ObservedVersion>| version.map_or("", ObservedVersion::as_str);
        let versions = match (record.previous_version, record.current_version) {
            (Some(previous), Some(current)) if previous != current => format!("{previous} -> {current}"),
            (previous, current) => text(current.or(previous)).to_owned(),
        };
        let (run_id, command) = (for_terminal(info.run_id.as_str()), info.command);
        let mut lines = format!("{time}  {:<13}  {versions:<18}  {command} {run_id}\n", record.outcome);
        if self.changed_outside {
            lines.push_str("    something else had changed the version since\n");
        }
        if let Some(error) = &record.error {
            let separator = if error.error_message.is_empty() { "" } else { ": " };
            let message = format!("{}{separator}{}", error.error_code.as_str(), error.error_message);
            lines.push_str(&format!("    {}: {}\n", error.stage, for_terminal(&message)));
        }
        if let Some(reason) = &info.settings.reason {
            lines.push_str(&format!("    reason: {}\n", for_terminal(reason)));
        }
        lines
    }
}

/// Marks each row that read another version than the last that an earlier row knows: something else changed it in between. After a
/// Set whose effect is not certain, the version is not known.
fn mark_outside_changes(rows: &mut [HistoryRow]) {
    let mut known = None;
    for row in rows {
        let Record { outcome, previous_version, current_version, .. } = row.record;
        if let (Some(known), Some(read)) = (known, previous_version) {
            row.changed_outside = known != read;
        }
        known = match (outcome, current_version.or(previous_version)) {
            (Outcome::Unverified, _) => None,
            (_, Some(read)) => Some(read),
            (_, None) => known,
        };
    }
}

/// Reads what the journal of a run says about the account.
fn read(account_id: AccountId, entry: &CatalogEntry) -> Result<AccountReplay, String> {
    let path = entry.folder.join(RunFolder::JOURNAL);
    let mut bytes = Vec::new();
    open_regular(&path, OpenOptions::new().read(true), false)
        .and_then(|mut journal| journal.read_to_end(&mut bytes))
        .map_err(|error| format!("{}: {error}", RunFolder::JOURNAL))?;
    AccountReplay::of(&bytes, account_id, &path).map_err(|error| error.to_string())
}

impl OutputDocument for History {
    fn write(&self, format: DocumentFormat, to: &mut dyn Write) -> io::Result<()> {
        match format {
            DocumentFormat::Table => to.write_all(self.table().as_bytes()),
            other => columns::write(other, &self.rows, HISTORY_COLUMNS, self, to),
        }
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("all keys are strings")
    }
}

/// The JSON document.
impl Serialize for History {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("History", 4)?;
        document.serialize_field("account_id", &self.account_id)?;
        document.serialize_field("runs_dir", &self.runs_dir)?;
        document.serialize_field("history", &items(&self.rows, HISTORY_COLUMNS))?;
        document.serialize_field("problems", &problems(self.problems()))?;
        document.end()
    }
}
