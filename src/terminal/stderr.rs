//! stderr: a thread of its own writes everything that goes there, including the log of `--debug`.
//!
//! A write to a paused terminal, or to a pipe that is not read, blocks. On the main thread, such a write would block the
//! rollout, and a signal could not stop it in an orderly way. Therefore texts wait in a bounded queue; when the queue is full, they are
//! dropped and counted.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{LazyLock, OnceLock};
use std::time::Duration;

use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::{filter::Targets, registry};

/// The capacity of the queue, in texts. If a line is written for each call to AWS, this is enough for a few seconds of a fast
/// rollout.
const CAPACITY: usize = 4096;

/// How long the program waits at its end until the texts in the queue are written.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

enum QueueItem {
    Text(Vec<u8>),
    /// A sender that is dropped once all earlier texts are written.
    Drain(SyncSender<()>),
}

/// `None` if the thread can't be started. Then texts are written at once.
static QUEUE: LazyLock<Option<SyncSender<QueueItem>>> = LazyLock::new(|| {
    let (sender, receiver) = sync_channel(CAPACITY);
    let started = std::thread::Builder::new().name("stderr".to_owned()).spawn(move || write_all(&receiver));
    started.is_ok().then_some(sender)
});
static DROPPED: AtomicU64 = AtomicU64::new(0);
static GAP_FORMAT: OnceLock<fn(u64) -> String> = OnceLock::new();

fn write_all(receiver: &Receiver<QueueItem>) {
    let mut stderr = io::stderr();
    for item in receiver {
        match item {
            // A closed stderr must not stop a rollout, so errors are ignored.
            QueueItem::Text(text) => {
                let dropped = DROPPED.swap(0, Ordering::Relaxed);
                if dropped > 0 {
                    let gap = GAP_FORMAT.get().map_or_else(|| gap(dropped) + "\n", |format| format(dropped));
                    let _ = stderr.write_all(gap.as_bytes());
                }
                let _ = stderr.write_all(&text);
            }
            QueueItem::Drain(sender) => drop(sender),
        }
    }
}

/// Returns the text that replaces dropped lines.
pub(super) fn gap(lines: u64) -> String {
    format!("({lines} lines are missing here: stderr was not read)")
}

/// Sets the function that formats the line that replaces dropped lines.
pub(crate) fn set_gap_format(format: fn(u64) -> String) {
    // Only the first call in the process has an effect.
    let _ = GAP_FORMAT.set(format);
}

/// Queues a text. Never blocks and never fails.
pub(crate) fn write(text: impl Into<Vec<u8>>) {
    match &*QUEUE {
        None => drop(io::stderr().write_all(&text.into())),
        Some(queue) if queue.try_send(QueueItem::Text(text.into())).is_err() => {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
        Some(_) => {}
    }
}

/// Queues a frame of the bar. A dropped frame is not counted, because the next frame replaces it.
pub(super) fn draw(frame: &str) {
    if let Some(queue) = &*QUEUE {
        let _ = queue.try_send(QueueItem::Text(frame.as_bytes().to_vec()));
    }
}

/// Waits until the queue is written, but at most two seconds.
pub(crate) fn drain() {
    drain_for(DRAIN_TIMEOUT);
}

/// Waits until the queue is written, or until the timeout.
pub(crate) fn drain_for(timeout: Duration) {
    let (sender, done) = sync_channel(1);
    if QUEUE.as_ref().is_some_and(|queue| queue.try_send(QueueItem::Drain(sender)).is_ok()) {
        // The wait ends when the sender is dropped. A reader that stalls until the timeout will probably not read at all.
        let _ = done.recv_timeout(timeout);
    }
}

/// Passes on the lines of the log, which come one at a time, with the level DEBUG.
struct LogWriter<W>(W);

/// How a line shows the level of its event, INFO, and how it shows DEBUG: as plain text, in colour, and as JSON.
const LEVELS: [[&str; 2]; 3] = [
    ["  INFO ", " DEBUG "],
    ["\u{1b}[32m INFO\u{1b}[0m", "\u{1b}[34mDEBUG\u{1b}[0m"],
    [r#","level":"INFO","#, r#","level":"DEBUG","#],
];

impl<W: Fn(Vec<u8>)> Write for LogWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let line = String::from_utf8_lossy(bytes);
        // The level comes before everything that the event says.
        let first = LEVELS.iter().filter_map(|[info, debug]| Some((line.find(info)?, info, debug))).min();
        match first {
            Some((_, info, debug)) => self.0(line.replacen(info, debug, 1).into()),
            None => self.0(bytes.to_vec()),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts the log of `--debug`.
///
/// The log contains only events of the program's own crates, at any verbosity and regardless of `RUST_LOG`, because at trace level
/// the SDK logs request bodies, and with them external ids and MFA codes. The events have the level info, because a release has no
/// code for those at debug and trace, and nearly all of those are the SDK's. Their lines have the level DEBUG.
pub(crate) fn start_debug_log(json: bool, color: bool) {
    // This fails if a program that uses this library has set a subscriber of its own, which then stays in use.
    let _ = tracing::subscriber::set_global_default(debug_log(json, color, write));
}

fn debug_log(json: bool, color: bool, to: impl Fn(Vec<u8>) + Copy + Send + Sync + 'static) -> impl tracing::Subscriber {
    let only_own_crates =
        Targets::new().with_targets(["v2token", "v2token_cloud"].map(|own| (own, tracing::Level::INFO)));
    let layer = tracing_subscriber::fmt::layer().with_target(false).with_writer(move || LogWriter(to));
    let layer = if json { layer.json().flatten_event(true).boxed() } else { layer.with_ansi(color).boxed() };
    registry().with(layer.with_filter(only_own_crates))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn the_log_has_only_events_of_the_own_crates_and_calls_them_debug() {
        static WRITTEN: Mutex<Vec<u8>> = Mutex::new(Vec::new());
        for (json, color, level) in [
            (false, false, " DEBUG call "),
            (false, true, "\u{1b}[34mDEBUG\u{1b}[0m call "),
            (true, false, r#","level":"DEBUG","message":"call","#),
        ] {
            let log = debug_log(json, color, |line| WRITTEN.lock().unwrap().extend(line));
            tracing::subscriber::with_default(log, || {
                tracing::info!(target: "v2token_cloud::aws::call", account = "  INFO ", "call");
                tracing::error!(target: "aws_smithy_runtime::client", "secret");
                tracing::warn!(target: "hyper", "secret");
                tracing::info!(target: "aws_config", "secret");
            });
            let text = String::from_utf8(std::mem::take(&mut WRITTEN.lock().unwrap())).unwrap();
            assert_eq!(text.lines().count(), 1, "{text}");
            assert!(text.contains(level) && text.contains("  INFO ") && !text.contains("secret"), "{text}");
        }
    }
}
