//! The list of runs that `runs` shows, newest first.

use std::io::{self, Write};
use std::path::Path;

use serde::ser::{Serialize, SerializeStruct as _, Serializer};
use serde_json::{Value, json};

use super::catalog::{Catalog, CatalogEntry, UnreadableRun};
use super::columns::{self, Column, items};
use super::known_run::{KnownRun, RunState, link};
use super::parallel;
use crate::humanize::{count, utc};
use crate::journal::CommandName;
use crate::report::{Cell, DocumentFormat, OutputDocument};
use crate::rollout::{Mode, Outcome, Tally};
use crate::sanitize::for_terminal;
use crate::terminal::layout::wrap_for_stdout;
use crate::timestamp::rfc3339;

/// The runs in a folder, newest first.
#[derive(Debug)]
pub(crate) struct RunList {
    runs_dir: String,
    runs: Vec<KnownRun>,
    unreadable: Vec<UnreadableRun>,
}

/// The columns of the machine-readable formats. New columns are added at the end.
pub(crate) const RUN_COLUMNS: &[Column<KnownRun>] = &[
    ("run_id", |run| Cell::text(run.entry.info.run_id.as_str())),
    ("command", |run| Cell::text(run.entry.info.command.as_str())),
    ("target_version", |run| match run.entry.info.command {
        // A rollback restores the version of each account.
        CommandName::Rollback => Cell::Nothing,
        CommandName::Plan | CommandName::Apply => {
            Cell::text(run.entry.info.settings.global_endpoint_token_version.as_str())
        }
    }),
    ("organization_id", |run| optional(run.entry.info.organization_id.as_deref())),
    ("state", |run| Cell::text(run.state.as_str())),
    ("exit_code", |run| {
        run.entry.info.verdict.as_ref().map_or(Cell::Nothing, |verdict| Cell::Number(verdict.exit_code.into()))
    }),
    ("verdict", |run| optional(run.entry.info.verdict.as_ref().map(|verdict| verdict.sentence.as_str()))),
    ("changed", |run| counted(run, Outcome::Changed)),
    ("unchanged", |run| counted(run, Outcome::Unchanged)),
    ("would_change", |run| counted(run, Outcome::WouldChange)),
    ("unverified", |run| counted(run, Outcome::Unverified)),
    ("failed", |run| counted(run, Outcome::Failed)),
    ("skipped", |run| counted(run, Outcome::Skipped)),
    ("not_attempted", |run| counted(run, Outcome::NotAttempted)),
    ("started_at", |run| time(run.entry.info.started_at)),
    ("ended_at", |run| time(run.entry.info.ended_at)),
    ("caller_arn", |run| optional(run.entry.info.caller_arn.as_deref())),
    ("based_on", |run| optional(run.entry.info.based_on.as_ref().map(crate::journal::RunId::as_str))),
    ("followed_by", |run| optional(run.followed_by.as_ref().map(crate::journal::RunId::as_str))),
    ("next", |run| match run.steps().into_iter().next() {
        Some(step) => Cell::Text(step.command.into()),
        None => Cell::Nothing,
    }),
    ("reason", |run| optional(run.entry.info.settings.reason.as_deref())),
    ("folder", |run| Cell::Text(run.entry.folder.to_string_lossy())),
];

fn optional(text: Option<&str>) -> Cell<'_> {
    text.map_or(Cell::Nothing, Cell::text)
}

fn time(time: Option<std::time::SystemTime>) -> Cell<'static> {
    time.map_or(Cell::Nothing, |time| Cell::Text(rfc3339(time).into()))
}

fn counted(run: &KnownRun, outcome: Outcome) -> Cell<'static> {
    run.counts.as_ref().map_or(Cell::Nothing, |counts| Cell::Number(counts.of(outcome) as u64))
}

impl RunList {
    /// Reads the state and the counts of all runs.
    pub(crate) fn of(catalog: &Catalog) -> Self {
        let mut runs = parallel::map(&catalog.entries, KnownRun::read);
        link(&mut runs);
        Self { runs_dir: catalog.runs_dir.to_string_lossy().into_owned(), runs, unreadable: catalog.unreadable.clone() }
    }

    /// Returns the runs whose counts can't be read, with the reason.
    pub(crate) fn problems(&self) -> impl Iterator<Item = (&Path, &str)> {
        let unreadable = self.unreadable.iter().map(|run| (run.folder.as_path(), run.cause.as_str()));
        let uncounted = self.runs.iter().filter_map(|run| Some((run.entry.folder.as_path(), run.problem.as_deref()?)));
        unreadable.chain(uncounted)
    }

    fn table(&self) -> String {
        let dir = for_terminal(&self.runs_dir);
        let mut text = match self.runs.len() {
            0 => return format!("no runs in {dir}: v2token plan makes one\n"),
            1 => format!("1 run in {dir}\n"),
            several => format!("{} in {dir}, newest first\n", count(several, "run", "runs")),
        };
        for run in &self.runs {
            text.push('\n');
            text.push_str(&wrap_for_stdout(&block(run)));
            // These lines are for copying, so they are never wrapped.
            run.steps().iter().for_each(|step| text.push_str(&format!("    {}\n", step.line())));
        }
        text
    }
}

/// Returns the lines about a run, without the command lines to copy.
fn block(run: &KnownRun) -> String {
    let CatalogEntry { folder, info } = &run.entry;
    let target = match info.command {
        CommandName::Rollback => String::new(),
        CommandName::Plan | CommandName::Apply => format!(" to {}", info.settings.global_endpoint_token_version),
    };
    let preview = info.command == CommandName::Rollback && info.settings.mode == Mode::Plan;
    let dry = if preview { " --dry-run" } else { "" };
    let organization = info.organization_id.as_deref().unwrap_or("no Organization yet");
    let started = info.started_at.map_or_else(String::new, |time| format!("  {}", utc(time)));
    let mut text = format!(
        "{}  {}{dry}{target}  {}{started}\n",
        for_terminal(info.run_id.as_str()),
        info.command,
        for_terminal(organization)
    );
    let verdict = match (&info.verdict, run.state) {
        (Some(verdict), _) => verdict.sentence.as_str(),
        (None, RunState::Running) => "in progress",
        (None, RunState::Interrupted | RunState::Ended) => {
            "no verdict: its process was killed, or the machine went down"
        }
    };
    text.push_str(&format!("    {}\n", for_terminal(verdict)));
    let counts = run.counts.iter().flat_map(Tally::iter).filter(|(_, count)| *count > 0);
    let counts: Vec<_> = counts.map(|(outcome, count)| format!("{count} {outcome}")).collect();
    if !counts.is_empty() {
        text.push_str(&format!("    {}\n", counts.join(", ")));
    }
    if let Some(reason) = &info.settings.reason {
        text.push_str(&format!("    reason: {}\n", for_terminal(reason)));
    }
    if folder.file_name().is_none_or(|name| name != info.run_id.as_str()) {
        text.push_str(&format!("    in {}\n", for_terminal(&folder.to_string_lossy())));
    }
    if let Some(later) = &run.followed_by {
        let how = match info.command {
            CommandName::Plan => "applied",
            CommandName::Apply => "undone",
            CommandName::Rollback => "done",
        };
        text.push_str(&format!("    {how} by {}\n", for_terminal(later.as_str())));
    }
    text
}

impl OutputDocument for RunList {
    fn write(&self, format: DocumentFormat, to: &mut dyn Write) -> io::Result<()> {
        match format {
            DocumentFormat::Table => to.write_all(self.table().as_bytes()),
            other => columns::write(other, &self.runs, RUN_COLUMNS, self, to),
        }
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("all keys are strings")
    }
}

/// The JSON document.
impl Serialize for RunList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut document = serializer.serialize_struct("RunList", 3)?;
        document.serialize_field("runs_dir", &self.runs_dir)?;
        document.serialize_field("runs", &items(&self.runs, RUN_COLUMNS))?;
        document.serialize_field("problems", &problems(self.problems()))?;
        document.end()
    }
}

/// Returns the JSON list of the folders that can't be read.
pub(super) fn problems<'a>(folders: impl Iterator<Item = (&'a Path, &'a str)>) -> Vec<Value> {
    folders.map(|(folder, cause)| json!({ "folder": folder.to_string_lossy(), "cause": cause })).collect()
}
