//! What to do after a run: the command lines to copy that apply to its end.

use std::path::Path;

use crate::journal::CommandName;
use crate::org::TokenVersion;
use crate::rollout::{Mode, Outcome, Record, Tally, Verify};
use crate::sanitize::for_shell;

/// The end of a run, as far as the next steps depend on it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunEnd<'a> {
    /// The command of the run.
    pub command: CommandName,
    /// Whether the run only reads.
    pub mode: Mode,
    /// The version that the run wants.
    pub wanted: TokenVersion,
    /// How changes are verified.
    pub verify: &'a Verify,
    /// The folder of the run that this run undoes.
    pub undoes: Option<&'a Path>,
    /// The run folder.
    pub folder: &'a Path,
    /// The number of accounts with each outcome.
    pub tally: &'a Tally,
    /// Whether a resume would visit accounts even without `--retry-failed`.
    pub left_out: bool,
    /// Whether the run has a gate, whose command a resume needs again.
    pub has_gate: bool,
}

/// A command line to copy, and what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NextStep {
    /// What it is for, as the beginning of a sentence in lower case.
    pub goal: String,
    /// The command line.
    pub command: String,
}

impl NextStep {
    fn new(goal: impl Into<String>, command: &str, folder: &Path) -> Self {
        Self { goal: goal.into(), command: format!("v2token {command} {}", for_shell(folder)) }
    }

    /// Returns the step as a line. The line is for copying, so it is never wrapped.
    pub(crate) fn line(&self) -> String {
        format!("{}: {}", self.goal, self.command)
    }

    /// Returns the step as a line that begins with a capital letter.
    pub(super) fn sentence(&self) -> String {
        let line = self.line();
        let mut rest = line.chars();
        rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
    }
}

/// Returns the command with the option for a gate, if the run has one. Its command is not stored, so the user fills it in.
pub(crate) fn with_gate(command: &str, has_gate: bool) -> String {
    format!("{command}{}", if has_gate { " --gate 'COMMAND'" } else { "" })
}

/// Whether a resume would visit accounts even without `--retry-failed`.
pub(crate) fn is_left_out(records: &[Record]) -> bool {
    records.iter().any(Record::needs_resume)
}

/// Returns the steps that apply, in the order in which people consider them: finish the run, retry what failed, use it, undo it.
pub(crate) fn next_steps(end: &RunEnd<'_>) -> Vec<NextStep> {
    let RunEnd { command, mode, wanted, verify, undoes, folder, tally, left_out, has_gate } = *end;
    let [failed, unverified] = [Outcome::Failed, Outcome::Unverified].map(|outcome| tally.of(outcome));
    let mut steps = Vec::new();
    if left_out {
        steps.push(NextStep::new("continue with", &with_gate("resume", has_gate), folder));
    }
    // Unverified accounts of an interrupted run are visited by the resume.
    let unverified_ones = if left_out { 0 } else { unverified };
    if failed + unverified_ones > 0 {
        let what = match (failed, unverified_ones) {
            (0, 1) => "the one that is unverified".to_owned(),
            (0, more) => format!("the {more} that are unverified"),
            (1, 0) => "the one that failed".to_owned(),
            (more, 0) => format!("the {more} that failed"),
            (some, others) => format!("the {} that failed or are unverified", some + others),
        };
        steps.push(NextStep::new(format!("retry {what} with"), &with_gate("resume --retry-failed", has_gate), folder));
    }
    let would_change = tally.of(Outcome::WouldChange);
    let these = if would_change == 1 { "it".to_owned() } else { format!("these {would_change}") };
    match (command, undoes) {
        // A plan that is not complete would leave accounts out.
        _ if left_out || would_change == 0 => {}
        (CommandName::Plan, _) => {
            let to = match wanted {
                TokenVersion::V1Token => " --to v1Token",
                // The default of `--to`.
                TokenVersion::V2Token => "",
            };
            steps.push(NextStep::new(
                format!("to set {these}"),
                &format!("apply{to}{} --plan", with_proof(verify)),
                folder,
            ));
        }
        (CommandName::Rollback, Some(undone)) => {
            steps.push(NextStep::new(
                format!("to put {these} back"),
                &format!("rollback{}", with_proof(verify)),
                undone,
            ));
        }
        (CommandName::Apply | CommandName::Rollback, _) => {}
    }
    if command == CommandName::Apply && mode == Mode::Apply && tally.of(Outcome::Changed) + unverified > 0 {
        steps.push(NextStep::new("undo with", "rollback", folder));
    }
    steps
}

/// Returns the option with which the next run proves its changes, if the preview looked at tokens: that run does not take it over.
fn with_proof(verify: &Verify) -> String {
    match verify {
        Verify::None | Verify::Setting => String::new(),
        Verify::TokenSize | Verify::TokenIn(_) => format!(" --verify {verify}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_end_has_the_lines_that_apply() {
        use Outcome::{Changed, Failed, NotAttempted, Skipped, Unchanged, Unverified, WouldChange};
        let (resume, retry, apply) =
            ("v2token resume run", "v2token resume --retry-failed run", "v2token apply --plan run");
        let (undo, put_back) = ("v2token rollback run", "v2token rollback undone");
        let (plan, set, back) = (CommandName::Plan, CommandName::Apply, CommandName::Rollback);
        for (command, mode, outcomes, left_out, lines) in [
            (plan, Mode::Plan, &[Unchanged, Skipped][..], false, &[][..]),
            (plan, Mode::Plan, &[WouldChange], false, &[apply]),
            (plan, Mode::Plan, &[WouldChange, Failed], false, &[retry, apply]),
            // Not the few that were read so far.
            (plan, Mode::Plan, &[WouldChange, NotAttempted], true, &[resume]),
            (plan, Mode::Plan, &[WouldChange, NotAttempted, Failed], true, &[resume, retry]),
            (set, Mode::Apply, &[Unchanged], false, &[]),
            (set, Mode::Apply, &[Changed], false, &[undo]),
            (set, Mode::Apply, &[Failed], false, &[retry]),
            (set, Mode::Apply, &[Changed, Failed], false, &[retry, undo]),
            (set, Mode::Apply, &[Changed, Unverified], false, &[retry, undo]),
            (set, Mode::Apply, &[Unverified], true, &[resume, undo]),
            (set, Mode::Apply, &[NotAttempted], true, &[resume]),
            (set, Mode::Apply, &[Changed, Failed, NotAttempted], true, &[resume, retry, undo]),
            (back, Mode::Apply, &[Changed], false, &[]),
            (back, Mode::Apply, &[Changed, Failed], false, &[retry]),
            (back, Mode::Apply, &[NotAttempted], true, &[resume]),
            (back, Mode::Plan, &[WouldChange], false, &[put_back]),
        ] {
            let tally: Tally = outcomes.iter().copied().collect();
            let undoes = (command == back).then_some(Path::new("undone"));
            let wanted = TokenVersion::V2Token;
            let folder = Path::new("run");
            for has_gate in [false, true] {
                let verify = &Verify::Setting;
                let end = RunEnd { command, mode, wanted, verify, undoes, folder, tally: &tally, left_out, has_gate };
                let found: Vec<String> = next_steps(&end).into_iter().map(|step| step.command).collect();
                let gate = if has_gate { " --gate 'COMMAND' run" } else { " run" };
                let with_gate = |line: &&str| match line.strip_suffix(" run") {
                    Some(resume) if resume.starts_with("v2token resume") => format!("{resume}{gate}"),
                    _ => (*line).to_owned(),
                };
                assert_eq!(found, lines.iter().map(with_gate).collect::<Vec<_>>(), "{command} {outcomes:?}");
            }
        }
    }

    #[test]
    fn a_step_says_what_it_is_for() {
        use Outcome::{Changed, Failed, Unverified, WouldChange};
        for (command, outcomes, first) in [
            (
                CommandName::Apply,
                &[Failed, Changed][..],
                "Retry the one that failed with: v2token resume --retry-failed 'my run'",
            ),
            (CommandName::Apply, &[Failed, Failed], "Retry the 2 that failed with: "),
            (CommandName::Apply, &[Failed, Unverified], "Retry the 2 that failed or are unverified with: "),
            (CommandName::Apply, &[Unverified], "Retry the one that is unverified with: "),
            (CommandName::Apply, &[Changed], "Undo with: v2token rollback 'my run'"),
            (CommandName::Plan, &[WouldChange], "To set it: v2token apply --plan 'my run'"),
            (CommandName::Plan, &[WouldChange, WouldChange], "To set these 2: v2token apply"),
        ] {
            let tally: Tally = outcomes.iter().copied().collect();
            let mode = if command == CommandName::Plan { Mode::Plan } else { Mode::Apply };
            let wanted = TokenVersion::V2Token;
            let folder = Path::new("my run");
            let end = RunEnd {
                command,
                mode,
                wanted,
                verify: &Verify::Setting,
                undoes: None,
                folder,
                tally: &tally,
                left_out: false,
                has_gate: false,
            };
            let steps = next_steps(&end);
            assert!(steps[0].sentence().starts_with(first), "{steps:?}");
            if command == CommandName::Plan {
                let back = next_steps(&RunEnd { wanted: TokenVersion::V1Token, ..end });
                assert_eq!(back[0].command, "v2token apply --to v1Token --plan 'my run'");
                let proven = next_steps(&RunEnd { verify: &Verify::TokenIn("ap-east-1".to_owned()), ..end });
                assert_eq!(proven[0].command, "v2token apply --verify token=ap-east-1 --plan 'my run'");
            }
        }
    }
}
