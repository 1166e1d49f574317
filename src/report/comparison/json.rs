//! This module owns the comparison as JSON and as JSON lines. Texts are true here: nothing is made harmless.

use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap as _, Serializer};

use super::row::{COMPARISON_COLUMNS, cells};
use super::{Comparison, Pair};
use crate::awscli::jmespath::value::Value;
use crate::report::json::{counts, integer, run, value};
use crate::report::merge::LoadedRun;
use crate::rollout::Tally;

/// The comparison as a value.
pub(super) fn document(comparison: &Comparison<'_>) -> Value {
    let mut members = head(comparison);
    members.push(("accounts".to_owned(), Value::Array(comparison.changed().map(row).collect())));
    Value::Object(members)
}

/// What stands in front of the accounts.
fn head(comparison: &Comparison<'_>) -> Vec<(String, Value)> {
    let summary = comparison.counts().map(|(kind, count)| (kind.as_str().to_owned(), integer(count)));
    vec![
        ("sentence".to_owned(), Value::String(comparison.sentence())),
        ("summary".to_owned(), Value::Object(summary.into())),
        ("before".to_owned(), side(comparison.before)),
        ("after".to_owned(), side(comparison.after)),
    ]
}

/// The same, written row by row.
struct Document<'a>(&'a Comparison<'a>);

impl Serialize for Document<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in head(self.0) {
            map.serialize_entry(&key, &value)?;
        }
        map.serialize_entry("accounts", &Accounts(self.0))?;
        map.end()
    }
}

struct Accounts<'a>(&'a Comparison<'a>);

impl Serialize for Accounts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.changed().map(row))
    }
}

/// A run as in its own report, without the accounts.
fn side(part: &LoadedRun) -> Value {
    let tally: Tally = part.records.iter().map(|record| record.outcome).collect();
    Value::Object(vec![("run".to_owned(), run(&part.info)), ("summary".to_owned(), counts(&tally))])
}

fn row(pair: &Pair<'_>) -> Value {
    let names = COMPARISON_COLUMNS.iter().map(|(name, _)| (*name).to_owned());
    Value::Object(names.zip(cells(pair).map(value)).collect())
}

/// Writes the comparison as one document.
pub(super) fn write(comparison: &Comparison<'_>, mut to: impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut to, &Document(comparison))?;
    to.write_all(b"\n")
}

/// Writes an account that differs a line.
pub(super) fn write_lines(comparison: &Comparison<'_>, mut to: impl Write) -> io::Result<()> {
    for pair in comparison.changed() {
        serde_json::to_writer(&mut to, &row(pair))?;
        to.write_all(b"\n")?;
    }
    Ok(())
}
