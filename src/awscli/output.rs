//! This module owns what stdout gets: a result in one of the AWS CLI's three forms.

use super::resolve::Format;
use crate::awscli::jmespath::forms::{Look, table, text};
use crate::awscli::jmespath::value::Value;

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
        Format::Text => text(result),
        Format::Table => table(result, title, look),
    }
}
