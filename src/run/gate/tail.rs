//! The last lines that a command prints.

use std::collections::VecDeque;
use std::io::{PipeReader, Read as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::sanitize::cut;
use crate::secret::mask;

/// How many bytes of the output are kept.
const KEPT: usize = 4096;

/// How many of the last lines are told, and how many characters of them.
const LINES: usize = 3;
const CHARACTERS: usize = 400;

/// The end of an output that may have no end. A thread reads it, because a process that a command leaves behind can keep the pipe open
/// for ever.
#[derive(Clone, Default)]
pub(super) struct Tail(Arc<Mutex<Output>>);

#[derive(Default)]
struct Output {
    last: VecDeque<u8>,
    is_complete: bool,
}

impl Tail {
    fn output(&self) -> MutexGuard<'_, Output> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the output from now on.
    pub(super) fn read_from(&self, mut reader: PipeReader) {
        let tail = self.clone();
        let read = move || {
            let mut bytes = [0; KEPT];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                let mut output = tail.output();
                output.last.extend(&bytes[..count]);
                let excess = output.last.len().saturating_sub(KEPT);
                output.last.drain(..excess);
            }
            tail.output().is_complete = true;
        };
        // Without a thread the output is not told, and the pipe is closed.
        drop(std::thread::Builder::new().name("gate output".to_owned()).spawn(read));
    }

    /// Waits until the output is complete, but not for longer than `patience`.
    pub(super) async fn wait(&self, patience: Duration) {
        let started = Instant::now();
        while !self.output().is_complete && started.elapsed() < patience {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Returns the last lines, joined by ` / `. Secrets that the program holds are masked.
    pub(super) fn text(&self) -> String {
        let bytes: Vec<u8> = self.output().last.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let last = lines[lines.len().saturating_sub(LINES)..].join(" / ");
        cut(&mask(&last), CHARACTERS).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[tokio::test]
    async fn the_last_lines_are_kept() {
        let table = [
            (String::new(), String::new()),
            ("one\n".to_owned(), "one".to_owned()),
            ("one\r\n\n  two  \nthree\nfour".to_owned(), "two / three / four".to_owned()),
            ("x".repeat(100_000), format!("{}…", "x".repeat(CHARACTERS - 1))),
            (format!("{}\nlast", "y\n".repeat(50_000)), "y / y / last".to_owned()),
        ];
        for (output, expected) in table {
            let (reader, mut writer) = std::io::pipe().unwrap();
            let tail = Tail::default();
            tail.read_from(reader);
            writer.write_all(output.as_bytes()).unwrap();
            drop(writer);
            tail.wait(Duration::from_mins(1)).await;
            assert_eq!(tail.text(), expected);
        }
    }
}
