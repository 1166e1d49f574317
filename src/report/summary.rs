//! The summary for people: the verdict, the counts, the failures by cause with advice, the files, and the next commands.

use std::path::Path;

use super::Report;
use super::causes::causes;
use super::{issued_otherwise, would_change};
use crate::org::Account;
use crate::rollout::alike::{self, VisitResult};
use crate::rollout::cause::Cause;
use crate::sanitize::for_terminal;
use crate::verdict::Results;

/// The number of accounts that are named for each cause.
const NAMED: usize = 5;

/// Returns the summary.
pub(crate) fn summary(report: &Report<'_>) -> String {
    let Report { run, sentence, .. } = report;
    let separator = if sentence.is_empty() { "" } else { ": " };
    let run_id = for_terminal(run.run_id.as_str());
    let mut text = format!("{} {run_id}{separator}{}\n\n", run.command, for_terminal(sentence));
    if let Some(reason) = &run.settings.reason {
        // The line belongs to the one before it.
        text.pop();
        text.push_str(&format!("reason: {}\n\n", for_terminal(reason)));
    }
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
    text.push_str(&would_change::accounts(report));
    text.push_str(&issued_otherwise::summary(report));
    if let Some(setting) = wrong_setting(report) {
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

/// Returns the paths of the page and of the CSV file, and the command lines to run next. These lines are for copying, so they are never
/// wrapped.
pub(crate) fn closing(report: &Report<'_>, folder: &Path) -> String {
    let files = report_files(folder).into_iter().map(|(name, path)| format!("{name}: {path}\n"));
    let steps = report.steps(Some(folder)).into_iter().map(|step| step.sentence() + "\n");
    let lines: String = files.chain(steps).collect();
    if lines.is_empty() { lines } else { format!("\n{lines}") }
}

/// Returns the names and the paths of the page and of the CSV file, if they exist.
pub(crate) fn report_files(folder: &Path) -> Vec<(&'static str, String)> {
    let files = [("Page", "report.html"), ("Report", "report.csv")];
    let existing = files.into_iter().map(|(name, file)| (name, folder.join(file))).filter(|(_, path)| path.is_file());
    existing.map(|(name, path)| (name, for_terminal(&path.display().to_string()).into_owned())).collect()
}

/// Returns which setting to check if every account failed in the same way.
pub(crate) fn wrong_setting(report: &Report<'_>) -> Option<String> {
    alike::wrong_setting(report.records.iter().filter_map(VisitResult::of))
}

/// Adds the hint unless it is empty, the first accounts by id and name, and the number of further accounts.
pub(super) fn add_hint_and_accounts(text: &mut String, hint: &str, accounts: &[&Account]) {
    if !hint.is_empty() {
        text.push_str(&format!("    hint: {}\n", for_terminal(hint)));
    }
    let named = accounts.iter().take(NAMED).map(|account| match &*account.name {
        "" => account.id.to_string(),
        name => format!("{} ({})", account.id, for_terminal(name)),
    });
    text.push_str(&format!("    in: {}", named.collect::<Vec<_>>().join(", ")));
    if accounts.len() > NAMED {
        text.push_str(&format!(", and {} more", accounts.len() - NAMED));
    }
    text.push('\n');
}
