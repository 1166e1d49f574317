//! This module owns the report as CSV: RFC 4180 with `\n` line ends, and no cell that a spreadsheet would run.

use std::io::{self, Write};

use super::Report;
use super::row::{Cell, Column, Row};
use crate::sanitize::for_cell;

/// So many rows are handed to the system at once, and so many bytes hold them. What is handed on ends with a row, so that a file that
/// is still written is whole, unless its rows are longer than any that this program makes.
const ROWS: usize = 32;
const BYTES: usize = 256 * 1024;

/// Writes rows as CSV, each as it comes.
#[derive(Debug)]
pub(super) struct CsvWriter<W: Write> {
    inner: ::csv::Writer<W>,
    /// How many rows were not handed to the system yet.
    gathered: usize,
}

impl<W: Write> CsvWriter<W> {
    /// Starts with the header.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub(super) fn new(to: W, columns: &[Column]) -> io::Result<Self> {
        let mut inner = ::csv::WriterBuilder::new()
            .terminator(::csv::Terminator::Any(b'\n'))
            .buffer_capacity(BYTES)
            .from_writer(to);
        inner.write_record(columns.iter().map(|(name, _)| name)).map_err(as_io)?;
        inner.flush()?;
        Ok(Self { inner, gathered: 0 })
    }

    /// Writes one row. It may stay in memory for a while.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub(super) fn write(&mut self, row: &Row<'_>) -> io::Result<()> {
        for cell in row.values() {
            match cell {
                Cell::Nothing => self.inner.write_field(""),
                Cell::Text(text) => self.inner.write_field(for_cell(&text).as_bytes()),
                Cell::Number(number) => self.inner.write_field(number.to_string()),
            }
            .map_err(as_io)?;
        }
        self.inner.write_record(None::<&[u8]>).map_err(as_io)?;
        self.gathered += 1;
        if self.gathered < ROWS { Ok(()) } else { self.flush() }
    }

    /// Hands everything over to the system.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        if self.gathered > 0 {
            self.gathered = 0;
            self.inner.flush()?;
        }
        Ok(())
    }
}

/// Writes the whole report.
pub(super) fn write(report: &Report<'_>, to: impl Write) -> io::Result<()> {
    let mut writer = CsvWriter::new(to, report.columns())?;
    for row in report.rows() {
        writer.write(&row)?;
    }
    writer.flush()
}

/// Cells as texts, made harmless.
pub(super) fn cells<'a>(row: impl Iterator<Item = Cell<'a>>) -> Vec<String> {
    row.map(|cell| match cell {
        Cell::Nothing => String::new(),
        Cell::Text(text) => for_cell(&text).into_owned(),
        Cell::Number(number) => number.to_string(),
    })
    .collect()
}

/// Writes rows of texts, of which the first may be a header.
pub(super) fn write_cells(rows: impl IntoIterator<Item = Vec<String>>, to: impl Write) -> io::Result<()> {
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::Any(b'\n')).from_writer(to);
    rows.into_iter().try_for_each(|row| writer.write_record(row)).map_err(as_io)?;
    writer.flush()
}

/// The error of the system behind an error of the CSV writer, so that a closed pipe is known for what it is.
fn as_io(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
