//! The end of a run: the verdict, the last line of the journal, the reports and stdout.

use std::time::SystemTime;

use super::context::RunContext;
use super::execute::Visited;
use super::recorder::record_end;
use super::stdout;
use crate::journal::{Ending, RunFolder};
use crate::report::Report;
use crate::rollout::{Record, StopReason};
use crate::sanitize::for_shell;
use crate::terminal::log_line::Level;
use crate::terminal::{LogLine, Progress, log_line};
use crate::verdict::{Verdict, changes};

/// Writes the verdict and the reports, and returns the exit code.
pub(crate) fn finish(context: RunContext, visited: Visited) -> u8 {
    let RunContext { settings, folder, files, progress, mut info, earlier_run, .. } = context;
    let Visited { journal, accounts, records, stopped, signals } = visited;
    progress.finish();

    let tally = records.iter().map(|record| record.outcome).collect();
    let left_out = records.iter().any(Record::needs_resume);
    let verdict = Verdict::of(&tally, stopped.as_ref(), left_out, settings.run.detailed_exitcode);
    let sentence =
        verdict.sentence(settings.command, settings.run.mode, settings.run.global_endpoint_token_version, &tally);
    let mut exit_code = verdict.exit_code();
    record_end(&journal, exit_code, &sentence);
    info.ended_at = Some(SystemTime::now());
    info.verdict = Some(Ending { exit_code, sentence: sentence.clone() });
    let report = Report {
        run: &info,
        accounts: &accounts,
        records: &records,
        sentence: &sentence,
        exit_code: Some(exit_code),
        run_ids: None,
        folder: Some(folder.path()),
    };

    // If the journal, `run.json`, a report or stdout can't be written, the others are still written, and the error message says
    // how many accounts were changed.
    let journal_path = folder.file(RunFolder::JOURNAL);
    let written = [
        journal.finish().err().map(|error| format!("the journal {} is not complete: {error}", journal_path.display())),
        folder.write_run(&info).err().map(|error| error.to_string()),
        files.finish(&report).err().map(|error| error.to_string()),
    ];
    signals.reports_written();
    let printed = match stdout::query(&settings.output, settings.command.as_str(), &report) {
        Ok(found) => stdout::print(&settings.output, &report, found)
            .err()
            .map(|error| format!("stdout can't be written: {error}")),
        Err(cause) => Some(format!("{cause} (ask again: v2token report {} --query …)", for_shell(folder.path()))),
    };
    for problem in written.into_iter().chain([printed]).flatten() {
        log_line::error(settings.output.stderr_mode, &format!("{problem}; {}", changes(&tally)), "");
        exit_code = exit_code.max(1);
    }
    if let Verdict::Stopped(reason) = &verdict {
        // A run whose journal was removed can't be resumed, so no hint is shown.
        let hint = if journal_path.exists() { how_to_continue(reason, &folder) } else { String::new() };
        match reason {
            // The person who sent the signal knows the reason, so this is no error.
            StopReason::Interrupted | StopReason::HungUp | StopReason::Terminated => {
                show_stopped(&progress, &sentence, &hint)
            }
            StopReason::TooManyErrors { .. }
            | StopReason::Unreachable(_)
            | StopReason::CallerCredentials(_)
            | StopReason::Journal(_) => log_line::error(settings.output.stderr_mode, &sentence, &hint),
        }
    }
    drop(earlier_run);
    exit_code
}

fn how_to_continue(reason: &StopReason, folder: &RunFolder) -> String {
    let first = match reason {
        StopReason::CallerCredentials(_) => "renew the base credentials, for instance with `aws sso login`, and ",
        StopReason::Unreachable(_) => "check the network and the proxy settings (HTTPS_PROXY, NO_PROXY), and ",
        StopReason::TooManyErrors { .. }
        | StopReason::Interrupted
        | StopReason::HungUp
        | StopReason::Terminated
        | StopReason::Journal(_) => "",
    };
    format!("{first}continue with: v2token resume {}", for_shell(folder.path()))
}

fn show_stopped(progress: &Progress, sentence: &str, hint: &str) {
    progress.log_always(&LogLine::new(Level::Warn, "stopped", sentence, serde_json::json!({})));
    if !hint.is_empty() {
        progress.log_always(&LogLine::new(Level::Info, "hint", hint, serde_json::json!({})));
    }
}
