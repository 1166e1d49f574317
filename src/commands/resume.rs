//! `resume`: continues an interrupted run.

use std::path::Path;

use super::run_folder::{named_or_newest, refuse_unnamed};
use crate::cli::{GateCommand, ResumeArgs, RunArgs, TypedOptions};
use crate::error::Error;
use crate::journal::{Replay, RunFolder, RunInfo, RunSettings};
use crate::report::{DocumentFormat, Report, ReportFiles};
use crate::rollout::Wave;
use crate::rollout::tolerance::is_counted;
use crate::run::complete::{complete_reports, needs_reports};
use crate::run::confirm::refuse_unattended;
use crate::run::context::RunContext;
use crate::run::signals::Signals;
use crate::run::stdout;
use crate::run::{Source, run, start};
use crate::runs::catalog::has_run;
use crate::runs::name::{Kind, Purpose};
use crate::settings::{Environment, Settings};
use crate::terminal::log_line::Level;
use crate::terminal::stderr_mode::StderrMode;
use crate::terminal::{LogLine, Progress};

/// Options that belong to the run and can't be given again.
const FIXED: [&str; 18] = [
    "global-endpoint-token-version",
    "account",
    "exclude-account",
    "ou",
    "exclude-ou",
    "tag",
    "exclude-tag",
    "name",
    "exclude-name",
    "exceptions",
    "joined-since",
    "shard",
    "management-account",
    "access",
    "session-name",
    "waves",
    "canary",
    "run-dir",
];

/// Continues the run in a folder.
pub(super) async fn resume(args: ResumeArgs, typed: &TypedOptions, environment: &Environment) -> Result<u8, Error> {
    // An environment variable might be meant for other runs, so only options on the command line are refused.
    if let Some(option) = FIXED.into_iter().find(|option| typed.contains(option)) {
        return Err(Error::Usage(format!("--{option} belongs to the run that is resumed and can't be changed")));
    }
    let purpose = Purpose::Resume { retry_failed: args.retry_failed };
    refuse_unnamed("resume", args.folder.as_ref(), &args.run, purpose)?;
    let stderr_mode = StderrMode::resolve(&args.run.output, environment);
    let named = named_or_newest(args.folder, Kind::Any, purpose, stderr_mode)?;
    let run = RunFolder::reopen(&named)?;
    let mut options = args.run;
    // The variable is the reason of other runs.
    options.rollout.reason = options.rollout.reason.filter(|_| typed.contains("reason"));
    let settings = settings(options, &run.1, environment)?;
    go_on(run, settings, Failed { retry: args.retry_failed, leave: args.leave_failed }).await
}

/// Starts a run. With `--resume-or-start`, continues the run that is in its folder if there is one.
pub(super) async fn start_or_resume(settings: Settings, resume: bool) -> Result<u8, Error> {
    let folder = settings.folder();
    if !resume || !has_run(&folder) {
        return start(settings).await;
    }
    let run = RunFolder::reopen(&folder)?;
    let settings = continued(settings, &run.1, &folder)?;
    Box::pin(go_on(run, settings, Failed::default())).await
}

/// What to do with accounts that failed.
#[derive(Clone, Copy, Default)]
struct Failed {
    /// Visit them again.
    retry: bool,
    /// Leave them out.
    leave: bool,
}

async fn go_on(
    (mut folder, mut info, replay): (RunFolder, RunInfo, Replay),
    settings: Settings,
    failed: Failed,
) -> Result<u8, Error> {
    if !replay.ready {
        check_gate(&settings, &info.settings)?;
        // The run ended before its lists of accounts and targets were complete, so it starts from its beginning. Only a plan can
        // have visited accounts by then, and it only read them.
        refuse_unattended(&settings)?;
        let source = Source::of(&settings)?;
        folder.clear()?;
        return run(RunContext::reopen(settings, folder, info)?, source).await;
    }
    let waves = left(&replay, &settings.run, failed);
    if let (Some((exit_code, verdict)), true) = (&replay.ended, waves.is_empty()) {
        if needs_reports(folder.path(), &info, &replay) {
            let progress = Progress::new(settings.output.stderr_mode);
            let signals = Signals::listen(&progress).map_err(|source| unlistened(&folder, source))?;
            signals.all_visits_ended();
            complete_reports(&folder, &mut info, &replay)?;
            signals.reports_written();
            let text = format!("the reports in {} were not complete, and are now", folder.path().display());
            progress.log(&LogLine::new(Level::Info, "reports_completed", &text, serde_json::json!({})));
        }
        show_finished(&settings, &folder, &info, &replay, verdict)?;
        return Ok(*exit_code);
    }
    if !waves.is_empty() {
        check_gate(&settings, &info.settings)?;
        refuse_unattended(&settings)?;
    }
    // If the folder of the undone run is gone, nothing has to be locked: no process can resume that run, and the journal of this
    // run has everything that is needed from the undone run.
    let undone = settings.run.undoes.as_deref().map(RunFolder::lock).transpose()?;
    let mut context = RunContext::reopen(settings, folder, info)?;
    context.earlier_run = undone.flatten();
    run(context, Source::Journal(Box::new(replay), waves)).await
}

/// Refuses to go on without the gate of the run, or with another one.
fn check_gate(settings: &Settings, stored: &RunSettings) -> Result<(), Error> {
    let given = settings.gate.as_ref().map(GateCommand::hash);
    let problem = match (&stored.gate, given) {
        (None, None) => return Ok(()),
        (Some(stored), Some(given)) if *stored == given => return Ok(()),
        (Some(_), None) => "the run has a gate, whose command is not stored: give it again with --gate",
        (Some(_), Some(_)) => "--gate: this is not the command that the run was started with, to the letter",
        (None, Some(_)) => "--gate: the run was started without a gate, and a resume can't add one",
    };
    Err(Error::Usage(problem.to_owned()))
}

fn unlistened(folder: &RunFolder, source: std::io::Error) -> Error {
    Error::Unwritable { what: "the reports in", path: folder.path().to_owned(), source }
}

/// Returns what is left to visit. If too many failures stopped the run, the accounts that failed come first, because what made them
/// fail would also make the others fail.
fn left(replay: &Replay, run: &RunSettings, failed: Failed) -> Vec<Wave> {
    let waves = replay.remaining(|_| failed.retry);
    if waves.is_empty() || failed.retry || failed.leave || !replay.has_too_many_failures(&run.rollout_options()) {
        return waves;
    }
    replay.remaining(|outcome| is_counted(&run.verify, outcome))
}

/// Returns the settings of the run. Options that are given now replace the stored settings.
fn settings(mut args: RunArgs, info: &RunInfo, environment: &Environment) -> Result<Settings, Error> {
    // The file of the variable is meant for other runs, and may be gone.
    args.selection.exceptions = None;
    let mut settings = Settings::resolve(args, info.command, info.settings.clone(), environment)?;
    // Options and variables can't change the accounts, the waves and the wanted version of the run.
    let RunSettings { global_endpoint_token_version, selection, external_ids_given, waves, canary, .. } =
        info.settings.clone();
    settings.run =
        RunSettings { global_endpoint_token_version, selection, external_ids_given, waves, canary, ..settings.run };
    settings.run_id = info.run_id.clone();
    settings.run.check()?;
    settings.check_external_ids()?;
    Ok(settings)
}

/// Returns the settings with which a run goes on that was started by the same command line.
fn continued(mut settings: Settings, info: &RunInfo, folder: &Path) -> Result<Settings, Error> {
    let (given, stored) = (&settings.run, &info.settings);
    let differs = [
        (
            "--global-endpoint-token-version",
            given.global_endpoint_token_version != stored.global_endpoint_token_version,
        ),
        ("--plan", given.plan != stored.plan),
        ("--shard", given.selection.shard != stored.selection.shard),
        ("--management-account", given.selection.management != stored.selection.management),
        ("selection", !given.selection.is_again(&stored.selection)),
        ("--access", given.access != stored.access),
        ("--impact", given.impact.is_some() != stored.impact.is_some()),
        ("--waves", given.waves != stored.waves),
        ("--canary", given.canary != stored.canary),
    ];
    let other = differs.into_iter().find_map(|(option, differs)| differs.then_some(option));
    let problem = match other {
        _ if settings.command != info.command => format!("it has a run of {}", info.command),
        Some(option) => format!("the run in it was started with another {option}"),
        None => String::new(),
    };
    if !problem.is_empty() {
        return Err(Error::Usage(format!(
            "--resume-or-start can't go on in {}: {problem}; give this run a folder of its own with --run-dir",
            folder.display()
        )));
    }
    let external_id_given = given.external_id_given || stored.external_id_given;
    let RunSettings { selection, undoes, session_name, external_ids_given, impact, .. } = info.settings.clone();
    settings.run =
        RunSettings { selection, undoes, session_name, external_id_given, external_ids_given, impact, ..settings.run };
    settings.run_id = info.run_id.clone();
    settings.run.check()?;
    settings.check_external_ids()?;
    Ok(settings)
}

/// Says that nothing is left to do, and shows the report again.
fn show_finished(
    settings: &Settings,
    folder: &RunFolder,
    info: &RunInfo,
    replay: &Replay,
    verdict: &str,
) -> Result<(), Error> {
    let ended = format!("this run is finished: {verdict}");
    let report = Report {
        run: info,
        accounts: &replay.accounts,
        records: &replay.records(),
        sentence: &ended,
        exit_code: replay.ended.as_ref().map(|(exit_code, _)| *exit_code),
        run_ids: None,
        folder: Some(folder.path()),
    };
    // The summary on stdout says how the run ended.
    let shows_summary = settings.output.stdout == Some(DocumentFormat::Table) && settings.output.query.is_none();
    let mut sentence = "nothing is left to do".to_owned();
    if !shows_summary {
        sentence.push_str(&format!("; {ended}"));
    }
    let note = LogLine::new(Level::Info, "finished", &sentence, serde_json::json!({}));
    Progress::new(settings.output.stderr_mode).log(&note);
    let files = ReportFiles::open(None, &settings.output.reports)?;
    files.finish(&report).into_result()?;
    let found = stdout::query(&settings.output, info.command.as_str(), &report).map_err(Error::Usage)?;
    stdout::print(&settings.output, &report, found).map_err(stdout::unwritable("the summary"))
}
