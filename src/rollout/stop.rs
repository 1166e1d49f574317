//! This module owns stopping: who asked for it, how the visits learn of it, and how many of them are still to finish.
//!
//! Stop means stop starting. Visits in flight finish, so that nothing is left half known.

use std::cell::{Cell, RefCell};

use tokio::sync::Notify;

use crate::cloud::Failure;

/// Why a run stops before its last account, from the mildest to the gravest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// More accounts failed than `--max-errors` allows.
    TooManyErrors {
        /// How many failed, or are unverified.
        errors: usize,
        /// How many may.
        allowed: usize,
        /// The wave whose own accounts failed too often; `None` when the whole selection did.
        wave: Option<u32>,
    },
    /// AWS could not be reached at all, for longer than anybody wants to wait.
    Unreachable(Failure),
    /// SIGINT.
    Interrupted,
    /// SIGTERM.
    Terminated,
    /// The base credentials are no longer accepted.
    CallerCredentials(Failure),
    /// The journal can't be written, so nothing may be sent.
    Journal(String),
}

impl StopReason {
    /// A graver reason replaces a milder one.
    const fn severity(&self) -> u8 {
        match self {
            Self::TooManyErrors { .. } => 0,
            Self::Unreachable(_) => 1,
            Self::Interrupted => 2,
            Self::Terminated => 3,
            Self::CallerCredentials(_) => 4,
            Self::Journal(_) => 5,
        }
    }
}

/// The switch that every visit looks at before it starts.
#[derive(Debug, Default)]
pub struct Stop {
    reason: RefCell<Option<StopReason>>,
    notify: Notify,
    in_flight: Cell<usize>,
}

impl Stop {
    /// Asks for a stop. The gravest reason that was ever given is kept.
    pub fn request(&self, reason: StopReason) {
        let mut kept = self.reason.borrow_mut();
        if kept.as_ref().is_none_or(|kept| kept.severity() < reason.severity()) {
            *kept = Some(reason);
        }
        drop(kept);
        self.notify.notify_waiters();
    }

    /// Whether a stop was asked for.
    pub fn requested(&self) -> bool {
        self.reason.borrow().is_some()
    }

    /// Why, if it was.
    pub fn reason(&self) -> Option<StopReason> {
        self.reason.borrow().clone()
    }

    /// Counts a visit in for as long as what this gives is kept.
    pub(super) fn fly(&self) -> InFlight<'_> {
        self.in_flight.set(self.in_flight.get() + 1);
        InFlight(&self.in_flight)
    }

    /// How many visits are in flight, and so would still finish.
    pub const fn in_flight(&self) -> usize {
        self.in_flight.get()
    }

    /// Resolves once a stop is asked for.
    pub async fn wait(&self) {
        loop {
            let notified = self.notify.notified();
            if self.requested() {
                return;
            }
            notified.await;
        }
    }
}

/// A visit in flight.
pub(super) struct InFlight<'a>(&'a Cell<usize>);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{Effect, FailureKind, Operation};

    #[test]
    fn a_graver_reason_replaces_a_milder_one_and_never_the_other_way_round() {
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
            StopReason::TooManyErrors { errors: 2, allowed: 1, wave: None },
            StopReason::Unreachable(failure.clone()),
            StopReason::Interrupted,
            StopReason::Terminated,
            StopReason::CallerCredentials(failure),
            StopReason::Journal("disk full".into()),
        ];
        for (low, milder) in ascending.iter().enumerate() {
            for graver in &ascending[low..] {
                for order in [[milder, graver], [graver, milder]] {
                    let stop = Stop::default();
                    assert!(!stop.requested());
                    order.into_iter().cloned().for_each(|reason| stop.request(reason));
                    assert_eq!(stop.reason().as_ref(), Some(graver));
                }
            }
        }
    }
}
