//! The output formats, and the trait of the documents that can be written in them.

use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::terminal::style::Paint;

/// The formats of reports, comparisons, and the results of `doctor`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DocumentFormat {
    /// A summary for people; for the result of a query, a table with borders.
    Table,
    /// Lines of tab-separated values.
    Text,
    /// Comma-separated values.
    Csv,
    /// One JSON document.
    Json,
    /// One JSON record per line.
    Jsonl,
    /// Markdown, for a pull request or a ticket.
    Markdown,
    /// One HTML page.
    Html,
}

impl DocumentFormat {
    /// The formats of report files, each with its file name extension.
    pub(crate) const EXTENSIONS: [(&'static str, Self); 5] = [
        ("csv", Self::Csv),
        ("json", Self::Json),
        ("jsonl", Self::Jsonl),
        ("md", Self::Markdown),
        ("html", Self::Html),
    ];

    /// Returns the format of report files with this extension.
    pub(crate) fn from_extension(extension: &str) -> Option<Self> {
        let known = |(name, _): &(&str, Self)| extension.eq_ignore_ascii_case(name);
        Self::EXTENSIONS.into_iter().find(known).map(|(_, format)| format)
    }
}

/// A document that can be written to a report file or to stdout.
pub(crate) trait OutputDocument {
    /// Writes the document.
    ///
    /// # Errors
    ///
    /// Fails if `to` can't be written, and with [`io::ErrorKind::Unsupported`] if the document has no such format.
    fn write(&self, format: DocumentFormat, to: &mut dyn Write) -> io::Result<()>;

    /// Returns the word of a line of the table that has a colour, with the colour.
    fn painted_word<'a>(&self, _line: &'a str) -> Option<(&'a str, Paint)> {
        None
    }

    /// Returns the JSON document as a value, for `--query`. The value holds a copy of every text, so it is made only on demand.
    fn to_value(&self) -> Value;

    /// Returns the members that only some items of the document have, so that a query may name them.
    fn optional_members(&self) -> Vec<&'static str> {
        Vec::new()
    }
}

/// Serializes the items of an iterator as a list one by one, so that a report of 50,000 accounts needs no second copy.
pub(super) struct LazyList<F>(pub(super) F);

impl<I: IntoIterator<Item: Serialize>, F: Fn() -> I> Serialize for LazyList<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// Writes a value as indented JSON with a final newline.
pub(crate) fn write_json(value: &impl Serialize, to: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, value)?;
    to.write_all(b"\n")
}

/// Writes each value as JSON on a line of its own.
pub(crate) fn write_json_lines(values: impl IntoIterator<Item: Serialize>, to: &mut dyn Write) -> io::Result<()> {
    values.into_iter().try_for_each(|value| {
        serde_json::to_writer(&mut *to, &value)?;
        to.write_all(b"\n")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_selects_the_format() {
        for (extension, format) in DocumentFormat::EXTENSIONS {
            assert_eq!(DocumentFormat::from_extension(extension), Some(format));
            assert_eq!(DocumentFormat::from_extension(&extension.to_uppercase()), Some(format));
        }
        for other in ["", "txt", "xlsx", "csv2"] {
            assert_eq!(DocumentFormat::from_extension(other), None);
        }
    }
}
