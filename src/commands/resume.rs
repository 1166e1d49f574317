//! This module owns `resume`: a run that stopped is gone on with, whatever stopped it.

use std::collections::BTreeSet;

use crate::cli::{GivenOptions, ResumeArgs};
use crate::cloud::AccessMethod;
use crate::cloud::aws::Aws;
use crate::error::Error;
use crate::journal::CommandName;
use crate::journal::{Entry, Journal, Replay, RunFolder, RunInfo};
use crate::report::{Report, ReportFiles, columns};
use crate::rollout::{Mode, Wave};
use crate::run::baseline::Baseline;
use crate::run::connect::connect;
use crate::run::execute::{Conduct, conduct};
use crate::run::overview::outline;
use crate::run::prepare::{begin, open_files, refuse_unasked, unwritable};
use crate::run::signals::Signals;
use crate::run::stdout::{self, find, tell};
use crate::run::targets;
use crate::settings::{Environment, Settings};
use crate::terminal::note::Level;
use crate::terminal::{Note, Progress};

/// Options that belong to the run and can't be given anew.
const FIXED: [&str; 16] = [
    "global-endpoint-token-version",
    "account",
    "exclude-account",
    "ou",
    "exclude-ou",
    "tag",
    "exclude-tag",
    "name",
    "exclude-name",
    "shard",
    "management-account",
    "access",
    "session-name",
    "waves",
    "canary",
    "run-dir",
];

/// Goes on with the run in a folder.
pub(super) async fn resume(args: ResumeArgs, given: &GivenOptions, environment: &Environment) -> Result<u8, Error> {
    // A variable in the environment may be meant for other runs; only what was typed here is a mistake.
    if let Some(option) = FIXED.into_iter().find(|option| given.typed(option)) {
        return Err(Error::Usage(format!("--{option} belongs to the run that is resumed and can't be given anew")));
    }
    let ResumeArgs { folder, retry_failed, run } = args;
    let (folder, info, replay) = RunFolder::reopen(&folder)?;
    let mut settings = Settings::resolve(run, CommandName::Apply, Mode::Apply, environment)?;
    settings.run = info.settings.clone().with_given(settings.run, |long| given.gave(long));
    settings.run_id = info.run_id.clone();
    settings.command = info.command;
    settings.run.check()?;
    settings.check_external_ids()?;
    if !replay.ready {
        // Nothing was visited yet, so the run simply begins.
        refuse_unasked(&settings)?;
        let baseline = Baseline::of(&settings.run)?;
        folder.clear()?;
        return begin(settings, folder, info, baseline, false).await;
    }
    let waves = replay.rest(retry_failed);
    match &replay.ended {
        Some((exit_code, verdict)) if waves.is_empty() => {
            let exit_code = *exit_code;
            say_finished(&settings, &folder, &info, &replay, verdict)?;
            Ok(exit_code)
        }
        Some(_) | None => {
            let progress = Progress::new(settings.output.stderr_mode);
            let went = go_on(settings, folder, info, replay, waves, &progress).await;
            progress.finish();
            went
        }
    }
}

/// Says that there is nothing left to do.
fn say_finished(
    settings: &Settings,
    folder: &RunFolder,
    info: &RunInfo,
    replay: &Replay,
    verdict: &str,
) -> Result<(), Error> {
    let records = replay.records();
    let sentence = format!("nothing is left to do; this run is finished: {verdict}");
    let report = Report {
        run: info,
        accounts: &replay.accounts,
        records: &records,
        sentence: &sentence,
        ended: replay.ended.as_ref().map(|(exit_code, _)| *exit_code),
        run_ids: None,
    };
    let note = Note::new(Level::Info, "finished", &sentence, serde_json::json!({}));
    Progress::new(settings.output.stderr_mode).say(&note);
    let found = find(&settings.output, info.command.as_str(), || report.document()).map_err(Error::Usage)?;
    tell(&settings.output, Some(folder.path()), &report, found).map_err(stdout::unwritable("the summary"))
}

async fn go_on(
    settings: Settings,
    folder: RunFolder,
    mut info: RunInfo,
    replay: Replay,
    mut waves: Vec<Wave>,
    progress: &Progress,
) -> Result<u8, Error> {
    // Nobody goes on with the run that this one undoes, as long as it is undone. If its folder is gone, nobody can; all that is
    // needed of it stands in this run's own journal.
    let _undone = settings.run.undoes.as_deref().map(RunFolder::hold).transpose()?;
    let mut files = open_files(&folder, &settings)?;
    match make_ready(&settings, &folder, &mut files, &mut info, &replay, &mut waves, progress).await {
        Ok(Ready { signals, aws, journal }) => {
            let again: BTreeSet<_> = waves.iter().flat_map(|wave| &wave.targets).map(|target| target.account).collect();
            let records = replay.records.into_iter().filter(|(id, _)| !again.contains(id)).collect();
            let (accounts, progress) = (replay.accounts, progress.clone());
            let conducted =
                Conduct { settings, folder, files, progress, signals, aws, info, accounts, waves, records, journal };
            Ok(conduct(conducted).await)
        }
        Err(error) => {
            files.discard();
            Err(error)
        }
    }
}

/// What is known once everything is checked, and before any account is visited again.
struct Ready {
    signals: Signals,
    aws: Aws,
    journal: Journal,
}

/// Connects, checks that it is the same Organization, and writes down that the run goes on.
async fn make_ready(
    settings: &Settings,
    folder: &RunFolder,
    files: &mut ReportFiles,
    info: &mut RunInfo,
    replay: &Replay,
    waves: &mut [Wave],
    progress: &Progress,
) -> Result<Ready, Error> {
    let mut signals = Signals::listen(progress).map_err(|source| unwritable(folder, source))?;
    let (aws, organization) = signals
        .or_stop(Box::pin(async {
            let aws = connect(settings, progress).await?;
            let organization = aws.organization().await?;
            if info.organization_id.as_deref() != Some(organization.id.as_str()) {
                let was = info.organization_id.as_deref().unwrap_or("no Organization");
                return Err(Error::Mismatch(format!(
                    "the run is about Organization {was}, and the caller is in {}",
                    organization.id
                )));
            }
            Ok((aws, organization))
        }))
        .await?;
    for target in waves.iter_mut().flat_map(|wave| &mut wave.targets) {
        // The role may be given anew, and so may credentials, which may then be of another account.
        let own = target.access == AccessMethod::Own && aws.is_in(target.account);
        if !own {
            target.access = targets::access_method(target.account, organization.management, &settings.run, &aws);
        }
    }
    progress.begin(outline(settings, &organization, replay.accounts.len(), waves));
    let journal = Journal::start(folder).map_err(|source| unwritable(folder, source))?;
    journal.append(&Entry::Resumed { version: env!("CARGO_PKG_VERSION").into() });
    info.settings = settings.run.clone();
    info.ended_at = None;
    info.verdict = None;
    folder.write_run(info)?;
    files.begin(columns(&settings.run.verify), &settings.run_id, folder.path())?;
    Ok(Ready { signals, aws, journal })
}
