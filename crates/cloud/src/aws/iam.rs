//! The two calls of IAM that read and set the token version.

mod client;
mod set_answer;
mod short_summary;

use std::collections::HashMap;

use aws_sdk_iam::Client;
use aws_sdk_iam::operation::get_account_summary::builders::GetAccountSummaryFluentBuilder;
use aws_sdk_iam::operation::set_security_token_service_preferences::builders::SetSecurityTokenServicePreferencesFluentBuilder;
use aws_sdk_iam::types::{GlobalEndpointTokenVersion, SummaryKeyType};

use super::super::{Answer, Failure, Operation};
use super::call::call;
use super::error::incomplete;
use super::session::Session;
use crate::org::{ObservedVersion, TokenVersion};
use set_answer::SetAnswer;
use short_summary::ShortSummary;

pub use client::{AccountSummary, IamClient};

/// Returns the request that sets a token version.
pub fn set(client: &Client, version: TokenVersion) -> SetSecurityTokenServicePreferencesFluentBuilder {
    client.set_security_token_service_preferences().global_endpoint_token_version(match version {
        TokenVersion::V1Token => GlobalEndpointTokenVersion::V1Token,
        TokenVersion::V2Token => GlobalEndpointTokenVersion::V2Token,
    })
}

/// Returns the request for the account summary, whose `GlobalEndpointTokenVersion` entry is the only place that shows the
/// version.
pub fn summary(client: &Client) -> GetAccountSummaryFluentBuilder {
    client.get_account_summary()
}

/// Reads the token version of the session's account.
pub(super) async fn token_version(client: &Client, session: &Session) -> Result<Answer<ObservedVersion>, Failure> {
    let operation = Operation::GetAccountSummary;
    let request = summary(client).customize().interceptor(ShortSummary).config_override(session.iam_config()).send();
    let Answer { value, request_id } = call(operation, Some(session.account), request).await?;
    let map = check_summary(value.summary_map, request_id.as_deref())?;
    let entry = map.get(&SummaryKeyType::GlobalEndpointTokenVersion).copied();
    Ok(Answer { value: ObservedVersion::from_summary(entry), request_id })
}

/// Returns the summary of an answer. A summary without any entry is no answer of IAM, which counts and limits dozens of things in
/// every account. An account may lack the entry of the version, and its version is `unknown` then.
fn check_summary(
    map: Option<HashMap<SummaryKeyType, i32>>,
    request_id: Option<&str>,
) -> Result<HashMap<SummaryKeyType, i32>, Failure> {
    map.filter(|map| !map.is_empty())
        .ok_or_else(|| incomplete(Operation::GetAccountSummary, "it lacks SummaryMap", request_id))
}

/// Sets the token version of the session's account.
pub(super) async fn set_token_version(
    client: &Client,
    session: &Session,
    version: TokenVersion,
) -> Result<Answer<()>, Failure> {
    let operation = Operation::SetSecurityTokenServicePreferences;
    let request = set(client, version).customize().interceptor(SetAnswer).config_override(session.iam_config()).send();
    let Answer { request_id, .. } = call(operation, Some(session.account), request).await?;
    Ok(Answer { value: (), request_id })
}
