//! The members of an event that the program reads. All others, the secrets among them, are skipped while the text is parsed.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{
    DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer,
};

/// An event. Athena and CloudTrail Lake write the names of the columns in lower case, and nested objects as texts.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawEvent {
    #[serde(alias = "eventversion")]
    pub event_version: Loose,
    #[serde(alias = "eventsource")]
    pub event_source: Option<String>,
    #[serde(alias = "eventname")]
    pub event_name: Option<String>,
    #[serde(alias = "eventtime")]
    pub event_time: Option<String>,
    #[serde(alias = "eventid", alias = "eventId", rename = "eventID")]
    pub event_id: Option<String>,
    #[serde(alias = "sharedeventid", alias = "sharedEventId", rename = "sharedEventID")]
    pub shared_event_id: Option<String>,
    #[serde(alias = "awsregion")]
    pub aws_region: Option<String>,
    #[serde(alias = "recipientaccountid")]
    pub recipient_account_id: Option<String>,
    #[serde(alias = "useragent")]
    pub user_agent: Option<String>,
    #[serde(alias = "sourceipaddress", rename = "sourceIPAddress")]
    pub source_ip_address: Option<String>,
    #[serde(alias = "errorcode")]
    pub error_code: Option<String>,
    #[serde(alias = "readonly")]
    pub read_only: Flag,
    #[serde(alias = "managementevent")]
    management_event: Flag,
    #[serde(alias = "eventcategory")]
    event_category: Option<String>,
    #[serde(alias = "useridentity")]
    pub user_identity: Nested<RawIdentity>,
    #[serde(alias = "requestparameters")]
    request_parameters: Nested<RawRequest>,
    #[serde(alias = "responseelements")]
    response_elements: Nested<RawResponse>,
    #[serde(alias = "additionaleventdata")]
    additional_event_data: Nested<RawAdditionalData>,
    #[serde(alias = "tlsdetails")]
    tls_details: Nested<RawTls>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawIdentity {
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub arn: Option<String>,
    #[serde(alias = "accountid")]
    pub account_id: Option<String>,
    #[serde(alias = "invokedby")]
    invoked_by: Option<String>,
    #[serde(alias = "sessioncontext")]
    session_context: Nested<RawSessionContext>,
    /// The query of `impact sql` writes the issuer here.
    #[serde(alias = "issuerarn")]
    issuer_arn: Option<String>,
}

impl RawIdentity {
    /// Returns the ARN of the role or user whose session the caller used.
    pub(super) fn issuer_arn(&self) -> Option<&str> {
        self.session_context.0.session_issuer.0.arn.as_deref().or(self.issuer_arn.as_deref())
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawSessionContext {
    #[serde(alias = "sessionissuer")]
    session_issuer: Nested<RawArn>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawArn {
    arn: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawRequest {
    #[serde(alias = "rolearn")]
    role_arn: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawResponse {
    credentials: Nested<RawCredentials>,
    #[serde(alias = "sessiontokensize")]
    session_token_size: Loose,
    #[serde(alias = "assumedroleuser")]
    assumed_role_user: Nested<RawArn>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawCredentials {
    #[serde(alias = "sessiontoken")]
    session_token: Length,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawAdditionalData {
    #[serde(rename = "RequestDetails", alias = "requestDetails", alias = "requestdetails")]
    request_details: Nested<RawRequestDetails>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawRequestDetails {
    #[serde(alias = "endpointtype")]
    endpoint_type: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RawTls {
    #[serde(alias = "clientprovidedhostheader")]
    client_provided_host_header: Option<String>,
}

/// The home Region of the global endpoint, and the name that older records have instead.
const HOME_REGIONS: [&str; 2] = ["us-east-1", "global"];

impl RawEvent {
    /// Whether the event is in the Region in which calls of the global endpoint are logged.
    pub(super) fn is_in_home_region(&self) -> bool {
        let region = self.aws_region.as_deref().unwrap_or_default();
        HOME_REGIONS.iter().any(|home| home.eq_ignore_ascii_case(region))
    }

    /// Whether this is a management event. Older events do not say so, and are management events unless they are in another category.
    pub(super) fn is_management_event(&self) -> bool {
        match (&self.management_event, self.event_category.as_deref()) {
            (Flag(Some(flag)), _) => *flag,
            (Flag(None), Some(category)) => category.eq_ignore_ascii_case("Management"),
            (Flag(None), None) => true,
        }
    }

    /// Returns the AWS service that made the call for somebody.
    pub(super) fn invoked_by(&self) -> Option<&str> {
        self.user_identity.0.invoked_by.as_deref().filter(|name| !name.is_empty())
    }

    /// Whether an AWS service made the call: it says so, or the address or the user agent is the name of a service.
    pub(super) fn is_by_service(&self) -> bool {
        let is_service = |text: &Option<String>| {
            let text = text.as_deref().unwrap_or_default().trim();
            text.eq_ignore_ascii_case("AWS Internal")
                || text.len() > ".amazonaws.com".len() && !text.contains([' ', '/']) && text.ends_with(".amazonaws.com")
        };
        self.invoked_by().is_some()
            || self.user_identity.0.kind.as_deref() == Some("AWSService")
            || is_service(&self.source_ip_address)
            || is_service(&self.user_agent)
    }

    /// Returns the host that the client asked for.
    pub(super) fn host(&self) -> Option<&str> {
        self.tls_details.0.client_provided_host_header.as_deref().filter(|host| !host.is_empty())
    }

    /// Returns the type of the endpoint.
    pub(super) fn endpoint_type(&self) -> Option<&str> {
        self.additional_event_data.0.request_details.0.endpoint_type.as_deref()
    }

    /// Returns the ARN of the role that was assumed, or of its session.
    pub(super) fn role_arn(&self) -> Option<&str> {
        let requested = self.request_parameters.0.role_arn.as_deref();
        requested.or(self.response_elements.0.assumed_role_user.0.arn.as_deref())
    }

    /// Returns the size of the session token, in characters.
    pub(super) fn token_size(&self) -> Option<u32> {
        let response = &self.response_elements.0;
        let told = response.session_token_size.0.as_deref().and_then(|size| size.parse().ok());
        told.or(response.credentials.0.session_token.0)
    }
}

/// An object, or a text that contains one. Anything else is an absent object.
pub(super) struct Nested<T>(pub T);

impl<T: Default> Default for Nested<T> {
    fn default() -> Self {
        Self(T::default())
    }
}

impl<'de, T: DeserializeOwned + Default> Deserialize<'de> for Nested<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NestedVisitor(PhantomData))
    }
}

struct NestedVisitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned + Default> Visitor<'de> for NestedVisitor<T> {
    type Value = Nested<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Nested)
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        let is_object = text.trim_start().starts_with('{');
        Ok(Nested(if is_object { serde_json::from_str(text).unwrap_or_default() } else { T::default() }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Nested(T::default()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Nested(T::default()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Nested(T::default()))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Nested(T::default()))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Nested(T::default()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Nested(T::default()))
    }
}

/// Values of several JSON types that are read from their text.
trait FromText: Default {
    fn from_text(text: &str) -> Self;
}

/// Implements `Deserialize` for a type that is read from a text, a number, or a boolean.
macro_rules! read_from_text {
    ($name:ident) => {
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(TextVisitor(PhantomData))
            }
        }
    };
}

struct TextVisitor<T>(PhantomData<T>);

impl<'de, T: FromText> Visitor<'de> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a number, or a boolean")
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::from_text(text))
    }

    fn visit_bool<E>(self, value: bool) -> Result<T, E> {
        Ok(T::from_text(if value { "true" } else { "false" }))
    }

    fn visit_i64<E>(self, value: i64) -> Result<T, E> {
        Ok(T::from_text(&value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<T, E> {
        Ok(T::from_text(&value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<T, E> {
        Ok(T::from_text(&value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<T, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(T::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<T, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(T::default())
    }
}

/// A text, or a number as its text.
#[derive(Default)]
pub(super) struct Loose(pub Option<String>);

impl FromText for Loose {
    fn from_text(text: &str) -> Self {
        Self(Some(text.to_owned()))
    }
}

read_from_text!(Loose);

/// A boolean, or its text.
#[derive(Default)]
pub(super) struct Flag(pub Option<bool>);

impl FromText for Flag {
    fn from_text(text: &str) -> Self {
        Self(match text {
            text if text.eq_ignore_ascii_case("true") => Some(true),
            text if text.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        })
    }
}

read_from_text!(Flag);

/// The length of a session token. The token itself is not kept.
#[derive(Default)]
struct Length(Option<u32>);

/// The shortest text that is taken for a token. Texts that replace one are shorter.
const SHORTEST_TOKEN: usize = 100;

impl FromText for Length {
    fn from_text(text: &str) -> Self {
        let is_token = text.len() >= SHORTEST_TOKEN
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte));
        Self(u32::try_from(text.len()).ok().filter(|_| is_token))
    }
}

read_from_text!(Length);
