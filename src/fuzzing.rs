//! Properties of the code that handles external input. Property tests and fuzz targets share them; the program does not contain
//! them.
//!
//! Each property is a function that takes any bytes and panics if the property does not hold. It also fails if the code under
//! test panics.

mod folder;
mod options;
mod query;
mod text;

pub use crate::awscli::fuzzing::body;
pub use crate::cloud::aws::fuzzing::{answer, profile};
pub use crate::event_files::fuzzing::events;
pub use folder::{accounts_file, journal, merge, run_json};
pub use options::{command_line, option};
pub use query::query;
pub use text::text;

/// A property of the code that must hold for any bytes.
pub type Property = fn(&[u8]);

/// All properties, by the names of their fuzz targets.
pub const PROPERTIES: [(&str, Property); 12] = [
    ("accounts_file", accounts_file),
    ("answer", answer),
    ("body", body),
    ("command_line", command_line),
    ("events", events),
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
