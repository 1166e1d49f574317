//! This module owns notes: whatever is said on stderr that is neither a bar nor a question, in words for people or, with
//! `--log-format json`, as one JSON object a line.

use std::time::SystemTime;

use serde::Serialize;
use serde_json::Value;

use super::layout::{cut, wrap};
use super::mode::StderrMode;
use super::size::stderr_width;
use super::stderr;
use super::style::Paint;
use crate::sanitize::for_terminal;
use crate::timestamp::rfc3339;

/// So many lines of a terminal a failure may take. AWS's messages go on for longer than anybody reads while a bar moves; the report
/// has them whole.
const LINES: usize = 4;

/// How grave a note is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Level {
    /// The run goes on as it should.
    Info,
    /// Somebody should look at it.
    Warn,
    /// The command did not do what it was to do.
    Error,
}

/// Something that is said once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Note {
    /// How grave it is.
    pub level: Level,
    /// What it is, for machines; it never changes.
    pub name: &'static str,
    /// What it says, for people, in one line without colours.
    pub text: String,
    /// How the beginning of the text looks, and how many bytes of it.
    pub paint: (Paint, usize),
    /// Into how many lines of a terminal it has to fit.
    pub rows: usize,
    /// The facts in it, for machines: an object.
    pub fields: Value,
}

impl Note {
    /// A note. What comes from outside is made harmless for people and stays as it is for machines.
    pub(crate) fn new(level: Level, name: &'static str, text: &str, mut fields: Value) -> Self {
        fields.sort_all_objects();
        Self { level, name, text: for_terminal(text).into_owned(), paint: (Paint::Plain, 0), rows: usize::MAX, fields }
    }

    /// The same with its first word, which `word` is, in a colour.
    pub(crate) fn painted(self, paint: Paint, word: &str) -> Self {
        Self { paint: (paint, if self.text.starts_with(word) { word.len() } else { 0 }), ..self }
    }

    /// The same as a failure, whose message may be long.
    pub(crate) fn short(self) -> Self {
        Self { rows: LINES, ..self }
    }

    /// Something that people should know before they rely on the run.
    pub(crate) fn warning(text: &str) -> Self {
        let note = Self::new(Level::Warn, "note", &format!("note: {text}"), serde_json::json!({}));
        note.painted(Paint::Doubt, "note:")
    }

    /// For people: in lines of at most `width` columns, or in one.
    pub(crate) fn for_people(&self, color: bool, width: Option<usize>) -> String {
        let mut lines = width.map_or_else(|| vec![self.text.clone()], |width| wrap(&self.text, width, 4));
        if let (Some(width), true) = (width, lines.len() > self.rows) {
            lines.truncate(self.rows);
            if let Some(last) = lines.last_mut() {
                *last = cut(&format!("{last}…"), width);
            }
        }
        let mut text = lines.join("\n");
        let (paint, length) = self.paint;
        // A word that was broken in a very narrow terminal does without its colour.
        if length > 0 && lines[0].len() >= length {
            text.replace_range(..length, &paint.on(&self.text[..length], color));
        }
        text
    }

    /// For machines, without the line's end.
    pub(crate) fn for_machines(&self, now: SystemTime) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            timestamp: String,
            level: Level,
            message: &'static str,
            text: &'a str,
            #[serde(flatten)]
            fields: &'a Value,
        }
        let Self { level, name, text, fields, .. } = self;
        let line = Line { timestamp: rfc3339(now), level: *level, message: name, text, fields };
        serde_json::to_string(&line).expect("texts and numbers are always JSON")
    }
}

/// Says to machines that so many lines are missing.
pub(crate) fn gap(lines: u64) -> String {
    let note = Note::new(Level::Warn, "left_out", &stderr::gap(lines), serde_json::json!({ "lines": lines }));
    note.for_machines(SystemTime::now()) + "\n"
}

/// Says what keeps the command from what it was to do, and what to do about it.
pub(crate) fn error(stderr_mode: StderrMode, message: &str, hint: &str) {
    let (message, hint) = (for_terminal(message), for_terminal(hint));
    stderr::write(if stderr_mode.json_log {
        let note = Note::new(Level::Error, "error", &message, serde_json::json!({ "hint": hint }));
        note.for_machines(SystemTime::now()) + "\n"
    } else {
        fatal(&message, &hint, stderr_mode.color, stderr_width())
    });
}

/// A message that ends the program, with its hint below.
pub(crate) fn fatal(message: &str, hint: &str, color: bool, width: Option<usize>) -> String {
    let mut text = String::new();
    for (word, paint, words) in [("error:", Paint::Bad, message), ("hint:", Paint::Strong, hint)] {
        if words.is_empty() {
            continue;
        }
        let line = format!("{word} {words}");
        let wrapped = width.map_or_else(|| vec![line.clone()], |width| wrap(&line, width, word.len() + 1));
        let mut joined = wrapped.join("\n");
        // A word that was broken in a very narrow terminal does without its colour.
        if wrapped[0].len() >= word.len() {
            joined.replace_range(..word.len(), &paint.on(word, color));
        }
        text.push_str(&joined);
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn machines_get_the_true_text_and_people_a_harmless_one() {
        let fields = serde_json::json!({ "account_id": "000000000012", "error_message": "\u{1b}[2J" });
        let note =
            Note::new(Level::Warn, "failure", "failed at assume: \u{1b}[2J", fields).painted(Paint::Bad, "failed");
        assert_eq!(note.for_people(false, None), "failed at assume: \\u{1b}[2J");
        assert_eq!(note.for_people(true, Some(14)), "\u{1b}[1;31mfailed\u{1b}[0m at\n    assume:\n    \\u{1b}[2J");
        assert_eq!(
            note.for_machines(SystemTime::UNIX_EPOCH + Duration::from_millis(1500)),
            r#"{"timestamp":"1970-01-01T00:00:01.500Z","level":"WARN","message":"failure","text":"failed at assume: \\u{1b}[2J","account_id":"000000000012","error_message":"\u001b[2J"}"#
        );
    }

    #[test]
    fn a_message_and_its_hint_are_wrapped_to_the_width() {
        assert_eq!(fatal("it broke", "mend it", false, None), "error: it broke\nhint: mend it\n");
        assert_eq!(fatal("it broke", "", true, Some(80)), "\u{1b}[1;31merror:\u{1b}[0m it broke\n");
        assert_eq!(
            fatal("nothing was attempted: it broke", "mend it and try again", false, Some(20)),
            "error: nothing was\n       attempted: it\n       broke\nhint: mend it and\n      try again\n"
        );
    }
}
