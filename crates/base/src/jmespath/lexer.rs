//! Splits a JMESPath expression into tokens, as Python's jmespath 1.1 does (`lexer.py`).

use serde_json::Value;

use super::ast::Comparator;
use super::invalid::{Cause, InvalidQuery};
use super::literal::{self, NoValue};
use crate::python;

/// A token and where it begins, in characters from 0.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Name(String),
    QuotedName(String),
    Literal(Value),
    Number(i64),
    Comparator(Comparator),
    Dot,
    Star,
    Comma,
    Colon,
    Current,
    Pipe,
    Or,
    And,
    Not,
    Reference,
    /// `[?`
    Filter,
    /// `[]`
    Flatten,
    LeftBracket,
    RightBracket,
    LeftParenthesis,
    RightParenthesis,
    LeftBrace,
    RightBrace,
    End,
}

impl Kind {
    /// The name of the token in Python's messages, and its text.
    pub(super) fn in_python(&self) -> (&'static str, String) {
        let (name, text) = match self {
            Self::Name(name) => ("unquoted_identifier", name.as_str()),
            Self::QuotedName(name) => ("quoted_identifier", name.as_str()),
            Self::Literal(value) => return ("literal", python::text(value)),
            Self::Number(number) => return ("number", number.to_string()),
            Self::Comparator(Comparator::Equal) => ("eq", "=="),
            Self::Comparator(Comparator::NotEqual) => ("ne", "!="),
            Self::Comparator(Comparator::Less) => ("lt", "<"),
            Self::Comparator(Comparator::LessOrEqual) => ("lte", "<="),
            Self::Comparator(Comparator::Greater) => ("gt", ">"),
            Self::Comparator(Comparator::GreaterOrEqual) => ("gte", ">="),
            Self::Dot => ("dot", "."),
            Self::Star => ("star", "*"),
            Self::Comma => ("comma", ","),
            Self::Colon => ("colon", ":"),
            Self::Current => ("current", "@"),
            Self::Pipe => ("pipe", "|"),
            Self::Or => ("or", "||"),
            Self::And => ("and", "&&"),
            Self::Not => ("not", "!"),
            Self::Reference => ("expref", "&"),
            Self::Filter => ("filter", "[?"),
            Self::Flatten => ("flatten", "[]"),
            Self::LeftBracket => ("lbracket", "["),
            Self::RightBracket => ("rbracket", "]"),
            Self::LeftParenthesis => ("lparen", "("),
            Self::RightParenthesis => ("rparen", ")"),
            Self::LeftBrace => ("lbrace", "{"),
            Self::RightBrace => ("rbrace", "}"),
            Self::End => ("eof", ""),
        };
        (name, text.to_owned())
    }
}

/// Returns the tokens of an expression. The last one is `End`.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, InvalidQuery> {
    let mut lexer = Lexer { text, characters: text.chars().collect(), at: 0 };
    let mut tokens = Vec::new();
    while let Some(character) = lexer.current() {
        let at = lexer.at;
        if matches!(character, ' ' | '\t' | '\n' | '\r') {
            lexer.at += 1;
        } else {
            tokens.push(Token { kind: lexer.token(character)?, at });
        }
    }
    tokens.push(Token { kind: Kind::End, at: lexer.at });
    Ok(tokens)
}

struct Lexer<'a> {
    text: &'a str,
    characters: Vec<char>,
    at: usize,
}

impl Lexer<'_> {
    fn current(&self) -> Option<char> {
        self.characters.get(self.at).copied()
    }

    fn token(&mut self, first: char) -> Result<Kind, InvalidQuery> {
        let start = self.at;
        self.at += 1;
        let mut or = |next: char, double: Kind, single: Kind| {
            let is_double = self.characters.get(self.at) == Some(&next);
            self.at += usize::from(is_double);
            if is_double { double } else { single }
        };
        Ok(match first {
            '.' => Kind::Dot,
            '*' => Kind::Star,
            ']' => Kind::RightBracket,
            ',' => Kind::Comma,
            ':' => Kind::Colon,
            '@' => Kind::Current,
            '(' => Kind::LeftParenthesis,
            ')' => Kind::RightParenthesis,
            '{' => Kind::LeftBrace,
            '}' => Kind::RightBrace,
            '[' => match or(']', Kind::Flatten, Kind::LeftBracket) {
                Kind::Flatten => Kind::Flatten,
                _ => or('?', Kind::Filter, Kind::LeftBracket),
            },
            '|' => or('|', Kind::Or, Kind::Pipe),
            '&' => or('&', Kind::And, Kind::Reference),
            '<' => or('=', Kind::Comparator(Comparator::LessOrEqual), Kind::Comparator(Comparator::Less)),
            '>' => or('=', Kind::Comparator(Comparator::GreaterOrEqual), Kind::Comparator(Comparator::Greater)),
            '!' => or('=', Kind::Comparator(Comparator::NotEqual), Kind::Not),
            '=' => match or('=', Kind::Comparator(Comparator::Equal), Kind::End) {
                Kind::End => {
                    return Err(self.refused(start, "Unknown token '='", "`=` is not an operator; did you mean `==`?"));
                }
                equal => equal,
            },
            'a'..='z' | 'A'..='Z' | '_' => {
                Kind::Name(self.run(start, |next| next.is_ascii_alphanumeric() || next == '_'))
            }
            '0'..='9' | '-' => self.number(start)?,
            '\'' => Kind::Literal(Value::String(self.until('\'', start)?.replace("\\'", "'"))),
            '`' => {
                let text = self.until('`', start)?.replace("\\`", "`");
                let read = literal::read_or_quote(&text);
                let what = "the text between the backticks is neither JSON nor a plain text";
                Kind::Literal(
                    read.map_err(|no_value| self.no_value(&no_value, start, &format!("Bad token {text}"), what))?,
                )
            }
            '"' => {
                let read = literal::read(&format!("\"{}\"", self.until('"', start)?));
                let what = "the text between the quotation marks is not valid in JSON";
                match read.map_err(|no_value| self.no_value(&no_value, start, "Invalid string", what))? {
                    Value::String(name) => Kind::QuotedName(name),
                    other => Kind::Literal(other),
                }
            }
            other => {
                let words = format!("`{other}` is not a character of an expression");
                return Err(self.refused(start, &format!("Unknown token {other}"), &words));
            }
        })
    }

    /// Takes the next characters as long as they belong to the token, and returns the text of the token, which begins at `start`.
    fn run(&mut self, start: usize, belongs: fn(char) -> bool) -> String {
        while self.current().is_some_and(belongs) {
            self.at += 1;
        }
        self.characters[start..self.at].iter().collect()
    }

    /// Takes an integer. An integer beyond 64 bits becomes the nearest 64-bit integer, which selects the same items.
    fn number(&mut self, start: usize) -> Result<Kind, InvalidQuery> {
        let digits = self.run(start, |next| next.is_ascii_digit());
        if digits == "-" {
            return Err(self.refused(start, "Unknown token '-'", "`-` is not followed by a digit"));
        }
        let limit = if digits.starts_with('-') { i64::MIN } else { i64::MAX };
        Ok(Kind::Number(digits.parse().unwrap_or(limit)))
    }

    /// Takes the text up to the next delimiter, and the delimiter. A delimiter after a `\` does not end the text. Returns the
    /// text without the final delimiter.
    fn until(&mut self, delimiter: char, start: usize) -> Result<String, InvalidQuery> {
        let mut text = String::new();
        loop {
            let mut next = self.current();
            if next == Some(delimiter) {
                self.at += 1;
                return Ok(text);
            }
            if next == Some('\\') {
                text.push('\\');
                self.at += 1;
                next = self.current();
            }
            let Some(next) = next else {
                let words = format!("the closing {delimiter} is missing");
                return Err(self.refused(start, &format!("Unclosed {delimiter} delimiter"), &words));
            };
            text.push(next);
            self.at += 1;
        }
    }

    fn no_value(&self, no_value: &NoValue, start: usize, in_python: &str, words: &str) -> InvalidQuery {
        match no_value {
            NoValue::NotJson => self.refused(start, in_python, words),
            NoValue::Unsupported(what) => InvalidQuery::other(what, Some(start)),
        }
    }

    fn refused(&self, at: usize, in_python: &str, words: &str) -> InvalidQuery {
        let in_full = format!("Bad jmespath expression: {in_python}:\n{}\n{}^", self.text, " ".repeat(at));
        InvalidQuery { cause: Cause::Other(words.to_owned()), at: Some(at), in_full }
    }
}
