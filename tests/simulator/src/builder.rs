//! The builder of a simulated organization, with the defaults.

mod access;
mod impact;
mod layout;
mod start;

use std::fmt;
use std::time::Duration;

use crate::account::SimulatedAccount;
use crate::account_id::AccountId;
use crate::fault::ListingFault;
use crate::lookup_events::LOOKUP_LIMIT;
use crate::network::{Latency, Network, Noise, Service};
use crate::partition::Partition;
use crate::populate::VersionMix;
use crate::rate_limit::{ORGANIZATIONS_LIMITS, RateLimit, STS_LIMIT, Scope};
use crate::request::Operation;
use crate::root_access::RootAccess;
use crate::spoiled::Spoiled;
use crate::token_size::{DecidingAccount, TokenSizes};
use crate::traffic::Traffic;
use crate::troubleshooter::Troubleshooter;
use crate::world::Caller;

/// The highest quota of accounts that AWS grants an organization.
const MAX_ACCOUNTS: usize = 50_000;

type Change = Box<dyn FnMut(&mut SimulatedAccount)>;

/// Describes a simulated organization. [`Organization::builder`](crate::Organization::builder) creates a builder.
#[must_use = "nothing runs before it is started"]
pub struct Builder {
    accounts: usize,
    seed: u64,
    mix: VersionMix,
    realistic: bool,
    hostile_names: bool,
    partition: Partition,
    region: Option<String>,
    more_sts_regions: Vec<String>,
    opt_in_regions: Vec<String>,
    issuance_lag: Option<Duration>,
    token_sizes: TokenSizes,
    token_jitter: usize,
    deciding_account: DecidingAccount,
    units: Vec<[String; 3]>,
    delegated: Vec<AccountId>,
    caller: Caller,
    caller_policy: Option<String>,
    root_user: bool,
    base_session: bool,
    base_expires_after: Option<u64>,
    latency: Latency,
    changes: Vec<(Option<AccountId>, Change)>,
    listing: Vec<ListingFault>,
    troubleshooter: Troubleshooter,
    spoiled: Vec<Spoiled>,
    noise: Vec<Noise>,
    limits: Vec<(Scope, RateLimit)>,
    network: Network,
    clock_offset: i64,
    verify: bool,
    strict_signing_regions: bool,
    root_access: RootAccess,
    mfa_codes: Option<Vec<String>>,
    organizations_need_mfa: bool,
    traffic: Option<Traffic>,
    lookup_limit: Option<RateLimit>,
    account_management: bool,
    log: bool,
    port: u16,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            accounts: 20,
            seed: 1,
            mix: VersionMix::all_v1(),
            realistic: false,
            hostile_names: false,
            partition: Partition::find("aws").expect("the commercial partition is known"),
            region: None,
            more_sts_regions: Vec::new(),
            opt_in_regions: Vec::new(),
            issuance_lag: None,
            token_sizes: TokenSizes::default(),
            token_jitter: 12,
            deciding_account: DecidingAccount::default(),
            units: Vec::new(),
            delegated: Vec::new(),
            caller: Caller::Management,
            caller_policy: None,
            root_user: false,
            base_session: false,
            base_expires_after: None,
            latency: Latency::default(),
            changes: Vec::new(),
            listing: Vec::new(),
            troubleshooter: Troubleshooter::default(),
            spoiled: Vec::new(),
            noise: Vec::new(),
            // This is the lowest limit of all services, which a careless client reaches first.
            limits: vec![(Operation::DescribeOrganization.into(), RateLimit::new(1.0, 2.0))],
            network: Network::Normal,
            clock_offset: 0,
            verify: true,
            strict_signing_regions: false,
            root_access: RootAccess::default(),
            mfa_codes: None,
            organizations_need_mfa: false,
            traffic: None,
            lookup_limit: Some(LOOKUP_LIMIT),
            account_management: true,
            log: false,
            port: 0,
        }
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("accounts", &self.accounts)
            .field("seed", &self.seed)
            .field("realistic", &self.realistic)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// How many accounts there are, the management account included. The ids are `000000000001`, `000000000002`… and
    /// [`MANAGEMENT_ACCOUNT`](crate::MANAGEMENT_ACCOUNT), which is in the place of its number, or last if there are fewer than a
    /// hundred accounts.
    ///
    /// # Panics
    /// If the number is 0 or above 50,000, the maximum that AWS allows.
    pub fn accounts(mut self, accounts: usize) -> Self {
        assert!((1..=MAX_ACCOUNTS).contains(&accounts), "an organization has between 1 and {MAX_ACCOUNTS} accounts");
        self.accounts = accounts;
        self
    }

    /// The seed of names, versions, exceptions and secrets.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Which accounts start with which setting. By default, all accounts start with v1.
    pub fn version_mix(mut self, mix: VersionMix) -> Self {
        self.mix = mix;
        self
    }

    /// Whether the organization looks like a real organization. It has realistic names, tags, nested units and a list that is not
    /// in the order of the ids. A few accounts are closed, suspended, invited without the role, denied by policy and so on. By
    /// default, the accounts are `account-1`, `account-2`… directly below the root, without exceptions.
    pub fn realistic(mut self, realistic: bool) -> Self {
        self.realistic = realistic;
        self
    }

    /// Gives the first members the names in [`HOSTILE_NAMES`](crate::HOSTILE_NAMES).
    pub fn hostile_names(mut self, hostile: bool) -> Self {
        self.hostile_names = hostile;
        self
    }

    /// The partition: `aws`, `aws-cn`, `aws-us-gov`, `aws-iso`, `aws-iso-b`, `aws-iso-e`, `aws-iso-f` or `aws-eusc`.
    ///
    /// # Panics
    /// If there is no such partition.
    pub fn partition(mut self, name: &str) -> Self {
        self.partition = Partition::find(name).unwrap_or_else(|| panic!("there is no partition {name}"));
        self
    }

    /// The region of the run, for which STS requests must be signed. It must be a region of the partition. The default is
    /// `eu-west-1`, or in other partitions the region in which STS is always active.
    pub fn region(mut self, region: &str) -> Self {
        self.region = Some(region.to_owned());
        self
    }

    /// Adds a region for which STS requests can be signed.
    pub fn sts_region(mut self, region: &str) -> Self {
        self.more_sts_regions.push(region.to_owned());
        self
    }

    /// Adds an opt-in Region for which STS requests can be signed. It refuses session tokens of version 1 with
    /// `InvalidClientTokenId`.
    pub fn opt_in_region(mut self, region: &str) -> Self {
        self.opt_in_regions.push(region.to_owned());
        self
    }

    /// Opens the global STS endpoint, for which requests are signed for the region in which STS is always active (`us-east-1`).
    /// In a run in this region, the endpoint is a regional endpoint. The tokens of its `AssumeRole` follow the setting of the
    /// role's account after this lag (9 to 13 seconds at AWS); an account without a value counts as version 1. Sessions of
    /// regional endpoints always have tokens of version 2.
    pub fn global_sts(mut self, issuance_lag: Duration) -> Self {
        self.issuance_lag = Some(issuance_lag);
        self
    }

    /// What the answers of STS tell of the size of a token.
    pub fn token_sizes(mut self, sizes: TokenSizes) -> Self {
        self.token_sizes = sizes;
        self
    }

    /// By how many bytes the sizes of the tokens of the same request differ at most; 12 by default. The sizes are multiples of 4, as
    /// in base64.
    pub fn token_jitter(mut self, bytes: usize) -> Self {
        self.token_jitter = bytes;
        self
    }

    /// Whose setting decides the version of the tokens of the global STS endpoint.
    pub fn deciding_account(mut self, account: DecidingAccount) -> Self {
        self.deciding_account = account;
        self
    }

    /// How long each service takes to answer; zero by default.
    pub fn latency(mut self, latency: Latency) -> Self {
        self.latency = latency;
        self
    }

    /// Changes one account, given by its id or by the id's number.
    pub fn account(mut self, id: impl Into<AccountId>, change: impl FnMut(&mut SimulatedAccount) + 'static) -> Self {
        self.changes.push((Some(id.into()), Box::new(change)));
        self
    }

    /// Changes every account, the management account included.
    pub fn each_account(mut self, change: impl FnMut(&mut SimulatedAccount) + 'static) -> Self {
        self.changes.push((None, Box::new(change)));
        self
    }

    /// Adds a fault of the account list.
    pub fn listing(mut self, fault: ListingFault) -> Self {
        self.listing.push(fault);
        self
    }

    /// How Access Troubleshooter behaves. By default, it has the details of a denial at once, in one page.
    pub fn troubleshooter(mut self, troubleshooter: Troubleshooter) -> Self {
        self.troubleshooter = troubleshooter;
        self
    }

    /// Spoils answers.
    pub fn spoil(mut self, spoiled: Spoiled) -> Self {
        self.spoiled.push(spoiled);
        self
    }

    /// Adds random faults.
    pub fn noise(mut self, noise: Noise) -> Self {
        self.noise.push(noise);
        self
    }

    /// Sets the rate limit of a service or an operation.
    pub fn throttle(mut self, scope: impl Into<Scope>, limit: RateLimit) -> Self {
        let scope = scope.into();
        self.limits.retain(|(existing, _)| *existing != scope);
        self.limits.push((scope, limit));
        self
    }

    /// Sets the rate limits that AWS publishes: the limits of Organizations per account, and 600 per second for STS.
    pub fn aws_limits(self) -> Self {
        let limited = self.throttle(Service::Sts, STS_LIMIT);
        ORGANIZATIONS_LIMITS.iter().fold(limited, |builder, (operation, limit)| builder.throttle(*operation, *limit))
    }

    /// Removes all rate limits, including the limit of `DescribeOrganization`.
    pub fn unlimited(mut self) -> Self {
        self.limits.clear();
        self
    }

    /// The state of the network at the start.
    pub fn network(mut self, network: Network) -> Self {
        self.network = network;
        self
    }

    /// Moves the services' clock this many seconds ahead of the machine's clock, or behind it. It affects the `Date` header,
    /// the expiration of sessions, and the check of a signature's age.
    pub fn clock_offset(mut self, seconds: i64) -> Self {
        self.clock_offset = seconds;
        self
    }

    /// Whether signatures are verified, as they are by default. Switch verification off only for measurements.
    pub fn verify(mut self, verify: bool) -> Self {
        self.verify = verify;
        self
    }

    /// Whether IAM and Organizations requests must be signed for the partition's own region, as at AWS. Otherwise they can also
    /// be signed for the region of the run. SDKs with a custom endpoint sign in this way, because they do not consult the
    /// partition.
    pub fn strict_signing_regions(mut self, strict: bool) -> Self {
        self.strict_signing_regions = strict;
        self
    }

    /// Whether each request writes a line to standard error.
    pub fn log(mut self, log: bool) -> Self {
        self.log = log;
        self
    }

    /// The port to listen on; any free port by default.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }
}
