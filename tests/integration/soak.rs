//! The small soak: a few hundred accounts with all kinds of faults, with several seeds. The large one is the benchmark `soak`.

use std::time::Duration;

use tempfile::TempDir;

use crate::scenario::{Disruption, Phase, Scenario};

const fn phase(at: f64, disruption: Disruption, seconds: u64) -> Phase {
    Phase { at, disruption, duration: Duration::from_secs(seconds) }
}

fn survives(scenario: &Scenario) {
    let folder = TempDir::new().expect("a temporary folder");
    let result = scenario.run(folder.path(), |_| {}).expect("the scenario runs to its end");
    let said = &result.stderr;
    assert!(result.wrong.is_empty(), "seed {}:\n{}\n{said}", scenario.seed, result.wrong.join("\n"));
    assert_eq!(
        result.occurred.len() + result.unsupported.len(),
        scenario.phases.len(),
        "a disruption did not occur\n{said}"
    );
    let mut expected: Vec<i32> = scenario.phases.iter().filter_map(|phase| phase.disruption.exit_code()).collect();
    expected.push(3); // Some accounts can't be changed.
    assert_eq!(result.exit_codes, expected, "{said}");
    // Temporary faults cost no account: every failed or unverified account has a lasting fault.
    let collateral = result.collateral(scenario.seed);
    assert!(collateral.is_empty(), "seed {}: {collateral:?}\n{said}", scenario.seed);
    for fault in [
        "noise_500",
        "noise_503",
        "noise_reset_before",
        "noise_truncated",
        "noise_foreign",
        "noise_empty",
        "noise_slow",
        "lost_acknowledgement",
    ] {
        assert!(result.truth.fault(fault) > 0, "{fault} never fired: {:?}", result.truth.faults);
    }
}

/// One summary in a hundred never shows the version and is read for 15.75 s, so the scenarios run in parallel.
#[test]
fn disruptions_cost_time_but_no_accounts() {
    let outages = || {
        vec![
            phase(0.2, Disruption::NoNames, 1),
            phase(0.4, Disruption::Refused, 1),
            phase(0.6, Disruption::SessionsEnd, 0),
        ]
    };
    let scenario = |accounts, seed, concurrency, phases| Scenario { accounts, seed, concurrency, hang: 0.0, phases };
    let scenarios = [
        scenario(600, 1, 64, outages()),
        scenario(600, 2, 32, outages()),
        scenario(1_500, 3, 128, outages()),
        scenario(400, 4, 64, vec![phase(0.5, Disruption::CredentialsEnd, 0)]),
        scenario(400, 6, 64, vec![phase(0.3, Disruption::Pause, 4), phase(0.6, Disruption::HangUp, 0)]),
        // A black hole for 2 s, and a few requests that are never answered.
        Scenario { hang: 0.001, ..scenario(400, 5, 64, vec![phase(0.5, Disruption::BlackHole, 2)]) },
    ];
    std::thread::scope(|scope| {
        for scenario in &scenarios {
            scope.spawn(|| survives(scenario));
        }
    });
}
