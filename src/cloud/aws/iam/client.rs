//! This module owns IAM's client for Rust programs: for one account, what boto3's `IAM.Client` is for Python programs.

use std::collections::BTreeMap;

use aws_config::{Region, SdkConfig};
use aws_sdk_iam::config::retry::{RetryConfig, RetryPartition, TokenBucket};

use super::super::super::{Failure, Operation};
use super::super::call::call;
use super::super::http;
use crate::org::{ObservedVersion, TokenVersion, region};

/// How often a call is tried, as in boto3 (botocore, `data/_retry.json`).
const ATTEMPTS: u32 = 5;

/// How many connections a client that brings its own HTTP client opens, as in boto3 (botocore, `httpsession.py`).
const CONNECTIONS: usize = 10;

/// A client for the two IAM operations that concern the token version, in the account of its credentials.
///
/// A call is tried up to five times when AWS throttles, fails, or can't be reached.
///
/// ```
/// use aws_config::{BehaviorVersion, Region};
/// use v2token::{IamClient, ObservedVersion, TokenVersion};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// # let organization = v2token_simulator::Organization::builder().accounts(1).start();
/// # let variables: std::collections::HashMap<_, _> = organization.environment().into_iter().collect();
/// # let of = |name: &str| variables[name].clone();
/// # let credentials = aws_credential_types::Credentials::new(
/// #     of("AWS_ACCESS_KEY_ID"), of("AWS_SECRET_ACCESS_KEY"), variables.get("AWS_SESSION_TOKEN").cloned(), None, "example");
/// let config = aws_config::defaults(BehaviorVersion::latest()).region(Region::new("us-east-1"));
/// # let config = config.endpoint_url(organization.endpoint()).credentials_provider(credentials);
/// let iam = IamClient::new(&config.load().await);
///
/// let version: TokenVersion = "v2Token".parse()?;
/// iam.set_security_token_service_preferences(version).await?;
///
/// let summary = iam.get_account_summary().await?;
/// assert_eq!(summary.token_version(), ObservedVersion::V2Token);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct IamClient(aws_sdk_iam::Client);

impl IamClient {
    /// Makes a client from a configuration that was loaded with `aws_config`: credentials, Region, endpoint, timeouts and HTTP
    /// client are taken from there.
    ///
    /// Where the configuration has no HTTP client, one that trusts whoever the system trusts is made.
    ///
    /// The Region picks the partition. Behind an endpoint of one's own, requests are signed for the Region in which IAM of that
    /// partition accepts signatures.
    pub fn new(config: &SdkConfig) -> Self {
        // A bucket of its own: the SDK's is one for the whole process, and other clients may have emptied it.
        let bucket = RetryPartition::custom("v2token-iam-client").token_bucket(TokenBucket::unlimited()).build();
        let mut builder = aws_sdk_iam::config::Builder::from(config)
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .retry_partition(bucket);
        if let Some(home) = config.region().and_then(|region| region::service_regions_of(region.as_ref()).ok()) {
            builder = builder.region(Region::from_static(home.iam));
        }
        if config.http_client().is_none() {
            builder = builder.http_client(http::client(None, CONNECTIONS).expect("there is no bundle to refuse"));
        }
        Self(aws_sdk_iam::Client::from_conf(builder.build()))
    }

    /// Asks for the version of the tokens that the global STS endpoint issues, like boto3's
    /// `set_security_token_service_preferences(GlobalEndpointTokenVersion=…)`.
    ///
    /// Success means that the request was answered with HTTP status 200; IAM says nothing more. Whether the setting has arrived
    /// is seen with [`get_account_summary`](Self::get_account_summary). The permission is
    /// `iam:SetSecurityTokenServicePreferences`.
    ///
    /// # Errors
    ///
    /// When AWS refuses, or can't be reached: with AWS's code, message and request id, and with whether the request may have
    /// been carried out all the same.
    pub async fn set_security_token_service_preferences(
        &self,
        global_endpoint_token_version: TokenVersion,
    ) -> Result<(), Failure> {
        let operation = Operation::SetSecurityTokenServicePreferences;
        call(operation, None, super::set(&self.0, global_endpoint_token_version).send()).await.map(|_| ())
    }

    /// Reads the account summary, like boto3's `get_account_summary()`. The permission is `iam:GetAccountSummary`.
    ///
    /// # Errors
    ///
    /// When AWS refuses, or can't be reached.
    pub async fn get_account_summary(&self) -> Result<AccountSummary, Failure> {
        let answer = call(Operation::GetAccountSummary, None, super::summary(&self.0).send()).await?;
        let entries = answer.value.summary_map().into_iter().flatten();
        Ok(AccountSummary(entries.map(|(key, value)| (key.as_str().to_owned(), *value)).collect()))
    }
}

/// What IAM counts in an account, and its token version: the keys and numbers of `SummaryMap`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSummary(pub BTreeMap<String, i32>);

impl AccountSummary {
    /// The token version. A summary without one is [`ObservedVersion::Unknown`], which is not version 1.
    pub fn token_version(&self) -> ObservedVersion {
        ObservedVersion::from_summary(self.0.get("GlobalEndpointTokenVersion").copied())
    }
}
