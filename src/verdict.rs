//! The verdict: the result of a run in one sentence and one exit code.

use crate::journal::CommandName;
use crate::org::TokenVersion;
use crate::rollout::{Mode, Outcome, StopReason, Tally};

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every selected account has the wanted version or, in a plan, was read.
    Done,
    /// A plan with `--detailed-exitcode`: every selected account was read, and something would change.
    WouldChange,
    /// The run finished, but at least one account failed or is unverified.
    SomeFailed,
    /// The run stopped before its last account.
    Stopped(StopReason),
}

impl Verdict {
    /// Returns the verdict on a run. `left_out` is whether a resume would visit further accounts even without `--retry-failed`.
    pub(crate) fn of(tally: &Tally, stopped: Option<&StopReason>, left_out: bool, detailed: bool) -> Self {
        match stopped {
            // A stop that left no account to visit is ignored. But if the journal is incomplete, the stop counts, because the
            // result is not certain.
            Some(reason) if left_out || matches!(reason, StopReason::Journal(_)) => Self::Stopped(reason.clone()),
            Some(_) | None if tally.errors() > 0 => Self::SomeFailed,
            Some(_) | None if detailed && tally.of(Outcome::WouldChange) > 0 => Self::WouldChange,
            Some(_) | None => Self::Done,
        }
    }

    /// Returns the exit code of the process.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Done => 0,
            Self::SomeFailed => 3,
            Self::WouldChange => 4,
            Self::Stopped(StopReason::Unreachable(_) | StopReason::CallerCredentials(_) | StopReason::Journal(_)) => 1,
            Self::Stopped(StopReason::TooManyErrors { .. }) => 5,
            Self::Stopped(StopReason::HungUp) => 129,
            Self::Stopped(StopReason::Interrupted) => 130,
            Self::Stopped(StopReason::Terminated) => 143,
        }
    }

    /// Returns the verdict in one sentence.
    pub(crate) fn sentence(&self, command: CommandName, mode: Mode, wanted: TokenVersion, tally: &Tally) -> String {
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
        match (self, mode) {
            (Self::Stopped(reason), _) => {
                let in_doubt = match unverified {
                    0 => String::new(),
                    unverified => format!(" and {unverified} may have been"),
                };
                format!(
                    "stopped {}: {changed} of {of} were changed{in_doubt}, {left} were not attempted",
                    because(reason)
                )
            }
            (Self::Done | Self::WouldChange, _) if selected == 0 => "nothing to do: no account is selected".to_owned(),
            (Self::Done | Self::WouldChange, Mode::Plan) if would_change == 0 => {
                format!("nothing to do: {all} {are} {goal} already")
            }
            (Self::Done | Self::WouldChange, Mode::Plan) => format!("{all} {were} read; {would}; nothing was changed"),
            (Self::Done | Self::WouldChange, Mode::Apply) => {
                format!("{all} {are} {goal}; {changed} changed by this run")
            }
            (Self::SomeFailed, Mode::Plan) => {
                format!("{errors} of {of} could not be read; {would}; nothing was changed")
            }
            (Self::SomeFailed, Mode::Apply) => format!(
                "{} of {of} {are} {goal}; {changed} changed by this run, {failed} failed, {unverified} unverified",
                changed + unchanged
            ),
        }
    }
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
        StopReason::TooManyErrors { errors, allowed, wave } => {
            let wave = wave.map_or_else(String::new, |wave| format!(" in wave {wave}"));
            format!("by --max-errors, because {errors} failed or are unverified{wave}, and at most {allowed} may")
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
            (StopReason::TooManyErrors { errors: 2, allowed: 1, wave: None }, 5),
            (StopReason::TooManyErrors { errors: 1, allowed: 0, wave: Some(1) }, 5),
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
                assert!(!verdict.sentence(command, mode, TokenVersion::V2Token, &tally).is_empty());
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
        assert_eq!(code(&[Outcome::WouldChange, Outcome::Failed], None, false, true), 3);
    }

    #[test]
    fn the_sentence_has_the_right_number() {
        for (outcomes, said) in [
            (
                &[Outcome::WouldChange][..],
                "the one selected account was read; apply would set it to v2Token; nothing was changed",
            ),
            (
                &[Outcome::Failed],
                "1 of 1 selected account could not be read; apply would set 0 to v2Token; nothing was changed",
            ),
            (&[Outcome::Unchanged], "nothing to do: the one selected account is on v2Token already"),
            (
                &[Outcome::WouldChange, Outcome::Unchanged, Outcome::Skipped],
                "all of 2 selected accounts were read; apply would set 1 to v2Token; nothing was changed",
            ),
        ] {
            let tally: Tally = outcomes.iter().copied().collect();
            let verdict = Verdict::of(&tally, None, false, false);
            assert_eq!(verdict.sentence(CommandName::Plan, Mode::Plan, TokenVersion::V2Token, &tally), said);
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
