//! Compares the results of `--query` with those of the AWS CLI's own jmespath, for generated expressions and documents.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use v2token::internals::search;

use crate::python::{Reaped, Scratch, environment, skip};

/// The number of expressions.
const EXPRESSIONS: u64 = 40_000;

/// What stands for another part of an expression in `GRAMMAR`.
const HOLE: char = '◌';

/// How an expression is made of expressions. The first ones are complete.
const GRAMMAR: [&str; 79] = [
    "a",
    "b",
    "list",
    "names",
    "\"a\"",
    "@",
    "'failed'",
    "`failed`",
    "`1`",
    "`0`",
    "`-1.5`",
    "`true`",
    "`[1, 0, true, \"b\"]`",
    "`{\"b\": 1, \"a\": [2]}`",
    "` \"x\"`",
    "names[*].name",
    "names[].n",
    "list[0]",
    "*",
    "[*]",
    "[]",
    "◌.a",
    "◌.b",
    "◌.*",
    "◌.[◌, ◌]",
    "◌.{x: ◌, y: ◌}",
    "◌[0]",
    "◌[-1]",
    "◌[*]",
    "◌[]",
    "◌[1:]",
    "◌[::-1]",
    "◌[0][0:2]",
    "◌[?◌]",
    "◌[?◌ == ◌].◌",
    "◌[?name == 'x' || ◌]",
    "◌ | ◌",
    "◌ || ◌",
    "◌ && ◌",
    "!◌",
    "(◌)",
    "[◌, ◌]",
    "{\"k\": ◌, l: ◌}",
    "◌ == ◌",
    "◌ != ◌",
    "◌ < ◌",
    "◌ >= ◌",
    "length(◌)",
    "type(◌)",
    "to_string(◌)",
    "to_number(◌)",
    "to_array(◌)",
    "not_null(◌, ◌)",
    "contains(◌, ◌)",
    "keys(◌)",
    "values(◌)",
    "sort(◌)",
    "max(◌)",
    "sum(◌)",
    "reverse(◌)",
    "join(', ', ◌)",
    "merge(@, ◌)",
    "map(&◌, ◌)",
    "sort_by(◌, &◌)",
    "min_by(◌, &◌)",
    "abs(◌)",
    "avg(◌)",
    "floor(◌)",
    "ceil(◌)",
    "starts_with(◌, 'f')",
    "max_by(◌, &◌)",
    "not_null(◌ ◌)",
    "to_array(◌,)",
    "{a: ◌ b: ◌}",
    "◌[99999999999999999999]",
    "◌[-99999999999999999999:99999999999999999999]",
    "◌[::2 -1]",
    "◌ == ◌ == ◌",
    "merge(@, `[[\"b\", 1]]`, ◌)",
];

/// Parts of expressions that damage others, or have a meaning of their own.
const PIECES: [&str; 48] = [
    "`",
    "`",
    "'",
    "\"",
    "\\",
    "[",
    "]",
    "[]",
    "[?",
    "{",
    "}",
    "(",
    ")",
    ".",
    ",",
    ":",
    "*",
    "@",
    "&",
    "&&",
    "|",
    "||",
    "!",
    "!=",
    "=",
    "==",
    "<",
    "<=",
    "-",
    "-1",
    "0",
    "99999999999999999999",
    " ",
    "\n",
    "é",
    "#",
    "\\u00e9",
    "\\ud83d",
    "\\ud83d\\ude00",
    "\\`",
    "\\'",
    "`x`",
    "` y z`",
    "`\"x`",
    "`[1`",
    "`01`",
    "_",
    "avg",
];

const DOCUMENTS: [&str; 7] = [
    r#"{"a": {"b": 1, "a": "x"}, "b": [3, 1, 2], "list": [[1, 2], [3], 4, null], "names": [{"name": "x", "n": 2, "a": 1}, {"name": "é😀", "n": 1.5, "a": 0}]}"#,
    r#"{"a": [{"a": [{"b": 1}, {"b": "1"}], "b": null}, {"a": [], "b": {}}], "b": "failed", "list": ["b", "a", "c"], "names": {}}"#,
    r#"[{"a": 1, "b": true}, {"a": 0, "b": false}, {"a": -1.0}, [["a"], "b"], "", null]"#,
    r#"[[1, 2, 3.0], [], ["7", "7.5", " 1_0 ", "x"]]"#,
    r#""failed""#,
    "1.0",
    "null",
];

/// Whether the expression is refused for a reason that `docs/aws-cli.md` gives, although Python may accept it.
fn is_documented(ours: &Result<Value, String>) -> bool {
    let reasons = ["an expression with & ", "half of a surrogate pair", "NaN and Infinity", "too large"];
    matches!(ours, Err(message) if reasons.iter().any(|reason| message.contains(reason)))
}

/// The value as a text, because the order of keys counts, which `==` ignores.
fn in_order(value: &Value) -> String {
    value.to_string()
}

fn grow(random: &mut fastrand::Rng, depth: usize) -> String {
    let choices = if depth == 0 { 21 } else { GRAMMAR.len() };
    let mut grown = String::new();
    for character in GRAMMAR[random.usize(..choices)].chars() {
        match character {
            HOLE => grown.push_str(&grow(random, depth - 1)),
            other => grown.push(other),
        }
    }
    grown
}

/// Removes, repeats, or adds a part of an expression.
fn damage(random: &mut fastrand::Rng, expression: &str) -> String {
    let characters: Vec<char> = expression.chars().collect();
    let from = random.usize(..=characters.len());
    let to = (from + random.usize(..4)).min(characters.len());
    let piece = match random.u8(..3) {
        0 => String::new(),
        1 => characters[from..to].iter().collect::<String>().repeat(2),
        _ => PIECES[random.usize(..PIECES.len())].to_owned(),
    };
    characters[..from].iter().chain(piece.chars().collect::<Vec<_>>().iter()).chain(&characters[to..]).collect()
}

/// The expression with this seed. Each second one is damaged.
fn expression(seed: u64) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    let depth = random.usize(..4);
    let mut expression = grow(&mut random, depth);
    if seed % 2 == 1 {
        for _ in 0..random.usize(1..4) {
            expression = damage(&mut random, &expression);
        }
    }
    expression
}

#[test]
fn queries_have_the_results_of_the_aws_cli() {
    let scratch = Scratch::new("queries");
    let python = match environment("aws_cli", &scratch.0) {
        Ok(python) => python,
        Err(reason) => return skip("jmespath", &reason),
    };
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aws_cli/queries.py"));
    let mut child = Reaped(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python starts"));
    let mut questions = child.0.stdin.take().expect("a pipe");
    let answers = BufReader::new(child.0.stdout.take().expect("a pipe"));
    let document = |seed: u64| DOCUMENTS[usize::try_from(seed / 2).expect("a small number") % DOCUMENTS.len()];
    let writer = std::thread::spawn(move || {
        for seed in 0..EXPRESSIONS {
            writeln!(questions, "[{}, {}]", json!(expression(seed)), document(seed)).expect("python reads");
        }
    });
    let (mut results, mut refusals, mut documented, mut wrong) = (0, 0, 0, Vec::new());
    for (seed, answer) in (0..EXPRESSIONS).zip(answers.lines()) {
        let theirs: Value = serde_json::from_str(&answer.expect("an answer")).expect("JSON");
        let expression = expression(seed);
        let on = serde_json::from_str(document(seed)).expect("JSON");
        let ours = search(&expression, &on);
        let is_same = match (&ours, theirs.get("result")) {
            (Ok(ours), Some(theirs)) => {
                results += 1;
                in_order(ours) == in_order(theirs)
            }
            (Err(message), None) => {
                refusals += 1;
                // Messages about values spell types and numbers differently, and those about JSON are of another library.
                let is_syntax = ["ParseError", "LexerError", "IncompleteExpressionError"];
                let is_syntax = is_syntax.contains(&theirs["kind"].as_str().expect("a kind"));
                !is_syntax
                    || expression.contains("999")
                    || message.contains("Invalid string")
                    || theirs["error"] == *message
            }
            _ => false,
        };
        if !is_same && is_documented(&ours) {
            documented += 1;
        } else if !is_same {
            wrong.push(format!("seed {seed}: {expression}\n  on {on}\n  v2token {ours:?}\n  python  {theirs}"));
        }
    }
    writer.join().expect("all expressions are written");
    assert!(wrong.is_empty(), "{} differ\n{}", wrong.len(), wrong.join("\n"));
    // The comparison means something only if there is enough of both.
    let counts = format!("{results} results, {refusals} refusals, {documented} documented differences");
    assert!(results > EXPRESSIONS / 4 && refusals > EXPRESSIONS / 4 && documented < EXPRESSIONS / 50, "{counts}");
}
