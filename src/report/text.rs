//! This module owns the report as lines for `cut`, `awk` and `while read`: a record a line, its columns in the order of the CSV,
//! separated by tabs. There is no header.
//!
//! What is empty is `None`, as in the text of the AWS CLI: `read` in a shell takes several tabs for one.

use std::io::{self, BufWriter, Write};

use super::Report;
use super::row::Cell;
use crate::sanitize::for_terminal;

/// Writes every record.
///
/// # Errors
///
/// When it can't be written.
pub(crate) fn write(report: &Report<'_>, to: impl Write) -> io::Result<()> {
    let mut to = BufWriter::new(to);
    for row in report.rows() {
        write_line(row.values(), &mut to)?;
    }
    to.flush()
}

/// Writes the cells of rows, a row a line.
pub(super) fn write_lines<'a, R: Iterator<Item = Cell<'a>>>(
    rows: impl Iterator<Item = R>,
    to: impl Write,
) -> io::Result<()> {
    let mut to = BufWriter::new(to);
    for row in rows {
        write_line(row, &mut to)?;
    }
    to.flush()
}

fn write_line<'a>(cells: impl Iterator<Item = Cell<'a>>, to: &mut impl Write) -> io::Result<()> {
    for (number, cell) in cells.enumerate() {
        if number > 0 {
            to.write_all(b"\t")?;
        }
        match cell {
            Cell::Nothing => to.write_all(b"None")?,
            Cell::Text(text) => to.write_all(for_terminal(&text).as_bytes())?,
            Cell::Number(number) => write!(to, "{number}")?,
        }
    }
    to.write_all(b"\n")
}
