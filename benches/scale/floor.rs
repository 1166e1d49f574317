//! This module owns the floor under the cost of a rollout: a bare loop over the AWS SDK that makes the same calls and nothing else.
//!
//! List the accounts; in each of them AssumeRole, GetAccountSummary, SetSecurityTokenServicePreferences, GetAccountSummary. One
//! HTTP client, one client for each service, credentials with each call, a current-thread runtime: the cheapest way that was found
//! to use the SDK. No retries, no checks, no journal, no report.

use std::error::Error;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use aws_credential_types::Credentials;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use futures::stream::{self, TryStreamExt as _};

pub(crate) type Failed = Box<dyn Error>;

/// Runs the loop over the Organization that the environment leads to.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(concurrency: usize) -> Result<(), Failed> {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .retry_config(RetryConfig::disabled())
        .region(Region::from_static("us-east-1"))
        .load()
        .await;
    let organizations = aws_sdk_organizations::Client::new(&config);
    let sts = aws_sdk_sts::Client::new(&config);
    let iam = aws_sdk_iam::Client::new(&config);
    let caller = sts.get_caller_identity().send().await?.account.unwrap_or_default();

    let mut accounts = Vec::new();
    let mut token = None;
    loop {
        let page = organizations.list_accounts().max_results(20).set_next_token(token).send().await?;
        accounts.extend(page.accounts.unwrap_or_default().into_iter().filter_map(|account| account.id));
        token = page.next_token;
        if token.is_none() {
            break;
        }
    }
    stream::iter(accounts.iter().filter(|id| **id != caller).map(Ok::<_, Failed>))
        .try_for_each_concurrent(concurrency, async |id| visit(&sts, &iam, id).await)
        .await
}

async fn visit(sts: &aws_sdk_sts::Client, iam: &aws_sdk_iam::Client, id: &str) -> Result<(), Failed> {
    let role = format!("arn:aws:iam::{id}:role/OrganizationAccountAccessRole");
    let answer = sts.assume_role().role_arn(role).role_session_name("floor").send().await?;
    let issued = answer.credentials.ok_or("no credentials")?;
    let credentials =
        Credentials::new(issued.access_key_id, issued.secret_access_key, Some(issued.session_token), None, "floor");
    let with = || aws_sdk_iam::config::Builder::new().credentials_provider(credentials.clone());
    iam.get_account_summary().customize().config_override(with()).send().await?;
    let wanted = aws_sdk_iam::types::GlobalEndpointTokenVersion::V2Token;
    let set = iam.set_security_token_service_preferences().global_endpoint_token_version(wanted);
    set.customize().config_override(with()).send().await?;
    iam.get_account_summary().customize().config_override(with()).send().await?;
    Ok(())
}
