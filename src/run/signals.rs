//! SIGINT, SIGTERM and SIGHUP: the first signal asks the run to stop, and the second signal ends the process at once. A signal that
//! was ignored when the program started stays ignored.
//!
//! A separate thread waits for the signals, so that the second signal works even while the main thread is busy or blocked.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::error::Error;
use crate::ignored_signals;
use crate::rollout::{Stop, StopReason};
use crate::terminal::log_line::Level;
use crate::terminal::{LogLine, Progress, stderr};

/// The maximum time that the process waits for the terminal to accept the last message.
const LAST_MESSAGE: Duration = Duration::from_millis(300);

/// How far the run has come. It decides what the first signal does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Stage {
    /// Visits start, or are in flight: the first signal stops the run.
    Visits,
    /// All visits have ended, and the reports are being written. The first signal does not cut that short.
    Reports,
    /// Only stdout is left, and its reader may have stopped reading: the first signal ends the process.
    Stdout,
}

/// The listener for the signals.
#[derive(Debug)]
pub(crate) struct Signals {
    first: UnboundedReceiver<StopReason>,
    /// Whether a signal has arrived. The next one ends the process at once.
    has_arrived: bool,
    stage: Arc<AtomicU8>,
    /// What is printed when the process ends at once.
    last_message: Arc<Mutex<String>>,
}

impl Signals {
    /// Starts listening. If a signal ends the process at once, `progress` is first removed from the screen.
    pub(crate) fn listen(progress: &Progress) -> io::Result<Self> {
        let (sender, first) = unbounded_channel();
        let (stage, last_message) = (Arc::new(AtomicU8::new(Stage::Visits as u8)), Arc::new(Mutex::new(String::new())));
        let (ready, listening) = std::sync::mpsc::channel();
        std::thread::Builder::new().name("signals".to_owned()).spawn({
            let (stage, last_message, progress) = (Arc::clone(&stage), Arc::clone(&last_message), progress.clone());
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = match runtime {
                    Ok(runtime) => runtime,
                    Err(error) => return drop(ready.send(Err(error))),
                };
                runtime.block_on(async {
                    let all = ignored_signals::interrupt()
                        .and_then(|one| Ok((one, ignored_signals::terminate()?, ignored_signals::hang_up()?)));
                    let (mut interrupt, mut terminate, mut hang_up) = match all {
                        Ok(all) => all,
                        Err(error) => return drop(ready.send(Err(error))),
                    };
                    // Sending can't fail: the thread that started this thread waits for the message.
                    let _ = ready.send(Ok(()));
                    let mut asked = false;
                    loop {
                        let (reason, exit_code) = tokio::select! {
                            () = interrupt.recv() => (StopReason::Interrupted, 130),
                            () = terminate.recv() => (StopReason::Terminated, 143),
                            () = hang_up.recv() => (StopReason::HungUp, 129),
                        };
                        let stage = stage.load(Ordering::Relaxed);
                        // The journal is complete at every moment, so ending at once loses only the reports, which `resume` and
                        // `report` recreate from the journal.
                        if asked || stage == Stage::Stdout as u8 {
                            leave(&progress, &last_message.lock().unwrap_or_else(PoisonError::into_inner));
                            std::process::exit(exit_code);
                        }
                        asked = true;
                        if stage == Stage::Reports as u8 {
                            let text = "the visits have ended, and the reports are being written; a second signal leaves at once";
                            progress.log_always(&LogLine::new(Level::Info, "reporting", text, serde_json::json!({})));
                        }
                        let _ = sender.send(reason);
                    }
                });
            }
        })?;
        listening.recv().unwrap_or_else(|_| Err(io::Error::other("the thread that waits for signals has ended")))?;
        Ok(Self { first, has_arrived: false, stage, last_message })
    }

    async fn first(&mut self) -> StopReason {
        match self.first.recv().await {
            Some(reason) => {
                self.has_arrived = true;
                reason
            }
            // The thread has ended, so no signal arrives any more.
            None => std::future::pending().await,
        }
    }

    /// Whether a signal has arrived, even if it came too late to stop anything.
    pub(crate) const fn has_arrived(&self) -> bool {
        self.has_arrived
    }

    /// Awaits `work`, or returns an error if a signal arrives first.
    pub(crate) async fn or_stop<T>(&mut self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            result = work => result,
            reason = self.first() => Err(match reason {
                StopReason::Terminated => Error::Signal { name: "SIGTERM", exit_code: 143 },
                StopReason::HungUp => Error::Signal { name: "SIGHUP", exit_code: 129 },
                _ => Error::Signal { name: "SIGINT", exit_code: 130 },
            }),
        }
    }

    /// Asks the run to stop when a signal arrives.
    pub(crate) async fn watch(&mut self, stop: &Stop) -> Infallible {
        loop {
            let reason = self.first().await;
            stop.request(reason);
        }
    }

    /// Sets the hint that is printed when the process ends at once.
    pub(crate) fn set_last_message(&self, words: &str) {
        words.clone_into(&mut self.last_message.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Says that no visit is left to finish, and that the reports follow.
    pub(crate) fn all_visits_ended(&self) {
        self.stage.store(Stage::Reports as u8, Ordering::Relaxed);
    }

    /// Says that the reports are written. From now on, the first signal ends the process at once.
    pub(crate) fn reports_written(&self) {
        self.set_last_message("");
        self.stage.store(Stage::Stdout as u8, Ordering::Relaxed);
    }
}

/// Restores the terminal and prints the last message.
fn leave(progress: &Progress, last_message: &str) {
    progress.finish();
    let text =
        if last_message.is_empty() { "left at once".to_owned() } else { format!("left at once; {last_message}") };
    progress.log_always(&LogLine::new(Level::Warn, "left", &text, serde_json::json!({})));
    stderr::drain_for(LAST_MESSAGE);
}
