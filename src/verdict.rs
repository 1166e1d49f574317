//! The verdict: the result of a run in one sentence and one exit code.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::journal::CommandName;
use crate::org::TokenVersion;
use crate::org::selection::{SkipReason, skip_reason};
use crate::rollout::{Mode, Outcome, Record, StopReason, Tally};

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every selected account has the wanted version or, in a plan, was read.
    Done,
    /// A plan with `--detailed-exitcode`: every selected account was read, and something would change.
    WouldChange,
    /// The run finished, but at least one account failed or is unverified.
    SomeFailed,
    /// A plan with `--detailed-exitcode`: at least one account could not be read, and something would change.
    SomeFailedAndWouldChange,
    /// The run stopped before its last account.
    Stopped(StopReason),
}

impl Verdict {
    /// Returns the verdict on a run. `left_out` is whether a resume would visit further accounts even without `--retry-failed`.
    pub(crate) fn of(tally: &Tally, stopped: Option<&StopReason>, left_out: bool, detailed: bool) -> Self {
        let would_change = detailed && tally.of(Outcome::WouldChange) > 0;
        match stopped {
            // A stop that left no account to visit is ignored. But if the journal is incomplete, the stop counts, because the
            // result is not certain.
            Some(reason) if left_out || matches!(reason, StopReason::Journal(_)) => Self::Stopped(reason.clone()),
            Some(_) | None => match (tally.errors() > 0, would_change) {
                (true, true) => Self::SomeFailedAndWouldChange,
                (true, false) => Self::SomeFailed,
                (false, true) => Self::WouldChange,
                (false, false) => Self::Done,
            },
        }
    }

    /// Returns the exit code of the process.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Done => 0,
            Self::SomeFailed => 3,
            Self::WouldChange => 4,
            Self::SomeFailedAndWouldChange => 6,
            Self::Stopped(StopReason::Unreachable(_) | StopReason::CallerCredentials(_) | StopReason::Journal(_)) => 1,
            Self::Stopped(StopReason::TooManyErrors { .. } | StopReason::Gate { .. }) => 5,
            Self::Stopped(StopReason::HungUp) => 129,
            Self::Stopped(StopReason::Interrupted) => 130,
            Self::Stopped(StopReason::Terminated) => 143,
        }
    }

    /// Returns the verdict in one sentence. It names only what occurred.
    pub(crate) fn sentence(&self, command: CommandName, mode: Mode, wanted: TokenVersion, results: &Results) -> String {
        let tally = &results.tally;
        let [changed, unchanged, would_change, unverified, failed, skipped, left] =
            Outcome::ALL.map(|outcome| tally.of(outcome));
        let (selected, errors) = (tally.total() - skipped, tally.errors());
        let (all, of, are, were) = if selected == 1 {
            ("the one selected account".to_owned(), "1 selected account".to_owned(), "is", "was")
        } else {
            let of = format!("{selected} selected accounts");
            (format!("all of {of}"), of, "are", "were")
        };
        let how_many = if (selected, would_change) == (1, 1) { "it".to_owned() } else { would_change.to_string() };
        let (goal, would) = match command {
            CommandName::Plan | CommandName::Apply => {
                (format!("on {wanted}"), format!("apply would set {how_many} to {wanted}"))
            }
            CommandName::Rollback => ("back".to_owned(), format!("rollback would put back {how_many}")),
        };
        let would = if would_change > 0 { format!("{would}; ") } else { String::new() };
        let done = if mode == Mode::Plan { would_change } else { changed };
        let failures = [(failed, "failed"), (unverified, "unverified")];
        let main = match (self, mode) {
            (Self::Stopped(reason), Mode::Plan) => {
                let read = number(unchanged + would_change);
                let others = occurred(", ", &[(failed, "failed"), (left, "were not attempted")]);
                format!("stopped {}: {read} of {of} {were} read{others}; nothing was changed", because(reason))
            }
            (Self::Stopped(reason), Mode::Apply) => {
                let were = if changed < 2 { "was" } else { "were" };
                let others = [(unverified, "may have been"), (failed, "failed"), (left, "were not attempted")];
                let others = occurred(", ", &others);
                format!("stopped {}: {} of {of} {were} changed{others}", because(reason), number(changed))
            }
            (Self::Done | Self::WouldChange, _) if selected == 0 && command == CommandName::Rollback => {
                "nothing to do: there is nothing to put back".to_owned()
            }
            (Self::Done | Self::WouldChange, _) if selected == 0 => "nothing to do: no account is selected".to_owned(),
            (Self::Done | Self::WouldChange, _) if done == 0 => {
                format!("nothing to do: {all} {are} {goal} already")
            }
            (Self::Done | Self::WouldChange, Mode::Plan) => format!("{all} {were} read; {would}nothing was changed"),
            (Self::Done | Self::WouldChange, Mode::Apply) => {
                format!("{all} {are} {goal}; {changed} changed by this run")
            }
            (Self::SomeFailed | Self::SomeFailedAndWouldChange, Mode::Plan) => {
                format!("{errors} of {of} could not be read; {would}nothing was changed")
            }
            (Self::SomeFailed | Self::SomeFailedAndWouldChange, Mode::Apply) => {
                let there = number(changed + unchanged);
                let by_this_run = [&[(changed, "changed by this run")][..], &failures].concat();
                // A failed or unverified account may be there too.
                format!("{there} of {of} {are} known to be {goal}; {}", occurred("", &by_this_run))
            }
        };
        let but = match results.still_issued(selected).as_str() {
            "" => String::new(),
            still if main.starts_with("nothing to do") => format!(", but {still}"),
            still => format!("; {still} that had nothing to change"),
        };
        main + &but + &results.skipped_for_a_reason()
    }
}

/// The results of a run, as the verdict counts them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Results {
    /// The number of accounts with each outcome.
    pub tally: Tally,
    /// The number of skipped accounts for each reason, by the code of the reason.
    pub skipped: BTreeMap<String, usize>,
    /// The number of unverified accounts whose setting was read back as wanted, so that only the proof with a token is missing.
    pub not_proven: usize,
    /// The number of unchanged accounts for which the global STS endpoint issues another version than the setting says, by that version.
    pub issued_otherwise: BTreeMap<&'static str, usize>,
}

impl Results {
    /// Counts these records.
    pub(crate) fn of<'a>(records: impl IntoIterator<Item = &'a Record>) -> Self {
        let mut results = Self::default();
        for record in records {
            results.tally.add(record.outcome);
            results.not_proven += usize::from(record.outcome == Outcome::Unverified && record.verified.is_some());
            if let Some(issued) = record.issued_version()
                && record.outcome == Outcome::Unchanged
                && record.is_issued_otherwise()
            {
                *results.issued_otherwise.entry(issued.as_str()).or_default() += 1;
            }
            if let (Outcome::Skipped, Some(error)) = (record.outcome, &record.error) {
                *results.skipped.entry(error.error_code.as_str().to_owned()).or_default() += 1;
            }
        }
        results
    }

    /// Returns how many accounts left the Organization after the run that this one is based on.
    pub(crate) fn gone(&self) -> usize {
        self.skipped.get(SkipReason::LeftOrganization.code()).copied().unwrap_or(0)
    }

    /// Describes an outcome: for skipped accounts, why they were skipped; for unverified ones, whether only the proof is missing.
    pub(crate) fn meaning(&self, outcome: Outcome) -> Cow<'static, str> {
        match outcome {
            Outcome::Skipped if !self.skipped.is_empty() => self.reasons().into(),
            Outcome::Unverified if self.not_proven > 0 => self.unverified().into(),
            other => other.meaning().into(),
        }
    }

    /// Returns why accounts are unverified, if the setting was read back in some of them.
    fn unverified(&self) -> String {
        const NOT_PROVEN: &str = "the setting was read back as wanted, but not proven with a token";
        match self.tally.of(Outcome::Unverified).saturating_sub(self.not_proven) {
            0 => NOT_PROVEN.to_owned(),
            others => {
                format!("in {}, {NOT_PROVEN}; in {others}, the {}", self.not_proven, Outcome::Unverified.meaning())
            }
        }
    }

    /// Returns the part of a sentence about the unchanged accounts whose tokens do not follow the setting. `selected` is the number of
    /// selected accounts.
    fn still_issued(&self, selected: usize) -> String {
        let counts = self.issued_otherwise.iter();
        let counts = counts.map(|(version, count)| match (selected, count) {
            (1, _) => format!("{version} is still issued in it"),
            (_, count) => format!("{version} is still issued in {count}"),
        });
        counts.collect::<Vec<_>>().join(", and ")
    }

    /// Returns why accounts were skipped, the largest number first: `24 suspended, 13 closed`.
    fn reasons(&self) -> String {
        self.reasons_among(|_| true)
    }

    /// Returns the end of a sentence about the accounts that were skipped although the selection has them.
    fn skipped_for_a_reason(&self) -> String {
        match self.reasons_among(|code| !skip_reason::is_by_selection(code)).as_str() {
            "" => String::new(),
            reasons => format!("; skipped: {reasons}"),
        }
    }

    fn reasons_among(&self, is_named: impl Fn(&str) -> bool) -> String {
        let mut counts: Vec<_> = self.skipped.iter().filter(|(code, _)| is_named(code)).collect();
        counts.sort_by_key(|(_, count)| Reverse(**count));
        let named = counts.into_iter().map(|(code, count)| format!("{count} {}", skip_reason::phrase(code)));
        named.collect::<Vec<_>>().join(", ")
    }
}

fn number(count: usize) -> String {
    if count == 0 { "none".to_owned() } else { count.to_string() }
}

/// Lists the counts that are not zero, each after the separator.
fn occurred(before: &str, counts: &[(usize, &str)]) -> String {
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts
        .map(|(count, what)| match *what {
            "were not attempted" if *count == 1 => "1 was not attempted".to_owned(),
            what => format!("{count} {what}"),
        })
        .collect();
    if counts.is_empty() { String::new() } else { format!("{before}{}", counts.join(", ")) }
}

/// Returns how many accounts were changed, and how many might have been changed.
pub(crate) fn changes(tally: &Tally) -> String {
    let changed = tally.of(Outcome::Changed);
    let noun = if changed == 1 { "account was" } else { "accounts were" };
    match tally.of(Outcome::Unverified) {
        0 => format!("{changed} {noun} changed"),
        unverified => format!("{changed} {noun} changed, and {unverified} may have been"),
    }
}

/// Returns why a run stopped, as a phrase that follows "stopped".
pub(crate) fn because(reason: &StopReason) -> String {
    match reason {
        StopReason::TooManyErrors { failed, unverified, allowed, wave } => {
            let wave = wave.map_or_else(String::new, |wave| format!(" in wave {wave}"));
            let errors = match (failed, unverified) {
                (failed, 0) => format!("{failed} failed"),
                (0, 1) => "1 is unverified".to_owned(),
                (0, unverified) => format!("{unverified} are unverified"),
                (failed, unverified) => format!("{failed} failed and {unverified} are unverified"),
            };
            let allowed = if *allowed == 0 { "none may".to_owned() } else { format!("at most {allowed} may") };
            format!("by --max-errors, because {errors}{wave}, and {allowed}")
        }
        StopReason::Gate { wave, cause, output } => {
            let output = if output.is_empty() { String::new() } else { format!(" (it printed last: {output})") };
            format!("by --gate after wave {wave}, which {cause}{output}")
        }
        StopReason::Unreachable(failure) => format!("because AWS can't be reached any more ({failure})"),
        StopReason::Interrupted => "by SIGINT".to_owned(),
        StopReason::HungUp => "by SIGHUP".to_owned(),
        StopReason::Terminated => "by SIGTERM".to_owned(),
        StopReason::CallerCredentials(failure) if failure.has_no_credentials() => {
            format!("because the base credentials can't be fetched any more ({failure})")
        }
        StopReason::CallerCredentials(failure) => {
            format!("because the base credentials are no longer accepted ({failure})")
        }
        StopReason::Journal(cause) => format!("because the journal can't be written ({cause})"),
    }
}

#[cfg(test)]
mod tests {
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
            (
                Apply,
                &[Unchanged, Unverified],
                None,
                "1 of 2 selected accounts are known to be on v2Token; 1 unverified",
            ),
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
            let records: Vec<Record> =
                (1..).zip(verified).map(|(number, verified)| record(number, *verified)).collect();
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
}
