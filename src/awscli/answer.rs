//! This module owns what an answer of IAM means, by the rules of the AWS CLI v1 (botocore 1.43, `parsers.py`, `QueryParser`).

use roxmltree::{Document, Node};
use serde_json::{Map, Value, json};

use super::options::Operation;
use super::python::int;
use super::wire::RawAnswer;

/// What the service says when it does not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: String,
    pub(super) message: String,
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Meaning {
    /// The result, without the request's id.
    Result(Value),
    Refused(Refusal),
}

/// Reads an answer.
///
/// # Errors
///
/// When it is not one: the message of the AWS CLI.
pub(super) fn read(answer: &RawAnswer, operation: Operation) -> Result<Meaning, String> {
    if answer.status >= 500 && is_generic(&answer.body) {
        return Ok(Meaning::Refused(Refusal {
            code: answer.status.to_string(),
            message: reason(answer.status).to_owned(),
        }));
    }
    let text = std::str::from_utf8(&answer.body).map_err(|error| unreadable(&error.to_string(), &answer.body))?;
    let document = Document::parse(text).map_err(|error| unreadable(&error.to_string(), &answer.body))?;
    let root = document.root_element();
    if answer.status >= 301 {
        return Ok(Meaning::Refused(refusal(root)));
    }
    let result = match operation {
        Operation::SetSecurityTokenServicePreferences => json!({}),
        Operation::GetAccountSummary => summary(root)?,
    };
    // Not a success to it, but read like one.
    if answer.status >= 300 { Ok(Meaning::Refused(Refusal::unknown())) } else { Ok(Meaning::Result(result)) }
}

impl Refusal {
    fn unknown() -> Self {
        Self { code: "Unknown".to_owned(), message: "Unknown".to_owned() }
    }
}

/// Load balancers and proxies answer so when the service does not.
fn is_generic(body: &[u8]) -> bool {
    let body = body.trim_ascii();
    body.is_empty() || body.starts_with(b"<html>")
}

fn unreadable(detail: &str, body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    format!("Unable to parse response ({detail}), invalid XML received. Further retries may succeed:\n{body}")
}

fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.is_element() && child.tag_name().name() == name)
}

fn refusal(root: Node<'_, '_>) -> Refusal {
    // Older services wrap the error once more.
    let holder = child(root, "Errors").unwrap_or(root);
    let Some(error) = child(holder, "Error") else { return Refusal::unknown() };
    let text = |name: &str| match child(error, name) {
        Some(node) => node.text().unwrap_or("None").to_owned(),
        None => "Unknown".to_owned(),
    };
    Refusal { code: text("Code"), message: text("Message") }
}

fn summary(root: Node<'_, '_>) -> Result<Value, String> {
    let result = child(root, "GetAccountSummaryResult").ok_or("'GetAccountSummaryResult'")?;
    let Some(map) = child(result, "SummaryMap") else { return Ok(json!({})) };
    let mut entries = Map::new();
    for entry in map.children().filter(Node::is_element) {
        let (mut key, mut value) = (None, None);
        for part in entry.children().filter(Node::is_element) {
            match part.tag_name().name() {
                "key" => key = Some(part.text().unwrap_or_default().to_owned()),
                "value" => value = Some(int(part.text().unwrap_or_default())?),
                other => return Err(format!("Unknown tag: {other}")),
            }
        }
        let (Some(key), Some(value)) = (key, value) else {
            return Err("an entry of the summary has no key or no value".to_owned());
        };
        entries.insert(key, value.into());
    }
    Ok(json!({ "SummaryMap": entries }))
}

/// What HTTP calls a status (RFC 9110 and its registry).
const fn reason(status: u16) -> &'static str {
    match status {
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        506 => "Variant Also Negotiates",
        507 => "Insufficient Storage",
        508 => "Loop Detected",
        510 => "Not Extended",
        511 => "Network Authentication Required",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(status: u16, body: &str, operation: Operation) -> Result<Meaning, String> {
        read(&RawAnswer { status, body: body.into() }, operation)
    }

    fn refused(code: &str, message: &str) -> Meaning {
        Meaning::Refused(Refusal { code: code.to_owned(), message: message.to_owned() })
    }

    #[test]
    fn refusals_are_found_wherever_they_stand() {
        let set = Operation::SetSecurityTokenServicePreferences;
        let error = "<Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error>";
        for (status, body, expected) in [
            (400, format!("<ErrorResponse>{error}</ErrorResponse>"), refused("Throttling", "Rate exceeded")),
            (400, format!("<R><Errors>{error}</Errors></R>"), refused("Throttling", "Rate exceeded")),
            (403, "<R><Error><Code/></Error></R>".to_owned(), refused("None", "Unknown")),
            (403, "<R/>".to_owned(), refused("Unknown", "Unknown")),
            (300, "<R/>".to_owned(), refused("Unknown", "Unknown")),
            (503, "  <html>busy".to_owned(), refused("503", "Service Unavailable")),
            (599, String::new(), refused("599", "")),
            (200, "<html/>".to_owned(), Meaning::Result(json!({}))),
        ] {
            assert_eq!(meaning(status, &body, set), Ok(expected), "{status} {body}");
        }
        for (status, body) in [(200, ""), (200, "ok"), (404, "<html>"), (500, "oops")] {
            assert!(meaning(status, body, set).unwrap_err().starts_with("Unable to parse response"), "{status} {body}");
        }
    }

    #[test]
    fn the_summary_keeps_its_order() {
        let read = |map: &str| {
            let body = format!("<R xmlns='x'><GetAccountSummaryResult>{map}</GetAccountSummaryResult></R>");
            meaning(200, &body, Operation::GetAccountSummary)
        };
        let entry = |key: &str, value: &str| format!("<entry><key>{key}</key><value>{value}</value></entry>");
        let map = format!("<SummaryMap>{}{}</SummaryMap>", entry("Users", "3"), entry("Groups", " 1 "));
        let Ok(Meaning::Result(value)) = read(&map) else { panic!("no result") };
        assert_eq!(value.to_string(), r#"{"SummaryMap":{"Users":3,"Groups":1}}"#);
        assert_eq!(read(""), Ok(Meaning::Result(json!({}))));
        assert_eq!(read("<SummaryMap><entry><x/></entry></SummaryMap>"), Err("Unknown tag: x".to_owned()));
        let wrong = read(&format!("<SummaryMap>{}</SummaryMap>", entry("Users", "many")));
        assert_eq!(wrong, Err("invalid literal for int() with base 10: 'many'".to_owned()));
        assert_eq!(meaning(200, "<R/>", Operation::GetAccountSummary), Err("'GetAccountSummaryResult'".to_owned()));
    }
}
