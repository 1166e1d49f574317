//! The commands, each in a file of its own, and the code that they share: dispatch, checks of the environment, and error
//! messages.

mod apply;
mod doctor;
mod evidence;
mod impact;
mod known_impact;
mod manuals;
mod plan;
mod policy;
mod report;
mod resume;
mod rollback;
mod run_folder;
mod runs;

use std::path::PathBuf;

use crate::awscli;
use crate::cli::{
    ApplyArgs, Command, HistoryArgs, Invocation, OutputArgs, PlanArgs, ReportArgs, ResumeArgs, RollbackArgs, RunArgs,
    RunsArgs, TypedOptions, conflicting_target_variables, empty_selector_variable, mistyped_variable,
};
use crate::error::Error;
use crate::org::role::AccessMode;
use crate::settings::Environment;
use crate::system_limits::{self, SystemLimit};
use crate::terminal::stderr_mode::StderrMode;
use crate::terminal::{log_line, stderr};

/// Runs the program after its command line is parsed, and returns the process's exit code.
pub fn program(invocation: Invocation) -> u8 {
    let runtime = match system_limits::runtime() {
        Ok(runtime) => runtime,
        Err(limit) => return refuse_to_start(&invocation, limit),
    };
    let exit_code = runtime.block_on(dispatch(invocation));
    // A thread that still waits for the terminal or for name resolution must not delay the exit.
    runtime.shutdown_background();
    stderr::drain();
    exit_code
}

/// Shows what the system does not give, and returns the exit code.
fn refuse_to_start(invocation: &Invocation, limit: SystemLimit) -> u8 {
    let exit_code = if let Command::Iam(_) = &invocation.cli.command {
        stderr::write(format!("\n{limit}\n"));
        awscli::FAILED
    } else {
        let traits = CommandTraits::of(&invocation.cli.command);
        let error = Error::from(limit);
        let stderr_mode = StderrMode::plain(&Environment::read());
        log_line::error(stderr_mode, &format!("{}: {error}", traits.not_done), &error.hint());
        error.exit_code()
    };
    stderr::drain();
    exit_code
}

/// Runs the command. An error is shown on stderr.
async fn dispatch(invocation: Invocation) -> u8 {
    let environment = Environment::read();
    if let Command::Iam(args) = &invocation.cli.command {
        // `iam` parses its own command line, and prints results and errors as the AWS CLI does.
        return awscli::run(&args.arguments).await;
    }
    let traits = CommandTraits::of(&invocation.cli.command);
    let stderr_mode = traits
        .output
        .map_or_else(|| StderrMode::plain(&environment), |output| StderrMode::resolve(output, &environment));
    if stderr_mode.json_log {
        stderr::set_gap_format(log_line::gap);
    }
    if stderr_mode.debug {
        stderr::start_debug_log(stderr_mode.json_log, stderr_mode.color);
    }
    let not_done = traits.not_done;
    let result = match check_environment(&traits, &invocation.typed) {
        Ok(()) => Box::pin(run(invocation, &environment)).await,
        Err(error) => Err(error),
    };
    result.unwrap_or_else(|error| {
        let not_done = match error {
            // The plan had already read accounts, so the message does not say that nothing was attempted.
            Error::Unlisted(_) => "no plan was made, and nothing was changed",
            _ => not_done,
        };
        log_line::error(stderr_mode, &format!("{not_done}: {error}"), &error.hint());
        error.exit_code()
    })
}

async fn run(invocation: Invocation, environment: &Environment) -> Result<u8, Error> {
    let Invocation { cli, typed } = invocation;
    match cli.command {
        Command::Plan(args) => Box::pin(plan::plan(args, &typed, environment)).await,
        Command::Apply(args) => Box::pin(apply::apply(args, &typed, environment)).await,
        Command::Resume(args) => Box::pin(resume::resume(args, &typed, environment)).await,
        Command::Rollback(args) => Box::pin(rollback::rollback(args, &typed, environment)).await,
        Command::Report(args) => report::report(args, environment),
        Command::Runs(args) => runs::runs(args, environment),
        Command::History(args) => runs::history(args, environment),
        Command::Doctor(args) => {
            refuse_role_options(&args.run, &typed)?;
            doctor::doctor(*args, &typed, environment).await
        }
        Command::Impact(args) => Box::pin(impact::impact(*args, &typed, environment)).await,
        Command::Policy(args) => Box::pin(policy::policy(*args, &typed, environment)).await,
        Command::Iam(args) => Ok(awscli::run(&args.arguments).await),
        Command::Completions(args) => manuals::completions(&args),
        Command::Man(args) => manuals::man(&args),
    }
}

/// What the program needs to know about a command before it runs the command.
struct CommandTraits<'a> {
    /// Whether the command selects accounts. If it does, the environment variables for the selection apply.
    selects: bool,
    /// The command's options for stdout and stderr.
    output: Option<&'a OutputArgs>,
    /// The beginning of an error message: what did not happen.
    not_done: &'static str,
}

impl<'a> CommandTraits<'a> {
    fn of(command: &'a Command) -> Self {
        let (selects, output, not_done) = match command {
            Command::Plan(PlanArgs { run, .. })
            | Command::Apply(ApplyArgs { run, .. })
            | Command::Rollback(RollbackArgs { run, .. }) => (true, Some(&run.output), "nothing was attempted"),
            Command::Resume(ResumeArgs { run, .. }) => {
                (false, Some(&run.output), "nothing was attempted by this resume")
            }
            Command::Report(ReportArgs { verify_evidence: Some(_), output, .. }) => {
                (false, Some(output), "the evidence was not confirmed")
            }
            Command::Report(ReportArgs { output, .. }) => (false, Some(output), "no report was made"),
            Command::Runs(RunsArgs { output, .. }) => (false, Some(output), "no runs were listed"),
            Command::History(HistoryArgs { runs, .. }) => (false, Some(&runs.output), "no history was made"),
            Command::Doctor(args) => (true, Some(&args.run.output), "nothing was checked"),
            Command::Impact(args) => (true, Some(&args.output), "no report was made"),
            Command::Policy(args) => (true, Some(&args.run.output), "no document was made"),
            Command::Iam(_) => (false, None, "nothing was called"),
            Command::Completions(_) | Command::Man(_) => (false, None, "nothing was generated"),
        };
        Self { selects, output, not_done }
    }
}

/// Refuses environment variables that would be ignored, that would include accounts by mistake, or that contradict each other.
fn check_environment(traits: &CommandTraits<'_>, typed: &TypedOptions) -> Result<(), Error> {
    if let Some((name, meant)) = mistyped_variable() {
        return Err(Error::Usage(format!("unknown environment variable {name}: did you mean {meant}?")));
    }
    if let Some(name) = empty_selector_variable().filter(|_| traits.selects) {
        return Err(Error::Usage(format!(
            "the environment variable {name} is set and empty: unset it to mean every account"
        )));
    }
    let is_open = traits.selects && !typed.contains("global-endpoint-token-version");
    if let Some([one, other]) = conflicting_target_variables().filter(|_| is_open) {
        return Err(Error::Usage(format!(
            "the environment variables {one} and {other} name different versions: unset one of them"
        )));
    }
    Ok(())
}

/// Options of AssumeRole that AssumeRoot does not have.
const ROLE_ONLY: [&str; 5] = ["role", "external-id", "session-name", "source-identity", "session-policy"];

/// Refuses options that have no effect with `--access assume-root`.
fn refuse_role_options(run: &RunArgs, typed: &TypedOptions) -> Result<(), Error> {
    if run.access.access != Some(AccessMode::AssumeRoot) {
        return Ok(());
    }
    match ROLE_ONLY.into_iter().find(|option| typed.contains(option)) {
        None => Ok(()),
        Some(option) => Err(Error::Usage(format!(
            "--{option} has no meaning with --access assume-root, which goes through no role"
        ))),
    }
}

/// Returns the absolute path of a folder, for `run.json`, because a resume can run in another working directory.
fn absolute(folder: PathBuf) -> PathBuf {
    std::path::absolute(&folder).unwrap_or(folder)
}
