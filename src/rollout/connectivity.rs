//! Detects the loss of connectivity to AWS, so that no account fails because of it.
//!
//! All accounts share the same endpoints, so connections and name resolution do not depend on the account. But a visit whose
//! calls get no answer would use up its attempts within seconds. So after the first call without an answer, STS is probed with
//! GetCallerIdentity, which concerns no account and gets an answer even without valid credentials. If STS answers, only that one
//! call failed. If STS does not answer, all visits wait until STS answers again. So an outage delays the run, but makes no
//! account fail.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use super::pauses::Pauses;
use super::waiting::{InProgress, wait_until};
use crate::cloud::Failure;
use crate::cloud::retry::MAX_OUTAGE;

/// How long to wait before STS is probed again.
const PROBE_INTERVAL: Duration = Duration::from_secs(2);

/// A change of connectivity, to report to the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConnectivityChange {
    /// STS no longer answers. Contains the failure of the probe.
    Lost(Failure),
    /// STS answers again, after an outage of this length.
    Restored(Duration),
}

/// The state of the connection to AWS, which all visits of a run share.
#[derive(Debug, Default)]
pub(crate) struct Connectivity {
    /// The probe of STS, of which at most one is in progress. Only one visit probes; the other visits wait for the result.
    pub(super) probing: InProgress,
    /// Whether AWS is known to be unreachable.
    lost: Cell<bool>,
    /// Whether AWS was unreachable during the last probe.
    last_was_outage: Cell<bool>,
    /// When a probe was last answered.
    last_answer: Cell<Option<Instant>>,
    changes: RefCell<VecDeque<ConnectivityChange>>,
    changed: Notify,
    /// The times in which the process did not run. They are no outage.
    pub(super) pauses: Pauses,
}

impl Connectivity {
    /// Resolves once AWS is known to be unreachable.
    pub(crate) async fn lost(&self) {
        wait_until(&self.changed, || self.lost.get().then_some(())).await;
    }

    /// Finds out why a call that was sent at `sent` got no answer. Calls `probe` until it gets an answer, or until [`MAX_OUTAGE`]
    /// is over. Only one visit probes at a time; the others wait for its result.
    ///
    /// Returns `true` if AWS was unreachable and answers again, and `false` if only that call failed. If AWS stays unreachable,
    /// returns the failure of the last probe as the error.
    pub(crate) async fn probe(
        &self,
        sent: Instant,
        probe: impl AsyncFn() -> Result<(), Failure>,
    ) -> Result<bool, Failure> {
        // The result of a probe by another visit is used if that probe is in progress, or was answered after this call was sent.
        // The call might have been in flight during an outage that other visits have already waited out.
        let answered_since = self.last_answer.get().is_some_and(|answer| answer > sent);
        if self.probing.count() > 0 || answered_since {
            self.probing.none().await;
            return Ok(self.last_was_outage.get());
        }
        let _probing = self.probing.start();
        let (began, pauses) = (Instant::now(), self.pauses.observe());
        for number in 1_u32.. {
            let failure = match probe().await {
                Err(failure) if failure.is_unanswered() => failure,
                Ok(()) | Err(_) => break,
            };
            // The first probe can fail by chance, like any call. It is repeated at once, unless it took as long as
            // `PROBE_INTERVAL` or longer.
            if number == 1 && began.elapsed() < PROBE_INTERVAL {
                continue;
            }
            if !self.lost.replace(true) {
                self.report(ConnectivityChange::Lost(failure.clone()));
            }
            if began.elapsed().saturating_sub(self.pauses.observe().time_since(&pauses)) >= MAX_OUTAGE {
                return Err(failure);
            }
            sleep(PROBE_INTERVAL).await;
        }
        self.last_answer.set(Some(Instant::now()));
        self.last_was_outage.set(self.lost.replace(false));
        if self.last_was_outage.get() {
            self.report(ConnectivityChange::Restored(began.elapsed()));
        }
        Ok(self.last_was_outage.get())
    }

    /// Resolves with the next change that has not been reported.
    pub(crate) async fn next_change(&self) -> ConnectivityChange {
        wait_until(&self.changed, || self.changes.borrow_mut().pop_front()).await
    }

    fn report(&self, change: ConnectivityChange) {
        self.changes.borrow_mut().push_back(change);
        self.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{Effect, FailureKind, Operation, OwnCode};

    fn no_answer() -> Failure {
        Failure {
            operation: Operation::GetCallerIdentity,
            kind: FailureKind::Transient,
            effect: Effect::None,
            code: OwnCode::ConnectionFailed.into(),
            message: String::new(),
            status: None,
            request_id: None,
        }
    }

    /// A call on a dead connection fails long after other visits have noticed the outage and waited it out.
    #[tokio::test(start_paused = true)]
    async fn a_call_that_outlasts_an_outage_is_part_of_it() {
        let (connectivity, began) = (Connectivity::default(), Instant::now());
        let back = began + Duration::from_secs(10);
        let probe = async || if Instant::now() < back { Err(no_answer()) } else { Ok(()) };
        assert_eq!(connectivity.probe(began, probe).await, Ok(true));
        sleep(Duration::from_secs(5)).await;
        assert_eq!(connectivity.probe(began + Duration::from_millis(100), probe).await, Ok(true));
        // A call that is sent after the outage gets a probe of its own.
        let sent = Instant::now();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(connectivity.probe(sent, probe).await, Ok(false));
        assert_eq!(connectivity.probe(sent, probe).await, Ok(false));
    }
}
