//! Plans that visit while they list, and shards of array jobs.

use std::collections::BTreeSet;
use std::time::Duration;

use v2token_simulator::{Latency, ListingFault, Operation, Organization, TokenVersion, Truth};

use crate::harness::Bench;
use crate::running::Running;

/// 11 pages of 20 accounts, which take a second to list.
const ACCOUNTS: usize = 215;
const PAGES: u64 = 11;

fn slow_listing() -> v2token_simulator::Builder {
    let latency = Latency { organizations: Duration::from_millis(100), ..Latency::default() };
    Organization::builder().accounts(ACCOUNTS).latency(latency).unlimited()
}

fn visits(truth: &Truth) -> u64 {
    truth.requests(Operation::AssumeRole)
}

#[test]
fn a_plan_reads_while_it_lists_and_an_apply_does_not() {
    for (arguments, overlaps) in [
        (&["plan", "--rate=0"][..], true),
        (&["plan", "--rate=0", "--name=*", "--exclude-name=nobody"], true),
        // Named accounts must be found in the list first.
        (&["plan", "--rate=0", "--exclude-account=000000000007"], false),
        (&["plan", "--rate=0", "--max-errors=10%"], false),
        (&["apply", "--rate=0", "--yes"], false),
    ] {
        let bench = Bench::new(slow_listing().start());
        let mut running = Running::start(&bench, "run", arguments);
        running.until(|truth| visits(truth) > 0);
        let listed = bench.truth().requests(Operation::ListAccounts);
        assert_eq!(listed < PAGES, overlaps, "{arguments:?}: {listed} pages at the first visit");
        let run = running.end().exits(0);
        assert_eq!(run.rows().len(), ACCOUNTS, "{arguments:?}\n{run}");
        if arguments[0] == "plan" {
            run.agrees(TokenVersion::V1);
        } else {
            run.agrees(TokenVersion::V2);
        }
    }
}

#[test]
fn the_report_is_sorted_by_id() {
    let bench = Bench::new(slow_listing().start());
    let run = bench.run("run", &["plan", "--rate=0", "--output=csv"]).exits(0);
    let ids: Vec<&str> = run.stdout.lines().skip(1).map(|line| &line[..12]).collect();
    assert!(ids.is_sorted() && ids.len() == ACCOUNTS, "{run}");
    // The waves and canaries of the following apply do not depend on how the plan was made.
    let plan = format!("--plan={}", run.folder.display());
    bench.run("apply", &["apply", "--yes", "--rate=0", &plan]).exits(0).agrees(TokenVersion::V2);
}

#[test]
fn a_failed_list_makes_no_plan() {
    let fault = ListingFault::RepeatedToken { page: 8 };
    let bench = Bench::new(slow_listing().listing(fault).start());
    let run = bench.run("run", &["plan", "--rate=0"]).exits(1);
    assert!(run.calls(Operation::AssumeRole) > 0, "it had begun to read\n{run}");
    run.made_no_plan("no plan was made, and nothing was changed: the accounts could not be listed");
}

#[test]
fn a_signal_while_listing_leaves_no_folder() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let bench = Bench::new(slow_listing().start());
        let mut running = Running::start(&bench, "run", &["plan", "--rate=0"]);
        running.until(|truth| visits(truth) > 0).send(signal);
        running.end().exits(code).made_no_plan("no plan was made, and nothing was changed: stopped by SIG");
    }
}

#[test]
fn an_empty_selection_is_refused_after_the_listing() {
    let bench = Bench::new(slow_listing().start());
    let run = bench.run("run", &["plan", "--name=nobody-*"]).exits(1);
    run.attempted_nothing(
        "the selection is empty: of 215 accounts in the Organization, 0 have a name that matches --name",
    );
}

#[test]
fn an_account_listed_twice_is_visited_once() {
    let bench = Bench::new(slow_listing().listing(ListingFault::Duplicates).start());
    let run = bench.run("run", &["plan", "--rate=0"]).exits(0).agrees(TokenVersion::V1);
    assert_eq!(run.calls(Operation::AssumeRole), ACCOUNTS as u64 - 1, "{run}");
}

#[test]
fn array_jobs_share_the_accounts() {
    let bench = Bench::new(Organization::builder().accounts(40).unlimited().start());
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for index in 0..3 {
        let name = format!("part-{index}");
        let mut command = bench.command(&name, &["apply", "--yes", "--rate=0", "--waves=100%", "--shard=auto"]);
        command.env("AWS_BATCH_JOB_ARRAY_INDEX", index.to_string()).env("AWS_BATCH_JOB_ARRAY_SIZE", "3");
        let run = bench.finish(&name, command).exits(0);
        for (id, row) in run.rows() {
            match row["outcome"].as_str() {
                "changed" => assert!(seen.insert(id), "two parts had it\n{run}"),
                "skipped" => assert_eq!(row["error_code"], "OtherShard", "{run}"),
                other => panic!("{other}\n{run}"),
            }
        }
    }
    assert_eq!(seen.len(), 40);
    let mut command = bench.command("kubernetes", &["plan", "--shard=auto/2"]);
    command.env("JOB_COMPLETION_INDEX", "1");
    bench.finish("kubernetes", command).exits(0);
    for (variables, says) in [
        (&[][..], "this is not a job of an array"),
        (&[("JOB_COMPLETION_INDEX", "1")], "give --shard auto/N"),
        (&[("AWS_BATCH_JOB_ARRAY_INDEX", "3"), ("AWS_BATCH_JOB_ARRAY_SIZE", "3")], "the last of 3 is 2/3"),
    ] {
        let mut command = bench.command("wrong", &["plan", "--shard=auto"]);
        command.envs(variables.iter().copied());
        bench.finish("wrong", command).exits(2).attempted_nothing(says);
    }
}

/// A report's cells about the accounts, without those that depend on the run.
fn facts(csv: &std::path::Path) -> Vec<Vec<String>> {
    // A refusal has the session and a unique id in its message, so only its code is compared.
    let of_the_run =
        ["error_message", "request_id", "attempts", "wave", "sts_endpoint", "started_at", "duration_ms", "run_id"];
    let rows = crate::harness::read_csv(csv);
    let kept = |row: &crate::harness::Row| {
        let mut cells: Vec<_> = row.iter().filter(|(name, _)| !of_the_run.contains(&name.as_str())).collect();
        cells.sort();
        cells.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    };
    rows.values().map(kept).collect()
}

#[test]
fn eight_shards_together_equal_one_process() {
    let organization = || {
        let builder = Organization::builder().accounts(120).realistic(true).unlimited();
        Bench::new(builder.each_account(|account| account.faults.deny_set = account.id().number() % 17 == 3).start())
    };
    let (one, eight) = (organization(), organization());
    // Each process would ask AWS about the denial of another account.
    let apply = ["apply", "--yes", "--rate=0", "--waves=100%", "--max-errors=100%", "--no-explain"];
    let whole = one.run("whole", &apply);
    let parts: Vec<String> = (0..8).map(|index| format!("part-{index}")).collect();
    let jobs = parts.iter().enumerate().map(|(index, name)| {
        let mut command = eight.command(name, &[&apply[..], &["--shard=auto/8"]].concat());
        command.env("JOB_COMPLETION_INDEX", index.to_string());
        Running::spawn(&eight, name, command)
    });
    // All at once, as in an array job.
    let jobs: Vec<Running<'_>> = jobs.collect();
    for job in jobs {
        job.end();
    }
    let merged = eight.folder.path().join("merged.csv");
    let mut report = eight.bare(&["report", "--output=json"]);
    report.args(parts.iter().map(|name| eight.folder.path().join(name)));
    report.arg(format!("--report={}", merged.display()));
    let report = eight.finish("none", report).exits(0);
    assert_eq!(facts(&merged), facts(&whole.folder.join("report.csv")), "{report}");
    let json: serde_json::Value = serde_json::from_str(&report.stdout).expect("JSON");
    let single = std::fs::read_to_string(whole.folder.join("report.json")).expect("a report");
    let single: serde_json::Value = serde_json::from_str(&single).expect("JSON");
    assert_eq!(json["summary"], single["summary"], "{report}");
    assert_eq!(json["run"]["verdict"]["exit_code"], single["run"]["verdict"]["exit_code"], "{report}");
    assert_eq!(json["run"]["run_id"].as_str().expect("ids").split('+').count(), 8);
}
