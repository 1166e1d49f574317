//! CSV as in RFC 4180, with `\n` line ends and no cell that a spreadsheet would evaluate, and lines of tab-separated values.

use std::io::{self, Write};

use super::row::Cell;
use crate::sanitize::{for_cell, for_terminal};

/// The number of rows that are flushed at once, and the size of the buffer that holds them. The buffer has space for all these
/// rows and is flushed only at the end of a row, so a file that is still being written ends with a whole row.
const ROWS: usize = 32;
const BYTES: usize = 256 * 1024;

/// Writes rows as CSV.
#[derive(Debug)]
pub(super) struct CsvWriter<W: Write> {
    inner: ::csv::Writer<W>,
    /// The number of rows that are not flushed yet.
    buffered: usize,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the header.
    pub(super) fn new(to: W, names: impl IntoIterator<Item = &'static str>) -> io::Result<Self> {
        let mut inner = ::csv::WriterBuilder::new()
            .terminator(::csv::Terminator::Any(b'\n'))
            .buffer_capacity(BYTES)
            .from_writer(to);
        inner.write_record(names).map_err(to_io_error)?;
        inner.flush()?;
        Ok(Self { inner, buffered: 0 })
    }

    /// Writes one row, which can stay in the buffer.
    pub(crate) fn write<'a>(&mut self, cells: impl Iterator<Item = Cell<'a>>) -> io::Result<()> {
        for cell in cells {
            match cell {
                Cell::Nothing => self.inner.write_field(""),
                Cell::Text(text) => self.inner.write_field(for_cell(&text).as_bytes()),
                Cell::Number(number) => self.inner.write_field(number.to_string()),
            }
            .map_err(to_io_error)?;
        }
        self.inner.write_record(None::<&[u8]>).map_err(to_io_error)?;
        self.buffered += 1;
        if self.buffered < ROWS { Ok(()) } else { self.flush() }
    }

    /// Writes the buffered rows to the file.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.buffered = 0;
        self.inner.flush()
    }
}

/// Writes a header and all rows.
pub(crate) fn write<'a, R: Iterator<Item = Cell<'a>>>(
    names: impl IntoIterator<Item = &'static str>,
    mut rows: impl Iterator<Item = R>,
    to: impl Write,
) -> io::Result<()> {
    let mut writer = CsvWriter::new(to, names)?;
    rows.try_for_each(|row| writer.write(row))?;
    writer.flush()
}

/// Writes rows of texts. The first row can be a header.
pub(super) fn write_texts(rows: impl IntoIterator<Item = Vec<String>>, to: impl Write) -> io::Result<()> {
    let mut writer = ::csv::WriterBuilder::new().terminator(::csv::Terminator::Any(b'\n')).from_writer(to);
    rows.into_iter().try_for_each(|row| writer.write_record(row)).map_err(to_io_error)?;
    writer.flush()
}

/// Writes rows for `cut`, `awk` and `while read`: tab-separated, without a header. Empty cells are written as `None`, as in the
/// AWS CLI, because `read` in a shell treats several tabs as one.
pub(crate) fn write_tab_separated<'a, R: Iterator<Item = Cell<'a>>>(
    mut rows: impl Iterator<Item = R>,
    mut to: impl Write,
) -> io::Result<()> {
    rows.try_for_each(|row| {
        for (index, cell) in row.enumerate() {
            if index > 0 {
                to.write_all(b"\t")?;
            }
            match cell {
                Cell::Nothing => to.write_all(b"None")?,
                Cell::Text(text) => to.write_all(for_terminal(&text).as_bytes())?,
                Cell::Number(number) => write!(to, "{number}")?,
            }
        }
        to.write_all(b"\n")
    })
}

/// Returns the I/O error inside an error of the CSV writer, so that a closed pipe is recognized.
fn to_io_error(error: ::csv::Error) -> io::Error {
    match error.into_kind() {
        ::csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}
