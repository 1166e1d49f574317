//! What a run says at its end: counts that agree everywhere, and only what occurred.

use std::time::Duration;

use v2token_simulator::{AccountState, Builder, Latency, Operation, Organization};

use crate::harness::Bench;
use crate::running::Running;

const ACCOUNTS: usize = 20;
const READ: Operation = Operation::GetAccountSummary;
const SET: Operation = Operation::SetSecurityTokenServicePreferences;

fn slow() -> Builder {
    let latency = Latency { iam: Duration::from_millis(40), ..Latency::default() };
    Organization::builder().accounts(ACCOUNTS).unlimited().latency(latency)
}

#[test]
fn a_stopped_wave_has_not_finished() {
    let bench = Bench::new(slow().start());
    let apply = ["apply", "--yes", "--rate=0", "--concurrency=2", "--waves=1,100%"];
    let mut running = Running::start(&bench, "run", &apply);
    running.until(|truth| truth.requests(SET) >= 4).send("INT");
    let run =
        running.end().exits(130).says(&["wave 1 of 2 finished in", "wave 2 of 2 stopped after", " not attempted"]);
    let (changed, left) = (run.outcomes()["changed"], run.outcomes()["not_attempted"]);
    let sentence =
        format!("stopped by SIGINT: {changed} of 20 selected accounts were changed, {left} were not attempted\n");
    assert!(run.stderr.contains(&sentence), "{run}");
    let journal = std::fs::read_to_string(run.folder.join("journal.jsonl")).expect("a journal");
    assert_eq!(journal.matches("\"event\":\"wave_finished\"").count(), 1, "{run}");
}

#[test]
fn a_plan_that_was_cut_short_says_what_was_read_and_how_to_finish() {
    for signal in ["INT", "KILL"] {
        let bench = Bench::new(slow().start());
        let mut running = Running::start(&bench, "run", &["plan", "--rate=0", "--concurrency=2"]);
        // The journal of a process that is killed lacks the records of its last tenth of a second.
        running.until(|truth| truth.requests(READ) >= 12);
        let run = if signal == "KILL" {
            running.kill();
            bench.again("run", &["report", "run", "--report=run/report.csv"]).exits(0)
        } else {
            running.send("INT");
            running.end().exits(130)
        };
        let (read, left) = (run.outcomes()["would_change"], run.outcomes()["not_attempted"]);
        let said = if signal == "KILL" {
            format!("not finished: {read} of 20 selected accounts were read so far, {left} are left")
        } else {
            let counts = format!("{read} of 20 selected accounts were read, {left} were not attempted");
            format!("stopped by SIGINT: {counts}; nothing was changed")
        };
        // A run that was stopped says so on stderr, and the report of a run that was killed on stdout.
        let told = if signal == "KILL" { &run.stdout } else { &run.stderr };
        assert!(told.contains(&said), "{signal}: {said}\n{run}");
        assert!(told.contains("ontinue with: v2token resume "), "{signal}\n{run}");
        assert!(!told.contains("apply --plan"), "not all were read, so the plan can't be applied\n{run}");
    }
}

/// Accounts that could not be visited are named with their reason, and those that were not asked for are only counted.
#[test]
fn skipped_accounts_are_named_with_their_reason() {
    let builder = Organization::builder().accounts(ACCOUNTS).unlimited().each_account(|account| {
        account.state = match account.id().number() {
            1..=3 => AccountState::Suspended,
            4..=5 => AccountState::Closed,
            _ => AccountState::Active,
        };
    });
    let bench = Bench::new(builder.start());
    let run = bench.run("plan", &["plan", "--rate=0", "--exclude-account=000000000007"]).exits(0);
    for part in [
        "nothing was changed; skipped: 3 suspended, 2 closed\n",
        "  6  skipped        3 suspended, 2 closed, 1 excluded\n",
    ] {
        assert!(run.stdout.contains(part), "{part}\n{run}");
    }
    let run = bench.run("run", &["apply", "--yes", "--rate=0", "--report=run.md"]).exits(0);
    let end = "all of 15 selected accounts are on v2Token; 15 changed by this run; skipped: 3 suspended, 2 closed";
    assert!(run.stdout.contains(end), "{run}");
    let markdown = std::fs::read_to_string(bench.folder.path().join("run.md")).expect("a report");
    assert!(markdown.contains(end) && markdown.contains("| `skipped` | 5 | 3 suspended, 2 closed |"), "{markdown}");
    let again = bench.run("again", &["apply", "--yes", "--rate=0"]).exits(0);
    assert!(again.stdout.contains("nothing to do: all of 15 selected accounts are on v2Token already"), "{again}");
}
