//! Reports of several runs: what they say about an account that several runs know something about.

use std::collections::BTreeMap;

use v2token_simulator::{Faults, Latency, Operation, Organization, TokenVersion, Truth};

use crate::harness::{Bench, Row, Run, read_csv, rewrite};
use crate::running::Running;

const SET: Operation = Operation::SetSecurityTokenServicePreferences;
const FIRST: &str = "000000000001";

fn bench() -> Bench {
    Bench::new(Organization::builder().accounts(6).unlimited().start())
}

fn run(bench: &Bench, name: &str, arguments: &[&str]) -> Run {
    bench.run(name, &[arguments, &["--rate=0"]].concat())
}

/// The rows and the first line of the summary. They do not depend on the order of the folders.
fn merged(bench: &Bench, names: &[&str]) -> (BTreeMap<String, Row>, String) {
    let report = |names: Vec<&str>| {
        let run = bench.again("merged", &[&["report", "--report=merged.csv"], &names[..]].concat()).exits(0);
        let verdict = run.stdout.lines().next().expect("a verdict").split_once(": ").expect("a sentence").1.to_owned();
        (read_csv(&bench.folder.path().join("merged.csv")), verdict)
    };
    let reversed = report(names.iter().rev().copied().collect());
    let found = report(names.to_vec());
    assert_eq!(found, reversed, "{names:?}");
    found
}

fn cells<'a>(row: &'a Row, names: &[&str]) -> Vec<&'a str> {
    names.iter().map(|name| row[*name].as_str()).collect()
}

/// Starts an apply and kills it when the Set of the first account has arrived, or before it is sent.
fn kill_at_the_set(bench: &Bench, name: &str, arguments: &[&str], is_sent: bool) {
    let slow = Latency { iam: std::time::Duration::from_millis(700), ..Latency::default() };
    bench.organization.control(|world| world.set_latency(slow));
    let sets = |truth: &Truth| truth.operations.get(&SET).map_or(0, |counts| counts.requests);
    let before = sets(&bench.truth());
    let mut running = Running::start(bench, name, &[arguments, &["--rate=0", "--account", FIRST]].concat());
    if is_sent {
        running.until(|truth| sets(truth) > before);
    } else {
        let journal = bench.run_folder(name).join("journal.jsonl");
        running.until(|_| std::fs::read_to_string(&journal).is_ok_and(|text| text.contains("\"event\":\"intent\"")));
    }
    running.send("KILL");
    running.end();
    bench.organization.control(|world| world.set_latency(Latency::default()));
}

/// A killed run, its rollback, and a later apply: the rollback is not newer than the apply.
#[test]
fn a_rollback_of_a_killed_run_is_older_than_a_later_run() {
    let bench = bench();
    kill_at_the_set(&bench, "killed", &["apply", "--yes"], true);
    run(&bench, "back", &["rollback", "killed", "--yes"]);
    run(&bench, "later", &["apply", "--yes"]).exits(0);
    run(&bench, "plan", &["plan"]).exits(0);
    let (rows, _) = merged(&bench, &["killed", "back", "later", "plan"]);
    assert_eq!(cells(&rows[FIRST], &["target_version", "current_version"]), ["v2Token", "v2Token"]);
}

/// What a run did before a resume does not hide the Set of the resume that was killed.
#[test]
fn a_killed_resume_is_a_doubt_of_its_own() {
    let bench = bench();
    run(&bench, "run", &["apply", "--yes", "--verify=none", "--account", FIRST]).exits(3);
    run(&bench, "back", &["apply", "--to=v1Token", "--yes"]).exits(0);
    let slow = Latency { iam: std::time::Duration::from_millis(700), ..Latency::default() };
    bench.organization.control(|world| world.set_latency(slow));
    let command = bench.bare(&["resume", "run", "--retry-failed", "--yes", "--rate=0"]);
    let sets = bench.truth().operations[&SET].requests;
    let mut running = Running::spawn(&bench, "run", command);
    running.until(|truth| truth.operations[&SET].requests > sets).send("KILL");
    running.end();
    let report = bench.again("run", &["report", "run"]).exits(0);
    assert!(report.stdout.contains("v2token resume run"), "{report}");
    let (rows, _) = merged(&bench, &["run", "back"]);
    assert_eq!(
        cells(&rows[FIRST], &["outcome", "target_version", "error_code"]),
        ["unverified", "v2Token", "Interrupted"]
    );
}

/// A dry run that reads what a run has set, and one that reads that it is gone.
#[test]
fn a_dry_run_confirms_or_refutes_a_set_in_doubt() {
    let bench = bench();
    run(&bench, "run", &["apply", "--yes", "--verify=none"]).exits(3);
    run(&bench, "dry", &["rollback", "run", "--dry-run"]).exits(0);
    let (rows, verdict) = merged(&bench, &["run", "dry"]);
    assert_eq!(verdict, "of 6 accounts in runs of several kinds: 6 changed");
    assert_eq!(
        cells(&rows[FIRST], &["outcome", "previous_version", "current_version"]),
        ["changed", "v1Token", "v2Token"]
    );

    run(&bench, "back", &["rollback", "run", "--yes"]).exits(0);
    let (_, verdict) = merged(&bench, &["dry", "back"]);
    assert_eq!(verdict, "of 6 accounts in runs of several kinds: 6 changed", "a dry run is another kind");
    run(&bench, "plan", &["plan"]).exits(0);
    let (rows, _) = merged(&bench, &["run", "plan"]);
    assert_eq!(cells(&rows[FIRST], &["outcome", "current_version"]), ["would_change", "v1Token"]);
}

#[test]
fn a_failure_after_a_change_is_told_if_it_matters() {
    let bench = bench();
    run(&bench, "run", &["apply", "--yes"]).exits(0);
    // The version is gone, and can't be set again.
    bench.organization.control(|world| {
        world.account_mut(1).change_externally(Some(TokenVersion::V1));
        world.account_mut(1).faults.deny_set = true;
    });
    run(&bench, "again", &["apply", "--yes", "--max-errors=100%"]).exits(3);
    let (rows, verdict) = merged(&bench, &["run", "again"]);
    assert_eq!(cells(&rows[FIRST], &["outcome", "current_version"]), ["failed", "v1Token"]);
    assert!(verdict.starts_with("5 of 6 selected accounts are known to be on v2Token"), "{verdict}");

    // A rollback that fails leaves what the run has set.
    bench.organization.control(|world| {
        world.account_mut(1).faults = Faults::default();
        world.account_mut(2).faults.deny_assume = true;
    });
    run(&bench, "back", &["rollback", "run", "--yes", "--max-errors=100%"]).exits(3);
    let (rows, _) = merged(&bench, &["run", "back"]);
    let names = ["outcome", "current_version", "stage"];
    assert_eq!(cells(&rows["000000000002"], &names), ["failed", "v2Token", "assume"]);
}

/// An interrupted run that began after a change had read another version.
#[test]
fn a_killed_run_after_a_change_leaves_a_doubt() {
    let bench = bench();
    run(&bench, "run", &["apply", "--yes"]).exits(0);
    bench.organization.control(|world| world.account_mut(1).change_externally(Some(TokenVersion::V1)));
    kill_at_the_set(&bench, "killed", &["apply", "--yes"], false);
    let (rows, _) = merged(&bench, &["run", "killed"]);
    assert_eq!(cells(&rows[FIRST], &["outcome", "error_code"]), ["unverified", "Interrupted"]);
}

#[test]
fn a_missing_part_is_told() {
    let bench = Bench::new(Organization::builder().accounts(30).unlimited().start());
    for part in ["0/3", "1/3"] {
        run(&bench, &part[..1], &["apply", "--yes", "--shard", part]).exits(0);
    }
    let (rows, verdict) = merged(&bench, &["0", "1"]);
    let missing = rows.values().filter(|row| row["error_code"] == "OtherShard").count();
    assert!(missing > 0, "the shards are not that uneven");
    let words = format!("; {missing} are in parts of --shard that are not among these runs");
    assert!(verdict.starts_with("not finished: ") && verdict.ends_with(&words), "{verdict}");
    run(&bench, "2", &["apply", "--yes", "--shard=2/3"]).exits(0);
    assert!(merged(&bench, &["0", "1", "2"]).1.starts_with("all of 30 selected accounts are on v2Token"));
}

/// Of two copies of a run, the one that knows more counts.
#[test]
fn an_older_copy_of_a_run_changes_nothing() {
    let bench = bench();
    kill_at_the_set(&bench, "run", &["apply", "--yes"], true);
    let copied = std::process::Command::new("cp").args(["-r", "run", "old"]).current_dir(bench.folder.path()).status();
    assert!(copied.expect("cp starts").success());
    bench.again("run", &["resume", "run", "--yes", "--rate=0"]).exits(0);
    run(&bench, "back", &["rollback", "run", "--yes"]).exits(0);
    let (rows, _) = merged(&bench, &["run", "old", "back"]);
    assert_eq!(cells(&rows[FIRST], &["outcome", "current_version"]), ["changed", "v1Token"]);
}

/// A journal that was cut short, or replaced by an older copy, is not shown as the whole run.
#[test]
fn a_journal_without_the_end_of_its_run_is_refused() {
    let bench = bench();
    run(&bench, "run", &["apply", "--yes"]).exits(0);
    rewrite(&bench.run_folder("run").join("journal.jsonl"), |text| {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        lines[..lines.len() - 4].concat()
    });
    for arguments in [&["report", "run"][..], &["resume", "run", "--yes"], &["rollback", "run", "--yes"]] {
        let refused = bench.again("run", arguments);
        assert_eq!(refused.code, 1, "{refused}");
        assert!(refused.stderr.contains("lacks the end of the run, which run.json has: all of 6"), "{refused}");
    }
}

/// A retry that is interrupted forgets no failure.
#[test]
fn an_interrupted_retry_keeps_the_failures() {
    let bench = Bench::new(
        Organization::builder().accounts(8).unlimited().each_account(|account| account.faults.deny_set = true).start(),
    );
    let apply = run(&bench, "run", &["apply", "--yes", "--max-errors=100%", "--waves=100%"]).exits(3);
    assert_eq!(apply.outcomes()["failed"], 8, "{apply}");
    let slow = Latency { iam: std::time::Duration::from_millis(300), ..Latency::default() };
    bench.organization.control(|world| world.set_latency(slow));
    let command = bench.bare(&["resume", "run", "--retry-failed", "--yes", "--rate=0", "--concurrency=1"]);
    let summaries = bench.truth().operations[&Operation::GetAccountSummary].requests;
    let mut running = Running::spawn(&bench, "run", command);
    running.until(|truth| truth.operations[&Operation::GetAccountSummary].requests > summaries).send("INT");
    let resumed = running.end().exits(130);
    assert_eq!(resumed.outcomes()["failed"], 8, "{resumed}");
    let codes: Vec<_> = resumed.rows().into_values().map(|row| row["error_code"].clone()).collect();
    assert!(codes.iter().all(|code| code == "AccessDenied"), "{codes:?}");
    let report = bench.again("run", &["report", "run", "--report=again.csv"]).exits(0);
    assert_eq!(read_csv(&bench.folder.path().join("again.csv")), resumed.rows(), "{report}");
}
