//! The end of a run: the verdict, the last line of the journal, the reports and stdout.

use std::time::SystemTime;

use super::context::RunContext;
use super::execute::Visited;
use super::next_steps;
use super::recorder::record_end;
use super::stdout;
use crate::journal::{Ending, NOT_COMPLETE, RunFolder, RunInfo};
use crate::report::Report;
use crate::rollout::{Record, StopReason};
use crate::sanitize::for_shell;
use crate::terminal::log_line;
use crate::verdict::{Results, Verdict, changes};

/// Writes the verdict and the reports, and returns the exit code.
pub(crate) fn finish(context: RunContext, visited: Visited) -> u8 {
    let RunContext { settings, folder, files, progress, mut info, earlier_run, .. } = context;
    let Visited { journal, accounts, records, not_visited_again, stopped, signals } = visited;
    progress.finish();

    let results = Results::of(&records);
    let tally = &results.tally;
    let left_out = not_visited_again > 0 || records.iter().any(Record::needs_resume);
    let verdict = Verdict::of(tally, stopped.as_ref(), left_out, settings.run.detailed_exitcode);
    let mut sentence =
        verdict.sentence(settings.command, settings.run.mode, settings.run.global_endpoint_token_version, &results);
    let mut exit_code = verdict.exit_code();
    let by_gate = matches!(verdict, Verdict::Stopped(StopReason::Gate { .. }));
    record_end(&journal, exit_code, &sentence, by_gate);
    // The end is durable before anything follows from it.
    let journal_path = folder.file(RunFolder::JOURNAL);
    let journal = journal.finish();
    info.journal_changed = journal.changed;
    let journal =
        journal.failure.map(|cause| format!("the journal {} is not complete: {cause}", journal_path.display()));
    if journal.is_some() {
        // The last lines may be missing, although no visit had to stop for that.
        exit_code = exit_code.max(1);
        if !matches!(stopped, Some(StopReason::Journal(_))) {
            sentence.push_str(NOT_COMPLETE);
        }
    }
    info.ended_at = Some(SystemTime::now());
    // Until the reports are written, `run.json` has no verdict: see `complete`. An error shows when it is written again.
    let _ = folder.write_run(&info);
    info.verdict = Some(Ending { exit_code, sentence: sentence.clone() });
    // If the folder was moved, the commands in the summary name the new place.
    let place = folder.directory().current_path();
    let report = Report {
        run: &info,
        accounts: &accounts,
        records: &records,
        sentence: &sentence,
        exit_code: Some(exit_code),
        run_ids: None,
        folder: place.as_deref(),
    };

    let is_told = next_steps::is_told_on_stdout(&settings.output, &verdict);
    let shown = if is_told { report } else { Report { sentence: "", folder: None, ..report } };

    // If the journal, `run.json`, a report or stdout can't be written, the others are still written, and the error message says
    // how many accounts were changed.
    let unwritten = files.finish(&report);
    let described = if unwritten.in_run_folder.is_none() {
        folder.write_run(&info)
    } else {
        folder.write_run(&RunInfo { verdict: None, ..info.clone() })
    };
    let written = [
        journal,
        described.err().map(|error| error.to_string()),
        unwritten.in_run_folder.map(|error| error.to_string()),
        unwritten.elsewhere.map(|error| error.to_string()),
    ];
    signals.reports_written();
    let printed = match stdout::query(&settings.output, settings.command.as_str(), &report) {
        Ok(found) => stdout::print(&settings.output, &shown, found)
            .err()
            .map(|error| format!("stdout can't be written: {error}")),
        Err(cause) => Some(format!("{cause} (ask again: v2token report {} --query …)", for_shell(folder.path()))),
    };
    for problem in written.into_iter().chain([printed]).flatten() {
        log_line::error(settings.output.stderr_mode, &format!("{problem}; {}", changes(tally)), "");
        exit_code = exit_code.max(1);
    }
    // A run whose folder was removed, or whose journal was changed, can't be continued.
    let can_continue = folder.resumable_at().is_some() && info.journal_changed.is_none();
    next_steps::tell(&settings.output, &verdict, &report, can_continue, &progress);
    drop(earlier_run);
    exit_code
}
