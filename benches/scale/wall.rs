//! Compares wall times: the lower bound by concurrency and rate, the bare loop, and an apply.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::iter::repeat_n;
use std::time::Duration;

use v2token_simulator::{Latency, Organization};

use crate::floor::Failed;
use crate::measure::{floor, program};
use crate::table::{head, row};

const LATENCY: Latency = Latency {
    organizations: Duration::from_millis(60),
    sts: Duration::from_millis(60),
    iam: Duration::from_millis(120),
};

/// The number of accounts that v2token enters at once at a cold start. Each answer adds one.
const START: usize = 64;

/// Pairs of runs for each setting; the fastest one counts, because disturbances only make a run slower.
const PAIRS: usize = 3;

/// Compares them at several concurrencies, with a rate, and with five times as many accounts, over which the cost of the start is
/// spread.
pub(crate) fn compare(accounts: usize) -> Result<(), Failed> {
    head(
        "Wall time: 60 ms for Organizations and STS, 120 ms for IAM, one wave",
        &[
            "accounts",
            "in flight",
            "rate",
            "dictated, all at once",
            "dictated, slow start",
            "bare loop",
            "v2token",
            "v2token to dictated",
            "v2token to bare loop",
        ],
    )?;
    for (accounts, concurrency, rate) in
        [(accounts, 64, 0), (accounts, 256, 0), (accounts * 5, 256, 0), (accounts, 64, 100)]
    {
        let [at_once, dictated] = [concurrency, START].map(|start| dictated(accounts, concurrency, rate, start));
        let (mut bare, mut run) = (Duration::MAX, Duration::MAX);
        for _ in 0..PAIRS {
            if rate == 0 {
                bare = bare.min(floor(&world(accounts), concurrency, &[])?.wall);
            }
            let (width, pace) = (format!("--concurrency={concurrency}"), format!("--rate={rate}"));
            run = run.min(program(&world(accounts), &["apply", "--yes", "--waves=100%", &width, &pace])?.wall);
        }
        let seconds = |wall: Duration| format!("{:.2} s", wall.as_secs_f64());
        row(&[
            accounts.to_string(),
            concurrency.to_string(),
            if rate == 0 { "no limit".to_owned() } else { format!("{rate}/s") },
            seconds(at_once),
            seconds(dictated),
            if rate == 0 { seconds(bare) } else { "–".to_owned() },
            seconds(run),
            format!("{:.2}", run.as_secs_f64() / dictated.as_secs_f64()),
            if rate == 0 { format!("{:.2}", run.as_secs_f64() / bare.as_secs_f64()) } else { "–".to_owned() },
        ])?;
    }
    Ok(())
}

/// The lower bound by the settings: GetCallerIdentity and all pages one after the other, then the visits, limited by the concurrency
/// or the rate. The first `start` visits begin at once.
fn dictated(accounts: usize, concurrency: usize, rate: u32, start: usize) -> Duration {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let listing = LATENCY.sts + LATENCY.organizations * count(accounts.div_ceil(20));
    let visit = LATENCY.sts + LATENCY.iam * 3;
    if rate > 0 {
        return listing + Duration::from_secs_f64(f64::from(count(accounts)) / f64::from(rate)) + visit;
    }
    // Each answer allows one more visit in flight, so the number of visits doubles with each round trip.
    let places = (0..).flat_map(|trip| repeat_n(LATENCY.sts * trip, start << trip)).take(concurrency);
    let mut free: BinaryHeap<_> = places.map(Reverse).collect();
    let mut end = Duration::ZERO;
    for _ in 0..accounts {
        let Some(Reverse(begin)) = free.pop() else { break };
        end = end.max(begin + visit);
        free.push(Reverse(begin + visit));
    }
    listing + end
}

fn world(accounts: usize) -> Organization {
    Organization::builder().accounts(accounts).latency(LATENCY).unlimited().verify(false).start()
}
