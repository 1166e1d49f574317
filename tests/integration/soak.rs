//! This module owns the small soak: a few hundred accounts in a world where everything goes wrong, with several seeds. The large one is
//! the benchmark `soak`.

use std::time::Duration;

use tempfile::TempDir;

use crate::storm::{Blow, Phase, Storm};

const fn phase(at: f64, blow: Blow, seconds: u64) -> Phase {
    Phase { at, blow, lasts: Duration::from_secs(seconds) }
}

fn survive(storm: &Storm) {
    let folder = TempDir::new().expect("a temporary folder");
    let weathered = storm.ride(folder.path(), |_| {}).expect("the storm can be ridden out");
    let said = &weathered.stderr;
    assert!(weathered.wrong.is_empty(), "seed {}:\n{}\n{said}", storm.seed, weathered.wrong.join("\n"));
    assert_eq!(weathered.fallen.len() + weathered.impossible.len(), storm.phases.len(), "a blow did not fall\n{said}");
    assert_eq!(weathered.exit_codes.last(), Some(&3), "it is done, and some accounts can't be changed\n{said}");
    let stops = storm.phases.iter().filter(|phase| phase.blow == Blow::CredentialsEnd).count();
    assert_eq!(weathered.exit_codes.len(), 1 + stops, "{:?}\n{said}", weathered.exit_codes);
    // What passes costs no account: whoever is failed or unverified has a lasting reason.
    let collateral = weathered.collateral(storm.seed);
    assert!(collateral.is_empty(), "seed {}: {collateral:?}\n{said}", storm.seed);
    for fault in
        ["noise_500", "noise_503", "noise_reset_before", "noise_truncated", "noise_slow", "lost_acknowledgement"]
    {
        assert!(weathered.truth.fault(fault) > 0, "{fault} never fired: {:?}", weathered.truth.faults);
    }
}

/// One summary in a hundred never shows the version and is read for 15.75 s, so the storms are ridden out side by side.
#[test]
fn a_storm_costs_time_and_no_accounts() {
    let outages = || vec![phase(0.2, Blow::NoNames, 1), phase(0.4, Blow::Refused, 1), phase(0.6, Blow::SessionsEnd, 0)];
    let storm = |accounts, seed, concurrency, phases| Storm { accounts, seed, concurrency, hang: 0.0, phases };
    let storms = [
        storm(600, 1, 64, outages()),
        storm(600, 2, 32, outages()),
        storm(1_500, 3, 128, outages()),
        storm(400, 4, 64, vec![phase(0.5, Blow::CredentialsEnd, 0)]),
        // Nothing is answered for a while, and a few requests never are.
        Storm { hang: 0.001, ..storm(400, 5, 64, vec![phase(0.5, Blow::BlackHole, 2)]) },
    ];
    std::thread::scope(|scope| {
        for storm in &storms {
            scope.spawn(|| survive(storm));
        }
    });
}
