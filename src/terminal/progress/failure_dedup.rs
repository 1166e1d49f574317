//! Announces each cause of failure only once, for its first account.

use std::collections::HashSet;

use crate::rollout::Record;
use crate::rollout::cause::Cause;

/// The maximum number of causes that are announced. The report has all of them.
const MAX_ANNOUNCED: usize = 20;

/// The maximum number of causes that are counted. It limits the memory if all messages differ.
const MAX_COUNTED: usize = 1000;

/// The announcement of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Announcement {
    /// No announcement: the record is no failure, or its cause was announced before.
    None,
    /// The record is the first with its cause.
    Cause,
    /// The record is the first with its cause, and further causes are not announced.
    LastCause,
}

/// The causes so far.
#[derive(Clone, Debug, Default)]
pub(super) struct FailureDedup {
    fingerprints: HashSet<u64>,
}

impl FailureDedup {
    /// Adds a record, and returns its announcement.
    pub(super) fn announce(&mut self, record: &Record) -> Announcement {
        if !record.outcome.is_error() || self.fingerprints.len() >= MAX_COUNTED {
            return Announcement::None;
        }
        let Some(cause) = Cause::of(record) else { return Announcement::None };
        match (self.fingerprints.insert(cause.fingerprint()), self.fingerprints.len()) {
            (true, ..MAX_ANNOUNCED) => Announcement::Cause,
            (true, MAX_ANNOUNCED) => Announcement::LastCause,
            _ => Announcement::None,
        }
    }

    /// Returns the number of causes, up to the maximum.
    pub(super) fn count(&self) -> usize {
        self.fingerprints.len()
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
            error_code: "AccessDenied".into(),
            error_message: message.to_owned(),
            hint: String::new(),
        };
        Record { outcome, error: Some(error), ..Record::blank(id, TokenVersion::V2Token) }
    }

    #[test]
    fn causes_that_differ_only_in_ids_are_announced_once() {
        let mut causes = FailureDedup::default();
        let denied = |number: u64| {
            failed(
                number,
                Outcome::Failed,
                &format!(
                    "not authorized on arn:aws:iam::{number:012}:role/R (authorization id: 7f1c2d3e-{number:04}-4abc-9def-0011)"
                ),
            )
        };
        assert_eq!(causes.announce(&denied(1)), Announcement::Cause);
        assert_eq!(causes.announce(&denied(2)), Announcement::None);
        assert_eq!(causes.announce(&failed(3, Outcome::Failed, "not there")), Announcement::Cause);
        assert_eq!(causes.announce(&failed(4, Outcome::Skipped, "another")), Announcement::None, "it is no failure");
        assert_eq!(causes.count(), 2);
    }

    #[test]
    fn announcements_are_limited() {
        let mut causes = FailureDedup::default();
        let announced =
            (0..5000).map(|number| causes.announce(&failed(number, Outcome::Failed, &format!("cause x{number}y"))));
        let announced: Vec<_> = announced.filter(|announcement| *announcement != Announcement::None).collect();
        assert_eq!(announced.len(), MAX_ANNOUNCED);
        assert_eq!(announced.last(), Some(&Announcement::LastCause));
        assert_eq!(causes.count(), MAX_COUNTED);
    }
}
