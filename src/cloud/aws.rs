//! This module owns the connection to AWS: configuration from the usual places, endpoints, and the clients of a run.

mod call;
pub(crate) mod clock;
mod config;
mod connect_options;
pub(crate) mod credentials;
pub(crate) mod endpoint;
pub(crate) mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
pub(crate) mod http;
pub(crate) mod iam;
pub(crate) mod organizations;
mod profile;
mod profiles;
mod role_chain;
pub(crate) mod simulate;
mod sts;
mod token_proof;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use aws_config::retry::RetryConfig;
use aws_config::{Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_iam::config::IdentityCache;

use super::{AccessMethod, Answer, Cloud, Failure, FailureKind, Operation, failure::code};
use crate::org::region::{self, ServiceRegions};
use crate::org::selection::Tags;
use crate::org::{Account, AccountId, Caller, ObservedVersion, TokenVersion, UnitId};
use clock::Clock;
use credentials::Fetching;
use role_chain::ChainedRole;

pub(crate) use connect_options::session_policy;
pub use connect_options::{ConnectFailed, ConnectOptions};
pub(crate) use connect_options::{Mfa, SessionOptions};
pub use endpoint::EndpointRefused;
pub use http::{CaBundleRefused, ProxyRefused};
pub use iam::{AccountSummary, IamClient};
pub use organizations::ListingFailed;
pub(crate) use organizations::{Listing, Organization};
pub(crate) use profiles::Profiles;
pub(crate) use sts::audit_task_policy;

/// The session in one account. It holds credentials, so it has no `Debug`.
pub struct Session {
    account: AccountId,
    /// Credentials that were proven to be of the account.
    credentials: SharedCredentialsProvider,
}

/// The clients, made anew when the base credentials have to be fetched again.
struct Clients {
    /// The base credentials, and those that enter the accounts, each with the cache that its clients use.
    base: SdkConfig,
    hub: SdkConfig,
    /// With the base credentials, or, where those may not list the accounts, with those that enter the accounts.
    organizations: aws_sdk_organizations::Client,
    /// With the credentials that enter the accounts.
    sts: aws_sdk_sts::Client,
    /// Without credentials, to learn whether anybody answers.
    unsigned: aws_sdk_sts::Client,
    iam: aws_sdk_iam::Client,
}

/// The way from the first credentials to the accounts.
struct Route {
    /// With the first credentials: those of the AWS chain, or of an MFA session.
    first: SdkConfig,
    /// The roles of the profile, where this program assumes them.
    profile: Vec<ChainedRole>,
    /// The roles of `--via-role`.
    via: Vec<ChainedRole>,
    home: ServiceRegions,
    endpoint_url: Option<String>,
    clock: Clock,
}

/// AWS, as the caller's credentials show it.
pub struct Aws {
    route: Route,
    clients: RefCell<Rc<Clients>>,
    /// The base credentials may not list the accounts, so those that enter them do.
    lists_from_hub: Cell<bool>,
    session: SessionOptions,
    fetching: Fetching,
    max_attempts: u32,
    /// The Region of the run, which is that of its STS endpoint.
    pub region: String,
    /// The regional STS endpoint that sessions come from.
    pub sts_endpoint: String,
    /// Who the base credentials belong to.
    pub caller: Caller,
    /// Who enters the accounts: the last role of `--via-role`, or the caller.
    pub hub: Caller,
}

impl Aws {
    /// Reads the AWS configuration, checks Region and endpoints, and asks STS who the caller is.
    ///
    /// # Errors
    ///
    /// When something is missing or refused; nothing was attempted then.
    pub async fn connect(access: &ConnectOptions) -> Result<Self, ConnectFailed> {
        if let Some(named) = &access.region {
            region::partition_of(named)?;
        }
        let with_mfa = profile::with_mfa(access.profile.as_deref(), &access.session.name).await?;
        let fetching = Fetching::default();
        let config = config::load(access, with_mfa.as_ref(), &fetching).await?;
        let region = config.region().map(|region| region.as_ref().to_owned());
        let region = region.filter(|region| !region.is_empty()).ok_or(ConnectFailed::NoRegion)?;
        let home = region::service_regions_of(&region)?;
        let endpoint_url = access.endpoint_url.clone();
        if let Some(url) = &endpoint_url {
            endpoint::check_url(url)?;
        }
        let sts_endpoint = endpoint::regional_sts(&config, endpoint_url.clone()).await?;
        let others = [
            endpoint::iam(&config, home.iam, endpoint_url.as_deref()).await,
            endpoint::organizations(&config, home.organizations, endpoint_url.as_deref()).await,
        ];
        for url in others.iter().flatten().chain([&sts_endpoint]) {
            http::check_proxy(url, |name| std::env::var_os(name))?;
        }
        let serial = access.mfa.serial.clone().or_else(|| with_mfa.as_ref().map(|with_mfa| with_mfa.serial.clone()));
        let first = match (serial, &access.mfa.token) {
            (None, None) => config,
            (None, Some(_)) => return Err(ConnectFailed::MfaSerialMissing),
            (Some(serial), None) => return Err(ConnectFailed::MfaTokenMissing { serial }),
            (Some(serial), Some(token)) => {
                let session = role_chain::mfa_session(&config, endpoint_url.as_deref(), &serial, token).await?;
                config.to_builder().credentials_provider(session).build()
            }
        };
        let mut route = Route {
            first,
            profile: with_mfa.map(|with_mfa| with_mfa.hops).unwrap_or_default(),
            via: Vec::new(),
            home,
            endpoint_url,
            clock: access.clock.clone(),
        };
        let clients = route.clients(route.base(), false);
        let caller = match sts::caller(&clients.sts, access.max_attempts).await {
            Ok(caller) => caller,
            Err(error) => return Err(named(error, access).await),
        };
        region::check(&region, &caller.partition)?;
        if role_chain::is_role_session(&caller.arn) && access.session.duration > role_chain::HOP {
            return Err(ConnectFailed::ChainedTooLong { arn: caller.arn, asked: access.session.duration });
        }
        let hop = |role: &crate::org::role::ViaRole| ChainedRole {
            role_arn: role.arn(&caller.partition),
            session_name: access.session.name.clone(),
            source_identity: access.session.source_identity.clone(),
            external_id: None,
        };
        route.via = access.via_roles.iter().map(hop).collect();
        // With the same base credentials, so that they are not fetched twice.
        let clients = route.clients(clients.base, false);
        let hub = if route.via.is_empty() {
            caller.clone()
        } else {
            sts::caller(&clients.sts, access.max_attempts).await.map_err(via)?
        };
        Ok(Self {
            route,
            clients: RefCell::new(Rc::new(clients)),
            lists_from_hub: Cell::new(false),
            session: access.session.clone(),
            fetching,
            max_attempts: access.max_attempts,
            region,
            sts_endpoint,
            caller,
            hub,
        })
    }

    /// The clients of the moment. Cheap; never hold the borrow across an await.
    fn clients(&self) -> Rc<Clients> {
        Rc::clone(&self.clients.borrow())
    }

    /// Fetches the base credentials again, in case the cached ones went stale before their time.
    fn renew(&self) {
        let clients = self.route.clients(self.route.base(), self.lists_from_hub.get());
        *self.clients.borrow_mut() = Rc::new(clients);
    }

    /// Asks Organizations with the base credentials, and from then on from the hub, if there is one and they have been refused.
    async fn list<T>(
        &self,
        mut ask: impl AsyncFnMut(&aws_sdk_organizations::Client) -> Result<T, ListingFailed>,
    ) -> Result<T, ListingFailed> {
        let from_hub = self.lists_from_hub.get();
        match ask(&self.clients().organizations).await {
            Err(ListingFailed::Call(failure))
                if failure.kind == FailureKind::Refused && !self.route.via.is_empty() && !from_hub =>
            {
                // Another question, asked at the same time, may have found it out before.
                if !self.lists_from_hub.replace(true) {
                    self.renew();
                }
                ask(&self.clients().organizations).await
            }
            other => other,
        }
    }

    /// The Organization that the caller's account belongs to.
    ///
    /// # Errors
    ///
    /// When `DescribeOrganization` fails for good.
    pub async fn organization(&self) -> Result<Organization, ListingFailed> {
        self.list(async |client| organizations::describe(client, self.max_attempts).await).await
    }

    /// Every account of the Organization, once, sorted by id. `progress` is told how many were listed so far. Where accounts come
    /// without their path in the tree, and the walk through the tree is refused, it is an error only if `needs_paths`.
    ///
    /// # Errors
    ///
    /// When the list would not be complete.
    pub async fn accounts(
        &self,
        needs_paths: bool,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Listing, ListingFailed> {
        self.list(async |client| organizations::accounts(client, self.max_attempts, needs_paths, &mut progress).await)
            .await
    }

    /// Tells every account of the Organization as it is found, and gives why some come without their path in the tree, where the walk
    /// through it was refused. Each is told once, unless the base credentials are refused in the middle of the list: then it begins
    /// anew from the hub, and tells again what it told.
    ///
    /// # Errors
    ///
    /// When the list would not be complete. Accounts may have been told by then.
    pub async fn each_account(&self, mut found: impl FnMut(Account, usize)) -> Result<Option<Failure>, ListingFailed> {
        self.list(async |client| organizations::each_account(client, self.max_attempts, &mut found).await).await
    }

    /// Whether an OU or root exists.
    ///
    /// # Errors
    ///
    /// When it can't be found out.
    pub async fn unit_exists(&self, unit: &UnitId) -> Result<bool, ListingFailed> {
        organizations::tree::exists(&self.clients().organizations, self.max_attempts, unit).await
    }

    /// The tags of these accounts, at 10 accounts per second. `progress` is told how many were read so far.
    ///
    /// # Errors
    ///
    /// When the tags of an account can't be read.
    pub async fn tags(&self, accounts: &[AccountId], progress: impl FnMut(usize)) -> Result<Tags, ListingFailed> {
        organizations::tags::tags(&self.clients().organizations, self.max_attempts, accounts, progress).await
    }

    /// Whether centralised root access is on, asked with the base credentials.
    ///
    /// # Errors
    ///
    /// When IAM does not say.
    pub async fn root_access(&self) -> Result<bool, Failure> {
        simulate::root_access(&self.clients().iam, self.max_attempts).await
    }

    /// What IAM's simulation says of one action of a role, asked in the role's account.
    ///
    /// # Errors
    ///
    /// When IAM does not say.
    pub async fn simulate(
        &self,
        session: &Session,
        role_arn: &str,
        operation: Operation,
    ) -> Result<Answer<simulate::Decision>, Failure> {
        simulate::simulate(&self.clients().iam, session, role_arn, operation).await
    }

    /// The endpoints in use: each service's name and URL.
    ///
    /// # Errors
    ///
    /// When none follows from the configuration.
    pub async fn endpoints(&self) -> Result<[(&'static str, String); 3], EndpointRefused> {
        let url = self.route.endpoint_url.as_deref();
        let home = self.route.home;
        Ok([
            ("sts", self.sts_endpoint.clone()),
            ("iam", endpoint::iam(&self.clients().base, home.iam, url).await?),
            ("organizations", endpoint::organizations(&self.clients().base, home.organizations, url).await?),
        ])
    }

    /// Checks that the global STS endpoint can be reached beside the regional one, so that its tokens can be proven.
    ///
    /// # Errors
    ///
    /// When the partition has none, or the configuration sends every call of STS elsewhere.
    pub fn can_prove_tokens(&self) -> Result<(), ConnectFailed> {
        if !self.caller.partition.has_global_sts() {
            let detail = format!("partition {} has no global STS endpoint", self.caller.partition);
            return Err(ConnectFailed::NoProof { detail });
        }
        if self.clients().base.use_fips() == Some(true) {
            return Err(ConnectFailed::NoProof { detail: "the global STS endpoint is no FIPS endpoint".to_owned() });
        }
        match endpoint::aws_host_configured(&self.clients().base, self.route.endpoint_url.as_deref()) {
            Some(url) => Err(ConnectFailed::NoProof {
                detail: format!("{url} is configured for STS, and would get the calls for the global endpoint too"),
            }),
            None => Ok(()),
        }
    }

    /// Whether the account is one of those that the credentials at hand are in, so that no role is needed there.
    pub fn is_in(&self, account: AccountId) -> bool {
        [self.caller.account, self.hub.account].contains(&account)
    }
}

impl Route {
    /// The base credentials, not cached yet.
    fn base(&self) -> SdkConfig {
        let fresh = self.first.to_builder().identity_cache(IdentityCache::lazy().build()).build();
        role_chain::through(&fresh, self.endpoint_url.as_deref(), &self.profile)
    }

    fn clients(&self, base: SdkConfig, lists_from_hub: bool) -> Clients {
        let url = self.endpoint_url.as_deref();
        let hub = self.hub(&base);
        // The visits own the retries: see `cloud::retry`.
        let off = RetryConfig::disabled();
        let mut organizations = aws_sdk_organizations::config::Builder::from(if lists_from_hub { &hub } else { &base })
            .region(Region::from_static(self.home.organizations))
            .retry_config(off.clone());
        let mut iam = aws_sdk_iam::config::Builder::from(&base)
            .region(Region::from_static(self.home.iam))
            .retry_config(off.clone());
        let mut sts =
            aws_sdk_sts::config::Builder::from(&hub).retry_config(off.clone()).interceptor(self.clock.clone());
        let mut nobody = hub.to_builder();
        nobody.set_credentials_provider(None);
        let mut unsigned = aws_sdk_sts::config::Builder::from(&nobody.build()).retry_config(off).allow_no_auth();
        // Set on each service, an endpoint wins over those of the environment and of the profile. Set on the configuration that
        // they share, it would lose against them, and redirect the credential providers too.
        if let Some(url) = url {
            organizations.set_endpoint_url(Some(url.to_owned()));
            iam.set_endpoint_url(Some(url.to_owned()));
            sts.set_endpoint_url(Some(url.to_owned()));
            unsigned.set_endpoint_url(Some(url.to_owned()));
        }
        Clients {
            organizations: aws_sdk_organizations::Client::from_conf(organizations.build()),
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
            unsigned: aws_sdk_sts::Client::from_conf(unsigned.build()),
            iam: aws_sdk_iam::Client::from_conf(iam.build()),
            base,
            hub,
        }
    }

    /// The credentials that enter the accounts, with a cache of their own.
    fn hub(&self, base: &SdkConfig) -> SdkConfig {
        if self.via.is_empty() {
            return base.clone();
        }
        let through = role_chain::through(base, self.endpoint_url.as_deref(), &self.via);
        through.to_builder().identity_cache(IdentityCache::lazy().build()).build()
    }
}

/// Says which profile gives no credentials, and which file is missing; the SDK's own words do not always name them.
async fn named(error: ConnectFailed, access: &ConnectOptions) -> ConnectFailed {
    let mut failure = match error {
        ConnectFailed::Call(failure) if failure.code == code::NO_CREDENTIALS => failure,
        other => return other,
    };
    if let Some(profile) = &access.profile {
        failure.message = format!("profile {profile:?} gives no credentials: {}", failure.message);
    }
    for file in profile::unreadable_token_files(access.profile.as_deref()).await {
        failure.message.push_str(&format!("; the token file {file} can't be read"));
    }
    ConnectFailed::Call(failure)
}

/// A role on the way that can't be assumed speaks for itself.
fn via(error: ConnectFailed) -> ConnectFailed {
    match error {
        ConnectFailed::Call(failure) if failure.code == code::NO_CREDENTIALS => ConnectFailed::Via(failure),
        error => error,
    }
}

impl Cloud for Aws {
    type Session = Session;

    async fn enter(&self, account: AccountId, access: &AccessMethod) -> Result<Answer<Session>, Failure> {
        match access {
            AccessMethod::Own => {
                let clients = self.clients();
                let config = if account == self.caller.account { &clients.base } else { &clients.hub };
                sts::own(&clients.sts, config.credentials_provider(), account).await
            }
            AccessMethod::Role(arn) => sts::assume(&self.clients().sts, account, arn, &self.session).await,
            AccessMethod::Root(_) => sts::assume_root(&self.clients().sts, &self.caller.partition, account).await,
        }
    }

    async fn read(&self, session: &Session) -> Result<Answer<ObservedVersion>, Failure> {
        iam::token_version(&self.clients().iam, session).await
    }

    async fn set(&self, session: &Session, version: TokenVersion) -> Result<Answer<()>, Failure> {
        iam::set_token_version(&self.clients().iam, session, version).await
    }

    async fn prove_token(
        &self,
        account: AccountId,
        access: &AccessMethod,
        region: &str,
    ) -> Result<Answer<()>, Failure> {
        token_proof::prove(
            &self.clients().hub,
            self.route.endpoint_url.as_deref(),
            account,
            access,
            region,
            &self.session,
        )
        .await
    }

    async fn reach(&self) -> Result<(), Failure> {
        sts::ask_caller(&self.clients().unsigned).await.map(|_| ())
    }

    fn sts_endpoint(&self) -> &str {
        &self.sts_endpoint
    }

    fn is_fetching(&self) -> bool {
        self.fetching.is_on()
    }

    async fn confirm_caller(&self) -> Result<(), Failure> {
        self.renew();
        let caller = sts::ask_caller(&self.clients().sts).await?;
        if caller.value.account == self.hub.account {
            return Ok(());
        }
        Err(Failure {
            kind: FailureKind::Credentials,
            ..call::own_failure(
                Operation::GetCallerIdentity,
                code::WRONG_ACCOUNT,
                format!("the base credentials moved from account {} to {}", self.hub.account, caller.value.account),
            )
        })
    }
}
