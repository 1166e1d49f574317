//! This module owns SIGINT and SIGTERM: the first asks the run to stop, the second ends the process at once.

use std::convert::Infallible;
use std::io::Write as _;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Error;
use crate::rollout::{Stop, StopReason};

/// The two signals, listened to from now on.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Starts listening.
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> StopReason {
        tokio::select! {
            _ = self.interrupt.recv() => StopReason::Interrupted,
            _ = self.terminate.recv() => StopReason::Terminated,
        }
    }

    /// Does the work, unless a signal comes first.
    pub(super) async fn or_stop<T>(&mut self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            result = work => result,
            reason = self.next() => Err(match reason {
                StopReason::Terminated => Error::Signal { name: "SIGTERM", exit_code: 143 },
                _ => Error::Signal { name: "SIGINT", exit_code: 130 },
            }),
        }
    }

    /// Passes the first signal on to the run and leaves at the second. The journal is true at every moment, so leaving at
    /// once loses nothing but the reports, which are made again from it.
    pub(super) async fn watch(&mut self, stop: &Stop) -> Infallible {
        let mut asked = false;
        loop {
            let reason = self.next().await;
            let exit_code = if reason == StopReason::Terminated { 143 } else { 130 };
            if asked {
                std::process::exit(exit_code);
            }
            asked = true;
            let _ = writeln!(
                std::io::stderr(),
                "\nstopping: no further visit starts, those in flight finish; a second signal leaves at once"
            );
            stop.request(reason);
        }
    }
}
