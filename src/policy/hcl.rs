//! Writes JSON documents as HCL, the language of Terraform, in the layout of `terraform fmt`.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// The key of an object that stands for an expression. No policy document has such a key.
const EXPRESSION: &str = "${}";

/// Returns a value that is written as this expression, such as `var.external_id`, and not as a text.
pub(super) fn expression(text: &str) -> Value {
    json!({ EXPRESSION: text })
}

/// Returns a value that is written as the JSON text of a document.
pub(super) fn json_of(document: &Value) -> Value {
    expression(&format!("jsonencode({})", value(document, 1)))
}

/// Returns a block: its type and labels, and its attributes in order.
pub(super) fn block(header: &str, attributes: &[(&str, Value)]) -> String {
    let attributes: Vec<(String, String)> =
        attributes.iter().map(|(name, content)| ((*name).to_owned(), value(content, 1))).collect();
    format!("{header} {{\n{}}}\n", assignments(&attributes, 1))
}

/// Returns a comment, which can have several lines.
pub(super) fn comment(text: &str) -> String {
    text.lines().fold(String::new(), |mut comment, line| {
        let _ = writeln!(comment, "# {line}");
        comment
    })
}

/// Returns a value whose first line is indented already. `depth` is the depth of this line.
fn value(of: &Value, depth: usize) -> String {
    match of {
        Value::String(text) => quoted(text),
        Value::Array(items) => list(items, depth),
        Value::Object(members) => match members.get(EXPRESSION) {
            Some(Value::String(expression)) => expression.clone(),
            _ => object(members, depth),
        },
        Value::Null | Value::Bool(_) | Value::Number(_) => of.to_string(),
    }
}

/// Returns a list: of one scalar in one line, and of more with an item a line.
fn list(items: &[Value], depth: usize) -> String {
    match items {
        [] => "[]".to_owned(),
        [only] if !only.is_object() && !only.is_array() => format!("[{}]", value(only, depth)),
        items => {
            let lines = items.iter().fold(String::new(), |mut lines, item| {
                let _ = writeln!(lines, "{}{},", indent(depth + 1), value(item, depth + 1));
                lines
            });
            format!("[\n{lines}{}]", indent(depth))
        }
    }
}

fn object(members: &Map<String, Value>, depth: usize) -> String {
    if members.is_empty() {
        return "{}".to_owned();
    }
    let name = |key: &str| if is_identifier(key) { key.to_owned() } else { quoted(key) };
    let members: Vec<(String, String)> =
        members.iter().map(|(key, member)| (name(key), value(member, depth + 1))).collect();
    format!("{{\n{}{}}}", assignments(&members, depth + 1), indent(depth))
}

/// Returns a line for each assignment. As `terraform fmt` does, aligns the signs of neighbours that have one line each.
fn assignments(all: &[(String, String)], depth: usize) -> String {
    let mut lines = String::new();
    let has_one_line = |(_, content): &(String, String)| !content.contains('\n');
    for group in all.chunk_by(|one, other| has_one_line(one) && has_one_line(other)) {
        let width = group.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
        for (name, content) in group {
            let _ = writeln!(lines, "{}{name:width$} = {content}", indent(depth));
        }
    }
    lines
}

fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}

/// Whether a key needs no quotes.
fn is_identifier(key: &str) -> bool {
    key.starts_with(|first: char| first.is_ascii_alphabetic())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Returns a text in quotes. `${` and `%{` begin a template in HCL, so they are doubled: `${aws:PrincipalOrgID}` must stay as it is.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '$' | '%' if characters.peek() == Some(&'{') => quoted.extend([character, character]),
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_no_templates() {
        for (text, expected) in [
            ("plain", r#""plain""#),
            ("${aws:PrincipalOrgID}", r#""$${aws:PrincipalOrgID}""#),
            ("%{if}", r#""%%{if}""#),
            ("$ {a} 5% $$", r#""$ {a} 5% $$""#),
            ("\"a\\b\"\n\t\u{1}", r#""\"a\\b\"\n\t\u0001""#),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn blocks_have_the_layout_of_terraform_fmt() {
        let document = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Action": ["sts:AssumeRole"],
                "Resource": ["a", "b"],
                "Condition": {"StringEquals": {"aws:ResourceOrgID": "${aws:PrincipalOrgID}", "x": expression("var.id")}},
            }],
            "None": {},
        });
        let attributes = [("name", json!("n")), ("max_session_duration", json!(3600)), ("policy", json_of(&document))];
        let expected = r#"resource "aws_iam_role" "r" {
  name                 = "n"
  max_session_duration = 3600
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect = "Allow"
        Action = ["sts:AssumeRole"]
        Resource = [
          "a",
          "b",
        ]
        Condition = {
          StringEquals = {
            "aws:ResourceOrgID" = "$${aws:PrincipalOrgID}"
            x                   = var.id
          }
        }
      },
    ]
    None = {}
  })
}
"#;
        assert_eq!(block("resource \"aws_iam_role\" \"r\"", &attributes), expected);
    }
}
