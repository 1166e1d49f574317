//! Documents that are lists of records with named columns: their CSV, text, and JSON.

use std::io::{self, Write};

use serde::{Serialize, Serializer};

use crate::report::{Cell, DocumentFormat, csv, write_json, write_json_lines};

/// A column: its name, and the function that returns its value.
pub(super) type Column<R> = (&'static str, for<'a> fn(&'a R) -> Cell<'a>);

/// A record with its columns.
pub(super) struct Item<'a, R: 'static> {
    pub record: &'a R,
    pub columns: &'static [Column<R>],
}

impl<R> Serialize for Item<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.columns.iter().map(|(name, value)| (name, value(self.record))))
    }
}

/// Returns the records, for a JSON list.
pub(super) fn items<'a, R>(records: &'a [R], columns: &'static [Column<R>]) -> Vec<Item<'a, R>> {
    records.iter().map(|record| Item { record, columns }).collect()
}

/// Writes records in a format other than the table. `document` is what the JSON format writes.
pub(super) fn write<R>(
    format: DocumentFormat,
    records: &[R],
    columns: &'static [Column<R>],
    document: &impl Serialize,
    to: &mut dyn Write,
) -> io::Result<()> {
    let rows = || records.iter().map(|record| columns.iter().map(move |(_, value)| value(record)));
    match format {
        DocumentFormat::Text => csv::write_tab_separated(rows(), to),
        DocumentFormat::Csv => csv::write(columns.iter().map(|(name, _)| *name), rows(), to),
        DocumentFormat::Json => write_json(document, to),
        DocumentFormat::Jsonl => write_json_lines(items(records, columns), to),
        DocumentFormat::Table | DocumentFormat::Markdown | DocumentFormat::Html => {
            Err(io::Error::new(io::ErrorKind::Unsupported, "there is no such format"))
        }
    }
}
