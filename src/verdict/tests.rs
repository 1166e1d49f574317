//! Tests of the sentences and the exit codes, for every outcome and every reason to stop.

use super::*;
use crate::cloud::{Effect, Failure, FailureKind, Operation};

fn reasons() -> [(StopReason, u8); 8] {
    let failure = Failure {
        operation: Operation::AssumeRole,
        kind: FailureKind::Credentials,
        effect: Effect::None,
        code: "ExpiredToken".into(),
        message: "expired".into(),
        status: Some(403),
        request_id: None,
    };
    [
        (StopReason::TooManyErrors { failed: 2, unverified: 0, allowed: 1, wave: None }, 5),
        (StopReason::TooManyErrors { failed: 1, unverified: 0, allowed: 0, wave: Some(1) }, 5),
        (StopReason::Interrupted, 130),
        (StopReason::HungUp, 129),
        (StopReason::Terminated, 143),
        (StopReason::Unreachable(failure.clone()), 1),
        (StopReason::CallerCredentials(failure), 1),
        (StopReason::Journal("No space left on device".into()), 1),
    ]
}

fn code(outcomes: &[Outcome], stopped: Option<&StopReason>, left_out: bool, detailed: bool) -> u8 {
    let tally: Tally = outcomes.iter().copied().collect();
    let verdict = Verdict::of(&tally, stopped, left_out, detailed);
    for command in [CommandName::Plan, CommandName::Apply, CommandName::Rollback] {
        for mode in [Mode::Plan, Mode::Apply] {
            let results = Results { tally: tally.clone(), ..Results::default() };
            let sentence = verdict.sentence(command, mode, TokenVersion::V2Token, &results);
            let zero = sentence.split(|letter: char| !letter.is_ascii_alphanumeric()).any(|word| word == "0");
            assert!(!sentence.is_empty() && !zero, "only what occurred is named: {sentence}");
        }
    }
    verdict.exit_code()
}

#[test]
fn every_outcome_alone() {
    for (outcome, plain, detailed) in [
        (Outcome::Changed, 0, 0),
        (Outcome::Unchanged, 0, 0),
        (Outcome::WouldChange, 0, 4),
        (Outcome::Unverified, 3, 3),
        (Outcome::Failed, 3, 3),
        (Outcome::Skipped, 0, 0),
    ] {
        assert_eq!(code(&[outcome], None, false, false), plain, "{outcome}");
        assert_eq!(code(&[outcome], None, false, true), detailed, "{outcome}");
    }
}

#[test]
fn outcomes_together() {
    use Outcome::{Changed, Failed, NotAttempted, Skipped, Unchanged, Unverified, WouldChange};
    let signal = Some(StopReason::Interrupted);
    for (outcomes, stopped, plain, detailed) in [
        (&[WouldChange, Unchanged, Skipped][..], None, 0, 4),
        (&[Failed, Unchanged, Skipped], None, 3, 3),
        (&[WouldChange, Failed], None, 3, 6),
        (&[WouldChange, Failed, Unchanged, Skipped], None, 3, 6),
        (&[Changed, Unverified, Failed], None, 3, 3),
        // A plan that was stopped says so, because its counts are not complete.
        (&[WouldChange, Failed, NotAttempted], signal.clone(), 130, 130),
        (&[WouldChange, Failed], signal, 3, 6),
    ] {
        let left_out = outcomes.contains(&NotAttempted);
        assert_eq!(code(outcomes, stopped.as_ref(), left_out, false), plain, "{outcomes:?}");
        assert_eq!(code(outcomes, stopped.as_ref(), left_out, true), detailed, "{outcomes:?}");
    }
}

#[test]
fn the_sentence_names_what_occurred() {
    use CommandName::{Apply, Plan, Rollback};
    use Outcome::{Changed, Failed, NotAttempted, Unchanged, Unverified, WouldChange};
    let (signal, errors) = (Some(StopReason::Interrupted), &reasons()[0].0);
    let table: &[(CommandName, &[Outcome], Option<StopReason>, &str)] = &[
        (
            Plan,
            &[WouldChange],
            None,
            "the one selected account was read; apply would set it to v2Token; nothing was changed",
        ),
        (Plan, &[Failed], None, "1 of 1 selected account could not be read; nothing was changed"),
        (Plan, &[Unchanged], None, "nothing to do: the one selected account is on v2Token already"),
        (
            Plan,
            &[WouldChange, Unchanged],
            None,
            "all of 2 selected accounts were read; apply would set 1 to v2Token; nothing was changed",
        ),
        (
            Plan,
            &[WouldChange, Unchanged, Failed, NotAttempted],
            signal.clone(),
            "stopped by SIGINT: 2 of 4 selected accounts were read, 1 failed, 1 was not attempted; nothing was changed",
        ),
        (
            Plan,
            &[NotAttempted; 2],
            signal.clone(),
            "stopped by SIGINT: none of 2 selected accounts were read, 2 were not attempted; nothing was changed",
        ),
        (Apply, &[Changed, Unchanged], None, "all of 2 selected accounts are on v2Token; 1 changed by this run"),
        (Apply, &[Unchanged; 2], None, "nothing to do: all of 2 selected accounts are on v2Token already"),
        (
            Apply,
            &[Changed, Changed, Failed],
            None,
            "2 of 3 selected accounts are known to be on v2Token; 2 changed by this run, 1 failed",
        ),
        (Apply, &[Unchanged, Unverified], None, "1 of 2 selected accounts are known to be on v2Token; 1 unverified"),
        (
            Apply,
            &[Changed, Unverified, Failed, Failed, NotAttempted, NotAttempted],
            Some(errors.clone()),
            "stopped by --max-errors, because 2 failed, and at most 1 may: 1 of 6 selected accounts was changed, 1 may have \
             been, 2 failed, 2 were not attempted",
        ),
        (
            Apply,
            &[NotAttempted; 2],
            signal,
            "stopped by SIGINT: none of 2 selected accounts was changed, 2 were not attempted",
        ),
        (Rollback, &[Unchanged; 2], None, "nothing to do: all of 2 selected accounts are back already"),
        (Rollback, &[], None, "nothing to do: there is nothing to put back"),
    ];
    for (command, outcomes, stopped, said) in table {
        let tally: Tally = outcomes.iter().copied().collect();
        let mode = if *command == Plan { Mode::Plan } else { Mode::Apply };
        let verdict = Verdict::of(&tally, stopped.as_ref(), stopped.is_some(), false);
        let results = Results { tally, ..Results::default() };
        assert_eq!(verdict.sentence(*command, mode, TokenVersion::V2Token, &results), *said);
    }
}

#[test]
fn skipped_accounts_are_named_with_their_reason() {
    let id = |number: u64| format!("{number:012}").parse().unwrap();
    let skipped = |number, code| Record::skipped(id(number), TokenVersion::V2Token, code, "why");
    let codes = ["Closed", "Suspended", "Suspended", "NotSelected", "LeftOrganization"];
    let mut records: Vec<Record> = (1..).zip(codes).map(|(number, code)| skipped(number, code)).collect();
    records.push(Record { outcome: Outcome::Changed, ..Record::blank(id(9), TokenVersion::V2Token) });
    let results = Results::of(&records);
    let verdict = Verdict::of(&results.tally, None, false, false);
    let sentence = verdict.sentence(CommandName::Apply, Mode::Apply, TokenVersion::V2Token, &results);
    let end = "is on v2Token; 1 changed by this run; skipped: 2 suspended, 1 closed, 1 left the Organization";
    assert_eq!(sentence, format!("the one selected account {end}"));
    assert_eq!(results.reasons(), "2 suspended, 1 closed, 1 left the Organization, 1 not selected");
}

#[test]
fn what_is_issued_otherwise_is_part_of_the_sentence() {
    use CommandName::{Apply, Plan};
    use Outcome::{Changed, Failed, Unchanged, WouldChange};
    let v1 = |count| BTreeMap::from([("v1Token", count)]);
    for (command, outcomes, issued_otherwise, said) in [
        (
            Apply,
            &[Unchanged; 3][..],
            v1(2),
            "nothing to do: all of 3 selected accounts are on v2Token already, but v1Token is still issued in 2",
        ),
        (
            Plan,
            &[Unchanged],
            v1(1),
            "nothing to do: the one selected account is on v2Token already, but v1Token is still issued in it",
        ),
        (
            Plan,
            &[WouldChange, Unchanged],
            v1(1),
            "all of 2 selected accounts were read; apply would set 1 to v2Token; nothing was changed; v1Token is still issued in 1 \
             that had nothing to change",
        ),
        (
            Apply,
            &[Changed, Unchanged, Failed],
            v1(1),
            "2 of 3 selected accounts are known to be on v2Token; 1 changed by this run, 1 failed; v1Token is still issued in 1 that \
             had nothing to change",
        ),
    ] {
        let tally: Tally = outcomes.iter().copied().collect();
        let mode = if command == Plan { Mode::Plan } else { Mode::Apply };
        let verdict = Verdict::of(&tally, None, false, false);
        let code = verdict.exit_code();
        assert_eq!(code, if outcomes.contains(&Failed) { 3 } else { 0 }, "{outcomes:?}");
        let results = Results { tally, issued_otherwise, ..Results::default() };
        assert_eq!(verdict.sentence(command, mode, TokenVersion::V2Token, &results), said);
    }
}

#[test]
fn unverified_accounts_whose_setting_was_read_back_are_told_apart() {
    let record = |number: u64, verified| Record {
        outcome: Outcome::Unverified,
        verified,
        ..Record::blank(format!("{number:012}").parse().unwrap(), TokenVersion::V2Token)
    };
    let setting = Some(crate::rollout::Verified::Setting);
    for (verified, says) in [
        (&[None, None][..], "set may have taken effect, but could not be read back"),
        (&[setting, setting], "the setting was read back as wanted, but not proven with a token"),
        (
            &[setting, None, setting],
            "in 2, the setting was read back as wanted, but not proven with a token; in 1, the set may have taken effect, but could not be read back",
        ),
    ] {
        let records: Vec<Record> = (1..).zip(verified).map(|(number, verified)| record(number, *verified)).collect();
        assert_eq!(Results::of(&records).meaning(Outcome::Unverified), says);
    }
}

#[test]
fn every_reason_to_stop() {
    for (reason, expected) in reasons() {
        let journal = matches!(reason, StopReason::Journal(_));
        for left_out in [Outcome::NotAttempted, Outcome::Unverified] {
            assert_eq!(code(&[Outcome::Changed, left_out], Some(&reason), true, false), expected, "{left_out}");
        }
        let late = code(&[Outcome::Changed], Some(&reason), false, false);
        assert_eq!(late, u8::from(journal), "a stop that left nothing out");
    }
}
