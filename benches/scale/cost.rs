//! Compares the CPU time and memory of an apply, with all that it writes, with those of the bare loop, which has either allocator.

use v2token_simulator::Organization;

use crate::floor::Failed;
use crate::measure::{Cost, floor, floor_with_mimalloc, program};
use crate::table::{head, row, spread};

/// Visits in flight.
const CONCURRENCY: usize = 64;

/// Compares them for each size, with this many runs of each.
pub(crate) fn compare(sizes: &[usize], rounds: usize) -> Result<(), Failed> {
    head(
        "CPU and memory: list, assume, read, set, read back; v2token with journal, CSV, JSON and page",
        &[
            "accounts",
            "bare loop, CPU",
            "bare loop with mimalloc, CPU",
            "v2token, CPU",
            "ratio",
            "ratio with mimalloc",
            "for each account",
            "bare loop, peak",
            "v2token, peak",
        ],
    )?;
    for accounts in sizes {
        let (mut loops, mut with_mimalloc, mut runs) = (Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            // In another order each time, so that changes of the machine's load affect all.
            for step in 0..3 {
                match (round + step) % 3 {
                    0 => loops.push(floor(&world(*accounts), CONCURRENCY, &[])?),
                    1 => with_mimalloc.push(floor_with_mimalloc(&world(*accounts), CONCURRENCY)?),
                    _ => runs.push(apply(*accounts)?),
                }
            }
        }
        let ratios = |loops: &[Cost]| {
            spread(runs.iter().zip(loops).map(|(run, bare)| run.cpu.as_secs_f64() / bare.cpu.as_secs_f64()).collect())
        };
        let (bare, run) = (middle(&loops), middle(&runs));
        let peak =
            |costs: &[Cost]| costs.iter().max_by_key(|cost| cost.peak_kib).map(Cost::peak_mib).unwrap_or_default();
        row(&[
            accounts.to_string(),
            format!("{:.2} s", bare.cpu.as_secs_f64()),
            format!("{:.2} s", middle(&with_mimalloc).cpu.as_secs_f64()),
            format!("{:.2} s", run.cpu.as_secs_f64()),
            ratios(&loops),
            ratios(&with_mimalloc),
            format!("{:.2} ms, {:.2} ms", each(*accounts, &bare), each(*accounts, &run)),
            peak(&loops),
            peak(&runs),
        ])?;
    }
    Ok(())
}

fn apply(accounts: usize) -> Result<Cost, Failed> {
    let concurrency = CONCURRENCY.to_string();
    program(&world(accounts), &["apply", "--yes", "--bake=0s", "--rate=0", "--concurrency", &concurrency])
}

/// An Organization in which every account needs the Set.
fn world(accounts: usize) -> Organization {
    Organization::builder().accounts(accounts).unlimited().verify(false).start()
}

fn middle(costs: &[Cost]) -> Cost {
    let mut costs = costs.to_vec();
    costs.sort_by_key(|cost| cost.cpu);
    costs[costs.len() / 2]
}

/// Runs of each choice; the cheapest one counts.
const RUNS: usize = 3;

/// Compares the ways to use the SDK's IAM client.
pub(crate) fn choices(accounts: usize) -> Result<(), Failed> {
    head(
        &format!("The bare loop over {accounts} accounts, by the client of IAM"),
        &["client of IAM", "CPU for each account", "ratio", "peak"],
    )?;
    let table: [(&str, &[&str]); 2] =
        [("one, credentials with each call", &[]), ("one for each account", &["--client-each"])];
    let mut costs: Vec<Vec<Cost>> = vec![Vec::new(); table.len()];
    for _ in 0..RUNS {
        for ((_, choices), costs) in table.iter().zip(&mut costs) {
            costs.push(floor(&world(accounts), CONCURRENCY, choices)?);
        }
    }
    let cheapest = |costs: &[Cost]| costs.iter().min_by_key(|cost| cost.cpu).copied().ok_or("no run");
    let first = cheapest(&costs[0])?;
    for ((client, _), costs) in table.iter().zip(&costs) {
        let cost = cheapest(costs)?;
        row(&[
            (*client).to_owned(),
            format!("{:.2} ms", each(accounts, &cost)),
            format!("{:.2}", cost.cpu.as_secs_f64() / first.cpu.as_secs_f64()),
            cost.peak_mib(),
        ])?;
    }
    Ok(())
}

/// The CPU time for one account, in milliseconds.
fn each(accounts: usize, cost: &Cost) -> f64 {
    1_000.0 * cost.cpu.as_secs_f64() / f64::from(u32::try_from(accounts).unwrap_or(u32::MAX))
}
