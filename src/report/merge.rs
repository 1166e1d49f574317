//! This module owns the merge of several runs into one report: every account once, with the record of the run that knows most of
//! it. Shards of one run add up to it, and so do the runs of several Organizations.

use std::collections::BTreeMap;

use crate::journal::{Ending, RunId, RunInfo};
use crate::org::{Account, AccountId};
use crate::rollout::{Outcome, Record, Tally};
use crate::verdict::Verdict;

/// One run, as its folder shows it.
#[derive(Debug)]
pub struct Part {
    /// What the run is.
    pub run: RunInfo,
    /// Its accounts.
    pub accounts: Vec<Account>,
    /// The record of each account, in the same order.
    pub records: Vec<Record>,
    /// Its exit code; `None` while it goes on, or after a crash.
    pub ended: Option<u8>,
}

/// Several runs as one.
#[derive(Debug)]
pub struct Merged {
    /// The runs as if they were one.
    pub part: Part,
    /// The run behind each record.
    pub run_ids: Vec<RunId>,
    /// The verdict in one sentence.
    pub sentence: String,
}

/// Merges runs; `None` where there is none.
#[must_use]
pub fn merge(parts: Vec<Part>) -> Option<Merged> {
    let run = together(parts.iter().map(|part| &part.run))?;
    let ended = parts.iter().map(|part| part.ended).collect::<Option<Vec<u8>>>();
    let mut known: BTreeMap<AccountId, (Account, Record, RunId)> = BTreeMap::new();
    for Part { run, accounts, records, .. } in parts {
        for (account, record) in accounts.into_iter().zip(records) {
            let better = known.get(&account.id).is_none_or(|(_, other, _)| knows_more(&record) > knows_more(other));
            if better {
                known.insert(account.id, (account, record, run.run_id.clone()));
            }
        }
    }
    let mut merged = Part { run, accounts: Vec::new(), records: Vec::new(), ended: None };
    let mut run_ids = Vec::new();
    for (account, record, run_id) in known.into_values() {
        merged.accounts.push(account);
        merged.records.push(record);
        run_ids.push(run_id);
    }
    let tally: Tally = merged.records.iter().map(|record| record.outcome).collect();
    let settings = &merged.run.settings;
    let verdict = Verdict::of(&tally, None, false, settings.detailed_exitcode);
    let sum = verdict.sentence(merged.run.command, settings.mode, settings.global_endpoint_token_version, &tally);
    // Of accounts that no run came to, the verdict of finished runs would say too much.
    let sentence = if ended.is_none() || tally.of(Outcome::NotAttempted) > 0 { unfinished(&tally) } else { sum };
    merged.ended = ended.map(|codes| codes.into_iter().max_by_key(|code| gravity(*code)).unwrap_or(0));
    merged.run.verdict = merged.ended.map(|exit_code| Ending { exit_code, sentence: sentence.clone() });
    Some(Merged { part: merged, run_ids, sentence })
}

/// How far runs have come that did not come to their end.
#[must_use]
pub fn unfinished(tally: &Tally) -> String {
    let selected = tally.total() - tally.of(Outcome::Skipped);
    let left = tally.of(Outcome::NotAttempted);
    let changed = tally.of(Outcome::Changed);
    format!("not finished: {changed} of {selected} selected accounts were changed so far, {left} are left")
}

/// How much a record says of its account: that it was visited, and when; that it was to be; why it was not.
fn knows_more(record: &Record) -> (u8, Option<std::time::SystemTime>) {
    let rank = match record.outcome {
        Outcome::Changed | Outcome::Unchanged | Outcome::WouldChange | Outcome::Unverified | Outcome::Failed => 3,
        Outcome::NotAttempted => 2,
        Outcome::Skipped if record.trouble.as_ref().is_some_and(|trouble| trouble.error_code != "OtherShard") => 1,
        Outcome::Skipped => 0,
    };
    (rank, record.started_at)
}

/// Which of several exit codes says most of what is left to do.
const fn gravity(exit_code: u8) -> u8 {
    match exit_code {
        0 => 0,
        4 => 1,
        3 => 2,
        5 => 3,
        130 | 143 => 4,
        _ => 5,
    }
}

/// What the runs are together: what they have in common, from the first start to the last end.
fn together<'a>(runs: impl Iterator<Item = &'a RunInfo> + Clone) -> Option<RunInfo> {
    let first = runs.clone().next()?;
    let mut whole = first.clone();
    let ids: Vec<&RunId> = runs.clone().map(|run| &run.run_id).collect();
    whole.run_id = RunId::of_several(&ids);
    whole.settings.selection.shard = whole.settings.selection.shard.filter(|_| ids.len() == 1);
    for run in runs.clone() {
        if run.organization_id != first.organization_id {
            whole.organization_id = None;
            whole.management_account = None;
        }
        if run.caller_arn != first.caller_arn {
            whole.caller_arn = None;
        }
        if run.sts_endpoint != first.sts_endpoint {
            whole.sts_endpoint = None;
            whole.region = None;
        }
    }
    whole.started_at = runs.clone().filter_map(|run| run.started_at).min();
    let ends: Option<Vec<_>> = runs.map(|run| run.ended_at).collect();
    whole.ended_at = ends.and_then(|ends| ends.into_iter().max());
    Some(whole)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::org::TokenVersion;

    fn record(outcome: Outcome, code: &str, started: Option<u64>) -> Record {
        let id = "000000000001".parse().unwrap();
        let started_at = started.map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        Record { outcome, started_at, ..Record::skipped(id, TokenVersion::V2Token, code, "why") }
    }

    #[test]
    fn the_record_that_says_most_is_shown() {
        // From the one that says least to the one that says most.
        let ascending = [
            record(Outcome::Skipped, "OtherShard", None),
            record(Outcome::Skipped, "Suspended", None),
            record(Outcome::NotAttempted, "", None),
            record(Outcome::Failed, "", Some(1)),
            record(Outcome::Unverified, "", Some(2)),
            record(Outcome::Changed, "", Some(3)),
            record(Outcome::Unchanged, "", Some(4)),
            record(Outcome::WouldChange, "", Some(5)),
        ];
        for pair in ascending.windows(2) {
            assert!(knows_more(&pair[0]) < knows_more(&pair[1]), "{:?} {:?}", pair[0].outcome, pair[1].outcome);
        }
        let shown: std::collections::BTreeSet<_> = ascending.iter().map(|record| record.outcome.as_str()).collect();
        assert_eq!(shown.len(), Outcome::ALL.len(), "every outcome is in the table");
    }

    #[test]
    fn the_gravest_exit_code_is_that_of_all() {
        let ascending = [0, 4, 3, 5, 130, 1];
        assert!(ascending.is_sorted_by_key(|code| gravity(*code)));
        assert_eq!(gravity(130), gravity(143));
    }
}
