//! The summary for people, on stdout.

use super::{ImpactReport, ImpactSources};
use crate::humanize::{count, thousands};
use crate::impact::verdict::Verdict;
use crate::sanitize::for_terminal;

/// How many principals and damaged files are shown.
const SHOWN: usize = 10;

/// Returns the summary, before it is wrapped.
pub(super) fn text(report: &ImpactReport) -> String {
    let sentence = report.run.verdict.as_ref().map_or("", |ending| ending.sentence.as_str());
    let mut text = format!("{}\n\n", for_terminal(sentence));
    for verdict in Verdict::ALL.into_iter().filter(|verdict| report.of(*verdict) > 0) {
        text.push_str(&format!(
            "  {:>8}  {:<13}  {}\n",
            thousands(report.of(verdict)),
            verdict.as_str(),
            verdict.meaning()
        ));
    }
    let rows = report.first_to_talk_to();
    if !rows.is_empty() {
        text.push_str("\nTalk to these first\n\n");
        for row in rows.iter().take(SHOWN) {
            let size = |size: Option<u32>| size.map_or("?".to_owned(), |size| size.to_string());
            let about = if row.expected_token_is_estimate { "about " } else { "" };
            let limits = row.limits_crossed.as_ref().map_or_else(String::new, |limits| format!(", crosses {limits}"));
            text.push_str(&format!(
                "  {}  {}\n    {}, {}, {} -> {about}{} characters{limits}\n",
                row.account_id,
                for_terminal(&row.principal),
                for_terminal(&row.user_agent),
                count(row.calls, "session", "sessions"),
                size(row.largest_token),
                size(row.expected_token),
            ));
        }
        if rows.len() > SHOWN {
            text.push_str(&format!("  and {} more in {}\n", thousands(rows.len() - SHOWN), super::PRINCIPALS_CSV));
        }
    }
    let sources = &report.run.sources;
    if let Some(calls) = calls_that_do_not_count(sources) {
        text.push_str(&format!("\nNot counted: {calls}\n"));
    }
    if !sources.damaged.is_empty() {
        text.push_str("\nFiles that can't be read completely\n\n");
        for damaged in sources.damaged.iter().take(SHOWN) {
            text.push_str(&format!("  {}: {}\n", for_terminal(&damaged.file), for_terminal(&damaged.cause)));
        }
    }
    text
}

/// Returns the calls for sessions that make no account affected; `None` if there are none.
fn calls_that_do_not_count(sources: &ImpactSources) -> Option<String> {
    let parts: Vec<String> = [
        (sources.regional_calls, "session of a regional endpoint", "sessions of regional endpoints"),
        (sources.service_calls, "call of an AWS service", "calls of AWS services"),
        (sources.failed_calls, "call that failed", "calls that failed"),
    ]
    .into_iter()
    .filter(|(calls, ..)| *calls > 0)
    .map(|(calls, one, several)| count(calls, one, several))
    .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}
