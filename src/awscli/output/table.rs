//! `--output table`: which part of a value goes into which section of a table (awscli 1.46, `formatter.py`).

mod draw;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::python::{self, is_scalar};
use draw::Section;

pub(crate) use draw::TableStyle;

/// Draws a value as a table under a title. A value that is false in Python gives an empty text.
///
/// # Errors
///
/// When the value is too irregular for a table. The error is the message of the AWS CLI.
pub(crate) fn format(value: &Value, title: &str, style: TableStyle) -> Result<String, String> {
    let mut table = Table::default();
    table.build(Some(title), value, 0)?;
    Ok(if table.0.is_empty() { String::new() } else { draw::draw(table.0, style) })
}

#[derive(Default)]
struct Table(Vec<Section>);

impl Table {
    fn build(&mut self, title: Option<&str>, value: &Value, indent: usize) -> Result<(), String> {
        if !python::is_truthy(value) {
            return Ok(());
        }
        if let Some(title) = title {
            self.0.push(Section::new(title, indent));
        }
        match value {
            Value::Object(entries) => self.object(entries, indent),
            Value::Array(items) if items[0].is_object() => self.objects(items, title, indent),
            Value::Array(items) => items.iter().try_for_each(|item| self.item(item)),
            // For a scalar, only the title is drawn.
            _ => Ok(()),
        }
    }

    fn section(&mut self) -> &mut Section {
        self.0.last_mut().expect("the title begins the first section")
    }

    /// Adds an item of a list that does not begin with an object.
    fn item(&mut self, item: &Value) -> Result<(), String> {
        match item {
            Value::Array(cells) if cells.iter().all(is_scalar) => {
                self.section().add_row(cells.iter().map(python::text).collect())
            }
            Value::Array(_) => self.build(None, item, 0),
            // As in Python, the items of an object are its keys.
            Value::Object(entries) => self.section().add_row(entries.keys().cloned().collect()),
            scalar => self.section().add_row(vec![python::text(scalar)]),
        }
    }

    fn object(&mut self, entries: &Map<String, Value>, indent: usize) -> Result<(), String> {
        let (headers, nested) = keys_of(entries);
        let cells = headers.iter().map(|key| python::text(&entries[*key]));
        if headers.len() == 1 {
            // A single key with a scalar value becomes one row, without headers.
            let row = headers.iter().map(|&key| key.to_owned()).chain(cells).collect();
            self.section().add_row(row)?;
        } else if !headers.is_empty() {
            let row = cells.collect();
            self.section().set_headers(&headers);
            self.section().add_row(row)?;
        }
        nested.into_iter().try_for_each(|key| self.build(Some(key), &entries[key], indent + 1))
    }

    fn objects(&mut self, items: &[Value], title: Option<&str>, indent: usize) -> Result<(), String> {
        let (mut headers, mut nested) = (BTreeSet::new(), BTreeSet::new());
        for item in items {
            let entries =
                item.as_object().ok_or_else(|| format!("'{}' object is not iterable", python::type_name(item)))?;
            let (scalars, others) = keys_of(entries);
            headers.extend(scalars);
            nested.extend(others);
        }
        self.section().set_headers(&headers);
        for (number, item) in items.iter().enumerate() {
            if number > 0 && !nested.is_empty() {
                self.0.push(Section::new(title.unwrap_or_default(), indent));
                self.section().set_headers(&headers);
            }
            let cell = |key: &&str| item.get(key).map_or_else(String::new, python::text);
            self.section().add_row(headers.iter().map(cell).collect())?;
            for key in &nested {
                if let Some(value) = item.get(key) {
                    self.build(Some(key), value, indent + 1)?;
                }
            }
        }
        Ok(())
    }
}

/// The keys of scalar values, and the keys of other values, both sorted.
fn keys_of(entries: &Map<String, Value>) -> (BTreeSet<&str>, BTreeSet<&str>) {
    entries.keys().map(String::as_str).partition(|key| is_scalar(&entries[*key]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: TableStyle = TableStyle { color: false, width: 80 };

    fn table(json: &str, style: TableStyle) -> Result<String, String> {
        format(&serde_json::from_str(json).unwrap(), "T", style)
    }

    /// The tables were printed by awscli 1.46.3 (`awscli.formatter.TableFormatter`).
    #[test]
    fn values_are_drawn_as_by_the_aws_cli() {
        for (json, drawn) in [
            ("null", ""),
            ("{}", ""),
            ("0", ""),
            ("3", "---\n|T|\n+-+\n"),
            ("[1, null]", "----------\n|    T   |\n+--------+\n|  1     |\n|  None  |\n+--------+\n"),
            (
                r#"{"a": 1}"#,
                concat!("------------\n", "|     T    |\n", "+----+-----+\n", "|  a |  1  |\n", "+----+-----+\n",),
            ),
            (
                r#"{"a": 1, "b": "xx"}"#,
                concat!(
                    "-------------\n",
                    "|     T     |\n",
                    "+----+------+\n",
                    "|  a |  b   |\n",
                    "+----+------+\n",
                    "|  1 |  xx  |\n",
                    "+----+------+\n",
                ),
            ),
            (
                r#"[{"a": 1, "m": {"k": 2}}, {"a": 3, "l": [5]}]"#,
                concat!(
                    "--------------\n",
                    "|      T     |\n",
                    "+------------+\n",
                    "|      a     |\n",
                    "+------------+\n",
                    "|  1         |\n",
                    "+------------+\n",
                    "||     m    ||\n",
                    "|+----+-----+|\n",
                    "||  k |  2  ||\n",
                    "|+----+-----+|\n",
                    "|      T     |\n",
                    "+------------+\n",
                    "|      a     |\n",
                    "+------------+\n",
                    "|  3         |\n",
                    "+------------+\n",
                    "||     l    ||\n",
                    "|+----------+|\n",
                    "||  5       ||\n",
                    "|+----------+|\n",
                ),
            ),
            (
                r#"[[1, 2], [3, "x東"]]"#,
                concat!(
                    "--------------\n",
                    "|      T     |\n",
                    "+----+-------+\n",
                    "|  1 |  2    |\n",
                    "|  3 |  x東  |\n",
                    "+----+-------+\n",
                ),
            ),
            (
                r#"{"x": {"y": {"z": 1, "w": [1]}}}"#,
                concat!(
                    "----------------\n",
                    "|       T      |\n",
                    "+--------------+\n",
                    "||      x     ||\n",
                    "|+------------+|\n",
                    "|||     y    |||\n",
                    "||+----+-----+||\n",
                    "|||  z |  1  |||\n",
                    "||+----+-----+||\n",
                    "||||    w   ||||\n",
                    "|||+--------+|||\n",
                    "||||  1     ||||\n",
                    "|||+--------+|||\n",
                ),
            ),
            (
                r#"[1, {"a": 2}]"#,
                concat!("-------\n", "|  T  |\n", "+-----+\n", "|  1  |\n", "|  a  |\n", "+-----+\n",),
            ),
            ("[[[1], 2]]", concat!("-------\n", "|  T  |\n", "+-----+\n", "|  1  |\n", "|  2  |\n", "+-----+\n",)),
            ("[[], []]", concat!("---\n", "|T|\n",)),
        ] {
            assert_eq!(table(json, PLAIN), Ok(drawn.to_owned()), "{json}\n{}", table(json, PLAIN).unwrap_or_default());
        }
    }

    #[test]
    fn wide_tables_are_turned_on_their_side() {
        let json = r#"{"m": {"Aaaaaaaaaa": 1, "Bbbbbbbbbb": 2}}"#;
        let upright = table(json, PLAIN).unwrap();
        assert!(upright.contains("|| Aaaaaaaaaa  | Bbbbbbbbbb   ||\n|+--"), "{upright}");
        let narrow = table(json, TableStyle { color: false, width: 30 }).unwrap();
        assert!(narrow.contains("||  Aaaaaaaaaa |  1  ||\n||  Bbbbbbbbbb |  2  ||"), "{narrow}");
    }

    #[test]
    fn uneven_values_have_the_errors_of_python() {
        assert_eq!(table("[{\"a\": 1}, 2]", PLAIN), Err("'int' object is not iterable".to_owned()));
        assert_eq!(table("[[1, 2], [3]]", PLAIN), Err("Row should have 2 elements, instead it has 1".to_owned()));
    }
}
