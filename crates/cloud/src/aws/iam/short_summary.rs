//! Shortens the answer to GetAccountSummary to its entry of the token version, before the SDK parses it.
//!
//! The summary has some sixty entries, of which a run needs one. Parsing all of them took a fifth of the CPU time of an apply, which
//! reads two summaries in each account (docs/decisions/cost.md).

use std::sync::OnceLock;

use aws_sdk_iam::operation::get_account_summary::GetAccountSummary;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::{BeforeSerializationInterceptorContextMut, Error, Output};
use aws_smithy_runtime_api::client::interceptors::{Intercept, dyn_dispatch_hint};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::client::runtime_plugin::RuntimePlugin as _;
use aws_smithy_runtime_api::client::ser_de::{DeserializeResponse, SharedResponseDeserializer};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{ConfigBag, FrozenLayer};
use memchr::memmem;

const MAP: &[u8] = b"<SummaryMap>";

/// Makes one call parse only the entry of the token version.
#[derive(Clone, Copy, Debug)]
pub(super) struct ShortSummary;

#[dyn_dispatch_hint]
impl Intercept for ShortSummary {
    fn name(&self) -> &'static str {
        "ShortSummary"
    }

    fn modify_before_serialization(
        &self,
        _: &mut BeforeSerializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        configuration: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        configuration.interceptor_state().store_put(SharedResponseDeserializer::new(Self));
        Ok(())
    }
}

impl DeserializeResponse for ShortSummary {
    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        configuration: &ConfigBag,
    ) -> Result<Output, OrchestratorError<Error>> {
        let body = response.body().bytes().filter(|_| response.status().is_success());
        let Some(short) = body.and_then(shortened) else {
            return sdk_deserializer().deserialize_nonstreaming_with_config(response, configuration);
        };
        let mut shorter = HttpResponse::new(response.status(), SdkBody::from(short));
        // The id of the request is in a header.
        *shorter.headers_mut() = response.headers().clone();
        sdk_deserializer().deserialize_nonstreaming_with_config(&shorter, configuration)
    }
}

/// Returns the SDK's own deserializer of the operation, which is not public by name.
fn sdk_deserializer() -> &'static SharedResponseDeserializer {
    static OPERATION: OnceLock<FrozenLayer> = OnceLock::new();
    let operation = OPERATION.get_or_init(|| GetAccountSummary::new().config().expect("an operation has a layer"));
    operation.load::<SharedResponseDeserializer>().expect("an operation has a deserializer")
}

/// Returns the answer without the other entries of the summary, or `None` if it lacks the entry of the version, or if its entries
/// are not exactly in the form in which IAM writes them. Nothing else in the answer is changed, so the SDK's parser decides about it.
fn shortened(body: &[u8]) -> Option<Vec<u8>> {
    let begin = memmem::find(body, MAP)? + MAP.len();
    let (before, mut rest) = body.split_at(begin);
    // In IAM's answer no element ends before the map. The SDK does not check which element an end tag ends, so after one it might not
    // take this for the map.
    if memmem::find(before, b"</").is_some() {
        return None;
    }
    let mut version = None;
    while let Some(entry) = after_space(rest).strip_prefix(b"<entry>") {
        let (key, after) = element(entry, b"<key>", u8::is_ascii_alphanumeric, b"</key>")?;
        let (value, after) = element(after, b"<value>", u8::is_ascii_digit, b"</value>")?;
        // A longer number may not fit into the SDK's type.
        if !(1..=9).contains(&value.len()) {
            return None;
        }
        let after = after_space(after).strip_prefix(b"</entry>")?;
        if key == b"GlobalEndpointTokenVersion" {
            // The last entry of a key counts, as in the SDK.
            version = rest.get(..rest.len() - after.len());
        }
        rest = after;
    }
    Some([before, version?, rest].concat())
}

/// Returns the text of the element at the beginning, and what comes after the element.
fn element<'a>(
    bytes: &'a [u8],
    start: &[u8],
    is_allowed: impl Fn(&u8) -> bool,
    end: &[u8],
) -> Option<(&'a [u8], &'a [u8])> {
    let text = after_space(bytes).strip_prefix(start)?;
    let length = text.iter().position(|byte| !is_allowed(byte))?;
    let (text, after) = text.split_at(length);
    Some((text, after.strip_prefix(end)?))
}

/// Returns what comes after the white space of XML, which has no form feed, unlike that of ASCII.
fn after_space(bytes: &[u8]) -> &[u8] {
    let length = bytes.iter().position(|byte| !b" \t\r\n".contains(byte)).unwrap_or(bytes.len());
    &bytes[length..]
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_credential_types::Credentials;
    use aws_credential_types::provider::SharedCredentialsProvider;
    use aws_sdk_iam::types::SummaryKeyType;
    use aws_smithy_runtime_api::client::http::SharedHttpClient;
    use aws_smithy_runtime_api::client::interceptors::context::AfterDeserializationInterceptorContextRef;

    use super::*;
    use crate::aws::fuzzing::FixedAnswer;

    const VERSION: &str = "<entry><key>GlobalEndpointTokenVersion</key><value>2</value></entry>";
    const USERS: &str = "<entry><key>Users</key><value>7</value></entry>";

    fn short(body: &str) -> Option<String> {
        shortened(body.as_bytes()).map(|short| String::from_utf8(short).unwrap())
    }

    #[test]
    fn only_the_entry_of_the_version_is_left() {
        let (head, tail) = ("<?xml version='1.0'?><R><A><SummaryMap>", "</SummaryMap></A></R>\n");
        let spaced = "\n  <entry>\n    <key>GlobalEndpointTokenVersion</key>\n    <value>2</value>\n  </entry>";
        for (entries, left) in [
            ([USERS, VERSION, USERS], VERSION),
            ([VERSION, USERS, "\n"], &format!("{VERSION}\n")),
            (["", VERSION, ""], VERSION),
            ([USERS, spaced, USERS], spaced),
            ([&VERSION.replace('2', "1"), USERS, VERSION], VERSION),
        ] {
            assert_eq!(short(&format!("{head}{}{tail}", entries.concat())), Some(format!("{head}{left}{tail}")));
        }
    }

    #[test]
    fn other_answers_are_left_to_the_sdk() {
        for body in [
            "",
            "<html>",
            "<SummaryMap></SummaryMap>",
            &format!("<SummaryMap>{USERS}</SummaryMap>"),
            &format!("</SummaryMap>{VERSION}<SummaryMap>"),
            "<SummaryMap><entry><key>GlobalEndpointTokenVersion</key></SummaryMap>",
            "<SummaryMap><entry><value>2</value><key>GlobalEndpointTokenVersion</key></entry></SummaryMap>",
            "<SummaryMap><entry><key>GlobalEndpointTokenVersion</key><value>1234567890</value></entry></SummaryMap>",
            "<SummaryMap><entry><key>GlobalEndpointTokenVersion</key><value></value></entry></SummaryMap>",
            "<SummaryMap><entry><key>GlobalEndpointTokenVersion</key><value>2</value>",
            "<SummaryMap><entry><key>Global&#69;ndpointTokenVersion</key><value>2</value></entry></SummaryMap>",
            &format!("<SummaryMap><!--{VERSION}--></SummaryMap>"),
            &format!("<SummaryMap><![CDATA[{VERSION}]]></SummaryMap>"),
            &format!("<SummaryMap><?{VERSION}?></SummaryMap>"),
            &format!("<SummaryMap><x>{VERSION}</x></SummaryMap>"),
            &format!("<SummaryMap><entry>\x0c<key>Users</key><value>7</value></entry>{VERSION}</SummaryMap>"),
            &format!("<SummaryMap>\x0c{VERSION}</SummaryMap>"),
            &format!("<A><key></x></A><SummaryMap>{VERSION}</SummaryMap>"),
        ] {
            assert_eq!(short(body), None, "{body}");
        }
    }

    /// What follows the entries stays, so the SDK refuses it, or finds a later summary in it.
    #[test]
    fn everything_else_stays() {
        for after in ["", "<x>", "<!-- -->", "\x0c<entry>", "</SummaryMap><SummaryMap></SummaryMap>"] {
            let left = Some(format!("<SummaryMap>{VERSION}{after}"));
            assert_eq!(short(&format!("<SummaryMap>{USERS}{VERSION}{USERS}{after}")), left);
        }
    }

    /// Notes which deserializer a call used.
    #[derive(Clone, Debug, Default)]
    struct Used(Arc<Mutex<String>>);

    #[dyn_dispatch_hint]
    impl Intercept for Used {
        fn name(&self) -> &'static str {
            "Used"
        }

        fn read_after_deserialization(
            &self,
            _: &AfterDeserializationInterceptorContextRef<'_>,
            _: &RuntimeComponents,
            configuration: &mut ConfigBag,
        ) -> Result<(), BoxError> {
            *self.0.lock().unwrap() = format!("{:?}", configuration.load::<SharedResponseDeserializer>());
            Ok(())
        }
    }

    #[tokio::test]
    async fn the_call_uses_this_deserializer() {
        let body = format!(
            "<GetAccountSummaryResponse><GetAccountSummaryResult><SummaryMap>{USERS}{VERSION}</SummaryMap>\
             </GetAccountSummaryResult></GetAccountSummaryResponse>"
        );
        let answer = FixedAnswer { status: 200, body: body.into_bytes() };
        let credentials = SharedCredentialsProvider::new(Credentials::new("AKIDEXAMPLE", "secret", None, None, "test"));
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(credentials)
            .http_client(SharedHttpClient::new(answer))
            .build();
        let client = aws_sdk_iam::Client::new(&config);
        let used = Used::default();
        let request = client.get_account_summary().customize().interceptor(ShortSummary).interceptor(used.clone());
        let map = request.send().await.unwrap().summary_map.unwrap();
        assert_eq!(map.into_iter().collect::<Vec<_>>(), [(SummaryKeyType::GlobalEndpointTokenVersion, 2)]);
        assert_eq!(*used.0.lock().unwrap(), "Some(SharedResponseDeserializer(ShortSummary))");
    }
}
