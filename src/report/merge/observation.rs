//! What one run knows about an account, and what follows if several runs know something about it.

use std::time::{Duration, SystemTime};

use crate::journal::RunId;
use crate::org::ObservedVersion;
use crate::org::selection::SkipReason;
use crate::report::lineage::{Base, ancestors};
use crate::rollout::{Outcome, Record, Verified};

/// The record of an account in one run.
pub(super) struct Observation {
    /// When the account was in the state that the record describes. `None` if this is not known, because the run was killed.
    pub at: Option<SystemTime>,
    /// When the run started.
    pub since: Option<SystemTime>,
    pub record: Record,
    /// The index of the run.
    pub run: usize,
    /// The number, from 1, of the resume that visited the account; 0 if the run visited it before it was resumed.
    pub resume: u32,
    pub run_id: RunId,
}

/// Returns when a visit read or set what its record says. A visit reads at its beginning, and has set at its end. So if a visit that sets
/// overlaps with one that only reads, what was set counts. `None` if no visit ended.
pub(super) fn time(record: &Record) -> Option<SystemTime> {
    let duration = match record.outcome {
        Outcome::Changed | Outcome::Unverified => record.duration.map_or(Duration::ZERO, Duration::from),
        Outcome::Unchanged | Outcome::WouldChange | Outcome::Failed | Outcome::Skipped | Outcome::NotAttempted => {
            Duration::ZERO
        }
    };
    record.started_at.map(|started| SystemTime::from(started) + duration)
}

/// The rank of the record of a visit.
pub(super) const VISITED: u8 = 3;

/// Returns how much a record says about its account. From most to least: a visit, a visit that was not attempted, a reason for
/// skipping the account without a visit, and the mere fact that the account is in another shard.
pub(super) fn rank(record: &Record) -> u8 {
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

/// Folds an account's observations in chronological order. An uncertain result of a run that was killed may have no time and comes last,
/// because it might be newer than any other.
///
/// But what a run had done when another run was based on it comes before the start of that other run, even if clocks say otherwise.
/// `bases` has the plan that each run applies, or the run that it undoes, and `starts` when each run started.
pub(super) fn fold(
    mut observations: Vec<Observation>,
    bases: &[Option<Base>],
    starts: &[Option<SystemTime>],
) -> Option<Observation> {
    observations.sort_by_cached_key(|observation| {
        let Observation { at, run, resume, .. } = *observation;
        let is_based_on_it =
            |later: &usize| ancestors(*later, bases).any(|base| base.run == run && base.covers(resume));
        let later_starts =
            (0..bases.len()).filter(is_based_on_it).filter_map(|later| starts.get(later).copied().flatten());
        let at = later_starts.min().map_or(at, |start| Some(at.map_or(start, |at| at.min(start))));
        ((at.is_none(), at), ancestors(run, bases).count(), observation.record.outcome, observation.since, run)
    });
    observations.into_iter().reduce(|earlier, later| match relation(&earlier, &later) {
        Relation::Stays => with_newer_token(earlier, &later),
        Relation::Supersedes => later,
        Relation::Confirms => confirmed(earlier, &later),
        Relation::FailsToUndo => not_undone(&earlier.record, later),
    })
}

/// What a later record means for an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    /// The earlier record is still true.
    Stays,
    /// The later record is true in place of the earlier one.
    Supersedes,
    /// The later run read what the earlier run had set without seeing it.
    Confirms,
    /// The later run wants another version and could not set it, so the account still has the version of the earlier run.
    FailsToUndo,
}

/// Returns what `later` means for `earlier`.
fn relation(earlier: &Observation, later: &Observation) -> Relation {
    use Outcome::{Changed, Failed, Unchanged, Unverified, WouldChange};
    let (set, record) = (&earlier.record, &later.record);
    let same_target = set.target_version == record.target_version;
    let read = record.current_version.or(record.previous_version);
    let shows = read.is_some_and(|read| read.shows(set.target_version));
    let shows_another = !shows && read.is_some_and(|read| read != ObservedVersion::Unknown);
    match (set.outcome, record.outcome) {
        // The version that the earlier run set is gone.
        (Changed | Unverified, Failed) if shows_another => Relation::Supersedes,
        // A failed visit changed nothing. So a change by the earlier run persists, and a doubt whether the earlier run changed
        // the account persists, too.
        (Changed | Unverified, Failed) if same_target => Relation::Stays,
        (Changed, Failed) => Relation::FailsToUndo,
        (Unverified, Failed) => {
            if shows {
                Relation::FailsToUndo
            } else {
                Relation::Stays
            }
        }
        // If both runs have the same target, the account still has the version that the earlier run set. If not, it was set back.
        (Changed, Unchanged) => {
            if same_target {
                Relation::Stays
            } else {
                Relation::Supersedes
            }
        }
        // The plan supersedes the change, unless the plan read the version that the earlier run had set.
        (Changed, WouldChange) => {
            if shows {
                Relation::Stays
            } else {
                Relation::Supersedes
            }
        }
        // If the earlier run had read the version that it set, its doubt is about something else: whether tokens are accepted.
        (Unverified, Unchanged | WouldChange) if shows => {
            let was_seen = set.current_version.is_some_and(|read| read.shows(set.target_version));
            let is_issued = record.issued_version() == Some(set.target_version);
            if was_seen && !is_issued { Relation::Stays } else { Relation::Confirms }
        }
        (Unverified, WouldChange) if !shows_another => Relation::Stays,
        // It is not known when the interrupted run had this doubt. If both runs have the same target, the account has that version,
        // whichever of the two set it, unless the interrupted run began after the change: then it found another version.
        (Changed, Unverified) if same_target && record.started_at.is_none() && later.at.is_none() => {
            if later.since > earlier.at { Relation::Supersedes } else { Relation::Stays }
        }
        _ => Relation::Supersedes,
    }
}

/// Returns the observation of the run that set the account, with the version that a later run read.
fn confirmed(set: Observation, read: &Observation) -> Observation {
    let note = format!("this run may have set it, and run {} read it back", read.run_id).into();
    let Record { current_version, verified, .. } = read.record;
    let is_issued = read.record.issued_version() == Some(set.record.target_version);
    let verified = verified.or(Some(if is_issued { Verified::TokenSize } else { Verified::Setting }));
    let issued_token = read.record.issued_token.clone().or(set.record.issued_token);
    let record =
        Record { outcome: Outcome::Changed, current_version, verified, issued_token, error: None, note, ..set.record };
    Observation { at: set.at.max(read.at), record, ..set }
}

/// Returns the earlier observation with what the later run found out about the tokens that are issued.
fn with_newer_token(earlier: Observation, later: &Observation) -> Observation {
    let issued_token = match &later.record.issued_token {
        Some(token) if token.version.is_some() => later.record.issued_token.clone(),
        _ => earlier.record.issued_token,
    };
    Observation { record: Record { issued_token, ..earlier.record }, ..earlier }
}

/// Returns the failed observation, with the version that the earlier run left if the failed visit did not read it.
fn not_undone(set: &Record, failed: Observation) -> Observation {
    let current_version = failed.record.current_version.or(set.current_version);
    let previous_version = failed.record.previous_version.or(set.current_version);
    Observation { record: Record { previous_version, current_version, ..failed.record }, ..failed }
}

#[cfg(test)]
mod tests;
