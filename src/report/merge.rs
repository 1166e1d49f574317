//! Merges several runs into one report: each account once, with the record of the run that knows most about it. The shards of one
//! run are merged in this way, and so are runs in several Organizations.
//!
//! A change stays reported even if a later visit failed, because a failed visit undoes nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::SystemTime;

use super::lineage::{Base, ancestors, is_based_on};
use crate::journal::{Ending, RunId, RunInfo};
use crate::org::selection::SkipReason;
use crate::org::{Account, AccountId};
use crate::rollout::{Mode, Outcome, Record, Tally, Verified};
use crate::verdict::{Results, Verdict};

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
    /// The number, from 1, of the resume that visited an account last. Accounts that no resume visited are not in it.
    pub visited_by_resume: BTreeMap<AccountId, u32>,
    /// The run that each record comes from; `None` unless several runs are merged.
    pub run_ids: Option<Vec<RunId>>,
}

/// Merges runs; returns `None` if there are none.
pub(crate) fn merge(mut runs: Vec<LoadedRun>) -> Option<LoadedRun> {
    let mut info = merged_info(&runs)?;
    let unlisted = runs.iter_mut().find_map(|run| run.unlisted.take());
    let is_uniform = runs.iter().all(|run| {
        run.info.command == info.command
            && run.info.settings.global_endpoint_token_version == info.settings.global_endpoint_token_version
    });
    let worst = runs.iter().map(|run| run.exit_code).collect::<Option<Vec<u8>>>();
    let worst = worst.and_then(|codes| codes.into_iter().max_by_key(|code| severity(*code)));

    let is_base =
        |later: &LoadedRun, earlier: &LoadedRun| is_based_on(&later.info, &earlier.info, earlier.folder.as_deref());
    let bases: Vec<Option<Base>> = (runs.iter())
        .map(|later| {
            let run = runs.iter().position(|earlier| is_base(later, earlier))?;
            Some(Base { run, resumes: later.info.based_on_resumes })
        })
        .collect();
    let mut by_account: BTreeMap<AccountId, Vec<Observation>> = BTreeMap::new();
    for (run, LoadedRun { info, accounts, records, exit_code, visited_by_resume, .. }) in runs.into_iter().enumerate() {
        let end = exit_code.and(info.ended_at);
        for (account, record) in accounts.into_iter().zip(records) {
            let observations = by_account.entry(account.id).or_default();
            let (old, new) = (observations.first().map(|observation| rank(&observation.record)), rank(&record));
            if Some(new) > old {
                observations.clear();
            } else if new != VISITED || old != Some(VISITED) {
                continue;
            }
            let at = record.started_at.or(end);
            let resume = visited_by_resume.get(&account.id).copied().unwrap_or(0);
            observations.push(Observation { at, account, record, run, resume, run_id: info.run_id.clone() });
        }
    }
    let folded = by_account.into_values().filter_map(|observations| fold(observations, &bases));
    let (accounts, records, run_ids): (Vec<_>, Vec<_>, Vec<_>) =
        folded.map(|Observation { account, record, run_id, .. }| (account, record, run_id)).collect();

    let results = Results::of(&records);
    let tally = &results.tally;
    let settings = &info.settings;
    let verdict = Verdict::of(tally, None, false, settings.detailed_exitcode);
    let target = settings.global_endpoint_token_version;
    let sentence = if worst.is_none() || tally.of(Outcome::NotAttempted) > 0 {
        // There might be accounts that no run has visited, so the sentence of a finished run would be wrong.
        unfinished(settings.mode, tally)
    } else if is_uniform {
        verdict.sentence(info.command, settings.mode, target, &results)
    } else {
        mixed(tally)
    };
    let exit_code = worst.map(|worst| {
        // The verdict covers the outcomes in all runs. It does not show that a run stopped, so the exit code of such a run is
        // kept.
        if severity(worst) > SOME_FAILED { worst } else { verdict.exit_code() }
    });
    info.verdict = exit_code.map(|exit_code| Ending { exit_code, sentence: sentence.clone() });
    Some(LoadedRun {
        info,
        accounts,
        records,
        sentence,
        exit_code,
        folder: None,
        unlisted,
        visited_by_resume: BTreeMap::new(),
        run_ids: Some(run_ids),
    })
}

/// Describes the outcomes of runs with different commands or target versions.
fn mixed(tally: &Tally) -> String {
    let counts: Vec<String> = tally
        .iter()
        .filter(|(outcome, count)| *count > 0 && *outcome != Outcome::Skipped)
        .map(|(outcome, count)| format!("{count} {outcome}"))
        .collect();
    let selected = tally.total() - tally.of(Outcome::Skipped);
    format!("of {selected} accounts in runs of several kinds: {}", counts.join(", "))
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

/// The record of an account in one run.
struct Observation {
    /// When the account was observed; `None` if the time is not known.
    at: Option<SystemTime>,
    account: Account,
    record: Record,
    /// The index of the run.
    run: usize,
    /// The number, from 1, of the resume that visited the account; 0 if the run visited it before it was resumed.
    resume: u32,
    run_id: RunId,
}

/// The rank of the record of a visit.
const VISITED: u8 = 3;

/// Returns how much a record says about its account. From most to least: a visit, a visit that was not attempted, a reason for
/// skipping the account without a visit, and the mere fact that the account is in another shard.
fn rank(record: &Record) -> u8 {
    match record.outcome {
        Outcome::Changed | Outcome::Unchanged | Outcome::WouldChange | Outcome::Unverified | Outcome::Failed => VISITED,
        // A rollback skips accounts that someone else has set since.
        Outcome::Skipped if record.started_at.is_some() => VISITED,
        Outcome::NotAttempted => 2,
        Outcome::Skipped => {
            let error = record.error.as_ref();
            error.is_some_and(|error| error.error_code.as_str() != SkipReason::OtherShard.code()).into()
        }
    }
}

/// Folds an account's observations in chronological order. An uncertain result of a run that has not ended has no time and comes
/// last, because it might be newer than any other. But no run comes before what it is based on, even if its clock says so: the visits
/// of the plan that it applies or of the run that it undoes. `bases` has that plan or run.
fn fold(mut observations: Vec<Observation>, bases: &[Option<Base>]) -> Option<Observation> {
    let time = |observation: &Observation| (observation.at.is_none(), observation.at);
    let times: BTreeMap<usize, _> = observations.iter().map(|each| (each.run, (each.resume, time(each)))).collect();
    observations.sort_by_cached_key(|observation| {
        let known = |base: Base| times.get(&base.run).filter(|(resume, _)| base.covers(*resume)).map(|(_, time)| *time);
        let ancestors = || ancestors(observation.run, bases).filter_map(known);
        let latest = ancestors().fold(time(observation), Ord::max);
        (latest, ancestors().count(), observation.record.outcome)
    });
    observations.into_iter().reduce(|earlier, later| match relation(&earlier.record, &later.record) {
        Relation::Stays => earlier,
        Relation::Supersedes => later,
        Relation::Confirms => confirmed(earlier, &later),
    })
}

/// What a later record means for an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    /// The earlier record is still true.
    Stays,
    /// The later record is true in place of the earlier one.
    Supersedes,
    /// The later run read back what the earlier run set.
    Confirms,
}

/// Returns the observation of the run that set the account, with the version that a later run read.
fn confirmed(set: Observation, read: &Observation) -> Observation {
    let note = format!("run {} read it back", read.run_id);
    let Record { current_version, verified, .. } = read.record;
    let verified = verified.or(Some(Verified::Setting));
    let record = Record { outcome: Outcome::Changed, current_version, verified, error: None, note, ..set.record };
    Observation { at: set.at.max(read.at), record, ..set }
}

/// Returns what `later` means for `earlier`.
fn relation(earlier: &Record, later: &Record) -> Relation {
    let same_target = earlier.target_version == later.target_version;
    let stays = match (earlier.outcome, later.outcome) {
        // A failed visit changed nothing. So a change by the earlier run persists, and a doubt whether the earlier run changed
        // the account persists, too.
        (Outcome::Changed | Outcome::Unverified, Outcome::Failed) => true,
        // The later run sent nothing, so it read what the earlier run had set. But if the earlier run had read that already, its doubt
        // is about something else: whether tokens are accepted.
        (Outcome::Unverified, Outcome::Unchanged) if same_target => {
            if !earlier.current_version.is_some_and(|read| read.shows(earlier.target_version)) {
                return Relation::Confirms;
            }
            true
        }
        // If both runs have the same target, the account still has the version that the earlier run set. If not, it was set back.
        (Outcome::Changed, Outcome::Unchanged) => same_target,
        // The plan supersedes the change, unless the plan read the version that the earlier run had set.
        (Outcome::Changed, Outcome::WouldChange) => {
            later.current_version.or(later.previous_version).is_some_and(|now| now.shows(earlier.target_version))
        }
        // An unverified record without a start time is that of an interrupted run. If both runs have the same target, the account
        // has that version, whichever of the two runs set it, so the account stays `changed`.
        (Outcome::Changed, Outcome::Unverified) => later.started_at.is_none() && same_target,
        _ => false,
    };
    if stays { Relation::Stays } else { Relation::Supersedes }
}

/// The severity of exit code 3: at least one account failed or is unverified.
const SOME_FAILED: u8 = 2;

/// Ranks exit codes by how serious the remaining problem is.
const fn severity(exit_code: u8) -> u8 {
    match exit_code {
        0 => 0,
        4 => 1,
        3 => SOME_FAILED,
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
    merged.started_at = runs.iter().filter_map(|run| run.info.started_at).min();
    let ends: Option<Vec<_>> = runs.iter().map(|run| run.info.ended_at).collect();
    merged.ended_at = ends.and_then(|ends| ends.into_iter().max());
    Some(merged)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::org::{AccountState, ObservedVersion, TokenVersion};

    const V1: TokenVersion = TokenVersion::V1Token;
    const V2: TokenVersion = TokenVersion::V2Token;

    fn observation(outcome: Outcome, wanted: TokenVersion, at: u64) -> Observation {
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
        Observation { at, account, record, run: 0, resume: 0, run_id: RunId::of_several(&[]) }
    }

    /// Folds every pair of outcomes, in both orders of the input.
    #[test]
    fn changes_stay_reported() {
        use Outcome::{Changed, Failed, NotAttempted, Skipped, Unchanged, Unverified, WouldChange};
        let visits: Vec<Outcome> = Outcome::ALL
            .into_iter()
            .filter(|outcome| rank(&Record { outcome: *outcome, ..observation(*outcome, V2, 0).record }) == VISITED)
            .collect();
        assert_eq!(visits, [Changed, Unchanged, WouldChange, Unverified, Failed, Skipped]);
        assert!(!visits.contains(&NotAttempted));
        for earlier in &visits {
            for later in &visits {
                let stays = matches!((earlier, later), (Changed, Unchanged | Failed) | (Unverified, Failed));
                let confirms = (*earlier, *later) == (Unverified, Unchanged);
                let expected = if confirms {
                    Changed
                } else if stays {
                    *earlier
                } else {
                    *later
                };
                for reversed in [false, true] {
                    let mut pair = vec![observation(*earlier, V2, 1), observation(*later, V2, 2)];
                    if reversed {
                        pair.reverse();
                    }
                    let known = fold(pair, &[]).unwrap();
                    assert_eq!(known.record.outcome, expected, "{earlier}, then {later}");
                    let at = observation(Changed, V2, if stays { 1 } else { 2 }).at;
                    assert_eq!(known.at, at, "{earlier}, then {later}");
                }
            }
        }
        // The result of a run that crashed is uncertain and has no time. Only a change to the same version removes the
        // uncertainty.
        for other in &visits {
            let doubt = || Observation { at: None, ..observation(Unverified, V2, 0) };
            let doubt = || Observation { record: Record { started_at: None, ..doubt().record }, ..doubt() };
            let known = fold(vec![doubt(), observation(*other, V2, 1)], &[]).unwrap();
            assert_eq!(known.record.outcome, if *other == Changed { Changed } else { Unverified }, "{other}");
            let known = fold(vec![doubt(), observation(*other, V1, 1)], &[]).unwrap();
            assert_eq!(known.record.outcome, Unverified, "{other}");
        }
        // A plan for another version undoes nothing. A plan that finds that the change was reverted supersedes the change.
        for (found, outcome) in [(ObservedVersion::V2Token, Changed), (ObservedVersion::V1Token, WouldChange)] {
            let mut plan = observation(WouldChange, V1, 2);
            plan.record.current_version = Some(found);
            assert_eq!(fold(vec![observation(Changed, V2, 1), plan], &[]).unwrap().record.outcome, outcome);
        }
        // The later run finds its own target version, so the account was set back after the earlier run.
        let back = fold(vec![observation(Changed, V2, 1), observation(Unchanged, V1, 2)], &[]).unwrap();
        assert_eq!(back.record.target_version, V1);
    }

    /// A Set whose effect the run did not see is a change as soon as a later run reads it. The row keeps what the earlier run knows.
    #[test]
    fn a_later_run_confirms_a_set() {
        let mut set = observation(Outcome::Unverified, V2, 1);
        set.record.previous_version = Some(ObservedVersion::V1Token);
        set.record.request_id = Some("set".to_owned());
        set.record = set.record.interrupted(ObservedVersion::V1Token);
        let mut read = Observation { run: 1, ..observation(Outcome::Unchanged, V2, 2) };
        read.record.previous_version = Some(ObservedVersion::V2Token);
        read.record.current_version = Some(ObservedVersion::V2Token);
        let known = fold(vec![copy(&set), copy(&read)], &[]).unwrap();
        let expected = Record {
            outcome: Outcome::Changed,
            current_version: Some(ObservedVersion::V2Token),
            verified: Some(Verified::Setting),
            error: None,
            note: format!("run {} read it back", read.run_id),
            ..set.record.clone()
        };
        assert_eq!((known.run, known.record), (0, expected));

        // The earlier run saw the setting, and doubts something else.
        set.record.current_version = Some(ObservedVersion::V2Token);
        assert_eq!(fold(vec![set, read], &[]).unwrap().record.outcome, Outcome::Unverified);
    }

    /// A rollback finds the old version. Then the run that it undoes is resumed, and sets the account.
    #[test]
    fn a_later_resume_is_newer_than_a_rollback_that_did_not_know_it() {
        let resumed = |resume, at| Observation { resume, ..observation(Outcome::Changed, V2, at) };
        let rollback = |at| Observation { run: 1, ..observation(Outcome::Unchanged, V1, at) };
        // The resume, its time, how many resumes the rollback knew, the time of the rollback, and the version in the end.
        let table = [
            (0, 1, Some(0), 2, V1),
            (0, 3, Some(0), 2, V1),
            (1, 3, Some(0), 2, V2),
            (1, 1, Some(0), 2, V1),
            (1, 3, Some(1), 2, V1),
            (2, 3, Some(1), 2, V2),
            (2, 3, None, 2, V1),
        ];
        for (resume, set_at, resumes, read_at, version) in table {
            let bases = [None, Some(Base { run: 0, resumes })];
            for reversed in [false, true] {
                let mut pair = vec![resumed(resume, set_at), rollback(read_at)];
                if reversed {
                    pair.reverse();
                }
                let known = fold(pair, &bases).unwrap();
                assert_eq!(known.record.target_version, version, "{resume} at {set_at}, {resumes:?} known");
            }
        }
    }

    /// The clock of each run is behind that of the run that it is based on, down to runs that have no time at all.
    #[test]
    fn a_run_comes_after_the_run_that_it_is_based_on() {
        use Outcome::{Changed, Unverified, WouldChange};
        let of_run = |run, each: Observation| Observation { run, ..each };
        let doubt = Observation { at: None, ..observation(Unverified, V2, 0) };
        let table = [
            // A plan, its apply, and the rollback of the apply.
            (vec![observation(WouldChange, V2, 9), observation(Changed, V2, 5), observation(Changed, V1, 2)], V1),
            (vec![observation(Changed, V2, 9), observation(Changed, V1, 5), observation(Changed, V2, 2)], V2),
            (vec![observation(Changed, V2, 9), observation(Changed, V1, 9)], V1),
            (vec![doubt, observation(Changed, V1, 5)], V1),
        ];
        for (chain, version) in table {
            let length = chain.len();
            let base = |run| Some(Base { run, resumes: Some(0) });
            let bases: Vec<Option<Base>> = (0..length).map(|run: usize| run.checked_sub(1).and_then(base)).collect();
            for turn in 0..length {
                let mut runs: Vec<_> = chain.iter().enumerate().map(|(run, each)| of_run(run, copy(each))).collect();
                runs.rotate_left(turn);
                let known = fold(runs, &bases).unwrap();
                assert_eq!((known.run, known.record.target_version), (length - 1, version));
            }
        }
        // A circle ends.
        let circle = vec![of_run(0, observation(Changed, V2, 1)), of_run(1, observation(Changed, V1, 2))];
        let bases = [1, 0].map(|run| Some(Base { run, resumes: None }));
        assert_eq!(fold(circle, &bases).unwrap().record.target_version, V1);
    }

    fn copy(each: &Observation) -> Observation {
        let Observation { at, account, record, run, resume, run_id } = each;
        let (account, record, run_id) = (account.clone(), record.clone(), run_id.clone());
        Observation { at: *at, account, record, run: *run, resume: *resume, run_id }
    }

    #[test]
    fn a_visit_outranks_a_reason_for_skipping() {
        let skipped = |code| rank(&Record::skipped("000000000001".parse().unwrap(), V2, code, "why"));
        let ascending = [
            skipped("OtherShard"),
            skipped("Suspended"),
            rank(&observation(Outcome::NotAttempted, V2, 0).record),
            VISITED,
        ];
        assert!(ascending.is_sorted_by(|less, more| less < more), "{ascending:?}");
    }

    #[test]
    fn exit_codes_are_ranked_by_severity() {
        let ascending = [0, 4, 3, 5, 130, 1];
        assert!(ascending.is_sorted_by_key(|code| severity(*code)));
        assert_eq!(severity(130), severity(143));
        assert_eq!(severity(129), severity(143));
    }
}
