//! The gate: a command of the user that runs between waves, and decides whether the next wave starts.

mod foreground;
mod tail;

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use foreground::Foreground;
use tail::Tail;

use super::context::RunContext;
use crate::rollout::{Checkpoint, Event, Outcome, Stop, StopReason, Tally};
use crate::settings::GateCommand;
use crate::terminal::{Progress, stderr};

/// How long the processes of a gate have to end after SIGTERM, before SIGKILL ends them.
const GRACE: Duration = Duration::from_secs(2);

/// How long to wait until the terminal has what was written to it.
const SHOWN: Duration = Duration::from_millis(500);

/// How long to wait for the last output of a gate that has ended. A process that it left behind can keep the pipe open for ever.
const LAST_OUTPUT: Duration = Duration::from_millis(200);

/// The exit code with which a shell reports that SIGINT ended a command (POSIX, "Exit Status for Commands").
const INTERRUPTED: i32 = 130;

/// The shell that runs the command. It first waits until its process group has the foreground: a group that reads from the terminal
/// before is stopped, or gets an error. Ctrl-Z would stop the gate, and the shell of the user would not notice.
const SCRIPT: &str =
    "trap '' TSTP; read -r go; exec </dev/null; command=$GATE_COMMAND; unset GATE_COMMAND; eval \"$command\"";

/// The gate of a run.
pub(super) struct Gate {
    command: GateCommand,
    /// How long one call may take.
    timeout: Duration,
    /// The run folder.
    run_dir: PathBuf,
    progress: Progress,
}

impl Gate {
    /// Returns the gate of a run, or `None` if it has none.
    pub(super) fn of(context: &RunContext) -> Option<Self> {
        let RunContext { settings, folder, progress, .. } = context;
        let command = settings.gate.clone()?;
        let run_dir = std::path::absolute(folder.path()).unwrap_or_else(|_| folder.path().to_owned());
        Some(Self { command, timeout: settings.run.gate_timeout, run_dir, progress: progress.clone() })
    }

    /// Runs the command. Returns why the run stops if the command does not exit with 0. If the run stops meanwhile, ends the command.
    ///
    /// `tally` has the outcomes of the whole run so far.
    pub(super) async fn check(&self, checkpoint: Checkpoint, tally: &Tally, stop: &Stop) -> Result<(), StopReason> {
        let wave = checkpoint.finished;
        self.progress.show(&Event::GateStarted { wave, timeout: self.timeout });
        // Another thread writes to the terminal. What removes the progress bar must not remove what the command prints.
        stderr::drain_for(SHOWN);
        let started = Instant::now();
        let tail = Tail::default();
        let (mut child, foreground) = match self.start(checkpoint, tally, &tail) {
            Ok(started) => started,
            Err(error) => return Err(stopped(wave, format!("could not be started ({error})"), String::new())),
        };
        let ended = tokio::select! {
            biased;
            () = stop.wait() => None,
            status = child.wait() => Some(status.map_err(|error| format!("could not be waited for ({error})"))),
            () = tokio::time::sleep(self.timeout) => {
                Some(Err(format!("did not end within {}", humantime::format_duration(self.timeout))))
            }
        };
        if !matches!(ended, Some(Ok(_))) {
            end(&mut child).await;
        }
        let had_terminal = foreground.is_some();
        drop(foreground);
        tail.wait(LAST_OUTPUT).await;
        match ended {
            // The run stops for another reason.
            None => Ok(()),
            Some(Ok(status)) if status.success() => {
                self.progress.show(&Event::GatePassed { wave, took: started.elapsed() });
                Ok(())
            }
            // Ctrl-C reaches only the process group that has the terminal.
            Some(Ok(status)) if had_terminal && is_interrupted(status) => Err(StopReason::Interrupted),
            Some(Ok(status)) => Err(stopped(wave, how_ended(status), tail.text())),
            Some(Err(cause)) => Err(stopped(wave, cause, tail.text())),
        }
    }

    /// Starts the command in a process group of its own, so that all of its processes can be ended. On a terminal the group gets the
    /// foreground, so that the command can ask a person.
    fn start(
        &self,
        checkpoint: Checkpoint,
        tally: &Tally,
        tail: &Tail,
    ) -> std::io::Result<(Child, Option<Foreground>)> {
        let (reader, writer) = std::io::pipe()?;
        let (go, mut say_go) = std::io::pipe()?;
        let Checkpoint { finished, waves, .. } = checkpoint;
        let counts = [
            ("GATE_WAVE", finished as usize),
            ("GATE_WAVES", waves as usize),
            ("GATE_CHANGED", tally.of(Outcome::Changed)),
            ("GATE_FAILED", tally.of(Outcome::Failed)),
            ("GATE_UNVERIFIED", tally.of(Outcome::Unverified)),
        ];
        let child = Command::new("sh")
            .args(["-c", SCRIPT])
            // Everyone on the machine sees arguments. A program that the gate starts must not take the variable for an option.
            .env("GATE_COMMAND", self.command.reveal())
            .env_remove("V2TOKEN_GATE")
            .envs(counts.map(|(name, count)| (name, count.to_string())))
            .env("GATE_RUN_DIR", &self.run_dir)
            .stdin(go)
            .stdout(writer.try_clone()?)
            .stderr(writer)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        tail.read_from(reader);
        let foreground = child.id().and_then(Foreground::give_to);
        say_go.write_all(b"\n")?;
        Ok((child, foreground))
    }
}

fn stopped(wave: u32, cause: String, output: String) -> StopReason {
    StopReason::Gate { wave, cause, output }
}

fn how_ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => status.to_string(),
    }
}

fn is_interrupted(status: ExitStatus) -> bool {
    status.signal() == Some(Signal::INT.as_raw()) || status.code() == Some(INTERRUPTED)
}

/// Ends all processes of the command.
async fn end(child: &mut Child) {
    // A process that has been waited for has no id, and its group may be another one by now.
    let Some(group) = child.id().and_then(|id| Pid::from_raw(id.cast_signed())) else { return };
    // The group may have ended meanwhile.
    let _ = kill_process_group(group, Signal::TERM);
    let _ = tokio::time::timeout(GRACE, child.wait()).await;
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait().await;
}
