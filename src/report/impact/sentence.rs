//! The verdict on the Organization in one sentence.

use std::collections::BTreeMap;

use super::ImpactSources;
use crate::humanize::{count, thousands};
use crate::impact::verdict::Verdict;

/// Returns the sentence. `affected_principals` are the principals of affected accounts.
pub(crate) fn sentence(
    summary: &BTreeMap<Verdict, usize>,
    affected_principals: usize,
    sources: &ImpactSources,
    partition: Option<&str>,
) -> String {
    if let Some(partition) = partition {
        return format!(
            "the partition {partition} has no global STS endpoint: there is nothing to find, and the change has no effect"
        );
    }
    let of = |verdict: Verdict| summary.get(&verdict).copied().unwrap_or(0);
    let affected = of(Verdict::RefusedToday) + of(Verdict::LongerTokens);
    let selected: usize =
        summary.iter().filter(|(verdict, _)| **verdict != Verdict::Skipped).map(|(_, count)| count).sum();
    let mut parts = Vec::new();
    if affected == 0 {
        parts.push("no account is known to be affected".to_owned());
    } else {
        let verb = if affected == 1 { "has" } else { "have" };
        let get = if affected_principals == 1 { "gets" } else { "get" };
        let who = count(affected_principals, "principal", "principals");
        parts.push(format!("{} {verb} {who} that {get} longer tokens", count(affected, "account", "accounts")));
    }
    if of(Verdict::RefusedToday) > 0 {
        parts.push(format!(
            "{} of them issued v1 tokens and have an opt-in Region, which refuses these",
            thousands(of(Verdict::RefusedToday))
        ));
    }
    for (verdict, text) in [
        (Verdict::NoEffect, "not affected"),
        (Verdict::NoneSeen, "with none seen in the sample"),
        (Verdict::AlreadyV2, "on v2Token already"),
    ] {
        if of(verdict) > 0 {
            parts.push(format!("{} {text}", thousands(of(verdict))));
        }
    }
    if of(Verdict::Unknown) > 0 {
        parts.push(format!("{} of {} not known", thousands(of(Verdict::Unknown)), thousands(selected)));
    }
    if sources.damaged_files > 0 {
        parts.push(format!("{} can't be read completely", count(sources.damaged_files, "file", "files")));
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_says_who_is_affected_and_what_is_not_known() {
        let say = |summary: &[(Verdict, usize)], principals: usize, damaged: u64| {
            let sources = ImpactSources { damaged_files: damaged, ..ImpactSources::default() };
            sentence(&summary.iter().copied().collect(), principals, &sources, None)
        };
        assert_eq!(say(&[(Verdict::NoEffect, 3)], 0, 0), "no account is known to be affected; 3 not affected");
        assert_eq!(
            say(&[(Verdict::LongerTokens, 1), (Verdict::Unknown, 2), (Verdict::Skipped, 5)], 1, 1),
            "1 account has 1 principal that gets longer tokens; 2 of 3 not known; 1 file can't be read completely"
        );
        assert_eq!(
            say(
                &[
                    (Verdict::LongerTokens, 2),
                    (Verdict::RefusedToday, 1),
                    (Verdict::NoneSeen, 4),
                    (Verdict::AlreadyV2, 1)
                ],
                9,
                0
            ),
            "3 accounts have 9 principals that get longer tokens; 1 of them issued v1 tokens and have an opt-in Region, which \
             refuses these; 4 with none seen in the sample; 1 on v2Token already"
        );
        let none = sentence(&BTreeMap::new(), 0, &ImpactSources::default(), Some("aws-cn"));
        assert!(none.contains("aws-cn has no global STS endpoint: there is nothing to find"), "{none}");
    }
}
