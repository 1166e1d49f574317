//! Parses the expression of `--query`, and explains what is wrong with it.

use crate::error::Error;
use crate::jmespath::{Cause, InvalidQuery, Query};

/// The example in the messages. It has the most common parts of an expression.
const EXAMPLE: &str = "accounts[?outcome=='failed'].account_id";

/// The number of characters of the expression that a message shows, starting at the error.
const SHOWN: usize = 12;

/// Parses an expression.
pub(super) fn read(text: &str) -> Result<Query, Error> {
    Query::compile_strictly(text).map_err(|bad| Error::Usage(explain(text, &bad)))
}

fn explain(text: &str, bad: &InvalidQuery) -> String {
    let rest: String = text.chars().skip(bad.at.unwrap_or_default()).take(SHOWN).collect();
    let is_end = rest.is_empty();
    let there = if is_end { "the end".to_owned() } else { format!("`{rest}`") };
    let what = match &bad.cause {
        Cause::Unexpected if is_end => "the expression ends too early".to_owned(),
        Cause::Unexpected => format!("unexpected {there}"),
        Cause::Expected(wanted) => format!("expected {wanted}, but there is {there}"),
        Cause::Other(what) => what.clone(),
    };
    let Some(at) = bad.at else { return format!("--query: the expression {what}, as in {EXAMPLE}") };
    let place = if is_end { String::new() } else { format!(" at character {}", at + 1) };
    let quotes =
        if text.contains('"') { "; in an expression \"…\" is the name of a column and '…' a text" } else { "" };
    format!("--query {text}: {what}{place}; for example {EXAMPLE}{quotes}")
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
                "--query accounts[: expected a number, `:`, or `*`, but there is the end; for example accounts[?",
            ),
            ("accounts[?outcome=failed]", "`=` is not an operator; did you mean `==`? at character 18; for example"),
            ("accounts[?outcome=='failed'", "expected `]`, but there is the end; for example"),
            ("accounts[].{id account_id}", "expected `:` after the key, but there is `account_id}` at character 16"),
            ("summary.[changed", "expected `,` or `]`, but there is the end; for example"),
            ("summary ||", "ends too early; for example"),
            ("summary.failed)", "unexpected `)` at character 15"),
            ("summary failed", "unexpected `failed` at character 9"),
            ("a.#", "`#` is not a character of an expression at character 3"),
            ("'x", "the closing ' is missing at character 1"),
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
