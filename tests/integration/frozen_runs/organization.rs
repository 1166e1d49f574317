//! The Organization that the frozen runs are about, before them and after them. It must not change: the run folders of released versions
//! name its accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use v2token_simulator::{
    AccountId, AccountState, Builder, Organization, ROOT_ID, TokenVersion, Traffic, Troubleshooter, Truth,
};

use super::Rows;
use crate::harness::Bench;

/// A service control policy refuses the Set in this account.
pub(super) const REFUSES: u64 = 2;
/// This account is on v2Token before all runs.
pub(super) const IS_ON_V2: u64 = 3;
pub(super) const SUSPENDED: u64 = 4;
/// This account shows no version before all runs.
pub(super) const SHOWS_NONE: u64 = 6;
/// This account takes the Set of the finished apply, and does not show it while that run reads back.
pub(super) const SHOWS_LATE: u64 = 7;
/// The Sets of these accounts are never answered in the runs that are killed.
pub(super) const HANG: [u64; 2] = [8, 9];

const OU: &str = "ou-ab12-prod00001";

/// Twelve accounts with a week of clients.
pub(super) fn before() -> Builder {
    Organization::builder()
        .accounts(12)
        .unlimited()
        .unit(OU, "Prod", ROOT_ID)
        .opt_in_region("ap-east-1")
        .global_sts(Duration::ZERO)
        .troubleshooter(Troubleshooter::default())
        .traffic(Traffic { seed: 11, days: 7, calls_per_day: 1 })
        .each_account(|account| {
            if [REFUSES, 5, 6, 7].map(AccountId::from).contains(&account.id()) {
                OU.clone_into(&mut account.ou);
            }
        })
        .account(REFUSES, |account| account.faults.deny_set_by_scp = true)
        .account(IS_ON_V2, |account| account.version = Some(TokenVersion::V2))
        .account(SUSPENDED, |account| account.state = AccountState::Suspended)
        .account(SHOWS_NONE, |account| account.version = None)
}

/// The accounts in which a run sent a Set that took effect, by its report, each with the version that was set. Of the Sets that were in
/// flight when a run was killed, those in accounts with an odd number took effect.
pub(super) fn set_by(rows: &Rows) -> BTreeMap<u64, TokenVersion> {
    let mut set = BTreeMap::new();
    for (id, row) in rows {
        let number: u64 = id.parse().expect("an account id");
        let in_flight = row["error_code"] == "Interrupted" && number % 2 == 1;
        if in_flight
            || ["changed", "unverified"].contains(&row["outcome"].as_str()) && row["error_code"] != "Interrupted"
        {
            let version = if row["target_version"] == "v2Token" { TokenVersion::V2 } else { TokenVersion::V1 };
            set.insert(number, version);
        }
    }
    set
}

/// The Organization after runs with these reports.
pub(super) fn after(runs: &[&Rows]) -> Bench {
    let bench = Bench::new(before().start());
    bench.organization.control(|world| {
        for (number, version) in runs.iter().flat_map(|rows| set_by(rows)) {
            world.account_mut(number).version = Some(version);
        }
    });
    bench
}

pub(super) type Versions = BTreeMap<u64, Option<TokenVersion>>;

pub(super) fn versions(truth: &Truth) -> Versions {
    truth.accounts.iter().map(|account| (account.id.number(), account.version)).collect()
}

/// The versions after everything that has changed was set back: AWS can't take a value away again, and v1Token is its default.
pub(super) fn versions_of_a_rollback(set: &BTreeSet<u64>) -> Versions {
    let mut restored = versions(&Bench::new(before().start()).truth());
    if set.contains(&SHOWS_NONE) {
        restored.insert(SHOWS_NONE, Some(TokenVersion::V1));
    }
    restored
}
