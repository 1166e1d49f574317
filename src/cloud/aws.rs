//! This module owns the connection to AWS: configuration from the usual places, endpoints, and the clients of a run.

mod call;
mod clients;
pub(crate) mod clock;
mod connect;
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
mod role_chain;
mod sdk_config;
mod session;
pub(crate) mod simulate;
mod sts;
mod timeouts;
mod token_test;

use super::{AccessMethod, Answer, Cloud, Failure, FailureKind, Operation, OwnCode};
use crate::org::selection::Tags;
use crate::org::{Account, AccountId, ObservedVersion, TokenVersion, UnitId};

pub use connect::{Aws, ConnectError};
pub use connect_options::ConnectOptions;
pub(crate) use connect_options::Mfa;
pub use endpoint::EndpointError;
pub use http::{CaBundleError, ProxyError};
pub use iam::{AccountSummary, IamClient};
pub use organizations::ListingError;
pub(crate) use organizations::{ListedAccounts, Organization};
pub use profile::ProfileError;
pub(crate) use profile::Profiles;
use session::Session;
pub(crate) use session::{SessionOptions, session_policy};
pub(crate) use sts::audit_task_policy;

impl Aws {
    /// Asks Organizations with the base credentials, and from then on from the hub, if there is one and they have been refused.
    async fn ask_organizations<T>(
        &self,
        mut ask: impl AsyncFnMut(&aws_sdk_organizations::Client) -> Result<T, ListingError>,
    ) -> Result<T, ListingError> {
        let listed_as_hub = self.list_as_hub.get();
        match ask(&self.clients().organizations).await {
            Err(ListingError::Call(failure))
                if failure.kind == FailureKind::Refused && !self.factory.via_roles.is_empty() && !listed_as_hub =>
            {
                // Another question, asked at the same time, may have found it out before.
                if !self.list_as_hub.replace(true) {
                    self.renew_clients();
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
    pub async fn describe_organization(&self) -> Result<Organization, ListingError> {
        self.ask_organizations(async |client| organizations::describe(client, self.max_attempts).await).await
    }

    /// Every account of the Organization, once, sorted by id. `progress` is told how many were listed so far. Where accounts come
    /// without their path in the tree, and the walk through the tree is refused, it is an error only if `needs_paths`.
    ///
    /// # Errors
    ///
    /// When the list would not be complete.
    pub async fn list_accounts(
        &self,
        needs_paths: bool,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<ListedAccounts, ListingError> {
        self.ask_organizations(async |client| {
            organizations::accounts(client, self.max_attempts, needs_paths, &mut progress).await
        })
        .await
    }

    /// Tells every account of the Organization as it is found, and gives why some come without their path in the tree, where the walk
    /// through it was refused. Each is told once, unless the base credentials are refused in the middle of the list: then it begins
    /// anew from the hub, and tells again what it told.
    ///
    /// # Errors
    ///
    /// When the list would not be complete. Accounts may have been told by then.
    pub async fn for_each_account(
        &self,
        mut found: impl FnMut(Account, usize),
    ) -> Result<Option<Failure>, ListingError> {
        self.ask_organizations(async |client| {
            organizations::for_each_account(client, self.max_attempts, &mut found).await
        })
        .await
    }

    /// Whether an OU or root exists.
    ///
    /// # Errors
    ///
    /// When it can't be found out.
    pub async fn unit_exists(&self, unit: &UnitId) -> Result<bool, ListingError> {
        organizations::tree::exists(&self.clients().organizations, self.max_attempts, unit).await
    }

    /// The tags of these accounts, at 10 accounts per second. `progress` is told how many were read so far.
    ///
    /// # Errors
    ///
    /// When the tags of an account can't be read.
    pub async fn list_tags(&self, accounts: &[AccountId], progress: impl FnMut(usize)) -> Result<Tags, ListingError> {
        organizations::tags::tags(&self.clients().organizations, self.max_attempts, accounts, progress).await
    }

    /// Whether centralised root access is on, asked with the base credentials.
    ///
    /// # Errors
    ///
    /// When IAM does not say.
    pub async fn is_root_access_enabled(&self) -> Result<bool, Failure> {
        simulate::root_access(&self.clients().iam, self.max_attempts).await
    }

    /// What IAM's simulation says of one action of a role, asked in the role's account.
    ///
    /// # Errors
    ///
    /// When IAM does not say.
    pub async fn simulate_action(
        &self,
        session: &Session,
        role_arn: &str,
        operation: Operation,
    ) -> Result<Answer<simulate::SimulationResult>, Failure> {
        simulate::simulate(&self.clients().iam, session, role_arn, operation).await
    }

    /// The endpoints in use: each service's name and URL.
    ///
    /// # Errors
    ///
    /// When none follows from the configuration.
    pub async fn endpoints(&self) -> Result<[(&'static str, String); 3], EndpointError> {
        let (config, home) = (&self.clients().base, self.factory.home);
        Ok([
            ("sts", self.sts_endpoint.clone()),
            ("iam", endpoint::iam(config, home.iam).await?),
            ("organizations", endpoint::organizations(config, home.organizations).await?),
        ])
    }

    /// Checks that the global STS endpoint can be reached beside the regional one, so that its tokens can be proven.
    ///
    /// # Errors
    ///
    /// When the partition has none, or the configuration sends every call of STS elsewhere.
    pub fn check_token_test(&self) -> Result<(), ConnectError> {
        if !self.caller.partition.has_global_sts() {
            let detail = format!("partition {} has no global STS endpoint", self.caller.partition);
            return Err(ConnectError::TokenTestImpossible { detail });
        }
        if self.clients().base.use_fips() == Some(true) {
            return Err(ConnectError::TokenTestImpossible {
                detail: "the global STS endpoint is no FIPS endpoint".to_owned(),
            });
        }
        match endpoint::configured_aws_host(&self.clients().base) {
            Some(url) => Err(ConnectError::TokenTestImpossible {
                detail: format!("{url} is configured for STS, and would get the calls for the global endpoint too"),
            }),
            None => Ok(()),
        }
    }

    /// Whether the account is one of those that the credentials at hand are in, so that no role is needed there.
    pub fn is_own_account(&self, account: AccountId) -> bool {
        [self.caller.account, self.hub.account].contains(&account)
    }
}

impl Cloud for Aws {
    type Session = Session;

    async fn open_session(&self, account: AccountId, access: &AccessMethod) -> Result<Answer<Session>, Failure> {
        match access {
            AccessMethod::Own => {
                let clients = self.clients();
                let config = if account == self.caller.account { &clients.base } else { &clients.hub };
                sts::own_session(&clients.sts, config.credentials_provider(), account).await
            }
            AccessMethod::Role(arn) => sts::assume_role(&self.clients().sts, account, arn, &self.session).await,
            AccessMethod::Root(_) => sts::assume_root(&self.clients().sts, &self.caller.partition, account).await,
        }
    }

    async fn read_version(&self, session: &Session) -> Result<Answer<ObservedVersion>, Failure> {
        iam::token_version(&self.clients().iam, session).await
    }

    async fn set_version(&self, session: &Session, version: TokenVersion) -> Result<Answer<()>, Failure> {
        iam::set_token_version(&self.clients().iam, session, version).await
    }

    async fn test_token(&self, account: AccountId, access: &AccessMethod, region: &str) -> Result<Answer<()>, Failure> {
        token_test::test(&self.clients().hub, account, access, region, &self.session).await
    }

    async fn probe_connection(&self) -> Result<(), Failure> {
        sts::caller_identity(&self.clients().unsigned_sts).await.map(|_| ())
    }

    fn sts_endpoint(&self) -> &str {
        &self.sts_endpoint
    }

    fn is_fetching_credentials(&self) -> bool {
        self.fetching.is_on()
    }

    async fn check_base_credentials(&self) -> Result<(), Failure> {
        self.renew_clients();
        let caller = sts::caller(&self.clients().sts).await?;
        if caller.value.account == self.hub.account {
            return Ok(());
        }
        Err(Failure {
            kind: FailureKind::Credentials,
            ..Failure::own(
                Operation::GetCallerIdentity,
                OwnCode::WrongAccount,
                format!("the base credentials moved from account {} to {}", self.hub.account, caller.value.account),
            )
        })
    }
}
