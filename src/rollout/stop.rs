//! The stop switch: why the run stops, and how many visits are still in flight.
//!
//! A stop means that no further visit starts. Visits in flight finish, so that their results are known.

use std::cell::RefCell;

use tokio::sync::Notify;

use super::waiting::{InProgress, wait_until};
use crate::cloud::Failure;

/// Why a run stops before its last account. The variants are in order of ascending severity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// More accounts failed than `--max-errors` allows.
    TooManyErrors {
        /// How many accounts failed.
        failed: usize,
        /// How many accounts are unverified, if they count.
        unverified: usize,
        /// How many accounts are allowed to fail.
        allowed: usize,
        /// The wave in which too many accounts failed; `None` if too many failed in the whole selection.
        wave: Option<u32>,
    },
    /// The command of `--gate` did not exit with 0.
    Gate {
        /// The wave after which it ran.
        wave: u32,
        /// How it ended, as a phrase that follows "which".
        cause: String,
        /// What it printed last; may be empty.
        output: String,
    },
    /// AWS could not be reached for longer than the run waits.
    Unreachable(Failure),
    /// The process received SIGINT.
    Interrupted,
    /// The process received SIGHUP: its terminal was closed, or the connection to it was lost.
    HungUp,
    /// The process received SIGTERM.
    Terminated,
    /// The base credentials are no longer accepted.
    CallerCredentials(Failure),
    /// The journal can't be written, so no Set is allowed.
    Journal(String),
}

impl StopReason {
    /// Returns the severity. A more severe reason replaces a less severe reason.
    const fn severity(&self) -> u8 {
        match self {
            Self::TooManyErrors { .. } => 0,
            Self::Gate { .. } => 1,
            Self::Unreachable(_) => 2,
            Self::Interrupted => 3,
            Self::HungUp => 4,
            Self::Terminated => 5,
            Self::CallerCredentials(_) => 6,
            Self::Journal(_) => 7,
        }
    }
}

/// The switch that every visit checks before it starts.
#[derive(Debug, Default)]
pub struct Stop {
    reason: RefCell<Option<StopReason>>,
    notify: Notify,
    /// The visits in flight.
    pub(super) visits: InProgress,
}

impl Stop {
    /// Requests a stop. The most severe reason is kept.
    pub fn request(&self, reason: StopReason) {
        let mut kept = self.reason.borrow_mut();
        if kept.as_ref().is_none_or(|kept| kept.severity() < reason.severity()) {
            *kept = Some(reason);
        }
        drop(kept);
        self.notify.notify_waiters();
    }

    /// Whether a stop was requested.
    pub fn requested(&self) -> bool {
        self.reason.borrow().is_some()
    }

    /// Returns the reason, or `None` if no stop was requested.
    pub fn reason(&self) -> Option<StopReason> {
        self.reason.borrow().clone()
    }

    /// Returns how many visits are in flight.
    pub const fn in_flight(&self) -> usize {
        self.visits.count()
    }

    /// Resolves once a stop is requested.
    pub async fn wait(&self) {
        wait_until(&self.notify, || self.requested().then_some(())).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{Effect, FailureKind, Operation};

    #[test]
    fn the_most_severe_reason_is_kept() {
        let failure = Failure {
            operation: Operation::AssumeRole,
            kind: FailureKind::Credentials,
            effect: Effect::None,
            code: "ExpiredToken".into(),
            message: String::new(),
            status: Some(403),
            request_id: None,
        };
        let ascending = [
            StopReason::TooManyErrors { failed: 2, unverified: 0, allowed: 1, wave: None },
            StopReason::Gate { wave: 1, cause: "exited with 1".into(), output: String::new() },
            StopReason::Unreachable(failure.clone()),
            StopReason::Interrupted,
            StopReason::HungUp,
            StopReason::Terminated,
            StopReason::CallerCredentials(failure),
            StopReason::Journal("disk full".into()),
        ];
        for (low, lesser) in ascending.iter().enumerate() {
            for greater in &ascending[low..] {
                for order in [[lesser, greater], [greater, lesser]] {
                    let stop = Stop::default();
                    assert!(!stop.requested());
                    order.into_iter().cloned().for_each(|reason| stop.request(reason));
                    assert_eq!(stop.reason().as_ref(), Some(greater));
                }
            }
        }
    }
}
