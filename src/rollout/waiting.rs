//! Primitives with which the visits of a run, all on one thread, wait for each other.

use std::cell::Cell;

use tokio::sync::Notify;

/// Waits until `condition` returns a value. It is called again after each notification.
pub(super) async fn wait_until<T>(notify: &Notify, mut condition: impl FnMut() -> Option<T>) -> T {
    loop {
        let notified = notify.notified();
        if let Some(value) = condition() {
            return value;
        }
        notified.await;
    }
}

/// Counts what is in progress, and lets others wait until nothing is.
#[derive(Debug, Default)]
pub(super) struct InProgress {
    count: Cell<usize>,
    none: Notify,
}

impl InProgress {
    /// Counts one more until the guard is dropped. Dropping the visit that holds the guard drops the guard too.
    pub(super) fn start(&self) -> InProgressGuard<'_> {
        self.count.set(self.count.get() + 1);
        InProgressGuard(self)
    }

    /// Returns how many are in progress.
    pub(super) const fn count(&self) -> usize {
        self.count.get()
    }

    /// Waits until none is in progress.
    pub(super) async fn none(&self) {
        wait_until(&self.none, || (self.count() == 0).then_some(())).await;
    }
}

/// Counts one that is in progress.
#[derive(Debug)]
pub(super) struct InProgressGuard<'a>(&'a InProgress);

impl Drop for InProgressGuard<'_> {
    fn drop(&mut self) {
        self.0.count.set(self.0.count() - 1);
        if self.0.count() == 0 {
            self.0.none.notify_waiters();
        }
    }
}
