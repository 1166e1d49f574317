//! This module owns `--output table`: what of a result goes into which section of a table (awscli 1.46, `formatter.py`).

mod draw;

use std::collections::BTreeSet;

use super::Look;
use crate::awscli::jmespath::value::Value;
use draw::Section;

/// Draws a value. Nothing is drawn of what Python takes for false.
///
/// # Errors
///
/// When it is too uneven: the AWS CLI's words.
pub(crate) fn format(value: &Value, title: &str, look: Look) -> Result<String, String> {
    let mut table = Table::default();
    if table.build(Some(title), value, 0)? { Ok(draw::draw(table.sections, look)) } else { Ok(String::new()) }
}

#[derive(Default)]
struct Table {
    sections: Vec<Section>,
}

impl Table {
    fn build(&mut self, title: Option<&str>, value: &Value, indent: usize) -> Result<bool, String> {
        if !value.is_truthy() {
            return Ok(false);
        }
        if let Some(title) = title {
            self.sections.push(Section::new(title, indent));
        }
        match value {
            Value::Object(entries) => self.object(entries, indent)?,
            Value::Array(items) if matches!(items[0], Value::Object(_)) => self.objects(items, title, indent)?,
            Value::Array(items) => items.iter().try_for_each(|item| self.item(item))?,
            // A value alone has nothing but its title.
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Float(_) | Value::String(_) => {}
        }
        Ok(true)
    }

    fn section(&mut self) -> &mut Section {
        self.sections.last_mut().expect("the first section comes with the title")
    }

    /// One of several values that are not objects with the same keys.
    fn item(&mut self, item: &Value) -> Result<(), String> {
        match item {
            Value::Array(cells) if cells.iter().all(Value::is_scalar) => {
                self.section().add_row(cells.iter().map(Value::text).collect())
            }
            Value::Array(_) => self.build(None, item, 0).map(drop),
            // Python goes through an object's keys.
            Value::Object(entries) => self.section().add_row(entries.iter().map(|(key, _)| key.clone()).collect()),
            scalar => self.section().add_row(vec![scalar.text()]),
        }
    }

    fn object(&mut self, entries: &[(String, Value)], indent: usize) -> Result<(), String> {
        let (headers, more) = keys_of(entries);
        let cell = |key: &str| entries.iter().find(|(name, _)| name == key).map(|(_, value)| value);
        let cells =
            |keys: &BTreeSet<&str>| keys.iter().filter_map(|key| cell(key)).map(Value::text).collect::<Vec<_>>();
        match headers.first() {
            None => {}
            // A single pair stands in a row.
            Some(only) if headers.len() == 1 => {
                let row = std::iter::once((*only).to_owned()).chain(cells(&headers)).collect();
                self.section().add_row(row)?;
            }
            Some(_) => {
                self.section().set_headers(&headers);
                self.section().add_row(cells(&headers))?;
            }
        }
        for key in more {
            self.build(Some(key), cell(key).expect("it is a key of this object"), indent + 1)?;
        }
        Ok(())
    }

    fn objects(&mut self, items: &[Value], title: Option<&str>, indent: usize) -> Result<(), String> {
        let (mut headers, mut more) = (BTreeSet::new(), BTreeSet::new());
        for item in items {
            let Value::Object(entries) = item else {
                return Err(format!("'{}' object is not iterable", item.python_type()));
            };
            let (scalars, others) = keys_of(entries);
            headers.extend(scalars);
            more.extend(others);
        }
        self.section().set_headers(&headers);
        for (number, item) in items.iter().enumerate() {
            if number > 0 && !more.is_empty() {
                self.sections.push(Section::new(title.unwrap_or_default(), indent));
                self.section().set_headers(&headers);
            }
            let cell = |key: &&str| item.get(key).map_or_else(String::new, Value::text);
            self.section().add_row(headers.iter().map(cell).collect())?;
            for key in &more {
                if let Some(value) = item.get(key) {
                    self.build(Some(key), value, indent + 1)?;
                }
            }
        }
        Ok(())
    }
}

/// The keys with scalars behind them, and the others, both sorted.
fn keys_of(entries: &[(String, Value)]) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let names =
        |scalar| entries.iter().filter(move |(_, value)| value.is_scalar() == scalar).map(|(key, _)| key.as_str());
    (names(true).collect(), names(false).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Look = Look { color: false, width: 80 };

    fn table(json: &str, look: Look) -> Result<String, String> {
        format(&serde_json::from_str(json).unwrap(), "T", look)
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
    fn a_table_that_is_too_wide_is_turned_on_its_side() {
        let json = r#"{"m": {"Aaaaaaaaaa": 1, "Bbbbbbbbbb": 2}}"#;
        let upright = table(json, PLAIN).unwrap();
        assert!(upright.contains("|| Aaaaaaaaaa  | Bbbbbbbbbb   ||\n|+--"), "{upright}");
        let narrow = table(json, Look { color: false, width: 30 }).unwrap();
        assert!(narrow.contains("||  Aaaaaaaaaa |  1  ||\n||  Bbbbbbbbbb |  2  ||"), "{narrow}");
    }

    #[test]
    fn what_can_not_be_drawn_is_refused_in_pythons_words() {
        assert_eq!(table("[{\"a\": 1}, 2]", PLAIN), Err("'int' object is not iterable".to_owned()));
        assert_eq!(table("[[1, 2], [3]]", PLAIN), Err("Row should have 2 elements, instead it has 1".to_owned()));
    }
}
