//! `--output text`: lines of cells with tabs between them, keys in alphabetical order (awscli 1.46, `text.py`).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::python::{self, is_scalar};

/// Formats a value as text.
///
/// # Errors
///
/// When a list has both objects and other items. The error is the message of the AWS CLI.
pub(crate) fn format(value: &Value) -> Result<String, String> {
    let mut lines = String::new();
    write(value, None, None, &mut lines)?;
    Ok(lines)
}

/// Writes a value. `label` is the value's key. If the value is an object in a list, `columns` are the keys that have a scalar
/// value in at least one object of the list.
fn write(value: &Value, label: Option<&str>, columns: Option<&BTreeSet<&str>>, to: &mut String) -> Result<(), String> {
    match value {
        Value::Object(entries) => write_object(entries, label, columns, to),
        Value::Array(items) => write_array(items, label, to),
        scalar => {
            write_line(&[python::text(scalar)], to);
            Ok(())
        }
    }
}

fn write_array(items: &[Value], label: Option<&str>, to: &mut String) -> Result<(), String> {
    if items.iter().any(Value::is_object) {
        if let Some(odd) = items.iter().find(|item| !item.is_object()) {
            return Err(format!("'{}' object has no attribute 'items'", python::type_name(odd)));
        }
        let entries = items.iter().filter_map(Value::as_object).flatten();
        let columns = entries.filter(|(_, value)| is_scalar(value)).map(|(key, _)| key.as_str()).collect();
        return items.iter().try_for_each(|item| write(item, label, Some(&columns), to));
    }
    let (scalars, lists): (Vec<&Value>, Vec<&Value>) = items.iter().partition(|item| is_scalar(item));
    let cells: Vec<String> = scalars.into_iter().map(python::text).collect();
    match label {
        Some(label) => cells.into_iter().for_each(|cell| write_line(&[label.to_uppercase(), cell], to)),
        None if cells.is_empty() => {}
        None => write_line(&cells, to),
    }
    lists.into_iter().try_for_each(|list| write(list, label, None, to))
}

fn write_object(
    entries: &Map<String, Value>,
    label: Option<&str>,
    columns: Option<&BTreeSet<&str>>,
    to: &mut String,
) -> Result<(), String> {
    let keys: BTreeSet<&str> = entries.keys().map(String::as_str).collect();
    let is_cell = |key: &str| columns.map_or_else(|| is_scalar(&entries[key]), |columns| columns.contains(key));
    let cells = columns.unwrap_or(&keys).iter().filter(|key| is_cell(key));
    let mut cells: Vec<String> = cells.map(|key| entries.get(*key).map_or_else(String::new, python::text)).collect();
    if !cells.is_empty() {
        if let Some(label) = label {
            cells.insert(0, label.to_uppercase());
        }
        write_line(&cells, to);
    }
    keys.into_iter().filter(|key| !is_cell(key)).try_for_each(|key| write(&entries[key], Some(key), None, to))
}

fn write_line(cells: &[String], to: &mut String) {
    to.push_str(&cells.join("\t"));
    to.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The right column is what awscli 1.46.3 prints (`awscli.text.format_text`).
    #[test]
    fn values_are_printed_as_by_the_aws_cli() {
        for (json, text) in [
            ("null", "None\n"),
            ("3", "3\n"),
            ("1.50", "1.5\n"),
            ("true", "True\n"),
            ("\"a\\tb\"", "a\tb\n"),
            ("[]", ""),
            ("{}", ""),
            ("[1, null, \"x\"]", "1\tNone\tx\n"),
            ("[1, [2, 3], [], [[4]]]", "1\n2\t3\n4\n"),
            ("{\"b\": 1, \"a\": 2}", "2\t1\n"),
            ("{\"map\": {\"Users\": 3, \"Groups\": 1}}", "MAP\t1\t3\n"),
            ("{\"b\": [1, 2], \"a\": {\"x\": [{\"y\": 1}]}, \"c\": 5}", "5\nX\t1\nB\t1\nB\t2\n"),
            ("[{\"a\": 1}, {\"b\": 2, \"c\": [3]}]", "1\t\n\t2\nC\t3\n"),
            ("[{\"a\": [1]}, {\"a\": 2}]", "[1]\n2\n"),
        ] {
            assert_eq!(format(&serde_json::from_str(json).unwrap()), Ok(text.to_owned()), "{json}");
        }
        let mixed = serde_json::from_str(r#"[{"a": 1}, 2]"#).unwrap();
        assert_eq!(format(&mixed), Err("'int' object has no attribute 'items'".to_owned()));
    }
}
