//! Traffic: simulated clients of STS in every account, the CloudTrail events of their calls, and the truth about them.
//!
//! The clients follow from a seed. The events follow from the clients, and are made when they are asked for: as the answers of
//! `LookupEvents` and as the files of an organization trail.

mod clients;
mod event;
mod files;

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::account::SimulatedAccount;
use crate::account_id::AccountId;
use crate::version::TokenVersion;
use crate::world::World;
pub(crate) use clients::Client;
pub(crate) use event::Event;

/// How long CloudTrail keeps the event history, in days.
pub(crate) const HISTORY_DAYS: i64 = 90;
const DAY: i64 = 86_400;
/// The first calls are this many seconds later than the oldest day, so that a program that starts later counts all calls of these days.
const MARGIN: i64 = 3_600;

/// The traffic of an organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Traffic {
    /// The seed of the clients.
    pub seed: u64,
    /// How many days of events there are before the start.
    pub days: u16,
    /// The calls per day of a client of average activity.
    pub calls_per_day: u16,
}

impl Default for Traffic {
    fn default() -> Self {
        Self { seed: 1, days: 90, calls_per_day: 1 }
    }
}

/// Which of the two accounts of a call has an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// The caller and the role, if there is one, are in this account.
    Own,
    /// The caller is in this account, and the role is in another one.
    Caller,
    /// The role is in this account, and the caller is in another one.
    Role,
}

/// What a client does in one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientTruth {
    /// The ARN of the caller's role or user. `None` if its events have none, as those of federated users.
    pub principal: Option<String>,
    /// The ARN of the role that it asks for.
    pub role: Option<String>,
    /// The user agent.
    pub user_agent: String,
    /// The name of the event.
    pub operation: String,
    /// The account's part in the calls.
    pub side: Side,
    /// The other account of a call across accounts.
    pub other_account: Option<AccountId>,
    /// Whether it uses the global endpoint.
    pub global: bool,
    /// Whether AWS issues sessions to it that belong to a client of this account's: not to an AWS service, not `GetCallerIdentity`,
    /// and not a call that is denied.
    pub issues_sessions: bool,
    /// How many events there are in the account.
    pub events: u64,
}

impl ClientTruth {
    /// Whether the setting of an account can make the client's tokens longer.
    #[must_use]
    pub fn counts(&self) -> bool {
        self.global && self.issues_sessions
    }
}

/// The clients of an organization, by account, and the events that were made from them.
#[derive(Debug)]
pub(crate) struct Clients {
    settings: Traffic,
    /// The newest moment of an event, in seconds since 1970.
    until: i64,
    clients: Vec<Client>,
    /// The clients of each account, and the account's part in their calls.
    of_account: Vec<Vec<(u32, Side)>>,
    /// The accounts that started at version 2, by index.
    is_v2: Vec<bool>,
    made: HashMap<u32, Arc<[Event]>>,
}

impl Clients {
    /// Makes the clients of these accounts, whose events end now.
    pub(crate) fn new(settings: Traffic, partition: &'static str, accounts: &[SimulatedAccount], until: i64) -> Self {
        let ids: Vec<AccountId> = accounts.iter().map(SimulatedAccount::id).collect();
        let clients = clients::populate(settings, partition, &ids);
        let mut of_account = vec![Vec::new(); ids.len()];
        for (number, client) in (0..).zip(&clients) {
            for (index, side) in client.sides() {
                of_account[index as usize].push((number, side));
            }
        }
        let is_v2 = accounts.iter().map(|account| account.version == Some(TokenVersion::V2)).collect();
        Self { settings, until, clients, of_account, is_v2, made: HashMap::new() }
    }

    /// Returns the events of an account, the newest first.
    pub(crate) fn events(&mut self, account: u32) -> Arc<[Event]> {
        if let Some(events) = self.made.get(&account) {
            return Arc::clone(events);
        }
        let mut events: Vec<Event> = Vec::new();
        for (number, side) in &self.of_account[account as usize] {
            let client = &self.clients[*number as usize];
            // The setting of the role's account decides which tokens the global endpoint issues.
            let (issuer, _) = client.other.unwrap_or(client.home);
            let long = self.is_v2[issuer as usize];
            events.extend(self.moments(client).map(|(call, time)| event::make(client, *side, call, time, long)));
        }
        events.sort_by(|one, other| (other.time, &other.id).cmp(&(one.time, &one.id)));
        let events: Arc<[Event]> = events.into();
        self.made.insert(account, Arc::clone(&events));
        events
    }

    /// Returns the truth about an account.
    pub(crate) fn truth(&self, account: u32) -> Vec<ClientTruth> {
        let clients = self.of_account[account as usize].iter().filter_map(|(number, side)| {
            let client = &self.clients[*number as usize];
            let events = self.moments(client).count() as u64;
            (events > 0).then(|| client.truth(*side, events))
        });
        clients.filter(|truth| truth.is_of_sts()).collect()
    }

    /// Returns the number and the time of each call of a client, the newest first.
    fn moments(&self, client: &Client) -> impl Iterator<Item = (u64, i64)> {
        let oldest = self.until - i64::from(self.settings.days) * DAY + MARGIN;
        let (first, period) = (self.until - client.offset, client.period);
        (0..)
            .map(move |call: u64| (call, first - period * call.cast_signed()))
            .take_while(move |(_, time)| *time >= oldest)
    }
}

impl ClientTruth {
    fn is_of_sts(&self) -> bool {
        self.operation != clients::HEARTBEAT
    }
}

impl World {
    /// Returns the clients of an account, or nothing without traffic.
    ///
    /// # Panics
    /// If there is no such account.
    #[must_use]
    pub fn clients(&self, id: impl Into<AccountId>) -> Vec<ClientTruth> {
        let id = id.into();
        let index = self.index(id).unwrap_or_else(|| panic!("there is no account {id}"));
        self.traffic.as_ref().map(|traffic| traffic.truth(index)).unwrap_or_default()
    }

    /// Returns the events of an account, the newest first.
    pub(crate) fn events(&mut self, index: u32) -> Arc<[Event]> {
        self.traffic.as_mut().map_or_else(|| Vec::new().into(), |traffic| traffic.events(index))
    }
}
