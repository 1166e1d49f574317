//! `--query`: JMESPath on JSON values, with the results of Python's jmespath 1.1.
//!
//! This program has a parser and an evaluator of its own, because the `jmespath` crate accepts other expressions than Python
//! does, sorts the keys of objects, and has only floats as numbers.

mod analyze;
mod ast;
#[cfg(test)]
mod compliance;
mod evaluate;
mod functions;
mod invalid;
mod lexer;
mod literal;
mod parser;

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Map, Value};

use ast::Ast;
pub use invalid::{Cause, InvalidQuery};

/// The approximate maximum size of a value, in bytes. A report of 50,000 accounts takes about 110 MB as a value.
const LARGEST: usize = 1 << 29;

/// The maximum size with which the tests evaluate expressions that would fill any memory.
#[cfg(any(test, fuzzing, feature = "testing"))]
pub const LARGEST_IN_TESTS: usize = 16 << 20;

/// An expression.
#[derive(Clone, Debug)]
pub struct Query(Ast);

impl Query {
    /// Parses an expression.
    ///
    /// # Errors
    ///
    /// Returns an error that says what is wrong, and where if that is known.
    pub fn compile(text: &str) -> Result<Self, InvalidQuery> {
        parser::parse(text).map(Self)
    }

    /// Parses an expression and refuses what fails on every document: unknown functions, calls with arguments that the function
    /// never takes, and slices with step 0. The document exists only after a run, which is too late for such an error.
    ///
    /// # Errors
    ///
    /// Returns an error that says what is wrong, and where if that is known.
    pub fn compile_strictly(text: &str) -> Result<Self, InvalidQuery> {
        let query = Self::compile(text)?;
        match analyze::always_fails(&query.0) {
            None => Ok(query),
            Some((cause, at)) => Err(InvalidQuery::other(&cause, Some(at))),
        }
    }

    /// Returns the names in the expression that find nothing: names that the document does not have, and names that a filter
    /// compares although no item of a list has them.
    pub fn unknown_names(&self, document: &Value) -> Vec<&str> {
        let keys = Keys::of(document);
        let mut names = analyze::Names::default();
        names.collect(&self.0, false);
        let asked = names.asked.iter().filter(|name| !keys.all.contains(*name));
        let compared = names.compared.iter().filter(|name| !keys.of_items.contains(*name));
        let unknown = asked.chain(compared).copied().filter(|name| !names.given.contains(name));
        unknown.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// Evaluates the expression. A result that is a part of the document is borrowed from it.
    ///
    /// # Errors
    ///
    /// When a function does not exist or refuses one of its arguments, with the message of Python's jmespath 1.1; and when a value
    /// becomes too large.
    pub fn search<'a>(&'a self, document: &'a Value) -> Result<Cow<'a, Value>, String> {
        self.search_within(document, LARGEST)
    }

    /// Evaluates the expression as [`search`](Self::search) does, with another maximum for the size of a value, in bytes.
    ///
    /// # Errors
    ///
    /// The same as those of `search`.
    pub fn search_within<'a>(&'a self, document: &'a Value, largest: usize) -> Result<Cow<'a, Value>, String> {
        evaluate::evaluate(&self.0, document, largest)
    }
}

/// The keys of the objects in a document.
#[derive(Default)]
pub struct Keys<'a> {
    /// The keys of all objects.
    pub all: BTreeSet<&'a str>,
    /// The keys of objects that are items of a list.
    pub of_items: BTreeSet<&'a str>,
}

impl<'a> Keys<'a> {
    /// Collects the keys. Only the first item of each list is read, because the others have the same keys.
    pub fn of(document: &'a Value) -> Self {
        let mut keys = Self::default();
        keys.collect(document);
        keys
    }

    fn collect(&mut self, value: &'a Value) {
        match value {
            Value::Array(items) => {
                let Some(first) = items.first() else { return };
                self.of_items.extend(first.as_object().into_iter().flat_map(Map::keys).map(String::as_str));
                self.collect(first);
            }
            Value::Object(entries) => {
                for (key, value) in entries {
                    self.all.insert(key);
                    self.collect(value);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parser::DEEPEST;
    use super::*;
    use crate::python;

    const SUMMARY: &str = r#"{"SummaryMap": {"Users": 3, "Groups": 1, "AccountMFAEnabled": 0, "Roles": 1}, "s": "x", "l": [[1, 2], [3], 4, null]}"#;

    fn search(expression: &str) -> Result<String, String> {
        let value: Value = serde_json::from_str(SUMMARY).unwrap();
        Query::compile(expression)
            .map_err(|bad| bad.in_full)?
            .search_within(&value, LARGEST_IN_TESTS)
            .map(|result| python::compact_json(&result))
    }

    /// The right column is the result of Python's jmespath 1.1.0.
    #[test]
    fn expressions_have_the_results_of_python() {
        for (expression, found) in [
            ("@.s", "\"x\""),
            ("SummaryMap.Users", "3"),
            ("SummaryMap", r#"{"Users":3,"Groups":1,"AccountMFAEnabled":0,"Roles":1}"#),
            ("SummaryMap.*", "[3,1,0,1]"),
            ("SummaryMap.{r: Roles, g: Groups, n: Nothing}", r#"{"r":1,"g":1,"n":null}"#),
            ("Nothing.{r: Roles}", "null"),
            ("SummaryMap.[Users, Groups]", "[3,1]"),
            ("Nothing.Users", "null"),
            ("s.*", "null"),
            ("l[]", "[1,2,3,4]"),
            ("l[0]", "[1,2]"),
            ("l[-1]", "null"),
            ("l[-2]", "4"),
            ("l[9]", "null"),
            ("l[::-1]", "[4,[3],[1,2]]"),
            ("l[1:3]", "[[3],4]"),
            ("l[:-2]", "[[1,2],[3]]"),
            ("l[?@ == `4`]", "[4]"),
            ("l[*][0]", "[1,3]"),
            ("s[]", "null"),
            ("SummaryMap.* | [0]", "3"),
            ("SummaryMap.Users > `2`", "true"),
            ("SummaryMap.Users >= `4` || SummaryMap.Groups == `1`", "true"),
            ("l > `2`", "null"),
            ("s > 'w'", "true"),
            ("SummaryMap.Users == `3.0`", "true"),
            ("`true` == `1`", "false"),
            ("!Nothing", "true"),
            ("!SummaryMap.AccountMFAEnabled", "null"),
            ("!(SummaryMap.AccountMFAEnabled)", "false"),
            ("Nothing && s", "null"),
            ("'raw' && s", "\"x\""),
            ("sum(SummaryMap.*)", "5"),
            ("sum(`[1, 2.5]`)", "3.5"),
            ("sum(`[]`)", "0"),
            ("avg(SummaryMap.*)", "1.25"),
            ("avg(`[]`)", "null"),
            ("max(SummaryMap.*)", "3"),
            ("min(`[]`)", "null"),
            ("max(`[\"a\", \"b\"]`)", "\"b\""),
            ("keys(SummaryMap)", r#"["Users","Groups","AccountMFAEnabled","Roles"]"#),
            ("sort(keys(SummaryMap))", r#"["AccountMFAEnabled","Groups","Roles","Users"]"#),
            ("values(SummaryMap)", "[3,1,0,1]"),
            ("length(SummaryMap)", "4"),
            ("length(s)", "1"),
            ("length('é😀')", "2"),
            ("abs(`-2`)", "2"),
            ("ceil(`1.2`)", "2"),
            ("floor(`-1.2`)", "-2"),
            ("contains(keys(SummaryMap), 'Users')", "true"),
            ("contains('abc', 'b')", "true"),
            ("starts_with(s, 'x')", "true"),
            ("ends_with(s, 'y')", "false"),
            ("join(',', keys(SummaryMap))", "\"Users,Groups,AccountMFAEnabled,Roles\""),
            ("reverse(l)", "[null,4,[3],[1,2]]"),
            ("reverse('abc')", "\"cba\""),
            ("merge(SummaryMap, {Users: `9`, New: `1`}).[Users, New]", "[9,1]"),
            ("merge({b: `1`}, {a: `2`, b: `3`})", r#"{"b":3,"a":2}"#),
            ("not_null(Nothing, s)", "\"x\""),
            ("to_array(s)", "[\"x\"]"),
            ("to_number('7')", "7"),
            ("to_number('7.50')", "7.5"),
            ("to_number('x')", "null"),
            ("to_number(s)", "null"),
            ("to_string(SummaryMap.Users)", "\"3\""),
            ("to_string(s)", "\"x\""),
            ("to_string(l)", "\"[[1,2],[3],4,null]\""),
            ("type(l)", "\"array\""),
            ("type(Nothing)", "\"null\""),
            ("map(&[0], l)", "[1,3,null,null]"),
            ("sort_by(`[{\"a\": 2}, {\"a\": 1}]`, &a)[].a", "[1,2]"),
            ("max_by(`[{\"a\": 2}, {\"a\": 1}]`, &a).a", "2"),
            ("min_by(`[{\"a\": 2}, {\"a\": 1}]`, &a).a", "1"),
            ("SummaryMap.\"Users\"", "3"),
        ] {
            assert_eq!(search(expression), Ok(found.to_owned()), "{expression}");
        }
    }

    #[test]
    fn invalid_expressions_have_the_messages_of_python() {
        for (expression, words) in [
            ("", "Invalid JMESPath expression: cannot be empty."),
            ("a[", "Invalid jmespath expression: Incomplete expression:\n\"a[\"\n   ^"),
            (
                "a[b]",
                "Expecting: star, got: unquoted_identifier: Parse error at column 2, token \"b\" (UNQUOTED_IDENTIFIER), for expression:\n\"a[b]\"\n   ^",
            ),
            ("a.#", "Bad jmespath expression: Unknown token #:\na.#\n  ^"),
            ("[&a]", "an expression with & "),
            (
                "abs(s)",
                "In function abs(), invalid type for value: x, expected one of: ['number'], received: \"string\"",
            ),
            (
                "abs(Nothing)",
                "In function abs(), invalid type for value: None, expected one of: ['number'], received: \"null\"",
            ),
            ("sum(l)", "In function sum(), invalid type for value: "),
            ("nothing(s)", "Unknown function: nothing()"),
            ("abs()", "Expected 1 argument for function abs(), received 0"),
            ("not_null()", "Expected at least 1 argument for function not_null(), received 0"),
            ("sort_by(l, &@)", "In function sort_by(), invalid type for value: "),
            ("s > `2`", "'>' not supported between instances of 'str' and 'int'"),
            ("l[::0]", "slice step cannot be zero"),
        ] {
            let said = search(expression).unwrap_err();
            assert!(said.contains(words), "{expression}: {said}");
        }
    }

    #[test]
    fn expressions_that_always_fail_are_refused() {
        for (expression, words, at) in [
            ("accounts[?starts_wth(a, 'b')]", "there is no function starts_wth(); did you mean starts_with()?", 10),
            ("a | nothing(@)", "there is no function nothing()", 4),
            ("length(a, b)", "Expected 1 argument for function length(), received 2", 0),
            ("sort_by(accounts, name)", "sort_by() takes an expression such as &account_id", 0),
            ("length(&a)", "length() takes an expression", 0),
            ("a.{b: [c, d[::0]]}", "a slice can't have step 0", 12),
        ] {
            let bad = Query::compile_strictly(expression).unwrap_err();
            assert!(matches!(&bad.cause, Cause::Other(cause) if cause.starts_with(words)), "{expression}: {bad:?}");
            assert_eq!(bad.at, Some(at), "{expression}");
        }
        for fine in ["sort_by(a, &b)[].{c: d}", "not_null(a, b, c)", "a[::-1]", "abs(a)"] {
            assert!(Query::compile_strictly(fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn names_that_are_not_in_the_document_are_listed() {
        let document: Value = serde_json::from_str(
            r#"{"accounts": [{"id": "1", "outcome": "failed"}], "n": {"m": 1}, "s": {"failed": 1}}"#,
        )
        .unwrap();
        for (expression, unknown) in [
            ("accounts[?outcome==\"failed\"].id", &["failed"][..]),
            ("accounts[?id=='1' || !(outcome==failed)]", &["failed"]),
            ("s.failed > `1` && accounts[?n.m > `1`]", &[]),
            ("accounts[?outcome=='failed'].[id, n.m]", &[]),
            ("accounts[].{x: id} | [0].x", &[]),
            ("sort_by(accounts, &ids)[].nme", &["ids", "nme"]),
            ("!acounts || length(@)", &["acounts"]),
        ] {
            assert_eq!(Query::compile(expression).unwrap().unknown_names(&document), unknown, "{expression}");
        }
    }

    #[test]
    fn memory_stack_and_time_are_bounded() {
        let doubled = |step: &str| vec![step; 35].join(" | ");
        for expression in [
            doubled("[@, @]"),
            doubled("{a: @, b: @}"),
            doubled("map(&[@, @], to_array(@))"),
            doubled("to_string([@, @])"),
            doubled("join('', [to_string(@), to_string(@)])"),
        ] {
            assert_eq!(search(&expression), Err("the result of --query is too large".to_owned()), "{expression}");
        }
        // A long expression is evaluated.
        for step in ["s.", "s|", "s||", "s&&", "s==", "[0]|", "[]|", "[?s]|"] {
            assert!(search(&(step.repeat(30_000) + "t")).is_ok(), "{step}");
        }
        let alternatives: Vec<String> = (0..480).map(|number| format!("s=='({{[|{number}'")).collect();
        assert_eq!(search(&alternatives.join("||")), Ok("false".to_owned()));
        // A result that is nested too deeply is refused, and so is an expression that is nested too deeply.
        let deep_result = |levels: usize| vec!["[@]"; levels].join("|");
        assert!(search(&deep_result(DEEPEST - 10)).is_ok());
        assert_eq!(search(&deep_result(DEEPEST + 10)), Err("the result of --query is too large".to_owned()));
        // Also if its size does not matter.
        let deep = Query::compile(&deep_result(DEEPEST + 10)).unwrap();
        assert_eq!(
            deep.search_within(&Value::Bool(true), usize::MAX),
            Err("the result of --query is too large".to_owned())
        );
        for (open, inner, close) in [
            ("(", "s", ")"),
            ("[", "s", "]"),
            ("{a:", "s", "}"),
            ("!", "s", ""),
            ("to_array(", "s", ")"),
            ("map(&", "s", ", @)"),
            ("& ", "s", ""),
            ("[?", "s", "]"),
            ("[*]", "", ""),
            ("*.", "s", ""),
            ("s||(", "s", ")"),
            ("s.s|(s||s&&s==s[?", "s", "])"),
        ] {
            let nested = |levels: usize| open.repeat(levels) + inner + &close.repeat(levels);
            let deepest = (1..DEEPEST + 2).rev().find(|levels| Query::compile(&nested(*levels)).is_ok()).unwrap();
            assert!(deepest >= 30, "{open}: {deepest}");
            let (Ok(_) | Err(_)) = search(&nested(deepest));
            drop(Query::compile_strictly(&nested(deepest)));
            let message = search(&nested(30_000)).unwrap_err();
            assert!(message.contains("is nested more than 200 levels deep"), "{open}: {message}");
        }
    }
}
