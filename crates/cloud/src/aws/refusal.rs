//! Reads the error in an error answer, if the answer has the form of the service that was called.
//!
//! The SDK is more lenient: it accepts any XML document with an element `Error` in its root, and any JSON document with a member
//! `code`. Web servers and firewalls send such documents too, and a refusal by one of them proves nothing about a call.

use serde_json::Value;

use crate::Operation;

/// The longest error code. The longest of the three services, `AccountOwnerNotVerifiedException` and its like, have some 60
/// characters.
const MAX_CODE: usize = 128;

/// An error of a service.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServiceError {
    pub(super) code: String,
    pub(super) message: String,
}

/// The header with the error code in the REST protocol, in which the body need not have it.
pub(super) const ERROR_TYPE: &str = "x-amzn-errortype";

/// Returns the error in an answer to this operation, from the body and from the header [`ERROR_TYPE`].
pub(super) fn read(operation: Operation, body: &[u8], error_type: Option<&str>) -> Option<ServiceError> {
    let text = std::str::from_utf8(body).ok()?;
    let error = match operation {
        Operation::GetRequestAuthorizationDetails | Operation::ListRegions => of_rest_json(text, error_type),
        operation if ["organizations", "cloudtrail"].contains(&operation.service()) => of_json(text),
        _ => of_xml(text),
    }?;
    is_code(&error.code).then_some(error)
}

/// Reads an error of the query protocol of STS and IAM: `<ErrorResponse><Error><Code>…` (Smithy, "AWS query protocol", operation
/// error serialization).
fn of_xml(text: &str) -> Option<ServiceError> {
    let document = roxmltree::Document::parse(text).ok()?;
    let root = document.root_element();
    let error = root.children().find(|node| node.tag_name().name() == "Error")?;
    let named = |name| error.children().find(|node| node.tag_name().name() == name);
    let text_of = |node: roxmltree::Node<'_, '_>| node.text().unwrap_or_default().trim().to_owned();
    let message = named("Message").map(text_of).unwrap_or_default();
    let is_error = root.tag_name().name() == "ErrorResponse";
    let code = named("Code").filter(|_| is_error).map(text_of)?;
    Some(ServiceError { code, message })
}

/// Reads an error of the JSON protocol of Organizations and CloudTrail: a member `__type`, which may begin with a namespace, and a message (Smithy,
/// "AWS JSON 1.1 protocol", operation error serialization).
fn of_json(text: &str) -> Option<ServiceError> {
    let document: Value = serde_json::from_str(text).ok()?;
    let kind = document.get("__type")?.as_str()?;
    Some(with_message(kind, &document))
}

/// Reads an error of the JSON protocol of IAM Access Troubleshooter and of Account Management: a JSON object with a message, and the code
/// in a header (Smithy, "AWS REST JSON 1.0 protocol", operation error serialization).
fn of_rest_json(text: &str, error_type: Option<&str>) -> Option<ServiceError> {
    let document: Value = serde_json::from_str(text).ok().filter(Value::is_object)?;
    let kind = error_type.or_else(|| document.get("__type")?.as_str())?;
    Some(with_message(kind, &document))
}

/// Returns an error from its kind, which may have a namespace before the code and a URL after it.
fn with_message(kind: &str, document: &Value) -> ServiceError {
    let code = kind.split_once(':').map_or(kind, |(code, _)| code);
    let code = code.rsplit_once('#').map_or(code, |(_, code)| code);
    let message = ["message", "Message"].into_iter().find_map(|name| document.get(name)?.as_str());
    ServiceError { code: code.to_owned(), message: message.unwrap_or_default().to_owned() }
}

/// Whether a text is a code as AWS writes them: a name, and not a number or a sentence.
fn is_code(text: &str) -> bool {
    let in_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
    text.len() <= MAX_CODE && text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(in_name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Effect;
    use crate::failure::classify;

    const SET: Operation = Operation::SetSecurityTokenServicePreferences;

    #[test]
    fn only_the_services_own_form_is_an_error_of_the_service() {
        let iam = |inner: &str| {
            format!("<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">{inner}</ErrorResponse>")
        };
        let denied = "<Error><Type>Sender</Type><Code>AccessDenied</Code><Message>a &amp; b</Message></Error>";
        let list = Operation::ListAccounts;
        for (operation, body, expected) in [
            (SET, iam(denied), Some(("AccessDenied", "a & b"))),
            (SET, format!("<?xml version=\"1.0\"?>\n{}", iam(denied)), Some(("AccessDenied", "a & b"))),
            (SET, iam("<Error><Code>InvalidInput</Code></Error>"), Some(("InvalidInput", ""))),
            (
                list,
                r#"{"__type":"AccessDeniedException","Message":"no"}"#.to_owned(),
                Some(("AccessDeniedException", "no")),
            ),
            (
                list,
                r#"{"__type":"com.amazonaws.x#TooManyRequestsException"}"#.to_owned(),
                Some(("TooManyRequestsException", "")),
            ),
            // Others.
            (SET, String::new(), None),
            (SET, "Forbidden".to_owned(), None),
            (SET, "<html><head><title>403</title></head><body>no</body></html>".to_owned(), None),
            (SET, format!("<html>{denied}</html>"), None),
            (SET, denied.to_owned(), None),
            (SET, iam("<Error><Code>403</Code></Error>"), None),
            (SET, iam("<Error><Code></Code></Error>"), None),
            (SET, iam("<Error><Code>blocked by policy</Code></Error>"), None),
            (SET, iam("<Error><Message>no</Message></Error>"), None),
            (SET, iam(""), None),
            (SET, iam(denied)[..100].to_owned(), None),
            (SET, iam(&denied.replace("AccessDenied", &"A".repeat(MAX_CODE + 1))), None),
            (SET, r#"{"__type":"AccessDeniedException","message":"no"}"#.to_owned(), None),
            (list, iam(denied), None),
            (list, r#"{"message":"Forbidden"}"#.to_owned(), None),
            (list, r#"{"code":"blocked","message":"by the firewall"}"#.to_owned(), None),
            (list, r#"{"__type":403}"#.to_owned(), None),
            (list, r#"[{"__type":"AccessDeniedException"}]"#.to_owned(), None),
            (
                Operation::LookupEvents,
                r#"{"__type":"ThrottlingException","Message":"Rate exceeded"}"#.to_owned(),
                Some(("ThrottlingException", "Rate exceeded")),
            ),
        ] {
            let found = read(operation, body.as_bytes(), None);
            let found = found.as_ref().map(|error| (error.code.as_str(), error.message.as_str()));
            assert_eq!(found, expected, "{operation}: {body}");
        }
        assert_eq!(read(SET, b"\xff<ErrorResponse/>", None), None);
    }

    #[test]
    fn the_rest_protocol_has_the_code_in_a_header() {
        let operation = Operation::GetRequestAuthorizationDetails;
        let denied = Some(("AccessDeniedException", "no"));
        for (body, error_type, expected) in [
            (r#"{"message":"no"}"#, Some("AccessDeniedException"), denied),
            (r#"{"message":"no"}"#, Some("AccessDeniedException:http://internal.amazon.com/x/"), denied),
            (r#"{"message":"no"}"#, Some("com.amazon.x#AccessDeniedException"), denied),
            (r#"{"__type":"AccessDeniedException","message":"no"}"#, None, denied),
            (r#"{"message":"no"}"#, None, None),
            (r#"{"code":"AccessDeniedException","message":"no"}"#, None, None),
            ("<html>no</html>", Some("AccessDeniedException"), None),
            ("[]", Some("AccessDeniedException"), None),
            ("{}", Some("403"), None),
        ] {
            let found = read(operation, body.as_bytes(), error_type);
            let found = found.as_ref().map(|error| (error.code.as_str(), error.message.as_str()));
            assert_eq!(found, expected, "{body} {error_type:?}");
        }
    }

    /// What a Set has done, for every status and body.
    #[test]
    fn only_a_refusal_of_the_service_proves_that_a_set_had_no_effect() {
        let denied = "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>";
        let bodies =
            ["", "no", "<html><Error><Code>AccessDenied</Code></Error></html>", r#"{"__type":"AccessDenied"}"#, denied];
        for status in [
            200, 204, 301, 302, 304, 400, 401, 403, 404, 405, 407, 408, 410, 413, 418, 429, 431, 451, 499, 500, 502,
            503, 504, 511, 599,
        ] {
            for body in bodies {
                let code = read(SET, body.as_bytes(), None).map(|error| error.code);
                let (_, effect) = classify(code.as_deref(), status);
                let is_refusal = body == denied && (400..500).contains(&status) && status != 408;
                assert_eq!(effect == Effect::None, is_refusal, "{status} {body}");
            }
        }
    }
}
