//! This module owns a run from its first file to its last: `plan` and `apply` are this story with another decision in it.

use std::borrow::Cow;
use std::io::{self, Write as _};
use std::time::SystemTime;

use super::ledger::Ledger;
use super::signals::Signals;
use crate::cli::OutputFormat;
use crate::cloud::WayIn;
use crate::cloud::aws::{Aws, Organization};
use crate::error::Error;
use crate::journal::{Ending, Entry, Journal, RunFolder, RunInfo};
use crate::org::select::{Management, Selected, select};
use crate::org::{Account, AccountId};
use crate::report::{Destination, Format, Report, ReportFiles, summary};
use crate::rollout::wave::spread;
use crate::rollout::{Mode, Outcome, Pace, Record, Rollout, Stop, Target, roll_out};
use crate::settings::Settings;
use crate::terminal::{Progress, prompt, style};
use crate::verdict::Verdict;

/// Runs a plan or an apply.
pub(super) async fn run(settings: Settings) -> Result<u8, Error> {
    refuse_unasked(&settings)?;
    let folder = RunFolder::create(&settings.run_dir)?;
    let mut files = match open_files(&folder, &settings) {
        Ok(files) => files,
        Err(error) => {
            folder.discard();
            return Err(error);
        }
    };
    let mut progress = Progress::new(settings.talk);
    match Box::pin(prepare(&settings, &folder, &mut files, &mut progress)).await {
        Ok(prepared) => go(&settings, &folder, files, progress, prepared).await,
        Err(error) => {
            progress.finish();
            files.discard();
            folder.discard();
            Err(error)
        }
    }
}

/// What is known once everything is checked, and before any account is visited.
struct Prepared {
    signals: Signals,
    aws: Aws,
    info: RunInfo,
    accounts: Vec<Account>,
    targets: Vec<Target>,
    skipped: Vec<Record>,
    journal: Journal,
}

/// Connects, lists, selects, asks, and writes down what is about to happen.
async fn prepare(
    settings: &Settings,
    folder: &RunFolder,
    files: &mut ReportFiles,
    progress: &mut Progress,
) -> Result<Prepared, Error> {
    let unwritable = |source| Error::Unwritable { what: "the journal", path: folder.file(RunFolder::JOURNAL), source };
    let mut signals = Signals::listen().map_err(unwritable)?;
    let (aws, organization, accounts) = signals
        .or_stop(Box::pin(async {
            let aws = Aws::connect(&settings.access).await?;
            let organization = aws.organization().await?;
            let accounts = aws.accounts(|listed| progress.listing(listed)).await?;
            Ok((aws, organization, accounts))
        }))
        .await?;
    let selected = select(&accounts, organization.management, &settings.run.selection)?;
    let targets = targets(&selected, &organization, &aws, settings);
    let skipped = skipped(&selected, settings);
    progress.start(targets.len(), accounts.len(), &organization.id);
    signals.or_stop(confirm(settings, progress, &organization, &aws, targets.len(), accounts.len())).await?;
    let info = describe(settings, &organization, &aws);
    folder.write_run(&info)?;
    let journal = Journal::start(folder).map_err(unwritable)?;
    journal.append(&Entry::Journal {
        format: Entry::FORMAT,
        run_id: settings.run_id.as_str().into(),
        version: env!("CARGO_PKG_VERSION").into(),
    });
    for account in &accounts {
        journal.append(&Entry::Account(Cow::Borrowed(account)));
    }
    journal
        .append_durably(&Entry::Listed { accounts: accounts.len() })
        .await
        .map_err(|error| unwritable(io::Error::other(error.0)))?;
    files.begin()?;
    Ok(Prepared { signals, aws, info, accounts, targets, skipped, journal })
}

/// Visits the accounts and tells what came of it.
async fn go(
    settings: &Settings,
    folder: &RunFolder,
    mut files: ReportFiles,
    mut progress: Progress,
    prepared: Prepared,
) -> Result<u8, Error> {
    let Prepared { mut signals, aws, mut info, accounts, targets, skipped, journal } = prepared;
    let (pace, stop) = (Pace::new(settings.run.rate), Stop::default());
    let rollout = Rollout {
        cloud: &aws,
        intents: &journal,
        pace: &pace,
        stop: &stop,
        terms: settings.terms.clone(),
        sts_endpoint: aws.sts_endpoint.clone(),
    };
    let mut ledger = Ledger {
        accounts: &accounts,
        run_id: &settings.run_id,
        journal: &journal,
        files: &mut files,
        progress: &mut progress,
        stop: &stop,
        records: vec![None; accounts.len()],
    };
    ledger.skip(skipped);
    let mut ended = tokio::select! {
        ended = roll_out(&rollout, &targets, |event| ledger.note(&event)) => ended,
        never = signals.watch(&stop) => match never {},
    };
    let records = ledger.into_records();
    progress.finish();

    ended.tally = records.iter().map(|record| record.outcome).collect();
    let verdict = Verdict::of(&ended, settings.detailed_exitcode);
    let sentence = verdict.sentence(settings.terms.mode, settings.terms.wanted, &ended.tally);
    let mut exit_code = verdict.exit_code();
    journal.append(&Entry::Ended { exit_code, verdict: Cow::Borrowed(&sentence) });
    info.ended_at = Some(SystemTime::now());
    info.verdict = Some(Ending { exit_code, sentence: sentence.clone() });
    let report = Report { run: &info, accounts: &accounts, records: &records };

    // Whatever can't be written now, everything else still is, and the effects in AWS are told in any case.
    let problems = [
        journal
            .finish()
            .err()
            .map(|error| format!("the journal {} is not complete: {error}", folder.file(RunFolder::JOURNAL).display())),
        folder.write_run(&info).err().map(|error| error.to_string()),
        files.finish(&report).err().map(|error| error.to_string()),
        tell(settings, folder, &report, &sentence).err().map(|error| format!("stdout can't be written: {error}")),
    ];
    for problem in problems.into_iter().flatten() {
        let changed = ended.tally.of(Outcome::Changed);
        let message = format!("{problem}; {changed} accounts were changed");
        let _ = io::stderr().write_all(style::fatal(&message, "", settings.talk.color).as_bytes());
        exit_code = if exit_code == 0 { 1 } else { exit_code };
    }
    if exit_code == 1 && settings.output == OutputFormat::None || matches!(verdict, Verdict::Stopped(_)) {
        progress.line(&sentence);
    }
    Ok(exit_code)
}

/// Without a terminal and without `--yes` nobody can say yes, so there is no use in starting.
fn refuse_unasked(settings: &Settings) -> Result<(), Error> {
    if settings.terms.mode == Mode::Plan || settings.yes || settings.can_ask {
        return Ok(());
    }
    Err(Error::NotConfirmed("apply asks before it starts, and there is no terminal to ask on: give --yes"))
}

fn open_files(folder: &RunFolder, settings: &Settings) -> Result<ReportFiles, Error> {
    let own = [(folder.file("report.csv"), Format::Csv), (folder.file("report.json"), Format::Json)];
    ReportFiles::open(&own, &settings.reports)
}

/// The accounts to visit, in the order of the rollout, each with its way in.
fn targets(selected: &Selected<'_>, organization: &Organization, aws: &Aws, settings: &Settings) -> Vec<Target> {
    let way = |id: AccountId| {
        let own = settings.run.selection.management == Management::Own;
        if own && id == organization.management && id == aws.caller.account {
            WayIn::Own
        } else {
            WayIn::Role(settings.run.role.arn(&aws.caller.partition, id))
        }
    };
    spread(&selected.targets, organization.management)
        .into_iter()
        .map(|account| Target {
            account: account.id,
            way: way(account.id),
            management: account.id == organization.management,
            invited: account.invited,
        })
        .collect()
}

fn skipped(selected: &Selected<'_>, settings: &Settings) -> Vec<Record> {
    let record = |(account, reason): &(&Account, crate::org::select::SkipReason)| {
        Record::skipped(account.id, settings.terms.wanted, reason.code, reason.message)
    };
    selected.skipped.iter().map(record).collect()
}

/// Asks whether to start.
async fn confirm(
    settings: &Settings,
    progress: &Progress,
    organization: &Organization,
    aws: &Aws,
    targets: usize,
    listed: usize,
) -> Result<(), Error> {
    if settings.terms.mode == Mode::Plan {
        return Ok(());
    }
    let waves = settings.terms.waves.as_ref().map_or_else(String::new, |waves| format!(", in waves of {waves}"));
    let question = format!(
        "Organization  {}\nCaller        {}\nAccounts      {targets} of {listed}{waves}\nChange        GlobalEndpointTokenVersion to {}\n",
        organization.id, aws.caller.arn, settings.terms.wanted,
    );
    let question = crate::harmless::for_terminal(&question).replace("\\u{a}", "\n");
    if settings.yes {
        progress.line(question.trim_end());
        return Ok(());
    }
    progress.finish();
    let yes = prompt::confirm(&format!("{question}Start?")).await.unwrap_or(false);
    if yes { Ok(()) } else { Err(Error::NotConfirmed("the question was not answered with yes")) }
}

fn describe(settings: &Settings, organization: &Organization, aws: &Aws) -> RunInfo {
    RunInfo {
        run_id: settings.run_id.clone(),
        command: match settings.terms.mode {
            Mode::Plan => "plan",
            Mode::Apply => "apply",
        }
        .to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        organization_id: organization.id.clone(),
        management_account: organization.management,
        caller_arn: aws.caller.arn.clone(),
        region: aws.region.clone(),
        sts_endpoint: aws.sts_endpoint.clone(),
        settings: settings.run.clone(),
        started_at: Some(settings.now),
        ended_at: None,
        verdict: None,
    }
}

/// Writes what stdout gets. A reader that has gone away, such as `head`, is no error.
fn tell(settings: &Settings, folder: &RunFolder, report: &Report<'_>, sentence: &str) -> io::Result<()> {
    let stdout = io::stdout().lock();
    let to_stdout = settings.reports.iter().find(|(to, _)| *to == Destination::Stdout).map(|(_, format)| *format);
    let result = match (to_stdout, settings.output) {
        (Some(format), _) => format.write(report, stdout),
        (None, OutputFormat::None) => Ok(()),
        (None, OutputFormat::Csv) => Format::Csv.write(report, stdout),
        (None, OutputFormat::Json) => Format::Json.write(report, stdout),
        (None, OutputFormat::Jsonl) => Format::Jsonl.write(report, stdout),
        (None, OutputFormat::Table) => {
            let text = summary(report, sentence, folder.path());
            let mut stdout = stdout;
            stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush())
        }
    };
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}
