//! This module owns the ways to base credentials: every kind of profile and environment, through the built program.

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

/// How long after each other the ways begin. The SDK gives a metadata service one second to answer, which is too short on
/// a machine that is busy with starting twenty programs.
const STAGGER: Duration = Duration::from_millis(400);

/// Does something for every way, side by side: they wait more than they work.
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
fn every_way_to_base_credentials_leads_through_a_plan_and_an_apply() {
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
            // A role in between is assumed by somebody else.
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
