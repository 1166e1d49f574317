//! This module owns the plan that visits while it still lists, and the parts that engines of array jobs deal out.

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
        // What is named has to be looked up first.
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
fn the_order_of_the_report_is_that_of_the_ids_all_the_same() {
    let bench = Bench::new(slow_listing().start());
    let run = bench.run("run", &["plan", "--rate=0", "--output=csv"]).exits(0);
    let ids: Vec<&str> = run.stdout.lines().skip(1).map(|line| &line[..12]).collect();
    assert!(ids.is_sorted() && ids.len() == ACCOUNTS, "{run}");
    // The waves and the canaries of the apply that follows do not depend on how the plan came about.
    let plan = format!("--plan={}", run.folder.display());
    bench.run("apply", &["apply", "--yes", "--rate=0", &plan]).exits(0).agrees(TokenVersion::V2);
}

#[test]
fn a_list_that_breaks_off_makes_no_plan_even_if_accounts_were_read() {
    let fault = ListingFault::RepeatedToken { page: 8 };
    let bench = Bench::new(slow_listing().listing(fault).start());
    let run = bench.run("run", &["plan", "--rate=0"]).exits(1);
    assert!(run.calls(Operation::AssumeRole) > 0, "it had begun to read\n{run}");
    run.made_no_plan("no plan was made, and nothing was changed: the accounts could not be listed");
}

#[test]
fn a_signal_while_the_accounts_are_listed_leaves_nothing_behind() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let bench = Bench::new(slow_listing().start());
        let mut running = Running::start(&bench, "run", &["plan", "--rate=0"]);
        running.until(|truth| visits(truth) > 0).send(signal);
        running.end().exits(code).made_no_plan("no plan was made, and nothing was changed: stopped by SIG");
    }
}

#[test]
fn a_selection_that_comes_to_nothing_is_found_out_once_all_are_listed() {
    let bench = Bench::new(slow_listing().start());
    let run = bench.run("run", &["plan", "--name=nobody-*"]).exits(1);
    run.attempted_nothing(
        "the selection is empty: of 215 accounts in the Organization, 0 have a name that fits --name",
    );
}

#[test]
fn an_account_that_is_listed_twice_is_visited_once() {
    let bench = Bench::new(slow_listing().listing(ListingFault::Duplicates).start());
    let run = bench.run("run", &["plan", "--rate=0"]).exits(0).agrees(TokenVersion::V1);
    assert_eq!(run.calls(Operation::AssumeRole), ACCOUNTS as u64 - 1, "{run}");
}

#[test]
fn the_jobs_of_an_array_share_the_accounts() {
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
        (&[][..], "this is no job of an array"),
        (&[("JOB_COMPLETION_INDEX", "1")], "give --shard auto/N with the number of jobs"),
        (&[("AWS_BATCH_JOB_ARRAY_INDEX", "3"), ("AWS_BATCH_JOB_ARRAY_SIZE", "3")], "the last of 3 is 2/3"),
    ] {
        let mut command = bench.command("wrong", &["plan", "--shard=auto"]);
        command.envs(variables.iter().copied());
        bench.finish("wrong", command).exits(2).attempted_nothing(says);
    }
}
