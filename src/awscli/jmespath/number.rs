//! This module owns how Python reads an integer, which is how the AWS CLI reads the ones that are given to it.

use super::value::Value;

/// What Python's `int()` makes of a text. Numbers beyond 64 bits become the nearest there is.
///
/// # Errors
///
/// Python's words.
pub(crate) fn int(text: &str) -> Result<i64, String> {
    let refused = || format!("invalid literal for int() with base 10: {}", Value::String(text.to_owned()).repr());
    let trimmed = text.trim();
    let (negative, digits) = match trimmed.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, trimmed.strip_prefix('+').unwrap_or(trimmed)),
    };
    // Underscores may stand between digits.
    let groups: Vec<&str> = digits.split('_').collect();
    if groups.iter().any(|group| group.is_empty() || !group.bytes().all(|byte| byte.is_ascii_digit())) {
        return Err(refused());
    }
    let (signed, limit) =
        if negative { (format!("-{}", groups.concat()), i64::MIN) } else { (groups.concat(), i64::MAX) };
    Ok(signed.parse().unwrap_or(limit))
}

#[cfg(test)]
mod tests {
    use super::*;

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
