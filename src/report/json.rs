//! This module owns the report as JSON and as JSON lines. Texts are true here: nothing is made harmless.

use std::io::{self, Write};

use serde::Serialize;
use serde::ser::{SerializeMap as _, SerializeSeq as _, Serializer};

use super::Report;
use super::row::Cell;
use crate::awscli::jmespath::value::Value;
use crate::journal::RunInfo;
use crate::rollout::Tally;

#[derive(Serialize)]
struct Document<'a> {
    run: &'a RunInfo,
    summary: Summary,
    accounts: Accounts<'a>,
}

/// The counts, in the order of [`Outcome::ALL`](crate::rollout::Outcome::ALL), every outcome included.
struct Summary(Tally);

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (outcome, count) in self.0.iter() {
            map.serialize_entry(outcome.as_str(), &count)?;
        }
        map.end()
    }
}

struct Accounts<'a>(Report<'a>);

impl Serialize for Accounts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.0.records.len()))?;
        for row in self.0.rows() {
            list.serialize_element(&row)?;
        }
        list.end()
    }
}

/// The report as a value, with the keys in the order in which they are written.
pub(super) fn document(report: &Report<'_>) -> Value {
    let accounts = report.rows().map(|row| {
        Value::Object(row.columns.iter().map(|(name, cell)| ((*name).to_owned(), value(cell(&row)))).collect())
    });
    Value::Object(vec![
        ("run".to_owned(), run(report.run)),
        ("summary".to_owned(), counts(&report.tally())),
        ("accounts".to_owned(), Value::Array(accounts.collect())),
    ])
}

/// The counts as a value, every outcome included.
pub(super) fn counts(tally: &Tally) -> Value {
    Value::Object(tally.iter().map(|(outcome, count)| (outcome.as_str().to_owned(), integer(count))).collect())
}

/// What a run is, as a value.
pub(super) fn run(run: &RunInfo) -> Value {
    let json = serde_json::to_vec(run).expect("a run is texts and numbers under texts");
    serde_json::from_slice(&json).expect("what was written a moment ago can be read")
}

/// A cell as a value.
pub(super) fn value(cell: Cell<'_>) -> Value {
    match cell {
        Cell::Nothing => Value::Null,
        Cell::Text(text) => Value::String(text.into_owned()),
        Cell::Number(number) => integer(number),
    }
}

/// No count of this program goes beyond.
pub(super) fn integer(number: impl TryInto<i64>) -> Value {
    Value::Int(number.try_into().unwrap_or(i64::MAX))
}

/// Writes the report as one document.
pub(super) fn write(report: &Report<'_>, mut to: impl Write) -> io::Result<()> {
    let document = Document { run: report.run, summary: Summary(report.tally()), accounts: Accounts(*report) };
    serde_json::to_writer_pretty(&mut to, &document)?;
    to.write_all(b"\n")
}

/// Writes one record a line.
pub(super) fn write_lines(report: &Report<'_>, mut to: impl Write) -> io::Result<()> {
    for row in report.rows() {
        serde_json::to_writer(&mut to, &row)?;
        to.write_all(b"\n")?;
    }
    Ok(())
}
