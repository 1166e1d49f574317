//! Parses the expression of `--query`, and explains what is wrong with it.

use crate::awscli::jmespath::{InvalidQuery, Query};
use crate::error::Error;

/// The example in the messages. It has the most common parts of an expression.
const EXAMPLE: &str = "accounts[?outcome=='failed'].account_id";

/// The number of characters of the expression that a message shows, starting at the error.
const SHOWN: usize = 12;

/// Parses an expression.
pub(super) fn read(text: &str) -> Result<Query, Error> {
    Query::compile_strictly(text).map_err(|bad| Error::Usage(explain(text, &bad)))
}

fn explain(text: &str, bad: &InvalidQuery) -> String {
    let Some(at) = bad.at else { return format!("--query: the expression {}, as in {EXAMPLE}", bad.cause) };
    let rest: String = text.chars().skip(at).take(SHOWN).collect();
    // The parser's messages name its tokens, which users don't know. The text of the expression is shown instead.
    let (expected, found) = bad.cause.split_once(" -- found ").unwrap_or((&bad.cause, ""));
    let there = match found {
        "Eof" => "the end".to_owned(),
        _ => format!("`{rest}`"),
    };
    let what = match (expected, found) {
        ("Unexpected nud token" | "Unexpected led token" | "Did not parse the complete expression", "Eof") => {
            "the expression ends too early".to_owned()
        }
        ("Unexpected nud token" | "Unexpected led token" | "Did not parse the complete expression", _) => {
            format!("unexpected {there}")
        }
        (cause, "") => lower(cause),
        (expected, _) => format!("{}, but there is {there}", lower(expected)),
    };
    let place = if found == "Eof" { String::new() } else { format!(" at character {}", at + 1) };
    let quotes =
        if text.contains('"') { "; in an expression \"…\" is the name of a column and '…' a text" } else { "" };
    format!("--query {text}: {what}{place}; for example {EXAMPLE}{quotes}")
}

/// Returns the text with its first letter in lower case.
fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_say_what_is_wrong_and_where() {
        for (text, words) in [
            ("", "--query: the expression cannot be empty, as in accounts[?"),
            (
                "accounts[",
                "--query accounts[: expected number, ':', or '*', but there is the end; for example accounts[?",
            ),
            ("accounts[?outcome=failed]", "'=' is not valid. Did you mean '=='? at character 18; for example"),
            ("accounts[?outcome=='failed'", "expected ']', but there is the end; for example"),
            ("accounts[].{id account_id}", "expected ':' to follow key, but there is `account_id}` at character 16"),
            ("summary.[changed", "ends too early; for example"),
            ("summary.failed)", "unexpected `)` at character 15"),
            ("summary failed", "unexpected `failed` at character 9"),
            ("a.#", "invalid character: # at character 3"),
            ("'x", "unclosed ' delimiter: 'x at character 1"),
            ("lenth(accounts)", "there is no function lenth(); did you mean length()? at character 1"),
            ("a[?b==\"c\"", "'…' a text"),
        ] {
            let message = match read(text) {
                Err(Error::Usage(message)) => message,
                other => panic!("{text}: {other:?}"),
            };
            assert!(message.contains(words), "{text}: {message}");
        }
        assert!(read(EXAMPLE).is_ok());
    }
}
