//! Writes the journal on a thread of its own, with group commit: one fsync makes all queued lines durable.
//!
//! A visit must not send a Set before the intent is on disk, and an fsync takes milliseconds. During an fsync, further lines
//! queue up, and the next fsync makes all of them durable. So the latency of the disk adds to the duration of a visit, but does
//! not limit the number of visits per second. A line for which no task waits stays in the queue until a task waits for a later
//! line, but at most for [`MAX_DELAY`]. When many intents arrive together, each fsync waits a moment for more intents, so that
//! there are fewer fsyncs. On a fast disk, more fsyncs would only cost CPU time.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::SystemTime;

use tokio::sync::oneshot;

use super::entry::Entry;
use super::run_folder::RunFolder;
use crate::directory::Directory;
use crate::org::{AccountId, ObservedVersion, TokenVersion};
use crate::rollout::{Intents, NotDurable};

/// How long a line for which no task waits can stay in memory. If the process is killed in this time, the record of a visit is
/// lost, but the intent of its Set is on disk.
const MAX_DELAY: Duration = Duration::from_millis(100);

/// How long an fsync waits for further intents if the previous fsync made at least `MIN_GROUP` intents durable. When the rate
/// limiter spreads the visits, intents arrive one by one and do not wait.
const GROUP_DELAY: Duration = Duration::from_millis(2);
const MIN_GROUP: usize = 4;

/// A queue of this size or more is written without delay.
const MAX_QUEUE_BYTES: usize = 256 * 1024;

/// How much memory an empty queue keeps for further lines. A queue that grew again for each group would leave free memory of many
/// sizes, which the allocator keeps.
const KEPT_BYTES: usize = 128 * 1024;

/// How many bytes can wait for the disk while the lists are written, so that the queue does not grow. If all lines of 50,000 accounts
/// waited at once, they would determine the run's peak memory.
const MANY_BYTES: usize = KEPT_BYTES - 8 * 1024;

/// Lines that wait for the disk.
#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    /// The tasks that wait until these lines are durable.
    waiters: Vec<oneshot::Sender<Result<(), NotDurable>>>,
    /// Whether the queue no longer accepts lines.
    closed: bool,
}

impl Queue {
    /// Whether the queue must be written without delay.
    fn is_urgent(&self) -> bool {
        !self.waiters.is_empty() || self.bytes.len() >= MAX_QUEUE_BYTES || self.closed
    }
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Wakes the writer when the first line arrives or the queue becomes urgent.
    wake: Condvar,
    /// The first error. After an error, nothing more is written.
    error: OnceLock<NotDurable>,
    /// How something else changed the journal, if that is the first error.
    changed: OnceLock<String>,
}

/// The journal of a run, open for writing.
#[derive(Debug)]
pub(crate) struct Journal {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What went wrong with a journal.
#[derive(Debug)]
pub(crate) struct JournalProblems {
    /// Why lines are missing.
    pub failure: Option<String>,
    /// How something else changed the journal, so that it no longer has everything that the run did.
    pub changed: Option<String>,
}

impl Journal {
    /// Starts the writer thread for the journal of the folder.
    pub(crate) fn start(folder: &RunFolder) -> io::Result<Self> {
        let file = folder.journal.try_clone()?;
        let length = folder.length;
        let shared = Arc::new(Shared::default());
        let writer = Writer { file, length, directory: folder.directory.clone(), shared: Arc::clone(&shared) };
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Queues a line. If the line can't be written, [`failure`](Self::failure) returns the error.
    pub(crate) fn append(&self, entry: &Entry<'_>) {
        self.shared.put(entry, None);
    }

    /// Queues a line, and waits until it and all lines before it are durable.
    pub(crate) async fn append_durably(&self, entry: &Entry<'_>) -> Result<(), NotDurable> {
        let (durable, written) = oneshot::channel();
        self.shared.put(entry, Some(durable));
        written.await.unwrap_or_else(|_| Err(NotDurable("the journal's writer is gone".to_owned())))
    }

    /// Queues a line of a long list. If many lines wait already, waits until all are durable.
    pub(crate) async fn append_of_list(&self, entry: &Entry<'_>) -> Result<(), NotDurable> {
        let waiting = self.shared.queue().bytes.len();
        if waiting >= MANY_BYTES {
            return self.append_durably(entry).await;
        }
        self.append(entry);
        Ok(())
    }

    /// Returns why the journal can no longer be written, or `None` if no error occurred.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.shared.error.get().map(|NotDurable(cause)| cause.as_str())
    }

    /// Returns how something else changed the journal, or `None` if this was not noticed.
    pub(crate) fn changed(&self) -> Option<&str> {
        self.shared.changed.get().map(String::as_str)
    }

    /// Waits until all lines are durable, and ends the writer thread. Returns what went wrong.
    pub(crate) fn finish(mut self) -> JournalProblems {
        self.join();
        JournalProblems { failure: self.failure().map(str::to_owned), changed: self.changed().map(str::to_owned) }
    }

    fn join(&mut self) {
        self.shared.queue().closed = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            let _ = self.shared.error.set(NotDurable("the journal's writer panicked".to_owned()));
        }
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.join();
    }
}

impl Intents for Journal {
    async fn intend(
        &self,
        account_id: AccountId,
        previous_version: ObservedVersion,
        target_version: TokenVersion,
    ) -> Result<(), NotDurable> {
        self.append_durably(&Entry::Intent {
            account_id,
            previous_version,
            target_version,
            at: Some(SystemTime::now()),
        })
        .await
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // No code panics while it holds the lock, so the lock is never poisoned.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, entry: &Entry<'_>, durable: Option<oneshot::Sender<Result<(), NotDurable>>>) {
        let mut queue = self.queue();
        if queue.closed {
            // The writer has ended. Dropping `durable` notifies the waiter.
            return;
        }
        let (was_empty, was_urgent) = (queue.bytes.is_empty(), queue.is_urgent());
        entry.write_line(&mut queue.bytes);
        queue.waiters.extend(durable);
        // A writer that has been woken takes all lines; waking it again would cost time.
        let wake = was_empty || was_urgent != queue.is_urgent();
        drop(queue);
        if wake {
            self.wake.notify_one();
        }
    }

    /// Returns the first error, or `Ok` if no error occurred.
    fn result(&self) -> Result<(), NotDurable> {
        self.error.get().cloned().map_or(Ok(()), Err)
    }
}

/// The writer thread.
struct Writer {
    file: File,
    /// How long the journal is, if only this program has written to it.
    length: u64,
    directory: Directory,
    shared: Arc<Shared>,
}

impl Writer {
    /// Writes and syncs all queued lines, and notifies their waiters, until the queue is closed and empty.
    fn run(mut self) {
        let mut group = Queue::default();
        let mut expect_more = false;
        while self.next_group(&mut group, expect_more) {
            expect_more = group.waiters.len() >= MIN_GROUP;
            if self.shared.error.get().is_none()
                && let Err(error) = self.write(&group.bytes)
            {
                let _ = self.shared.error.set(NotDurable(error.to_string()));
            }
            let result = self.shared.result();
            for durable in group.waiters.drain(..) {
                // Sending fails if the visit that waits for this result was dropped. This does no harm.
                let _ = durable.send(result.clone());
            }
            group.bytes.clear();
            group.bytes.shrink_to(KEPT_BYTES);
        }
    }

    /// Writes lines and makes them durable.
    ///
    /// The journal must still be the one that resume and rollback will find at its path, and only this program may have written to
    /// it. Writing to a journal that was deleted, moved or cut short succeeds, but the lines would be lost for the person who has to undo
    /// the run. So this is checked before each Set, after its intent is written.
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.check()?;
        if let Err(error) = self.file.write_all(lines).and_then(|()| self.file.sync_data()) {
            // Nothing is done that these lines announce, so they must not be read as done. What can't be taken back is a doubt.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += lines.len() as u64;
        self.check()
    }

    fn check(&self) -> io::Result<()> {
        let journal = self.file.metadata()?;
        if journal.nlink() == 0 && self.directory.size(RunFolder::JOURNAL).is_none() {
            return Err(io::Error::other("it was deleted"));
        }
        let (length, expected) = (journal.len(), self.length);
        let change = if !self.directory.has(RunFolder::JOURNAL, &journal) {
            Some("it was moved out of its folder, or another file has taken its place".to_owned())
        } else if length != expected {
            Some(format!("something else changed it: it has {length} bytes, and this run has written {expected}"))
        } else {
            None
        };
        if let Some(change) = change {
            let _ = self.shared.changed.set(change.clone());
            return Err(io::Error::other(change));
        }
        let path = self.directory.path();
        match self.directory.current_path() {
            Some(now) if now == path => Ok(()),
            Some(now) => Err(io::Error::other(format!(
                "its folder was moved to {}, and {} leads elsewhere",
                now.display(),
                path.display()
            ))),
            None => Err(io::Error::other(format!("{} no longer leads to its folder", path.display()))),
        }
    }

    /// Waits for lines, and moves them to the empty `group`. With `expect_more`, waits a moment longer. Returns `false` if the
    /// queue is closed and empty.
    fn next_group(&self, group: &mut Queue, expect_more: bool) -> bool {
        let wake = &self.shared.wake;
        let idle = |queue: &mut Queue| queue.bytes.is_empty() && !queue.closed;
        let not_urgent = |queue: &mut Queue| !queue.is_urgent();
        let queue = wake.wait_while(self.shared.queue(), idle).unwrap_or_else(PoisonError::into_inner);
        let waited = wake.wait_timeout_while(queue, MAX_DELAY, not_urgent);
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if expect_more {
            let filling = |queue: &mut Queue| queue.bytes.len() < MAX_QUEUE_BYTES && !queue.closed;
            let waited = wake.wait_timeout_while(queue, GROUP_DELAY, filling);
            (queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut queue.bytes, &mut group.bytes);
        std::mem::swap(&mut queue.waiters, &mut group.waiters);
        !group.bytes.is_empty()
    }
}

impl Drop for Writer {
    /// Releases all waiters, even if the thread panics.
    fn drop(&mut self) {
        let mut queue = self.shared.queue();
        queue.closed = true;
        queue.waiters.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Between the reading of a journal and the first line of a resume, the program may ask, and something else may write.
    #[tokio::test]
    async fn a_journal_that_changed_after_it_was_read_is_not_continued() {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::create(&parent.path().join("run")).unwrap();
        let path = folder.file(RunFolder::JOURNAL);
        std::fs::write(&path, "{}\n").unwrap();
        let journal = Journal::start(&folder).unwrap();
        let account = "000000000001".parse().unwrap();
        let NotDurable(cause) =
            journal.intend(account, ObservedVersion::V1Token, TokenVersion::V2Token).await.unwrap_err();
        assert!(cause.contains("something else changed it"), "{cause}");
        assert!(journal.finish().changed.is_some());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "{}\n");
    }
}
