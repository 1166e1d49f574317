//! Announces each cause of failure only once, for its first account.

use std::collections::HashSet;

use crate::rollout::Record;
use crate::rollout::cause::Cause;

/// The maximum number of causes that are announced. The report has all of them.
pub(super) const MAX_ANNOUNCED: usize = 20;

/// The maximum number of causes that are counted. This limits the memory that the set takes if all messages differ.
const MAX_COUNTED: usize = 1000;

/// The causes that have occurred so far.
#[derive(Clone, Debug, Default)]
pub(super) struct FailureDedup {
    fingerprints: HashSet<u64>,
}

impl FailureDedup {
    /// Adds a record. Returns the number of its cause, from 1, if the record is the first failure with this cause and has to be
    /// announced.
    pub(super) fn announce(&mut self, record: &Record) -> Option<usize> {
        if !record.outcome.is_error() || self.count() >= MAX_COUNTED {
            return None;
        }
        let is_new = self.fingerprints.insert(Cause::of(record)?.fingerprint());
        (is_new && self.count() <= MAX_ANNOUNCED).then(|| self.count())
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
            denied_by: None,
        };
        Record { outcome, error: Some(Box::new(error)), ..Record::blank(id, TokenVersion::V2Token) }
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
        assert_eq!(causes.announce(&denied(1)), Some(1));
        assert_eq!(causes.announce(&denied(2)), None);
        assert_eq!(causes.announce(&failed(3, Outcome::Failed, "not there")), Some(2));
        assert_eq!(causes.announce(&failed(4, Outcome::Skipped, "another")), None, "it is no failure");
        assert_eq!(causes.count(), 2);
    }

    #[test]
    fn announcements_are_limited() {
        let mut causes = FailureDedup::default();
        let announced = (0..5000)
            .filter_map(|number| causes.announce(&failed(number, Outcome::Failed, &format!("cause x{number}y"))));
        assert!(announced.eq(1..=MAX_ANNOUNCED));
        assert_eq!(causes.count(), MAX_COUNTED);
    }
}
