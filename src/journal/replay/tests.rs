//! Tests of replaying journals.

use super::*;
use Outcome::{Changed, Failed, NotAttempted, Unverified};
use std::borrow::Cow;
use std::num::NonZeroU32;
use std::path::Path;

fn id(number: u64) -> AccountId {
    format!("{number:012}").parse().unwrap()
}

fn target(number: u64) -> Target {
    Target {
        wave: NonZeroU32::new(1 + u32::from(number > 1)),
        account: id(number),
        access: crate::cloud::AccessMethod::Own,
        management: false,
        invited: false,
        wanted: TokenVersion::V2Token,
        provenance: Provenance::None,
    }
}

fn record(number: u64, outcome: Outcome) -> Entry<'static> {
    let started_at = (outcome != Outcome::NotAttempted).then(|| std::time::UNIX_EPOCH.into());
    Entry::Record(Cow::Owned(Record { outcome, started_at, ..Record::blank(id(number), TokenVersion::V2Token) }))
}

fn intent(number: u64, previous_version: ObservedVersion) -> Entry<'static> {
    Entry::Intent { account_id: id(number), previous_version, target_version: TokenVersion::V2Token, at: None }
}

fn journal(entries: &[Entry<'_>]) -> Vec<u8> {
    entries.iter().flat_map(Entry::to_line).collect()
}

fn blank_account() -> Account {
    Account {
        id: id(0),
        name: Box::default(),
        email: Box::default(),
        attributes: AccountAttributes::active_in(""),
        joined_at: None,
    }
}

fn story() -> Vec<Entry<'static>> {
    let mut entries = vec![Entry::Journal { format: 1, run_id: "r".into(), version: "0".into() }];
    for number in (1..=6).rev() {
        entries.push(Entry::Account(Cow::Owned(Account { id: id(number), ..blank_account() })));
    }
    for number in 1..=6 {
        entries.push(Entry::Target(Cow::Owned(target(number))));
    }
    entries.push(Entry::Ready { accounts: 6, targets: 6 });
    entries.extend([
        intent(1, ObservedVersion::V1Token),
        record(1, Outcome::Changed),
        record(2, Outcome::Failed),
        intent(3, ObservedVersion::Unknown),
        record(3, Outcome::Unverified),
        record(4, Outcome::NotAttempted),
        intent(5, ObservedVersion::V1Token),
    ]);
    entries
}

#[test]
fn the_journal_of_a_killed_run_is_replayed() {
    let bytes = journal(&story());
    let replay = Replay::of(&bytes[..], Path::new("j")).unwrap();
    assert_eq!(replay.length, bytes.len() as u64);
    let outcomes: Vec<_> = replay.records().iter().map(|record| record.outcome).collect();
    assert_eq!(outcomes, [Changed, Failed, Unverified, NotAttempted, Unverified, NotAttempted]);

    let rest: Vec<_> = replay.remaining(|_| false).into_iter().flat_map(|wave| wave.targets).collect();
    assert_eq!(rest.iter().map(|target| target.account).collect::<Vec<_>>(), [id(4), id(5), id(6)]);
    assert_eq!(rest[1].provenance, Provenance::Intended(ObservedVersion::V1Token));
    let all = replay.remaining(|_| true);
    let waves: Vec<_> = all.iter().map(|wave| (wave.number, wave.targets.len())).collect();
    assert_eq!(waves, [(Some(2), 2), (Some(2), 3)], "those that failed come first, in a wave of their own");
    assert_eq!(all[0].targets[0].provenance, Provenance::None, "a failed account was not changed");
    assert_eq!(all[0].targets[1].provenance, Provenance::Intended(ObservedVersion::Unknown));
}

#[test]
fn a_torn_journal_is_read_up_to_its_last_complete_line() {
    let bytes = journal(&story());
    for length in 0..bytes.len() {
        let replay = Replay::of(&bytes[..length], Path::new("j")).unwrap();
        let whole = bytes[..length].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        assert_eq!(replay.length, whole as u64, "cut at {length}");
    }
    let mut zeros = bytes.clone();
    zeros.extend([0; 300]);
    assert_eq!(Replay::of(&zeros[..], Path::new("j")).unwrap().length, bytes.len() as u64);
}

#[test]
fn damage_in_the_middle_names_its_line() {
    let mut bytes = journal(&story());
    let third = bytes.split_inclusive(|byte| *byte == b'\n').take(2).map(<[u8]>::len).sum::<usize>();
    bytes[third] = b'x';
    let error = Replay::of(&bytes[..], Path::new("folder/journal.jsonl")).unwrap_err();
    assert!(error.to_string().starts_with("line 3 of the journal folder/journal.jsonl is damaged"), "{error}");
}

#[test]
fn a_missing_line_is_detected() {
    const READY: usize = 13;
    let whole: Vec<Vec<u8>> = story().iter().map(Entry::to_line).collect();
    let last = whole.len() - 1;
    assert!(whole[READY].starts_with(b"{\"event\":\"ready\""));
    for missing in 0..=last {
        let lines: Vec<&[u8]> =
            whole.iter().enumerate().filter(|(at, _)| *at != missing).map(|(_, line)| &line[..]).collect();
        let replayed = Replay::of(&lines.concat()[..], Path::new("j"));
        let shown_at = match &replayed {
            Err(ReplayFailed::Incomplete { line, .. }) => Some(*line),
            other => other.as_ref().map(|_| None).unwrap(),
        };
        let expected = match missing {
            // If the line that names the run is missing, the line that takes its place, line 1, is refused.
            0 => Some(1),
            // If an account or a target is missing, the counts in the event `ready` are wrong. This event has moved up to line
            // `READY`.
            1..READY => Some(READY),
            // If the event `ready` is missing, the first intent, which takes its place, is refused.
            READY => Some(READY + 1),
            // If the intent of account 1 or 3 is missing, the record of this account, which takes its place, is refused.
            14 => Some(15),
            17 => Some(18),
            // Each of the remaining lines is the last line about its account. If it is missing, no line is refused, and the account is
            // visited again.
            _ => None,
        };
        assert_eq!(shown_at, expected, "without line {}: {replayed:?}", missing + 1);
    }
}

#[test]
fn inconsistent_lines_are_refused() {
    let unlisted = || Entry::Account(Cow::Owned(Account { id: id(7), ..blank_account() }));
    let table: [(usize, Entry<'static>, &str); 6] = [
        (14, Entry::Target(Cow::Owned(target(1))), "lists that were complete"),
        (14, unlisted(), "lists that were complete"),
        (14, intent(9, ObservedVersion::V1Token), "account 000000000009 is not listed"),
        (14, record(9, Outcome::Failed), "account 000000000009 is not listed"),
        (13, record(9, Outcome::Skipped), "account 000000000009 is not listed"),
        (1, Entry::Resumed { version: "0".into() }, "the lists are complete"),
    ];
    for (at, entry, words) in table {
        let mut entries = story();
        entries.insert(at, entry);
        let error = Replay::of(&journal(&entries)[..], Path::new("j")).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    let mut entries = story();
    entries[2] = entries[1].clone();
    let error = Replay::of(&journal(&entries)[..], Path::new("j")).unwrap_err().to_string();
    assert!(error.contains("in a list twice"), "{error}");
    let mut entries = story();
    entries[13] = Entry::Ready { accounts: 7, targets: 6 };
    entries.insert(1, unlisted());
    let error = Replay::of(&journal(&entries)[..], Path::new("j")).unwrap_err().to_string();
    assert!(error.contains("what to do with account 000000000007"), "{error}");
}

#[test]
fn a_damaged_last_line_with_a_line_end_is_an_error() {
    let mut bytes = journal(&story());
    let last = bytes.len() - 3;
    bytes[last] = b'x';
    assert!(matches!(Replay::of(&bytes[..], Path::new("j")), Err(ReplayFailed::Damaged { .. })));
}

#[test]
fn an_intent_stays_in_doubt_until_a_visit_settles_it() {
    let interrupted = Record::blank(id(5), TokenVersion::V2Token).interrupted(ObservedVersion::V1Token);
    let visited = Record { started_at: Some(std::time::UNIX_EPOCH.into()), ..interrupted.clone() };
    for (record, state) in [
        (interrupted, IntentState::Open),
        (visited.clone(), IntentState::InDoubt),
        (Record { outcome: Outcome::Changed, error: None, ..visited.clone() }, IntentState::Settled),
        (Record { outcome: Outcome::Failed, ..visited }, IntentState::Settled),
    ] {
        let mut entries = story();
        entries.push(Entry::Record(Cow::Owned(record)));
        let intent = Replay::of(&journal(&entries)[..], Path::new("j")).unwrap().intents[&id(5)];
        assert_eq!(intent.state, state);
        assert_eq!(intent.previous, ObservedVersion::V1Token);
    }
}

#[test]
fn a_newer_format_is_refused() {
    let bytes = journal(&[Entry::Journal { format: Entry::FORMAT + 1, run_id: "r".into(), version: "9".into() }]);
    assert_eq!(
        Replay::of(&bytes[..], Path::new("j")),
        Err(ReplayFailed::Newer { path: "j".into(), version: "9".to_owned(), format: Entry::FORMAT + 1 })
    );
}

/// If the run stops again before it visits an account that `--retry-failed` selected, the next resume visits the account even
/// without this option.
#[test]
fn a_retry_that_did_not_start_is_made_by_the_next_resume() {
    let interrupted = Record::blank(id(3), TokenVersion::V2Token).interrupted(ObservedVersion::Unknown);
    let mut entries = story();
    entries.extend([Entry::Resumed { version: "0".into() }, Entry::Record(Cow::Owned(interrupted))]);
    let replay = Replay::of(&journal(&entries)[..], Path::new("j")).unwrap();
    assert!(replay.intents[&id(3)].state == IntentState::Open && replay.records()[2].needs_resume());
    assert!(replay.remaining(|_| false).iter().flat_map(|wave| &wave.targets).any(|target| target.account == id(3)));
}

#[test]
fn the_first_of_several_intents_has_the_previous_version() {
    let mut entries = story();
    entries.extend([
        Entry::Resumed { version: "0".into() },
        intent(5, ObservedVersion::V2Token),
        record(5, Outcome::Changed),
    ]);
    let replay = Replay::of(&journal(&entries)[..], Path::new("j")).unwrap();
    assert_eq!(replay.intents[&id(5)].previous, ObservedVersion::V1Token);
    assert_eq!(replay.intents[&id(5)].state, IntentState::Settled);
}
