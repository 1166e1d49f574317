//! Tests a token of the global STS endpoint for `--verify token=REGION`.
//!
//! The global endpoint issues a session for the account's role, and the session calls STS in an opt-in Region. Such a Region
//! refuses v1 tokens, so a token that it accepts is a v2 token. The token never leaves this module.

use aws_config::Region;
use aws_sdk_sts::Client;
use aws_sdk_sts::config::Builder;

use super::super::{AccessMethod, Answer, Failure, Operation};
use super::call::call;
use super::clients::Clients;
use super::error::incomplete;
use super::global_endpoint;
use super::session::SessionOptions;
use crate::org::AccountId;

/// Gets a session from the global endpoint and uses it in the Region.
pub(super) async fn test(
    clients: &Clients,
    account: AccountId,
    access: &AccessMethod,
    region: &str,
    options: &SessionOptions,
) -> Result<Answer<()>, Failure> {
    let issued = global_endpoint::assume_role(&clients.global_sts, account, access, options).await?;
    let there = Builder::from(&clients.hub).region(Region::new(region.to_owned()));
    let there = Client::from_conf(there.credentials_provider(issued.value.credentials.clone()).build());
    let operation = Operation::GetCallerIdentity;
    let Answer { value, request_id } = call(operation, Some(account), there.get_caller_identity().send()).await?;
    // Only an answer of STS proves that the token was accepted.
    if value.account() != Some(account.to_string().as_str()) {
        return Err(incomplete(operation, "it does not name the account of the session", request_id.as_deref()));
    }
    Ok(Answer { value: (), request_id })
}
