//! Connects to AWS: loads the configuration, checks the Region and the endpoints, and asks STS who the caller is.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use super::clients::{ClientFactory, Clients};
use super::connect_options::ConnectOptions;
use super::credentials::FetchCounter;
use super::endpoint::{self, EndpointError};
use super::http::CaBundleError;
use super::profile::{self, ProfileError};
use super::proxy::{self, ProxyError};
use super::role_chain::{self, ChainedRole};
use super::session::SessionOptions;
use super::{sdk_config, sts};
use crate::cloud::retry::retry;
use crate::cloud::{Failure, OwnCode};
use crate::org::Caller;
use crate::org::caller::ParseCallerError;
use crate::org::region::{self, RegionRefused};
use crate::org::role::ViaRole;

/// The connection to AWS with the caller's credentials.
pub struct Aws {
    pub(super) factory: ClientFactory,
    clients: RefCell<Rc<Clients>>,
    /// Whether Organizations is called with the hub's credentials, because the base credentials are not allowed to list the
    /// accounts.
    pub(super) list_as_hub: Cell<bool>,
    pub(super) session: SessionOptions,
    pub(super) fetches: FetchCounter,
    pub(super) max_attempts: u32,
    /// The Region of the run and of its STS endpoint.
    pub region: String,
    /// The Regional STS endpoint that issues the sessions.
    pub sts_endpoint: String,
    /// The identity of the base credentials.
    pub caller: Caller,
    /// The identity that enters the accounts: the last role of `--via-role`, or the caller if there is no such role.
    pub hub: Caller,
}

impl Aws {
    /// Reads the AWS configuration, checks the Region and the endpoints, and asks STS who the caller is.
    ///
    /// # Errors
    ///
    /// Returns an error if something is missing or refused. In this case, nothing was attempted in any account.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, ConnectError> {
        if let Some(named) = &options.region {
            region::partition_of(named)?;
        }
        let mfa_profile = profile::find_mfa_profile(options.profile.as_deref(), &options.session.name).await?;
        let credentials_profile = mfa_profile.as_ref().map(|found| &found.source).or(options.profile.as_ref());
        let fetches = FetchCounter::default();
        let config = sdk_config::load(options, credentials_profile.map(String::as_str), &fetches).await?;
        let region = config.region().map(|region| region.as_ref().to_owned());
        let region = region.filter(|region| !region.is_empty()).ok_or(ConnectError::NoRegion)?;
        let home = region::service_regions_of(&region)?;
        let config = endpoint::with_override(config, options.endpoint_url.as_deref())?;
        let sts_endpoint = endpoint::regional_sts(&config, &region).await?;
        let others =
            [endpoint::iam(&config, home.iam).await, endpoint::organizations(&config, home.organizations).await];
        proxy::check(others.iter().flatten().chain([&sts_endpoint]))?;
        let serial = options.mfa.serial.as_ref().or(mfa_profile.as_ref().map(|found| &found.serial));
        let first = match (serial, &options.mfa.token) {
            (None, None) => config,
            (None, Some(_)) => return Err(ConnectError::MfaSerialMissing),
            (Some(serial), None) => return Err(ConnectError::MfaTokenMissing { serial: serial.clone() }),
            (Some(serial), Some(token)) => {
                let session = role_chain::open_mfa_session(&config, serial, token).await?;
                config.into_builder().credentials_provider(session).build()
            }
        };
        let mut factory = ClientFactory {
            first,
            profile_roles: mfa_profile.map(|found| found.roles).unwrap_or_default(),
            via_roles: Vec::new(),
            home,
            clock: options.clock.clone(),
        };
        let clients = factory.clients(factory.base(), false);
        let caller = match ask_caller(&clients, options).await {
            Err(ConnectError::Call(failure)) => return Err(explain(failure, options).await),
            answer => answer?,
        };
        region::check(&region, &caller.partition)?;
        if role_chain::is_role_session(&caller.arn) && options.session.duration > role_chain::SESSION_DURATION {
            return Err(ConnectError::SessionTooLong { arn: caller.arn, asked: options.session.duration });
        }
        let via_role = |role: &ViaRole| ChainedRole {
            role_arn: role.arn(&caller.partition),
            session_name: options.session.name.clone(),
            source_identity: options.session.source_identity.clone(),
            external_id: None,
        };
        factory.via_roles = options.via_roles.iter().map(via_role).collect();
        // These clients share the base credentials, so that the credentials are not fetched twice.
        let clients = factory.clients(clients.base, false);
        let hub = if factory.via_roles.is_empty() {
            caller.clone()
        } else {
            ask_caller(&clients, options).await.map_err(|error| match error {
                ConnectError::Call(failure) if failure.code == OwnCode::NoCredentials.into() => {
                    ConnectError::ViaRole(failure)
                }
                error => error,
            })?
        };
        Ok(Self {
            factory,
            clients: RefCell::new(Rc::new(clients)),
            list_as_hub: Cell::new(false),
            session: options.session.clone(),
            fetches,
            max_attempts: options.max_attempts,
            region,
            sts_endpoint,
            caller,
            hub,
        })
    }

    /// Returns the current clients. The `Rc` can be held across an await, unlike a borrow of the `RefCell`.
    pub(super) fn clients(&self) -> Rc<Clients> {
        Rc::clone(&self.clients.borrow())
    }

    /// Creates new clients, which fetch the base credentials again, in case the cached credentials have become invalid early.
    pub(super) fn renew_clients(&self) {
        let clients = self.factory.clients(self.factory.base(), self.list_as_hub.get());
        *self.clients.borrow_mut() = Rc::new(clients);
    }
}

/// Asks STS who the caller is, with several attempts.
async fn ask_caller(clients: &Clients, options: &ConnectOptions) -> Result<Caller, ConnectError> {
    let answer = retry(options.max_attempts, async || sts::caller_identity(&clients.sts).await).await?;
    Ok(Caller::from_api(answer.value.account(), answer.value.arn())?)
}

/// Adds to the message the profile and the token file that provide no credentials, because the SDK does not always name them.
async fn explain(mut failure: Failure, options: &ConnectOptions) -> ConnectError {
    if failure.code == OwnCode::NoCredentials.into() {
        if let Some(profile) = &options.profile {
            failure.message = format!("profile {profile:?} gives no credentials: {}", failure.message);
        }
        for file in profile::unreadable_token_files(options.profile.as_deref()).await {
            failure.message.push_str(&format!("; the token file {file} can't be read"));
        }
    }
    ConnectError::Call(failure)
}

/// Why there is no connection. Nothing was attempted in any account.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No Region is configured.
    #[error("no Region is configured")]
    NoRegion,
    /// The Region can't be used.
    #[error(transparent)]
    Region(#[from] RegionRefused),
    /// The endpoint can't be used.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The CA bundle can't be used.
    #[error(transparent)]
    CaBundle(#[from] CaBundleError),
    /// The proxy can't be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// A call failed.
    #[error(transparent)]
    Call(#[from] Failure),
    /// STS answered without naming the caller.
    #[error(transparent)]
    Caller(#[from] ParseCallerError),
    /// The profile can't be used.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The MFA device needs a code.
    #[error("the MFA device {serial} needs a code")]
    MfaTokenMissing {
        /// The device.
        serial: String,
    },
    /// There is a code, but no MFA device.
    #[error("--mfa-token is given, but no device: name it with --mfa-serial")]
    MfaSerialMissing,
    /// The caller is a role session, whose own sessions last at most an hour, but a longer duration is requested.
    #[error(
        "the caller {arn} is a role session, whose own sessions last at most 3600 s, but {} s are requested",
        asked.as_secs()
    )]
    SessionTooLong {
        /// The caller.
        arn: String,
        /// The requested duration.
        asked: Duration,
    },
    /// Tokens of the global STS endpoint can't be tested.
    #[error("--verify token: {detail}")]
    TokenTestImpossible {
        /// The reason.
        detail: String,
    },
    /// A role of `--via-role` could not be assumed.
    #[error("{}", .0.message)]
    ViaRole(Failure),
}
