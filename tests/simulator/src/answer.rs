//! HTTP answers: documents and errors in the form of each protocol, and how they are delivered.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::json;

use crate::network::Service;

/// How an answer is delivered to the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Delivery {
    #[default]
    Whole,
    /// The connection closes before the announced length is reached.
    Truncated,
    /// The connection closes without an answer.
    Close,
    /// The connection is reset without an answer.
    Reset,
    /// The connection stays open without an answer.
    Hang,
}

/// A finished answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub body: String,
    pub request_id: String,
    /// The `x-amzn-errortype` header of an error in the REST protocol.
    pub error_type: Option<&'static str>,
    /// The `Date` header; `None` means the time of this machine.
    pub date: Option<String>,
    pub delivery: Delivery,
    /// The delay in addition to the service's latency.
    pub delay: Duration,
}

/// The content of a successful answer.
#[derive(Debug)]
pub(crate) enum Document {
    /// The content of `<…Result>`.
    Result(String),
    /// An operation without output.
    Nothing,
    /// A JSON document.
    Json(String),
    /// A body that the service itself never sends.
    Foreign { content_type: &'static str, body: Cow<'static, str> },
}

/// A successful operation: its document and how it is delivered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub document: Document,
    pub delivery: Delivery,
}

impl From<Document> for Reply {
    fn from(document: Document) -> Self {
        Self { document, delivery: Delivery::Whole }
    }
}

/// Why an operation returns no document.
#[derive(Debug)]
pub(crate) enum Refusal {
    Error(ApiError),
    /// The request gets no answer, and has no effect.
    Silence(Delivery),
}

impl From<ApiError> for Refusal {
    fn from(error: ApiError) -> Self {
        Self::Error(error)
    }
}

/// An error as a service reports it.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub status: u16,
    pub code: &'static str,
    pub message: Cow<'static, str>,
    /// `Reason` of an Organizations `InvalidInputException`.
    pub reason: Option<&'static str>,
}

impl ApiError {
    pub fn new(status: u16, code: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), reason: None }
    }

    pub fn access_denied(message: String) -> Self {
        Self::new(403, "AccessDenied", message)
    }

    pub fn validation(message: String) -> Self {
        Self::new(400, "ValidationError", message)
    }

    pub fn throttled(service: Service) -> Self {
        match service {
            Service::Organizations => Self::new(
                400,
                "TooManyRequestsException",
                "You have exceeded the rate of requests; AWS Organizations can't complete your request because another request is already in progress. Try again later.",
            ),
            Service::IamToolbox => Self::new(429, "ThrottlingException", "Rate exceeded"),
            Service::Sts | Service::Iam => Self::new(400, "Throttling", "Rate exceeded"),
            Service::CloudTrail => Self::new(400, "ThrottlingException", "Rate exceeded"),
            Service::Account => Self::new(429, "TooManyRequestsException", "Rate exceeded"),
        }
    }

    pub fn internal(service: Service) -> Self {
        match service {
            Service::Organizations => Self::new(
                500,
                "ServiceException",
                "AWS Organizations can't complete your request because of an internal service error. Try again later.",
            ),
            Service::IamToolbox | Service::Account => {
                Self::new(500, "InternalServerException", "An internal error has occurred.")
            }
            Service::Sts | Service::CloudTrail => Self::new(500, "InternalFailure", "An internal error has occurred."),
            Service::Iam => Self::new(
                500,
                "ServiceFailure",
                "The request processing has failed because of an unknown error, exception or failure.",
            ),
        }
    }

    pub fn unavailable(service: Service) -> Self {
        let code = if service == Service::Organizations { "ServiceUnavailableException" } else { "ServiceUnavailable" };
        Self::new(503, code, "Service is unable to handle request.")
    }

    /// Returns the error for an expired session. Each protocol has its own error code.
    pub fn expired(service: Service) -> Self {
        match service {
            Service::Organizations | Service::CloudTrail | Service::Account => {
                Self::new(400, "ExpiredTokenException", "The security token included in the request is expired")
            }
            Service::IamToolbox => {
                Self::new(403, "ExpiredTokenException", "The security token included in the request is expired")
            }
            Service::Sts | Service::Iam => {
                Self::new(403, "ExpiredToken", "The security token included in the request is expired")
            }
        }
    }
}

const fn namespace(service: Service) -> &'static str {
    match service {
        Service::Iam | Service::IamToolbox => "https://iam.amazonaws.com/doc/2010-05-08/",
        _ => "https://sts.amazonaws.com/doc/2011-06-15/",
    }
}

/// Writes a document.
pub(crate) fn success(service: Service, operation: &str, reply: Reply, request_id: String) -> Answer {
    let (content_type, body) = match reply.document {
        Document::Json(body) if service.is_rest() => ("application/json", body),
        Document::Json(body) => ("application/x-amz-json-1.1", body),
        Document::Foreign { content_type, body } => (content_type, body.into_owned()),
        Document::Nothing => (
            "text/xml",
            format!(
                r#"<{operation}Response xmlns="{}"><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"#,
                namespace(service)
            ),
        ),
        Document::Result(result) => (
            "text/xml",
            format!(
                r#"<{operation}Response xmlns="{}"><{operation}Result>{result}</{operation}Result><ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"#,
                namespace(service)
            ),
        ),
    };
    Answer {
        status: 200,
        content_type,
        error_type: None,
        body,
        request_id,
        date: None,
        delivery: reply.delivery,
        delay: Duration::ZERO,
    }
}

/// Writes an error.
pub(crate) fn failure(service: Service, error: &ApiError, request_id: String) -> Answer {
    // In the REST protocol, the code is only in a header.
    let error_type = service.is_rest().then_some(error.code);
    let (content_type, body) = if service.is_rest() {
        ("application/json", json!({ "message": error.message }).to_string())
    } else if matches!(service, Service::Organizations | Service::CloudTrail) {
        let mut body = json!({ "__type": error.code, "Message": error.message });
        if let Some(reason) = error.reason {
            body["Reason"] = reason.into();
        }
        ("application/x-amz-json-1.1", body.to_string())
    } else {
        let fault = if error.status >= 500 { "Receiver" } else { "Sender" };
        let body = format!(
            r#"<ErrorResponse xmlns="{}"><Error><Type>{fault}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"#,
            namespace(service),
            error.code,
            escape(&error.message)
        );
        ("text/xml", body)
    };
    Answer {
        status: error.status,
        content_type,
        body,
        request_id,
        error_type,
        date: None,
        delivery: Delivery::Whole,
        delay: Duration::ZERO,
    }
}

/// Returns an answer that never arrives: the connection closes or stays silent.
pub(crate) fn silence(delivery: Delivery) -> Answer {
    Answer {
        status: 200,
        content_type: "text/plain",
        body: String::new(),
        request_id: String::new(),
        error_type: None,
        date: None,
        delivery,
        delay: Duration::ZERO,
    }
}

/// Escapes text for an XML element. Characters that XML cannot carry become `U+FFFD`.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\r' => escaped.push_str("&#13;"),
            '\t' | '\n' => escaped.push(character),
            other if other.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_have_the_form_of_each_protocol() {
        let error = ApiError::access_denied("a <b> & c".to_owned());
        assert_eq!(
            failure(Service::Sts, &error, "id-1".to_owned()).body,
            r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>a &lt;b&gt; &amp; c</Message></Error><RequestId>id-1</RequestId></ErrorResponse>"#
        );
        let answer = failure(Service::Organizations, &ApiError::throttled(Service::Organizations), String::new());
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains(r#""__type":"TooManyRequestsException""#), "{}", answer.body);
    }
}
