//! This module owns what stdout gets: a result in one of the AWS CLI's three forms.

mod table;
mod text;

use super::resolve::Format;
use super::value::Value;

/// How a table is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) color: bool,
    /// The width that a table may have before it is turned on its side, in columns.
    pub(super) width: usize,
}

/// Writes a result out. `title` heads a table.
///
/// # Errors
///
/// When the form has no way to show it: the AWS CLI's words.
pub(super) fn format(result: &Value, format: Format, title: &str, look: Look) -> Result<String, String> {
    match format {
        // A result without contents is not printed, whatever `{}` would say.
        Format::Json if *result == Value::Object(Vec::new()) => Ok(String::new()),
        Format::Json => Ok(result.indented_json() + "\n"),
        Format::Text => text::format(result),
        Format::Table => table::format(result, title, look),
    }
}
