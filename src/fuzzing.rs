//! This module owns what holds of everything that comes from outside, whatever it is: the laws that the property tests and the fuzz
//! targets share. The program does not contain it.
//!
//! Each law takes bytes and panics where something does not hold. That nothing else panics is part of every law.

mod folder;
mod options;
mod query;
mod text;

pub use crate::awscli::fuzzing::body;
pub use crate::cloud::aws::fuzzing::{answer, profile};
pub use folder::{accounts_file, journal, merge, run_json};
pub use options::{command_line, option};
pub use query::query;
pub use text::text;

/// A law.
pub type Law = fn(&[u8]);

/// All laws, by the names of their fuzz targets.
pub const LAWS: [(&str, Law); 11] = [
    ("accounts_file", accounts_file),
    ("answer", answer),
    ("body", body),
    ("command_line", command_line),
    ("journal", journal),
    ("merge", merge),
    ("option", option),
    ("profile", profile),
    ("query", query),
    ("run_json", run_json),
    ("text", text),
];

#[cfg(test)]
mod tests;
