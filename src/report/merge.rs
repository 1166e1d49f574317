//! This module owns the merge of several runs into one report: every account once, with the record of the run that knows most of
//! it. Shards of one run add up to it, and so do the runs of several Organizations.
//!
//! What was done in an account stays told: a visit that failed later has undone nothing.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::journal::{Ending, RunId, RunInfo};
use crate::org::{Account, AccountId};
use crate::rollout::{Outcome, Record, Tally};
use crate::verdict::Verdict;

/// One run, as its folder shows it.
#[derive(Debug)]
pub(crate) struct Part {
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
pub(crate) struct Merged {
    /// The runs as if they were one.
    pub part: Part,
    /// The run behind each record.
    pub run_ids: Vec<RunId>,
    /// The verdict in one sentence.
    pub sentence: String,
}

/// Merges runs; `None` where there is none.
pub(crate) fn merge(parts: Vec<Part>) -> Option<Merged> {
    let run = together(parts.iter().map(|part| &part.run))?;
    let alike = parts.iter().all(|part| {
        let settings = &part.run.settings;
        part.run.command == run.command
            && settings.global_endpoint_token_version == run.settings.global_endpoint_token_version
    });
    let ended = parts.iter().map(|part| part.ended).collect::<Option<Vec<u8>>>();
    let mut known: BTreeMap<AccountId, Vec<Told>> = BTreeMap::new();
    for Part { run, accounts, records, ended } in parts {
        let end = ended.and(run.ended_at);
        for (account, record) in accounts.into_iter().zip(records) {
            let run_id = run.run_id.clone();
            let told = Told { at: record.started_at.or(end), account, record, run_id };
            let others = known.entry(told.account.id).or_default();
            let (old, new) = (others.first().map(|other| rank(&other.record)), rank(&told.record));
            match old {
                Some(VISITED) if new == VISITED => others.push(told),
                old if Some(new) > old => *others = vec![told],
                _ => {}
            }
        }
    }
    let mut merged = Part { run, accounts: Vec::new(), records: Vec::new(), ended: None };
    let mut run_ids = Vec::new();
    for Told { account, record, run_id, .. } in known.into_values().filter_map(in_the_end) {
        merged.accounts.push(account);
        merged.records.push(record);
        run_ids.push(run_id);
    }
    let tally: Tally = merged.records.iter().map(|record| record.outcome).collect();
    let settings = &merged.run.settings;
    let verdict = Verdict::of(&tally, None, false, settings.detailed_exitcode);
    let wanted = settings.global_endpoint_token_version;
    let sum = if alike { verdict.sentence(merged.run.command, settings.mode, wanted, &tally) } else { plainly(&tally) };
    // Of accounts that no run came to, the verdict of finished runs would say too much.
    let sentence = if ended.is_none() || tally.of(Outcome::NotAttempted) > 0 { unfinished(&tally) } else { sum };
    merged.ended = ended.map(|codes| {
        let gravest = codes.into_iter().max_by_key(|code| gravity(*code)).unwrap_or(0);
        // What came of the accounts is known from all runs together; that a run stopped is known from itself.
        if gravity(gravest) > gravity(SOME_FAILED) { gravest } else { verdict.exit_code() }
    });
    merged.run.verdict = merged.ended.map(|exit_code| Ending { exit_code, sentence: sentence.clone() });
    Some(Merged { part: merged, run_ids, sentence })
}

/// What became of the accounts, where the runs did not want the same.
fn plainly(tally: &Tally) -> String {
    let counts: Vec<String> = tally
        .iter()
        .filter(|(outcome, count)| *count > 0 && *outcome != Outcome::Skipped)
        .map(|(outcome, count)| format!("{count} {outcome}"))
        .collect();
    let selected = tally.total() - tally.of(Outcome::Skipped);
    format!("of {selected} accounts in runs of several kinds: {}", counts.join(", "))
}

/// How far runs have come that did not come to their end.
pub(crate) fn unfinished(tally: &Tally) -> String {
    let selected = tally.total() - tally.of(Outcome::Skipped);
    let left = tally.of(Outcome::NotAttempted);
    let changed = tally.of(Outcome::Changed);
    let in_doubt = match tally.of(Outcome::Unverified) {
        0 => String::new(),
        unverified => format!(", {unverified} may have been"),
    };
    format!("not finished: {changed} of {selected} selected accounts were changed so far{in_doubt}, {left} are left")
}

/// What a run tells of an account.
struct Told {
    /// When it was seen; `None` if that is not known.
    at: Option<SystemTime>,
    account: Account,
    record: Record,
    run_id: RunId,
}

/// The exit code of a run in which accounts failed.
const SOME_FAILED: u8 = 3;

/// The rank of a visit.
const VISITED: u8 = 3;

/// How much a record says of its account: that it was visited; that it was to be; why it was not.
fn rank(record: &Record) -> u8 {
    match record.outcome {
        Outcome::Changed | Outcome::Unchanged | Outcome::WouldChange | Outcome::Unverified | Outcome::Failed => VISITED,
        Outcome::NotAttempted => 2,
        Outcome::Skipped if record.error.as_ref().is_some_and(|error| error.error_code != "OtherShard") => 1,
        Outcome::Skipped => 0,
    }
}

/// What is known of an account after all that is told of it, in the order in which it happened. A doubt of a run that has not come to
/// its end has no time, and comes last: nobody knows whether it is older than what others have seen.
fn in_the_end(mut told: Vec<Told>) -> Option<Told> {
    told.sort_by_key(|told| (told.at.is_none(), told.at, told.record.outcome));
    told.into_iter().reduce(|known, later| if overrules(&later.record, &known.record) { later } else { known })
}

/// Whether what is told of an account makes something earlier a thing of the past.
fn overrules(later: &Record, earlier: &Record) -> bool {
    let same_target = earlier.target_version == later.target_version;
    match (earlier.outcome, later.outcome) {
        // Nothing was changed then, which is not to say that nothing was before.
        (Outcome::Changed | Outcome::Unverified, Outcome::Failed) => false,
        // It is as it was set.
        (Outcome::Changed, Outcome::Unchanged) => !same_target,
        (Outcome::Changed, Outcome::WouldChange) => {
            !later.current_version.or(later.previous_version).is_some_and(|now| now.shows(earlier.target_version))
        }
        // It was set to that version, whichever of the two did it.
        (Outcome::Changed, Outcome::Unverified) => later.started_at.is_some() || !same_target,
        _ => true,
    }
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
    use std::time::Duration;

    use super::*;
    use crate::org::{AccountState, ObservedVersion, TokenVersion};

    const V1: TokenVersion = TokenVersion::V1Token;
    const V2: TokenVersion = TokenVersion::V2Token;

    fn told(outcome: Outcome, wanted: TokenVersion, at: u64) -> Told {
        let id = "000000000001".parse().unwrap();
        let at = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(at));
        let record = Record { outcome, started_at: at, ..Record::blank(id, wanted) };
        let account = Account {
            id,
            name: String::new(),
            email: String::new(),
            state: AccountState::Active,
            ou_path: String::new(),
            invited: false,
        };
        Told { at, account, record, run_id: RunId::of_several(&[]) }
    }

    /// Of every two outcomes, the one that is known in the end, if the first of them came first.
    #[test]
    fn what_was_done_stays_told() {
        use Outcome::{Changed, Failed, Unchanged, Unverified, WouldChange};
        let visits: Vec<Outcome> = Outcome::ALL
            .into_iter()
            .filter(|outcome| rank(&Record { outcome: *outcome, ..told(*outcome, V2, 0).record }) == VISITED)
            .collect();
        assert_eq!(visits, [Changed, Unchanged, WouldChange, Unverified, Failed]);
        for earlier in &visits {
            for later in &visits {
                let stays = matches!((earlier, later), (Changed, Unchanged | Failed) | (Unverified, Failed));
                for turned in [false, true] {
                    let mut pair = vec![told(*earlier, V2, 1), told(*later, V2, 2)];
                    if turned {
                        pair.reverse();
                    }
                    let known = in_the_end(pair).unwrap();
                    let expected = if stays { 1 } else { 2 };
                    assert_eq!(known.at, told(Changed, V2, expected).at, "{earlier}, then {later}");
                }
            }
        }
        // What a crash left in doubt has no time, and only a change to the same version settles it.
        for other in &visits {
            let doubt = || Told { at: None, ..told(Unverified, V2, 0) };
            let doubt = || Told { record: Record { started_at: None, ..doubt().record }, ..doubt() };
            let known = in_the_end(vec![doubt(), told(*other, V2, 1)]).unwrap();
            assert_eq!(known.record.outcome, if *other == Changed { Changed } else { Unverified }, "{other}");
            let known = in_the_end(vec![doubt(), told(*other, V1, 1)]).unwrap();
            assert_eq!(known.record.outcome, Unverified, "{other}");
        }
        // A plan for another version undoes nothing; one that finds the change gone knows better.
        for (found, outcome) in [(ObservedVersion::V2Token, Changed), (ObservedVersion::V1Token, WouldChange)] {
            let mut plan = told(WouldChange, V1, 2);
            plan.record.current_version = Some(found);
            assert_eq!(in_the_end(vec![told(Changed, V2, 1), plan]).unwrap().record.outcome, outcome);
        }
        // It was set back, and is on what that run wanted.
        let back = in_the_end(vec![told(Changed, V2, 1), told(Unchanged, V1, 2)]).unwrap();
        assert_eq!(back.record.target_version, V1);
    }

    #[test]
    fn a_visit_says_more_than_a_reason_why_there_was_none() {
        let skipped = |code| rank(&Record::skipped("000000000001".parse().unwrap(), V2, code, "why"));
        let ascending =
            [skipped("OtherShard"), skipped("Suspended"), rank(&told(Outcome::NotAttempted, V2, 0).record), VISITED];
        assert!(ascending.is_sorted_by(|less, more| less < more), "{ascending:?}");
    }

    #[test]
    fn the_gravest_exit_code_is_that_of_all() {
        let ascending = [0, 4, 3, 5, 130, 1];
        assert!(ascending.is_sorted_by_key(|code| gravity(*code)));
        assert_eq!(gravity(130), gravity(143));
    }
}
