//! Compares the model of `docs/scale.md` with runs under the quotas that AWS publishes.

use std::time::Duration;

use v2token_simulator::{Latency, Organization};

use crate::floor::Failed;
use crate::measure::program;
use crate::table::{head, row};

/// Accounts on a page, and pages per second after the first 12: the published quota of ListAccounts.
const PAGE: f64 = 20.0;
const PAGES: f64 = 8.0;
const BURST: f64 = 12.0;
/// The seconds that the calls take: Organizations and STS, IAM.
const NEAR: f64 = 0.06;
const FAR: f64 = 0.12;
/// The program's own default of visits in flight.
const CONCURRENCY: f64 = 32.0;

/// Runs a plan and an apply at each size.
pub(crate) fn compare(sizes: &[usize], rate: u32) -> Result<(), Failed> {
    head(
        &format!("Quotas: ListAccounts 8/s, STS 600/s, 60 and 120 ms a call, --rate {rate}, 32 in flight, one wave"),
        &["accounts", "command", "what binds", "model", "measured", "measured to model"],
    )?;
    let latency = Latency {
        organizations: Duration::from_secs_f64(NEAR),
        sts: Duration::from_secs_f64(NEAR),
        iam: Duration::from_secs_f64(FAR),
    };
    for accounts in sizes {
        for command in ["plan", "apply"] {
            let organization =
                Organization::builder().accounts(*accounts).aws_limits().latency(latency).verify(false).start();
            let rate_option = format!("--rate={rate}");
            let arguments = match command {
                "plan" => vec!["plan", &rate_option],
                _ => vec!["apply", "--yes", "--waves=100%", &rate_option],
            };
            let wall = program(&organization, &arguments)?.wall.as_secs_f64();
            let (model, binds) = model(*accounts, rate, command);
            row(&[
                accounts.to_string(),
                command.to_owned(),
                binds,
                format!("{model:.0} s"),
                format!("{wall:.0} s"),
                format!("{:.2}", wall / model),
            ])?;
        }
    }
    Ok(())
}

/// Returns the predicted time in seconds, and the limit that determines it.
fn model(accounts: usize, rate: u32, command: &str) -> (f64, String) {
    let accounts = f64::from(u32::try_from(accounts).unwrap_or(u32::MAX));
    let pages = (accounts / PAGE).ceil();
    let (by_quota, by_latency) = ((pages - BURST).max(0.0) / PAGES, pages * NEAR);
    // GetCallerIdentity and DescribeOrganization. An apply makes the second call while it lists.
    let alone = if command == "plan" { 2.0 * NEAR } else { NEAR };
    let listing = by_quota.max(by_latency) + alone;
    let calls: f64 = if command == "plan" { 1.0 } else { 3.0 };
    let visit = calls.mul_add(FAR, NEAR);
    let pace = (CONCURRENCY / visit).min(if rate == 0 { 600.0 } else { f64::from(rate) });
    let visits = accounts / pace + visit;
    let listing_by = if by_quota > by_latency { "ListAccounts' quota" } else { "ListAccounts' latency" };
    let visits_by = if CONCURRENCY / visit < pace + 0.5 { "--concurrency" } else { "--rate" };
    match command {
        // A plan visits while it lists.
        "plan" if listing > visits => (listing + visit, listing_by.to_owned()),
        "plan" => (visits + alone, visits_by.to_owned()),
        _ if listing > visits => (listing + visits, format!("{listing_by}, then {visits_by}")),
        _ => (listing + visits, format!("{visits_by}, after the listing")),
    }
}
