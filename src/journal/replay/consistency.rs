//! This module owns what the lines of a journal must agree on: each follows from those before it, or some of them are missing.
//!
//! A line that was taken out leaves no trace of its own, and what it said would be forgotten without a word: an account that is to be
//! visited, or that was set. The lines that are left tell of it.

use std::collections::BTreeSet;

use super::Replay;
use crate::journal::Entry;
use crate::org::AccountId;
use crate::rollout::Outcome;

/// Says why this line can't follow those that were read.
pub(super) fn check(replay: &Replay, entry: &Entry<'_>) -> Result<(), String> {
    match (&replay.run_id, entry) {
        (None, Entry::Journal { .. }) | (Some(_), _) => {}
        (None, _) => return Err("no line before it says whose journal this is".to_owned()),
    }
    match entry {
        Entry::Account(_) | Entry::Target { .. } if replay.ready => {
            Err("it adds to lists that were complete".to_owned())
        }
        Entry::Journal { .. } | Entry::Account(_) | Entry::Target { .. } => Ok(()),
        Entry::Ready { accounts, targets } => complete(replay, *accounts, *targets),
        Entry::Record(record) => {
            listed(replay, record.account_id)?;
            let was_set = matches!(record.outcome, Outcome::Changed | Outcome::Unverified);
            if was_set && !replay.intents.contains_key(&record.account_id) {
                return Err(format!("account {} was set, and no line says that it was to be", record.account_id));
            }
            Ok(())
        }
        Entry::Intent { account_id, .. } => {
            started(replay)?;
            listed(replay, *account_id)
        }
        Entry::Resumed { .. } | Entry::WaveStarted { .. } | Entry::WaveFinished { .. } | Entry::Ended { .. } => {
            started(replay)
        }
    }
}

/// Only a plan visits before its lists are complete, and it has neither waves nor intents.
fn started(replay: &Replay) -> Result<(), String> {
    if replay.ready { Ok(()) } else { Err("no line before it says that the lists are complete".to_owned()) }
}

/// The lists are sorted once they are complete.
fn listed(replay: &Replay, account: AccountId) -> Result<(), String> {
    if !replay.ready || replay.accounts.binary_search_by_key(&account, |account| account.id).is_ok() {
        return Ok(());
    }
    Err(format!("account {account} is not listed"))
}

/// Whether all is there that was counted, and every account is to be visited or has a record that says why not.
fn complete(replay: &Replay, accounts: usize, targets: usize) -> Result<(), String> {
    for (what, counted, found) in
        [("accounts", accounts, replay.accounts.len()), ("accounts to visit", targets, replay.targets.len())]
    {
        if counted != found {
            return Err(format!("it counts {counted} {what}, and there are {found} before it"));
        }
    }
    let listed: BTreeSet<AccountId> = replay.accounts.iter().map(|account| account.id).collect();
    let to_visit: BTreeSet<AccountId> = replay.targets.iter().map(|(_, target)| target.account).collect();
    if listed.len() < accounts || to_visit.len() < targets {
        return Err("an account stands in a list twice".to_owned());
    }
    if let Some(stranger) = to_visit.iter().chain(replay.records.keys()).find(|id| !listed.contains(id)) {
        return Err(format!("account {stranger} is not listed"));
    }
    match listed.iter().find(|id| !to_visit.contains(id) && !replay.records.contains_key(id)) {
        Some(lost) => Err(format!("nothing before it says what is to be done with account {lost}")),
        None => Ok(()),
    }
}
