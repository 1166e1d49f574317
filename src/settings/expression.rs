//! This module owns how an expression of `--query` is read, and what is said of one that can't be used.

use crate::awscli::jmespath::{InvalidQuery, Query};
use crate::error::Error;

/// An expression that shows the most common parts.
const EXAMPLE: &str = "accounts[?outcome=='failed'].account_id";

/// How much of an expression is shown where it goes wrong.
const SHOWN: usize = 12;

/// Reads an expression.
///
/// # Errors
///
/// When it is none: wrong usage, which is known before anything is touched.
pub(super) fn read(text: &str) -> Result<Query, Error> {
    Query::compile_strictly(text).map_err(|bad| Error::Usage(said(text, &bad)))
}

fn said(text: &str, bad: &InvalidQuery) -> String {
    let Some(at) = bad.at else { return format!("--query: the expression {}, as in {EXAMPLE}", bad.cause) };
    let rest: String = text.chars().skip(at).take(SHOWN).collect();
    // What the parser calls its tokens says nothing to somebody who types an expression.
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

/// The text with a small letter at its beginning.
fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_and_where_is_said_in_plain_words() {
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
            let said = match read(text) {
                Err(Error::Usage(said)) => said,
                other => panic!("{text}: {other:?}"),
            };
            assert!(said.contains(words), "{text}: {said}");
        }
        assert!(read(EXAMPLE).is_ok());
    }
}
