//! This module owns the commands: it brings AWS, rollout, journal, report and terminal together.

mod ledger;
mod run;
mod signals;

use crate::cli::{ApplyArgs, Cli, Command, PlanArgs};
use crate::error::Error;
use crate::rollout::Mode;
use crate::settings::{Settings, Surroundings};
use crate::terminal::{log, style};

/// The program after parsing: makes the runtime, runs the command, and gives the process's exit code.
///
/// # Panics
///
/// When the system refuses a process its timers or its poll.
#[must_use]
pub fn program(cli: Cli) -> u8 {
    // One thread is enough: the work is waiting, and a second one makes each visit dearer.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("the system gives a process its timers and its poll");
    let exit_code = runtime.block_on(dispatch(cli));
    // A thread that still waits for the terminal or for a name's address must not hold up the end.
    runtime.shutdown_background();
    exit_code
}

/// Runs the command and gives the process's exit code. Whatever stops it is told on stderr.
pub async fn dispatch(cli: Cli) -> u8 {
    let surroundings = Surroundings::look();
    let resolved = match cli.command {
        Command::Plan(PlanArgs { run, detailed_exitcode }) => {
            Settings::resolve(run, Mode::Plan, detailed_exitcode, &surroundings)
        }
        Command::Apply(ApplyArgs { run, dry_run }) => {
            let mode = if dry_run { Mode::Plan } else { Mode::Apply };
            Settings::resolve(run, mode, false, &surroundings)
        }
    };
    let settings = match resolved {
        Ok(settings) => settings,
        Err(error) => return tell(&error, surroundings.stderr_is_terminal && !surroundings.no_color),
    };
    let talk = settings.talk;
    log::start(talk.debug, talk.json_log, talk.color, std::io::stderr);
    match Box::pin(run::run(settings)).await {
        Ok(exit_code) => exit_code,
        Err(error) => tell(&error, talk.color),
    }
}

/// Says what did not happen, why, and what to do.
fn tell(error: &Error, color: bool) -> u8 {
    use std::io::Write as _;
    let message = format!("nothing was attempted: {error}");
    let text = style::fatal(&crate::harmless::for_terminal(&message), &error.hint(), color);
    // With stderr gone there is nobody left to tell; the exit code still says it.
    let _ = std::io::stderr().write_all(text.as_bytes());
    error.exit_code()
}
