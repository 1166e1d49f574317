//! `impact`: shows who uses the global STS endpoint, and what a change of the token version means for them.

mod collect;
mod document;
mod online;
mod sql;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use self::collect::{Collected, collect};
use self::document::{Accounts, document};
use super::absolute;
use crate::build_info::{BuildInfo, VERSION};
use crate::cli::{ImpactAction, ImpactArgs, SelectionArgs, TypedOptions};
use crate::error::Error;
use crate::impact::conclusion::Subject;
use crate::impact::verdict::OptInRegions;
use crate::journal::{Ending, RunFolder, RunId, runs_dir};
use crate::org::accounts_file::listed::ListedAccount;
use crate::org::selection::{ManagementAccount, SkipReason, check_names, reason_to_skip, select};
use crate::org::{Account, AccountId};
use crate::report::impact::{
    COMMAND, IN_IMPACT_FOLDER, ImpactReport, ImpactRun, ImpactSettings, ImpactSources, PRINCIPALS_CSV,
};
use crate::report::{DocumentFormat, OutputDocument as _, ReportFiles};
use crate::run::stdout;
use crate::settings::{Environment, OutputSettings, listed, selection_among_listed};
use crate::terminal::log_line::Level;
use crate::terminal::{LogLine, Progress, log_line};

/// The options of the groups Access and Pace, which have no meaning without calls.
const ONLINE: [&str; 20] = [
    "profile",
    "region",
    "role",
    "via-role",
    "external-id",
    "session-name",
    "source-identity",
    "session-duration",
    "session-policy",
    "mfa-serial",
    "mfa-token",
    "access",
    "management-account",
    "endpoint-url",
    "ca-bundle",
    "concurrency",
    "rate",
    "max-attempts",
    "account-timeout",
    "max-pages",
];

/// Selections that need what a report does not say.
const NOT_IN_REPORT: [&str; 3] = ["tag", "exclude-tag", "joined-since"];

/// Shows who is affected.
pub(super) async fn impact(args: ImpactArgs, typed: &TypedOptions, environment: &Environment) -> Result<u8, Error> {
    if let Some(ImpactAction::Sql(args)) = args.action {
        return sql::print(&args, environment.now);
    }
    if !args.offline {
        return online::online(args, environment).await;
    }
    check_offline(&args, typed)?;
    let since =
        args.since.resolve(environment.now).map_err(|_| Error::Usage("--since: this is not in the past".to_owned()))?;
    let output = OutputSettings::resolve(args.output, environment)?;
    let accounts = offline_accounts(args.selection, environment.now)?;
    let run_id = RunId::new(environment.now);
    let folder = args.run_dir.unwrap_or_else(|| runs_dir().join(run_id.as_str()));
    let settings = ImpactSettings {
        since: Some(since),
        events: args.events.iter().map(|path| absolute_unless_stdin(path.clone())).collect(),
        accounts_from: accounts.files.clone(),
        offline: true,
        with_addresses: args.with_addresses,
        max_pages: None,
    };
    let run = ImpactRun {
        run_id,
        command: COMMAND.to_owned(),
        version: VERSION.to_owned(),
        build: Some(BuildInfo::of_this_program()),
        organization_id: accounts.organization(),
        partition: accounts.partition_without_global_endpoint(),
        settings,
        sources: ImpactSources::default(),
        started_at: Some(environment.now),
        ended_at: None,
        verdict: None,
    };
    let folder = RunFolder::create(&folder)?;
    let files = ReportFiles::open(None, &output.reports);
    let files = match files {
        Ok(files) => files,
        Err(error) => {
            folder.discard();
            return Err(error);
        }
    };
    let progress = Progress::new(output.stderr_mode);
    let collected = if run.partition.is_some() {
        Collected::none()
    } else {
        collect(
            &args.events,
            (seconds(since), seconds(environment.now)),
            args.with_addresses,
            &accounts.ids(),
            &progress,
        )
    };
    progress.finish();
    warn(&progress, &collected);
    let report = document(&accounts, collected, run, args.detailed_exitcode);
    finish(&report, folder, files, &output, &progress)
}

/// Checks the options of a run without calls.
fn check_offline(args: &ImpactArgs, typed: &TypedOptions) -> Result<(), Error> {
    let refused = |text: &str| Err(Error::Usage(text.to_owned()));
    if let Some(option) = ONLINE.into_iter().find(|option| typed.contains(option)) {
        return refused(&format!("--{option} has no meaning with --offline, which makes no call"));
    }
    if let Some(option) = NOT_IN_REPORT.into_iter().find(|option| typed.contains(option)) {
        return refused(&format!(
            "--{option} needs calls, and --offline makes none: select the accounts when you make the report of plan"
        ));
    }
    if args
        .selection
        .ou
        .iter()
        .chain(&args.selection.exclude_ou)
        .any(|ou| matches!(ou, crate::org::UnitChoice::Names(_)))
    {
        return refused("--ou and --exclude-ou take ids with --offline, such as ou-ab12-cdefgh34");
    }
    if args.selection.accounts_from.is_empty() {
        return refused("--offline needs the accounts: name a CSV report of v2token plan with --accounts-from");
    }
    if args.events.is_empty() {
        return refused("--offline needs events: name files or folders of CloudTrail with --events");
    }
    check_events(args)
}

/// Checks that the files of `--events` exist, and that stdin is read once.
fn check_events(args: &ImpactArgs) -> Result<(), Error> {
    let stdins = args.events.iter().chain(&args.selection.accounts_from).filter(|path| path.as_os_str() == "-").count();
    if stdins > 1 {
        return Err(Error::Usage(
            "stdin (-) can be read only once: name a file for --events or for --accounts-from".to_owned(),
        ));
    }
    for path in args.events.iter().filter(|path| path.as_os_str() != "-") {
        if let Err(error) = std::fs::metadata(path) {
            return Err(Error::Usage(format!("--events {}: {error}", path.display())));
        }
    }
    Ok(())
}

/// Reads the accounts from the files of `--accounts-from`, and selects among them.
fn offline_accounts(args: SelectionArgs, now: SystemTime) -> Result<Accounts, Error> {
    let files = args.accounts_from.clone();
    let listed: BTreeMap<AccountId, ListedAccount> = listed(&files)?;
    let selection = selection_among_listed(args, now)?;
    let accounts: Vec<Account> = listed.values().map(|listed| listed.account.clone()).collect();
    // Events do not need a visit, so the management account is like every other account.
    let first = accounts
        .first()
        .map(|account| account.id)
        .ok_or_else(|| Error::Usage("--accounts-from: no account".to_owned()))?;
    let management = ManagementAccount { id: first, skip_reason: None };
    check_names(&accounts, &selection, selection.units_without_accounts(&accounts))?;
    select(&accounts, management, &selection, &BTreeMap::new(), None)?;
    let skipped: BTreeMap<AccountId, SkipReason> = accounts
        .iter()
        .filter_map(|account| Some((account.id, reason_to_skip(account, management, &selection, None, None)?)))
        .collect();
    let subjects = listed
        .iter()
        .map(|(id, listed)| {
            let subject = Subject {
                version: listed.version,
                opt_in: OptInRegions::Unknown,
                is_skipped: skipped.contains_key(id),
            };
            (*id, subject)
        })
        .collect();
    let files = files.into_iter().map(absolute_unless_stdin).collect();
    Ok(Accounts { listed, subjects, skipped, files, visits: None })
}

/// Says what else the reader must know.
fn warn(progress: &Progress, collected: &Collected) {
    let sources = &collected.sources;
    for damaged in sources.damaged.iter().take(5) {
        progress.warn(&format!("{}: {}", damaged.file, damaged.cause));
    }
    if sources.damaged_files > 5 {
        progress.warn(&format!(
            "{} further files can't be read completely; impact.json names them",
            sources.damaged_files - 5
        ));
    }
    let not_understood: u64 = sources.not_understood.values().sum();
    if not_understood > 0 {
        progress.warn(&format!("{not_understood} events of STS are not understood; impact.json says why"));
    }
    if sources.counts_may_be_high {
        progress.warn(
            "there are too many calls to recognize those that were read twice: the numbers of calls may be too high",
        );
    }
}

/// Writes the report into the run folder, to the files of `--report`, and to stdout.
fn finish(
    report: &ImpactReport,
    folder: RunFolder,
    files: ReportFiles,
    output: &OutputSettings,
    progress: &Progress,
) -> Result<u8, Error> {
    let queried = stdout::query(output, COMMAND, report);
    if let (Err(cause), true) = (&queried, report.run.settings.offline) {
        // The same files can be read again, with another query.
        files.discard();
        folder.discard();
        return Err(Error::Usage(cause.clone()));
    }
    for (name, format) in IN_IMPACT_FOLDER {
        write(&folder, name, &mut |to| report.write(format, to))?;
    }
    write(&folder, PRINCIPALS_CSV, &mut |to| report.write_principals(to))?;
    write(&folder, RunFolder::RUN, &mut |to| {
        serde_json::to_writer_pretty(&mut *to, &report.run)?;
        to.write_all(b"\n")
    })?;
    // Only the lock was needed: an impact has no journal.
    let _ = folder.directory().remove(RunFolder::JOURNAL);
    files.finish(report).into_result()?;
    let query_result = match queried {
        Ok(result) => result,
        Err(cause) => {
            // The visits took long, so the report is kept.
            let path = crate::sanitize::for_shell(folder.path());
            let message = format!("nothing could be printed: {cause}; the report is in {path}");
            log_line::error(output.stderr_mode, &message, "");
            return Ok(2);
        }
    };
    stdout::print(output, report, query_result).map_err(stdout::unwritable("the report"))?;
    if output.stdout == Some(DocumentFormat::Table) && output.query.is_none() {
        let path = folder.path();
        let text = format!("the report is in {}", crate::sanitize::for_shell(path));
        progress.log(&LogLine::new(
            Level::Info,
            "report",
            &text,
            serde_json::json!({ "folder": path.display().to_string() }),
        ));
    }
    Ok(report.run.verdict.as_ref().map_or(0, |Ending { exit_code, .. }| *exit_code))
}

type Writer<'a> = dyn FnMut(&mut dyn std::io::Write) -> std::io::Result<()> + 'a;

fn write(folder: &RunFolder, name: &str, content: &mut Writer<'_>) -> Result<(), Error> {
    let name_os = std::ffi::OsStr::new(name);
    let replaced = folder.directory().replace(name_os, &crate::directory::temporary_name(name_os), 0o600, |file| {
        let mut to = std::io::BufWriter::new(file);
        content(&mut to)?;
        to.flush()
    });
    replaced.and_then(|()| folder.directory().sync()).map_err(|source| Error::Unwritable {
        what: "the report",
        path: folder.file(name),
        source,
    })
}

fn absolute_unless_stdin(path: PathBuf) -> String {
    if path.as_os_str() == "-" { "-".to_owned() } else { absolute(path).display().to_string() }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

impl Accounts {
    /// Returns the accounts of the report.
    fn ids(&self) -> BTreeSet<AccountId> {
        self.listed.keys().copied().collect()
    }
}
