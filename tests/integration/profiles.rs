//! Sources of base credentials: every kind of profile and environment.

mod bad;
mod renewal;
mod stage;
mod ways;
mod wording;

use std::time::Duration;

use v2token_simulator::TokenVersion;

use stage::Stage;
use ways::{WAYS, Way};

/// Longer than any test.
const LONG: Duration = Duration::from_hours(1);

/// The delay between the starts of the sources. The SDK gives a metadata service one second to answer, which is too short on a machine
/// that starts twenty programs at once.
const STAGGER: Duration = Duration::from_millis(400);

/// Runs a function for every source in parallel, because they mostly wait.
fn for_every_way(wanted: impl Fn(&Way) -> bool, check: impl Fn(&Way) + Sync) {
    let check = &check;
    std::thread::scope(|scope| {
        for (position, way) in (0..).zip(WAYS.iter().filter(|way| wanted(way))) {
            std::thread::Builder::new()
                .name(way.name.to_owned())
                .spawn_scoped(scope, move || {
                    std::thread::sleep(STAGGER * position);
                    check(way);
                })
                .expect("a thread can be started");
        }
    });
}

#[test]
fn every_source_of_base_credentials_serves_plan_and_apply() {
    for_every_way(
        |_| true,
        |way| {
            let mut stage = Stage::new(6, LONG);
            (way.arrange)(&mut stage);
            stage.run("plan", &["plan", "--debug"]).exits(0).agrees(TokenVersion::V2);
            let apply = stage.run("apply", &["apply", "--yes"]).exits(0).agrees(TokenVersion::V2);
            assert_eq!(apply.outcomes()["changed"], 6, "{}\n{apply}", way.name);
            let keys = &apply.after.assume_role_keys;
            let callers = &apply.after.assume_role_callers;
            // An intermediate role has another caller.
            let of_way = |found: &str| found.starts_with(way.key);
            let visits: u64 = keys.iter().filter(|(key, _)| of_way(key)).map(|(_, count)| count).sum();
            assert!(visits >= 10, "{}: five members, twice: {keys:?}", way.name);
            let asked = stage.stand_in.requests();
            assert_eq!(
                asked.iter().any(|request| request == way.asks),
                !way.asks.is_empty(),
                "{}: {asked:?}",
                way.name
            );
            assert!(callers.keys().any(|arn| arn.ends_with(way.caller)), "{}: {callers:?}", way.name);
        },
    );
}
