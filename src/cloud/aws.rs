//! This module owns the connection to AWS: configuration from the usual places, endpoints, and the clients of a run.

mod calls;
mod endpoint;
mod error;
mod http;
mod iam;
pub mod organizations;
mod proof;
mod sts;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileFileRegionProvider};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_iam::config::IdentityCache;

use super::{Answer, Cloud, Failure, Kind, Operation, WayIn, failure::code};
use crate::org::region::{self, Home, RegionRefused};
use crate::org::{AccountId, Caller, Reading, TokenVersion};
use crate::secret::Secret;

pub use endpoint::EndpointRefused;
pub use http::CaBundleRefused;
pub use organizations::{ListingFailed, Organization};

/// How long one attempt may take to connect, to answer, and as a whole.
///
/// The SDK's defaults are 3.1 s to connect and no limit on anything else (aws-smithy-runtime-api,
/// `client/behavior_version.rs`), so that one black-holed answer would hold a visit for ever.
const CONNECT: Duration = Duration::from_secs(5);
const READ: Duration = Duration::from_secs(15);
const ATTEMPT: Duration = Duration::from_secs(20);

/// What is needed to connect. It may hold a secret, so it can't be printed.
#[derive(Clone)]
pub struct Access {
    /// The profile named on the command line; it then wins over credentials in the environment, as in the AWS CLI.
    pub profile: Option<String>,
    /// The Region named on the command line, else that of the AWS chain.
    pub region: Option<String>,
    /// One endpoint for Organizations, STS and IAM. It does not redirect the credential providers.
    pub endpoint_url: Option<String>,
    /// Certificate authorities to trust instead of the system's: a PEM file.
    pub ca_bundle: Option<std::path::PathBuf>,
    /// How many connections may be open to one host.
    pub connections: usize,
    /// How often a call outside the visits is tried.
    pub max_attempts: u32,
    /// How sessions in the accounts are asked for.
    pub session: SessionTerms,
}

impl Default for Access {
    /// The usual AWS chain, and sessions of 15 minutes that may only read the account summary.
    fn default() -> Self {
        Self {
            profile: None,
            region: None,
            endpoint_url: None,
            ca_bundle: None,
            connections: 32,
            max_attempts: 8,
            session: SessionTerms {
                name: "v2token".to_owned(),
                duration: Duration::from_mins(15),
                external_id: None,
                policy: Some(session_policy(&[Operation::GetAccountSummary])),
            },
        }
    }
}

/// A session policy that allows exactly these operations.
#[must_use]
pub fn session_policy(operations: &[Operation]) -> String {
    let actions: Vec<String> =
        operations.iter().map(|operation| format!("{}:{operation}", operation.service())).collect();
    serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]
    })
    .to_string()
}

/// What every AssumeRole of the run asks for.
#[derive(Clone)]
pub struct SessionTerms {
    /// The session's name, as CloudTrail shows it.
    pub name: String,
    /// How long it lasts, 900 to 43,200 seconds.
    pub duration: Duration,
    /// What the roles' trust policies may ask for.
    pub external_id: Option<Secret>,
    /// A JSON policy that narrows what the session may do.
    pub policy: Option<String>,
}

/// The connection could not be made. Nothing was attempted in any account.
#[derive(Debug, thiserror::Error)]
pub enum ConnectFailed {
    /// No Region was named anywhere.
    #[error("no Region is configured")]
    NoRegion,
    /// The Region can't be used.
    #[error(transparent)]
    Region(#[from] RegionRefused),
    /// The endpoint can't be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointRefused),
    /// The CA bundle can't be used.
    #[error(transparent)]
    CaBundle(#[from] CaBundleRefused),
    /// A call failed.
    #[error(transparent)]
    Call(#[from] Failure),
    /// STS answered, but named nobody.
    #[error(transparent)]
    Nobody(#[from] crate::org::caller::NotACaller),
}

/// The session in one account. It holds credentials, so it has no `Debug`.
pub struct Session {
    account: AccountId,
    /// Credentials that were proven to be of the account.
    credentials: SharedCredentialsProvider,
}

/// The clients, made anew when the base credentials have to be fetched again.
struct Clients {
    organizations: aws_sdk_organizations::Client,
    sts: aws_sdk_sts::Client,
    iam: aws_sdk_iam::Client,
}

/// AWS, as the caller's credentials show it.
pub struct Aws {
    config: SdkConfig,
    home: Home,
    endpoint_url: Option<String>,
    clients: RefCell<Rc<Clients>>,
    session: SessionTerms,
    max_attempts: u32,
    /// The Region of the run, which is that of its STS endpoint.
    pub region: String,
    /// The regional STS endpoint that sessions come from.
    pub sts_endpoint: String,
    /// Who the base credentials belong to.
    pub caller: Caller,
}

impl Aws {
    /// Reads the AWS configuration, checks Region and endpoints, and asks STS who the caller is.
    ///
    /// # Errors
    ///
    /// When something is missing or refused; nothing was attempted then.
    pub async fn connect(access: &Access) -> Result<Self, ConnectFailed> {
        if let Some(named) = &access.region {
            region::partition_of(named)?;
        }
        let config = configure(access).await?;
        let region = config.region().map(|region| region.as_ref().to_owned());
        let region = region.filter(|region| !region.is_empty()).ok_or(ConnectFailed::NoRegion)?;
        let home = region::home_of(&region)?;
        let endpoint_url = access.endpoint_url.clone();
        if let Some(url) = &endpoint_url {
            endpoint::check_url(url)?;
        }
        let clients = Clients::new(&config, home, endpoint_url.as_deref());
        let sts_endpoint = endpoint::regional_sts(&config, endpoint_url.clone()).await?;
        let caller = sts::caller(&clients.sts, access.max_attempts).await.map_err(|error| named(error, access))?;
        region::check(&region, &caller.partition)?;
        Ok(Self {
            config,
            home,
            endpoint_url,
            clients: RefCell::new(Rc::new(clients)),
            session: access.session.clone(),
            max_attempts: access.max_attempts,
            region,
            sts_endpoint,
            caller,
        })
    }

    /// The clients of the moment. Cheap; never hold the borrow across an await.
    fn clients(&self) -> Rc<Clients> {
        Rc::clone(&self.clients.borrow())
    }

    /// Fetches the base credentials again, in case the cached ones went stale before their time.
    fn renew(&self) {
        let config = self.config.to_builder().identity_cache(IdentityCache::lazy().build()).build();
        *self.clients.borrow_mut() = Rc::new(Clients::new(&config, self.home, self.endpoint_url.as_deref()));
    }

    /// The Organization that the caller's account belongs to.
    ///
    /// # Errors
    ///
    /// When `DescribeOrganization` fails for good.
    pub async fn organization(&self) -> Result<Organization, ListingFailed> {
        organizations::describe(&self.clients().organizations, self.max_attempts).await
    }

    /// Every account of the Organization, once, sorted by id. `progress` is told how many were listed so far.
    ///
    /// # Errors
    ///
    /// When the list would not be complete.
    pub async fn accounts(&self, progress: impl FnMut(usize)) -> Result<Vec<crate::org::Account>, ListingFailed> {
        organizations::accounts(&self.clients().organizations, self.max_attempts, progress).await
    }
}

impl Clients {
    fn new(config: &SdkConfig, home: Home, endpoint_url: Option<&str>) -> Self {
        // The visits own the retries: see `cloud::backoff`.
        let off = RetryConfig::disabled();
        // Set on each service, an endpoint wins over those of the environment and of the profile. Set on the configuration that
        // they share, it would lose against them, and redirect the credential providers too.
        let url = endpoint_url.map(str::to_owned);
        let mut organizations = aws_sdk_organizations::config::Builder::from(config)
            .region(Region::from_static(home.organizations))
            .retry_config(off.clone());
        let mut iam =
            aws_sdk_iam::config::Builder::from(config).region(Region::from_static(home.iam)).retry_config(off.clone());
        let mut sts = aws_sdk_sts::config::Builder::from(config).retry_config(off);
        if url.is_some() {
            organizations.set_endpoint_url(url.clone());
            iam.set_endpoint_url(url.clone());
            sts.set_endpoint_url(url);
        }
        Self {
            organizations: aws_sdk_organizations::Client::from_conf(organizations.build()),
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
            iam: aws_sdk_iam::Client::from_conf(iam.build()),
        }
    }
}

impl Cloud for Aws {
    type Session = Session;

    async fn enter(&self, account: AccountId, way: &WayIn) -> Result<Answer<Session>, Failure> {
        match way {
            WayIn::Own => sts::own(&self.clients().sts, self.config.credentials_provider(), account).await,
            WayIn::Role(arn) => sts::assume(&self.clients().sts, account, arn, &self.session).await,
        }
    }

    async fn read(&self, session: &Session) -> Result<Answer<Reading>, Failure> {
        iam::token_version(&self.clients().iam, session).await
    }

    async fn set(&self, session: &Session, version: TokenVersion) -> Result<Answer<()>, Failure> {
        iam::set_token_version(&self.clients().iam, session, version).await
    }

    async fn prove_token(&self, account: AccountId, way: &WayIn, region: &str) -> Result<Answer<()>, Failure> {
        proof::prove(&self.config, self.endpoint_url.as_deref(), account, way, region, &self.session).await
    }

    async fn confirm_caller(&self) -> Result<(), Failure> {
        self.renew();
        let caller = sts::ask_caller(&self.clients().sts).await?;
        if caller.value.account == self.caller.account {
            return Ok(());
        }
        Err(Failure {
            kind: Kind::Credentials,
            ..calls::own_failure(
                Operation::GetCallerIdentity,
                code::WRONG_ACCOUNT,
                format!("the base credentials moved from account {} to {}", self.caller.account, caller.value.account),
            )
        })
    }
}

/// Says which profile gives no credentials; the SDK's own words do not always name it.
fn named(error: ConnectFailed, access: &Access) -> ConnectFailed {
    match (error, &access.profile) {
        (ConnectFailed::Call(failure), Some(profile)) if failure.code == code::NO_CREDENTIALS => {
            let message = format!("profile {profile:?} gives no credentials, or is not defined: {}", failure.message);
            ConnectFailed::Call(Failure { message, ..failure })
        }
        (error, _) => error,
    }
}

/// Loads the configuration from where every AWS tool looks for it.
async fn configure(access: &Access) -> Result<SdkConfig, ConnectFailed> {
    let http = http::client(access.ca_bundle.as_deref(), access.connections)?;
    let timeouts =
        TimeoutConfig::builder().connect_timeout(CONNECT).read_timeout(READ).operation_attempt_timeout(ATTEMPT).build();
    let mut loader = aws_config::defaults(BehaviorVersion::v2026_01_12())
        .http_client(http.clone())
        .timeout_config(timeouts)
        // Given in code, so that AWS_MAX_ATTEMPTS=0 and AWS_RETRY_MODE=legacy, which the AWS CLI knows, are not parsed:
        // the SDK panics on them. This one serves the credential providers.
        .retry_config(RetryConfig::standard())
        .app_name(AppName::new(concat!("v2token-", env!("CARGO_PKG_VERSION"))).expect("only allowed characters"));
    let region = match (&access.region, &access.profile) {
        (Some(region), _) => Some(Region::new(region.clone())),
        // A profile that assumes a role needs a Region too, and the provider below does not look for one by itself.
        (None, Some(profile)) => {
            let file = ProfileFileRegionProvider::builder().profile_name(profile).build();
            RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new()).or_else(file).region().await
        }
        (None, None) => None,
    };
    if let Some(region) = &region {
        loader = loader.region(region.clone());
    }
    if let Some(profile) = &access.profile {
        let provider = ProviderConfig::default().with_http_client(http).with_region(region);
        loader = loader.profile_name(profile).credentials_provider(
            ProfileFileCredentialsProvider::builder().configure(&provider).profile_name(profile).build(),
        );
    }
    Ok(loader.load().await)
}
