//! A running program: a test waits for a condition, and then sends a signal or changes the world.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use v2token_simulator::Truth;

use crate::harness::{Bench, Run};

/// A generous time limit, so that a hang fails with its cause.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// Longer than a request in flight takes to arrive, at the latencies of the tests.
const ARRIVAL: Duration = Duration::from_millis(80);

/// A running program whose stderr is read line by line.
pub(crate) struct Running<'a> {
    bench: &'a Bench,
    name: String,
    before: Truth,
    child: Child,
    stderr: JoinHandle<String>,
    lines: std::sync::mpsc::Receiver<String>,
}

impl<'a> Running<'a> {
    /// Starts a run in the folder of this name.
    pub(crate) fn start(bench: &'a Bench, name: &str, arguments: &[&str]) -> Self {
        Self::spawn(bench, name, bench.command(name, arguments))
    }

    /// Starts a command that works in the folder of this name.
    pub(crate) fn spawn(bench: &'a Bench, name: &str, mut command: Command) -> Self {
        let before = bench.truth();
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let pipe = BufReader::new(child.stderr.take().expect("a pipe"));
        let (sender, lines) = std::sync::mpsc::channel();
        let stderr = std::thread::spawn(move || {
            let mut text = String::new();
            for line in pipe.lines().map_while(Result::ok) {
                text.push_str(&line);
                text.push('\n');
                // The test may have stopped waiting for lines.
                let _ = sender.send(line);
            }
            text
        });
        Self { bench, name: name.to_owned(), before, child, stderr, lines }
    }

    /// The truth before the start.
    pub(crate) const fn before(&self) -> &Truth {
        &self.before
    }

    /// Waits until the truth meets a condition.
    pub(crate) fn until(&mut self, reached: impl Fn(&Truth) -> bool) -> &mut Self {
        let deadline = Instant::now() + LIMIT;
        while !reached(&self.bench.truth()) {
            assert!(self.child.try_wait().expect("a child").is_none(), "the run ended too early");
            assert!(Instant::now() < deadline, "it never came so far");
            std::thread::sleep(Duration::from_millis(5));
        }
        self
    }

    /// Waits until this many more requests have arrived, or the run has ended.
    pub(crate) fn until_requests_or_end(&mut self, wanted: u64) -> &mut Self {
        let start: u64 = self.before.operations.values().map(|counters| counters.requests).sum();
        while self.bench.requests() - start < wanted && self.child.try_wait().expect("a child").is_none() {
            std::thread::sleep(Duration::from_micros(300));
        }
        self
    }

    /// Waits until a line on stderr contains this.
    pub(crate) fn until_it_says(&mut self, words: &str) -> &mut Self {
        while !self.lines.recv_timeout(LIMIT).expect("more lines on stderr").contains(words) {}
        self
    }

    /// Sends a signal, unless the process has ended.
    pub(crate) fn send(&mut self, signal: &str) -> &mut Self {
        if self.child.try_wait().expect("a child").is_none() {
            let kill = format!("kill -{signal} {}", self.child.id());
            assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success(), "{kill}");
        }
        self
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> Run {
        let mut stdout = Vec::new();
        self.child.stdout.take().expect("a pipe").read_to_end(&mut stdout).expect("a readable pipe");
        let status = self.child.wait().expect("the program ends");
        let stderr = self.stderr.join().expect("a reader").into_bytes();
        self.bench.conclude(&self.name, self.before, Output { status, stdout, stderr })
    }

    /// Kills the process, waits until its requests in flight have arrived, and returns the truth before the start.
    pub(crate) fn kill(mut self) -> Truth {
        assert!(self.child.try_wait().expect("a child").is_none(), "the run ended too early");
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it is ours");
        std::thread::sleep(ARRIVAL);
        self.before
    }
}
