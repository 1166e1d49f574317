//! Reads the texts in which Athena writes nested values: `{type=AssumedRole, arn=arn:aws:…, sessioncontext={…}}`.

use serde_json::{Map, Value};

/// How deeply values may be nested.
const DEEPEST: usize = 8;

/// Returns the value of a cell: an object if it is a struct of Athena, and else its text, which can be JSON.
pub(super) fn value(cell: &str) -> Value {
    let is_struct = cell.starts_with('{') && !cell.starts_with("{\"") && cell.ends_with('}') && cell.contains('=');
    if is_struct { parse(cell, DEEPEST) } else { Value::from(cell) }
}

/// Parses a struct. What can't be parsed stays a text.
fn parse(text: &str, deepest: usize) -> Value {
    let inner = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let Some(inner) = inner.filter(|_| deepest > 0) else { return Value::from(text) };
    let mut members = Map::new();
    for member in members_of(inner) {
        if let Some((name, value)) = member.split_once('=') {
            let value = if value == "null" { Value::Null } else { parse(value, deepest - 1) };
            members.insert(name.to_owned(), value);
        }
    }
    Value::Object(members)
}

/// Splits at commas outside braces that a name and `=` follow. Values, such as the names of sessions, can have commas, too.
fn members_of(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, character) in text.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                let next = text[at + 1..].strip_prefix(' ').unwrap_or("");
                let name = next.bytes().take_while(u8::is_ascii_alphanumeric).count();
                if name > 0 && next.as_bytes().get(name) == Some(&b'=') {
                    parts.push(&text[start..at]);
                    start = at + 2;
                }
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn structs_become_objects_and_other_cells_stay_texts() {
        for (cell, expected) in [
            ("sts.amazonaws.com", json!("sts.amazonaws.com")),
            (r#"{"roleArn":"x=y"}"#, json!(r#"{"roleArn":"x=y"}"#)),
            ("{}", json!("{}")),
            (
                "{roleArn=arn:aws:iam::1:role/x, roleSessionName=a,b=c, externalId=x}",
                json!({"roleArn": "arn:aws:iam::1:role/x", "roleSessionName": "a,b=c", "externalId": "x"}),
            ),
            (
                "{type=IAMUser, arn=arn:aws:iam::1:user/a=b, c, invokedby=null}",
                json!({"type": "IAMUser", "arn": "arn:aws:iam::1:user/a=b, c", "invokedby": null}),
            ),
            (
                "{type=AssumedRole, sessioncontext={attributes={mfaauthenticated=false}, sessionissuer={type=Role, arn=arn:aws:iam::1:role/x}}}",
                json!({"type": "AssumedRole", "sessioncontext": {"attributes": {"mfaauthenticated": "false"}, "sessionissuer": {"type": "Role", "arn": "arn:aws:iam::1:role/x"}}}),
            ),
        ] {
            assert_eq!(value(cell), expected, "{cell}");
        }
        let deep = format!("{}x{}", "{a=".repeat(10_000), "}".repeat(10_000));
        assert!(value(&deep).is_object());
    }
}
