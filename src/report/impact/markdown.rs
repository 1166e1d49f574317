//! The report in Markdown, for a pull request or a ticket.

use super::super::markdown::{in_table, prose};
use super::{ImpactReport, PRINCIPALS_CSV};
use crate::humanize::thousands;
use crate::impact::verdict::Verdict;

/// How many principals, OUs, and files are listed.
const LISTED: usize = 100;

/// Returns the report.
pub(super) fn text(report: &ImpactReport) -> String {
    let sentence = report.run.verdict.as_ref().map_or("", |ending| ending.sentence.as_str());
    let mut text = format!("# v2token impact: {}\n\n", prose(sentence));
    text.push_str("| verdict | accounts | meaning |\n|---|---:|---|\n");
    let verdicts: Vec<Verdict> = Verdict::ALL.into_iter().filter(|verdict| report.of(*verdict) > 0).collect();
    for verdict in &verdicts {
        text.push_str(&format!("| `{verdict}` | {} | {} |\n", thousands(report.of(*verdict)), verdict.meaning()));
    }
    add_principals(&mut text, report);
    add_units(&mut text, report, &verdicts);
    add_files(&mut text, report);
    text
}

fn add_principals(text: &mut String, report: &ImpactReport) {
    let rows = report.first_to_talk_to();
    if rows.is_empty() {
        return;
    }
    text.push_str("\n## Principals to talk to first\n\n");
    text.push_str("| account | principal | program | sessions | characters now | expected | crosses |\n|---|---|---|---:|---:|---:|---|\n");
    for row in rows.iter().take(LISTED) {
        let size = |size: Option<u32>| size.map_or_else(String::new, |size| size.to_string());
        let about = if row.expected_token_is_estimate { "about " } else { "" };
        text.push_str(&format!(
            "| `{}` | {} | {} | {} | {} | {about}{} | {} |\n",
            row.account_id,
            in_table(&row.principal),
            in_table(&row.user_agent),
            row.calls,
            size(row.largest_token),
            size(row.expected_token),
            row.limits_crossed.as_deref().unwrap_or_default(),
        ));
    }
    if rows.len() > LISTED {
        text.push_str(&format!("\n…and {} more in `{PRINCIPALS_CSV}`\n", thousands(rows.len() - LISTED)));
    }
}

fn add_units(text: &mut String, report: &ImpactReport, verdicts: &[Verdict]) {
    let units = report.by_unit();
    text.push_str("\n## By OU\n\n| OU | accounts |");
    for verdict in verdicts {
        text.push_str(&format!(" `{verdict}` |"));
    }
    text.push_str("\n|---|---:|");
    text.push_str(&"---:|".repeat(verdicts.len()));
    text.push('\n');
    for (path, counts) in units.iter().take(LISTED) {
        let path = if path.is_empty() { "not known".to_owned() } else { in_table(path) };
        let all: usize = counts.values().sum();
        text.push_str(&format!("| {path} | {} |", thousands(all)));
        for verdict in verdicts {
            text.push_str(&format!(" {} |", thousands(counts.get(verdict).copied().unwrap_or(0))));
        }
        text.push('\n');
    }
    if units.len() > LISTED {
        text.push_str(&format!("\n…and {} more OUs\n", thousands(units.len() - LISTED)));
    }
}

fn add_files(text: &mut String, report: &ImpactReport) {
    let sources = &report.run.sources;
    if sources.damaged.is_empty() {
        return;
    }
    text.push_str("\n## Files that can't be read completely\n\n| file | cause |\n|---|---|\n");
    for damaged in &sources.damaged {
        text.push_str(&format!("| {} | {} |\n", in_table(&damaged.file), in_table(&damaged.cause)));
    }
}
