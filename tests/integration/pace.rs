//! The rate limiter, measured by the arrival times of AssumeRole calls.

use std::time::Duration;

use v2token_simulator::{Latency, Organization, TokenVersion};

use crate::harness::Bench;

const RATE: u32 = 100;
/// The tolerance: catching up after a late start, and one call at each end of the window.
const BURST: u32 = 6;

/// The most arrivals in any window of one second.
fn most_in_a_second(arrivals: &[u32]) -> u32 {
    let in_window = |start: &u32| arrivals.iter().filter(|at| (*start..*start + 1_000).contains(at)).count();
    let most = arrivals.iter().map(in_window).max().unwrap_or_default();
    u32::try_from(most).expect("as many as there are accounts")
}

/// A busy machine may accept calls late and then several at once, which looks like a burst that the program did not cause, and it may
/// make the whole run slow. A program that sends too fast or too slowly does so every time, so one good measurement is enough.
#[test]
fn rate_is_never_exceeded_and_nearly_reached() {
    let mut measured = Vec::new();
    for _ in 0..12 {
        let bench = Bench::new(Organization::builder().accounts(300).start());
        let arguments = ["apply", "--yes", "--rate=100", "--concurrency=64", "--waves=100%"];
        let run = bench.run("run", &arguments).exits(0).agrees(TokenVersion::V2);
        let arrivals = &run.after.assume_role_arrivals_ms;
        assert_eq!(arrivals.len(), 299, "all but the management account");
        let span = arrivals.iter().max().unwrap() - arrivals.iter().min().unwrap();
        let average = 298.0 * 1_000.0 / f64::from(span);
        let most = most_in_a_second(arrivals);
        println!("--rate 100: {average:.1} per second over the run, {most} in the busiest second");
        assert!(average <= f64::from(RATE + BURST), "{average} per second");
        measured.push((average, most));
        if average >= 60.0 && most <= RATE + BURST {
            return;
        }
    }
    panic!("less than 60 a second, or more than {RATE} and a burst of {BURST} in one, every time: {measured:?}");
}

/// With any `--concurrency`, few accounts are entered before the first one has answered.
#[test]
fn a_cold_start_enters_few_accounts_at_once() {
    const ANSWER: u32 = 400;
    let sts = Duration::from_millis(ANSWER.into());
    let world =
        Organization::builder().accounts(300).latency(Latency { sts, ..Latency::default() }).unlimited().start();
    let bench = Bench::new(world);
    let run = bench.run("run", &["plan", "--rate=0", "--concurrency=300"]).exits(0);
    let arrivals = &run.after.assume_role_arrivals_ms;
    let first = *arrivals.iter().min().expect("accounts are entered");
    let before = |after: u32| arrivals.iter().filter(|at| **at < first + after).count();
    assert!(before(ANSWER - 10) <= 64, "{} at once", before(ANSWER - 10));
    assert_eq!(arrivals.len(), 299);
}
