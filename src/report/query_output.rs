//! This module owns how what a query found is printed, in each format of `--output`.

use std::borrow::Cow;

use super::csv;
use super::format::DocumentFormat;
use crate::awscli::jmespath::forms::{Look, table, text};
use crate::awscli::jmespath::value::Value;
use crate::sanitize::{for_cell, for_terminal};

/// What to type where the format can't show what was found.
const INSTEAD: &str = "select texts and numbers of each account, as in accounts[].{id: account_id, outcome: outcome}, or use \
                       --output json";

/// What stdout gets. `title` heads a table, which may be `width` columns wide.
///
/// # Errors
///
/// When what was found can't be shown in that format.
pub(crate) fn print(found: Cow<'_, Value>, form: DocumentFormat, title: &str, width: usize) -> Result<Vec<u8>, String> {
    let safe = |found: Cow<'_, Value>| found.into_owned().with_texts(&|text| for_terminal(text).into_owned());
    match form {
        DocumentFormat::Json => {
            let mut json = serde_json::to_vec_pretty(found.as_ref()).expect("keys are texts");
            json.push(b'\n');
            Ok(json)
        }
        DocumentFormat::Jsonl => {
            let mut lines = Vec::new();
            let found = found.as_ref();
            let items = if let Value::Array(items) = found { items.as_slice() } else { std::slice::from_ref(found) };
            for item in items {
                serde_json::to_writer(&mut lines, item).expect("keys are texts");
                lines.push(b'\n');
            }
            Ok(lines)
        }
        DocumentFormat::Text => text(&safe(found))
            .map(String::into_bytes)
            .map_err(|_| format!("a list of objects and other things has no form as text: {INSTEAD}")),
        DocumentFormat::Table => {
            // The AWS CLI draws nothing but the title of a value alone, and nothing at all of a zero.
            let found = if found.is_scalar() { Cow::Owned(Value::Array(vec![found.into_owned()])) } else { found };
            table(&safe(found), title, Look { color: false, width })
                .map(String::into_bytes)
                .map_err(|_| format!("what the query found is too uneven for a table: {INSTEAD}"))
        }
        DocumentFormat::Csv => {
            let mut lines = Vec::new();
            csv::write_texts(rows(&found)?, &mut lines).map_err(|error| error.to_string())?;
            Ok(lines)
        }
        DocumentFormat::Markdown | DocumentFormat::Html => Err("the result of a query has no such format".to_owned()),
    }
}

/// The rows of a list of flat objects, with a header, or of a list of flat lists, without one. An object alone is one row.
fn rows(found: &Value) -> Result<Vec<Vec<String>>, String> {
    let no_form = |what: &str| Err(format!("{what} has no form as CSV: {INSTEAD}"));
    let items = match found {
        Value::Array(items) => items.as_slice(),
        Value::Object(_) => std::slice::from_ref(found),
        Value::Null => return no_form("the query found nothing, and nothing"),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => return no_form("a value alone"),
    };
    let objects = items.iter().filter(|item| matches!(item, Value::Object(_))).count();
    if objects == 0 {
        let Some(lists) = items
            .iter()
            .map(|item| if let Value::Array(cells) = item { Some(cells) } else { None })
            .collect::<Option<Vec<_>>>()
        else {
            return no_form("a list of values alone");
        };
        if lists.windows(2).any(|pair| pair[0].len() != pair[1].len()) {
            return no_form("a list of lists of different lengths");
        }
        let lists = lists.into_iter().filter(|cells| !cells.is_empty());
        return lists.map(|cells| cells.iter().map(cell).collect()).collect();
    }
    if objects < items.len() {
        return no_form("a list of objects and other things");
    }
    let mut header: Vec<&str> = Vec::new();
    for (key, _) in items.iter().flat_map(entries) {
        if !header.contains(&key.as_str()) {
            header.push(key);
        }
    }
    if header.is_empty() {
        return Ok(Vec::new());
    }
    let rows =
        items.iter().map(|item| header.iter().map(|key| item.get(key).map_or(Ok(String::new()), cell)).collect());
    let names = header.iter().map(|key| for_cell(key).into_owned()).collect();
    std::iter::once(Ok(names)).chain(rows).collect()
}

fn entries(item: &Value) -> &[(String, Value)] {
    if let Value::Object(entries) = item { entries } else { &[] }
}

fn cell(value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(for_cell(text).into_owned()),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => Ok(value.compact_json()),
        Value::Array(_) | Value::Object(_) => Err(format!("what is nested has no form as CSV: {INSTEAD}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(json: &str, form: DocumentFormat) -> Result<String, String> {
        let found = serde_json::from_str(json).unwrap();
        print(Cow::Owned(found), form, "T", 80).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    const FORMS: [DocumentFormat; 5] =
        [DocumentFormat::Table, DocumentFormat::Text, DocumentFormat::Json, DocumentFormat::Jsonl, DocumentFormat::Csv];

    #[test]
    fn what_is_found_is_printed_in_every_format() {
        // What was found; text, JSON lines, CSV. `-` stands for a format that has no form for it.
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
            for (form, expected) in
                [(DocumentFormat::Text, text), (DocumentFormat::Jsonl, lines), (DocumentFormat::Csv, csv)]
            {
                match printed(json, form) {
                    Ok(text) => assert_eq!(text, expected, "{json} as {form:?}"),
                    Err(cause) => {
                        assert!(expected == "-" && cause.contains("--output json"), "{json} as {form:?}: {cause}");
                    }
                }
            }
            let pretty = printed(json, DocumentFormat::Json).unwrap();
            let again = |json: &str| serde_json::from_str::<Value>(json).unwrap();
            assert_eq!(again(&pretty), again(json));
        }
    }

    #[test]
    fn a_value_alone_is_seen_in_its_table_too() {
        assert_eq!(printed("0", DocumentFormat::Table).unwrap(), "-------\n|  T  |\n+-----+\n|  0  |\n+-----+\n");
        assert!(printed("null", DocumentFormat::Table).unwrap().contains("None"));
        assert_eq!(printed("[]", DocumentFormat::Table).unwrap(), "");
        assert!(printed(r#"[{"a":1},2]"#, DocumentFormat::Table).unwrap_err().contains("too uneven for a table"));
    }

    #[test]
    fn what_misleads_is_harmless_except_in_json() {
        let hostile = r#"[{"=k\u001b": "=1+1\u202e\tx\ny"}, {"=k\u001b": "-2"}]"#;
        for form in FORMS {
            let text = printed(hostile, form).unwrap();
            let is_json = matches!(form, DocumentFormat::Json | DocumentFormat::Jsonl);
            assert_eq!(text.contains("\u{202e}"), is_json, "{form:?}: {text}");
            let misleads = |character: char| character.is_control() && !matches!(character, '\n' | '\t');
            assert!(!text.contains(misleads), "{form:?}: {text}");
            let lines = text.lines().count();
            match form {
                DocumentFormat::Text => assert_eq!((lines, text.contains('\t')), (2, false), "{text}"),
                DocumentFormat::Jsonl => assert_eq!(lines, 2, "{text}"),
                DocumentFormat::Csv => assert_eq!(text, "'=k\\u{1b}\n'=1+1\\u{202e}\\u{9}x\\u{a}y\n'-2\n"),
                _ => {}
            }
        }
    }
}
