//! This module owns the commands: it brings AWS, rollout, journal, report and terminal together.

mod compare;
mod doctor;
mod manuals;
mod policy;
mod report;
mod resume;
mod rollback;

use crate::awscli;
use crate::cli::{
    ApplyArgs, Command, GivenOptions, Invocation, OutputArgs, PlanArgs, ReportArgs, ResumeArgs, RollbackArgs, RunArgs,
    empty_inclusion, mistyped_variable, targets_differ,
};
use crate::error::Error;
use crate::journal::CommandName;
use crate::journal::RunFolder;
use crate::org::role::AccessMode;
use crate::rollout::Mode;
use crate::run::prepare;
use crate::settings::{Environment, Settings, StderrMode};
use crate::terminal::stderr::{self, Stderr};
use crate::terminal::{log, note};

/// The program after parsing: makes the runtime, runs the command, and gives the process's exit code.
///
/// # Panics
///
/// When the system refuses a process its timers or its poll.
pub fn program(typed: Invocation) -> u8 {
    // One thread is enough: the work is waiting, and a second one makes each visit dearer.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the system gives a process its timers and its poll");
    let exit_code = runtime.block_on(dispatch(typed));
    // A thread that still waits for the terminal or for a name's address must not hold up the end.
    runtime.shutdown_background();
    stderr::drain();
    exit_code
}

/// Runs the command and gives the process's exit code. Whatever stops it is told on stderr.
pub(crate) async fn dispatch(typed: Invocation) -> u8 {
    let environment = Environment::look();
    if let Command::Iam(args) = &typed.cli.command {
        // It reads its command line and talks like the AWS CLI.
        return awscli::run(&args.arguments).await;
    }
    let stderr_mode = output_of(&typed.cli.command)
        .map_or_else(|| StderrMode::plain(&environment), |output| StderrMode::resolve(output, &environment));
    if stderr_mode.json_log {
        stderr::tell_gaps_with(note::gap);
    }
    log::start(stderr_mode.debug, stderr_mode.json_log, stderr_mode.color, || Stderr);
    let failed = match typed.cli.command {
        Command::Plan(_) | Command::Apply(_) | Command::Rollback(_) => "nothing was attempted",
        Command::Resume(_) => "nothing was attempted by this resume",
        Command::Report(_) => "no report was made",
        Command::Doctor(_) => "nothing was checked",
        Command::Policy(_) => "no document was made",
        Command::Iam(_) => "nothing was called",
        Command::Completions(_) | Command::Man(_) => "nothing is complete",
    };
    match Box::pin(run(typed, &environment)).await {
        Ok(exit_code) => exit_code,
        // A plan had begun to read.
        Err(error @ Error::Unlisted(_)) => tell("no plan was made, and nothing was changed", &error, stderr_mode),
        Err(error) => tell(failed, &error, stderr_mode),
    }
}

async fn run(typed: Invocation, environment: &Environment) -> Result<u8, Error> {
    if let Some((name, meant)) = mistyped_variable().filter(|_| !matches!(typed.cli.command, Command::Iam(_))) {
        return Err(Error::Usage(format!("the environment variable {name} is none of v2token: did you mean {meant}?")));
    }
    let selects = matches!(
        typed.cli.command,
        Command::Plan(_) | Command::Apply(_) | Command::Rollback(_) | Command::Doctor(_) | Command::Policy(_)
    );
    if let Some(name) = empty_inclusion().filter(|_| selects) {
        return Err(Error::Usage(format!(
            "the environment variable {name} is set and empty: unset it to mean every account"
        )));
    }
    let is_open = selects && !typed.given.typed("global-endpoint-token-version");
    if let Some([one, other]) = targets_differ().filter(|_| is_open) {
        return Err(Error::Usage(format!(
            "the environment variables {one} and {other} name different versions: unset one of them"
        )));
    }
    let Invocation { cli, given } = typed;
    match cli.command {
        Command::Plan(PlanArgs { run, detailed_exitcode }) => {
            refuse_role_options(&run, &given)?;
            let mut settings = Settings::resolve(run, CommandName::Plan, Mode::Plan, environment)?;
            settings.run.detailed_exitcode = detailed_exitcode;
            Box::pin(prepare::start(settings)).await
        }
        Command::Apply(ApplyArgs { run, plan, dry_run, detailed_exitcode }) => {
            refuse_role_options(&run, &given)?;
            let (command, mode) =
                if dry_run { (CommandName::Plan, Mode::Plan) } else { (CommandName::Apply, Mode::Apply) };
            let mut settings = Settings::resolve(run, command, mode, environment)?;
            settings.run.detailed_exitcode = detailed_exitcode;
            // It may be named relative to where the program runs now; a resume may run elsewhere.
            settings.run.plan = plan.map(|folder| std::path::absolute(&folder).unwrap_or(folder));
            if let Some(folder) = &settings.run.plan {
                let (planned, _) = RunFolder::read_own(folder)?;
                settings.run = settings.run.with_way_of(&planned.settings, |long| given.gave(long));
                settings.check_external_ids()?;
            }
            Box::pin(prepare::start(settings)).await
        }
        Command::Resume(args) => Box::pin(resume::resume(args, &given, environment)).await,
        Command::Rollback(args) => Box::pin(rollback::rollback(args, &given, environment)).await,
        Command::Report(args) => report::report(args, environment),
        Command::Doctor(args) => {
            refuse_role_options(&args.run, &given)?;
            doctor::doctor(*args, &given, environment).await
        }
        Command::Policy(args) => Box::pin(policy::policy(*args, &given, environment)).await,
        Command::Iam(args) => Ok(awscli::run(&args.arguments).await),
        Command::Completions(args) => manuals::completions(&args),
        Command::Man(args) => manuals::man(&args),
    }
}

/// Options of AssumeRole that AssumeRoot does not have.
const ROLE_ONLY: [&str; 5] = ["role", "external-id", "session-name", "source-identity", "session-policy"];

/// Refuses options that would have no effect.
fn refuse_role_options(run: &RunArgs, given: &GivenOptions) -> Result<(), Error> {
    if run.access.access != AccessMode::AssumeRoot {
        return Ok(());
    }
    match ROLE_ONLY.into_iter().find(|option| given.typed(option)) {
        None => Ok(()),
        Some(option) => Err(Error::Usage(format!(
            "--{option} has no meaning with --access assume-root, which goes through no role"
        ))),
    }
}

/// What is to be told and where, unless the command has rules of its own.
fn output_of(command: &Command) -> Option<&OutputArgs> {
    match command {
        Command::Plan(PlanArgs { run, .. })
        | Command::Apply(ApplyArgs { run, .. })
        | Command::Resume(ResumeArgs { run, .. })
        | Command::Rollback(RollbackArgs { run, .. }) => Some(&run.output),
        Command::Report(ReportArgs { output, .. }) => Some(output),
        Command::Doctor(args) => Some(&args.run.output),
        Command::Policy(args) => Some(&args.run.output),
        Command::Iam(_) | Command::Completions(_) | Command::Man(_) => None,
    }
}

/// Says what did not happen, why, and what to do.
fn tell(failed: &str, error: &Error, stderr_mode: StderrMode) -> u8 {
    note::error(stderr_mode, &format!("{failed}: {error}"), &error.hint());
    error.exit_code()
}
