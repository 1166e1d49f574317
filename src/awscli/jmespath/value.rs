//! This module owns the JSON value as the AWS CLI has it: objects keep the order in which they were written, integers and floats are
//! different things, and texts are made of it as Python makes them.
//!
//! `serde_json::Value` sorts the keys of its objects, unless a feature is on that would change every other JSON of the program.

mod read;
mod write;

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// None.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Another number.
    Float(f64),
    /// A text.
    String(String),
    /// A list.
    Array(Vec<Value>),
    /// Values under keys, in their order.
    Object(Vec<(String, Value)>),
}

impl Value {
    /// Whether it holds no other values.
    pub(crate) const fn is_scalar(&self) -> bool {
        !matches!(self, Self::Array(_) | Self::Object(_))
    }

    /// Whether Python takes it for true.
    pub(crate) fn is_truthy(&self) -> bool {
        match self {
            Self::Null => false,
            Self::Bool(value) => *value,
            Self::Int(value) => *value != 0,
            Self::Float(value) => *value != 0.0,
            Self::String(text) => !text.is_empty(),
            Self::Array(items) => !items.is_empty(),
            Self::Object(entries) => !entries.is_empty(),
        }
    }

    /// The value under a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::String(_) | Self::Array(_) => None,
        }
    }

    /// Adds the keys of all objects in it, and those of the items of its lists. The first item stands for the others.
    pub(crate) fn add_keys<'a>(&'a self, all: &mut BTreeSet<&'a str>, of_items: &mut BTreeSet<&'a str>) {
        match self {
            Self::Array(items) => {
                for item in items.iter().take(1) {
                    if let Self::Object(entries) = item {
                        of_items.extend(entries.iter().map(|(key, _)| key.as_str()));
                    }
                    item.add_keys(all, of_items);
                }
            }
            Self::Object(entries) => {
                for (key, value) in entries {
                    all.insert(key);
                    value.add_keys(all, of_items);
                }
            }
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::String(_) => {}
        }
    }

    /// The same with every text in it, keys included, made over.
    pub(crate) fn with_texts(self, make: &impl Fn(&str) -> String) -> Self {
        match self {
            Self::String(text) => Self::String(make(&text)),
            Self::Array(items) => Self::Array(items.into_iter().map(|item| item.with_texts(make)).collect()),
            Self::Object(entries) => {
                Self::Object(entries.into_iter().map(|(key, value)| (make(&key), value.with_texts(make))).collect())
            }
            other @ (Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_)) => other,
        }
    }

    /// The name of its type in Python.
    pub(crate) const fn python_type(&self) -> &'static str {
        match self {
            Self::Null => "NoneType",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::String(_) => "str",
            Self::Array(_) => "list",
            Self::Object(_) => "dict",
        }
    }

    /// What Python's `str()` makes of it.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::String(text) => text.clone(),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Float(_) | Self::Array(_) | Self::Object(_) => {
                self.repr()
            }
        }
    }

    /// What Python's `repr()` makes of it.
    pub(crate) fn repr(&self) -> String {
        match self {
            Self::Null => "None".to_owned(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => float(*value),
            Self::String(text) => repr_of_text(text),
            Self::Array(items) => {
                format!("[{}]", items.iter().map(Self::repr).collect::<Vec<_>>().join(", "))
            }
            Self::Object(entries) => {
                let pairs = entries.iter().map(|(key, value)| format!("{}: {}", repr_of_text(key), value.repr()));
                format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// JSON in one line, as `to_string` of JMESPath has it.
    pub(crate) fn compact_json(&self) -> String {
        let mut json = String::new();
        self.write_json(&mut json, None, true);
        json
    }

    /// JSON with four spaces a level, as the AWS CLI prints it.
    pub(crate) fn indented_json(&self) -> String {
        let mut json = String::new();
        self.write_json(&mut json, Some(0), false);
        json
    }

    fn write_json(&self, to: &mut String, level: Option<usize>, ascii: bool) {
        match self {
            Self::Null => to.push_str("null"),
            Self::Bool(value) => to.push_str(if *value { "true" } else { "false" }),
            Self::Int(value) => to.push_str(&value.to_string()),
            Self::Float(value) => to.push_str(&float(*value)),
            Self::String(text) => write_text(to, text, ascii),
            Self::Array(items) => {
                write_items(to, level, ('[', ']'), items, |to, item, level| item.write_json(to, level, ascii));
            }
            Self::Object(entries) => {
                write_items(to, level, ('{', '}'), entries, |to, (key, value), level| {
                    write_text(to, key, ascii);
                    to.push_str(if level.is_some() { ": " } else { ":" });
                    value.write_json(to, level, ascii);
                });
            }
        }
    }
}

fn write_items<T>(
    to: &mut String,
    level: Option<usize>,
    (open, close): (char, char),
    items: &[T],
    mut write: impl FnMut(&mut String, &T, Option<usize>),
) {
    to.push(open);
    let inner = level.map(|level| level + 1);
    for (number, item) in items.iter().enumerate() {
        if number > 0 {
            to.push(',');
        }
        line_break(to, inner);
        write(to, item, inner);
    }
    if !items.is_empty() {
        line_break(to, level);
    }
    to.push(close);
}

fn line_break(to: &mut String, level: Option<usize>) {
    if let Some(level) = level {
        to.push('\n');
        to.push_str(&"    ".repeat(level));
    }
}

/// A text in JSON, as Python's `json.dumps` escapes it.
fn write_text(to: &mut String, text: &str, ascii: bool) {
    to.push('"');
    for character in text.chars() {
        match character {
            '"' => to.push_str("\\\""),
            '\\' => to.push_str("\\\\"),
            '\n' => to.push_str("\\n"),
            '\r' => to.push_str("\\r"),
            '\t' => to.push_str("\\t"),
            '\u{8}' => to.push_str("\\b"),
            '\u{c}' => to.push_str("\\f"),
            '\0'..='\u{1f}' => to.push_str(&format!("\\u{:04x}", u32::from(character))),
            other if ascii && !other.is_ascii() => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    to.push_str(&format!("\\u{unit:04x}"));
                }
            }
            other => to.push(other),
        }
    }
    to.push('"');
}

/// The shortest text that reads back as the same float, in Python's spelling.
fn float(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN"
        } else if value > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').expect("this format has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is a number");
    if value != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let plain = value.to_string();
    if plain.contains('.') { plain } else { format!("{plain}.0") }
}

fn repr_of_text(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::from(quote);
    for character in text.chars() {
        match character {
            '\\' => shown.push_str("\\\\"),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            other if other == quote => {
                shown.push('\\');
                shown.push(other);
            }
            other if u32::from(other) < 0x20 || u32::from(other) == 0x7f => {
                write!(shown, "\\x{:02x}", u32::from(other)).expect("writing to a String never fails");
            }
            other => shown.push(other),
        }
    }
    shown.push(quote);
    shown
}

/// Puts a value under a key: a new key goes to the end, a known one keeps its place, as in Python.
pub(crate) fn put(object: &mut Vec<(String, Value)>, key: String, value: Value) {
    match object.iter_mut().find(|(name, _)| *name == key) {
        Some((_, old)) => *old = value,
        None => object.push((key, value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn json_is_written_as_it_was_read_in_its_order() {
        let value = read(r#"{"b": [1, 2.50, {}, []], "a": {"é\u0001\"": null}, "b2": true, "a": "x"}"#);
        let expected = "{\n    \"b\": [\n        1,\n        2.5,\n        {},\n        []\n    ],\n    \"a\": \"x\",\n    \"b2\": true\n}";
        assert_eq!(value.indented_json(), expected);
        assert_eq!(value.compact_json(), r#"{"b":[1,2.5,{},[]],"a":"x","b2":true}"#);
        assert_eq!(read(r#""é😀""#).compact_json(), r#""\u00e9\ud83d\ude00""#);
        assert_eq!(read(r#""é😀\b\u007f""#).indented_json(), "\"é😀\\b\u{7f}\"");
    }

    /// The right column is what Python 3.11 prints.
    #[test]
    fn floats_are_spelled_as_python_spells_them() {
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (0.1, "0.1"),
            (123_456.789, "123456.789"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (0.0001, "0.0001"),
            (0.000_012, "1.2e-05"),
        ] {
            assert_eq!(Value::Float(value).text(), text);
        }
    }

    #[test]
    fn values_read_as_in_python() {
        for (json, repr) in [
            ("null", "None"),
            ("true", "True"),
            ("[1, \"a\", false]", "[1, 'a', False]"),
            (r#"{"k": "it's", "n": "\"'"}"#, r#"{'k': "it's", 'n': '"\''}"#),
            (r#""a\n\u0001""#, r"'a\n\x01'"),
        ] {
            assert_eq!(read(json).repr(), repr);
        }
        assert_eq!(read(r#""plain""#).text(), "plain");
    }
}
