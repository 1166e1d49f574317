//! What is concluded about each account: its verdict, its numbers, and what to do about it.

use std::collections::{BTreeMap, BTreeSet};

use super::coverage::Coverage;
use super::evidence::{AccountEvidence, Evidence, PrincipalRow};
use super::verdict::{OptInRegions, Verdict, verdict};
use crate::humanize::count;
use crate::org::{AccountId, ObservedVersion};

/// What is known of an account besides its events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// The version that was read; `None` if it was not read.
    pub version: Option<ObservedVersion>,
    /// The opt-in Regions of the account.
    pub opt_in: OptInRegions,
    /// Whether the account is left out: it was not selected, or is not active.
    pub is_skipped: bool,
}

/// What is concluded about an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// What the change means for the account.
    pub verdict: Verdict,
    /// What the events say about the account.
    pub evidence: AccountEvidence,
    /// The number of principals that the global endpoint issues sessions of the account to.
    pub principals: usize,
    /// The size of the largest token that the global endpoint issued for the account, in characters; `None` if no event says it.
    pub largest_token: Option<u32>,
    /// The size that tokens will have after the change, in characters; `None` if it is not known.
    pub expected_token: Option<u32>,
    /// Whether `expected_token` is an estimate.
    pub is_estimated: bool,
    /// What to know or to do about the account; may be empty.
    pub hint: String,
}

/// Concludes what the change means for each account. `rows` are the principals of the evidence.
pub fn conclude(
    subjects: &BTreeMap<AccountId, Subject>,
    evidence: &Evidence,
    rows: &[PrincipalRow],
) -> BTreeMap<AccountId, Conclusion> {
    let mut own: BTreeMap<AccountId, Vec<&PrincipalRow>> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.attributed_to == row.account) {
        own.entry(row.account).or_default().push(row);
    }
    subjects
        .iter()
        .map(|(id, subject)| {
            let rows = own.get(id).map_or(&[][..], Vec::as_slice);
            (*id, conclusion(subject, evidence.account(*id), rows))
        })
        .collect()
}

fn conclusion(subject: &Subject, evidence: AccountEvidence, rows: &[&PrincipalRow]) -> Conclusion {
    let verdict = if subject.is_skipped {
        Verdict::Skipped
    } else {
        verdict(subject.version, &subject.opt_in, evidence.global_calls > 0, &evidence.coverage)
    };
    let is_v2 = subject.version == Some(ObservedVersion::V2Token);
    let largest_token = rows.iter().filter_map(|row| row.largest).max();
    let expected = rows.iter().max_by_key(|row| row.expected);
    let (expected_token, is_estimated) = match expected {
        _ if is_v2 => (largest_token, false),
        Some(row) => (row.expected, row.is_estimated && row.expected.is_some()),
        None => (None, false),
    };
    let principals: BTreeSet<&str> = rows.iter().map(|row| row.principal.as_str()).collect();
    let hint = hint(verdict, subject, &evidence);
    Conclusion { verdict, principals: principals.len(), largest_token, expected_token, is_estimated, hint, evidence }
}

/// Returns what to know about a verdict, or to do about it.
fn hint(verdict: Verdict, subject: &Subject, evidence: &AccountEvidence) -> String {
    let mut parts: Vec<String> = Vec::new();
    match (verdict, &evidence.coverage) {
        (Verdict::Skipped | Verdict::AlreadyV2, _) => return String::new(),
        (Verdict::Unknown, _) if evidence.global_calls > 0 => parts.push(
            "the global endpoint is used, but the version of the account is not known: read it with v2token plan"
                .to_owned(),
        ),
        (Verdict::Unknown, Coverage::None) => parts.push("no event of the account was read".to_owned()),
        (_, Coverage::Incomplete(missing)) => parts.push(missing.clone()),
        (Verdict::NoneSeen, Coverage::Sampled { read, .. }) => parts.push(format!(
            "none in {read} windows: with 95% confidence, at most {:.1}% of the windows have any",
            Coverage::bound_percent(*read)
        )),
        _ => {}
    }
    if verdict == Verdict::LongerTokens && subject.opt_in == OptInRegions::Unknown {
        parts
            .push("it is not known whether an opt-in Region, which would refuse today's tokens, is enabled".to_owned());
    }
    if verdict == Verdict::RefusedToday {
        parts.push(
            "an opt-in Region is enabled, and refuses today's tokens; events do not tell whether they are used there"
                .to_owned(),
        );
    }
    if evidence.outgoing_calls > 0 {
        parts.push(format!(
            "{} for roles of other accounts, which count there: the setting of the role's account decides, as AWS's documentation implies",
            count(evidence.outgoing_calls, "session was issued", "sessions were issued")
        ));
    }
    parts.join("; ")
}
