//! The lower bound of a rollout's cost: a bare loop over the AWS SDK that makes the same calls and nothing else.
//!
//! List the accounts; in each of them AssumeRole, GetAccountSummary, SetSecurityTokenServicePreferences, GetAccountSummary. One
//! HTTP client, one client for each service, credentials with each call, a current-thread runtime: the cheapest use of the SDK that was
//! found. No retries, no checks, no journal, no report.

use std::error::Error;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_iam::config::Builder as IamConfig;
use aws_sdk_iam::types::GlobalEndpointTokenVersion as Version;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use futures::stream::{self, TryStreamExt as _};

pub(crate) type Failed = Box<dyn Error + Send + Sync>;

/// The ways to use the SDK.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Choices {
    /// An IAM client for each account, instead of one with credentials for each call
    #[arg(long)]
    pub(crate) client_each: bool,
}

/// Runs the loop over the Organization of the environment's credentials and endpoint.
#[tokio::main(flavor = "current_thread")]
pub(crate) async fn run(concurrency: usize, choices: Choices) -> Result<(), Failed> {
    let http = Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let config = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http)
        .retry_config(RetryConfig::disabled())
        .region(Region::from_static("us-east-1"))
        .load()
        .await;
    let organizations = aws_sdk_organizations::Client::new(&config);
    let clients = Clients {
        sts: aws_sdk_sts::Client::new(&config),
        iam: aws_sdk_iam::Client::new(&config),
        each: choices.client_each.then_some(config),
    };
    let caller = clients.sts.get_caller_identity().send().await?.account.unwrap_or_default();

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
    let members = accounts.into_iter().filter(|id| *id != caller).map(Ok::<_, Failed>);
    stream::iter(members).try_for_each_concurrent(concurrency, async |id| clients.clone().visit(id).await).await
}

#[derive(Clone)]
struct Clients {
    sts: aws_sdk_sts::Client,
    iam: aws_sdk_iam::Client,
    /// The configuration for a client for each account, if there is one for each.
    each: Option<SdkConfig>,
}

impl Clients {
    async fn visit(self, id: String) -> Result<(), Failed> {
        let role = format!("arn:aws:iam::{id}:role/OrganizationAccountAccessRole");
        let answer = self.sts.assume_role().role_arn(role).role_session_name("floor").send().await?;
        let issued = answer.credentials.ok_or("no credentials")?;
        let credentials =
            Credentials::new(issued.access_key_id, issued.secret_access_key, Some(issued.session_token), None, "floor");
        let (iam, with): (_, fn(&Credentials) -> IamConfig) = match &self.each {
            None => (self.iam, |credentials| IamConfig::new().credentials_provider(credentials.clone())),
            Some(config) => {
                let config = IamConfig::from(config).credentials_provider(credentials.clone()).build();
                (aws_sdk_iam::Client::from_conf(config), |_| IamConfig::new())
            }
        };
        let with = || with(&credentials);
        iam.get_account_summary().customize().config_override(with()).send().await?;
        let set = iam.set_security_token_service_preferences().global_endpoint_token_version(Version::V2Token);
        set.customize().config_override(with()).send().await?;
        iam.get_account_summary().customize().config_override(with()).send().await?;
        Ok(())
    }
}
