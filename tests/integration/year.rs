//! A simulated year: a nightly job keeps an Organization on v2Token, whose accounts join and leave, are suspended, and are changed by
//! others.
//!
//! The test has a few weeks and a small Organization. `V2TOKEN_TEST_YEAR=ACCOUNTSxNIGHTS`, such as `500x300`, makes it longer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use v2token_simulator::{AccountId, AccountState, Faults, MANAGEMENT_ACCOUNT, Organization, TokenVersion};

use crate::harness::Bench;

/// The accounts and the nights.
fn size() -> (u64, u64) {
    let text = std::env::var("V2TOKEN_TEST_YEAR").unwrap_or_else(|_| "60x20".to_owned());
    let (accounts, nights) = text.split_once('x').expect("V2TOKEN_TEST_YEAR is ACCOUNTSxNIGHTS");
    (accounts.parse().expect("a number of accounts"), nights.parse().expect("a number of nights"))
}

/// Numbers that look random and are the same in every run (the finalizer of SplitMix64).
const fn scatter(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// What happens to an account during a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Joins,
    Leaves,
    Suspended,
    Reactivated,
    /// Something else sets it back to v1Token.
    SetBack,
    /// Its role can't set the version.
    Denied,
    Allowed,
}

const CHANGES: [Change; 7] = [
    Change::Joins,
    Change::Leaves,
    Change::Suspended,
    Change::Reactivated,
    Change::SetBack,
    Change::Denied,
    Change::Allowed,
];

#[test]
fn a_nightly_job_keeps_an_organization_on_v2() {
    let (accounts, nights) = size();
    let builder = Organization::builder().accounts(usize::try_from(accounts).expect("few")).unlimited();
    // A third of the accounts has not joined yet.
    let bench = Bench::new(builder.each_account(|account| account.is_member = account.id().number() % 3 != 0).start());
    std::fs::write(
        bench.folder.path().join("exceptions.csv"),
        "account_id,reason,until\n000000000001,an old appliance,\n000000000002,until spring,2020-01-31\n",
    )
    .expect("a writable folder");
    // How often an account had a reason to be set: it was on v1Token while it was a member.
    let mut reasons: BTreeMap<u64, u64> = (1..=accounts).map(|number| (number, 1)).collect();
    let keep = |night: u64| {
        let folder = format!("v2token-runs/night-{night:03}");
        let arguments = ["apply", "--yes", "--rate=0", "--quiet", "--output=none", "--max-errors=100%"];
        let mut command =
            bench.bare(&[&arguments[..], &["--exceptions=exceptions.csv", "--run-dir", &folder]].concat());
        command.output().expect("the program starts")
    };
    for night in 0..nights {
        for event in 0..accounts / 12 {
            let number = 3 + scatter(night * 1_000 + event) % (accounts - 3);
            if AccountId::from(number) == MANAGEMENT_ACCOUNT {
                continue;
            }
            let change = CHANGES[usize::try_from(scatter(night * 7_919 + event) % 7).expect("small")];
            bench.organization.control(|world| {
                let account = world.account_mut(number);
                match change {
                    Change::Joins => account.is_member = true,
                    Change::Leaves => account.is_member = false,
                    Change::Suspended => account.state = AccountState::Suspended,
                    Change::Reactivated => account.state = AccountState::Active,
                    Change::SetBack => {
                        if account.version == Some(TokenVersion::V2) {
                            *reasons.entry(number).or_default() += 1;
                        }
                        account.change_externally(Some(TokenVersion::V1));
                    }
                    Change::Denied => account.faults.deny_set = true,
                    Change::Allowed => account.faults = Faults::default(),
                }
            });
        }
        let output = keep(night);
        assert!([Some(0), Some(3)].contains(&output.status.code()), "night {night}: {output:?}");
    }
    bench.organization.control(|world| {
        for account in world.accounts_mut() {
            account.faults = Faults::default();
        }
    });
    let last = keep(nights);
    assert_eq!(last.status.code(), Some(0), "{last:?}");
    // A night without a change makes no noise.
    let quiet = keep(nights + 1);
    assert_eq!((quiet.status.code(), quiet.stdout.len(), quiet.stderr.len()), (Some(0), 0, 0), "{quiet:?}");

    let truth = bench.truth();
    let excepted = AccountId::from(1_u64);
    bench.organization.control(|world| {
        for account in world.accounts().iter().filter(|account| account.is_member && account.id() != excepted) {
            let is_kept = account.state != AccountState::Active || account.version == Some(TokenVersion::V2);
            assert!(is_kept, "{} is not on v2Token", account.id());
        }
    });
    for account in truth.accounts.iter().filter(|account| account.id != MANAGEMENT_ACCOUNT) {
        let sets = account.sets_applied.len() as u64;
        let allowed = reasons[&account.id.number()];
        assert!(sets <= allowed, "{} was set {sets} times, and had {allowed} reasons", account.id);
    }
    assert!(truth.account("000000000001").sets_applied.is_empty(), "an exception");

    let started = Instant::now();
    let runs = bench.bare(&["runs", "--output=json"]).output().expect("the program starts");
    let listed = started.elapsed();
    let runs: serde_json::Value = serde_json::from_slice(&runs.stdout).expect("JSON");
    let runs = runs["runs"].as_array().or_else(|| runs.as_array()).expect("a list of runs");
    assert_eq!(runs.len() as u64, nights + 2, "every folder is readable");
    let started = Instant::now();
    let history = bench.bare(&["history", "000000000003", "--output=json"]).output().expect("the program starts");
    assert!(history.status.success(), "{history:?}");
    let told = started.elapsed();
    for night in 0..nights + 2 {
        let report = bench.bare(&["report", &format!("v2token-runs/night-{night:03}"), "--output=none"]).output();
        assert!(report.expect("the program starts").status.success(), "night {night}");
    }
    println!("{accounts} accounts, {nights} nights: runs in {listed:?}, history in {told:?}");
    assert!(listed + told < Duration::from_mins(1), "they do not read all journals as a whole");
}
