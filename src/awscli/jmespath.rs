//! `--query`: JMESPath on JSON values, with the results of Python's jmespath 1.1. The parser comes from the `jmespath` crate. The
//! evaluation of that crate is not used, because it sorts objects by key and makes all numbers floats. The AWS CLI prints keys in
//! their original order, and integers as integers.

mod analyze;
mod evaluate;
mod functions;

use std::borrow::Cow;
use std::collections::BTreeSet;

use jmespath::ErrorReason;
use jmespath::ast::Ast;
use serde_json::{Map, Value};

/// An expression.
#[derive(Clone, Debug)]
pub(crate) struct Query(Ast);

/// Why a text is not a usable expression.
#[derive(Debug)]
pub(crate) struct InvalidQuery {
    /// What is wrong.
    pub cause: String,
    /// The position of the error, in characters from 0, if the error has one.
    pub at: Option<usize>,
    /// The AWS CLI's message for the same error.
    pub in_full: String,
}

/// The largest number of brackets in an expression.
const DEEPEST: usize = 200;

/// The largest number of steps that follow each other in an expression. Each step makes the syntax tree one level deeper.
const LONGEST: usize = 500;

impl Query {
    /// Parses an expression.
    pub(crate) fn compile(text: &str) -> Result<Self, InvalidQuery> {
        let refused = |cause: &str| {
            let in_full = format!("Invalid JMESPath expression: {cause}.");
            InvalidQuery { cause: cause.to_owned(), at: None, in_full }
        };
        if text.is_empty() {
            return Err(refused("cannot be empty"));
        }
        // The parser is recursive, and a deep enough expression would overflow the stack.
        let depth = text.bytes().filter(|byte| b"([{!&".contains(byte)).count();
        if depth > DEEPEST {
            return Err(refused(&format!("nested more than {DEEPEST} levels deep")));
        }
        if text.bytes().filter(|byte| b".|&<>=*".contains(byte)).count() > LONGEST {
            return Err(refused(&format!("more than {LONGEST} steps")));
        }
        jmespath::parse(text).map(Self).map_err(|error| {
            let cause = match &error.reason {
                ErrorReason::Parse(cause) => cause.clone(),
                ErrorReason::Runtime(cause) => cause.to_string(),
            };
            InvalidQuery { cause, at: Some(error.offset), in_full: error.to_string() }
        })
    }

    /// Parses an expression and refuses what fails on every document: unknown functions, and calls with arguments that the
    /// function never takes. The document exists only after a run, which is too late for such an error.
    pub(crate) fn compile_strictly(text: &str) -> Result<Self, InvalidQuery> {
        let query = Self::compile(text)?;
        match analyze::always_fails(&query.0) {
            None => Ok(query),
            Some((cause, at)) => Err(InvalidQuery { in_full: cause.clone(), cause, at: Some(at) }),
        }
    }

    /// Returns the names in the expression that find nothing: names that the document does not have, and names that a filter
    /// compares although no item of a list has them.
    pub(crate) fn unknown_names(&self, document: &Value) -> Vec<&str> {
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
    /// When a function does not exist or does not accept an argument. The error is the message of Python's jmespath 1.1.
    pub(crate) fn search<'a>(&self, document: &'a Value) -> Result<Cow<'a, Value>, String> {
        evaluate::evaluate(&self.0, document)
    }
}

/// The keys of the objects in a document.
#[derive(Default)]
pub(crate) struct Keys<'a> {
    /// The keys of all objects.
    pub all: BTreeSet<&'a str>,
    /// The keys of objects that are items of a list.
    pub of_items: BTreeSet<&'a str>,
}

impl<'a> Keys<'a> {
    /// Collects the keys. Only the first item of each list is read, because the others have the same keys.
    pub(crate) fn of(document: &'a Value) -> Self {
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
    use super::*;
    use crate::awscli::python;

    const SUMMARY: &str = r#"{"SummaryMap": {"Users": 3, "Groups": 1, "AccountMFAEnabled": 0, "Roles": 1}, "s": "x", "l": [[1, 2], [3], 4, null]}"#;

    fn search(expression: &str) -> Result<String, String> {
        let value: Value = serde_json::from_str(SUMMARY).unwrap();
        Query::compile(expression)
            .map_err(|bad| bad.in_full)?
            .search(&value)
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
            ("a[", "a[\n"),
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
            ("a.{b: [c, d[::0]]}", "a slice can't have step 0", 15),
        ] {
            let bad = Query::compile_strictly(expression).unwrap_err();
            assert!(bad.cause.starts_with(words), "{expression}: {}", bad.cause);
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
        for step in ["a.", "a|", "a||", "a&&", "a==", "a<"] {
            assert!(search(&(step.repeat(30_000) + "a")).is_err(), "{step}");
        }
        // The stack is as large as that of the program, because the stack of a test's thread is smaller.
        let deep = || search(&("s.".repeat(499) + "s"));
        let found = std::thread::Builder::new().stack_size(8 << 20).spawn(deep).unwrap().join().unwrap();
        assert_eq!(found, Ok("null".to_owned()));
        for step in ["a[0]", "[", "(", "!", "&", "[*]", "[]"] {
            let (Ok(_) | Err(_)) = search(&step.repeat(199));
            assert!(search(&step.repeat(30_000)).is_err(), "{step}");
        }
    }
}
