//! Detects missing lines of a journal: each line must be consistent with the lines before it.
//!
//! A deleted line leaves no trace of its own. Without this check, the program would silently forget an account to visit, or an
//! account that was set.

use std::collections::BTreeSet;

use super::Replay;
use crate::journal::Entry;
use crate::org::AccountId;
use crate::rollout::Outcome;

/// Checks a line against the lines before it. The error describes the inconsistency that missing lines cause.
pub(super) fn check(replay: &Replay, entry: &Entry<'_>) -> Result<(), String> {
    if replay.run_id.is_none() && !matches!(entry, Entry::Journal { .. }) {
        return Err("no line before it names the run".to_owned());
    }
    match entry {
        Entry::Account(_) | Entry::Target(_) if replay.ready => Err("it adds to lists that were complete".to_owned()),
        Entry::Journal { .. } | Entry::Account(_) | Entry::Unit { .. } | Entry::Target(_) => Ok(()),
        Entry::Ready { accounts, targets } => check_complete(replay, *accounts, *targets),
        Entry::Record(record) => {
            check_listed(replay, record.account_id)?;
            let set = matches!(record.outcome, Outcome::Changed | Outcome::Unverified);
            if set && !replay.intents.contains_key(&record.account_id) {
                return Err(format!("account {} was set, and no line has the intent to set it", record.account_id));
            }
            Ok(())
        }
        Entry::Intent { account_id, .. } => {
            check_ready(replay)?;
            check_listed(replay, *account_id)
        }
        Entry::PlannedWave { accounts, .. } | Entry::Explained { accounts, .. } => {
            check_ready(replay)?;
            accounts.iter().try_for_each(|account| check_listed(replay, *account))
        }
        Entry::Resumed { .. }
        | Entry::GateStarted { .. }
        | Entry::WaveStarted { .. }
        | Entry::WaveFinished { .. }
        | Entry::Ended { .. } => check_ready(replay),
    }
}

/// Checks that the event `ready` precedes the line that is checked. Lines about intents, waves, a resume or the end of the run
/// always follow this event: only a plan starts visits earlier, and a plan has neither intents nor waves.
fn check_ready(replay: &Replay) -> Result<(), String> {
    if replay.ready { Ok(()) } else { Err("no line before it says that the lists are complete".to_owned()) }
}

/// Checks that the account was listed. The accounts are not sorted until the lists are complete, so every account is accepted
/// until then.
fn check_listed(replay: &Replay, account: AccountId) -> Result<(), String> {
    if !replay.ready || replay.accounts.binary_search_by_key(&account, |account| account.id).is_ok() {
        return Ok(());
    }
    Err(format!("account {account} is not listed"))
}

/// Checks the lists when they are complete: they have the lengths that the event `ready` names, no account is in a list twice,
/// every target and every record is about a listed account, and every listed account is a target or has a record that says why it
/// is skipped.
fn check_complete(replay: &Replay, accounts: usize, targets: usize) -> Result<(), String> {
    for (what, counted, found) in
        [("accounts", accounts, replay.accounts.len()), ("accounts to visit", targets, replay.targets.len())]
    {
        if counted != found {
            return Err(format!("it counts {counted} {what}, and there are {found} before it"));
        }
    }
    let listed: BTreeSet<AccountId> = replay.accounts.iter().map(|account| account.id).collect();
    let to_visit: BTreeSet<AccountId> = replay.targets.iter().map(|target| target.account).collect();
    if listed.len() < accounts || to_visit.len() < targets {
        return Err("an account is in a list twice".to_owned());
    }
    let recorded = replay.records.iter().map(|record| &record.account_id);
    if let Some(unlisted) = to_visit.iter().chain(recorded).find(|id| !listed.contains(id)) {
        return Err(format!("account {unlisted} is not listed"));
    }
    match listed.iter().find(|id| !to_visit.contains(id) && !replay.records.contains(**id)) {
        Some(id) => Err(format!("no line before it says what to do with account {id}")),
        None => Ok(()),
    }
}
