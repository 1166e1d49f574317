//! The comparison as JSON. Texts are written unchanged: JSON escapes what could harm a terminal.

use serde::{Serialize, Serializer};

use super::row::{COMPARISON_COLUMNS, cells};
use super::{AccountPair, Comparison};
use crate::journal::RunInfo;
use crate::report::json::outcome_counts;
use crate::report::merge::LoadedRun;
use crate::rollout::Tally;

/// The comparison as one document. The rows are serialized one by one.
#[derive(Serialize)]
pub(super) struct JsonComparison<'a> {
    sentence: String,
    #[serde(serialize_with = "difference_counts")]
    summary: &'a Comparison<'a>,
    before: Side<'a>,
    after: Side<'a>,
    #[serde(serialize_with = "rows")]
    accounts: &'a Comparison<'a>,
}

impl<'a> JsonComparison<'a> {
    pub(super) fn of(comparison: &'a Comparison<'a>) -> Self {
        Self {
            sentence: comparison.sentence(),
            summary: comparison,
            before: Side::of(comparison.before),
            after: Side::of(comparison.after),
            accounts: comparison,
        }
    }
}

fn difference_counts<S: Serializer>(comparison: &Comparison<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(comparison.counts().map(|(difference, count)| (difference.as_str(), count)))
}

fn rows<S: Serializer>(comparison: &Comparison<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(comparison.changed().map(ComparisonRow))
}

/// A run as in its own report, without the accounts.
#[derive(Serialize)]
struct Side<'a> {
    run: &'a RunInfo,
    #[serde(serialize_with = "outcome_counts")]
    summary: Tally,
}

impl<'a> Side<'a> {
    fn of(run: &'a LoadedRun) -> Self {
        Self { run: &run.info, summary: run.records.iter().map(|record| record.outcome).collect() }
    }
}

/// An account that differs.
pub(super) struct ComparisonRow<'a>(pub &'a AccountPair<'a>);

impl Serialize for ComparisonRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(COMPARISON_COLUMNS.iter().map(|(name, _)| name).zip(cells(self.0)))
    }
}
