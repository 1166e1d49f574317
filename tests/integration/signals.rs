//! Signals: the first one stops a run cleanly, the second one immediately.

use std::process::Command;
use std::time::{Duration, Instant};

use v2token_simulator::{Builder, Latency, MANAGEMENT_ACCOUNT, Operation, Organization, PerCall, TokenVersion};

use crate::harness::{Bench, accounts_with, sent_to};
use crate::running::{LIMIT, Running};
use crate::tmux::{Terminal, no_tmux};

fn slow(accounts: usize) -> Builder {
    Organization::builder().accounts(accounts).latency(Latency { iam: Duration::from_millis(50), ..Latency::default() })
}

const APPLY: [&str; 5] = ["apply", "--yes", "--rate=0", "--concurrency=8", "--waves=100%"];

#[test]
fn the_first_signal_finishes_only_visits_in_flight() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let bench = Bench::new(slow(200).start());
        let mut running = Running::start(&bench, "run", &APPLY);
        running.until(|truth| truth.requests(Operation::SetSecurityTokenServicePreferences) >= 20).send(signal);
        let run = running.end().exits(code).agrees(TokenVersion::V2);
        let outcomes = run.outcomes();
        assert_eq!(outcomes.keys().map(String::as_str).collect::<Vec<_>>(), ["changed", "not_attempted"], "{run}");
        assert!((20..100).contains(&outcomes["changed"]), "{outcomes:?}");
        assert!(run.stderr.contains("stopping:") && run.stderr.contains(&format!("SIG{signal}")), "{run}");
        assert!(run.stdout.contains(&format!("{}  not_attempted", outcomes["not_attempted"])), "{run}");
    }
}

/// The same command, started by a shell that ignores the signals.
fn ignoring(signals: &str, command: &Command) -> Command {
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", &format!("trap '' {signals}; exec \"$0\" \"$@\"")])
        .arg(command.get_program())
        .args(command.get_args());
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell
}

#[test]
fn ignored_signals_stay_ignored() {
    let bench = Bench::new(slow(60).start());
    let command = ignoring("INT TERM HUP", &bench.command("both", &APPLY));
    let mut running = Running::spawn(&bench, "both", command);
    let reached = |running: &mut Running<'_>| {
        running.until(|truth| truth.requests(Operation::SetSecurityTokenServicePreferences) >= 8);
    };
    reached(&mut running);
    for signal in ["INT", "INT", "TERM", "TERM", "HUP", "HUP"] {
        running.send(signal);
    }
    let run = running.end().exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.outcomes().keys().map(String::as_str).collect::<Vec<_>>(), ["changed"], "{run}");
    assert!(!run.stderr.contains("stopping:"), "{run}");

    // The other signals still stop the run. `nohup` ignores SIGHUP.
    for (ignored, other, code) in [("INT", "TERM", 143), ("HUP", "INT", 130), ("TERM", "HUP", 129)] {
        let bench = Bench::new(slow(200).start());
        let mut running = Running::spawn(&bench, "one", ignoring(ignored, &bench.command("one", &APPLY)));
        reached(&mut running);
        running.send(ignored).send(other);
        let run = running.end().exits(code).agrees(TokenVersion::V2);
        assert!(run.stderr.contains("stopping:") && run.stderr.contains(&format!("SIG{other}")), "{run}");
        assert!(run.outcomes()["not_attempted"] > 0, "{run}");
    }
}

#[test]
fn the_second_signal_ends_immediately() {
    let bench = Bench::new(Organization::builder().accounts(20).start());
    bench.organization.control(|world| {
        for account in world.accounts_mut().iter_mut().filter(|account| account.id() != MANAGEMENT_ACCOUNT) {
            account.faults.slow = 2 * LIMIT;
        }
    });
    let mut running = Running::start(&bench, "run", &APPLY);
    running.until(|truth| truth.requests(Operation::AssumeRole) >= 8).send("TERM").until_it_says("stopping:");
    let begin = Instant::now();
    running.send("INT");
    let run = running.end().exits(130);
    // A visit in flight would last until the time limit of an answer, which is 15 s.
    assert!(begin.elapsed() < Duration::from_secs(10), "it took {:?}", begin.elapsed());
    let journal = std::fs::read_to_string(run.folder.join("journal.jsonl")).expect("the journal");
    assert!(journal.ends_with('\n') && journal.contains("\"ready\""), "{journal}");
}

#[test]
fn a_signal_before_the_first_visit_leaves_nothing_behind() {
    let latency = Latency { organizations: Duration::from_millis(100), ..Latency::default() };
    let bench = Bench::new(Organization::builder().accounts(1_000).latency(latency).start());
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let mut running = Running::start(&bench, "run", &APPLY);
        let listed = running.before().requests(Operation::ListAccounts);
        running.until(|truth| truth.requests(Operation::ListAccounts) > listed).send(signal);
        running.end().exits(code).attempted_nothing(&format!("SIG{signal}"));
    }
}

/// A terminal that is closed, as by the end of an SSH session, sends SIGHUP and takes stdout and stderr with it.
#[test]
fn a_closed_terminal_stops_the_run_and_leaves_complete_reports() {
    if no_tmux() {
        return;
    }
    let bench = Bench::new(slow(200).start());
    let before = bench.truth();
    let arguments = ["apply", "--rate=0", "--concurrency=8", "--waves=100%"];
    let terminal = Terminal::start(&bench, "run", &arguments, (100, 30), &[]);
    terminal.until(|screen| screen.contains("Start? [y/N]"));
    terminal.types(&["y", "Enter"]);
    let deadline = Instant::now() + LIMIT;
    while bench.truth().requests(Operation::SetSecurityTokenServicePreferences) < 20 {
        assert!(Instant::now() < deadline, "it never set an account");
        std::thread::sleep(Duration::from_millis(5));
    }
    drop(terminal);
    let ended = |line: &str| line.contains("\"event\":\"ended\",\"exit_code\":129");
    let journal = bench.run_folder("run").join("journal.jsonl");
    let description = bench.run_folder("run").join("run.json");
    while !std::fs::read_to_string(&description).expect("run.json").contains("\"exit_code\": 129") {
        assert!(Instant::now() < deadline, "it did not end as after SIGHUP");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(std::fs::read_to_string(&journal).expect("a journal").lines().any(ended));
    let rows = crate::harness::read_csv(&bench.run_folder("run").join("report.csv"));
    assert_eq!(rows.len(), 200, "the report has every account");
    let after = bench.truth();
    assert_eq!(accounts_with(&rows, "changed"), sent_to(&after));
    assert!(accounts_with(&rows, "not_attempted").len() > 100);
    bench.again("run", &["resume", "run", "--yes"]).since(before).exits(0).agrees(TokenVersion::V2);
}

#[test]
fn a_signal_during_the_bake_ends_the_run() {
    let bench = Bench::new(Organization::builder().accounts(10).start());
    let mut running = Running::start(&bench, "run", &["apply", "--yes", "--rate=0", "--waves=2,100%", "--bake=1h"]);
    running.until_it_says("waiting 1h").send("INT");
    let run = running.end().exits(130).agrees(TokenVersion::V2);
    assert_eq!((run.outcomes()["changed"], run.outcomes()["not_attempted"]), (2, 8), "{run}");
}

/// Ctrl-Z, or a suspended laptop, for longer than a visit may take. Every account has calls in flight or waits for its next attempt.
#[test]
fn a_stopped_process_blames_no_account() {
    let table: [(&str, Vec<&str>, u32); 3] = [
        ("apply", vec!["apply", "--yes", "--waves=100%"], 0),
        ("throttled", vec!["apply", "--yes", "--waves=2,100%"], 3),
        ("plan", vec!["plan"], 0),
    ];
    for (name, arguments, throttled) in table {
        let builder = slow(150).each_account(move |account| account.faults.throttle = PerCall::read(throttled));
        let bench = Bench::new(builder.start());
        let common = ["--rate=0", "--concurrency=8", "--max-errors=0", "--account-timeout=3s"];
        let mut running = Running::start(&bench, "run", &[&arguments[..], &common].concat());
        running.until(|truth| truth.requests(Operation::GetAccountSummary) >= 20).send("STOP");
        std::thread::sleep(Duration::from_secs(6));
        running.send("CONT");
        let run = running.end().exits(0).agrees(TokenVersion::V2).says(&["the program did not run for"]);
        assert_eq!(run.outcomes().len(), 1, "{name}: nobody failed\n{run}");
    }
}
