//! This module owns writing the journal: on a thread of its own, with one fsync for all lines that wait for one.
//!
//! A visit must not send a Set before its intent is on disk, and an fsync takes milliseconds. While one is under way,
//! further lines gather; the next fsync makes all of them durable at once. So the disk's latency is added to a visit, but
//! the number of visits per second does not depend on it. A line that nobody waits for goes along with the next one that
//! somebody does wait for, or on its own after [`LINGER`]. Where intents come in crowds, each fsync waits a moment for more of
//! them, because on a fast disk it is the fsyncs that cost CPU.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::entry::Entry;
use super::folder::RunFolder;
use crate::org::{AccountId, ObservedVersion, TokenVersion};
use crate::rollout::{Intents, NotDurable};

/// How long a line that nobody waits for may stay in memory. What is lost with it if the process is killed meanwhile is the record
/// of a visit whose intent, if there was a Set, is on disk.
const LINGER: Duration = Duration::from_millis(100);

/// How long an fsync waits for further intents, where so many or more came with the last one. Visits whose starts the pace spreads
/// come one by one, and wait for nobody.
const MOMENT: Duration = Duration::from_millis(2);
const CROWD: usize = 4;

/// So many bytes are written without lingering.
const ENOUGH: usize = 256 * 1024;

/// What waits for the disk.
#[derive(Debug, Default)]
struct Queue {
    bytes: Vec<u8>,
    /// Those who wait until all of it is durable.
    waiting: Vec<oneshot::Sender<Result<(), String>>>,
    /// No line comes any more, or none is taken any more.
    closed: bool,
}

impl Queue {
    /// Whether it is to be written at once.
    fn is_urgent(&self) -> bool {
        !self.waiting.is_empty() || self.bytes.len() >= ENOUGH || self.closed
    }
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// Somebody waits, there is enough, the first line came in, or the queue was closed.
    called: Condvar,
    /// The first error. A journal that failed once is never written again.
    failed: OnceLock<String>,
}

/// The journal of a run, open for writing.
#[derive(Debug)]
pub(crate) struct Journal {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Journal {
    /// Starts the writer on the folder's journal.
    ///
    /// # Errors
    ///
    /// When the file's handle can't be duplicated, or no thread can be started.
    pub(crate) fn start(folder: &RunFolder) -> io::Result<Self> {
        let file = folder.journal()?;
        let shared = Arc::new(Shared::default());
        let writer = Writer { file, shared: Arc::clone(&shared) };
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn(move || writer.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Hands a line over. It is on disk soon; whether that failed shows in [`failure`](Self::failure).
    pub(crate) fn append(&self, entry: &Entry<'_>) {
        self.shared.put(entry, None);
    }

    /// Hands a line over and waits until it is durable, with all lines before it.
    ///
    /// # Errors
    ///
    /// When this line or an earlier one could not be written.
    pub(crate) async fn append_durably(&self, entry: &Entry<'_>) -> Result<(), NotDurable> {
        let (durable, written) = oneshot::channel();
        self.shared.put(entry, Some(durable));
        match written.await {
            Ok(result) => result.map_err(NotDurable),
            Err(_) => Err(NotDurable("the journal's writer is gone".to_owned())),
        }
    }

    /// Why the journal can't be written any more, if it can't.
    pub(crate) fn failure(&self) -> Option<&str> {
        self.shared.failed.get().map(String::as_str)
    }

    /// Waits until every line is durable.
    ///
    /// # Errors
    ///
    /// When any line could not be written.
    pub(crate) fn finish(mut self) -> Result<(), NotDurable> {
        self.join();
        self.failure().map_or(Ok(()), |cause| Err(NotDurable(cause.to_owned())))
    }

    fn join(&mut self) {
        self.shared.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            let _ = self.shared.failed.set("the journal's writer panicked".to_owned());
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
        self.append_durably(&Entry::Intent { account_id, previous_version, target_version }).await
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics with the lock: an entry has only string keys and finite numbers, so that it always becomes a line.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, entry: &Entry<'_>, durable: Option<oneshot::Sender<Result<(), String>>>) {
        let mut queue = self.queue();
        if queue.closed {
            // The writer is gone; who waits notices as `durable` is dropped.
            return;
        }
        let (was_empty, was_urgent) = (queue.bytes.is_empty(), queue.is_urgent());
        entry.write_line(&mut queue.bytes);
        queue.waiting.extend(durable);
        // Once it has been called, the writer comes; to call again would only cost.
        let call = was_empty || was_urgent != queue.is_urgent();
        drop(queue);
        if call {
            self.called.notify_one();
        }
    }

    fn close(&self) {
        self.queue().closed = true;
        self.called.notify_one();
    }
}

/// The thread's side.
struct Writer {
    file: File,
    shared: Arc<Shared>,
}

impl Writer {
    /// Takes all lines that are there, writes them, syncs, and tells those who wait. Until the queue is closed and empty.
    fn run(mut self) {
        let mut group = Queue::default();
        let mut crowded = false;
        while self.next(&mut group, crowded) {
            crowded = group.waiting.len() >= CROWD;
            let failed = &self.shared.failed;
            if failed.get().is_none()
                && let Err(error) = write(&mut self.file, &group.bytes)
            {
                let _ = failed.set(error.to_string());
            }
            let result = failed.get().map_or(Ok(()), |cause| Err(cause.clone()));
            for durable in group.waiting.drain(..) {
                // A visit that was dropped does not wait any more.
                let _ = durable.send(result.clone());
            }
            group.bytes.clear();
        }
    }

    /// Waits for lines, and a moment longer in a crowd, and exchanges the queue for `group`, which is empty. Says whether there are
    /// any; if not, none will come.
    fn next(&self, group: &mut Queue, crowded: bool) -> bool {
        let called = &self.shared.called;
        let idle = |queue: &mut Queue| queue.bytes.is_empty() && !queue.closed;
        let lingering = |queue: &mut Queue| !queue.is_urgent();
        let queue = called.wait_while(self.shared.queue(), idle).unwrap_or_else(PoisonError::into_inner);
        let waited = called.wait_timeout_while(queue, LINGER, lingering);
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        if crowded {
            let filling = |queue: &mut Queue| queue.bytes.len() < ENOUGH && !queue.closed;
            let waited = called.wait_timeout_while(queue, MOMENT, filling);
            (queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut queue.bytes, &mut group.bytes);
        std::mem::swap(&mut queue.waiting, &mut group.waiting);
        !group.bytes.is_empty()
    }
}

impl Drop for Writer {
    /// However the thread ends, nobody waits for it in vain.
    fn drop(&mut self) {
        let mut queue = self.shared.queue();
        queue.closed = true;
        queue.waiting.clear();
    }
}

/// Writes whole lines and makes them durable. A journal that was deleted takes them without complaint, and they would be lost with
/// the process.
fn write(file: &mut File, lines: &[u8]) -> io::Result<()> {
    file.write_all(lines)?;
    file.sync_data()?;
    if file.metadata()?.nlink() == 0 { Err(io::Error::other("it was deleted")) } else { Ok(()) }
}
