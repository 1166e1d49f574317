//! This module owns the outage: AWS can't be reached at all, so it is the way there that is broken, and not the accounts.
//!
//! All accounts share the endpoints. Whether a connection can be made, or a name be found, is the same question for one account as for
//! all, and yet a visit that gets no answer uses up its tries within seconds. So as soon as one call is not answered by anybody,
//! GetCallerIdentity, which concerns no account and needs no credentials to be answered, is asked of STS. If that is answered, the
//! silence belonged to that one call. If it is not, the visits wait until it is: an outage costs time, and no accounts.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::cloud::Failure;
use crate::cloud::retry::PATIENCE;

/// How long to wait before STS is asked again.
const BETWEEN: Duration = Duration::from_secs(2);

/// How the network turned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConnectivityChange {
    /// Nobody answers any more, as this call found out.
    Lost(Failure),
    /// STS answers again, after so long.
    Found(Duration),
}

/// What is known about the way to AWS. All visits of a run share it.
#[derive(Debug, Default)]
pub(crate) struct Connectivity {
    /// A visit is asking. The others wait for what it finds out.
    asking: Cell<bool>,
    /// AWS is known to be out of reach.
    lost: Cell<bool>,
    /// Whether it was, before the last question was answered.
    was_lost: Cell<bool>,
    /// When it was last answered.
    answered: Cell<Option<Instant>>,
    over: Notify,
    turns: RefCell<VecDeque<ConnectivityChange>>,
    turned: Notify,
}

/// What became of a doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// AWS can be reached, so the silence was that one call's.
    Unfounded,
    /// It could not be reached for a while, and can be now.
    Over,
    /// It has not been reached for as long as anybody wants to wait.
    Endless(Failure),
}

impl Connectivity {
    /// Waits for as long as AWS is known, or feared, to be out of reach.
    pub(crate) async fn over(&self) {
        loop {
            let over = self.over.notified();
            if !self.asking.get() {
                return;
            }
            over.await;
        }
    }

    /// Resolves once AWS is known to be out of reach.
    pub(crate) async fn on(&self) {
        loop {
            let turned = self.turned.notified();
            if self.lost.get() {
                return;
            }
            turned.await;
        }
    }

    /// Finds out what is behind a call that was sent at `sent` and that nobody answered, by `ask`ing something that concerns no account.
    /// Where nobody answers that either, it goes on asking until somebody does. Only one visit asks at a time, and the others wait.
    pub(crate) async fn doubt(&self, sent: Instant, ask: impl AsyncFn() -> Result<(), Failure>) -> Doubt {
        if self.asking.get() {
            self.over().await;
            return if self.was_lost.get() { Doubt::Over } else { Doubt::Unfounded };
        }
        if self.answered.get().is_some_and(|answered| answered > sent) {
            // The call may have been on its way when an outage began that others have sat out meanwhile.
            return if self.was_lost.get() { Doubt::Over } else { Doubt::Unfounded };
        }
        let _asking = Asking::new(self);
        let began = Instant::now();
        for asked in 1_u32.. {
            let silence = match ask().await {
                Err(failure) if failure.is_silence() => failure,
                Ok(()) | Err(_) => break,
            };
            // One question can get lost like any other call. One that waited for its answer in vain has asked for long enough.
            if asked == 1 && began.elapsed() < BETWEEN {
                continue;
            }
            if !self.lost.replace(true) {
                self.turn(ConnectivityChange::Lost(silence.clone()));
            }
            if began.elapsed() >= PATIENCE {
                return Doubt::Endless(silence);
            }
            sleep(BETWEEN).await;
        }
        self.answered.set(Some(Instant::now()));
        self.was_lost.set(self.lost.replace(false));
        if self.was_lost.get() {
            self.turn(ConnectivityChange::Found(began.elapsed()));
            Doubt::Over
        } else {
            Doubt::Unfounded
        }
    }

    /// Resolves with the next turn, for whoever tells people of it.
    pub(crate) async fn next_turn(&self) -> ConnectivityChange {
        loop {
            let turned = self.turned.notified();
            if let Some(turn) = self.turns.borrow_mut().pop_front() {
                return turn;
            }
            turned.await;
        }
    }

    fn turn(&self, turn: ConnectivityChange) {
        self.turns.borrow_mut().push_back(turn);
        self.turned.notify_waiters();
    }
}

/// Holds the others up for as long as one is asking, even if its visit is dropped meanwhile.
struct Asking<'a>(&'a Connectivity);

impl<'a> Asking<'a> {
    fn new(connectivity: &'a Connectivity) -> Self {
        connectivity.asking.set(true);
        Self(connectivity)
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.0.asking.set(false);
        self.0.over.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::{Effect, FailureKind, Operation, failure::code};

    fn silence() -> Failure {
        Failure {
            operation: Operation::GetCallerIdentity,
            kind: FailureKind::Transient,
            effect: Effect::None,
            code: code::CONNECTION.to_owned(),
            message: String::new(),
            status: None,
            request_id: None,
        }
    }

    /// A call on a connection that is dead fails long after others have noticed the outage and sat it out.
    #[tokio::test(start_paused = true)]
    async fn a_call_that_outlasts_an_outage_fell_into_it() {
        let (connectivity, began) = (Connectivity::default(), Instant::now());
        let back = began + Duration::from_secs(10);
        let ask = async || if Instant::now() < back { Err(silence()) } else { Ok(()) };
        assert_eq!(connectivity.doubt(began, ask).await, Doubt::Over);
        sleep(Duration::from_secs(5)).await;
        assert_eq!(connectivity.doubt(began + Duration::from_millis(100), ask).await, Doubt::Over);
        // What is sent now is asked about anew.
        let sent = Instant::now();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(connectivity.doubt(sent, ask).await, Doubt::Unfounded);
        assert_eq!(connectivity.doubt(sent, ask).await, Doubt::Unfounded);
    }
}
