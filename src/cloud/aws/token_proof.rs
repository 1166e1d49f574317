//! Tests a token of the global STS endpoint for `--verify token=REGION`, which is the only use of that endpoint.
//!
//! The global endpoint issues a session for the account's role, and the session calls STS in an opt-in Region. Such a Region
//! refuses v1 tokens, so a token that it accepts is a v2 token. The token never leaves this module.

use aws_config::{Region, SdkConfig};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::Builder;

use super::super::{AccessMethod, Answer, Failure, Operation, OwnCode};
use super::call::call;
use super::endpoint::configured_url;
use super::error::incomplete;
use super::session::SessionOptions;
use super::sts;
use crate::org::AccountId;

/// The global endpoint, and the Region for which its requests are signed.
const GLOBAL: &str = "https://sts.amazonaws.com";
const GLOBAL_REGION: &str = "us-east-1";

/// Gets a session from the global endpoint and uses it in the Region.
pub(super) async fn test(
    config: &SdkConfig,
    account: AccountId,
    access: &AccessMethod,
    region: &str,
    options: &SessionOptions,
) -> Result<Answer<()>, Failure> {
    let AccessMethod::Role(arn) = access else {
        let message = "only a role's session can be proven".to_owned();
        return Err(Failure::own(Operation::AssumeRole, OwnCode::RequestNotBuilt, message));
    };
    let in_region = |region: &str| Builder::from(config).region(Region::new(region.to_owned()));
    // A configured endpoint replaces all of AWS, including the global endpoint.
    let global = configured_url(config, "sts").unwrap_or_else(|| GLOBAL.to_owned());
    let global = Client::from_conf(in_region(GLOBAL_REGION).endpoint_url(global).build());
    let issued = sts::assume_role(&global, account, arn, options).await?;
    let there = Client::from_conf(in_region(region).credentials_provider(issued.value.credentials.clone()).build());
    let operation = Operation::GetCallerIdentity;
    let Answer { value, request_id } = call(operation, Some(account), there.get_caller_identity().send()).await?;
    // Only an answer of STS proves that the token was accepted.
    if value.account() != Some(account.to_string().as_str()) {
        return Err(incomplete(operation, "it does not name the account of the session", request_id.as_deref()));
    }
    Ok(Answer { value: (), request_id })
}
