//! This module owns stderr: everything goes to it through a thread of its own.
//!
//! A write to a terminal that was paused, or to a pipe that nobody reads, blocks. On the program's only thread that would hold
//! up the rollout and the signals that are to end it. So texts wait in a bounded queue, and when that is full they are left out
//! and counted.

use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// How many texts may wait. At a line for every call that is a few seconds of a fast rollout.
const WAITING: usize = 4096;

/// How long the end of the program waits for texts that are still to be written.
const PATIENCE: Duration = Duration::from_secs(2);

enum Message {
    Text(Vec<u8>),
    Drained(SyncSender<()>),
}

static QUEUE: OnceLock<SyncSender<Message>> = OnceLock::new();
static LEFT_OUT: AtomicU64 = AtomicU64::new(0);
static GAP: OnceLock<fn(u64) -> String> = OnceLock::new();

fn queue() -> &'static SyncSender<Message> {
    QUEUE.get_or_init(|| {
        let (sender, inbox) = sync_channel(WAITING);
        // Without the thread every text is left out, which is all that can be done then.
        let _ = std::thread::Builder::new().name("stderr".to_owned()).spawn(move || write_all(&inbox));
        sender
    })
}

fn write_all(inbox: &Receiver<Message>) {
    let mut stderr = io::stderr();
    for message in inbox {
        match message {
            // Nobody may be reading any more; that must not stop a rollout.
            Message::Text(text) => {
                let left_out = LEFT_OUT.swap(0, Ordering::Relaxed);
                if left_out > 0 {
                    let gap = GAP.get().map_or_else(|| gap(left_out) + "\n", |gap| gap(left_out));
                    let _ = stderr.write_all(gap.as_bytes());
                }
                let _ = stderr.write_all(&text);
            }
            Message::Drained(done) => {
                let _ = done.try_send(());
            }
        }
    }
}

/// Says in words that so many lines are missing.
pub(super) fn gap(lines: u64) -> String {
    format!("({lines} lines are left out here: nobody was reading)")
}

/// From now on `gap` makes the line that says how many are missing.
pub(crate) fn tell_gaps_with(gap: fn(u64) -> String) {
    // Whoever came first has settled it for the process.
    let _ = GAP.set(gap);
}

/// Hands a text over. It never blocks and never fails.
pub(crate) fn write(text: impl Into<Vec<u8>>) {
    if queue().try_send(Message::Text(text.into())).is_err() {
        LEFT_OUT.fetch_add(1, Ordering::Relaxed);
    }
}

/// Hands a frame of the bar over. Where nobody is reading it is not missed: the next one shows the same, and more.
pub(super) fn draw(frame: &str) {
    let _ = queue().try_send(Message::Text(frame.as_bytes().to_vec()));
}

/// Waits until everything is written, but not for long.
pub(crate) fn drain() {
    drain_for(PATIENCE);
}

/// Waits until everything is written, for so long at most.
pub(crate) fn drain_for(patience: Duration) {
    let (sender, done) = sync_channel(1);
    if queue().try_send(Message::Drained(sender)).is_ok() {
        // Who does not read for so long will not read at all.
        let _ = done.recv_timeout(patience);
    }
}

/// Stderr as a writer, for log lines.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stderr;

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
