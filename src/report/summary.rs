//! The summary for people: the verdict, the counts, the failures by cause with advice, and the next command.

use std::path::Path;

use super::Report;
use super::causes::causes;
use crate::journal::CommandName;
use crate::org::Account;
use crate::rollout::alike::{VisitResult, wrong_setting};
use crate::rollout::cause::Cause;
use crate::rollout::{Mode, Outcome};
use crate::sanitize::{for_shell, for_terminal};
use crate::verdict::Results;

/// The number of accounts that are named for each cause.
const NAMED: usize = 5;

/// Returns the summary.
pub(crate) fn summary(report: &Report<'_>) -> String {
    let Report { run, sentence, .. } = report;
    let mut text = format!("{} {}: {}\n\n", run.command, for_terminal(run.run_id.as_str()), for_terminal(sentence));
    let results = Results::of(report.records);
    let tally = &results.tally;
    let width = tally.total().to_string().len();
    for (outcome, count) in tally.iter().filter(|(_, count)| *count > 0) {
        let meaning = results.meaning(outcome);
        let meaning = for_terminal(&meaning);
        text.push_str(&format!("  {count:>width$}  {outcome:<13}  {meaning}\n"));
    }
    let organization = run.organization_id.as_deref().unwrap_or("an Organization that is not known yet");
    // An account that left the Organization has a row, and is no longer one of its accounts.
    let gone = results.gone();
    let left = if gone > 0 { format!(", and {gone} that left it") } else { String::new() };
    text.push_str(&format!("  {:>width$}  accounts in {}{left}\n", tally.total() - gone, for_terminal(organization)));
    if let Some(setting) = wrong_setting(report.records.iter().filter_map(VisitResult::of)) {
        text.push_str(&format!("\n{}\n", for_terminal(&setting)));
    }
    let mut heading = "";
    for group in causes(report.accounts, report.records) {
        if heading != group.heading() {
            heading = group.heading();
            text.push_str(&format!("\n{heading}\n"));
        }
        let Cause { outcome, stage, error_code, message } = &group.cause;
        let (count, code, message) = (group.accounts.len(), for_terminal(error_code), for_terminal(message));
        let separator = if message.is_empty() { "" } else { ": " };
        text.push_str(&format!("\n  {count} {outcome} at {stage}: {code}{separator}{message}\n"));
        add_hint_and_accounts(&mut text, group.hint, &group.accounts);
    }
    text
}

/// Returns the path of the report if `is_written` is true, and the command to run next if accounts would change. These lines are
/// for copying, so they are never wrapped.
pub(crate) fn next_steps(report: &Report<'_>, folder: &Path, is_written: bool) -> String {
    let mut lines = String::new();
    if is_written {
        lines.push_str(&format!("Report: {}\n", for_terminal(&folder.join("report.csv").display().to_string())));
    }
    let would_change = report.tally().of(Outcome::WouldChange);
    let these = if would_change == 1 { "it".to_owned() } else { format!("these {would_change}") };
    let is_cut_short = report.run.settings.mode == Mode::Plan && report.tally().of(Outcome::NotAttempted) > 0;
    let next = match (report.run.command, &report.run.settings.undoes) {
        // Not all accounts were read, so what would change is not known yet.
        _ if is_cut_short => Some(("To read the other accounts".to_owned(), "resume", folder)),
        _ if would_change == 0 => None,
        (CommandName::Plan, _) => Some((format!("To set {these}"), "apply --plan", folder)),
        (CommandName::Rollback, Some(undone)) => Some((format!("To put {these} back"), "rollback", undone.as_path())),
        (CommandName::Apply | CommandName::Rollback, _) => None,
    };
    if let Some((goal, command, folder)) = next {
        lines.push_str(&format!("{goal}: v2token {command} {}\n", for_shell(folder)));
    }
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

/// Adds the hint unless it is empty, the first accounts by id and name, and the number of further accounts.
pub(super) fn add_hint_and_accounts(text: &mut String, hint: &str, accounts: &[&Account]) {
    if !hint.is_empty() {
        text.push_str(&format!("    hint: {}\n", for_terminal(hint)));
    }
    let named = accounts.iter().take(NAMED).map(|account| match account.name.as_str() {
        "" => account.id.to_string(),
        name => format!("{} ({})", account.id, for_terminal(name)),
    });
    text.push_str(&format!("    in: {}", named.collect::<Vec<_>>().join(", ")));
    if accounts.len() > NAMED {
        text.push_str(&format!(", and {} more", accounts.len() - NAMED));
    }
    text.push('\n');
}
