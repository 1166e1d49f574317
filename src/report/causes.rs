//! This module owns the causes: failures that are the same but for an account id or a request id, counted as one.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};

use crate::org::Account;
use crate::rollout::{Outcome, Record, Stage};

/// Accounts that came to grief in the same way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cause<'a> {
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

/// Every cause, and which of them each record has.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Causes<'a> {
    /// Errors first, then what was left alone, then the skipped; the most frequent cause first in each.
    pub all: Vec<Cause<'a>>,
    /// For each record, in their order, its place in the list above.
    pub of_record: Vec<Option<usize>>,
}

impl<'a> Causes<'a> {
    /// Groups all accounts that have a cause.
    pub(crate) fn of(accounts: &'a [Account], records: &'a [Record]) -> Self {
        let mut numbers: HashMap<Key<'a>, usize> = HashMap::new();
        let mut groups: Vec<Vec<&Account>> = Vec::new();
        let mut of_record: Vec<Option<usize>> = Vec::with_capacity(records.len());
        for (account, record) in accounts.iter().zip(records) {
            of_record.push(key(record).map(|key| {
                let number = *numbers.entry(key).or_insert_with(|| {
                    groups.push(Vec::new());
                    groups.len() - 1
                });
                groups[number].push(account);
                number
            }));
        }
        let made = numbers.into_iter().map(|((outcome, stage, error_code, message, hint), number)| {
            let accounts = std::mem::take(&mut groups[number]);
            (number, Cause { outcome, stage, error_code, message, hint, accounts })
        });
        let mut numbered: Vec<(usize, Cause<'a>)> = made.collect();
        numbered.sort_by_key(|(number, cause)| (rank(cause.outcome), Reverse(cause.accounts.len()), *number));
        let mut places = vec![0; numbered.len()];
        for (place, (number, _)) in numbered.iter().enumerate() {
            places[*number] = place;
        }
        for number in of_record.iter_mut().flatten() {
            *number = places[*number];
        }
        Self { all: numbered.into_iter().map(|(_, cause)| cause).collect(), of_record }
    }
}

/// What two records have in common if their cause is one: outcome, stage, code, message, and hint.
type Key<'a> = (Outcome, Stage, &'a str, String, &'a str);

fn key(record: &Record) -> Option<Key<'_>> {
    let error = record.error.as_ref()?;
    let message = without_ids(&error.error_message);
    Some((record.outcome, error.stage, &error.error_code, message, &error.hint))
}

/// A number that is the same for all records of one cause, whatever their hints, for whoever meets them one by one; `None` where
/// nothing went wrong.
pub(crate) fn sameness(record: &Record) -> Option<u64> {
    let (outcome, stage, code, message, _) = key(record)?;
    Some(BuildHasherDefault::<DefaultHasher>::default().hash_one((outcome, stage, code, message)))
}

/// Errors come before what was left alone, and that before what was never meant to be visited.
const fn rank(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Failed | Outcome::Unverified => 0,
        Outcome::Changed | Outcome::Unchanged | Outcome::WouldChange | Outcome::NotAttempted => 1,
        Outcome::Skipped => 2,
    }
}

/// The causes of the failed, unverified and unattempted accounts, errors first and then the most frequent cause.
pub(crate) fn causes<'a>(accounts: &'a [Account], records: &'a [Record]) -> Vec<Cause<'a>> {
    let mut causes = Causes::of(accounts, records).all;
    causes.retain(|cause| cause.outcome != Outcome::Skipped);
    causes
}

/// A piece of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    /// What is the same for every account.
    Text(&'a str),
    /// An account id.
    Account(&'a str),
    /// A request id, or another mark of a single request.
    Id(&'a str),
}

impl<'a> Piece<'a> {
    /// The text, or what stands for the id.
    pub(crate) const fn shown(self) -> &'a str {
        match self {
            Self::Text(text) => text,
            Self::Account(_) => "<account>",
            Self::Id(_) => "<id>",
        }
    }
}

/// The message with account ids, request ids and other marks of a single request replaced.
///
/// AWS's AccessDenied messages name the account and carry an authorization id that is unique to each request; left in,
/// they would make four thousand causes of one.
pub(crate) fn without_ids(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    pieces(message).for_each(|piece| text.push_str(piece.shown()));
    text
}

/// The pieces of a message. A text may come in several of them.
pub(crate) fn pieces(message: &str) -> impl Iterator<Item = Piece<'_>> {
    let is_part = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    let mut rest = message;
    std::iter::from_fn(move || {
        let in_word = is_part(rest.chars().next()?);
        let end = rest.find(|character| is_part(character) != in_word).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        rest = after;
        Some(if in_word { classify(piece) } else { Piece::Text(piece) })
    })
}

fn classify(word: &str) -> Piece<'_> {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    if word.len() == 12 && digits == 12 {
        Piece::Account(word)
    } else if word.len() >= 16 && digits >= 4 {
        Piece::Id(word)
    } else {
        Piece::Text(word)
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

    #[test]
    fn errors_come_first_then_the_most_frequent_and_every_record_knows_its_cause() {
        use crate::org::{AccountState, TokenVersion};
        use crate::rollout::AccountError;
        use Outcome::{Changed, Failed, NotAttempted, Skipped, Unverified};
        let row = |(number, (outcome, code)): (usize, &(Outcome, &str))| {
            let id = format!("{number:012}").parse().unwrap();
            let (name, email, ou_path) = (String::new(), String::new(), String::new());
            let account = Account { id, name, email, state: AccountState::Active, ou_path, invited: false };
            let error = (*outcome != Changed).then(|| AccountError {
                stage: Stage::Set,
                error_code: (*code).to_owned(),
                error_message: format!("no {id} today"),
                hint: String::new(),
            });
            (account, Record { outcome: *outcome, error, ..Record::blank(id, TokenVersion::V2Token) })
        };
        let told = [
            (Skipped, "Closed"),
            (Failed, "A"),
            (Changed, ""),
            (Failed, "B"),
            (NotAttempted, "C"),
            (Failed, "B"),
            (Skipped, "Closed"),
            (Skipped, "Closed"),
            (Unverified, "A"),
        ];
        let (accounts, records): (Vec<_>, Vec<_>) = told.iter().enumerate().map(row).unzip();
        let found = Causes::of(&accounts, &records);
        let seen: Vec<_> =
            found.all.iter().map(|cause| (cause.outcome, cause.error_code, cause.accounts.len())).collect();
        let expected =
            [(Failed, "B", 2), (Failed, "A", 1), (Unverified, "A", 1), (NotAttempted, "C", 1), (Skipped, "Closed", 3)];
        assert_eq!(seen, expected);
        let places = [Some(4), Some(1), None, Some(0), Some(3), Some(0), Some(4), Some(4), Some(2)];
        assert_eq!(found.of_record, places);
        assert_eq!(causes(&accounts, &records).len(), 4, "skipped accounts are no failures");
        assert_eq!(found.all[0].message, "no <account> today");
    }
}
