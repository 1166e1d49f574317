//! The report in Markdown, for a pull request or a ticket: short enough for a comment, and without untrusted text that would
//! become markup, a mention, or a link.
//!
//! Untrusted text is written in code spans. In a code span, GitHub and similar sites interpret no mentions, references, links,
//! emoji, or HTML. So only backticks and, in tables, vertical bars need care.

use std::borrow::Cow;

use super::Report;
use super::causes::{CauseGroup, causes};
use super::issued_otherwise::IssuedOtherwise;
use super::ou_totals::{Unit, units};
use crate::humanize::{count, thousands};
use crate::org::Account;
use crate::rollout::{Outcome, Tally};
use crate::sanitize::for_terminal;
use crate::verdict::Results;

/// The limit of GitHub for a comment, in characters. The program counts bytes, because no text has fewer bytes than characters.
pub(super) const LIMIT: usize = 65_536;
/// Space for the end of the report, and for the rest of the comment.
pub(super) const RESERVE: usize = 1_536;
/// The size after which no further cause is listed, so that space remains for the OUs.
const CAUSES_END: usize = LIMIT / 2;
/// The number of accounts that are named for each cause.
const NAMED: usize = 20;
/// The number of characters that are shown of an untrusted text.
const SHOWN: usize = 300;

/// Returns the report.
pub(super) fn text(report: &Report<'_>) -> String {
    let results = Results::of(report.records);
    let tally = &results.tally;
    let mut text = format!("# v2token {}: {}\n\n", report.run.command, prose(report.sentence));
    if report.exit_code.is_none() {
        text.push_str("**This run has not ended: it is still running, or it was interrupted.**\n\n");
    }
    text.push_str("| | |\n|---|---|\n");
    for (name, detail) in report.details() {
        text.push_str(&format!("| {name} | {} |\n", in_table(&detail)));
    }
    text.push_str("\n## Outcomes\n\n| outcome | accounts | meaning |\n|---|---:|---|\n");
    for (outcome, count) in tally.iter().filter(|(_, count)| *count > 0) {
        text.push_str(&format!("| `{outcome}` | {} | {} |\n", thousands(count), prose(&results.meaning(outcome))));
    }
    text.push_str(&format!("| all | {} | |\n", thousands(tally.total())));
    add_issued_otherwise(&mut text, report);
    add_causes(&mut text, &causes(report.accounts, report.records));
    add_units(&mut text, &units(report.accounts, report.records), tally);
    text
}

/// Adds the accounts for which the global STS endpoint issues another version than their setting says.
fn add_issued_otherwise(text: &mut String, report: &Report<'_>) {
    let Some(issued) = IssuedOtherwise::of(report) else { return };
    text.push_str(&format!("\n## Issued tokens\n\n{}\n\n", prose(&issued.sentence())));
    for line in issued.named() {
        text.push_str(&format!("- {}\n", code(&line)));
    }
    if issued.further() > 0 {
        text.push_str(&format!("- …and {} more\n", thousands(issued.further())));
    }
    for line in issued.reasons() {
        text.push_str(&format!("- {}\n", code(&line)));
    }
}

fn add_causes(text: &mut String, causes: &[CauseGroup<'_>]) {
    let mut heading = "";
    for (number, group) in causes.iter().enumerate() {
        if text.len() > CAUSES_END {
            let left: usize = causes[number..].iter().map(|group| group.accounts.len()).sum();
            let causes = count(causes.len() - number, "further cause", "further causes");
            text.push_str(&format!("\n…and {causes}, in {}\n", count(left, "account", "accounts")));
            return;
        }
        if heading != group.heading() {
            heading = group.heading();
            text.push_str(&format!("\n## {heading}\n"));
        }
        let (count, outcome, stage) = (thousands(group.accounts.len()), group.cause.outcome, group.cause.stage);
        text.push_str(&format!("\n### {count} `{outcome}` at {stage}: {}\n\n", code(group.cause.error_code)));
        if !group.cause.message.is_empty() {
            text.push_str(&format!("{}\n\n", code(&group.cause.message)));
        }
        add_hint_and_accounts(text, group.hint, &group.accounts);
    }
}

fn add_units(text: &mut String, units: &[Unit<'_>], tally: &Tally) {
    let outcomes: Vec<Outcome> = tally.iter().filter(|(_, count)| *count > 0).map(|(outcome, _)| outcome).collect();
    if outcomes.is_empty() {
        return;
    }
    text.push_str("\n## By OU\n\nThe accounts of nested OUs are counted in each OU above them.\n\n| OU | accounts |");
    for outcome in &outcomes {
        text.push_str(&format!(" `{outcome}` |"));
    }
    text.push_str(&format!("\n|---|---:|{}\n", "---:|".repeat(outcomes.len())));
    for (number, unit) in units.iter().enumerate() {
        let path = match (unit.names, unit.path) {
            (_, "") => "not known".to_owned(),
            ([], path) => in_table(path),
            (names, _) => format!("{} {}", in_table(&names.join("/")), in_table(unit.id)),
        };
        let mut line = format!("| {path} | {} |", thousands(unit.tally.total()));
        for outcome in &outcomes {
            line.push_str(&format!(" {} |", thousands(unit.tally.of(*outcome))));
        }
        if text.len() + line.len() > LIMIT - RESERVE {
            text.push_str(&format!("\n…and {} more\n", count(units.len() - number, "OU", "OUs")));
            return;
        }
        text.push_str(&line);
        text.push('\n');
    }
}

/// Adds the hint unless it is empty, the first accounts, and the number of further accounts.
pub(super) fn add_hint_and_accounts(text: &mut String, hint: &str, accounts: &[&Account]) {
    if !hint.is_empty() {
        text.push_str(&format!("What to do: {}\n\n", prose(hint)));
    }
    for account in accounts.iter().take(NAMED) {
        let name = if account.name.is_empty() { String::new() } else { format!(" {}", code(&account.name)) };
        text.push_str(&format!("- `{}`{name}\n", account.id));
    }
    if accounts.len() > NAMED {
        text.push_str(&format!("- …and {} more\n", thousands(accounts.len() - NAMED)));
    }
}

/// Returns an untrusted text as a code span.
pub(super) fn code(text: &str) -> String {
    let safe = for_terminal(text);
    let mut safe: Cow<'_, str> = match safe.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &safe[..end])),
        None => safe,
    };
    if safe.trim().is_empty() {
        // In Markdown, spaces alone are not a code span, so they are put in quotation marks.
        safe = Cow::Owned(format!("\"{safe}\""));
    }
    let longest = safe.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // Markdown removes one space at each end of a code span. This space keeps a backtick at the edge of the text apart from the
    // fence.
    let pad = if safe.starts_with(['`', ' ']) || safe.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{safe}{pad}{fence}")
}

/// Returns an untrusted text as a code span in a table, where a vertical bar would end the cell even inside a code span.
pub(super) fn in_table(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// Returns a sentence of this program unchanged if it contains plain text only, otherwise as a code span.
pub(super) fn prose(text: &str) -> Cow<'_, str> {
    let plain = |character: char| character.is_alphanumeric() || " ,.;:()%'/=-\"".contains(character);
    let has_link = text.contains("://") || text.contains("www.");
    if text.chars().all(plain) && !has_link { Cow::Borrowed(text) } else { Cow::Owned(code(text)) }
}

#[cfg(test)]
mod tests;
