//! Parses the responses of IAM by the rules of the AWS CLI v1 (botocore 1.43, `parsers.py`, `QueryParser`).

use roxmltree::{Document, Node};
use serde_json::{Map, Value, json};

use super::errors::AwsCliError;
use super::options::Subcommand;
use super::wire::WireResponse;
use crate::python::int;

/// Returns the result in a response, without the request's id.
///
/// # Errors
///
/// When the service answered with an error, or the response can't be parsed.
pub(super) fn parse(response: &WireResponse, subcommand: Subcommand) -> Result<Value, AwsCliError> {
    let status = response.status;
    let service_error = |code: String, message: String| {
        let operation = subcommand.api_name();
        AwsCliError::Service { status, code, message, operation, retries: None }
    };
    let body = response.body.trim_ascii();
    // An empty body or an HTML page means that a load balancer or a proxy answered instead of the service.
    if status >= 500 && (body.is_empty() || body.starts_with(b"<html>")) {
        let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
        return Err(service_error(status.to_string(), reason.unwrap_or_default().to_owned()));
    }
    let unreadable = |detail: String| {
        let body = String::from_utf8_lossy(&response.body);
        format!("Unable to parse response ({detail}), invalid XML received. Further retries may succeed:\n{body}")
    };
    let text = std::str::from_utf8(&response.body).map_err(|error| unreadable(error.to_string()))?;
    let document = Document::parse(text).map_err(|error| unreadable(error.to_string()))?;
    let root = document.root_element();
    if status >= 301 {
        // Older services wrap the error in one more element.
        let error = child(child(root, "Errors").unwrap_or(root), "Error");
        let text = |name: &str| match error.and_then(|error| child(error, name)) {
            Some(node) => node.text().unwrap_or("None").to_owned(),
            None => UNKNOWN.to_owned(),
        };
        return Err(service_error(text("Code"), text("Message")));
    }
    let result = match subcommand {
        Subcommand::SetSecurityTokenServicePreferences => json!({}),
        Subcommand::GetAccountSummary => summary(root)?,
    };
    // The AWS CLI parses a response with status 300 like that of a successful call, but then treats the response as an error.
    if status == 300 { Err(service_error(UNKNOWN.to_owned(), UNKNOWN.to_owned())) } else { Ok(result) }
}

/// The code of an error without a code, and the message of an error without a message.
const UNKNOWN: &str = "Unknown";

fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.is_element() && child.tag_name().name() == name)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(status: u16, body: &str, subcommand: Subcommand) -> Result<Value, AwsCliError> {
        parse(&WireResponse { status, body: body.into() }, subcommand)
    }

    #[test]
    fn service_errors_are_found_in_every_place() {
        let set = Subcommand::SetSecurityTokenServicePreferences;
        let error = "<Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error>";
        for (status, body, expected) in [
            (400, format!("<ErrorResponse>{error}</ErrorResponse>"), Some(("Throttling", "Rate exceeded"))),
            (400, format!("<R><Errors>{error}</Errors></R>"), Some(("Throttling", "Rate exceeded"))),
            (403, "<R><Error><Code/></Error></R>".to_owned(), Some(("None", "Unknown"))),
            (403, "<R/>".to_owned(), Some(("Unknown", "Unknown"))),
            (300, "<R/>".to_owned(), Some(("Unknown", "Unknown"))),
            (503, "  <html>busy".to_owned(), Some(("503", "Service Unavailable"))),
            (599, String::new(), Some(("599", ""))),
            (200, "<html/>".to_owned(), None),
        ] {
            let expected = expected.map_or(Ok(json!({})), |(code, message)| {
                let (code, message, operation) = (code.to_owned(), message.to_owned(), set.api_name());
                Err(AwsCliError::Service { status, code, message, operation, retries: None })
            });
            assert_eq!(parsed(status, &body, set), expected, "{status} {body}");
        }
        for (status, body) in [(200, ""), (200, "ok"), (404, "<html>"), (500, "oops")] {
            let error = parsed(status, body, set).unwrap_err().text();
            assert!(error.starts_with("\nUnable to parse response"), "{status} {body}");
        }
    }

    #[test]
    fn the_summary_keeps_its_order() {
        let read = |map: &str| {
            let body = format!("<R xmlns='x'><GetAccountSummaryResult>{map}</GetAccountSummaryResult></R>");
            parsed(200, &body, Subcommand::GetAccountSummary)
        };
        let entry = |key: &str, value: &str| format!("<entry><key>{key}</key><value>{value}</value></entry>");
        let map = format!("<SummaryMap>{}{}</SummaryMap>", entry("Users", "3"), entry("Groups", " 1 "));
        assert_eq!(read(&map).unwrap().to_string(), r#"{"SummaryMap":{"Users":3,"Groups":1}}"#);
        assert_eq!(read(""), Ok(json!({})));
        assert_eq!(read("<SummaryMap><entry><x/></entry></SummaryMap>"), Err("Unknown tag: x".into()));
        let wrong = read(&format!("<SummaryMap>{}</SummaryMap>", entry("Users", "many")));
        assert_eq!(wrong, Err("invalid literal for int() with base 10: 'many'".into()));
        assert_eq!(parsed(200, "<R/>", Subcommand::GetAccountSummary), Err("'GetAccountSummaryResult'".into()));
    }
}
