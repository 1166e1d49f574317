//! Accounts that a killed run may have set: they stay unverified until a later read settles it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use v2token_simulator::{Builder, Latency, Operation, Organization, TokenVersion, Truth};

use crate::harness::{Bench, Run, accounts_with, sent_to};
use crate::running::{LIMIT, Running};

const ACCOUNTS: usize = 24;
const SET: Operation = Operation::SetSecurityTokenServicePreferences;

fn slow() -> Builder {
    let latency = Latency { iam: Duration::from_millis(60), ..Latency::default() };
    Organization::builder().accounts(ACCOUNTS).unlimited().latency(latency)
}

/// Starts an apply over all accounts at once, and kills it while Sets are in flight.
fn killed(bench: &Bench) -> Truth {
    let mut running = Running::start(bench, "run", &["apply", "--yes", "--rate=0", "--concurrency=12", "--waves=100%"]);
    running.until(|truth| truth.requests(SET) >= 8);
    running.kill()
}

/// Resumes the run, and rolls it back.
fn finishes_and_goes_back(bench: &Bench, before: &Truth, arguments: &[&str]) -> Run {
    let resumed = bench.again("run", &[&["resume", "run", "--yes", "--rate=0"], arguments].concat()).exits(0);
    assert_eq!(
        accounts_with(&resumed.rows(), "changed"),
        sent_to(&resumed.after),
        "the reported accounts are those that were set"
    );
    assert_eq!(resumed.after.with_version(TokenVersion::V2), ACCOUNTS, "{resumed}");
    let back = bench.run("back", &["rollback", "run", "--yes", "--rate=0"]).exits(0);
    for (was, is) in before.accounts.iter().zip(&back.after.accounts) {
        assert_eq!(was.version, is.version, "{} is not what it was\n{back}", was.id);
    }
    resumed
}

#[test]
fn accounts_not_visited_again_stay_unverified() {
    let bench = Bench::new(slow().start());
    let before = killed(&bench);
    let sent = sent_to(&bench.truth());
    let mut running =
        Running::spawn(&bench, "run", bench.bare(&["resume", "run", "--yes", "--rate=1", "--concurrency=1"]));
    running.until_it_says("to visit").send("INT");
    let stopped = running.end().exits(130);
    let rows = stopped.rows();
    for id in &sent {
        assert!(["changed", "unverified"].contains(&rows[id]["outcome"].as_str()), "{id}: {:?}", rows[id]);
    }
    assert!(!accounts_with(&rows, "unverified").is_empty(), "the stop came too late to show anything\n{stopped}");
    finishes_and_goes_back(&bench, &before, &[]);
}

/// All remaining accounts may have been set and none is `not_attempted`; the run counts as stopped nevertheless.
#[test]
fn a_stop_that_skips_only_unverified_accounts_is_a_stop() {
    let bench = Bench::new(slow().start());
    let all_at_once = ["apply", "--yes", "--rate=0", "--concurrency=24", "--waves=100%"];
    let mut running = Running::start(&bench, "run", &all_at_once);
    running.until(|truth| truth.requests(SET) >= ACCOUNTS as u64);
    let before = running.kill();
    let mut running =
        Running::spawn(&bench, "run", bench.bare(&["resume", "run", "--yes", "--rate=1", "--concurrency=1"]));
    running.until_it_says("to visit").send("INT");
    let stopped = running.end().exits(130).says(&["stopped by SIGINT", "continue with: v2token resume run"]);
    let outcomes = stopped.outcomes();
    assert!(outcomes["unverified"] > 0 && !outcomes.contains_key("not_attempted"), "{stopped}");
    finishes_and_goes_back(&bench, &before, &[]);
}

#[test]
fn accounts_that_refuse_the_role_stay_unverified_and_can_be_rolled_back() {
    for resumed_first in [true, false] {
        let bench = Bench::new(slow().start());
        let before = killed(&bench);
        let sent = sent_to(&bench.truth());
        let shut =
            bench.again("run", &["resume", "run", "--yes", "--role=Nope", "--max-errors=100%", "--rate=0"]).exits(3);
        let rows = shut.rows();
        for id in &sent {
            assert!(["changed", "unverified"].contains(&rows[id]["outcome"].as_str()), "{id}: {:?}", rows[id]);
        }
        let role = "--role=OrganizationAccountAccessRole";
        if resumed_first {
            finishes_and_goes_back(&bench, &before, &["--retry-failed", role]);
        } else {
            let back = bench.run("back", &["rollback", "run", "--yes", role]).exits(0);
            for (was, is) in before.accounts.iter().zip(&back.after.accounts) {
                assert_eq!(was.version, is.version, "{} is not what it was\n{back}", was.id);
            }
        }
    }
}

#[test]
fn a_running_run_can_not_be_rolled_back_or_applied() {
    let bench = Bench::new(slow().start());
    let mut running = Running::start(&bench, "run", &["apply", "--yes", "--rate=0", "--concurrency=2"]);
    running.until(|truth| truth.requests(SET) >= 3);
    let busy = "another process works in the run folder";
    bench.run("back", &["rollback", "run", "--yes"]).exits(1).says(&[busy]);
    bench.run("other", &["apply", "--plan=run", "--yes"]).exits(1).says(&[busy]);
    running.end().exits(0).agrees(TokenVersion::V2);
}

#[test]
fn an_unread_stderr_does_not_block_the_run() {
    let bench = Bench::new(Organization::builder().accounts(400).unlimited().start());
    let mut command = bench.command("run", &["apply", "--yes", "--rate=0", "--debug"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let unread = child.stderr.take();
    let begin = Instant::now();
    let status = loop {
        match child.try_wait().expect("it is ours") {
            Some(status) => break status,
            None if begin.elapsed() > LIMIT => {
                child.kill().expect("it is ours");
                panic!("it hangs, with {} accounts on v2Token", bench.truth().with_version(TokenVersion::V2));
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    assert_eq!(status.code(), Some(0));
    assert_eq!(bench.truth().with_version(TokenVersion::V2), 400);
    drop(unread);
}
