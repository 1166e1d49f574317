//! This module owns writing the journal: on a thread of its own, with one fsync for all lines that wait for one.
//!
//! A visit must not send a Set before its intent is on disk, and an fsync takes milliseconds. While one is under way,
//! further lines gather; the next fsync makes all of them durable at once. So the disk's latency is added to a visit, but
//! the number of visits per second does not depend on it.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::entry::Entry;
use super::folder::RunFolder;
use crate::org::{AccountId, Reading, TokenVersion};
use crate::rollout::{Intents, NotDurable};

struct Line {
    bytes: Vec<u8>,
    durable: Option<oneshot::Sender<Result<(), String>>>,
}

/// The journal of a run, open for writing.
#[derive(Debug)]
pub struct Journal {
    lines: Option<Sender<Line>>,
    thread: Option<JoinHandle<()>>,
    /// The first error. A journal that failed once is never written again.
    failed: Arc<OnceLock<String>>,
}

impl Journal {
    /// Starts the writer on the folder's journal.
    ///
    /// # Errors
    ///
    /// When the file's handle can't be duplicated, or no thread can be started.
    pub fn start(folder: &RunFolder) -> io::Result<Self> {
        let file = folder.journal()?;
        let failed = Arc::new(OnceLock::new());
        let (lines, inbox) = channel();
        let thread = std::thread::Builder::new().name("journal".to_owned()).spawn({
            let failed = Arc::clone(&failed);
            move || write_groups(file, &inbox, &failed)
        })?;
        Ok(Self { lines: Some(lines), thread: Some(thread), failed })
    }

    /// Hands a line over. It is on disk soon; whether that failed shows in [`failure`](Self::failure).
    pub fn append(&self, entry: &Entry<'_>) {
        self.send(entry, None);
    }

    /// Hands a line over and waits until it is durable, with all lines before it.
    ///
    /// # Errors
    ///
    /// When this line or an earlier one could not be written.
    pub async fn append_durably(&self, entry: &Entry<'_>) -> Result<(), NotDurable> {
        let (durable, written) = oneshot::channel();
        self.send(entry, Some(durable));
        match written.await {
            Ok(result) => result.map_err(NotDurable),
            Err(_) => Err(NotDurable("the journal's writer is gone".to_owned())),
        }
    }

    /// Why the journal can't be written any more, if it can't.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failed.get().map(String::as_str)
    }

    /// Waits until every line is durable.
    ///
    /// # Errors
    ///
    /// When any line could not be written.
    pub fn finish(mut self) -> Result<(), NotDurable> {
        self.join();
        self.failure().map_or(Ok(()), |cause| Err(NotDurable(cause.to_owned())))
    }

    fn send(&self, entry: &Entry<'_>, durable: Option<oneshot::Sender<Result<(), String>>>) {
        if let Some(lines) = &self.lines {
            // It fails only when the writer's thread is gone; a waiting sender notices by its own channel.
            let _ = lines.send(Line { bytes: entry.to_line(), durable });
        }
    }

    fn join(&mut self) {
        drop(self.lines.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            let _ = self.failed.set("the journal's writer panicked".to_owned());
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
        previous_version: Reading,
        target_version: TokenVersion,
    ) -> Result<(), NotDurable> {
        self.append_durably(&Entry::Intent { account_id, previous_version, target_version }).await
    }
}

/// A journal that was deleted takes lines without complaint, and they are lost with the process.
fn still_there(file: &File) -> io::Result<()> {
    if file.metadata()?.nlink() == 0 { Err(io::Error::other("it was deleted")) } else { Ok(()) }
}

/// Takes all lines that are there, writes them, syncs, and tells those who wait. Until the last sender is gone.
fn write_groups(mut file: File, inbox: &Receiver<Line>, failed: &OnceLock<String>) {
    let mut bytes = Vec::new();
    let mut waiting = Vec::new();
    while let Ok(first) = inbox.recv() {
        bytes.clear();
        for line in std::iter::once(first).chain(inbox.try_iter()) {
            bytes.extend_from_slice(&line.bytes);
            waiting.extend(line.durable);
        }
        if failed.get().is_none()
            && let Err(error) = file.write_all(&bytes).and_then(|()| file.sync_data()).and_then(|()| still_there(&file))
        {
            let _ = failed.set(error.to_string());
        }
        let result = failed.get().map_or(Ok(()), |cause| Err(cause.clone()));
        for durable in waiting.drain(..) {
            // A visit that was dropped does not wait any more.
            let _ = durable.send(result.clone());
        }
    }
}
