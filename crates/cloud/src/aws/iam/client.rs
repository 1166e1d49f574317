//! A client of IAM for Rust programs, like boto3's `IAM.Client` for Python programs.

use std::collections::BTreeMap;

use aws_config::{Region, SdkConfig};
use aws_sdk_iam::config::retry::{RetryConfig, RetryPartition, TokenBucket};

use super::super::super::{Failure, Operation};
use super::super::call::call;
use super::super::http;
use crate::org::{ObservedVersion, TokenVersion, region};

/// The maximum number of attempts of a call, as in boto3 (botocore, `data/_retry.json`).
const ATTEMPTS: u32 = 5;

/// The maximum number of connections of a client that had to create its HTTP client itself, as in boto3 (botocore, `httpsession.py`).
const CONNECTIONS: usize = 10;

/// A client for the two IAM operations that read and set the token version, in the account of its credentials.
///
/// If AWS throttles a call, has an internal error, or can't be reached, the call is repeated. A call is attempted five times at
/// most.
///
/// ```
/// # mod v2token {
/// #     pub(super) use v2token_base::org::{ObservedVersion, TokenVersion};
/// #     pub(super) use v2token_cloud::aws::IamClient;
/// # }
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
    /// Creates a client with the credentials, the Region, the endpoint, the timeouts and the HTTP client of a configuration that
    /// was loaded with `aws_config`.
    ///
    /// If the configuration has no HTTP client, the client creates one that trusts the system's certificate authorities.
    ///
    /// The Region determines the partition. Requests to a custom endpoint are signed for the Region for which IAM in that
    /// partition accepts signatures.
    pub fn new(config: &SdkConfig) -> Self {
        // The SDK's retry quota is one bucket for the whole process, which other clients might have emptied, so this client has a
        // bucket of its own.
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

    /// Sets the version of the tokens that the global STS endpoint issues, like boto3's
    /// `set_security_token_service_preferences(GlobalEndpointTokenVersion=…)`.
    ///
    /// Success means that IAM answered with HTTP status 200; the answer has no other content. Use
    /// [`get_account_summary`](Self::get_account_summary) to check that the setting took effect. The required permission is
    /// `iam:SetSecurityTokenServicePreferences`.
    ///
    /// # Errors
    ///
    /// Returns an error if AWS refuses the call or can't be reached. The error has AWS's code, message and request id, and says
    /// whether the request might still have taken effect.
    pub async fn set_security_token_service_preferences(
        &self,
        global_endpoint_token_version: TokenVersion,
    ) -> Result<(), Failure> {
        let operation = Operation::SetSecurityTokenServicePreferences;
        call(operation, None, super::set(&self.0, global_endpoint_token_version).send()).await.map(|_| ())
    }

    /// Reads the account summary, like boto3's `get_account_summary()`. The required permission is
    /// `iam:GetAccountSummary`.
    ///
    /// # Errors
    ///
    /// Returns an error if AWS refuses the call or can't be reached, or if the answer has no summary.
    pub async fn get_account_summary(&self) -> Result<AccountSummary, Failure> {
        let answer = call(Operation::GetAccountSummary, None, super::summary(&self.0).send()).await?;
        let entries = super::check_summary(answer.value.summary_map, answer.request_id.as_deref())?;
        Ok(AccountSummary(entries.into_iter().map(|(key, value)| (key.as_str().to_owned(), value)).collect()))
    }
}

/// The keys and numbers of `SummaryMap`: what IAM counts in an account, and the account's token version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSummary(pub BTreeMap<String, i32>);

impl AccountSummary {
    /// Returns the token version. It is [`ObservedVersion::Unknown`], and not version 1, if the summary contains no version.
    pub fn token_version(&self) -> ObservedVersion {
        ObservedVersion::from_summary(self.0.get("GlobalEndpointTokenVersion").copied())
    }
}
