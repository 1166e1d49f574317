//! Merges several runs into one report: each account once, with the record of the run that knows most about it. The shards of one
//! run are merged in this way, and so are runs in several Organizations.
//!
//! A change stays reported even if a later visit failed, because a failed visit undoes nothing.

mod observation;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use super::lineage::{Base, is_based_on};
use crate::journal::{CommandName, Ending, Intent, RunId, RunInfo};
use crate::org::selection::{SkipReason, skip_reason};
use crate::org::{Account, AccountId};
use crate::rollout::{Mode, Outcome, Record, Tally, Verify};
use crate::verdict::{Results, Verdict};
use observation::{Observation, VISITED, fold, rank};

/// A run as read from its folder, or several runs merged into one.
#[derive(Debug)]
pub(crate) struct LoadedRun {
    /// The description of the run.
    pub info: RunInfo,
    /// The accounts of the Organization, sorted by id.
    pub accounts: Vec<Account>,
    /// The record of each account, in the same order.
    pub records: Vec<Record>,
    /// The verdict in one sentence, or the progress of a run that has not ended.
    pub sentence: String,
    /// The exit code; `None` while the run is still going on, or after a crash.
    pub exit_code: Option<u8>,
    /// The folder of the run; `None` if several runs are merged.
    pub folder: Option<PathBuf>,
    /// The folder of a run in which not all accounts were listed; `None` if every run listed all accounts.
    pub unlisted: Option<PathBuf>,
    /// The intents of the accounts to which a Set was sent or was about to be sent.
    pub intents: BTreeMap<AccountId, Intent>,
    /// The number, from 1, of the resume that visited an account last. Accounts that no resume visited are not in it.
    pub visited_by_resume: BTreeMap<AccountId, u32>,
    /// The length of the journal in bytes.
    pub length: u64,
    /// The run that each record comes from; `None` unless several runs are merged.
    pub run_ids: Option<Vec<RunId>>,
}

/// Merges runs; returns `None` if there are none. The order in which they are given does not matter.
pub(crate) fn merge(runs: Vec<LoadedRun>) -> Option<LoadedRun> {
    let mut runs = in_order(runs);
    let mut info = merged_info(&runs)?;
    let unlisted = runs.iter_mut().find_map(|run| run.unlisted.take());
    let kind = |info: &RunInfo| (info.command, info.settings.mode, info.settings.global_endpoint_token_version);
    let is_uniform = runs.iter().all(|run| kind(&run.info) == kind(&info));
    // Several runs undo something only if each of them does.
    let mut commands = runs.iter().map(|run| run.info.command);
    let command = commands.find(|command| *command != CommandName::Rollback).unwrap_or(CommandName::Rollback);
    let worst = runs.iter().map(|run| run.exit_code).collect::<Option<Vec<u8>>>();
    let worst = worst.and_then(|codes| codes.into_iter().max_by_key(|code| severity(*code)));
    let (accounts, records, run_ids) = known_accounts(runs);

    let results = Results::of(&records);
    let tally = &results.tally;
    let settings = &info.settings;
    let verdict = Verdict::of(tally, None, false, settings.detailed_exitcode);
    let target = settings.global_endpoint_token_version;
    let missing = results.skipped.get(SkipReason::OtherShard.code()).copied().unwrap_or(0);
    let sentence = if worst.is_none() || missing > 0 || tally.of(Outcome::NotAttempted) > 0 {
        // There might be accounts that no run has visited, so the sentence of a finished run would be wrong.
        let sentence =
            if is_uniform { unfinished(settings.mode, tally) } else { format!("not finished: {}", mixed(tally)) };
        match missing {
            0 => sentence,
            missing => format!("{sentence}; {missing} are in parts of --shard that are not among these runs"),
        }
    } else if is_uniform {
        verdict.sentence(info.command, settings.mode, target, &results)
    } else {
        mixed(tally)
    };
    let exit_code = worst.filter(|_| missing == 0).map(|worst| {
        // The verdict covers the outcomes in all runs. It does not show that a run stopped, so the exit code of such a run is
        // kept.
        if severity(worst) > SOME_FAILED { worst } else { verdict.exit_code() }
    });
    info.verdict = exit_code.map(|exit_code| Ending { exit_code, sentence: sentence.clone() });
    info.command = command;
    Some(LoadedRun {
        info,
        accounts,
        records,
        sentence,
        exit_code,
        folder: None,
        unlisted,
        intents: BTreeMap::new(),
        visited_by_resume: BTreeMap::new(),
        length: 0,
        run_ids: Some(run_ids),
    })
}

/// Sorts runs by their start. Of several copies of one run, keeps the one with the longest journal, because it knows most.
fn in_order(mut runs: Vec<LoadedRun>) -> Vec<LoadedRun> {
    runs.sort_by(|one, other| {
        let key = |run: &LoadedRun| (run.info.started_at, run.info.run_id.as_str().to_owned());
        key(one).cmp(&key(other)).then(other.length.cmp(&one.length))
    });
    runs.dedup_by(|one, other| one.info.run_id == other.info.run_id);
    runs
}

/// Returns each account once, with what the runs together know about it, and with the run that its record is from.
fn known_accounts(runs: Vec<LoadedRun>) -> (Vec<Account>, Vec<Record>, Vec<RunId>) {
    let is_base =
        |later: &LoadedRun, earlier: &LoadedRun| is_based_on(&later.info, &earlier.info, earlier.folder.as_deref());
    let bases: Vec<Option<Base>> = (runs.iter())
        .map(|later| {
            let run = runs.iter().position(|earlier| is_base(later, earlier))?;
            Some(Base { run, resumes: later.info.based_on_resumes })
        })
        .collect();
    let starts: Vec<Option<SystemTime>> = runs.iter().map(|run| run.info.started_at).collect();
    let mut newest: BTreeMap<AccountId, Account> = BTreeMap::new();
    let mut departures: BTreeMap<AccountId, Observation> = BTreeMap::new();
    let mut by_account: BTreeMap<AccountId, Vec<Observation>> = BTreeMap::new();
    for (run, loaded) in runs.into_iter().enumerate() {
        let LoadedRun { info, accounts, records, exit_code, intents, visited_by_resume, .. } = loaded;
        let end = exit_code.and(info.ended_at);
        let longest = info.settings.account_timeout;
        for (account, record) in accounts.into_iter().zip(records) {
            // A Set that is in doubt was sent within the time of a visit after its intent, and before the end of the run.
            let doubt = || intents.get(&account.id).and_then(|intent| intent.at).map(|at| at + longest);
            let at = observation::time(&record).or_else(|| doubt().into_iter().chain(end).min());
            let resume = visited_by_resume.get(&account.id).copied().unwrap_or(0);
            let (since, run_id) = (info.started_at, info.run_id.clone());
            let id = account.id;
            newest.insert(id, account);
            let observation = Observation { at, since, record, run, resume, run_id };
            if is_departure(&observation.record) {
                let code = |each: &Observation| each.record.error.as_ref().map(|error| error.error_code.clone());
                // If nothing has changed since, the first run that skipped the account is named.
                if departures.get(&id).is_none_or(|earlier| code(earlier) != code(&observation)) {
                    departures.insert(id, observation);
                }
                continue;
            }
            let observations = by_account.entry(id).or_default();
            let (old, new) = (observations.first().map(|old| rank(&old.record)), rank(&observation.record));
            match old {
                Some(old) if old > new => {}
                Some(VISITED) if new == VISITED => observations.push(observation),
                _ => *observations = vec![observation],
            }
        }
    }
    let mut known = Vec::new();
    for (id, account) in newest {
        let visited = by_account.remove(&id).and_then(|observations| fold(observations, &bases, &starts));
        let Some(observation) = with_departure(visited, departures.remove(&id)) else { continue };
        known.push((account, observation.record, observation.run_id));
    }
    let mut parts = (Vec::new(), Vec::new(), Vec::new());
    for (account, record, run_id) in known {
        parts.0.push(account);
        parts.1.push(record);
        parts.2.push(run_id);
    }
    parts
}

/// Returns what is known about an account that has left the Organization, or can no longer be visited. That leaves nothing to do in it,
/// but a change stays reported.
fn with_departure(visited: Option<Observation>, departure: Option<Observation>) -> Option<Observation> {
    let (visited, departure) = match (visited, departure) {
        (Some(visited), Some(departure)) => (visited, departure),
        (one, other) => return one.or(other),
    };
    let stays = match visited.record.outcome {
        Outcome::Changed | Outcome::Unverified => true,
        Outcome::Skipped if rank(&visited.record) < VISITED => false,
        _ => departure.run < visited.run,
    };
    Some(if stays { visited } else { departure })
}

/// Describes the outcomes of runs with different commands or target versions.
fn mixed(tally: &Tally) -> String {
    let counts: Vec<String> = tally
        .iter()
        .filter(|(outcome, count)| *count > 0 && *outcome != Outcome::Skipped)
        .map(|(outcome, count)| format!("{count} {outcome}"))
        .collect();
    match tally.total() - tally.of(Outcome::Skipped) {
        0 => "nothing to do: no account is selected".to_owned(),
        selected => format!("of {selected} accounts in runs of several kinds: {}", counts.join(", ")),
    }
}

/// Describes the progress of runs that have not ended.
pub(crate) fn unfinished(mode: Mode, tally: &Tally) -> String {
    let selected = tally.total() - tally.of(Outcome::Skipped);
    let (done, what) = match mode {
        Mode::Plan => (tally.of(Outcome::Unchanged) + tally.of(Outcome::WouldChange), "read"),
        Mode::Apply => (tally.of(Outcome::Changed), "changed"),
    };
    let others = [
        (tally.of(Outcome::Unverified), "may have been"),
        (tally.of(Outcome::Failed), "failed"),
        (tally.of(Outcome::NotAttempted), "are left"),
    ];
    let others = others.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!(", {count} {what}"));
    let others: String = others.collect();
    format!("not finished: {done} of {selected} selected accounts were {what} so far{others}")
}

/// Whether a record says that the account was not visited because it is no longer in the Organization, or not active.
fn is_departure(record: &Record) -> bool {
    let code = record.error.as_ref().map(|error| error.error_code.as_str());
    record.outcome == Outcome::Skipped && code.is_some_and(skip_reason::is_departure)
}

/// The severity of the exit codes 3 and 6: at least one account failed or is unverified.
const SOME_FAILED: u8 = 2;

/// Ranks exit codes by how serious the remaining problem is.
const fn severity(exit_code: u8) -> u8 {
    match exit_code {
        0 => 0,
        4 => 1,
        3 | 6 => SOME_FAILED,
        5 => 3,
        129 | 130 | 143 => 4,
        _ => 5,
    }
}

/// Describes the runs as one run, from the first start to the last end. Leaves out the identities and endpoints in which the runs
/// differ.
fn merged_info(runs: &[LoadedRun]) -> Option<RunInfo> {
    let first = &runs.first()?.info;
    let mut merged = first.clone();
    let ids: Vec<&RunId> = runs.iter().map(|run| &run.info.run_id).collect();
    merged.run_id = RunId::of_several(&ids);
    merged.settings.selection.shard = first.settings.selection.shard.filter(|_| runs.len() == 1);
    // The columns of `--exceptions` are there if any run has them.
    merged.settings.selection.exceptions = runs.iter().find_map(|run| run.info.settings.selection.exceptions.clone());
    for LoadedRun { info, .. } in runs {
        if info.organization_id != first.organization_id {
            merged.organization_id = None;
            merged.management_account = None;
        }
        if info.settings.reason != first.settings.reason {
            merged.settings.reason = None;
        }
        if info.caller_arn != first.caller_arn {
            merged.caller_arn = None;
        }
        if info.credential_source != first.credential_source {
            merged.credential_source = None;
        }
        if info.sts_endpoint != first.sts_endpoint {
            merged.sts_endpoint = None;
            merged.region = None;
        }
    }
    // A column of the report, and an exit code, depend on these settings.
    merged.settings.detailed_exitcode = runs.iter().any(|run| run.info.settings.detailed_exitcode);
    let verify = runs.iter().map(|run| &run.info.settings.verify);
    let most_columns = verify.min_by_key(|verify| match verify {
        Verify::TokenSize => 0,
        Verify::TokenIn(_) => 1,
        Verify::Setting | Verify::None => 2,
    });
    merged.settings.impact = runs.iter().find_map(|run| run.info.settings.impact.clone());
    merged.settings.verify = most_columns.unwrap_or(&first.settings.verify).clone();
    merged.started_at = runs.iter().filter_map(|run| run.info.started_at).min();
    let ends: Option<Vec<_>> = runs.iter().map(|run| run.info.ended_at).collect();
    merged.ended_at = ends.and_then(|ends| ends.into_iter().max());
    Some(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_ranked_by_severity() {
        let ascending = [0, 4, 3, 5, 130, 1];
        assert!(ascending.is_sorted_by_key(|code| severity(*code)));
        assert_eq!(severity(130), severity(143));
        assert_eq!(severity(129), severity(143));
    }
}
