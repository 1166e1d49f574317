//! This module owns the causes: failures that are the same but for an account id or a request id, counted as one.

use std::collections::BTreeMap;

use crate::org::Account;
use crate::rollout::{Outcome, Record, Stage};

/// Accounts that came to grief in the same way.
#[derive(Debug, PartialEq, Eq)]
pub struct Cause<'a> {
    /// The outcome of all of them.
    pub outcome: Outcome,
    /// Where it went wrong.
    pub stage: Stage,
    /// The error code.
    pub error_code: &'a str,
    /// What was said, with ids replaced by what they are.
    pub message: String,
    /// What to do about it, for the first of them.
    pub hint: &'a str,
    /// The accounts, by id.
    pub accounts: Vec<&'a Account>,
}

/// Groups the failed, unverified and unattempted accounts that have a cause, errors first and then the most frequent cause.
#[must_use]
pub fn causes<'a>(accounts: &'a [Account], records: &'a [Record]) -> Vec<Cause<'a>> {
    let mut groups: BTreeMap<(Outcome, Stage, &str, String, &str), Vec<&Account>> = BTreeMap::new();
    for (account, record) in accounts.iter().zip(records) {
        let Some(trouble) = &record.trouble else { continue };
        if record.outcome == Outcome::Skipped {
            continue;
        }
        let key = (
            record.outcome,
            trouble.stage,
            trouble.error_code.as_str(),
            without_ids(&trouble.error_message),
            trouble.hint.as_str(),
        );
        groups.entry(key).or_default().push(account);
    }
    let mut causes: Vec<Cause<'a>> = groups
        .into_iter()
        .map(|((outcome, stage, error_code, message, hint), accounts)| Cause {
            outcome,
            stage,
            error_code,
            message,
            hint,
            accounts,
        })
        .collect();
    causes.sort_by_key(|cause| (!cause.outcome.is_error(), std::cmp::Reverse(cause.accounts.len())));
    causes
}

/// The message with account ids, request ids and other marks of a single request replaced.
///
/// AWS's AccessDenied messages name the account and carry an authorization id that is unique to each request; left in,
/// they would make four thousand causes of one.
#[must_use]
pub fn without_ids(message: &str) -> String {
    let is_part = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    let mut text = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(start) = rest.find(is_part) {
        text.push_str(&rest[..start]);
        let word = &rest[start..];
        let end = word.find(|character| !is_part(character)).unwrap_or(word.len());
        text.push_str(replacement(&word[..end]));
        rest = &word[end..];
    }
    text.push_str(rest);
    text
}

fn replacement(word: &str) -> &str {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    if word.len() == 12 && digits == 12 {
        "<account>"
    } else if word.len() >= 16 && digits >= 4 {
        "<id>"
    } else {
        word
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_request_to_request_is_replaced() {
        let table = [
            (
                "User: arn:aws:iam::000000000100:user/ops is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::000000000012:role/OrganizationAccountAccessRole",
                "User: arn:aws:iam::<account>:user/ops is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::<account>:role/OrganizationAccountAccessRole",
            ),
            ("denied (authorization id: 7f1c2d3e-1234-4abc-9def-001122334455)", "denied (authorization id: <id>)"),
            ("Rate exceeded", "Rate exceeded"),
            ("session v2token-20261122T041500Z-abcdef expired", "session <id> expired"),
            ("", ""),
            ("naïve 東京 000000000012", "naïve 東京 <account>"),
        ];
        for (message, expected) in table {
            assert_eq!(without_ids(message), expected);
        }
    }
}
