//! Primitives with which the visits of a run, all on one thread, wait for each other.

use std::cell::Cell;

use tokio::sync::Notify;

/// Calls `condition` at once and after each notification, until it returns a value.
pub(super) async fn wait_until<T>(notify: &Notify, mut condition: impl FnMut() -> Option<T>) -> T {
    loop {
        let notified = notify.notified();
        if let Some(value) = condition() {
            return value;
        }
        notified.await;
    }
}

/// Counts the operations in progress, and lets others wait until the count is zero.
#[derive(Debug, Default)]
pub(super) struct InProgress {
    count: Cell<usize>,
    none: Notify,
}

impl InProgress {
    /// Counts one more operation until the guard is dropped. If a visit is dropped, its guard is dropped too.
    pub(super) fn start(&self) -> InProgressGuard<'_> {
        self.count.set(self.count.get() + 1);
        InProgressGuard(self)
    }

    /// Returns how many operations are in progress.
    pub(super) const fn count(&self) -> usize {
        self.count.get()
    }

    /// Waits until no operation is in progress.
    pub(super) async fn none(&self) {
        wait_until(&self.none, || (self.count() == 0).then_some(())).await;
    }
}

/// Counts one operation in progress until it is dropped.
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
