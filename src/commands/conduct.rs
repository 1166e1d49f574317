//! This module owns the run from its first visit to its last file.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::ledger::Ledger;
use super::signals::Signals;
use crate::cli::OutputFormat;
use crate::cloud::aws::Aws;
use crate::error::Error;
use crate::journal::{Ending, Entry, Journal, RunFolder, RunInfo};
use crate::org::{Account, AccountId};
use crate::report::{Destination, Format, Report, ReportFiles, summary};
use crate::rollout::{Pace, Record, Rollout, Stop, StopReason, Wave, roll_out};
use crate::settings::{Settings, Voice};
use crate::terminal::{Progress, stderr, style};
use crate::verdict::{Verdict, changes};

/// How long somebody at a terminal has to look at a wave before the next one starts.
const LOOK: Duration = Duration::from_secs(5);

/// All that is needed to visit the accounts and to tell what came of it.
pub(super) struct Conduct {
    pub(super) settings: Settings,
    pub(super) folder: RunFolder,
    pub(super) files: ReportFiles,
    pub(super) progress: Progress,
    pub(super) signals: Signals,
    pub(super) aws: Aws,
    pub(super) info: RunInfo,
    /// Every account of the Organization, sorted by id.
    pub(super) accounts: Vec<Account>,
    /// The accounts to visit.
    pub(super) waves: Vec<Wave>,
    /// What is known of the others.
    pub(super) records: BTreeMap<AccountId, Record>,
    pub(super) journal: Journal,
}

/// Visits the accounts and tells what came of it.
pub(super) async fn conduct(run: Conduct) -> Result<u8, Error> {
    let Conduct {
        settings,
        folder,
        mut files,
        mut progress,
        mut signals,
        aws,
        mut info,
        accounts,
        waves,
        records,
        journal,
    } = run;
    let (pace, stop) = (Pace::new(settings.run.rate), Stop::default());
    let rollout = Rollout {
        cloud: &aws,
        intents: &journal,
        pace: &pace,
        stop: &stop,
        terms: settings.run.terms(),
        sts_endpoint: aws.sts_endpoint.clone(),
    };
    let display = progress.clone();
    let watched = settings.can_ask && !settings.run.yes && settings.run.bake.is_zero();
    let gate = async |wave: &Wave| {
        if watched {
            let_look(&display, wave).await;
        }
    };
    let mut ledger = Ledger::new(&accounts, &settings, &journal, &mut files, &mut progress, &stop);
    ledger.know(records);
    let ended = tokio::select! {
        ended = roll_out(&rollout, &waves, |event| ledger.note(&event), gate) => ended,
        never = signals.watch(&stop) => match never {},
    };
    signals.over();
    let records = ledger.into_records();
    progress.finish();

    let tally = records.iter().map(|record| record.outcome).collect();
    let verdict = Verdict::of(&tally, ended.stopped.as_ref(), settings.run.detailed_exitcode);
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
    };

    // Whatever can't be written now, everything else still is, and the effects in AWS are told in any case.
    let journal_path = folder.file(RunFolder::JOURNAL);
    let problems = [
        journal.finish().err().map(|error| format!("the journal {} is not complete: {error}", journal_path.display())),
        folder.write_run(&info).err().map(|error| error.to_string()),
        files.finish(&report).err().map(|error| error.to_string()),
        tell(&settings.voice, folder.path(), &report).err().map(|error| format!("stdout can't be written: {error}")),
    ];
    for problem in problems.into_iter().flatten() {
        let message = format!("{problem}; {}", changes(&tally));
        let text = style::fatal(&crate::harmless::for_terminal(&message), "", settings.voice.talk.color);
        stderr::write(text);
        exit_code = if exit_code == 0 { 1 } else { exit_code };
    }
    if let Verdict::Stopped(reason) = &verdict {
        // A folder that was taken away can't be gone on with.
        let left = folder.file(RunFolder::JOURNAL).exists();
        let renew = match reason {
            StopReason::CallerCredentials(_) => "renew the base credentials, for instance with `aws sso login`, and ",
            StopReason::TooManyErrors { .. }
            | StopReason::Interrupted
            | StopReason::Terminated
            | StopReason::Journal(_) => "",
        };
        let go_on = || format!("{renew}go on with: v2token resume {}", folder.path().display());
        let hint = if left { go_on() } else { String::new() };
        // A signal is no error; whoever sent it knows.
        let text = match reason {
            StopReason::Interrupted | StopReason::Terminated => {
                format!("{}\n{hint}\n", crate::harmless::for_terminal(&sentence))
            }
            StopReason::TooManyErrors { .. } | StopReason::CallerCredentials(_) | StopReason::Journal(_) => {
                style::fatal(&crate::harmless::for_terminal(&sentence), &hint, settings.voice.talk.color)
            }
        };
        stderr::write(text);
    }
    Ok(exit_code)
}

/// On a terminal where somebody answered the question at the start, leaves time to look at a wave and to stop before the next.
async fn let_look(progress: &Progress, wave: &Wave) {
    if let Some(number) = wave.number {
        progress.line(&format!("wave {number} starts in {} s; Ctrl-C stops here", LOOK.as_secs()));
        tokio::time::sleep(LOOK).await;
    }
}

/// Writes what stdout gets. A reader that has gone away, such as `head`, is no error.
pub(super) fn tell(voice: &Voice, folder: &Path, report: &Report<'_>) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let to_stdout = voice.reports.iter().find(|(to, _)| *to == Destination::Stdout).map(|(_, format)| *format);
    let result = match (to_stdout, voice.output) {
        (Some(format), _) => format.write(report, stdout),
        (None, OutputFormat::None) => Ok(()),
        (None, OutputFormat::Csv) => Format::Csv.write(report, stdout),
        (None, OutputFormat::Json) => Format::Json.write(report, stdout),
        (None, OutputFormat::Jsonl) => Format::Jsonl.write(report, stdout),
        (None, OutputFormat::Table) => {
            let text = summary(report, folder);
            stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
        }
    };
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
