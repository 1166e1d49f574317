//! This module owns `--output text`: lines of cells with tabs between them, keys in alphabetical order (awscli 1.46, `text.py`).

use std::collections::BTreeSet;

use crate::awscli::jmespath::value::Value;

/// Writes a value.
///
/// # Errors
///
/// When a list holds objects and other things: the AWS CLI's words.
pub(crate) fn format(value: &Value) -> Result<String, String> {
    let mut lines = String::new();
    write(value, None, None, &mut lines)?;
    Ok(lines)
}

fn write(value: &Value, label: Option<&str>, keys: Option<&[&str]>, to: &mut String) -> Result<(), String> {
    match value {
        Value::Object(entries) => write_object(entries, label, keys, to),
        Value::Array(items) => write_array(items, label, to),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {
            to.push_str(&value.text());
            to.push('\n');
            Ok(())
        }
    }
}

fn write_array(items: &[Value], label: Option<&str>, to: &mut String) -> Result<(), String> {
    if items.iter().any(|item| matches!(item, Value::Object(_))) {
        if let Some(odd) = items.iter().find(|item| !matches!(item, Value::Object(_))) {
            return Err(format!("'{}' object has no attribute 'items'", odd.python_type()));
        }
        // All objects of a list have the same columns.
        let entries =
            items.iter().filter_map(|item| if let Value::Object(entries) = item { Some(entries) } else { None });
        let keys: BTreeSet<&str> =
            entries.flatten().filter(|(_, value)| value.is_scalar()).map(|(key, _)| key.as_str()).collect();
        let keys: Vec<&str> = keys.into_iter().collect();
        for item in items {
            write(item, label, Some(&keys), to)?;
        }
        return Ok(());
    }
    let (scalars, lists): (Vec<&Value>, Vec<&Value>) = items.iter().partition(|item| item.is_scalar());
    match label {
        Some(label) => {
            for item in scalars {
                line(to, &[label.to_uppercase(), item.text()]);
            }
        }
        None if scalars.is_empty() => {}
        None => line(to, &scalars.iter().map(|item| item.text()).collect::<Vec<_>>()),
    }
    for item in lists {
        write(item, label, None, to)?;
    }
    Ok(())
}

fn write_object(
    entries: &[(String, Value)],
    label: Option<&str>,
    keys: Option<&[&str]>,
    to: &mut String,
) -> Result<(), String> {
    let mut sorted: Vec<&(String, Value)> = entries.iter().collect();
    sorted.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut cells: Vec<String> = match keys {
        Some(keys) => {
            let cell = |key: &&str| {
                sorted.iter().find(|(name, _)| name == key).map_or_else(String::new, |(_, value)| value.text())
            };
            keys.iter().map(cell).collect()
        }
        None => sorted.iter().filter(|(_, value)| value.is_scalar()).map(|(_, value)| value.text()).collect(),
    };
    if !cells.is_empty() {
        if let Some(label) = label {
            cells.insert(0, label.to_uppercase());
        }
        line(to, &cells);
    }
    let is_cell = |key: &str, value: &Value| keys.map_or_else(|| value.is_scalar(), |keys| keys.contains(&key));
    for (key, value) in sorted.into_iter().filter(|(key, value)| !is_cell(key, value)) {
        write(value, Some(key), None, to)?;
    }
    Ok(())
}

fn line(to: &mut String, cells: &[String]) {
    to.push_str(&cells.join("\t"));
    to.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The right column is what awscli 1.46.3 prints (`awscli.text.format_text`).
    #[test]
    fn values_are_written_as_by_the_aws_cli() {
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
