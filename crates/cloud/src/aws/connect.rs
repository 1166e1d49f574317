//! Connects to AWS: loads the configuration, checks the Region and the endpoints, and asks STS who the caller is.

use std::cell::{Cell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;

use super::clients::{ClientFactory, Clients};
use super::connect_error::ConnectError;
use super::connect_options::ConnectOptions;
use super::credentials::FetchCounter;
use super::identity::{FirstProvider, Identity};
use super::role_chain::{self, ChainedRole};
use super::same_account::ConfirmedAccount;
use super::session::SessionOptions;
use super::{endpoint, http, proxy, sdk_config, sts, timeouts};
use crate::OwnCode;
use crate::aws_settings::RegionChoice;
use crate::org::Caller;
use crate::org::region;
use crate::org::role::ViaRole;
use crate::retry::retry;

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
    /// The source of the base credentials, such as `profile prod, role … by source_profile base`.
    pub credential_source: String,
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
            region::partition_of(&RegionChoice::of(named).name)?;
        }
        let identity = Identity::decide(options)?;
        let settings = &identity.settings;
        let ca_bundle = match &options.ca_bundle {
            Some(path) => Some(path.clone()),
            None => settings.checked_ca_bundle()?.map(PathBuf::from),
        };
        let http = http::client(ca_bundle.as_deref(), options.connections)?;
        let RegionChoice { name: region, fips } = identity.region(options, &http).await?;
        let home = region::service_regions_of(&region)?;
        let basis = sdk_config::build(settings, &region, fips, http, timeouts::per_attempt())?;
        let config = endpoint::with_override(basis.config.clone(), options.endpoint_url.as_deref())?;
        let sts_endpoint = endpoint::regional_sts(&config, &region).await?;
        let others =
            [endpoint::iam(&config, home.iam).await, endpoint::organizations(&config, home.organizations).await];
        proxy::check(others.iter().flatten().chain([&sts_endpoint]))?;
        let fetches = FetchCounter::default();
        let opened = Box::pin(identity.first_credentials(options, &basis, &config, &fetches)).await?;
        let FirstProvider { first, source } = opened;
        let mut factory = ClientFactory {
            config,
            first: basis.config.into_builder().credentials_provider(first).build(),
            source,
            account: ConfirmedAccount::default(),
            profile_roles: identity.roles(options),
            via_roles: Vec::new(),
            home,
            clock: options.clock.clone(),
        };
        let clients = factory.clients(factory.base(), false);
        let caller = match ask_caller(&clients, options).await {
            Err(ConnectError::Call(failure)) => return Err(identity.explain(failure, &region)),
            answer => answer?,
        };
        region::check(&region, &caller.partition)?;
        factory.account.set(caller.account).expect("it is set once");
        if role_chain::is_role_session(&caller.arn) && options.session.duration > role_chain::SESSION_DURATION {
            return Err(ConnectError::SessionTooLong { arn: caller.arn, asked: options.session.duration });
        }
        let via_role = |role: &ViaRole| ChainedRole {
            role_arn: role.arn(&caller.partition),
            session_name: options.session.name.clone(),
            source_identity: options.session.source_identity.clone(),
            external_id: None,
            duration: Some(role_chain::SESSION_DURATION.as_secs().cast_signed()),
            mfa: None,
            cached: None,
        };
        factory.via_roles = options.via_roles.iter().map(via_role).collect();
        // The new clients share the base credentials with the earlier clients, so that the credentials are not fetched twice.
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
            credential_source: identity.source,
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

/// Asks STS, with several attempts, who the caller is.
async fn ask_caller(clients: &Clients, options: &ConnectOptions) -> Result<Caller, ConnectError> {
    Ok(retry(options.max_attempts, async || sts::caller(&clients.sts).await).await?.value)
}
