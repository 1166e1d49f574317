//! The output formats of the AWS CLI: JSON, text, and tables.

mod table;
mod text;

use serde_json::Value;

use crate::python;
use crate::text_enum::text_enum;

pub(crate) use table::{TableStyle, format as table};
pub(crate) use text::format as text;

text_enum! {
    /// A format of `v2token iam --output`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(super) enum ResultFormat {
        Json = "json",
        Text = "text",
        Table = "table",
    }
}

/// Formats the result of an operation. `title` is the title of a table.
///
/// # Errors
///
/// When the format can't show the result. The error is the message of the AWS CLI.
pub(super) fn format(result: &Value, format: ResultFormat, title: &str, style: TableStyle) -> Result<String, String> {
    match format {
        // The AWS CLI prints nothing instead of `{}`.
        ResultFormat::Json if result.as_object().is_some_and(serde_json::Map::is_empty) => Ok(String::new()),
        ResultFormat::Json => Ok(python::indented_json(result) + "\n"),
        ResultFormat::Text => text(result),
        ResultFormat::Table => table(result, title, style),
    }
}
