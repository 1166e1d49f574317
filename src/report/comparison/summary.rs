//! This module owns the comparison for people: the verdict, the counts, and the accounts by how they differ.

use super::Comparison;
use super::groups::groups;
use crate::report::merge::LoadedRun;
use crate::report::summary::named;
use crate::report::words::moment;
use crate::sanitize::for_terminal;

/// The comparison as text.
pub(super) fn summary(comparison: &Comparison<'_>) -> String {
    let mut text = format!("comparison: {}\n\n", for_terminal(&comparison.sentence()));
    for (name, part) in [("before", comparison.before), ("after", comparison.after)] {
        text.push_str(&format!("  {name:<6}  {}\n", for_terminal(&side(part))));
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
        if !group.hint.is_empty() {
            text.push_str(&format!("    hint: {}\n", for_terminal(group.hint)));
        }
        text.push_str(&format!("    in: {}\n", named(&group.accounts)));
    }
    text
}

/// What a run was, and when.
fn side(part: &LoadedRun) -> String {
    let started = part.info.started_at.map_or_else(String::new, |time| format!(", {}", moment(time)));
    format!("{} {}{started}", part.info.command, part.info.run_id)
}
