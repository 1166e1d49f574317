//! The report as JSON. Texts are written unchanged: JSON escapes what could harm a terminal.

use serde::{Serialize, Serializer};

use super::Report;
use crate::journal::RunInfo;
use crate::rollout::Tally;

/// The report as one document. The rows are serialized one by one, so that a report of 50,000 accounts needs no second copy.
#[derive(Serialize)]
pub(super) struct JsonReport<'a> {
    run: &'a RunInfo,
    #[serde(serialize_with = "outcome_counts")]
    summary: Tally,
    #[serde(serialize_with = "rows")]
    accounts: &'a Report<'a>,
}

impl<'a> JsonReport<'a> {
    pub(super) fn of(report: &'a Report<'a>) -> Self {
        Self { run: report.run, summary: report.tally(), accounts: report }
    }
}

/// Serializes the counts in the order of [`Outcome::ALL`](crate::rollout::Outcome::ALL), with every outcome.
pub(super) fn outcome_counts<S: Serializer>(tally: &Tally, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(tally.iter().map(|(outcome, count)| (outcome.as_str(), count)))
}

fn rows<S: Serializer>(report: &Report<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(report.rows())
}
