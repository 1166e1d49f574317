//! The AWS clients of a run, and how they are created again when the base credentials have to be fetched again.

use std::sync::Arc;

use aws_config::{Region, SdkConfig};

use super::clock_skew::Clock;
use super::credentials::CheckedProvider;
use super::endpoint::of_service;
use super::global_endpoint;
use super::organizations::members::RequiredMembers;
use super::role_chain::{self, ChainedRole};
use super::same_account::{ConfirmedAccount, SameAccount};
use crate::org::region::ServiceRegions;

/// The clients of a run.
pub(super) struct Clients {
    /// The configuration with the base credentials and the cache that the clients share.
    pub(super) base: SdkConfig,
    /// The configuration with the hub's credentials, which enter the accounts. These are the credentials of the last role of
    /// `--via-role`, or the base credentials if there is no such role.
    pub(super) hub: SdkConfig,
    /// Uses the base credentials, or the hub's credentials if the base credentials are not allowed to list the accounts.
    pub(super) organizations: aws_sdk_organizations::Client,
    /// Uses the base credentials.
    pub(super) iam: aws_sdk_iam::Client,
    /// Uses the base credentials.
    pub(super) troubleshooter: aws_sdk_iamtoolbox::Client,
    /// Reads the event history. Each call passes the credentials of a session in the account.
    pub(super) cloudtrail: aws_sdk_cloudtrail::Client,
    /// Uses the same credentials as `organizations`.
    pub(super) account: aws_sdk_account::Client,
    /// Uses the hub's credentials.
    pub(super) sts: aws_sdk_sts::Client,
    /// Uses the hub's credentials at the global STS endpoint. Only `--verify token`, `--verify token=REGION` and doctor
    /// use it.
    pub(super) global_sts: aws_sdk_sts::Client,
    /// Uses no credentials, and tests whether STS can be reached.
    pub(super) unsigned_sts: aws_sdk_sts::Client,
}

/// Everything that the clients are created from.
pub(super) struct ClientFactory {
    /// The configuration of the clients, without credentials.
    pub(super) config: SdkConfig,
    /// The configuration of the clients that assume the roles of the profile. It contains the first credentials, which come from
    /// their source or from an MFA session. This configuration does not have the endpoint of `--endpoint-url`.
    pub(super) first: SdkConfig,
    /// The provider that fetches the first credentials from their source.
    pub(super) source: Arc<CheckedProvider>,
    /// The roles of the profile, which lead from the first credentials to the base credentials.
    pub(super) profile_roles: Vec<ChainedRole>,
    /// The account of the base credentials, once it is known. Renewed credentials must belong to it.
    pub(super) account: ConfirmedAccount,
    /// The roles of `--via-role`, which lead from the base credentials to the hub's credentials.
    pub(super) via_roles: Vec<ChainedRole>,
    /// The Regions for which the global services of the partition accept signatures.
    pub(super) home: ServiceRegions,
    /// Receives the difference between this machine's clock and the clock of AWS.
    pub(super) clock: Clock,
}

impl ClientFactory {
    /// Returns the configuration with the base credentials, which are not cached yet.
    pub(super) fn base(&self) -> SdkConfig {
        let assumed = role_chain::assume_all(&role_chain::with_empty_cache(&self.first), &self.profile_roles);
        let guarded = assumed
            .credentials_provider()
            .map(|provider| SameAccount::around(provider, self.config.clone(), ConfirmedAccount::clone(&self.account)));
        let mut base = self.config.to_builder();
        base.set_credentials_provider(guarded);
        role_chain::with_empty_cache(&base.build())
    }

    /// Creates the clients from the configuration with the base credentials.
    pub(super) fn clients(&self, base: SdkConfig, list_as_hub: bool) -> Clients {
        let hub = role_chain::assume_all(&base, &self.via_roles);
        let in_region = |config: &SdkConfig, service, region| {
            of_service(config, service).to_builder().region(Region::from_static(region)).build()
        };
        let for_sts = of_service(&hub, "sts");
        let mut unsigned = for_sts.to_builder();
        unsigned.set_credentials_provider(None);
        let unsigned = aws_sdk_sts::config::Builder::from(&unsigned.build()).allow_no_auth();
        let sts = aws_sdk_sts::config::Builder::from(&for_sts).interceptor(self.clock.clone());
        let lister = if list_as_hub { &hub } else { &base };
        // The endpoint of Account Management is in the Region of Organizations (endpoint rules of aws-sdk-account 1.126.0).
        let account = in_region(lister, "account", self.home.organizations);
        let lister = in_region(lister, "organizations", self.home.organizations);
        let lister = aws_sdk_organizations::config::Builder::from(&lister).interceptor(RequiredMembers);
        Clients {
            organizations: aws_sdk_organizations::Client::from_conf(lister.build()),
            account: aws_sdk_account::Client::new(&account),
            // The calls of the global STS endpoint are in the event history of the Region of IAM (CloudTrail user guide, "Global service
            // events").
            cloudtrail: aws_sdk_cloudtrail::Client::new(&in_region(&base, "cloudtrail", self.home.iam)),
            iam: aws_sdk_iam::Client::new(&in_region(&base, "iam", self.home.iam)),
            // There is one endpoint in each partition, in the Region of IAM.
            troubleshooter: aws_sdk_iamtoolbox::Client::new(&in_region(&base, "iam_toolbox", self.home.iam)),
            sts: aws_sdk_sts::Client::from_conf(sts.build()),
            global_sts: global_endpoint::client(&hub),
            unsigned_sts: aws_sdk_sts::Client::from_conf(unsigned.build()),
            base,
            hub,
        }
    }
}
