//! `impact` with calls: lists the accounts, reads files if there are any, and visits the accounts.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::collect::{Collected, collect};
use super::document::{Accounts, VisitsEnd, document};
use super::{absolute_unless_stdin, check_events, finish, seconds, warn};
use crate::build_info::{BuildInfo, VERSION};
use crate::cli::{ImpactArgs, RolloutArgs, RunArgs};
use crate::error::Error;
use crate::impact::conclusion::Subject;
use crate::impact::verdict::OptInRegions;
use crate::journal::{CommandName, RunFolder};
use crate::org::accounts_file::listed::ListedAccount;
use crate::org::role::AccessMode;
use crate::org::{Account, AccountId, TokenVersion};
use crate::report::ReportFiles;
use crate::report::impact::{COMMAND, ImpactReport, ImpactRun, ImpactSettings, ImpactSources};
use crate::rollout::{Mode, Outcome, Record};
use crate::run::impact_visits::{
    HISTORY_DAYS, HISTORY_SECONDS, HistoryOptions, ImpactTargets, ImpactVisits, connect, list_accounts, visit_accounts,
};
use crate::run::signals::Signals;
use crate::settings::{Environment, Settings, defaults_for};
use crate::terminal::Progress;

/// What is asked for besides the settings that all commands with visits share.
struct Request {
    events: Events,
    since: u64,
    until: u64,
    detailed: bool,
}

/// The options about events.
struct Events {
    paths: Vec<std::path::PathBuf>,
    max_pages: u32,
    with_addresses: bool,
}

/// Shows who is affected in the accounts of the Organization.
pub(super) async fn online(args: ImpactArgs, environment: &Environment) -> Result<u8, Error> {
    check(&args)?;
    let since =
        args.since.resolve(environment.now).map_err(|_| Error::Usage("--since: this is not in the past".to_owned()))?;
    let request = Request {
        since: seconds(since),
        until: seconds(environment.now),
        detailed: args.detailed_exitcode,
        events: Events { paths: args.events, max_pages: args.max_pages, with_addresses: args.with_addresses },
    };
    if request.events.paths.is_empty() && request.until.saturating_sub(request.since) > HISTORY_SECONDS {
        return Err(Error::Usage(format!(
            "--since: CloudTrail keeps the event history for {HISTORY_DAYS} days: give --since {HISTORY_DAYS}d, or name the files of a \
             trail with --events"
        )));
    }
    let base = defaults_for(Mode::Plan, args.access.profile.as_deref(), environment)?;
    let accounts_from = args.selection.accounts_from.iter().cloned().map(absolute_unless_stdin).collect();
    let run_args = RunArgs {
        global_endpoint_token_version: TokenVersion::V2Token,
        selection: args.selection,
        access: args.access,
        rate: args.rate,
        rollout: RolloutArgs::default(),
        run_dir: args.run_dir,
        output: args.output,
    };
    let mut settings = Settings::resolve(run_args, CommandName::Plan, base, environment)?;
    settings.run.check()?;
    let run = ImpactRun {
        run_id: settings.run_id.clone(),
        command: COMMAND.to_owned(),
        version: VERSION.to_owned(),
        build: Some(BuildInfo::of_this_program()),
        organization_id: None,
        partition: None,
        settings: ImpactSettings {
            since: Some(since),
            events: request.events.paths.iter().cloned().map(absolute_unless_stdin).collect(),
            accounts_from,
            offline: false,
            with_addresses: request.events.with_addresses,
            max_pages: Some(request.events.max_pages),
        },
        sources: ImpactSources::default(),
        started_at: Some(environment.now),
        ended_at: None,
        verdict: None,
    };
    let folder = RunFolder::create(&settings.folder())?;
    let files = match ReportFiles::open(None, &settings.output.reports) {
        Ok(files) => files,
        Err(error) => {
            folder.discard();
            return Err(error);
        }
    };
    let progress = Progress::new(settings.output.stderr_mode);
    progress.say_waits();
    let reported = Box::pin(report(&mut settings, &request, run, &progress)).await;
    progress.finish();
    match reported {
        Ok(report) => finish(&report, folder, files, &settings.output, &progress),
        Err(error) => {
            files.discard();
            folder.discard();
            Err(error)
        }
    }
}

/// Checks the options of a run with calls.
fn check(args: &ImpactArgs) -> Result<(), Error> {
    check_events(args)?;
    if args.access.access == Some(AccessMode::AssumeRoot) {
        return Err(Error::Usage(
            "--access assume-root can't read the event history of CloudTrail: impact needs a role in the accounts, or --offline \
             with --events and a report of v2token plan --access assume-root"
                .to_owned(),
        ));
    }
    Ok(())
}

/// Makes the report. An error means that no account was visited.
async fn report(
    settings: &mut Settings,
    request: &Request,
    mut run: ImpactRun,
    progress: &Progress,
) -> Result<ImpactReport, Error> {
    let mut signals = Signals::listen(progress).map_err(|source| Error::Unwritable {
        what: "the report",
        path: settings.folder(),
        source,
    })?;
    let aws = signals.or_stop(Box::pin(connect(settings, progress))).await?;
    let mut targets = signals.or_stop(Box::pin(list_accounts(settings, &aws, progress))).await?;
    run.organization_id = Some(targets.organization.id.clone());
    let partition = &aws.caller.partition;
    if !partition.has_global_sts() {
        run.partition = Some(partition.to_string());
        let accounts = accounts(&targets, None);
        return Ok(document(&accounts, Collected::none(), run, request.detailed));
    }
    let Collected { evidence, mut sources } = read_files(request, &targets, &mut signals, progress).await?;
    let evidence = RefCell::new(evidence);
    let history = HistoryOptions {
        since: request.since,
        until: request.until,
        max_pages: request.events.max_pages,
        with_addresses: request.events.with_addresses,
    };
    let visits =
        Box::pin(visit_accounts(settings, &aws, &mut signals, progress, &mut targets, history, &evidence)).await;
    signals.all_visits_ended();
    sources.events += visits.history.events;
    sources.session_calls += visits.history.session_calls;
    for (reason, count) in &visits.history.not_understood {
        *sources.not_understood.entry(reason.clone()).or_default() += count;
    }
    let evidence = evidence.into_inner();
    sources.counts_may_be_high |= evidence.ids_overflowed;
    let collected = Collected { evidence, sources };
    warn(progress, &collected);
    Ok(document(&accounts(&targets, Some(&visits)), collected, run, request.detailed))
}

/// Reads the files of `--events`, which win over the history.
async fn read_files(
    request: &Request,
    targets: &ImpactTargets,
    signals: &mut Signals,
    progress: &Progress,
) -> Result<Collected, Error> {
    if request.events.paths.is_empty() {
        return Ok(Collected::none());
    }
    let ids: BTreeSet<AccountId> = targets.accounts.iter().map(|account| account.id).collect();
    let (paths, times, with_addresses) =
        (request.events.paths.clone(), (request.since, request.until), request.events.with_addresses);
    let of_thread = progress.clone();
    // The files are read by threads of their own, so that a signal can end the program meanwhile.
    let read = tokio::task::spawn_blocking(move || collect(&paths, times, with_addresses, &ids, &of_thread));
    signals.or_stop(async { Ok(read.await.expect("the reading of files does not panic")) }).await
}

/// Returns the accounts of the report, with what the visits found.
fn accounts(targets: &ImpactTargets, visits: Option<&ImpactVisits>) -> Accounts {
    let record = |id: AccountId| visits.and_then(|visits| visits.records.get(&id));
    let mut end = VisitsEnd { stopped: visits.and_then(|visits| visits.stopped.clone()), ..VisitsEnd::default() };
    let (mut listed, mut subjects) = (BTreeMap::new(), BTreeMap::new());
    for account in &targets.accounts {
        let record = record(account.id);
        let is_skipped = targets.skipped.contains_key(&account.id);
        listed.insert(account.id, listed_account(account, record));
        let opt_in = visits.and_then(|visits| visits.opt_in.get(&account.id)).cloned();
        let version = record.and_then(|record| record.current_version);
        subjects.insert(account.id, Subject { version, opt_in: opt_in.unwrap_or(OptInRegions::Unknown), is_skipped });
        match record {
            Some(record) if record.outcome == Outcome::Failed => {
                end.failed += 1;
                end.hints.extend(record.error.as_ref().map(|error| (account.id, error.hint.clone())));
            }
            Some(record) if record.outcome == Outcome::NotAttempted => {
                end.hints.insert(account.id, "the run stopped before this account was visited".to_owned());
            }
            _ => {}
        }
    }
    Accounts { listed, subjects, skipped: targets.skipped.clone(), files: Vec::new(), visits: Some(end) }
}

fn listed_account(account: &Account, record: Option<&Record>) -> ListedAccount {
    let error = record.and_then(|record| record.error.as_ref());
    ListedAccount {
        account: account.clone(),
        version: record.and_then(|record| record.current_version),
        error: error.map(|error| (error.error_code.to_string(), error.error_message.clone())),
        // The partition is that of the caller.
        partition: None,
    }
}
