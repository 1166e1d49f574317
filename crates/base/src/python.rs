//! JSON values as Python treats them: which values are true, the names of their types, and the results of `str()`, `repr()`,
//! `int()` and `json.dumps`. The AWS CLI v1 is written in Python, and prints such texts.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// Whether a value is neither a list nor an object.
pub const fn is_scalar(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_))
}

/// Python's `bool()`.
pub fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(entries) => !entries.is_empty(),
    }
}

/// The name of a value's type in Python.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

/// Python's `str()`.
pub fn text(value: &Value) -> String {
    if let Value::String(text) = value { text.clone() } else { repr(value) }
}

/// Python's `repr()`.
pub fn repr(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => number_text(number),
        Value::String(text) => quoted(text),
        Value::Array(items) => format!("[{}]", items.iter().map(repr).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let pairs = entries.iter().map(|(key, value)| format!("{}: {}", quoted(key), repr(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Python's `repr()` of a string.
pub fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut shown = String::from(quote);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\0'..='\x1f' | '\x7f' => {
                write!(shown, "\\x{:02x}", u32::from(character)).expect("writing to a String never fails");
            }
            '\\' => shown.push_str("\\\\"),
            other if other == quote => shown.extend(['\\', other]),
            other => shown.push(other),
        }
    }
    shown.push(quote);
    shown
}

/// A number in Python's spelling: a float as the shortest text that reads back as the same float.
fn number_text(number: &Number) -> String {
    let Some(value) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').expect("this format has an exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is a number");
    if value == 0.0 || (-4..16).contains(&exponent) {
        let plain = value.to_string();
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// Python's `int()` of a string, or Python's `float()` if the string is not an integer. An integer beyond 64 bits becomes the
/// nearest 64-bit integer.
pub fn number(text: &str) -> Option<Number> {
    let trimmed = text.trim();
    if let Ok(integer) = int(trimmed) {
        return Some(trimmed.parse::<u64>().map_or_else(|_| integer.into(), Number::from));
    }
    // A single underscore may stand between digits.
    let bytes = trimmed.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let is_between = |at: usize| at.checked_sub(1).is_some_and(is_digit) && is_digit(at + 1);
    if trimmed.match_indices('_').any(|(at, _)| !is_between(at)) {
        return None;
    }
    trimmed.replace('_', "").parse().ok().and_then(Number::from_f64)
}

/// Python's `int()` of a string. A number beyond 64 bits becomes the nearest 64-bit integer.
///
/// # Errors
///
/// Returns Python's message if the text is no integer.
pub fn int(text: &str) -> Result<i64, String> {
    let trimmed = text.trim();
    let unsigned = trimmed.strip_prefix(['-', '+']).unwrap_or(trimmed);
    // Single underscores are allowed between digits.
    let is_group = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    if !unsigned.split('_').all(is_group) {
        return Err(format!("invalid literal for int() with base 10: {}", quoted(text)));
    }
    let limit = if trimmed.starts_with('-') { i64::MIN } else { i64::MAX };
    Ok(trimmed.replace('_', "").parse().unwrap_or(limit))
}

/// `json.dumps(value, separators=(',', ':'))`: JSON in one line, in ASCII, as JMESPath's `to_string` returns it.
pub fn compact_json(value: &Value) -> String {
    let mut json = String::new();
    write_json(&mut json, value, None);
    json
}

/// `json.dumps(value, indent=4, ensure_ascii=False)`: JSON as the AWS CLI prints it.
pub fn indented_json(value: &Value) -> String {
    let mut json = String::new();
    write_json(&mut json, value, Some(0));
    json
}

/// Writes JSON: indented if there is a `level`, and otherwise compact and in ASCII.
fn write_json(to: &mut String, value: &Value, level: Option<usize>) {
    let (brackets, items, entries) = match value {
        Value::Null | Value::Bool(_) => return to.push_str(&value.to_string()),
        Value::Number(number) => return to.push_str(&number_text(number)),
        Value::String(text) => return write_string(to, text, level.is_none()),
        Value::Array(items) => (['[', ']'], items.as_slice(), None),
        Value::Object(entries) => (['{', '}'], [].as_slice(), Some(entries)),
    };
    let line_break = |to: &mut String, level: Option<usize>| {
        to.extend(level.map(|level| format!("\n{}", "    ".repeat(level))));
    };
    to.push(brackets[0]);
    let start = to.len();
    let inner = level.map(|level| level + 1);
    let entries = entries.into_iter().flatten().map(|(key, value)| (Some(key), value));
    for (key, value) in items.iter().map(|item| (None, item)).chain(entries) {
        if to.len() > start {
            to.push(',');
        }
        line_break(to, inner);
        if let Some(key) = key {
            write_string(to, key, level.is_none());
            to.push_str(if level.is_some() { ": " } else { ":" });
        }
        write_json(to, value, inner);
    }
    if to.len() > start {
        line_break(to, level);
    }
    to.push(brackets[1]);
}

fn write_string(to: &mut String, text: &str, ascii: bool) {
    let json = serde_json::to_string(text).expect("a string is always JSON");
    for character in json.chars() {
        if ascii && !character.is_ascii() {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(to, "\\u{unit:04x}").expect("writing to a String never fails");
            }
        } else {
            to.push(character);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Value {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn json_keeps_the_order_of_its_keys() {
        let value = read(r#"{"b": [1, 2.50, {}, []], "a": {"é\u0001\"": null}, "b2": true, "a": "x"}"#);
        let expected = "{\n    \"b\": [\n        1,\n        2.5,\n        {},\n        []\n    ],\n    \"a\": \"x\",\n    \"b2\": true\n}";
        assert_eq!(indented_json(&value), expected);
        assert_eq!(compact_json(&value), r#"{"b":[1,2.5,{},[]],"a":"x","b2":true}"#);
        assert_eq!(compact_json(&read(r#""é😀""#)), r#""\u00e9\ud83d\ude00""#);
        assert_eq!(indented_json(&read(r#""é😀\b\u007f""#)), "\"é😀\\b\u{7f}\"");
    }

    /// The right column is what Python 3.11 prints.
    #[test]
    fn floats_are_spelled_as_in_python() {
        for (value, expected) in [
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
            assert_eq!(text(&Value::from(value)), expected);
        }
    }

    #[test]
    fn values_are_represented_as_in_python() {
        for (json, expected) in [
            ("null", "None"),
            ("true", "True"),
            ("[1, \"a\", false]", "[1, 'a', False]"),
            (r#"{"k": "it's", "n": "\"'"}"#, r#"{'k': "it's", 'n': '"\''}"#),
            (r#""a\n\u0001""#, r"'a\n\x01'"),
        ] {
            assert_eq!(repr(&read(json)), expected);
        }
        assert_eq!(text(&read(r#""plain""#)), "plain");
    }

    #[test]
    fn integers_are_read_as_in_python() {
        for (text, number) in [
            ("0", 0),
            (" +7 ", 7),
            ("-5", -5),
            ("1_000", 1000),
            ("007", 7),
            ("99999999999999999999", i64::MAX),
            ("-99999999999999999999", i64::MIN),
        ] {
            assert_eq!(int(text), Ok(number), "{text}");
        }
        for text in ["", " ", "1.5", "abc", "1__0", "_1", "1_", "--1", "0x10", "- 1"] {
            assert!(int(text).unwrap_err().starts_with("invalid literal for int() with base 10: '"), "{text}");
        }
    }
}
