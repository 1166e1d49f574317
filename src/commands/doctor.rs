//! `doctor`: checks whether a rollout would work, with calls that only read.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::time::{Duration, Instant, SystemTime};

use futures::FutureExt as _;
use serde_json::Value;

use crate::cli::{DoctorArgs, OutputFormat, TypedOptions};
use crate::cloud::aws::{Aws, ConnectError, ConnectOptions, session_policy};
use crate::cloud::{AccessMethod, Cloud as _, Operation};
use crate::doctor::tokens::{self, GlobalEndpoint};
use crate::doctor::{
    Check, CheckedAccount, Checks, Latency, Measurements, Status, Subject, check_account, check_role, prerequisites,
    sample, table, usual_latency,
};
use crate::error::Error;
use crate::journal::{CommandName, PolicyChoice};
use crate::org::role::AccessMode;
use crate::org::selection::select;
use crate::org::{Account, ObservedVersion};
use crate::report::{DocumentFormat, OutputDocument, write_json, write_json_lines};
use crate::rollout::explanation::questions;
use crate::rollout::wave::divide;
use crate::rollout::{Mode, Verify};
use crate::run::connect::connect_with;
use crate::run::explain;
use crate::run::signals::Signals;
use crate::run::stdout;
use crate::run::targets;
use crate::run::unit_names;
use crate::settings::{Environment, Settings, defaults, defaults_for};
use crate::terminal::layout::stdout_columns;
use crate::terminal::style::Paint;
use crate::terminal::{Progress, log_line};

/// How long doctor waits for the setting of the account that assumes the roles.
const READ_OWN_TIMEOUT: Duration = Duration::from_secs(5);

/// Checks what a rollout needs, and prints the results.
pub(super) async fn doctor(args: DoctorArgs, typed: &TypedOptions, environment: &Environment) -> Result<u8, Error> {
    if let Some(option) = ["run-dir", "report"].into_iter().find(|option| typed.contains(option)) {
        return Err(Error::Usage(format!("--{option}: doctor makes no run")));
    }
    if args.run.output.output == OutputFormat::Csv && args.run.output.query.is_none() {
        return Err(Error::Usage("--output csv: doctor tells as table, text, json or jsonl".to_owned()));
    }
    let sampling = Sampling { count: usize::from(args.sample), no_global: args.no_global };
    // An error here is ignored: if the AWS settings can't be read, the first check reports the error.
    let base = defaults_for(Mode::Plan, args.run.access.profile.as_deref(), environment);
    let base = base.unwrap_or_else(|_| defaults(Mode::Plan));
    let settings = Settings::resolve(args.run, CommandName::Plan, base, environment)?;
    settings.run.check()?;
    let progress = Progress::new(settings.output.stderr_mode);
    progress.say_waits();
    let mut signals = Signals::listen(&progress).map_err(|source| Error::Unwritable {
        what: "the signals",
        path: "/".into(),
        source,
    })?;
    let mut checks = Checks::default();
    let done = signals.or_stop(Box::pin(check(&settings, sampling, &progress, &mut checks))).await;
    match done {
        Ok(mut found) => {
            if !settings.run.no_explain {
                // A signal is no reason to lose the checks.
                let questions = Box::pin(explain_denials(&found.aws, &mut found.accounts, &progress));
                let _ = signals.or_stop(questions.map(Ok)).await;
            }
            let accounts = found.accounts.into_iter().map(|account| account.check);
            accounts.chain(found.of_all).for_each(|check| checks.add(check));
            progress.finish();
        }
        Err(error) => {
            progress.finish();
            // An error that ends the checks is reported as a failed check, unless the cause is a signal or wrong usage.
            if let Error::Usage(_) | Error::Signal { .. } = error {
                return Err(error);
            }
            checks.add(Check::of_error(&error));
        }
    }
    let printed = match stdout::query(&settings.output, "doctor", &checks) {
        Ok(result) => stdout::print(&settings.output, &checks, result),
        Err(cause) => {
            // The checks were made, so the message does not say that nothing was done.
            let message = format!("nothing could be printed: {cause}");
            log_line::error(settings.output.stderr_mode, &message, "");
            return Ok(2);
        }
    };
    printed.map_err(stdout::unwritable("the result"))?;
    Ok(u8::from(checks.failed()))
}

/// Which accounts are checked, and how.
#[derive(Clone, Copy)]
struct Sampling {
    /// The number of accounts.
    count: usize,
    /// Whether the global STS endpoint is left out.
    no_global: bool,
}

/// What was found out about the sampled accounts.
struct Found {
    aws: Aws,
    /// The sampled accounts, whose denials are not explained yet.
    accounts: Vec<CheckedAccount>,
    /// The checks of all of them together.
    of_all: Vec<Check>,
}

/// Makes the checks in order, and stops at the first check that can't be made.
async fn check(
    settings: &Settings,
    sampling: Sampling,
    progress: &Progress,
    checks: &mut Checks,
) -> Result<Found, Error> {
    let run = &settings.run;
    let options = connect_options(settings);
    let clock = options.clock.clone();
    let connected = connect_with(options, settings.can_ask, progress).await;
    // A wrong clock is the most likely cause of a refusal, so the clock is reported before the refusal.
    let skew = clock.skew();
    if let (Some(skew), Err(_)) = (skew, &connected)
        && skew.by > prerequisites::MAX_SKEW
    {
        checks.add(prerequisites::clock(skew));
    }
    let aws = connected?;
    checks.add(prerequisites::identity(&aws));
    if let Some(skew) = skew {
        checks.add(prerequisites::clock(skew));
    }
    let endpoints = aws.endpoints().await.map_err(ConnectError::from)?;
    let urls = endpoints.map(|(service, url)| format!("{service} {url}")).join(", ");
    checks.add(Check::ok(Subject::Endpoints, format!("Region {}: {urls}", aws.region)));

    let started = Instant::now();
    let mut accounts = BTreeMap::new();
    let listing = aws.for_each_account(run.selection.needs_units(), |account, page| {
        accounts.insert(account.id, account);
        progress.listing(accounts.len(), page);
    });
    let (organization, list) = tokio::try_join!(aws.describe_organization(), listing)?;
    aws.check_complete(&organization, |id| accounts.contains_key(&id))?;
    let listing = started.elapsed();
    targets::warn_of_missing_paths(list.without_paths.as_ref(), progress);
    let accounts: Vec<Account> = accounts.into_values().collect();
    checks.add(prerequisites::organization(&aws, &organization));
    checks.add(prerequisites::root_access(aws.is_root_access_enabled().await, run.access == AccessMode::AssumeRoot));

    let (mut run, mut units) = (run.clone(), list.names);
    unit_names::resolve(&aws, run.max_attempts, &mut run.selection, &accounts, &mut units).await?;
    let run = &run;
    let (roots, parents) = units.unread(accounts.iter().map(|account| account.attributes.ou_path.as_ref()));
    // One parent shows whether the caller may read the names.
    let read = aws.for_each_unit(run.max_attempts, roots, parents.get(..1).unwrap_or_default(), |_, _, _| {}).await;
    if let Err(error) = read {
        checks.add(prerequisites::without_names(&error));
    }
    let management_account = targets::management_account(&organization, run, &aws);
    let tags = targets::look_up(&aws, run, &accounts, &units, management_account, None, progress).await?;
    let selected = select(&accounts, management_account, &run.selection, &tags, None)?;
    checks.add(prerequisites::accounts(&accounts, &selected, &organization));

    // Without sizes, `divide` returns all accounts in one wave, in the order of their visits.
    let one_wave = divide(&selected.targets, organization.management, &BTreeSet::new(), None);
    let in_order: Vec<&Account> = one_wave.into_iter().flat_map(|(_, accounts)| accounts).collect();
    let leaves_out = sampling.no_global || !aws.has_global_endpoint();
    let obstacle = aws.global_endpoint_obstacle().filter(|_| !leaves_out);
    let mut global = if leaves_out || obstacle.is_some() { GlobalEndpoint::LeftOut } else { GlobalEndpoint::Asked };
    let mut checked = Vec::new();
    for account in sample(&in_order, organization.management, sampling.count) {
        let target = targets::target(account, &organization, &aws, run, None);
        let account = check_account(&aws, run, account, target.access, target.management, global).await;
        // A global endpoint that is blocked must not make every sampled account slow.
        if account.token.as_ref().is_some_and(|token| !token.is_answered) {
            global = GlobalEndpoint::LeftOut;
        }
        checked.push(account);
    }
    let mut of_all = Vec::new();
    let is_needed = run.verify == Verify::TokenSize;
    let may_read_own = !management_account.is_skipped(aws.hub.account);
    if let Some(check) = check_tokens(&aws, &mut checked, may_read_own, is_needed).await {
        of_all.push(check);
    }
    if let Some(obstacle) = obstacle {
        of_all.push(tokens::hidden(&obstacle, is_needed));
    }
    if let Some(check) = check_role(&checked) {
        of_all.push(check);
    }
    if let Some(Latency { enter, read }) = usual_latency(&checked) {
        let measured = Measurements {
            listed: accounts.len(),
            listing,
            tagged: tags.len(),
            targets: selected.targets.len(),
            enter,
            read,
            concurrency: run.concurrency,
            rate: run.rate,
        };
        of_all.push(measured.check());
    }
    Ok(Found { aws, accounts: checked, of_all })
}

/// Adds to the advice about accounts that denied a request which policies denied it.
async fn explain_denials(aws: &Aws, checked: &mut [CheckedAccount], progress: &Progress) {
    let denied = checked.iter().filter_map(CheckedAccount::denied_request);
    let questions = questions(denied, SystemTime::now());
    explain::ask(aws, questions, progress, |question, explanation| {
        for account in checked.iter_mut().filter(|account| account.is_one_of(&question.accounts)) {
            account.explain(&explanation, question.accounts.len());
        }
    })
    .await;
}

/// Returns the check of the tokens of the sampled accounts. To find out whose setting decided, reads the setting of the account that assumes
/// the roles if it is not among them, and if `may_read_own`.
async fn check_tokens(aws: &Aws, checked: &mut [CheckedAccount], may_read_own: bool, is_needed: bool) -> Option<Check> {
    let caller = aws.hub.account;
    let sampled = checked.iter().find(|account| account.check.account_id == Some(caller));
    let mut setting = sampled.and_then(|account| account.version);
    let tokens: Vec<_> = checked.iter_mut().filter_map(|account| account.token.take()).collect();
    if may_read_own && setting.is_none() && !tokens.is_empty() {
        // No run needs this setting, so an answer that is late is not waited for.
        setting = tokio::time::timeout(READ_OWN_TIMEOUT, read_own(aws)).await.ok().flatten();
    }
    tokens::check(&tokens, (caller, setting), is_needed)
}

/// Returns the setting of the account that assumes the roles, with one attempt; `None` if it can't be read.
async fn read_own(aws: &Aws) -> Option<ObservedVersion> {
    let session = aws.open_session(aws.hub.account, &AccessMethod::Own).await.ok()?.value;
    aws.read_version(&session).await.ok().map(|answer| answer.value)
}

/// Returns the options for connecting as a plan does, but with sessions that are also allowed to call the policy simulator.
fn connect_options(settings: &Settings) -> ConnectOptions {
    let mut options = settings.connect_options();
    if settings.run.session_policy == PolicyChoice::Scoped {
        options.session.policy =
            Some(session_policy(&[Operation::GetAccountSummary, Operation::SimulatePrincipalPolicy]));
    }
    options
}

impl OutputDocument for Checks {
    fn painted_word<'a>(&self, line: &'a str) -> Option<(&'a str, Paint)> {
        let (word, _) = line.split_once(' ')?;
        let status = Status::ALL.into_iter().find(|status| status.as_str() == word)?;
        Some((word, status.paint()))
    }

    fn write(&self, format: DocumentFormat, to: &mut dyn Write) -> io::Result<()> {
        match format {
            DocumentFormat::Table => to.write_all(table(self, stdout_columns()).as_bytes()),
            DocumentFormat::Text => self.checks.iter().try_for_each(|check| writeln!(to, "{}", check.columns())),
            DocumentFormat::Json => write_json(self, to),
            DocumentFormat::Jsonl => write_json_lines(&self.checks, to),
            // `doctor` does not write these formats: `--report` is refused, and with `V2TOKEN_REPORT=-` nothing is printed.
            DocumentFormat::Csv | DocumentFormat::Markdown | DocumentFormat::Html => Ok(()),
        }
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("all keys are strings")
    }
}
