//! This module owns the two calls of IAM: the reading of the token version, and the setting of it. A visit, a program that uses
//! the library, and `v2token iam` make them here.

mod client;

use aws_sdk_iam::Client;
use aws_sdk_iam::operation::get_account_summary::builders::GetAccountSummaryFluentBuilder;
use aws_sdk_iam::operation::set_security_token_service_preferences::builders::SetSecurityTokenServicePreferencesFluentBuilder;
use aws_sdk_iam::types::{GlobalEndpointTokenVersion, SummaryKeyType};

use super::super::{Answer, Failure, Operation};
use super::call::call;
use super::session::Session;
use crate::org::{ObservedVersion, TokenVersion};

pub use client::{AccountSummary, IamClient};

/// The request that asks for a token version.
pub(crate) fn set(client: &Client, version: TokenVersion) -> SetSecurityTokenServicePreferencesFluentBuilder {
    client.set_security_token_service_preferences().global_endpoint_token_version(match version {
        TokenVersion::V1Token => GlobalEndpointTokenVersion::V1Token,
        TokenVersion::V2Token => GlobalEndpointTokenVersion::V2Token,
    })
}

/// The request for the account summary: its `GlobalEndpointTokenVersion` entry is the only place that shows the token version.
pub(crate) fn summary(client: &Client) -> GetAccountSummaryFluentBuilder {
    client.get_account_summary()
}

/// Reads the token version in the account of a session.
pub(super) async fn token_version(client: &Client, session: &Session) -> Result<Answer<ObservedVersion>, Failure> {
    let operation = Operation::GetAccountSummary;
    let request = summary(client).customize().config_override(session.iam_config()).send();
    let Answer { value, request_id } = call(operation, Some(session.account), request).await?;
    let entry = value.summary_map().and_then(|map| map.get(&SummaryKeyType::GlobalEndpointTokenVersion)).copied();
    Ok(Answer { value: ObservedVersion::from_summary(entry), request_id })
}

/// Asks for a token version. The SDK does not look at the body of the answer, so success here proves nothing.
pub(super) async fn set_token_version(
    client: &Client,
    session: &Session,
    version: TokenVersion,
) -> Result<Answer<()>, Failure> {
    let operation = Operation::SetSecurityTokenServicePreferences;
    let request = set(client, version).customize().config_override(session.iam_config()).send();
    let Answer { request_id, .. } = call(operation, Some(session.account), request).await?;
    Ok(Answer { value: (), request_id })
}
