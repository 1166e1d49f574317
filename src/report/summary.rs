//! This module owns the summary for people: the verdict, the counts, and the failures by cause with what to do.

use std::fmt::Write as _;
use std::path::Path;

use super::Report;
use super::causes::causes;
use crate::journal::CommandName;
use crate::org::Account;
use crate::rollout::Outcome;
use crate::sanitize::{for_shell, for_terminal};

/// How many accounts of a cause are named.
const NAMED: usize = 5;

/// The summary as text.
pub(crate) fn summary(report: &Report<'_>) -> String {
    let mut text = format!(
        "{} {}: {}\n\n",
        report.run.command,
        for_terminal(report.run.run_id.as_str()),
        for_terminal(report.sentence)
    );
    let mut line = |words: std::fmt::Arguments<'_>| {
        text.write_fmt(words).expect("writing to a String never fails");
        text.push('\n');
    };
    let tally = report.tally();
    let width = tally.total().to_string().len();
    for (outcome, count) in tally.iter().filter(|(_, count)| *count > 0) {
        line(format_args!("  {count:>width$}  {outcome:<13}  {}", outcome.meaning()));
    }
    let organization = report.run.organization_id.as_deref().unwrap_or("an Organization that is not known yet");
    line(format_args!("  {:>width$}  accounts in {}", tally.total(), for_terminal(organization)));
    let causes = causes(report.accounts, report.records);
    let mut title = "";
    for group in &causes {
        let heading = if group.cause.outcome.is_error() { "Failures by cause" } else { "Left alone by cause" };
        if title != heading {
            title = heading;
            line(format_args!("\n{title}"));
        }
        line(format_args!(
            "\n  {} {} at {}: {}{}{}",
            group.accounts.len(),
            group.cause.outcome,
            group.cause.stage,
            for_terminal(group.cause.error_code),
            if group.cause.message.is_empty() { "" } else { ": " },
            for_terminal(&group.cause.message),
        ));
        if !group.hint.is_empty() {
            line(format_args!("    hint: {}", for_terminal(group.hint)));
        }
        line(format_args!("    in: {}", named(&group.accounts)));
    }
    text
}

/// Where the whole report is, if it is `written`, and the command that comes next: lines to be copied, so they are never broken.
pub(crate) fn next_steps(report: &Report<'_>, folder: &Path, written: bool) -> String {
    let mut text = "\n".to_owned();
    if written {
        text.push_str(&format!("Report: {}\n", for_terminal(&folder.join("report.csv").display().to_string())));
    }
    let would_change = report.tally().of(Outcome::WouldChange);
    let these = if would_change == 1 { "it".to_owned() } else { format!("these {would_change}") };
    let next = match (report.run.command, &report.run.settings.undoes) {
        _ if would_change == 0 => None,
        (CommandName::Plan, _) => Some((format!("To set {these}"), "apply --plan", folder)),
        (CommandName::Rollback, Some(undone)) => Some((format!("To put {these} back"), "rollback", undone.as_path())),
        (CommandName::Apply | CommandName::Rollback, _) => None,
    };
    if let Some((what, command, of)) = next {
        text.push_str(&format!("{what}: v2token {command} {}\n", for_shell(of)));
    }
    if text.len() > 1 { text } else { String::new() }
}

/// The first of several accounts by id and name, and how many more there are.
pub(super) fn named(accounts: &[&Account]) -> String {
    let named: Vec<String> = accounts.iter().take(NAMED).map(|account| name(account)).collect();
    let more = accounts.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    named.join(", ") + &more
}

fn name(account: &Account) -> String {
    if account.name.is_empty() {
        account.id.to_string()
    } else {
        format!("{} ({})", account.id, for_terminal(&account.name))
    }
}
