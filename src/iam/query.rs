//! This module owns `--query`: JMESPath over the ordered values of this command.
//!
//! The grammar is that of the `jmespath` crate. Its evaluation is not used: its objects are sorted by key and its numbers are
//! floats, while the AWS CLI prints keys in their order and integers as integers.

mod evaluate;
mod functions;

use jmespath::ast::Ast;

use super::value::Value;

/// An expression.
#[derive(Clone, Debug)]
pub(super) struct Query(Ast);

/// How many brackets an expression may have.
const DEEPEST: usize = 200;

impl Query {
    /// Reads an expression.
    ///
    /// # Errors
    ///
    /// The AWS CLI's words.
    pub(super) fn compile(text: &str) -> Result<Self, String> {
        let refused = |detail: String| format!("Bad value for --query {text}: {detail}");
        if text.is_empty() {
            return Err(refused("Invalid JMESPath expression: cannot be empty.".to_owned()));
        }
        // The parser goes down one call for each level, and a deep enough expression would end the process.
        let depth = text.bytes().filter(|byte| b"([{!&".contains(byte)).count();
        if depth > DEEPEST {
            return Err(refused(format!("Invalid JMESPath expression: nested more than {DEEPEST} levels deep.")));
        }
        jmespath::parse(text).map(Self).map_err(|error| refused(error.to_string()))
    }

    /// Evaluates the expression.
    ///
    /// # Errors
    ///
    /// When a function does not exist or is given what it can't take: the words of Python's jmespath 1.1.
    pub(super) fn search(&self, value: &Value) -> Result<Value, String> {
        evaluate::evaluate(&self.0, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: &str = r#"{"SummaryMap": {"Users": 3, "Groups": 1, "AccountMFAEnabled": 0, "Roles": 1}, "s": "x", "l": [[1, 2], [3], 4, null]}"#;

    fn search(expression: &str) -> Result<String, String> {
        let value: Value = serde_json::from_str(SUMMARY).unwrap();
        Query::compile(expression)?.search(&value).map(|found| found.compact_json())
    }

    /// The right column is what Python's jmespath 1.1.0 finds.
    #[test]
    fn expressions_find_what_they_find_in_python() {
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
    fn what_can_not_be_found_is_said() {
        for (expression, words) in [
            ("", "Bad value for --query : Invalid JMESPath expression: cannot be empty."),
            ("a[", "Bad value for --query a[: "),
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
}
