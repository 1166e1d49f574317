//! The state behind the server: accounts, credentials, limits and counters.

mod controls;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::Notify;

use crate::account::SimulatedAccount;
use crate::account_id::AccountId;
use crate::clock;
use crate::fault::ListingFault;
use crate::lookup_events::LookupLimits;
use crate::mfa::Device;
use crate::network::{Latency, Network, Noise, Service};
use crate::partition::Partition;
use crate::permissions::Permissions;
use crate::policy::SessionPolicy;
use crate::populate;
use crate::rate_limit::Limits;
use crate::request::Operation;
use crate::root_access::RootAccess;
use crate::secrets::mix;
use crate::spoiled::Spoiled;
use crate::token_size::{DecidingAccount, TokenSizes};
use crate::traffic::Clients;
use crate::tree::Tree;
use crate::troubleshooter::{DeniedRequests, Troubleshooter};
use crate::vault::Vault;
use crate::web_identity::WebToken;

/// The user whose credentials the program under test is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Caller {
    /// A user of the management account.
    #[default]
    Management,
    /// A user of this member, which is a delegated administrator: it is allowed to list accounts, and default roles trust it.
    DelegatedAdministrator(AccountId),
    /// A user of this member, which is only allowed to describe the organization.
    Member(AccountId),
}

/// The settings that never change while a simulated organization runs.
#[derive(Debug)]
pub(crate) struct Settings {
    pub partition: Partition,
    /// The regions for which STS requests can be signed.
    pub sts_regions: Vec<String>,
    /// Further regions, which are opt-in Regions and refuse session tokens of version 1.
    pub opt_in_regions: Vec<String>,
    /// The lag between the setting and the tokens of the global STS endpoint; `None` if there is no such endpoint.
    pub issuance_lag: Option<Duration>,
    pub token_sizes: TokenSizes,
    /// By how many bytes the sizes of the tokens of the same request differ at most.
    pub token_jitter: usize,
    pub deciding_account: DecidingAccount,
    pub caller: Caller,
    pub verify: bool,
    /// Whether requests to IAM and Organizations must be signed for the partition's own region.
    pub strict_signing_regions: bool,
    pub root_access: RootAccess,
    /// Whether the operator's own policy denies Organizations without MFA.
    pub organizations_need_mfa: bool,
    /// Whether the list is shuffled instead of sorted by id.
    pub shuffled_listing: bool,
    pub seed: u64,
}

/// Counters of one operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub requests: u64,
    pub succeeded: u64,
    pub broken: u64,
    pub errors: BTreeMap<&'static str, u64>,
}

/// The state of the simulated organization. Tests access it through [`Organization::control`](crate::Organization::control).
#[derive(Debug)]
pub struct World {
    pub(crate) settings: Settings,
    pub(crate) accounts: Vec<SimulatedAccount>,
    pub(crate) tree: Tree,
    /// The delegated administrators, by index.
    pub(crate) delegated: Vec<u32>,
    pub(crate) vault: Vault,
    pub(crate) mfa: Option<Device>,
    pub(crate) web_tokens: Vec<WebToken>,
    pub(crate) policies: HashMap<Box<str>, Arc<SessionPolicy>>,
    pub(crate) listing: Vec<ListingFault>,
    pub(crate) troubleshooter: Troubleshooter,
    pub(crate) denied_requests: DeniedRequests,
    pub(crate) spoiled: Vec<Spoiled>,
    pub(crate) limits: Limits,
    pub(crate) noise: Vec<(Noise, fastrand::Rng)>,
    pub(crate) latency: Latency,
    pub(crate) network: Network,
    /// Notifies the task that opens and closes the listener.
    pub(crate) network_changed: Arc<Notify>,
    pub(crate) tallies: Vec<Tally>,
    pub(crate) faults: BTreeMap<&'static str, u64>,
    pub(crate) assume_arrivals: Vec<u32>,
    pub(crate) assume_keys: BTreeMap<String, u64>,
    pub(crate) assume_callers: BTreeMap<String, u64>,
    pub(crate) callers: BTreeMap<String, BTreeMap<Operation, u64>>,
    /// What the operator is allowed to do; everything if it is `None`.
    pub(crate) caller_policy: Option<Permissions>,
    /// The clients of the accounts; `None` without traffic.
    pub(crate) traffic: Option<Clients>,
    pub(crate) lookup_limits: LookupLimits,
    /// Whether Account Management has trusted access.
    pub(crate) account_management: bool,
    pub(crate) set_arrivals: Vec<(AccountId, u32)>,
    pub(crate) signing_regions: BTreeMap<Service, BTreeMap<String, u64>>,
    started: Instant,
    started_epoch: i64,
    clock_offset: i64,
    requests: u64,
    /// How many tokens were issued.
    pub(crate) issued: u64,
}

impl World {
    pub(crate) fn new(settings: Settings, tree: Tree, accounts: Vec<SimulatedAccount>, vault: Vault) -> Self {
        let mut world = Self {
            tree,
            delegated: Vec::new(),
            settings,
            accounts,
            vault,
            mfa: None,
            web_tokens: Vec::new(),
            policies: HashMap::new(),
            listing: Vec::new(),
            troubleshooter: Troubleshooter::default(),
            denied_requests: DeniedRequests::new(),
            spoiled: Vec::new(),
            limits: Limits::default(),
            noise: Vec::new(),
            latency: Latency::default(),
            network: Network::default(),
            network_changed: Arc::default(),
            tallies: vec![Tally::default(); Operation::ALL.len()],
            faults: BTreeMap::new(),
            assume_arrivals: Vec::new(),
            assume_keys: BTreeMap::new(),
            assume_callers: BTreeMap::new(),
            callers: BTreeMap::new(),
            caller_policy: None,
            traffic: None,
            lookup_limits: LookupLimits::default(),
            account_management: true,
            set_arrivals: Vec::new(),
            signing_regions: BTreeMap::new(),
            started: Instant::now(),
            started_epoch: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(0)),
            clock_offset: 0,
            requests: 0,
            issued: 0,
        };
        for index in 0..world.accounts.len() {
            let unit = world.tree.unit_at(&world.accounts[index].ou);
            world.accounts[index].unit = unit;
            world.tree.place(u32::try_from(index).expect("an organization has at most 50,000 accounts"), None, unit);
        }
        world
    }

    /// All accounts, sorted by id. In an organization of fewer than a hundred accounts, the management account is last.
    #[must_use]
    pub fn accounts(&self) -> &[SimulatedAccount] {
        &self.accounts
    }

    /// All accounts, to change them.
    pub fn accounts_mut(&mut self) -> &mut [SimulatedAccount] {
        &mut self.accounts
    }

    /// One account.
    ///
    /// # Panics
    /// If there is no such account.
    pub fn account_mut(&mut self, id: impl Into<AccountId>) -> &mut SimulatedAccount {
        let id = id.into();
        let index = self.index(id).unwrap_or_else(|| panic!("there is no account {id}"));
        &mut self.accounts[index as usize]
    }

    pub(crate) fn index(&self, id: AccountId) -> Option<u32> {
        populate::index_of(id, self.accounts.len()).and_then(|index| u32::try_from(index).ok())
    }

    pub(crate) fn management(&self) -> u32 {
        u32::try_from(populate::management_index(self.accounts.len()))
            .expect("an organization has at most 50,000 accounts")
    }

    pub(crate) fn account(&self, index: u32) -> &SimulatedAccount {
        &self.accounts[index as usize]
    }

    pub(crate) fn at(&mut self, index: u32) -> &mut SimulatedAccount {
        &mut self.accounts[index as usize]
    }

    /// Time since the start.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn now_ms(&self) -> u32 {
        u32::try_from(self.now().as_millis()).unwrap_or(u32::MAX)
    }

    /// Seconds since 1970 by the clock of the services.
    pub(crate) fn epoch(&self) -> i64 {
        self.started_epoch + self.clock_offset + i64::try_from(self.now().as_secs()).unwrap_or(0)
    }

    /// The `Date` header of answers. Without an offset, returns `None`, and the server writes its own header.
    pub(crate) fn date_header(&self) -> Option<String> {
        (self.clock_offset != 0).then(|| clock::http_date(self.epoch()))
    }

    pub(crate) fn tally(&mut self, operation: Operation) -> &mut Tally {
        &mut self.tallies[operation as usize]
    }

    /// Counts the firing of a fault that does not belong to one account.
    pub(crate) fn note(&mut self, fault: &'static str) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// Returns a unique authorization id of 25 characters of base 36. Every second one has no digit, as one in some thousand real ones.
    pub(crate) fn authorization_id(&mut self) -> String {
        self.requests += 1;
        let mut dice = fastrand::Rng::with_seed(mix(self.settings.seed ^ mix(self.requests)));
        let digits = if self.requests.is_multiple_of(2) { 36 } else { 26 };
        // The letters come first.
        let character = |_| char::from(b"abcdefghijklmnopqrstuvwxyz0123456789"[dice.usize(..digits)]);
        (0..25).map(character).collect()
    }

    /// Returns a unique id that looks like a random UUID.
    pub(crate) fn next_id(&mut self) -> String {
        self.requests += 1;
        let high = mix(self.settings.seed ^ mix(self.requests));
        let low = mix(high);
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            low >> 48 & 0x3fff | 0x8000,
            low & 0xffff_ffff_ffff
        )
    }

    /// Whether an account is allowed to list the organization.
    pub(crate) fn may_list(&self, index: u32) -> bool {
        index == self.management() || self.delegated.contains(&index)
    }

    /// Draws the random fault of a request.
    pub(crate) fn roll(&mut self, service: Service) -> Option<crate::network::NoiseKind> {
        self.noise.iter_mut().find_map(|(noise, dice)| noise.pick(service, dice))
    }
}
