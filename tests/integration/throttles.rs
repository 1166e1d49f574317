//! Throttling in the accounts makes no account fail.

use std::time::{Duration, Instant};

use v2token_simulator::{Operation, Organization, PerCall, TokenVersion};

use crate::harness::Bench;

/// The SDK's own retries share one quota among all accounts, which would be used up after a few dozen.
#[test]
fn a_thousand_throttled_accounts_all_succeed() {
    let builder = Organization::builder().accounts(1_000);
    let bench = Bench::new(builder.each_account(|account| account.faults.throttle = PerCall::all(3)).start());
    let begin = Instant::now();
    let run = bench.run("run", &["apply", "--yes", "--rate=0", "--concurrency=64"]).exits(0).agrees(TokenVersion::V2);
    println!("1,000 accounts, each throttled three times at every call: {:.1?}", begin.elapsed());
    assert_eq!(run.outcomes()["changed"], 1_000);
    // The management account needs no AssumeRole, and is throttled at its other two calls.
    assert_eq!(run.calls(Operation::AssumeRole), 999 * 4);
    assert_eq!(run.after.fault("throttle"), 999 * 9 + 6);
    let journal = std::fs::read_to_string(run.folder.join("journal.jsonl")).expect("the journal");
    let entries = journal.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).expect("an entry"));
    let counted: u64 = entries.filter_map(|entry| entry["throttled"].as_u64()).sum();
    assert_eq!(counted, 999 * 9 + 6, "the records say how often each visit was throttled");
    assert!(begin.elapsed() < Duration::from_mins(2), "no healthy account may be held up by the others");
}
