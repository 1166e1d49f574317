//! How many calls `--verify token` makes, and that nothing else calls the global endpoint.

use std::time::Duration;

use v2token_simulator::{MANAGEMENT_ACCOUNT, Operation, RateLimit, Service, TokenVersion, Truth};

use super::{APPLY, NEVER, VERIFY, organization};
use crate::harness::{Bench, Run};

const THOUSAND: usize = 1_000;

/// The calls of a run in each member: those of the regional and of the global endpoint.
fn assumed(run: &Run) -> Vec<(u32, u32)> {
    let calls = |truth: &Truth| -> Vec<(u32, u32)> {
        let members = truth.accounts.iter().filter(|account| account.id != MANAGEMENT_ACCOUNT);
        let calls = members.map(|account| account.calls);
        calls.map(|calls| (calls.assume_role - calls.global_assume_role, calls.global_assume_role)).collect()
    };
    calls(&run.after)
        .into_iter()
        .zip(calls(&run.before))
        .map(|(after, before)| (after.0 - before.0, after.1 - before.1))
        .collect()
}

#[test]
fn one_call_more_for_each_of_a_thousand_accounts() {
    let bench = Bench::new(organization(THOUSAND, Duration::ZERO).start());
    let fast = ["--concurrency=250"];
    let plan = bench.run("plan", &[&["plan", "--rate=0", VERIFY][..], &fast].concat()).exits(0);
    assert!(assumed(&plan).iter().all(|calls| *calls == (1, 1)), "{plan}");
    assert_eq!(plan.calls(Operation::AssumeRole), 2 * 999, "{plan}");
    assert_eq!(plan.calls(Operation::SetSecurityTokenServicePreferences), 0, "{plan}");
    let apply = bench.run("run", &[&APPLY[..], &fast].concat()).exits(0).agrees(TokenVersion::V2);
    assert!(assumed(&apply).iter().all(|calls| *calls == (1, 1)), "{apply}");
    assert_eq!(apply.calls(Operation::SetSecurityTokenServicePreferences), 1_000, "{apply}");
}

/// With a lag, each account is asked again until its token is long: spaced, and a limited number of times.
#[test]
fn polls_are_bounded() {
    let bench = Bench::new(organization(40, Duration::from_millis(2_500)).start());
    let run = bench.run("run", &APPLY).exits(0).agrees(TokenVersion::V2);
    assert!(assumed(&run).iter().all(|(regional, global)| *regional == 1 && (2..=8).contains(global)), "{run}");
}

/// The quota of the global endpoint is another one, so throttles there do not lower the rate of the visits.
#[test]
fn a_throttle_of_the_global_endpoint_lowers_nothing_else() {
    let bench =
        Bench::new(organization(60, Duration::ZERO).each_account(|account| account.faults.global.throttle = 2).start());
    let run = bench.run("plan", &["plan", "--rate=200", VERIFY, "--log-format=json", "-v"]).exits(0);
    assert_eq!(run.after.fault("global_throttle"), 2 * 59, "{run}");
    assert!(run.rows().values().filter(|row| row["issued_version"] == "v1Token").count() == 59, "{run}");
    let lines = run.stderr.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let rates: Vec<f64> = lines.filter_map(|line| line["rate"].as_f64()).collect();
    assert!(rates.iter().all(|rate| (rate - 200.0).abs() < 0.1), "{rates:?}");
}

/// The ledger of the simulator: which commands call the global endpoint.
#[test]
fn nothing_else_calls_the_global_endpoint() {
    let bench = Bench::new(organization(5, NEVER).opt_in_region("ap-east-1").start());
    let before = bench.truth();
    bench.run("plan", &["plan", "--rate=0"]).exits(0);
    bench.run("region", &["plan", "--rate=0", "--verify=token=ap-east-1"]).exits(0);
    bench.run("run", &["apply", "--yes", "--rate=0", "--plan", "plan"]).exits(0);
    bench.run("again", &["apply", "--yes", "--rate=0", "--verify=none"]).exits(0);
    bench.again("run", &["resume", "run", "--yes", "--retry-failed"]);
    bench.run("back", &["rollback", "run", "--yes", "--rate=0"]).exits(0);
    for arguments in [
        &["doctor", "--no-global"][..],
        &["report", "run"],
        &["report", "run", "--against", "plan"],
        &["runs"],
        &["history", "000000000001", "--runs-dir=."],
        &["policy", "caller"],
        &["iam", "get-account-summary", "--region=eu-west-1"],
    ] {
        bench.again("none", arguments).exits(0);
    }
    let after = bench.truth();
    assert_eq!(after.global_assume_roles, before.global_assume_roles);
    let regions: Vec<&String> = after.signing_regions[&Service::Sts].keys().collect();
    assert_eq!(regions, ["eu-west-1"]);
    let audit = bench.run("audit", &["plan", "--rate=0", VERIFY]).exits(0);
    assert_eq!(audit.after.global_assume_roles - after.global_assume_roles, 4, "{audit}");
}

/// The rate of the global endpoint has the limit of `--rate`, too.
#[test]
fn the_global_endpoint_is_called_at_its_own_rate() {
    let builder = organization(30, Duration::ZERO).throttle(Operation::AssumeRole, RateLimit::new(1_000.0, 1_000.0));
    let bench = Bench::new(builder.start());
    let run = bench.run("plan", &["plan", "--rate=20", VERIFY]).exits(0);
    let arrivals = &run.after.assume_role_arrivals_ms;
    assert_eq!(arrivals.len(), 2 * 29, "{run}");
    let span = arrivals.last().unwrap_or(&0) - arrivals.first().unwrap_or(&0);
    assert!((1_200..6_000).contains(&span), "29 visits at 20 a second, and as many calls beside them: {span} ms");
}
