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
mod tests;
