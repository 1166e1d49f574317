//! The comparison in Markdown, for a pull request or a ticket.

use super::Comparison;
use super::groups::{DifferenceGroup, groups};
use crate::humanize::{count, thousands, utc};
use crate::report::markdown::{LIMIT, RESERVE, add_hint_and_accounts, code, in_table, prose};

/// Returns the comparison.
pub(super) fn text(comparison: &Comparison<'_>) -> String {
    let mut text = format!("# v2token comparison: {}\n\n| | |\n|---|---|\n", prose(&comparison.sentence()));
    let organization = comparison.after.info.organization_id.as_deref().unwrap_or_default();
    text.push_str(&format!("| Organization | {} |\n", in_table(organization)));
    for (name, run) in [("Before", comparison.before), ("After", comparison.after)] {
        let started = run.info.started_at.map_or_else(String::new, |time| format!(", {}", utc(time)));
        let run = in_table(&format!("{} {}", run.info.command, run.info.run_id));
        text.push_str(&format!("| {name} | {run}{started} |\n"));
    }
    text.push_str("\n## Differences\n\n| difference | accounts | meaning |\n|---|---:|---|\n");
    for (kind, count) in comparison.counts().into_iter().filter(|(_, count)| *count > 0) {
        text.push_str(&format!("| `{kind}` | {} | {} |\n", thousands(count), kind.meaning()));
    }
    text.push_str(&format!("| all | {} | |\n", thousands(comparison.pairs.len())));
    let groups = groups(comparison);
    let mut title = None;
    for (number, group) in groups.iter().enumerate() {
        let is_next = title != Some(group.difference);
        let heading = if is_next { format!("\n## `{}`\n", group.difference) } else { String::new() };
        let section = heading + &group_section(group);
        if text.len() + section.len() > LIMIT - RESERVE {
            let left: usize = groups[number..].iter().map(|group| group.accounts.len()).sum();
            let more = count(groups.len() - number, "further group", "further groups");
            text.push_str(&format!("\n…and {more}, of {}\n", count(left, "account", "accounts")));
            break;
        }
        title = Some(group.difference);
        text.push_str(&section);
    }
    text
}

fn group_section(group: &DifferenceGroup<'_>) -> String {
    let count = count(group.accounts.len(), "account", "accounts");
    let mut text = match (group.before.is_empty(), group.after.is_empty()) {
        (true, _) => format!("\n### {count}: {}\n\n", code(&group.after)),
        (false, true) => format!("\n### {count}: {}\n\n", code(&group.before)),
        (false, false) => format!("\n### {count}: {}, now {}\n\n", code(&group.before), code(&group.after)),
    };
    add_hint_and_accounts(&mut text, group.hint, &group.accounts);
    text
}
