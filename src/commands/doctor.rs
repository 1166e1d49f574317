//! This module owns `doctor`: the checks before a rollout, made with the calls that a rollout makes, and without any that writes.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cli::{DoctorArgs, GivenOptions, OutputFormat};
use crate::cloud::aws::simulate::Decision;
use crate::cloud::aws::{Aws, ConnectFailed, ConnectOptions, Organization, session_policy};
use crate::cloud::retry::persist;
use crate::cloud::{AccessMethod, Answer, Cloud as _, Failure, Operation};
use crate::doctor::{Check, Checks, Estimate, Measured, STS_QUOTA, Status, Subject, sample};
use crate::error::Error;
use crate::journal::{CommandName, PolicyChoice};
use crate::org::role::AccessMode;
use crate::org::selection::{SelectionResult, select};
use crate::org::{Account, AccountState, ObservedVersion};
use crate::report::{DocumentFormat, OutputDocument, write_json, write_json_lines};
use crate::rollout::wave::spread;
use crate::rollout::{HintContext, Mode, Outcome, Stage, hint};
use crate::run::connect::connect_with;
use crate::run::signals::Signals;
use crate::run::stdout;
use crate::run::targets;
use crate::settings::{Environment, Settings};
use crate::terminal::{Progress, log_line};

/// Signatures are refused when the clocks differ by more than 5 minutes (IAM user guide, "Troubleshoot signed requests").
const SKEW_REFUSED: Duration = Duration::from_mins(5);

/// A clock that is this far off is about to be a problem. Below it is the whole second of the header, and the way of the answer.
const SKEW_DOUBTFUL: Duration = Duration::from_mins(1);

/// Half of the quota is the most that a rollout should take from its neighbours.
const NEIGHBOURLY: u32 = STS_QUOTA / 2;

/// Options of a run that mean nothing here, because there is no run.
const RUN_ONLY: [&str; 2] = ["run-dir", "report"];

/// Checks everything that a rollout needs, and tells it.
pub(super) async fn doctor(args: DoctorArgs, given: &GivenOptions, environment: &Environment) -> Result<u8, Error> {
    if let Some(option) = RUN_ONLY.into_iter().find(|option| given.typed(option)) {
        return Err(Error::Usage(format!("--{option}: doctor makes no run")));
    }
    if args.run.output.output == OutputFormat::Csv && args.run.output.query.is_none() {
        return Err(Error::Usage("--output csv: doctor tells as table, text, json or jsonl".to_owned()));
    }
    let count = usize::from(args.sample);
    let settings = Settings::resolve(args.run, CommandName::Plan, Mode::Plan, environment)?;
    settings.run.check()?;
    let progress = Progress::new(settings.output.stderr_mode);
    let mut signals = Signals::listen(&progress).map_err(|source| Error::Unwritable {
        what: "the signals",
        path: "/".into(),
        source,
    })?;
    let mut checks = Checks::default();
    let done = signals.or_stop(Box::pin(examine(&settings, count, &progress, &mut checks))).await;
    progress.finish();
    match done {
        // What keeps the checks from going on is a check that failed; a signal and wrong usage are not.
        Err(error @ (Error::Usage(_) | Error::Signal { .. })) => return Err(error),
        Err(error) => checks.add(Check::new(subject_of(&error), Status::Failure, error.to_string(), error.hint())),
        Ok(()) => {}
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

/// Makes the checks, one after the other, as far as they go.
async fn examine(settings: &Settings, count: usize, progress: &Progress, checks: &mut Checks) -> Result<(), Error> {
    let access = access(settings);
    let clock = access.clock.clone();
    let connected = connect_with(access, settings.can_ask, progress).await;
    // A clock that is wrong is the cause of most refusals, so it is told before them.
    let skew = clock.skew();
    if let (Some(skew), Err(_)) = (skew, &connected)
        && skew.by > SKEW_REFUSED
    {
        checks.add(clock_check(skew.by, skew.ahead));
    }
    let aws = connected?;
    checks.add(identity(&aws));
    if let Some(skew) = skew {
        checks.add(clock_check(skew.by, skew.ahead));
    }
    let endpoints = aws.endpoints().await.map_err(ConnectFailed::from)?;
    let urls = endpoints.map(|(service, url)| format!("{service} {url}")).join(", ");
    checks.add(Check::ok(Subject::Endpoints, format!("Region {}: {urls}", aws.region)));

    let started = Instant::now();
    let (organization, accounts) = targets::list(&aws, settings, progress).await?;
    let listing = started.elapsed();
    checks.add(belonging(&aws, &organization));
    checks.add(root_access(&aws, settings.run.access).await);

    let management_account = targets::management_account(&organization, &settings.run, &aws);
    let tags = targets::look_up(&aws, &settings.run, &accounts, management_account, None, progress).await?;
    let selected = select(&accounts, management_account, &settings.run.selection, &tags, None)?;
    checks.add(population(&accounts, &selected, &organization));

    let in_order = spread(&selected.targets, organization.management);
    let mut latencies = Vec::new();
    for account in sample(&in_order, organization.management, count) {
        let (check, latency) = try_account(&aws, settings, &organization, account).await;
        checks.add(check);
        latencies.extend(latency);
    }
    if let Some((enter, read)) = mean(&latencies) {
        checks.add(pace(&Measured {
            listed: accounts.len(),
            listing,
            tagged: tags.len(),
            targets: selected.targets.len(),
            enter,
            read,
            concurrency: settings.run.concurrency,
            rate: settings.run.rate,
        }));
    }
    Ok(())
}

/// As for a plan, but a session may ask for the simulation too.
fn access(settings: &Settings) -> ConnectOptions {
    let mut access = settings.connect_options();
    if settings.run.session_policy == PolicyChoice::Scoped {
        access.session.policy =
            Some(session_policy(&[Operation::GetAccountSummary, Operation::SimulatePrincipalPolicy]));
    }
    access
}

fn identity(aws: &Aws) -> Check {
    let caller = &aws.caller;
    if caller.arn.ends_with(":root") {
        let message = format!("{} is the root user, who can't assume roles", caller.arn);
        return Check::new(Subject::Identity, Status::Failure, message, "use a role or an IAM user of this account");
    }
    let through = if aws.hub == *caller { String::new() } else { format!(", through {}", aws.hub.arn) };
    let message = format!("{} in account {}{through}", caller.arn, caller.account);
    if caller.partition.has_global_sts() {
        return Check::ok(Subject::Identity, message);
    }
    let message = format!("{message}; partition {} has no global STS endpoint", caller.partition);
    Check::new(Subject::Identity, Status::Warning, message, "the setting has no effect there")
}

fn clock_check(by: Duration, ahead: bool) -> Check {
    let seconds = by.as_secs();
    let message = format!("this machine's clock is {seconds} s {} AWS's", if ahead { "ahead of" } else { "behind" });
    let advice = "set it, by NTP for instance: AWS refuses signatures that are more than 5 minutes off";
    match by {
        by if by > SKEW_REFUSED => Check::new(Subject::Clock, Status::Failure, message, advice),
        by if by > SKEW_DOUBTFUL => Check::new(Subject::Clock, Status::Warning, message, advice),
        _ => Check::ok(Subject::Clock, format!("within {} s of AWS's", seconds + 1)),
    }
}

fn belonging(aws: &Aws, organization: &Organization) -> Check {
    let role = if aws.is_in(organization.management) {
        "the management account"
    } else {
        "the account of a delegated administrator"
    };
    let message =
        format!("{}, management account {}; the caller is in {role}", organization.id, organization.management);
    match organization.all_features {
        Some(false) => Check::new(
            Subject::Organization,
            Status::Warning,
            format!("{message}; it has consolidated billing only"),
            "there are no service control policies then, and no centralised root access",
        ),
        Some(true) | None => Check::ok(Subject::Organization, message),
    }
}

async fn root_access(aws: &Aws, mode: AccessMode) -> Check {
    let needed = mode == AccessMode::AssumeRoot;
    let otherwise = if needed { Status::Failure } else { Status::Ok };
    match aws.root_access().await {
        Ok(true) => {
            Check::ok(Subject::RootAccess, "centralised root access is on: plan --access assume-root needs no role")
        }
        Ok(false) => Check::new(
            Subject::RootAccess,
            otherwise,
            "centralised root access is off: accounts are read through the role only",
            if needed {
                "enable it: iam:EnableOrganizationsRootCredentialsManagement in the management account"
            } else {
                ""
            },
        ),
        Err(failure) if failure.code == "ServiceAccessNotEnabledException" => Check::new(
            Subject::RootAccess,
            otherwise,
            "centralised root access is off: IAM has no trusted access in the Organization",
            if needed { "enable trusted access for iam.amazonaws.com, and then centralised root access" } else { "" },
        ),
        Err(failure) => Check::new(
            Subject::RootAccess,
            if needed { Status::Warning } else { Status::Ok },
            format!("whether centralised root access is on is not known: {failure}"),
            if needed { "allow iam:ListOrganizationsFeatures to the caller" } else { "" },
        ),
    }
}

fn population(accounts: &[Account], selected: &SelectionResult<'_>, organization: &Organization) -> Check {
    let active = accounts.iter().filter(|account| account.state == AccountState::Active).count();
    let invited =
        selected.targets.iter().filter(|account| account.invited && account.id != organization.management).count();
    let message = format!("{} listed, {active} active, {} selected", accounts.len(), selected.targets.len());
    if invited == 0 {
        return Check::ok(Subject::Accounts, message);
    }
    let noun = if invited == 1 { "account was" } else { "accounts were" };
    Check::new(
        Subject::Accounts,
        Status::Warning,
        format!("{message}; {invited} selected {noun} invited into the Organization"),
        "invited accounts have no cross-account role unless somebody made one: see v2token policy stackset",
    )
}

/// Tries an account, for no longer than a visit may take.
async fn try_account(
    aws: &Aws,
    settings: &Settings,
    organization: &Organization,
    account: &Account,
) -> (Check, Option<(Duration, Duration)>) {
    let limit = settings.run.account_timeout;
    let tried = tokio::time::timeout(limit, examine_account(aws, settings, organization, account)).await;
    tried.unwrap_or_else(|_| {
        let message = format!("no end within --account-timeout {}", humantime::format_duration(limit));
        let advice = "check the network and the proxy settings, or give it longer if AWS is slow";
        (Check::new(Subject::Account(account.id), Status::Failure, message, advice), None)
    })
}

/// Enters an account, reads it, and asks whether it could be set, each as patiently as a visit would. Tells how long entering and
/// reading took.
async fn examine_account(
    aws: &Aws,
    settings: &Settings,
    organization: &Organization,
    account: &Account,
) -> (Check, Option<(Duration, Duration)>) {
    let subject = Subject::Account(account.id);
    let access = targets::access_method(account.id, organization.management, &settings.run, aws);
    let about =
        HintContext { access: &access, management: account.id == organization.management, invited: account.invited };
    let failed = |what: &str, stage: Stage, failure: &Failure| {
        Check::new(subject, Status::Failure, format!("{what}: {failure}"), hint(Outcome::Failed, stage, failure, about))
    };
    let attempts = settings.run.max_attempts;
    let started = Instant::now();
    let session = match persist(attempts, async || aws.enter(account.id, &access).await).await {
        Ok(answer) => answer.value,
        Err(failure) => return (failed("can't be entered", Stage::Assume, &failure), None),
    };
    let entered = started.elapsed();
    let reading = match persist(attempts, async || aws.read(&session).await).await {
        Ok(answer) => answer.value,
        Err(failure) => return (failed("entered, but can't be read", Stage::Read, &failure), None),
    };
    let latency = Some((entered, started.elapsed().saturating_sub(entered)));
    let found = match reading {
        ObservedVersion::Unknown => "entered and read: its version is not shown".to_owned(),
        ObservedVersion::V1Token | ObservedVersion::V2Token => format!("entered and read: {reading}"),
    };
    let check = match &access {
        AccessMethod::Root(_) => Check::ok(subject, format!("{found}; it can only be read by this way in")),
        AccessMethod::Own => Check::ok(subject, format!("{found}; with the caller's own credentials")),
        AccessMethod::Role(arn) => {
            let simulated = persist(attempts, async || {
                aws.simulate(&session, arn, Operation::SetSecurityTokenServicePreferences).await
            });
            let check = may_set(simulated.await, subject, &found);
            match settings.run.session_policy {
                PolicyChoice::Document(_) if check.status == Status::Ok => Check::new(
                    subject,
                    Status::Warning,
                    format!(
                        "{} by the role's policies, but --session-policy was no part of the simulation",
                        check.message
                    ),
                    format!("check that it allows {}", Operation::SetSecurityTokenServicePreferences.action()),
                ),
                PolicyChoice::Document(_) | PolicyChoice::Scoped | PolicyChoice::None => check,
            }
        }
    };
    (check, latency)
}

fn may_set(simulated: Result<Answer<Decision>, Failure>, subject: Subject, found: &str) -> Check {
    let action = Operation::SetSecurityTokenServicePreferences.action();
    let cannot = |message: &str, advice: String| {
        Check::new(subject, Status::Failure, format!("{found}, but it could not be set: {message}"), advice)
    };
    match simulated {
        Ok(answer) => match answer.value {
            Decision::Allowed => Check::ok(subject, format!("{found}; it may be set")),
            Decision::NotAllowed => cannot("no policy of the role allows it", format!("allow {action} to the role")),
            Decision::Denied => cannot("a policy of the role denies it", format!("lift the denial of {action}")),
            Decision::DeniedByOrganization => cannot(
                "a service control policy of the Organization does not allow it",
                "exempt the role there, or lift the policy for the rollout".to_owned(),
            ),
            Decision::Other(decision) => Check::new(
                subject,
                Status::Warning,
                format!("{found}; whether it may be set is not known: the simulation says {decision}"),
                format!("check that {action} is allowed to the role"),
            ),
        },
        Err(failure) => Check::new(
            subject,
            Status::Warning,
            format!("{found}; whether it may be set was not simulated: {failure}"),
            format!("allow iam:SimulatePrincipalPolicy to the role, or check by hand that {action} is allowed to it"),
        ),
    }
}

fn mean(latencies: &[(Duration, Duration)]) -> Option<(Duration, Duration)> {
    let count = u32::try_from(latencies.len()).ok().filter(|count| *count > 0)?;
    let sum = |of: fn(&(Duration, Duration)) -> Duration| latencies.iter().map(of).sum::<Duration>();
    Some((sum(|latency| latency.0) / count, sum(|latency| latency.1) / count))
}

fn pace(measured: &Measured) -> Check {
    let estimate = Estimate::of_apply(measured);
    // To the second from the tenth on; a rough figure must not look exact.
    let duration = Duration::from_secs(estimate.duration.as_secs().max(1));
    let message = format!(
        "about {} for {} accounts at {:.0} visits per second, held up by {}; without waits between waves",
        humantime::format_duration(duration),
        measured.targets,
        estimate.pace,
        estimate.limit,
    );
    if measured.rate > NEIGHBOURLY || (measured.rate == 0 && estimate.pace > f64::from(NEIGHBOURLY)) {
        let advice = format!(
            "keep --rate below {NEIGHBOURLY}: STS takes {STS_QUOTA} calls per second from the whole account, its logins included"
        );
        return Check::new(Subject::Pace, Status::Warning, message, advice);
    }
    Check::ok(Subject::Pace, message)
}

/// What an error that ends the checks is about.
const fn subject_of(error: &Error) -> Subject {
    match error {
        Error::Connect(ConnectFailed::Region(_) | ConnectFailed::NoRegion | ConnectFailed::Endpoint(_)) => {
            Subject::Endpoints
        }
        Error::Listing(_) => Subject::Organization,
        Error::Selection(_) => Subject::Accounts,
        Error::Connect(_)
        | Error::Usage(_)
        | Error::NotConfirmed(_)
        | Error::Unwritable { .. }
        | Error::RunFolder(_)
        | Error::Mismatch(_)
        | Error::Unlisted(_)
        | Error::Signal { .. } => Subject::Identity,
    }
}

impl OutputDocument for Checks {
    fn write(&self, format: DocumentFormat, to: &mut dyn Write) -> io::Result<()> {
        match format {
            DocumentFormat::Table => self.checks.iter().try_for_each(|check| writeln!(to, "{check}")),
            DocumentFormat::Text => self.checks.iter().try_for_each(|check| writeln!(to, "{}", check.columns())),
            DocumentFormat::Json => write_json(self, to),
            DocumentFormat::Jsonl => write_json_lines(&self.checks, to),
            // `V2TOKEN_REPORT=-` concerns runs, and makes none here.
            DocumentFormat::Csv | DocumentFormat::Markdown | DocumentFormat::Html => Ok(()),
        }
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("all keys are strings")
    }
}
