//! Formats a query's result for stdout, in each format of `--output`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::csv;
use super::format::{DocumentFormat, write_json, write_json_lines};
use crate::awscli::output::{TableStyle, table, text};
use crate::python::compact_json;
use crate::sanitize::{for_cell, for_terminal};

/// The advice if the format can't show the result.
const INSTEAD: &str = "select texts and numbers of each account, as in accounts[].{id: account_id, outcome: outcome}, or use \
                       --output json";

/// Formats a result. `title` is the title of a table, which is at most `width` columns wide.
///
/// # Errors
///
/// When the format can't show the result.
pub(crate) fn print(
    result: Cow<'_, Value>,
    format: DocumentFormat,
    title: &str,
    width: usize,
) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let written = match format {
        DocumentFormat::Json => write_json(&result, &mut bytes),
        DocumentFormat::Jsonl => {
            let items = result.as_array().map_or(std::slice::from_ref(result.as_ref()), Vec::as_slice);
            write_json_lines(items, &mut bytes)
        }
        DocumentFormat::Csv => csv::write_texts(rows(&result)?, &mut bytes),
        DocumentFormat::Text => {
            return text(&escaped(result.into_owned()))
                .map(String::into_bytes)
                .map_err(|_| format!("text can't show a list of objects and other values: {INSTEAD}"));
        }
        DocumentFormat::Table => {
            // For a single value, the AWS CLI draws only the title, and for the value 0 nothing at all. So a single value is
            // drawn as a list of one item here.
            let result = match result.into_owned() {
                nested @ (Value::Array(_) | Value::Object(_)) => nested,
                single => Value::Array(vec![single]),
            };
            return table(&escaped(result), title, TableStyle { color: false, width })
                .map(String::into_bytes)
                .map_err(|_| format!("the result of the query is too uneven for a table: {INSTEAD}"));
        }
        DocumentFormat::Markdown | DocumentFormat::Html => {
            return Err("the result of a query has no such format".to_owned());
        }
    };
    written.map(|()| bytes).map_err(|error| error.to_string())
}

/// Escapes the characters that could harm a terminal. It escapes them in every text and every key of the value.
fn escaped(value: Value) -> Value {
    match value {
        Value::String(text) => for_terminal(&text).into(),
        Value::Array(items) => items.into_iter().map(escaped).collect(),
        Value::Object(entries) => {
            entries.into_iter().map(|(key, value)| (for_terminal(&key).into_owned(), escaped(value))).collect()
        }
        other => other,
    }
}

/// Returns the rows of a list of flat objects, with a header, or of a list of flat lists, without a header. A single object is
/// one row.
fn rows(result: &Value) -> Result<Vec<Vec<String>>, String> {
    let items = match result {
        Value::Array(items) => items.as_slice(),
        Value::Object(_) => std::slice::from_ref(result),
        Value::Null => return Err(not_csv("null, the result of a query that finds nothing")),
        _ => return Err(not_csv("a single value")),
    };
    let objects: Vec<&Map<String, Value>> = items.iter().filter_map(Value::as_object).collect();
    if objects.is_empty() {
        let lists: Option<Vec<&Vec<Value>>> = items.iter().map(Value::as_array).collect();
        let lists = lists.ok_or_else(|| not_csv("a list of single values"))?;
        if lists.windows(2).any(|pair| pair[0].len() != pair[1].len()) {
            return Err(not_csv("a list of lists of different lengths"));
        }
        let lists = lists.into_iter().filter(|cells| !cells.is_empty());
        return lists.map(|cells| cells.iter().map(cell).collect()).collect();
    }
    if objects.len() < items.len() {
        return Err(not_csv("a list of objects and other values"));
    }
    let mut header: Vec<&String> = Vec::new();
    for key in objects.iter().flat_map(|entries| entries.keys()) {
        if !header.contains(&key) {
            header.push(key);
        }
    }
    if header.is_empty() {
        return Ok(Vec::new());
    }
    let names = header.iter().map(|key| for_cell(key).into_owned()).collect();
    let rows = objects
        .iter()
        .map(|entries| header.iter().map(|key| entries.get(*key).map_or(Ok(String::new()), cell)).collect());
    std::iter::once(Ok(names)).chain(rows).collect()
}

fn cell(value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(for_cell(text).into_owned()),
        Value::Bool(_) | Value::Number(_) => Ok(compact_json(value)),
        Value::Array(_) | Value::Object(_) => Err(not_csv("a nested value")),
    }
}

fn not_csv(what: &str) -> String {
    format!("CSV can't show {what}: {INSTEAD}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(json: &str, format: DocumentFormat) -> Result<String, String> {
        let found = serde_json::from_str(json).unwrap();
        print(Cow::Owned(found), format, "T", 80).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    const FORMATS: [DocumentFormat; 5] =
        [DocumentFormat::Table, DocumentFormat::Text, DocumentFormat::Json, DocumentFormat::Jsonl, DocumentFormat::Csv];

    #[test]
    fn results_are_printed_in_every_format() {
        // Each row has the result, and its form as text, JSON lines and CSV. `-` stands for a format that can't show the result.
        for (json, text, lines, csv) in [
            ("null", "None\n", "null\n", "-"),
            ("0", "0\n", "0\n", "-"),
            ("1.5", "1.5\n", "1.5\n", "-"),
            ("true", "True\n", "true\n", "-"),
            (r#""a b""#, "a b\n", "\"a b\"\n", "-"),
            ("[]", "", "", ""),
            ("{}", "", "{}\n", ""),
            ("[[],[]]", "", "[]\n[]\n", ""),
            ("[1,null,\"x\"]", "1\tNone\tx\n", "1\nnull\n\"x\"\n", "-"),
            ("[[1,null],[\"x\",true]]", "1\tNone\nx\tTrue\n", "[1,null]\n[\"x\",true]\n", "1,\nx,true\n"),
            ("[[1,2],[3]]", "1\t2\n3\n", "[1,2]\n[3]\n", "-"),
            ("[[1,[2]]]", "1\n2\n", "[1,[2]]\n", "-"),
            (r#"{"b":1,"a":null}"#, "None\t1\n", "{\"b\":1,\"a\":null}\n", "b,a\n1,\n"),
            (
                r#"[{"b":1,"a":2.5},{"c":"x"}]"#,
                "2.5\t1\t\n\t\tx\n",
                "{\"b\":1,\"a\":2.5}\n{\"c\":\"x\"}\n",
                "b,a,c\n1,2.5,\n,,x\n",
            ),
            (r#"[{"b":[1]}]"#, "B\t1\n", "{\"b\":[1]}\n", "-"),
            (r#"[{"a":1},2]"#, "-", "{\"a\":1}\n2\n", "-"),
        ] {
            for (format, expected) in
                [(DocumentFormat::Text, text), (DocumentFormat::Jsonl, lines), (DocumentFormat::Csv, csv)]
            {
                match printed(json, format) {
                    Ok(text) => assert_eq!(text, expected, "{json} as {format:?}"),
                    Err(cause) => {
                        assert!(expected == "-" && cause.contains("--output json"), "{json} as {format:?}: {cause}");
                    }
                }
            }
            let pretty = printed(json, DocumentFormat::Json).unwrap();
            let again = |json: &str| serde_json::from_str::<Value>(json).unwrap();
            assert_eq!(again(&pretty), again(json));
        }
    }

    #[test]
    fn single_values_have_a_row_in_a_table() {
        assert_eq!(printed("0", DocumentFormat::Table).unwrap(), "-------\n|  T  |\n+-----+\n|  0  |\n+-----+\n");
        assert!(printed("null", DocumentFormat::Table).unwrap().contains("None"));
        assert_eq!(printed("[]", DocumentFormat::Table).unwrap(), "");
        assert!(printed(r#"[{"a":1},2]"#, DocumentFormat::Table).unwrap_err().contains("too uneven for a table"));
    }

    #[test]
    fn control_characters_are_escaped() {
        let hostile = r#"[{"=k\u001b": "=1+1\u202e\tx\ny"}, {"=k\u001b": "-2"}]"#;
        for format in FORMATS {
            let text = printed(hostile, format).unwrap();
            let is_json = matches!(format, DocumentFormat::Json | DocumentFormat::Jsonl);
            assert_eq!(text.contains("\u{202e}"), is_json, "{format:?}: {text}");
            let misleads = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
            assert!(!text.contains(misleads), "{format:?}: {text}");
            let lines = text.lines().count();
            match format {
                DocumentFormat::Text => assert_eq!((lines, text.contains('\t')), (2, false), "{text}"),
                DocumentFormat::Jsonl => assert_eq!(lines, 2, "{text}"),
                DocumentFormat::Csv => assert_eq!(text, "'=k\\u{1b}\n'=1+1\\u{202e}\\u{9}x\\u{a}y\n'-2\n"),
                _ => {}
            }
        }
    }
}
