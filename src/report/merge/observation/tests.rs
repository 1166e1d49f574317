use std::time::Duration;

use super::*;
use crate::org::TokenVersion;

const V1: TokenVersion = TokenVersion::V1Token;
const V2: TokenVersion = TokenVersion::V2Token;

fn observed(version: TokenVersion) -> Option<ObservedVersion> {
    ObservedVersion::ALL.into_iter().find(|observed| observed.shows(version))
}

fn other(version: TokenVersion) -> Option<ObservedVersion> {
    observed(if version == V1 { V2 } else { V1 })
}

/// A visit at a time, with the version that such a visit usually reads last.
fn observation(outcome: Outcome, wanted: TokenVersion, at: u64) -> Observation {
    let id = "000000000001".parse().unwrap();
    let at = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(at));
    let current_version = match outcome {
        Outcome::Changed | Outcome::Unchanged => observed(wanted),
        Outcome::WouldChange | Outcome::Skipped => other(wanted),
        Outcome::Unverified | Outcome::Failed | Outcome::NotAttempted => None,
    };
    let record = Record { outcome, started_at: at.map(Into::into), current_version, ..Record::blank(id, wanted) };
    Observation { at, since: None, record, run: 0, resume: 0, run_id: RunId::of_several(&[]) }
}

fn reading(read: Option<ObservedVersion>, each: Observation) -> Observation {
    Observation { record: Record { current_version: read, ..each.record }, ..each }
}

/// A Set of a run that was killed, at a time that is not known.
fn doubt(wanted: TokenVersion) -> Observation {
    let doubt = observation(Outcome::Unverified, wanted, 0);
    Observation { at: None, record: Record { started_at: None, ..doubt.record }, ..doubt }
}

fn outcome_of(pair: Vec<Observation>) -> (Outcome, TokenVersion, Option<ObservedVersion>) {
    let known = fold(pair, &[], &[]).unwrap().record;
    (known.outcome, known.target_version, known.current_version)
}

/// Folds every pair of outcomes, in both orders of the input.
#[test]
fn changes_stay_reported() {
    use Outcome::{Changed, Failed, Skipped, Unchanged, Unverified, WouldChange};
    let visits: Vec<Outcome> = Outcome::ALL
        .into_iter()
        .filter(|outcome| rank(&observation(*outcome, V2, 0).record) == VISITED || *outcome == Skipped)
        .collect();
    assert_eq!(visits, [Changed, Unchanged, WouldChange, Unverified, Failed, Skipped]);
    for earlier in &visits {
        for later in &visits {
            let stays = matches!((earlier, later), (Changed, Unchanged | Failed) | (Unverified, Failed));
            let expected = match (earlier, later) {
                (Unverified, Unchanged) => Changed,
                _ if stays => *earlier,
                _ => *later,
            };
            for reversed in [false, true] {
                let mut pair = vec![observation(*earlier, V2, 1), observation(*later, V2, 2)];
                if reversed {
                    pair.reverse();
                }
                let known = fold(pair, &[], &[]).unwrap();
                assert_eq!(known.record.outcome, expected, "{earlier}, then {later}");
                let at = observation(Changed, V2, if stays { 1 } else { 2 }).at;
                assert_eq!(known.at, at, "{earlier}, then {later}");
            }
        }
    }
    // A doubt of unknown time comes last. Only a change to the same version removes it.
    for each in &visits {
        let known = |wanted| outcome_of(vec![doubt(V2), observation(*each, wanted, 1)]).0;
        assert_eq!(known(V2), if *each == Changed { Changed } else { Unverified }, "{each}");
        assert_eq!(known(V1), Unverified, "{each}");
    }
}

/// What a later visit read decides what it means for a Set.
#[test]
fn a_later_reading_counts() {
    use Outcome::{Changed, Failed, Unchanged, Unverified, WouldChange};
    let [v1, v2, unknown] = [ObservedVersion::V1Token, ObservedVersion::V2Token, ObservedVersion::Unknown].map(Some);
    // A Set of v2Token, the later outcome, its target and what it read, and what is known in the end.
    let table = [
        // A failed visit with the same target changed nothing. But it may have read that the version is gone.
        (Changed, Failed, V2, None, (Changed, V2, v2)),
        (Changed, Failed, V2, v2, (Changed, V2, v2)),
        (Changed, Failed, V2, unknown, (Changed, V2, v2)),
        (Changed, Failed, V2, v1, (Failed, V2, v1)),
        (Unverified, Failed, V2, None, (Unverified, V2, None)),
        (Unverified, Failed, V2, v1, (Failed, V2, v1)),
        // A failed rollback leaves what the earlier run set.
        (Changed, Failed, V1, None, (Failed, V1, v2)),
        (Changed, Failed, V1, v2, (Failed, V1, v2)),
        (Changed, Failed, V1, unknown, (Failed, V1, unknown)),
        (Unverified, Failed, V1, None, (Unverified, V2, None)),
        (Unverified, Failed, V1, unknown, (Unverified, V2, None)),
        (Unverified, Failed, V1, v2, (Failed, V1, v2)),
        (Unverified, Failed, V1, v1, (Failed, V1, v1)),
        // A plan undoes nothing, and may have read what the earlier run set.
        (Changed, WouldChange, V1, v2, (Changed, V2, v2)),
        (Changed, WouldChange, V2, v1, (WouldChange, V2, v1)),
        (Unverified, WouldChange, V1, v2, (Changed, V2, v2)),
        (Unverified, WouldChange, V1, unknown, (Unverified, V2, None)),
        (Unverified, WouldChange, V2, unknown, (Unverified, V2, None)),
        (Unverified, WouldChange, V2, v1, (WouldChange, V2, v1)),
        // The later run finds its own target, so the account was set back, or the Set had no effect.
        (Changed, Unchanged, V1, v1, (Unchanged, V1, v1)),
        (Unverified, Unchanged, V1, v1, (Unchanged, V1, v1)),
        (Unverified, Unchanged, V2, v2, (Changed, V2, v2)),
    ];
    for (set, outcome, wanted, read, expected) in table {
        let later = reading(read, observation(outcome, wanted, 2));
        let known = outcome_of(vec![observation(set, V2, 1), later]);
        assert_eq!(known, expected, "{set}, then {outcome} for {wanted}, which read {read:?}");
    }
}

/// A run that is killed after it has written down an intent has read another version than the wanted one.
#[test]
fn an_interrupted_run_that_began_after_a_change_doubts_it() {
    let changed = || observation(Outcome::Changed, V2, 5);
    let second = |second| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(second));
    let since = |start| Observation { since: second(start), run: 1, ..doubt(V2) };
    assert_eq!(outcome_of(vec![changed(), since(4)]).0, Outcome::Changed, "it may have come before the change");
    assert_eq!(outcome_of(vec![changed(), since(6)]).0, Outcome::Unverified);
    let dated = |at| Observation { at: second(at), ..since(4) };
    assert_eq!(outcome_of(vec![changed(), dated(4)]).0, Outcome::Changed);
    assert_eq!(outcome_of(vec![changed(), dated(6)]).0, Outcome::Unverified);
    // Of two killed runs, the one that started last counts, in both orders.
    let other = || Observation { since: second(9), run: 1, ..doubt(V1) };
    for pair in [vec![since(4), other()], vec![other(), since(4)]] {
        assert_eq!(outcome_of(pair).1, V1);
    }
}

/// A visit that sets, and one that reads at the same time.
#[test]
fn overlapping_visits_count_by_what_they_did() {
    let record = |outcome, started: u64, seconds: u64| Record {
        duration: Some(Duration::from_secs(seconds).into()),
        ..observation(outcome, V2, started).record
    };
    for (outcome, expected) in [
        (Outcome::Changed, 14),
        (Outcome::Unverified, 14),
        (Outcome::Unchanged, 10),
        (Outcome::WouldChange, 10),
        (Outcome::Failed, 10),
        (Outcome::Skipped, 10),
    ] {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(expected);
        assert_eq!(time(&record(outcome, 10, 4)), Some(at), "{outcome}");
    }
    assert_eq!(time(&doubt(V2).record), None);
}

/// A Set whose effect the run did not see is a change as soon as a later run reads it. The row keeps what the earlier run knows.
#[test]
fn a_later_run_confirms_a_set() {
    let mut set = observation(Outcome::Unverified, V2, 1);
    set.record.previous_version = Some(ObservedVersion::V1Token);
    set.record.request_id = Some("set".into());
    set.record = set.record.interrupted(ObservedVersion::V1Token);
    let read = Observation { run: 1, ..observation(Outcome::Unchanged, V2, 2) };
    let known = fold(vec![copy(&set), copy(&read)], &[], &[]).unwrap();
    let expected = Record {
        outcome: Outcome::Changed,
        current_version: Some(ObservedVersion::V2Token),
        verified: Some(Verified::Setting),
        error: None,
        note: format!("this run may have set it, and run {} read it back", read.run_id).into(),
        ..set.record.clone()
    };
    assert_eq!((known.run, known.record), (0, expected));

    // The earlier run saw the setting, and doubts something else.
    set.record.current_version = Some(ObservedVersion::V2Token);
    assert_eq!(fold(vec![set, read], &[], &[]).unwrap().record.outcome, Outcome::Unverified);
}

/// A rollback finds the old version. Then the run that it undoes is resumed, and sets the account.
#[test]
fn a_later_resume_is_newer_than_a_rollback_that_did_not_know_it() {
    let resumed = |resume, at| Observation { resume, ..observation(Outcome::Changed, V2, at) };
    let rollback = || Observation { run: 1, ..observation(Outcome::Unchanged, V1, 5) };
    let starts = [1, 4].map(|start| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(start)));
    // The resume, its time, how many resumes the rollback knew, and the version in the end.
    let table = [
        (0, 2, Some(0), V1),
        (0, 9, Some(0), V1),
        (1, 9, Some(0), V2),
        (1, 2, Some(0), V1),
        (1, 9, Some(1), V1),
        (2, 9, Some(1), V2),
        (2, 9, None, V1),
    ];
    for (resume, set_at, resumes, version) in table {
        let bases = [None, Some(Base { run: 0, resumes })];
        for reversed in [false, true] {
            let mut pair = vec![resumed(resume, set_at), rollback()];
            if reversed {
                pair.reverse();
            }
            let known = fold(pair, &bases, &starts).unwrap();
            assert_eq!(known.record.target_version, version, "{resume} at {set_at}, {resumes:?} known");
        }
    }
}

/// The clock of each run is behind that of the run that it is based on, down to runs that have no time at all.
#[test]
fn a_run_comes_after_the_run_that_it_is_based_on() {
    use Outcome::{Changed, WouldChange};
    let of_run = |run, each: Observation| Observation { run, ..each };
    // Each run started a second before its visit.
    let table = [
        // A plan, its apply, and the rollback of the apply.
        (vec![observation(WouldChange, V2, 9), observation(Changed, V2, 5), observation(Changed, V1, 2)], V1),
        (vec![observation(Changed, V2, 9), observation(Changed, V1, 5), observation(Changed, V2, 2)], V2),
        (vec![observation(Changed, V2, 9), observation(Changed, V1, 9)], V1),
        (vec![doubt(V2), observation(Changed, V1, 5)], V1),
    ];
    for (chain, version) in table {
        let length = chain.len();
        let starts: Vec<_> = chain.iter().map(|each| each.at.map(|at| at - Duration::from_secs(1))).collect();
        let base = |run| Some(Base { run, resumes: Some(0) });
        let bases: Vec<Option<Base>> = (0..length).map(|run: usize| run.checked_sub(1).and_then(base)).collect();
        for turn in 0..length {
            let mut runs: Vec<_> = chain.iter().enumerate().map(|(run, each)| of_run(run, copy(each))).collect();
            runs.rotate_left(turn);
            let known = fold(runs, &bases, &starts).unwrap();
            assert_eq!((known.run, known.record.target_version), (length - 1, version));
        }
    }
    // A killed run, its rollback, and a later apply that is based on neither: the rollback is not moved behind the apply.
    let starts = [1, 3, 7].map(|start| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(start)));
    let bases = [None, Some(Base { run: 0, resumes: Some(0) }), None];
    let runs = [doubt(V2), observation(Changed, V1, 4), observation(Changed, V2, 8)];
    for turn in 0..runs.len() {
        let mut runs: Vec<_> = runs.iter().enumerate().map(|(run, each)| of_run(run, copy(each))).collect();
        runs.rotate_left(turn);
        assert_eq!(fold(runs, &bases, &starts).unwrap().run, 2);
    }
    // A circle ends.
    let circle = vec![of_run(0, observation(Changed, V2, 1)), of_run(1, observation(Changed, V1, 2))];
    let bases = [1, 0].map(|run| Some(Base { run, resumes: None }));
    assert_eq!(fold(circle, &bases, &[None, None]).unwrap().record.target_version, V1);
}

fn copy(each: &Observation) -> Observation {
    let Observation { at, since, record, run, resume, run_id } = each;
    let (record, run_id) = (record.clone(), run_id.clone());
    Observation { at: *at, since: *since, record, run: *run, resume: *resume, run_id }
}

#[test]
fn a_visit_outranks_a_reason_for_skipping() {
    let id = observation(Outcome::Skipped, V2, 0).record.account_id;
    let skipped = |code| rank(&Record::skipped(id, V2, code, code));
    let ascending =
        [skipped("OtherShard"), skipped("Suspended"), rank(&observation(Outcome::NotAttempted, V2, 0).record), VISITED];
    assert!(ascending.is_sorted_by(|less, more| less < more), "{ascending:?}");
}
