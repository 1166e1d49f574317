//! This module owns the end of a run: the verdict, the last entries, and the reports.

use std::borrow::Cow;
use std::time::SystemTime;

use super::stdout::{find, tell};
use crate::journal::{Ending, Entry, Journal, RunFolder, RunInfo};
use crate::org::Account;
use crate::report::{Report, ReportFiles};
use crate::rollout::{Record, StopReason};
use crate::sanitize::for_shell;
use crate::settings::Settings;
use crate::terminal::note::Level;
use crate::terminal::{Note, Progress, note};
use crate::verdict::{Verdict, changes};

/// All that is known of a run once its last visit is over.
pub(crate) struct Closing {
    pub(crate) settings: Settings,
    pub(crate) folder: RunFolder,
    pub(crate) files: ReportFiles,
    pub(crate) progress: Progress,
    pub(crate) info: RunInfo,
    pub(crate) journal: Journal,
    /// Every account, sorted by id.
    pub(crate) accounts: Vec<Account>,
    /// One for each account, in the same order.
    pub(crate) records: Vec<Record>,
    /// Why the run stopped before its last account, if it did.
    pub(crate) stopped: Option<StopReason>,
}

/// Says what the run amounts to, everywhere where it is told, and gives the exit code.
pub(crate) fn close(closing: Closing) -> u8 {
    let Closing { settings, folder, files, progress, mut info, journal, accounts, records, stopped } = closing;
    progress.finish();

    let tally = records.iter().map(|record| record.outcome).collect();
    let left_out = records.iter().any(Record::is_left_out);
    let verdict = Verdict::of(&tally, stopped.as_ref(), left_out, settings.run.detailed_exitcode);
    let sentence =
        verdict.sentence(settings.command, settings.run.mode, settings.run.global_endpoint_token_version, &tally);
    let mut exit_code = verdict.exit_code();
    journal.append(&Entry::Ended { exit_code, verdict: Cow::Borrowed(&sentence) });
    info.ended_at = Some(SystemTime::now());
    info.verdict = Some(Ending { exit_code, sentence: sentence.clone() });
    let report = Report {
        run: &info,
        accounts: &accounts,
        records: &records,
        sentence: &sentence,
        ended: Some(verdict.exit_code()),
        run_ids: None,
    };

    // Whatever can't be written now, everything else still is, and the effects in AWS are told in any case.
    let journal_path = folder.file(RunFolder::JOURNAL);
    let problems = [
        journal.finish().err().map(|error| format!("the journal {} is not complete: {error}", journal_path.display())),
        folder.write_run(&info).err().map(|error| error.to_string()),
        files.finish(&report).err().map(|error| error.to_string()),
        match find(&settings.output, settings.command.as_str(), || report.document()) {
            Ok(found) => tell(&settings.output, Some(folder.path()), &report, found)
                .err()
                .map(|error| format!("stdout can't be written: {error}")),
            Err(cause) => Some(format!("{cause} (ask again: v2token report {} --query …)", for_shell(folder.path()))),
        },
    ];
    for problem in problems.into_iter().flatten() {
        note::error(settings.output.stderr_mode, &format!("{problem}; {}", changes(&tally)), "");
        exit_code = if exit_code == 0 { 1 } else { exit_code };
    }
    if let Verdict::Stopped(reason) = &verdict {
        // A folder that was taken away can't be gone on with.
        let left = folder.file(RunFolder::JOURNAL).exists();
        let renew = match reason {
            StopReason::CallerCredentials(_) => "renew the base credentials, for instance with `aws sso login`, and ",
            StopReason::Unreachable(_) => "check the network and the proxy settings (HTTPS_PROXY, NO_PROXY), and ",
            StopReason::TooManyErrors { .. }
            | StopReason::Interrupted
            | StopReason::Terminated
            | StopReason::Journal(_) => "",
        };
        let go_on = || format!("{renew}go on with: v2token resume {}", for_shell(folder.path()));
        let hint = if left { go_on() } else { String::new() };
        match reason {
            // A signal is no error; whoever sent it knows.
            StopReason::Interrupted | StopReason::Terminated => {
                progress.answer(&Note::new(Level::Warn, "stopped", &sentence, serde_json::json!({})));
                if left {
                    progress.answer(&Note::new(Level::Info, "hint", &hint, serde_json::json!({})));
                }
            }
            StopReason::TooManyErrors { .. }
            | StopReason::Unreachable(_)
            | StopReason::CallerCredentials(_)
            | StopReason::Journal(_) => {
                note::error(settings.output.stderr_mode, &sentence, &hint);
            }
        }
    }
    exit_code
}
