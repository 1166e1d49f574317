//! This module owns telling each cause of failure once, however many accounts have it.

use std::collections::HashSet;

use crate::rollout::Record;
use crate::rollout::cause::Cause;

/// So many causes are told as they come. What differs from account to account beyond that is for the report to sort.
const TOLD: usize = 20;

/// So many are told apart. It bounds the memory where no two messages are the same.
const KNOWN: usize = 1000;

/// What is to be said of a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Novelty {
    /// Nothing: it is no failure, or its cause was told.
    Old,
    /// It is the first of its cause.
    New,
    /// It is new too, but so many were told that this one is the last.
    Last,
}

/// The causes that were seen so far.
#[derive(Clone, Debug, Default)]
pub(super) struct FailureDedup {
    causes: HashSet<u64>,
}

impl FailureDedup {
    /// Takes in a record.
    pub(super) fn note(&mut self, record: &Record) -> Novelty {
        if !record.outcome.is_error() || self.causes.len() >= KNOWN {
            return Novelty::Old;
        }
        let Some(cause) = Cause::of(record) else { return Novelty::Old };
        match (self.causes.insert(cause.fingerprint()), self.causes.len()) {
            (true, ..TOLD) => Novelty::New,
            (true, TOLD) => Novelty::Last,
            _ => Novelty::Old,
        }
    }

    /// How many different causes there are; of very many, at least so many.
    pub(super) fn count(&self) -> usize {
        self.causes.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::TokenVersion;
    use crate::rollout::{AccountError, Outcome, Stage};

    fn failed(number: u64, outcome: Outcome, message: &str) -> Record {
        let id = format!("{number:012}").parse().unwrap();
        let error = AccountError {
            stage: Stage::Assume,
            error_code: "AccessDenied".to_owned(),
            error_message: message.to_owned(),
            hint: String::new(),
        };
        Record { outcome, error: Some(error), ..Record::blank(id, TokenVersion::V2Token) }
    }

    #[test]
    fn what_differs_only_in_ids_is_told_once() {
        let mut seen = FailureDedup::default();
        let denied = |number: u64| {
            failed(
                number,
                Outcome::Failed,
                &format!(
                    "not authorized on arn:aws:iam::{number:012}:role/R (authorization id: 7f1c2d3e-{number:04}-4abc-9def-0011)"
                ),
            )
        };
        assert_eq!(seen.note(&denied(1)), Novelty::New);
        assert_eq!(seen.note(&denied(2)), Novelty::Old);
        assert_eq!(seen.note(&failed(3, Outcome::Failed, "not there")), Novelty::New);
        assert_eq!(seen.note(&failed(4, Outcome::Skipped, "another")), Novelty::Old, "it is no failure");
        assert_eq!(seen.count(), 2);
    }

    #[test]
    fn causes_without_end_are_not_told_without_end() {
        let mut seen = FailureDedup::default();
        let told = (0..5000).map(|number| seen.note(&failed(number, Outcome::Failed, &format!("cause x{number}y"))));
        let told: Vec<_> = told.filter(|novelty| *novelty != Novelty::Old).collect();
        assert_eq!(told.len(), TOLD);
        assert_eq!(told.last(), Some(&Novelty::Last));
        assert_eq!(seen.count(), KNOWN);
    }
}
