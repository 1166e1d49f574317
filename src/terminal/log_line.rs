//! Log lines: everything on stderr except the bar and the questions, as text for people or, with `--log-format json`, as one JSON
//! object per line.

use std::time::SystemTime;

use serde::Serialize;
use serde_json::{Value, json};

use super::layout::{stderr_width, truncate, wrap};
use super::stderr;
use super::stderr_mode::StderrMode;
use super::style::Paint;
use crate::sanitize::for_terminal;
use crate::timestamp::rfc3339;

/// The severity of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Level {
    /// The run continues as expected.
    Info,
    /// The user should look at the line.
    Warn,
    /// The command failed.
    Error,
}

/// A line on stderr.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct LogLine {
    pub level: Level,
    /// The name of the event, for machines; it never changes.
    #[serde(rename = "message")]
    pub name: &'static str,
    /// The text for people, in one line without colours.
    pub text: String,
    /// The colour of the beginning of the text, and the number of coloured bytes.
    #[serde(skip)]
    pub paint: (Paint, usize),
    /// The maximum number of terminal rows.
    #[serde(skip)]
    pub max_rows: usize,
    /// The fields for machines: a JSON object.
    #[serde(flatten)]
    pub fields: Value,
}

impl LogLine {
    /// Creates a line. Sanitizes the text, but not the fields, and sorts the fields alphabetically.
    pub(crate) fn new(level: Level, name: &'static str, text: &str, mut fields: Value) -> Self {
        fields.sort_all_objects();
        let text = for_terminal(text).into_owned();
        Self { level, name, text, paint: (Paint::Plain, 0), max_rows: usize::MAX, fields }
    }

    /// Colours the first word of the text if this word is `word`.
    pub(crate) fn painted(self, paint: Paint, word: &str) -> Self {
        Self { paint: (paint, if self.text.starts_with(word) { word.len() } else { 0 }), ..self }
    }

    /// Returns the text for people, wrapped to `width` columns if the width is known. All rows but the first are indented.
    pub(crate) fn to_text(&self, color: bool, width: Option<usize>, indent: usize) -> String {
        let mut rows = width.map_or_else(|| vec![self.text.clone()], |width| wrap(&self.text, width, indent));
        if let (Some(width), true) = (width, rows.len() > self.max_rows) {
            rows.truncate(self.max_rows);
            if let Some(last) = rows.last_mut() {
                *last = truncate(&format!("{last}…"), width);
            }
        }
        // In a very narrow terminal the word to colour can be broken over two rows. Then it is not coloured.
        let (paint, length) = self.paint;
        if rows[0].len() >= length {
            rows[0].replace_range(..length, &paint.on(&self.text[..length], color));
        }
        rows.join("\n")
    }

    /// Returns the line for machines, without the line break.
    pub(crate) fn to_json(&self, now: SystemTime) -> String {
        #[derive(Serialize)]
        struct JsonLine<'a> {
            timestamp: String,
            #[serde(flatten)]
            line: &'a LogLine,
        }
        let line = JsonLine { timestamp: rfc3339(now), line: self };
        serde_json::to_string(&line).expect("texts and numbers are valid JSON")
    }
}

/// Returns the JSON line that replaces dropped lines.
pub(crate) fn gap(lines: u64) -> String {
    let line = LogLine::new(Level::Warn, "left_out", &stderr::gap(lines), json!({ "lines": lines }));
    line.to_json(SystemTime::now()) + "\n"
}

/// Writes the error that ends a command, and a hint.
pub(crate) fn error(stderr_mode: StderrMode, message: &str, hint: &str) {
    stderr::write(if stderr_mode.json_log {
        let line = LogLine::new(Level::Error, "error", message, json!({ "hint": for_terminal(hint) }));
        line.to_json(SystemTime::now()) + "\n"
    } else {
        error_text(message, hint, stderr_mode.color, stderr_width())
    });
}

/// Returns an error message, with its hint below.
fn error_text(message: &str, hint: &str, color: bool, width: Option<usize>) -> String {
    let texts = [("error:", Paint::Bad, message), ("hint:", Paint::Bold, hint)];
    let lines = texts.into_iter().filter(|(.., text)| !text.is_empty()).map(|(word, paint, text)| {
        let line = LogLine::new(Level::Error, "error", &format!("{word} {text}"), json!({})).painted(paint, word);
        line.to_text(color, width, word.len() + 1) + "\n"
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn text_is_sanitized_for_people_but_not_in_json_fields() {
        let fields = serde_json::json!({ "account_id": "000000000012", "error_message": "\u{1b}[2J" });
        let line =
            LogLine::new(Level::Warn, "failure", "failed at assume: \u{1b}[2J", fields).painted(Paint::Bad, "failed");
        assert_eq!(line.to_text(false, None, 4), "failed at assume: \\u{1b}[2J");
        assert_eq!(line.to_text(true, Some(14), 4), "\u{1b}[1;31mfailed\u{1b}[0m at\n    assume:\n    \\u{1b}[2J");
        assert_eq!(
            line.to_json(SystemTime::UNIX_EPOCH + Duration::from_millis(1500)),
            r#"{"timestamp":"1970-01-01T00:00:01.500Z","level":"WARN","message":"failure","text":"failed at assume: \\u{1b}[2J","account_id":"000000000012","error_message":"\u001b[2J"}"#
        );
    }

    #[test]
    fn errors_and_hints_are_wrapped_to_the_width() {
        assert_eq!(error_text("it broke", "mend it", false, None), "error: it broke\nhint: mend it\n");
        assert_eq!(error_text("it broke", "", true, Some(80)), "\u{1b}[1;31merror:\u{1b}[0m it broke\n");
        assert_eq!(
            error_text("nothing was attempted: it broke", "mend it and try again", false, Some(20)),
            "error: nothing was\n       attempted: it\n       broke\nhint: mend it and\n      try again\n"
        );
    }
}
