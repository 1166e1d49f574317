//! Prints figures as Markdown tables.

use std::io::{self, Write as _};

use crate::floor::Failed;

/// Writes a line.
pub(crate) fn say(text: &str) -> Result<(), Failed> {
    Ok(writeln!(io::stdout(), "{text}")?)
}

/// Writes a title and the head of a table.
pub(crate) fn head(title: &str, columns: &[&str]) -> Result<(), Failed> {
    say(&format!("\n{title}\n"))?;
    row(columns)?;
    row(&vec!["---"; columns.len()])
}

/// Writes a row of a table.
pub(crate) fn row<S: AsRef<str>>(cells: &[S]) -> Result<(), Failed> {
    let cells: Vec<&str> = cells.iter().map(AsRef::as_ref).collect();
    say(&format!("| {} |", cells.join(" | ")))
}

/// The median of the ratios, with the least and the greatest.
pub(crate) fn spread(mut ratios: Vec<f64>) -> String {
    ratios.sort_by(f64::total_cmp);
    match (ratios.first(), ratios.get(ratios.len() / 2), ratios.last()) {
        (Some(least), Some(middle), Some(greatest)) => format!("{middle:.2} ({least:.2} to {greatest:.2})"),
        _ => String::new(),
    }
}
