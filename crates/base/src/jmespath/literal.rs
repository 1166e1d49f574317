//! Reads JSON as Python's `json.loads` does, for the literals and the quoted names of a JMESPath expression.
//!
//! `serde_json` refuses JSON that Python reads: halves of surrogate pairs, `NaN`, and numbers beyond the range of a float. Here,
//! such a literal is an error. A literal that Python does not read as JSON either is a string.

use serde_json::{Map, Value};

/// Why a text has no value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoValue {
    /// Python does not read the text as JSON either.
    NotJson,
    /// Python reads the text, but a [`Value`] can't represent it.
    Unsupported(&'static str),
}

/// The maximum nesting of a literal.
const DEEPEST: usize = 128;

const TOO_DEEP: &str = "the literal is nested more than 128 levels deep";

/// Reads one JSON value and the whitespace around it.
pub(super) fn read(text: &str) -> Result<Value, NoValue> {
    let mut reader = Reader { rest: text, unsupported: None };
    let value = reader.value(0).filter(|_| {
        reader.skip_whitespace();
        reader.rest.is_empty()
    });
    match (value, reader.unsupported) {
        (Some(_), Some(what)) | (None, Some(what @ TOO_DEEP)) => Err(NoValue::Unsupported(what)),
        (None, _) => Err(NoValue::NotJson),
        (Some(value), None) => Ok(value),
    }
}

struct Reader<'a> {
    rest: &'a str,
    /// What is wrong with the first part of the text that Python reads, but a [`Value`] can't represent.
    unsupported: Option<&'static str>,
}

impl Reader<'_> {
    fn skip_whitespace(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Removes a text from the beginning of the rest, if the rest begins with it.
    fn take(&mut self, wanted: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(wanted)?;
        Some(())
    }

    fn take_unsupported(&mut self, what: &'static str) -> Value {
        self.unsupported.get_or_insert(what);
        Value::Null
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.skip_whitespace();
        for (word, value) in [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))] {
            if self.take(word).is_some() {
                return Some(value);
            }
        }
        for word in ["NaN", "Infinity", "-Infinity"] {
            if self.take(word).is_some() {
                return Some(self.take_unsupported("NaN and Infinity are not supported"));
            }
        }
        match self.rest.bytes().next()? {
            b'"' => self.string().map(Value::String),
            b'[' | b'{' if depth == DEEPEST => {
                self.unsupported = Some(TOO_DEEP);
                None
            }
            b'[' => self.array(depth + 1),
            b'{' => self.object(depth + 1),
            _ => self.number(),
        }
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        self.take("[")?;
        self.skip_whitespace();
        let mut items = Vec::new();
        if self.take("]").is_some() {
            return Some(Value::Array(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.skip_whitespace();
            if self.take("]").is_some() {
                return Some(Value::Array(items));
            }
            self.take(",")?;
        }
    }

    fn object(&mut self, depth: usize) -> Option<Value> {
        self.take("{")?;
        self.skip_whitespace();
        let mut entries = Map::new();
        if self.take("}").is_some() {
            return Some(Value::Object(entries));
        }
        loop {
            self.skip_whitespace();
            let key = self.string()?;
            self.skip_whitespace();
            self.take(":")?;
            entries.insert(key, self.value(depth)?);
            self.skip_whitespace();
            if self.take("}").is_some() {
                return Some(Value::Object(entries));
            }
            self.take(",")?;
        }
    }

    fn string(&mut self) -> Option<String> {
        self.take("\"")?;
        let mut text = String::new();
        loop {
            let plain = self.rest.find(|character| matches!(character, '"' | '\\' | '\0'..='\x1f'))?;
            text.push_str(&self.rest[..plain]);
            self.rest = &self.rest[plain..];
            if self.take("\"").is_some() {
                return Some(text);
            }
            // If the next character is not a backslash, it is a control character, which is invalid.
            self.take("\\")?;
            let escape = self.rest.chars().next()?;
            self.rest = &self.rest[escape.len_utf8()..];
            text.push(match escape {
                '"' | '\\' | '/' => escape,
                'b' => '\x08',
                'f' => '\x0c',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => self.escaped_character()?,
                _ => return None,
            });
        }
    }

    /// Reads what follows `\u`.
    fn escaped_character(&mut self) -> Option<char> {
        let unit = self.unit()?;
        if let Some(character) = char::from_u32(unit) {
            return Some(character);
        }
        let before = self.rest;
        if unit < 0xdc00 && self.take("\\u").is_some() {
            let low = self.unit()?;
            if (0xdc00..0xe000).contains(&low) {
                return char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
            }
            self.rest = before;
        }
        self.take_unsupported("half of a surrogate pair is not supported");
        Some(char::REPLACEMENT_CHARACTER)
    }

    fn unit(&mut self) -> Option<u32> {
        let digits = self.rest.get(..4).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
        self.rest = &self.rest[4..];
        u32::from_str_radix(digits, 16).ok()
    }

    fn number(&mut self) -> Option<Value> {
        let text = self.rest;
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let sign = usize::from(text.starts_with('-'));
        let whole = if text[sign..].starts_with('0') { 1 } else { digits(&text[sign..]) };
        let mut end = sign + whole;
        if whole == 0 {
            return None;
        }
        let mut is_float = false;
        let fraction = text[end..].strip_prefix('.').map_or(0, digits);
        if fraction > 0 {
            (end, is_float) = (end + 1 + fraction, true);
        }
        if let Some(exponent) = text[end..].strip_prefix(['e', 'E']) {
            let unsigned = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
            let length = digits(unsigned);
            if length > 0 {
                (end, is_float) = (end + 1 + exponent.len() - unsigned.len() + length, true);
            }
        }
        let (number, rest) = text.split_at(end);
        self.rest = rest;
        if !is_float {
            if let Ok(integer) = number.parse::<i64>() {
                return Some(integer.into());
            }
            if let Ok(integer) = number.parse::<u64>() {
                return Some(integer.into());
            }
        }
        match number.parse::<f64>() {
            Ok(float) if float.is_finite() => Some(float.into()),
            _ => Some(self.take_unsupported("the number is too large")),
        }
    }
}

/// Reads the text of a literal, without its backticks. As Python does (jmespath 1.1, `lexer.py`, `_consume_literal`), it first
/// reads the text as JSON. If the text is not JSON, it removes the whitespace at the beginning, adds quotation marks around the
/// text, and reads the result as a JSON string.
pub(super) fn read_or_quote(text: &str) -> Result<Value, NoValue> {
    match read(text) {
        Err(NoValue::NotJson) => {
            // Python's `str.lstrip` takes the separators U+001C to U+001F as whitespace, too.
            let is_space = |character: char| character.is_whitespace() || ('\x1c'..='\x1f').contains(&character);
            read(&format!("\"{}\"", text.trim_start_matches(is_space)))
        }
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The right column is the result of `_consume_literal` in Python's jmespath 1.1.0.
    #[test]
    fn literals_are_read_as_in_python() {
        for (text, value) in [
            ("failed", json!("failed")),
            (" failed ", json!("failed ")),
            ("\u{a0}\x1cfailed", json!("failed")),
            ("", json!("")),
            ("a\\\"b\\u00e9", json!("a\"bé")),
            ("[1, 2", json!("[1, 2")),
            ("01", json!("01")),
            ("1.", json!("1.")),
            ("1e", json!("1e")),
            ("-", json!("-")),
            ("+1", json!("+1")),
            ("nulls", json!("nulls")),
            ("[NaN, x]", json!("[NaN, x]")),
            (" 1 ", json!(1)),
            ("-0", json!(0)),
            ("-0.0", json!(-0.0)),
            ("1E+2", json!(100.0)),
            ("18446744073709551615", json!(u64::MAX)),
            ("0.30000000000000004", json!(0.1 + 0.2)),
            ("{\"b\": [ ], \"a\": { }, \"b\": true}", json!({"b": true, "a": {}})),
            ("\"\\ud83d\\ude00\\/\\b\"", json!("😀/\x08")),
        ] {
            let read = read_or_quote(text).unwrap();
            assert_eq!(read.to_string(), value.to_string(), "{text}");
        }
        for text in ["\"foo", "a\"b", "a\nb", "\\x", "\\u12", "a\\"] {
            assert_eq!(read_or_quote(text), Err(NoValue::NotJson), "{text}");
        }
        for text in ["NaN", "[-Infinity]", "1e500", "\"\\ud83d\"", "\\ude00", "\"\\ud83d\\ud83d\\ude00\""] {
            assert!(matches!(read_or_quote(text), Err(NoValue::Unsupported(_))), "{text}");
        }
        assert!(read(&("[".repeat(DEEPEST) + &"]".repeat(DEEPEST))).is_ok());
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert!(matches!(read_or_quote(&deep), Err(NoValue::Unsupported(_))));
    }
}
