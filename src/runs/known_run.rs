//! A run with its state and its counts, read without a look at each account where possible.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs::OpenOptions;
use std::io::BufReader;
use std::path::Path;

use serde::Deserializer as _;
use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};

use super::catalog::CatalogEntry;
use crate::file_ownership::open_regular;
use crate::journal::{CommandName, RunFolder, RunId, RunInfo};
use crate::report::next_steps::{NextStep, RunEnd, is_left_out, next_steps};
use crate::rollout::{Mode, Outcome, Tally};
use crate::text_enum::text_enum;

text_enum! {
    /// Whether a run is over.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) enum RunState {
        /// A process works in the run folder.
        Running = "running",
        /// The process ended without a verdict, for instance because it was killed.
        Interrupted = "interrupted",
        /// The run has a verdict.
        Ended = "ended",
    }
}

/// The exit codes of runs that visited all their accounts. The verdict of such a run says that a resume has nothing to visit.
const VISITED_ALL: [u8; 4] = [0, 3, 4, 6];

/// A run with its state and its counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownRun {
    pub entry: CatalogEntry,
    pub state: RunState,
    /// The number of accounts with each outcome; `None` if it can't be read.
    pub counts: Option<Tally>,
    /// Whether a resume would visit accounts even without `--retry-failed`.
    pub left_out: bool,
    /// Why the counts can't be read.
    pub problem: Option<String>,
    /// The newest run that applies this plan or undoes this run; for the preview of a rollback, the newest rollback of the same run.
    pub followed_by: Option<RunId>,
}

impl KnownRun {
    /// Reads the state and the counts of a run.
    ///
    /// The JSON report has the counts of a run that visited all its accounts: `run.json` gets its verdict after the reports are
    /// written. For any other run the whole journal is read.
    pub(crate) fn read(entry: &CatalogEntry) -> Self {
        let CatalogEntry { folder, info } = entry;
        let is_over = info.verdict.as_ref().is_some_and(|verdict| VISITED_ALL.contains(&verdict.exit_code));
        let mut run = Self {
            entry: entry.clone(),
            state: state(folder, info),
            counts: if is_over { reported_counts(folder, &info.run_id) } else { None },
            left_out: false,
            problem: None,
            followed_by: None,
        };
        if run.counts.is_some() {
            return run;
        }
        match RunFolder::read(folder) {
            Ok((_, replay)) => {
                let records = replay.records();
                run.counts = Some(records.iter().map(|record| record.outcome).collect());
                run.left_out = !replay.ready || is_left_out(&records);
            }
            Err(error) => run.problem = Some(error.to_string()),
        }
        run
    }

    /// Returns how many accounts have an outcome. Unknown counts are 0.
    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        self.counts.as_ref().map_or(0, |counts| counts.of(outcome))
    }

    /// Whether `resume` has something to do in the run.
    pub(crate) fn can_be_resumed(&self, retry_failed: bool) -> bool {
        let can_continue = self.problem.is_none() && self.entry.info.journal_changed.is_none();
        let failed = retry_failed && self.counts.as_ref().is_some_and(|counts| counts.errors() > 0);
        can_continue && (self.state == RunState::Interrupted || self.left_out || failed)
    }

    /// Whether the run is a rollout that changed accounts or might have changed some.
    pub(crate) fn can_be_undone(&self) -> bool {
        let info = &self.entry.info;
        let is_apply = (info.command, info.settings.mode) == (CommandName::Apply, Mode::Apply);
        let changed = self.count(Outcome::Changed) + self.count(Outcome::Unverified);
        is_apply && info.journal_changed.is_none() && changed > 0
    }

    /// Returns the command lines to run next. There are none while the run is in progress, and none after another run has followed:
    /// that run has its own.
    pub(crate) fn steps(&self) -> Vec<NextStep> {
        let CatalogEntry { folder, info } = &self.entry;
        let Some(counts) = self.counts.as_ref().filter(|_| info.journal_changed.is_none()) else { return Vec::new() };
        if self.state == RunState::Running || self.followed_by.is_some() {
            return Vec::new();
        }
        let settings = &info.settings;
        next_steps(&RunEnd {
            command: info.command,
            mode: settings.mode,
            wanted: settings.global_endpoint_token_version,
            verify: &settings.verify,
            undoes: settings.undoes.as_deref(),
            folder,
            tally: counts,
            left_out: self.left_out || self.state == RunState::Interrupted,
            has_gate: settings.gate.is_some(),
        })
    }
}

/// Sets `followed_by` of all runs, which are sorted with the newest first.
pub(crate) fn link(runs: &mut [KnownRun]) {
    let mut followers: HashMap<String, RunId> = HashMap::new();
    for run in runs {
        let CatalogEntry { folder, info } = &run.entry;
        // Older versions wrote only the folder of the earlier run.
        let earlier_folder =
            info.settings.plan.as_deref().or(info.settings.undoes.as_deref()).and_then(Path::file_name);
        let earlier = info.based_on.as_ref().map(|id| id.as_str().to_owned());
        let earlier = earlier.or_else(|| Some(earlier_folder?.to_string_lossy().into_owned()));
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned());
        let names = [Some(info.run_id.as_str().to_owned()), name];
        if (info.command, info.settings.mode) == (CommandName::Rollback, Mode::Plan) {
            // The preview of a rollback is of no use after the rollback.
            run.followed_by = earlier.and_then(|earlier| followers.get(&earlier).cloned());
            continue;
        }
        run.followed_by = names.into_iter().flatten().find_map(|name| followers.get(&name).cloned());
        if let Some(earlier) = earlier.filter(|_| info.settings.mode == Mode::Apply) {
            followers.entry(earlier).or_insert_with(|| info.run_id.clone());
        }
    }
}

fn state(folder: &Path, info: &RunInfo) -> RunState {
    match info.verdict {
        Some(_) => RunState::Ended,
        None if RunFolder::is_in_use(folder) => RunState::Running,
        None => RunState::Interrupted,
    }
}

/// Returns the counts in the JSON report of a run; `None` if there is no such report, or if it is the report of another run. The accounts
/// in the report are not read.
fn reported_counts(folder: &Path, run_id: &RunId) -> Option<Tally> {
    let report = open_regular(&folder.join("report.json"), OpenOptions::new().read(true), true).ok()?;
    let mut counts = None;
    // Reading stops with an error after the summary.
    let _ = serde_json::Deserializer::from_reader(BufReader::new(report))
        .deserialize_map(Head { run_id, counts: &mut counts });
    counts
}

/// Reads the members `run` and `summary` at the beginning of a JSON report.
struct Head<'a> {
    run_id: &'a RunId,
    counts: &'a mut Option<Tally>,
}

#[derive(serde::Deserialize)]
struct Identity {
    run_id: RunId,
}

impl<'de> Visitor<'de> for Head<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON report")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut is_of_run = false;
        while let Some(name) = members.next_key::<String>()? {
            match name.as_str() {
                "run" => is_of_run = members.next_value::<Identity>()?.run_id == *self.run_id,
                "summary" if is_of_run => {
                    let summary: BTreeMap<Outcome, u32> = members.next_value()?;
                    let mut tally = Tally::default();
                    for (outcome, count) in summary {
                        tally.add_several(outcome, usize::try_from(count).unwrap_or(usize::MAX));
                    }
                    *self.counts = Some(tally);
                    return Err(A::Error::custom("everything that is needed was read"));
                }
                _ => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}
