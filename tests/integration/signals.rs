//! This module owns signals: the first stops a run cleanly, the second at once.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use v2token_simulator::{Builder, Latency, MANAGEMENT_ACCOUNT, Operation, Organization, TokenVersion, Truth};

use crate::harness::{Bench, Run};

/// Longer than anything here takes, so that a hang names its cause.
const LIMIT: Duration = Duration::from_mins(1);

/// A program that is running, whose stderr is read line by line.
struct Running<'a> {
    bench: &'a Bench,
    before: Truth,
    child: Child,
    stderr: JoinHandle<String>,
    lines: std::sync::mpsc::Receiver<String>,
}

impl<'a> Running<'a> {
    fn start(bench: &'a Bench, arguments: &[&str]) -> Self {
        let before = bench.truth();
        let mut command = bench.command("run", arguments);
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
        Self { bench, before, child, stderr, lines }
    }

    /// Waits until the world looks like this.
    fn until(&mut self, reached: impl Fn(&Truth) -> bool) -> &mut Self {
        let deadline = Instant::now() + LIMIT;
        while !reached(&self.bench.truth()) {
            assert!(self.child.try_wait().expect("a child").is_none(), "the run ended too early");
            assert!(Instant::now() < deadline, "it never came so far");
            std::thread::sleep(Duration::from_millis(5));
        }
        self
    }

    /// Waits until a line on stderr says this.
    fn until_it_says(&mut self, words: &str) -> &mut Self {
        while !self.lines.recv_timeout(LIMIT).expect("more lines on stderr").contains(words) {}
        self
    }

    fn send(&mut self, signal: &str) -> &mut Self {
        let kill = format!("kill -{signal} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("a shell").success(), "{kill}");
        self
    }

    fn end(mut self) -> Run {
        let mut stdout = Vec::new();
        self.child.stdout.take().expect("a pipe").read_to_end(&mut stdout).expect("a readable pipe");
        let status = self.child.wait().expect("the program ends");
        let stderr = self.stderr.join().expect("a reader").into_bytes();
        self.bench.conclude("run", self.before, Output { status, stdout, stderr })
    }
}

fn slow(accounts: usize) -> Builder {
    Organization::builder().accounts(accounts).latency(Latency { iam: Duration::from_millis(50), ..Latency::default() })
}

const APPLY: [&str; 5] = ["apply", "--yes", "--rate=0", "--concurrency=8", "--waves=100%"];

#[test]
fn the_first_signal_lets_visits_in_flight_finish_and_starts_no_other() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let bench = Bench::new(slow(200).start());
        let mut running = Running::start(&bench, &APPLY);
        running.until(|truth| truth.requests(Operation::SetSecurityTokenServicePreferences) >= 20).send(signal);
        let run = running.end().exits(code).agrees(TokenVersion::V2);
        let outcomes = run.outcomes();
        assert_eq!(outcomes.keys().map(String::as_str).collect::<Vec<_>>(), ["changed", "not_attempted"], "{run}");
        assert!((20..100).contains(&outcomes["changed"]), "{outcomes:?}");
        assert!(run.stderr.contains("stopping:") && run.stderr.contains(&format!("SIG{signal}")), "{run}");
        assert!(run.stdout.contains(&format!("{}  not_attempted", outcomes["not_attempted"])), "{run}");
    }
}

#[test]
fn the_second_signal_leaves_at_once() {
    let bench = Bench::new(Organization::builder().accounts(20).start());
    bench.organization.control(|world| {
        for account in world.accounts_mut().iter_mut().filter(|account| account.id() != MANAGEMENT_ACCOUNT) {
            account.faults.slow = 2 * LIMIT;
        }
    });
    let mut running = Running::start(&bench, &APPLY);
    running.until(|truth| truth.requests(Operation::AssumeRole) >= 8).send("TERM").until_it_says("stopping:");
    let begin = Instant::now();
    running.send("INT");
    let run = running.end().exits(130);
    // A visit in flight would go on until the time limit of one answer, which is 15 s.
    assert!(begin.elapsed() < Duration::from_secs(10), "it took {:?}", begin.elapsed());
    let journal = std::fs::read_to_string(run.folder.join("journal.jsonl")).expect("the journal");
    assert!(journal.ends_with('\n') && journal.contains("\"ready\""), "{journal}");
}

#[test]
fn a_signal_before_the_first_visit_leaves_nothing_behind() {
    let latency = Latency { organizations: Duration::from_millis(100), ..Latency::default() };
    let bench = Bench::new(Organization::builder().accounts(1_000).latency(latency).start());
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut running = Running::start(&bench, &APPLY);
        let listed = running.before.requests(Operation::ListAccounts);
        running.until(|truth| truth.requests(Operation::ListAccounts) > listed).send(signal);
        running.end().exits(code).attempted_nothing(&format!("SIG{signal}"));
    }
}

#[test]
fn a_signal_between_waves_ends_the_wait() {
    let bench = Bench::new(Organization::builder().accounts(10).start());
    let mut running = Running::start(&bench, &["apply", "--yes", "--rate=0", "--waves=2,100%", "--bake=1h"]);
    running.until_it_says("waiting 1h").send("INT");
    let run = running.end().exits(130).agrees(TokenVersion::V2);
    assert_eq!((run.outcomes()["changed"], run.outcomes()["not_attempted"]), (2, 8), "{run}");
}
