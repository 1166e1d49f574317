//! The checks as a table for people: one line for each finding, and a last line with the verdict and the next step.

use std::collections::HashMap;

use super::check::{Check, Checks, Status, Subject};
use crate::rollout::cause::without_ids;
use crate::terminal::layout::wrap;

/// The column in which the findings begin.
const INDENT: usize = 23;

/// How many accounts with the same finding are named.
const NAMED: usize = 5;

/// Returns the table.
pub(crate) fn table(checks: &Checks, width: Option<usize>) -> String {
    let mut text = String::new();
    for (check, others) in findings(&checks.checks) {
        let named = others.iter().take(NAMED).filter_map(|other| other.account_id).map(|id| id.to_string());
        let mut line = check.to_string();
        match others.len() {
            0 => {}
            1..=NAMED => line.push_str(&format!("; the same in {}", named.collect::<Vec<_>>().join(", "))),
            more => line.push_str(&format!(
                "; the same in {}, and {} more",
                named.collect::<Vec<_>>().join(", "),
                more - NAMED
            )),
        }
        add(&mut text, &line, width);
    }
    let (verdict, status) = closing(checks);
    add(&mut text, &format!("{:<8} {:<13} {verdict}", status.as_str(), "verdict"), width);
    text
}

/// Adds a line, wrapped.
fn add(text: &mut String, line: &str, width: Option<usize>) {
    let lines = width.map_or_else(|| vec![line.to_owned()], |width| wrap(line, width, INDENT));
    for line in lines {
        text.push_str(&format!("{line}\n"));
    }
}

/// Returns each finding once, with the other checks of accounts that found the same. Accounts in which all is well are listed one by
/// one.
fn findings(checks: &[Check]) -> Vec<(&Check, Vec<&Check>)> {
    let mut found: Vec<(&Check, Vec<&Check>)> = Vec::new();
    let mut known: HashMap<(Status, String, &str), usize> = HashMap::new();
    for check in checks {
        let is_grouped = check.subject == Subject::Account && check.status != Status::Ok;
        if !is_grouped {
            found.push((check, Vec::new()));
            continue;
        }
        let key = (check.status, without_ids(&check.message), check.advice.as_str());
        let index = *known.entry(key).or_insert_with(|| {
            found.push((check, Vec::new()));
            found.len() - 1
        });
        if !std::ptr::eq(found[index].0, check) {
            found[index].1.push(check);
        }
    }
    found
}

/// Returns the verdict with the next step, and its status.
fn closing(checks: &Checks) -> (String, Status) {
    let count = |status| checks.checks.iter().filter(|check| check.status == status).count();
    let these = |count: usize, noun: &str| if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") };
    match (count(Status::Failure), count(Status::Warning)) {
        (0, 0) => ("ready: preview the change with v2token plan and the same options".to_owned(), Status::Ok),
        (0, warnings) => (
            format!(
                "ready, with {}: read what it says, and then preview the change with v2token plan and the same options",
                these(warnings, "warning")
            ),
            Status::Warning,
        ),
        (failures, _) => (
            format!(
                "not ready: {} failed; do what is said there, and check again with v2token doctor",
                these(failures, "check")
            ),
            Status::Failure,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminal::layout::columns;

    fn of_account(number: u64, status: Status, message: &str) -> Check {
        let check = Check::new(Subject::Account, status, message, "do");
        Check { account_id: format!("{number:012}").parse().ok(), ..check }
    }

    fn shown(checks: Vec<Check>, width: Option<usize>) -> String {
        let mut all = Checks::default();
        for check in checks {
            all.add(check);
        }
        table(&all, width)
    }

    #[test]
    fn the_last_line_has_the_verdict_and_the_next_step() {
        let check = |status| Check::new(Subject::Clock, status, "x", "");
        for (statuses, last) in [
            (&[Status::Ok][..], "ready: preview the change with v2token plan"),
            (&[Status::Ok, Status::Warning], "ready, with 1 warning: "),
            (&[Status::Warning, Status::Warning], "ready, with 2 warnings: "),
            (&[Status::Warning, Status::Failure], "not ready: 1 check failed; "),
            (&[Status::Failure, Status::Failure], "not ready: 2 checks failed; "),
        ] {
            let text = shown(statuses.iter().map(|status| check(*status)).collect(), None);
            let (status, verdict) = text.lines().last().unwrap().split_at(INDENT);
            assert!(verdict.starts_with(last) && status.contains("verdict"), "{text}");
            assert_eq!(text.lines().count(), statuses.len() + 1, "{text}");
        }
    }

    #[test]
    fn the_same_finding_in_several_accounts_is_shown_once() {
        let same = |number| of_account(number, Status::Warning, &format!("denied in {number:012}"));
        let text = shown((1..=8).map(same).chain([of_account(9, Status::Warning, "other")]).collect(), None);
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(
            text.starts_with("warning  000000000001  denied in 000000000001; do; the same in 000000000002, "),
            "{text}"
        );
        assert!(text.contains("and 2 more"), "{text}");
        let fine = shown((1..=3).map(|number| of_account(number, Status::Ok, "read")).collect(), None);
        assert_eq!(fine.lines().count(), 4, "{fine}");
    }

    #[test]
    fn lines_are_wrapped_between_words() {
        let finding = "a finding of several words, more than fit into a line of this width";
        let text = shown(vec![of_account(1, Status::Failure, finding)], Some(60));
        assert!(text.starts_with("failure  000000000001  "), "{text:?}");
        for line in text.lines() {
            assert!(columns(line) <= 60, "{line}");
        }
        assert!(text.contains(&format!("\n{}", " ".repeat(INDENT))), "{text:?}");
    }
}
