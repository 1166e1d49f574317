//! This module owns the report as Markdown, for a pull request or a ticket: short enough for a comment, and with nothing from
//! outside that would become markup, a mention, or a link.
//!
//! Everything from outside stands in code spans: inside of them GitHub and its like know no mentions, references, links,
//! emoji, or HTML, so that only backticks and, in tables, bars have to be seen to.

use std::borrow::Cow;
use std::io::{self, Write};

use super::Report;
use super::causes::{CauseGroup, causes};
use super::facts::facts;
use super::units::{Unit, units};
use super::words::{counted, grouped};
use crate::org::Account;
use crate::rollout::{Outcome, Tally};
use crate::sanitize::for_terminal;

/// GitHub takes comments of at most 65,536 characters. Bytes are counted here, of which no text has fewer.
pub(super) const LIMIT: usize = 65_536;
/// What is left for the end of the report, and for a comment around it.
pub(super) const RESERVE: usize = 1_536;
/// From here on no further cause is begun, so that the OUs find room.
const CAUSES_END: usize = LIMIT / 2;
/// How many accounts of a cause are named.
const NAMED: usize = 20;
/// How many characters of one text from outside are shown.
const SHOWN: usize = 300;

/// Writes the report.
pub(super) fn write(report: &Report<'_>, mut to: impl Write) -> io::Result<()> {
    to.write_all(text(report).as_bytes())
}

fn text(report: &Report<'_>) -> String {
    let tally = report.tally();
    let mut text = format!("# v2token {}: {}\n\n", report.run.command, prose(report.sentence));
    if report.ended.is_none() {
        text.push_str("**This run has not ended: it is still going on, or was cut short.**\n\n");
    }
    text.push_str("| | |\n|---|---|\n");
    for (name, fact) in facts(report) {
        text.push_str(&format!("| {name} | {} |\n", in_table(&fact)));
    }
    text.push_str("\n## Outcomes\n\n| outcome | accounts | meaning |\n|---|---:|---|\n");
    for (outcome, count) in tally.iter().filter(|(_, count)| *count > 0) {
        text.push_str(&format!("| `{outcome}` | {} | {} |\n", grouped(count), outcome.meaning()));
    }
    text.push_str(&format!("| all | {} | |\n", grouped(tally.total())));
    add_causes(&mut text, &causes(report.accounts, report.records));
    add_units(&mut text, &units(report.accounts, report.records), &tally);
    text
}

fn add_causes(text: &mut String, causes: &[CauseGroup<'_>]) {
    let mut title = "";
    for (number, group) in causes.iter().enumerate() {
        if text.len() > CAUSES_END {
            let left: usize = causes[number..].iter().map(|group| group.accounts.len()).sum();
            let causes = counted(causes.len() - number, "further cause", "further causes");
            text.push_str(&format!("\n…and {causes}, in {}\n", counted(left, "account", "accounts")));
            return;
        }
        let heading = if group.cause.outcome.is_error() { "Failures by cause" } else { "Left alone by cause" };
        if title != heading {
            title = heading;
            text.push_str(&format!("\n## {title}\n"));
        }
        let (count, outcome, stage) = (grouped(group.accounts.len()), group.cause.outcome, group.cause.stage);
        text.push_str(&format!("\n### {count} `{outcome}` at {stage}: {}\n\n", code(group.cause.error_code)));
        if !group.cause.message.is_empty() {
            text.push_str(&format!("{}\n\n", code(&group.cause.message)));
        }
        if !group.hint.is_empty() {
            text.push_str(&format!("What to do: {}\n\n", prose(group.hint)));
        }
        list(text, &group.accounts);
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
        let path = if unit.path.is_empty() { "not known".to_owned() } else { in_table(unit.path) };
        let mut line = format!("| {path} | {} |", grouped(unit.tally.total()));
        for outcome in &outcomes {
            line.push_str(&format!(" {} |", grouped(unit.tally.of(*outcome))));
        }
        if text.len() + line.len() > LIMIT - RESERVE {
            text.push_str(&format!("\n…and {} more\n", counted(units.len() - number, "OU", "OUs")));
            return;
        }
        text.push_str(&line);
        text.push('\n');
    }
}

/// Lists the first of several accounts, and says how many more there are.
pub(super) fn list(text: &mut String, accounts: &[&Account]) {
    for account in accounts.iter().take(NAMED) {
        text.push_str(&format!("- {}\n", name(account)));
    }
    let more = accounts.len().saturating_sub(NAMED);
    if more > 0 {
        text.push_str(&format!("- …and {} more\n", grouped(more)));
    }
}

fn name(account: &Account) -> String {
    if account.name.is_empty() {
        code(&account.id.to_string())
    } else {
        format!("`{}` {}", account.id, code(&account.name))
    }
}

/// A text from outside as a code span.
pub(super) fn code(text: &str) -> String {
    let safe = for_terminal(text);
    let mut safe: Cow<'_, str> = match safe.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &safe[..end])),
        None => safe,
    };
    if safe.trim().is_empty() {
        // A code span of nothing but spaces is none.
        safe = Cow::Owned(format!("\"{safe}\""));
    }
    let longest = safe.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // One space on either side is taken off again; it keeps a backtick at the edge apart from the fence.
    let pad = if safe.starts_with(['`', ' ']) || safe.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{safe}{pad}{fence}")
}

/// The same for a cell of a table, which a bar would end even inside a code span.
pub(super) fn in_table(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// A sentence of this program's own as it is, unless something in it could be taken for more than text.
pub(super) fn prose(text: &str) -> Cow<'_, str> {
    let plain = |character: char| character.is_alphanumeric() || " ,.;:()%'/=-\"".contains(character);
    let linked = text.contains("://") || text.contains("www.");
    if text.chars().all(plain) && !linked { Cow::Borrowed(text) } else { Cow::Owned(code(text)) }
}

#[cfg(test)]
mod tests;
