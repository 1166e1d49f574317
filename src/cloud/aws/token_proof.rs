//! This module owns the proof of effect: the one place where the global STS endpoint is called, and only when asked for.
//!
//! A session for the account's role is asked of the global endpoint and used in an opt-in Region. There a v1 token is refused,
//! so an accepted one is a v2 token. The token never leaves this module.

use aws_config::retry::RetryConfig;
use aws_config::{Region, SdkConfig};
use aws_sdk_sts::Client;
use aws_sdk_sts::config::Builder;

use super::super::failure::code;
use super::super::{AccessMethod, Answer, Failure, Operation};
use super::call::{call, own_failure};
use super::endpoint::configured_url;
use super::{SessionOptions, sts};
use crate::org::AccountId;

/// The global endpoint, and the Region whose signatures it takes.
const GLOBAL: &str = "https://sts.amazonaws.com";
const GLOBAL_REGION: &str = "us-east-1";

/// Gets a session from the global endpoint and uses it in the Region.
pub(super) async fn prove(
    config: &SdkConfig,
    endpoint_url: Option<&str>,
    account: AccountId,
    access: &AccessMethod,
    region: &str,
    terms: &SessionOptions,
) -> Result<Answer<()>, Failure> {
    let AccessMethod::Role(arn) = access else {
        let message = "only a role's session can be proven".to_owned();
        return Err(own_failure(Operation::AssumeRole, code::NOT_SENT, message));
    };
    // An endpoint of one's own stands in for all of AWS, and for the global endpoint too.
    let own = endpoint_url.map(str::to_owned).or_else(|| configured_url(config, "sts"));
    let client = |region: &str, url: Option<String>| {
        let mut builder =
            Builder::from(config).region(Region::new(region.to_owned())).retry_config(RetryConfig::disabled());
        if url.is_some() {
            builder.set_endpoint_url(url);
        }
        builder
    };
    let global = client(GLOBAL_REGION, own.clone().or_else(|| Some(GLOBAL.to_owned())));
    let issued = sts::assume(&Client::from_conf(global.build()), account, arn, terms).await?;
    let credentials = issued.value.credentials;
    let there = Client::from_conf(client(region, own).credentials_provider(credentials).build());
    let answer = call(Operation::GetCallerIdentity, Some(account), there.get_caller_identity().send()).await?;
    Ok(Answer { value: (), request_id: answer.request_id })
}
