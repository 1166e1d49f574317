//! This module owns SIGINT and SIGTERM: the first asks the run to stop, the second ends the process at once.
//!
//! They are listened to on a thread of their own, so that the second signal works whatever the program is doing.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::error::Error;
use crate::rollout::{Stop, StopReason};
use crate::terminal::note::Level;
use crate::terminal::{Note, Progress, stderr};

/// How long a last word may take when the terminal does not take it.
const LAST_WORD: Duration = Duration::from_millis(300);

/// The two signals, listened to from now on.
#[derive(Debug)]
pub(crate) struct Signals {
    first: UnboundedReceiver<StopReason>,
    over: Arc<AtomicBool>,
    parting: Arc<Mutex<String>>,
}

impl Signals {
    /// Starts listening. The display is taken off the screen before the process leaves at once.
    pub(crate) fn listen(progress: &Progress) -> io::Result<Self> {
        let (sender, first) = unbounded_channel();
        let (over, parting) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(String::new())));
        let (ready, listening) = std::sync::mpsc::channel();
        std::thread::Builder::new().name("signals".to_owned()).spawn({
            let (over, parting, progress) = (Arc::clone(&over), Arc::clone(&parting), progress.clone());
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = match runtime {
                    Ok(runtime) => runtime,
                    Err(error) => return drop(ready.send(Err(error))),
                };
                runtime.block_on(async {
                    let (mut interrupt, mut terminate) = match signal(SignalKind::interrupt())
                        .and_then(|one| Ok((one, signal(SignalKind::terminate())?)))
                    {
                        Ok(both) => both,
                        Err(error) => return drop(ready.send(Err(error))),
                    };
                    // Whoever started the thread waits for this.
                    let _ = ready.send(Ok(()));
                    let mut asked = false;
                    loop {
                        let (reason, exit_code) = tokio::select! {
                            _ = interrupt.recv() => (StopReason::Interrupted, 130),
                            _ = terminate.recv() => (StopReason::Terminated, 143),
                        };
                        // The journal is true at every moment, so leaving at once loses nothing but the reports, which are made
                        // again from it.
                        if asked || over.load(Ordering::Relaxed) {
                            leave(&progress, &parting.lock().unwrap_or_else(PoisonError::into_inner));
                            std::process::exit(exit_code);
                        }
                        asked = true;
                        let _ = sender.send(reason);
                    }
                });
            }
        })?;
        listening.recv().unwrap_or_else(|_| Err(io::Error::other("the thread of the signals is gone")))?;
        Ok(Self { first, over, parting })
    }

    async fn first(&mut self) -> StopReason {
        match self.first.recv().await {
            Some(reason) => reason,
            // The thread is gone, and with it every signal.
            None => std::future::pending().await,
        }
    }

    /// Does the work, unless a signal comes first.
    pub(crate) async fn or_stop<T>(&mut self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            result = work => result,
            reason = self.first() => Err(match reason {
                StopReason::Terminated => Error::Signal { name: "SIGTERM", exit_code: 143 },
                _ => Error::Signal { name: "SIGINT", exit_code: 130 },
            }),
        }
    }

    /// Passes the first signal on to the run.
    pub(crate) async fn watch(&mut self, stop: &Stop) -> Infallible {
        loop {
            let reason = self.first().await;
            stop.request(reason);
        }
    }

    /// What is said when the process leaves at once.
    pub(crate) fn on_leaving(&self, words: &str) {
        words.clone_into(&mut self.parting.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Once the last visit is over there is nothing to finish: from now on the first signal leaves at once.
    pub(crate) fn all_visits_ended(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Leaves the terminal as it should be found, and says what is left to do.
fn leave(progress: &Progress, parting: &str) {
    progress.finish();
    let text = if parting.is_empty() { "left at once".to_owned() } else { format!("left at once; {parting}") };
    progress.answer(&Note::new(Level::Warn, "left", &text, serde_json::json!({})));
    stderr::drain_for(LAST_WORD);
}
