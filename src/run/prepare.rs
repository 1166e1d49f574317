//! This module owns the beginning of a run: everything that is checked, listed, selected, asked, and written down before the
//! first account is visited.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;

use super::baseline::Baseline;
use super::connect::connect;
use super::execute::{Conduct, conduct};
use super::finish::{Closing, close};
use super::overview::{Overview, outline};
use super::signals::Signals;
use super::survey::{Surveyed, can_survey, survey};
use super::targets;
use crate::cloud::aws::{Aws, Organization};
use crate::error::Error;
use crate::journal::{Entry, Journal, RunFolder, RunInfo};
use crate::org::selection::select;
use crate::org::{Account, AccountId};
use crate::report::{Format, ReportFiles, columns};
use crate::rollout::wave::divide;
use crate::rollout::{Mode, Record, Verify, Wave};
use crate::settings::Settings;
use crate::terminal::note::Level;
use crate::terminal::size::stderr_width;
use crate::terminal::{Note, Progress, prompt};

/// Runs a plan, an apply or a rollback in a new folder.
pub(crate) async fn start(settings: Settings) -> Result<u8, Error> {
    settings.run.check()?;
    refuse_unasked(&settings)?;
    // Read before anything is made or called: it is the likeliest of all to be mistyped.
    let baseline = Baseline::of(&settings.run)?;
    let folder = RunFolder::create(&settings.folder())?;
    let info = describe(&settings);
    if let Err(error) = folder.write_run(&info) {
        folder.discard();
        return Err(error);
    }
    begin(settings, folder, info, baseline, true).await
}

/// Goes on with a run whose folder has its description and an empty journal. `is_new` says that the folder may be taken away
/// again if nothing comes of it.
pub(crate) async fn begin(
    settings: Settings,
    folder: RunFolder,
    info: RunInfo,
    baseline: Option<Baseline>,
    is_new: bool,
) -> Result<u8, Error> {
    let give_up = |folder: RunFolder| {
        if is_new {
            folder.discard();
        }
    };
    let mut files = match open_files(&folder, &settings) {
        Ok(files) => files,
        Err(error) => {
            give_up(folder);
            return Err(error);
        }
    };
    let progress = Progress::new(settings.output.stderr_mode);
    let course = Course { settings: &settings, folder: &folder, files: &mut files, progress: &progress };
    if baseline.is_none() && can_survey(&settings) {
        return match Box::pin(survey(course, info)).await {
            Ok(Surveyed { info, journal, accounts, records, stopped }) => {
                Ok(close(Closing { settings, folder, files, progress, info, journal, accounts, records, stopped }))
            }
            Err(error) => {
                progress.finish();
                files.discard();
                give_up(folder);
                Err(error)
            }
        };
    }
    match Box::pin(prepare(course, info, baseline)).await {
        Ok(Prepared { signals, aws, info, accounts, waves, records, journal, earlier }) => {
            let conducted =
                Conduct { settings, folder, files, progress, signals, aws, info, accounts, waves, records, journal };
            let ended = conduct(conducted).await;
            drop(earlier);
            Ok(ended)
        }
        Err(error) => {
            progress.finish();
            files.discard();
            give_up(folder);
            Err(error)
        }
    }
}

/// What the beginning of a run works with.
pub(crate) struct Course<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) folder: &'a RunFolder,
    pub(crate) files: &'a mut ReportFiles,
    pub(crate) progress: &'a Progress,
}

/// What is known once everything is checked, and before any account is visited.
struct Prepared {
    signals: Signals,
    aws: Aws,
    info: RunInfo,
    accounts: Vec<Account>,
    waves: Vec<Wave>,
    records: BTreeMap<AccountId, Record>,
    journal: Journal,
    /// The lock on the run that this one is based on.
    earlier: Option<File>,
}

/// Connects, lists, selects, asks, and writes down what is about to happen.
async fn prepare(course: Course<'_>, mut info: RunInfo, baseline: Option<Baseline>) -> Result<Prepared, Error> {
    let Course { settings, folder, files, progress } = course;
    let mut signals = Signals::listen(progress).map_err(|source| unwritable(folder, source))?;
    let (aws, organization, mut accounts) = signals
        .or_stop(Box::pin(async {
            let aws = connect(settings, progress).await?;
            let (organization, accounts) = targets::list(&aws, settings, progress).await?;
            Ok((aws, organization, accounts))
        }))
        .await?;
    if let Verify::Token(_) = settings.run.verify {
        aws.can_prove_tokens()?;
    }
    note_partition(&aws, progress);
    if let Some(baseline) = &baseline {
        baseline.check(&organization, &aws, settings.command)?;
        if !baseline.is_finished() {
            progress.warn("the earlier run did not come to its end; only what it got to know is used");
        }
    }
    let management_account = targets::management_account(&organization, &settings.run, &aws);
    let tags = signals
        .or_stop(Box::pin(targets::look_up(
            &aws,
            &settings.run,
            &accounts,
            management_account,
            baseline.as_ref(),
            progress,
        )))
        .await?;
    let only = baseline.as_ref().map(|baseline| &baseline.only);
    let selected = select(&accounts, management_account, &settings.run.selection, &tags, only)?;
    let targets = targets::targets(&selected, &organization, &aws, &settings.run, baseline.as_ref());
    targets::check_canary(&settings.run, &targets)?;
    let mut records: BTreeMap<AccountId, Record> = targets::skipped(&selected, &settings.run);
    let listed = accounts.len();
    if let Some(left) = baseline.as_ref().map(|baseline| baseline.left(&accounts)).filter(|left| !left.is_empty()) {
        records.extend(left.iter().map(|account| (account.id, targets::gone(account.id, &settings.run))));
        accounts.extend(left);
        accounts.sort_by_key(|account| account.id);
    }
    let waves = divide(targets, &settings.run.canary, settings.run.waves.as_ref());
    let view = Overview { settings, organization: &organization, aws: &aws, listed, waves: &waves, skipped: &records };
    signals.or_stop(confirm(&view, progress)).await?;
    progress.begin(outline(settings, &organization, listed, &waves));

    heading(&mut info, &organization, &aws);
    // The question, if there was one, has been answered with yes; going on with this run needs no further one.
    info.settings.yes = true;
    folder.write_run(&info)?;
    let journal = Journal::start(folder).map_err(|source| unwritable(folder, source))?;
    write_down(&journal, settings, &accounts, &records, &waves)
        .await
        .map_err(|error| unwritable(folder, io::Error::other(error.0)))?;
    files.begin(columns(&settings.run.verify), &settings.run_id, folder.path())?;
    let earlier = baseline.map(Baseline::into_lock);
    Ok(Prepared { signals, aws, info, accounts, waves, records, journal, earlier })
}

/// Writes down about which Organization the run is, and who runs it.
pub(crate) fn heading(info: &mut RunInfo, organization: &Organization, aws: &Aws) {
    info.organization_id = Some(organization.id.clone());
    info.management_account = Some(organization.management);
    info.caller_arn = Some(aws.caller.arn.clone());
    info.region = Some(aws.region.clone());
    info.sts_endpoint = Some(aws.sts_endpoint.clone());
}

/// Says before anything else where the setting has no effect.
pub(crate) fn note_partition(aws: &Aws, progress: &Progress) {
    let partition = &aws.caller.partition;
    if !partition.has_global_sts() {
        progress.warn(&format!("partition {partition} has no global STS endpoint, so the setting has no effect there"));
    }
}

pub(crate) fn unwritable(folder: &RunFolder, source: io::Error) -> Error {
    Error::Unwritable { what: "the journal", path: folder.file(RunFolder::JOURNAL), source }
}

/// So many lines may wait for the disk while the lists are written down: all lines of 50,000 accounts at once would be the peak of a
/// run's memory.
const AT_ONCE: usize = 2_000;

/// Makes everything durable that must be known of a run however it ends.
async fn write_down(
    journal: &Journal,
    settings: &Settings,
    accounts: &[Account],
    records: &BTreeMap<AccountId, Record>,
    waves: &[Wave],
) -> Result<(), crate::rollout::NotDurable> {
    journal.append(&Entry::head(settings.run_id.as_str()));
    let accounts_listed = accounts.iter().map(|account| Entry::Account(Cow::Borrowed(account)));
    let skipped = records.values().map(|record| Entry::Record(Cow::Borrowed(record)));
    let target = |number, target| Entry::Target { wave: number, target: Cow::Borrowed(target) };
    let targets = waves.iter().flat_map(|wave| wave.targets.iter().map(move |each| target(wave.number, each)));
    for (count, entry) in (1..).zip(accounts_listed.chain(skipped).chain(targets)) {
        if count % AT_ONCE == 0 {
            journal.append_durably(&entry).await?;
        } else {
            journal.append(&entry);
        }
    }
    let targets = waves.iter().map(|wave| wave.targets.len()).sum();
    journal.append_durably(&Entry::Ready { accounts: accounts.len(), targets }).await
}

/// Without a terminal and without `--yes` nobody can say yes, so there is no use in starting.
pub(crate) fn refuse_unasked(settings: &Settings) -> Result<(), Error> {
    if settings.run.mode == Mode::Plan || settings.run.yes || settings.can_ask {
        return Ok(());
    }
    Err(Error::NotConfirmed("this command asks before it starts, and there is no terminal to ask on: give --yes"))
}

pub(crate) fn open_files(folder: &RunFolder, settings: &Settings) -> Result<ReportFiles, Error> {
    let own = [Format::Csv, Format::Json, Format::Html];
    let own = own.map(|format| (folder.file(&format!("report.{}", format.ending())), format));
    ReportFiles::open(&own, &settings.output.reports)
}

/// Says what is about to happen, and asks whether to start.
async fn confirm(view: &Overview<'_>, progress: &Progress) -> Result<(), Error> {
    let settings = view.settings;
    if settings.run.mode == Mode::Plan || view.targets() == 0 {
        return Ok(());
    }
    let lines = view.in_lines(stderr_width(), settings.output.stderr_mode.color);
    if settings.run.yes {
        progress.block(&Note::new(Level::Info, "overview", &view.in_a_line(), view.fields()), &lines);
        return Ok(());
    }
    let hidden = progress.hide();
    let question = format!("{lines}\nStart?");
    let yes = prompt::confirm(&question).await.unwrap_or(false);
    drop(hidden);
    if yes { Ok(()) } else { Err(Error::NotConfirmed("the question was not answered with yes")) }
}

fn describe(settings: &Settings) -> RunInfo {
    RunInfo {
        run_id: settings.run_id.clone(),
        command: settings.command,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        organization_id: None,
        management_account: None,
        caller_arn: None,
        region: None,
        sts_endpoint: None,
        settings: settings.run.clone(),
        started_at: Some(settings.now),
        ended_at: None,
        verdict: None,
    }
}
