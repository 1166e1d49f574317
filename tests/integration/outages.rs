//! Outages of Organizations and of the network: at the start, while listing, and during an apply.

use std::time::Duration;

use v2token_simulator::{Builder, Latency, Network, Noise, Operation, Organization, Service, TokenVersion};

use crate::harness::Bench;
use crate::running::Running;

/// Eight pages, which take 0.4 s to list.
const ACCOUNTS: usize = 160;
const PAGES: u64 = 8;

fn slow_listing() -> Builder {
    let latency = Latency { organizations: Duration::from_millis(50), ..Latency::default() };
    Organization::builder().accounts(ACCOUNTS).latency(latency).unlimited()
}

/// One kind of random fault.
type NetworkFault = fn(&mut Noise);

fn noise(change: NetworkFault) -> Noise {
    let mut noise = Noise { service: Some(Service::Organizations), seed: 7, ..Noise::default() };
    change(&mut noise);
    noise
}

/// Two in five calls of Organizations fail, and the list is complete nevertheless.
#[test]
fn a_list_with_many_failures_is_complete() {
    let kinds: [NetworkFault; 4] = [
        |noise| noise.reset = 0.4,
        |noise| noise.truncated = 0.4,
        |noise| noise.status_500 = 0.4,
        |noise| noise.throttle = 0.4,
    ];
    for kind in kinds {
        let bench = Bench::new(slow_listing().noise(noise(kind)).start());
        let run = bench.run("run", &["plan", "--rate=0", "--max-attempts=30"]).exits(0).agrees(TokenVersion::V2);
        assert!(run.calls(Operation::ListAccounts) > PAGES, "nothing went wrong\n{run}");
        assert_eq!(run.rows().len(), ACCOUNTS);
    }
}

/// A failure of the first calls is an error, for every cause.
#[test]
fn failing_organizations_calls_are_an_error_before_any_account() {
    let table: [(NetworkFault, &str); 4] = [
        (|noise| noise.reset = 1.0, "ConnectionFailed"),
        (|noise| noise.truncated = 1.0, "UnreadableAnswer"),
        (|noise| noise.status_503 = 1.0, "ServiceUnavailableException"),
        (|noise| noise.throttle = 1.0, "TooManyRequestsException"),
    ];
    for (kind, code) in table {
        let bench = Bench::new(slow_listing().noise(noise(kind)).start());
        bench.run("run", &["apply", "--yes", "--max-attempts=3"]).exits(1).attempted_nothing(code);
    }
    let bench = Bench::new(slow_listing().noise(noise(|noise| noise.hang = 1.0)).start());
    bench.run("run", &["apply", "--yes", "--max-attempts=1"]).exits(1).attempted_nothing("RequestTimedOut");
}

/// After the first page, the program waits for the network also beyond the attempts of a call. It does not wait for a service that
/// answers with errors.
#[test]
fn an_outage_while_listing_costs_only_time() {
    for (arguments, wanted) in [
        (&["plan", "--rate=0", "--max-attempts=2"][..], TokenVersion::V1),
        (&["apply", "--yes", "--rate=0", "--max-attempts=2"], TokenVersion::V2),
    ] {
        let bench = Bench::new(slow_listing().start());
        let mut running = Running::start(&bench, "run", arguments);
        running.until(|truth| truth.requests(Operation::ListAccounts) >= 3);
        bench.organization.control(|world| world.set_network(Network::Refuse));
        // Two attempts take a tenth of a second.
        std::thread::sleep(Duration::from_secs(1));
        bench.organization.control(|world| world.set_network(Network::Normal));
        let run = running.end().exits(0).agrees(wanted);
        assert!(run.after.fault("closed") > 0, "it was listed by then\n{run}");
        assert_eq!(run.rows().len(), ACCOUNTS);
    }
}

#[test]
fn a_list_that_fails_midway_makes_no_plan() {
    let bench = Bench::new(slow_listing().start());
    let mut running = Running::start(&bench, "run", &["plan", "--rate=0", "--max-attempts=3"]);
    running.until(|truth| truth.requests(Operation::AssumeRole) > 0);
    bench.organization.control(|world| world.add_noise(noise(|noise| noise.status_500 = 1.0)));
    running.end().exits(1).made_no_plan("the accounts could not be listed");
}

/// The network is down for longer than the attempts of a call take, during an apply in which no account may fail.
#[test]
fn a_network_outage_costs_no_account() {
    let latency = Latency::all(Duration::from_millis(5));
    let bench = Bench::new(Organization::builder().accounts(300).latency(latency).unlimited().start());
    let arguments = ["apply", "--yes", "--rate=0", "--waves=100%", "--max-errors=0", "--max-attempts=2"];
    let mut running = Running::start(&bench, "run", &arguments);
    running.until(|truth| truth.requests(Operation::SetSecurityTokenServicePreferences) > 60);
    bench.organization.control(|world| world.set_network(Network::Refuse));
    running.until_it_says("AWS can't be reached");
    bench.organization.control(|world| world.set_network(Network::Normal));
    let run = running.end().exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.outcomes()["changed"], 300, "{run}");
    run.says(&["ConnectionFailed", "waiting up to 5m for it; Ctrl-C stops the run", "AWS can be reached again"]);
}

/// Ctrl-C ends the wait, and the run can be resumed.
#[test]
fn waiting_for_the_network_can_be_interrupted_and_resumed() {
    let latency = Latency::all(Duration::from_millis(5));
    let bench = Bench::new(Organization::builder().accounts(200).latency(latency).unlimited().start());
    let mut running = Running::start(&bench, "run", &["apply", "--yes", "--rate=0", "--waves=100%", "--max-errors=0"]);
    running.until(|truth| truth.requests(Operation::SetSecurityTokenServicePreferences) > 60);
    bench.organization.control(|world| world.set_network(Network::Refuse));
    running.until_it_says("AWS can't be reached").send("INT");
    let run = running.end().exits(130).agrees(TokenVersion::V2);
    let outcomes = run.outcomes();
    assert!(!outcomes.contains_key("failed") && outcomes["not_attempted"] > 0, "{run}");
    bench.organization.control(|world| world.set_network(Network::Normal));
    let resumed = bench.again("run", &["resume", "run", "--yes", "--rate=0"]).since(run.before).exits(0);
    assert_eq!(resumed.agrees(TokenVersion::V2).outcomes()["changed"], 200);
}
