//! This module owns the two calls of IAM: the reading of the token version, and the setting of it.

use aws_sdk_iam::Client;
use aws_sdk_iam::config::Builder;
use aws_sdk_iam::types::{GlobalEndpointTokenVersion, SummaryKeyType};

use super::super::{Answer, Failure, Operation};
use super::Session;
use super::calls::call;
use crate::org::{Reading, TokenVersion};

/// Reads the token version: the `GlobalEndpointTokenVersion` entry of the account summary is the only place that shows it.
pub(super) async fn token_version(client: &Client, session: &Session) -> Result<Answer<Reading>, Failure> {
    let operation = Operation::GetAccountSummary;
    let request = client.get_account_summary().customize().config_override(credentials(session)).send();
    let Answer { value, request_id } = call(operation, Some(session.account), request).await?;
    let entry = value.summary_map().and_then(|map| map.get(&SummaryKeyType::GlobalEndpointTokenVersion)).copied();
    Ok(Answer { value: Reading::from_summary(entry), request_id })
}

/// Asks for a token version. The SDK does not look at the body of the answer, so success here proves nothing.
pub(super) async fn set_token_version(
    client: &Client,
    session: &Session,
    version: TokenVersion,
) -> Result<Answer<()>, Failure> {
    let operation = Operation::SetSecurityTokenServicePreferences;
    let request = client.set_security_token_service_preferences().global_endpoint_token_version(match version {
        TokenVersion::V1Token => GlobalEndpointTokenVersion::V1Token,
        TokenVersion::V2Token => GlobalEndpointTokenVersion::V2Token,
    });
    let request = request.customize().config_override(credentials(session)).send();
    let Answer { request_id, .. } = call(operation, Some(session.account), request).await?;
    Ok(Answer { value: (), request_id })
}

/// The credentials of one account travel with the call; the client, its connections and its settings are shared.
pub(super) fn credentials(session: &Session) -> Builder {
    Builder::new().credentials_provider(session.credentials.clone())
}
