//! The summary of a comparison for people: the verdict, the counts, and the accounts by difference.

use super::Comparison;
use super::groups::groups;
use crate::humanize::utc;
use crate::report::summary::add_hint_and_accounts;
use crate::sanitize::for_terminal;

/// Returns the summary.
pub(super) fn summary(comparison: &Comparison<'_>) -> String {
    let mut text = format!("comparison: {}\n\n", for_terminal(&comparison.sentence()));
    for (name, run) in [("before", comparison.before), ("after", comparison.after)] {
        let started = run.info.started_at.map_or_else(String::new, |time| format!(", {}", utc(time)));
        let run_id = for_terminal(run.info.run_id.as_str());
        text.push_str(&format!("  {name:<6}  {} {run_id}{started}\n", run.info.command));
    }
    text.push('\n');
    let width = comparison.pairs.len().to_string().len();
    for (kind, count) in comparison.counts().into_iter().filter(|(_, count)| *count > 0) {
        text.push_str(&format!("  {count:>width$}  {kind:<15}  {}\n", kind.meaning()));
    }
    let organization = comparison.after.info.organization_id.as_deref().unwrap_or_default();
    text.push_str(&format!("  {:>width$}  accounts in {}\n", comparison.pairs.len(), for_terminal(organization)));
    let mut title = None;
    for group in groups(comparison) {
        if title.replace(group.difference) != Some(group.difference) {
            text.push_str(&format!("\n{}\n", group.difference));
        }
        let (count, before, after) = (group.accounts.len(), for_terminal(&group.before), for_terminal(&group.after));
        text.push_str(&match (before.is_empty(), after.is_empty()) {
            (true, _) => format!("\n  {count} now {after}\n"),
            (false, true) => format!("\n  {count} {before}\n"),
            (false, false) => format!("\n  {count} {before}\n    now {after}\n"),
        });
        add_hint_and_accounts(&mut text, group.hint, &group.accounts);
    }
    text
}
