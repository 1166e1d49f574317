//! The calls of AWS, made with the AWS SDK.
//!
//! `connect` creates an [`Aws`]. The other modules are used by `connect` and by the methods below. All calls pass through `call`,
//! and `error` turns the SDK's errors into [`Failure`]s.

mod authorization_details;
mod body_limit;
mod call;
mod clients;
pub mod clock_skew;
mod connect;
mod connect_error;
mod connect_options;
pub mod credential_chain;
pub mod credentials;
pub mod endpoint;
pub mod error;
mod event_history;
#[cfg(any(test, fuzzing, feature = "testing"))]
pub mod fuzzing;
mod global_endpoint;
pub mod http;
pub mod iam;
mod identity;
pub mod organizations;
mod process;
pub mod proxy;
mod refusal;
mod regions;
pub mod role_chain;
mod same_account;
pub mod sdk_config;
mod session;
pub mod simulate_policy;
mod sso;
mod sts;
pub mod timeouts;
mod token_proof;
mod tunnel;
mod web_identity;

use super::authorization::AuthorizationDetails;
use super::{AccessMethod, Answer, Cloud, Failure, FailureKind, Operation, OwnCode, TokenSize};
use crate::impact::event_page::{EventPage, EventQuery};
use crate::org::selection::Tags;
use crate::org::{Account, AccountId, ObservedVersion, TokenVersion, UnitId};

pub use connect::Aws;
pub use connect_error::ConnectError;
pub use connect_options::ConnectOptions;
pub use connect_options::Mfa;
pub use endpoint::EndpointError;
pub use http::CaBundleError;
pub use iam::{AccountSummary, IamClient};
pub use organizations::AccountList;
pub use organizations::ListingError;
pub use organizations::Organization;
pub use proxy::ProxyError;
use session::Session;
pub use session::{SessionOptions, session_policy};
pub use sts::audit_task_policy;

impl Aws {
    /// Calls Organizations with the base credentials. If AWS refuses the call and `--via-role` names roles, repeats the call with
    /// the credentials of the last of these roles (the hub), and uses the hub's credentials from then on.
    async fn call_organizations<T>(
        &self,
        mut call: impl AsyncFnMut(&aws_sdk_organizations::Client) -> Result<T, ListingError>,
    ) -> Result<T, ListingError> {
        let listed_as_hub = self.list_as_hub.get();
        match call(&self.clients().organizations).await {
            Err(ListingError::Call(failure))
                if failure.kind == FailureKind::Refused && !self.factory.via_roles.is_empty() && !listed_as_hub =>
            {
                // A concurrent call may have switched to the hub's credentials already.
                if !self.list_as_hub.replace(true) {
                    self.renew_clients();
                }
                call(&self.clients().organizations).await
            }
            other => other,
        }
    }

    /// Returns the Organization of the caller's account.
    ///
    /// # Errors
    ///
    /// Returns an error if every attempt of `DescribeOrganization` fails.
    pub async fn describe_organization(&self) -> Result<Organization, ListingError> {
        self.call_organizations(async |client| organizations::describe(client, self.max_attempts).await).await
    }

    /// Lists the accounts of the Organization. Passes each account to `found` as soon as it is known, with the number of its page
    /// in the list.
    ///
    /// Organizations may list accounts without their paths in the tree. In this case, the program walks through the tree to find
    /// the paths. If Organizations refuses the walk, these accounts have no path, and the result has the refusal. With
    /// `needs_paths`, the refusal is an error.
    ///
    /// If the base credentials are refused in the middle of the list, the list restarts with the hub's credentials, and `found`
    /// may get an account twice.
    ///
    /// # Errors
    ///
    /// Returns an error if the list would be incomplete. `found` may have received some accounts before the error.
    pub async fn for_each_account(
        &self,
        needs_paths: bool,
        mut found: impl FnMut(Account, usize),
    ) -> Result<AccountList, ListingError> {
        self.call_organizations(async |client| {
            organizations::for_each_account(client, self.max_attempts, needs_paths, &mut found).await
        })
        .await
    }

    /// Checks that the list has the management account, without which it is not complete. `is_listed` says whether an account is in
    /// the list.
    ///
    /// # Errors
    ///
    /// When the management account is missing.
    pub fn check_complete(
        &self,
        organization: &Organization,
        is_listed: impl FnMut(AccountId) -> bool,
    ) -> Result<(), ListingError> {
        organizations::check_complete(organization, is_listed)
    }

    /// Reads the names of the OUs directly below `parents`, and with `roots` those of the roots, as fast as Organizations allows.
    /// Passes each to `found`: the id, the parent's id, and the name. A parent that no longer exists has no children.
    ///
    /// # Errors
    ///
    /// Returns an error if a call fails. `found` may have received some names before the error.
    pub async fn for_each_unit(
        &self,
        max_attempts: u32,
        roots: bool,
        parents: &[UnitId],
        found: impl FnMut(UnitId, Option<UnitId>, String),
    ) -> Result<(), ListingError> {
        organizations::unit_names::for_each(&self.clients().organizations, max_attempts, roots, parents, found).await
    }

    /// Whether an OU or root exists.
    ///
    /// # Errors
    ///
    /// Returns an error if the call fails.
    pub async fn unit_exists(&self, unit: &UnitId) -> Result<bool, ListingError> {
        organizations::tree::unit_exists(&self.clients().organizations, self.max_attempts, unit).await
    }

    /// Reads the tags of `accounts`, 10 accounts per second. `progress` receives the number of accounts whose tags have been
    /// read.
    ///
    /// # Errors
    ///
    /// Returns an error if the tags of an account can't be read.
    pub async fn list_tags(&self, accounts: &[AccountId], progress: impl FnMut(usize)) -> Result<Tags, ListingError> {
        organizations::tags::list(&self.clients().organizations, self.max_attempts, accounts, progress).await
    }

    /// Asks IAM, with the base credentials, whether centralized root access is enabled.
    ///
    /// # Errors
    ///
    /// Returns an error if every attempt of the call fails.
    pub async fn is_root_access_enabled(&self) -> Result<bool, Failure> {
        simulate_policy::is_root_access_enabled(&self.clients().iam, self.max_attempts).await
    }

    /// Simulates one action of a role in the role's account.
    ///
    /// # Errors
    ///
    /// Returns an error if the call fails.
    pub async fn simulate_action(
        &self,
        session: &Session,
        role_arn: &str,
        operation: Operation,
    ) -> Result<Answer<simulate_policy::SimulationResult>, Failure> {
        simulate_policy::simulate_action(&self.clients().iam, session, role_arn, operation).await
    }

    /// Whether IAM Access Troubleshooter can know the authorization ids in the messages of this run.
    pub fn has_troubleshooter(&self) -> bool {
        !endpoint::troubleshooter_is_elsewhere(&self.clients().base)
    }

    /// Asks IAM Access Troubleshooter, with the base credentials, how a denied request was decided. Makes one attempt.
    ///
    /// # Errors
    ///
    /// Returns an error if a call fails, or if the answer is not usable.
    pub async fn authorization_details(&self, id: &str) -> Result<AuthorizationDetails, Failure> {
        authorization_details::get(&self.clients().troubleshooter, id).await
    }

    /// Returns the name of a policy of the Organization. Makes one attempt.
    ///
    /// # Errors
    ///
    /// Returns an error if the call fails.
    pub async fn policy_name(&self, id: &str) -> Result<Option<String>, Failure> {
        organizations::policy_name(&self.clients().organizations, id).await
    }

    /// Returns the endpoints in use: each service's name and URL.
    ///
    /// # Errors
    ///
    /// Returns an error if the SDK can't resolve an endpoint from the configuration.
    pub async fn endpoints(&self) -> Result<[(&'static str, String); 3], EndpointError> {
        let (config, home) = (&self.clients().base, self.factory.home);
        Ok([
            ("sts", self.sts_endpoint.clone()),
            ("iam", endpoint::iam(config, home.iam).await?),
            ("organizations", endpoint::organizations(config, home.organizations).await?),
        ])
    }

    /// Checks that the configuration allows calls to the global and to the Regional STS endpoint. A test of a token needs both.
    ///
    /// # Errors
    ///
    /// Returns an error if FIPS endpoints are configured. Also returns an error if an endpoint of AWS is configured for STS, because that
    /// endpoint would get the calls for the global endpoint too, and if any other one is configured in the Region for which the calls for
    /// the global endpoint are signed, because the calls would be the same.
    pub fn check_global_endpoint(&self) -> Result<(), ConnectError> {
        self.global_endpoint_obstacle().map_or(Ok(()), |detail| Err(ConnectError::TokenTestImpossible { detail }))
    }

    /// Like [`check_global_endpoint`](Self::check_global_endpoint), for a token that is tested in an opt-in Region.
    ///
    /// # Errors
    ///
    /// Also returns an error if the partition has no global endpoint.
    pub fn check_token_test(&self) -> Result<(), ConnectError> {
        if self.caller.partition.has_global_sts() {
            return self.check_global_endpoint();
        }
        let detail = format!("partition {} has no global STS endpoint", self.caller.partition);
        Err(ConnectError::TokenTestImpossible { detail })
    }

    /// Returns why the configuration does not allow calls to the global STS endpoint, or does not tell them from others; `None` if it does
    /// both.
    pub fn global_endpoint_obstacle(&self) -> Option<String> {
        global_endpoint::obstacle(&self.clients().base, &self.region)
    }

    /// Lists the opt-in Regions that an account has enabled, with the credentials that list the accounts. `account` is `None` for the
    /// account of these credentials, because the management account can't name itself.
    ///
    /// # Errors
    ///
    /// Returns an error if every attempt of a call fails, or if the list does not come to an end.
    pub async fn list_opt_in_regions(
        &self,
        account: Option<AccountId>,
        max_attempts: u32,
    ) -> Result<Vec<String>, Failure> {
        regions::list_opt_in(&self.clients().account, account, max_attempts).await
    }

    /// Returns the account of the credentials that list the accounts.
    pub fn lister(&self) -> AccountId {
        if self.list_as_hub.get() { self.hub.account } else { self.caller.account }
    }

    /// Checks that the configuration has usable endpoints for CloudTrail and Account Management. Only `impact` calls them, so the other
    /// commands do not check this.
    ///
    /// # Errors
    ///
    /// Returns an error if an endpoint can't be used.
    pub async fn check_impact_endpoints(&self) -> Result<(), ConnectError> {
        let (config, home) = (&self.clients().base, self.factory.home);
        for service in ["cloudtrail", "account"] {
            endpoint::configured_url(config, service).map_or(Ok(()), |url| endpoint::check_url(&url))?;
        }
        let urls =
            [endpoint::cloudtrail(config, home.iam).await?, endpoint::account(config, home.organizations).await?];
        Ok(proxy::check(&urls)?)
    }

    /// Whether the base credentials or the hub's credentials belong to the account. Such an account can be entered without a
    /// role.
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
            AccessMethod::Role(arn) => {
                sts::assume_role(&self.clients().sts, account, arn.to_string(), &self.session).await
            }
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
        token_proof::test(&self.clients(), account, access, region, &self.session).await
    }

    fn token_size(&self, session: &Session) -> Option<TokenSize> {
        session.token_size
    }

    fn has_global_endpoint(&self) -> bool {
        self.caller.partition.has_global_sts()
    }

    async fn global_token_size(&self, account: AccountId, access: &AccessMethod) -> Result<Answer<TokenSize>, Failure> {
        global_endpoint::token_size(&self.clients().global_sts, account, access, &self.session).await
    }

    async fn look_up_events(&self, session: &Session, query: &EventQuery) -> Result<Answer<EventPage>, Failure> {
        event_history::look_up(&self.clients().cloudtrail, session, query).await
    }

    async fn probe_connection(&self) -> Result<(), Failure> {
        sts::caller_identity(&self.clients().unsigned_sts).await.map(|_| ())
    }

    fn sts_endpoint(&self) -> &str {
        &self.sts_endpoint
    }

    fn is_fetching_credentials(&self) -> bool {
        self.fetches.any_in_flight()
    }

    async fn check_base_credentials(&self) -> Result<(), Failure> {
        self.factory.source.forget();
        self.renew_clients();
        let caller = sts::caller(&self.clients().sts).await?;
        if caller.value.account == self.hub.account {
            return Ok(());
        }
        let message =
            format!("the base credentials moved from account {} to {}", self.hub.account, caller.value.account);
        let failure = Failure::own(Operation::GetCallerIdentity, OwnCode::WrongAccount, message);
        Err(Failure { kind: FailureKind::Credentials, ..failure })
    }
}
