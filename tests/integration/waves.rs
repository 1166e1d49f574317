//! Waves, canaries, `--bake` and `--max-errors` end to end.

use std::collections::BTreeMap;

use v2token_simulator::{AccountId, AccountState, Builder, MANAGEMENT_ACCOUNT, Operation, Organization, TokenVersion};

use crate::harness::{Bench, Row, Run, accounts_with};

/// Five hundred accounts, of which sixty (12 %) refuse the role.
fn five_hundred() -> Builder {
    Organization::builder().accounts(500).unlimited().each_account(|account| {
        account.faults.deny_assume = matches!(account.id().number() % 25, 5 | 13 | 21);
    })
}

const APPLY: [&str; 3] = ["apply", "--yes", "--rate=0"];

fn apply(bench: &Bench, arguments: &[&str]) -> Run {
    bench.run("run", &[&APPLY[..], arguments].concat())
}

/// The number of visited accounts by wave.
fn sizes(rows: &BTreeMap<String, Row>) -> BTreeMap<String, usize> {
    let mut sizes = BTreeMap::new();
    for row in rows.values() {
        *sizes.entry(row["wave"].clone()).or_default() += 1;
    }
    sizes
}

/// Fails unless --max-errors stopped the run and the remaining accounts were not touched.
fn stopped(run: Run) -> Run {
    let run = run.exits(5).agrees(TokenVersion::V2).says(&["stopped by --max-errors", "v2token resume"]);
    let rows = run.rows();
    for id in accounts_with(&rows, "not_attempted") {
        let account = run.after.account(id.as_str());
        assert_eq!((account.calls.assume_role, account.calls.get_account_summary), (0, 0), "{id} was visited\n{run}");
    }
    assert!(run.outcomes().contains_key("not_attempted"), "{run}");
    run
}

#[test]
fn too_many_failures_stop_a_run_and_visits_in_flight_finish() {
    let bench = Bench::new(five_hundred().start());
    let run = stopped(apply(&bench, &[]));
    let outcomes = run.outcomes();
    assert_eq!(outcomes.values().sum::<usize>(), 500, "{outcomes:?}");
    assert!(outcomes["failed"] <= 50 + 32, "{outcomes:?}");
    let (visited, sizes) = (outcomes["changed"] + outcomes["failed"], sizes(&run.rows()));
    assert!(visited <= 1 + 49 || sizes.contains_key("3"), "the waves are 1, 49 and 450: {sizes:?}");
    assert_eq!(run.calls(Operation::AssumeRole), visited as u64, "the management account is not reached yet\n{run}");
}

#[test]
fn max_errors_is_respected() {
    // --max-errors, the exit code, and the least and most failures, with 32 visits in flight.
    let table = [
        ("0", 5, 1..=33),
        ("20", 5, 21..=53),
        ("60", 3, 60..=60),
        ("5%", 5, 26..=58),
        ("12%", 3, 60..=60),
        ("100%", 3, 60..=60),
    ];
    for (tolerance, code, failed) in table {
        let bench = Bench::new(five_hundred().start());
        let run = apply(&bench, &["--waves=100%", "--max-errors", tolerance]).exits(code).agrees(TokenVersion::V2);
        let outcomes = run.outcomes();
        assert!(failed.contains(&outcomes["failed"]), "--max-errors {tolerance}: {outcomes:?}");
        if code == 3 {
            assert_eq!(outcomes["changed"], 440, "--max-errors {tolerance}: {outcomes:?}");
        }
    }
}

#[test]
fn waves_have_the_given_sizes() {
    let table: [(&str, &[usize]); 5] =
        [("5,50%", &[5, 15, 20]), ("1,10%,100%", &[1, 3, 36]), ("100%", &[40]), ("39", &[39, 1]), ("1%", &[1, 39])];
    for (waves, expected) in table {
        let bench = Bench::new(Organization::builder().accounts(40).unlimited().start());
        let run = apply(&bench, &["--waves", waves]).exits(0).agrees(TokenVersion::V2);
        let expected: BTreeMap<String, usize> =
            expected.iter().enumerate().map(|(index, size)| ((index + 1).to_string(), *size)).collect();
        assert_eq!(sizes(&run.rows()), expected, "--waves {waves}");
    }
}

#[test]
fn a_wave_ends_before_the_next_one_starts() {
    let bench = Bench::new(Organization::builder().accounts(40).unlimited().start());
    let run = apply(&bench, &["--waves=5,50%,100%"]).exits(0).agrees(TokenVersion::V2);
    let rows = run.rows();
    let waves: Vec<&str> =
        run.after.set_arrivals.iter().map(|(id, _)| rows[&id.to_string()]["wave"].as_str()).collect();
    assert!(waves.is_sorted(), "{waves:?}");
}

#[test]
fn named_canaries_are_the_first_wave() {
    let bench = Bench::new(Organization::builder().accounts(40).unlimited().start());
    let run = apply(&bench, &["--canary=000000000007,000000000023"]).exits(0).agrees(TokenVersion::V2);
    let rows = run.rows();
    for (id, row) in &rows {
        let is_named = id == "000000000007" || id == "000000000023";
        assert_eq!(row["wave"] == "1", is_named, "{id}: {row:#?}");
    }
    let first: Vec<u64> = run.after.set_arrivals.iter().take(2).map(|(id, _)| id.number()).collect();
    assert!(first == [7, 23] || first == [23, 7], "{first:?}");

    let unknown = bench.run("unknown", &["apply", "--yes", "--canary=000000000777"]).exits(1);
    unknown.attempted_nothing("000000000777");
}

#[test]
fn a_failed_canary_stops_the_run() {
    let bench = Bench::new(five_hundred().start());
    let run = stopped(apply(&bench, &["--canary=000000000021"]));
    let outcomes: Vec<(String, usize)> = run.outcomes().into_iter().collect();
    assert_eq!(outcomes, [("failed".to_owned(), 1), ("not_attempted".to_owned(), 499)], "{run}");
    assert_eq!(run.calls(Operation::AssumeRole), 1, "{run}");
}

#[test]
fn bake_delays_the_next_wave() {
    let bench = Bench::new(Organization::builder().accounts(12).unlimited().start());
    let run = apply(&bench, &["--waves=2,50%,100%", "--bake=1s"]).exits(0).agrees(TokenVersion::V2);
    let rows = run.rows();
    let mut spans: BTreeMap<&str, (u32, u32)> = BTreeMap::new();
    for (id, at) in &run.after.set_arrivals {
        let span = spans.entry(rows[&id.to_string()]["wave"].as_str()).or_insert((*at, *at));
        *span = (span.0.min(*at), span.1.max(*at));
    }
    let spans: Vec<(u32, u32)> = spans.into_values().collect();
    assert_eq!(spans.len(), 3, "{spans:?}");
    for pair in spans.windows(2) {
        assert!(pair[1].0 >= pair[0].1 + 1_000, "less than a second between waves: {spans:?}");
    }
}

#[test]
fn skipped_accounts_count_neither_for_waves_nor_for_max_errors() {
    let builder = Organization::builder().accounts(40).unlimited().each_account(|account| {
        if account.id().number() <= 20 {
            account.state = AccountState::Suspended;
        }
    });
    let bench = Bench::new(builder.start());
    let run = apply(&bench, &["--max-errors=0", "--waves=50%"]).exits(0).agrees(TokenVersion::V2);
    let expected = [(String::new(), 20), ("1".to_owned(), 10), ("2".to_owned(), 10)];
    assert_eq!(sizes(&run.rows()).into_iter().collect::<Vec<_>>(), expected, "{run}");
}

/// An Organization whose accounts with these ids can't be set.
fn failing(accounts: usize, failing: &'static [u64]) -> Builder {
    let fails = |id: AccountId| id != MANAGEMENT_ACCOUNT && failing.contains(&id.number());
    Organization::builder()
        .accounts(accounts)
        .unlimited()
        .each_account(move |account| account.faults.deny_set = fails(account.id()))
}

/// Of fewer than ten accounts, a percentage allows one failure in any wave but the first.
#[test]
fn one_failure_in_a_small_organization_stops_only_the_first_wave() {
    // The accounts that fail, the tolerance, the exit code, and how many accounts are not attempted.
    let table: [(&[u64], &str, i32, usize); 6] = [
        (&[], "10%", 0, 0),
        (&[3], "10%", 3, 0),
        (&[1], "10%", 5, 7),
        (&[3], "0%", 5, 1),
        (&[2, 3, 4, 5, 6, 7], "10%", 5, 1),
        (&[2, 3, 4, 5, 6, 7], "100%", 3, 0),
    ];
    for (failing_accounts, tolerance, code, left_at_least) in table {
        let bench = Bench::new(failing(8, failing_accounts).start());
        let arguments = ["apply", "--yes", "--rate=0", "--concurrency=1", "--canary=000000000001", "--max-errors"];
        let run = bench.run("run", &[&arguments[..], &[tolerance]].concat()).exits(code);
        let left = run.outcomes().get("not_attempted").copied().unwrap_or(0);
        assert!(left >= left_at_least && (left > 0) == (code == 5), "{failing_accounts:?} {tolerance}: {left}\n{run}");
    }
}
