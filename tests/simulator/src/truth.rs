//! The ground truth: a snapshot of what really happened, which a test compares with the program's report.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::account::{AccountCalls, AccountState, JoinedMethod, SimulatedAccount};
use crate::account_id::AccountId;
use crate::client_knowledge::ClientKnowledge;
use crate::fault::ALWAYS;
use crate::network::Service;
use crate::request::Operation;
use crate::version::TokenVersion;
use crate::world::World;

/// A snapshot of the state and the counters of a simulated organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// The management account's id.
    pub management_account: AccountId,
    /// All accounts, sorted by id.
    pub accounts: Vec<AccountTruth>,
    /// Counters of every operation that was called.
    pub operations: BTreeMap<Operation, OperationTruth>,
    /// How often each fault fired, both faults of accounts and of the network.
    pub faults: BTreeMap<String, u64>,
    /// When each `AssumeRole` arrived, in milliseconds since the start.
    pub assume_role_arrivals_ms: Vec<u32>,
    /// The access keys with which roles were assumed, each with the number of calls.
    pub assume_role_keys: BTreeMap<String, u64>,
    /// The ARNs of the principals that assumed roles, each with the number of calls: the operator, and the sessions of a role
    /// chain.
    pub assume_role_callers: BTreeMap<String, u64>,
    /// Who called which operation, and how often: `user/operator`, `role/<path and name>` of any account, `root`.
    pub callers: BTreeMap<String, BTreeMap<Operation, u64>>,
    /// The account of each Set, and when the Set arrived, in milliseconds since the start.
    pub set_arrivals: Vec<(AccountId, u32)>,
    /// How many `AssumeRole` calls went to the global endpoint; [`AccountCalls`] counts them by account.
    pub global_assume_roles: u64,
    /// The regions for which the requests to each service were signed, each with the number of requests.
    pub signing_regions: BTreeMap<Service, BTreeMap<String, u64>>,
    /// Milliseconds since the start.
    pub uptime_ms: u32,
    /// Connections accepted since the start.
    pub connections_accepted: u64,
    /// The maximum number of requests that were being answered at the same time.
    pub max_concurrent_requests: u32,
    /// The maximum number of requests of each service that were being answered at the same time.
    pub max_concurrent_by_service: BTreeMap<Service, u32>,
}

/// The state and the counters of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountTruth {
    /// The account's id.
    pub id: AccountId,
    /// The account's name.
    pub name: String,
    /// The root user's e-mail address.
    pub email: String,
    /// The account's state.
    pub state: AccountState,
    /// How the account joined the organization.
    pub joined: JoinedMethod,
    /// The names of the units above the account, e.g. `Workloads/Prod`.
    pub ou: String,
    /// The ids from the organization down to the account, as in the `Paths` field.
    pub path: String,
    /// The actual setting, even while reads are stale.
    pub version: Option<TokenVersion>,
    /// Whether the caller itself can assume the account's role without MFA. Counted faults and rate limits are ignored.
    pub assumable: bool,
    /// Whether a Set with the role's rights is accepted. Counted faults and session policies are ignored.
    pub settable: bool,
    /// The requests that concerned the account.
    pub calls: AccountCalls,
    /// The Set requests for the account that reached the service, including refused and broken requests.
    pub sets_received: u32,
    /// The values that were applied, in order.
    pub sets_applied: Vec<TokenVersion>,
    /// What the client can know from the answers.
    pub knowledge: ClientKnowledge,
    /// How many role sessions were issued in the account.
    pub sessions: u32,
    /// The source identities of the sessions that have one, in order.
    pub source_identities: Vec<String>,
    /// How often each fault of the account fired.
    pub faults: BTreeMap<String, u32>,
}

/// Counters of one operation. Each request adds one to `requests` and to one other counter. An exception is an answer that is
/// damaged on its way, which counts both as `succeeded` (or an error) and as `broken`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationTruth {
    /// Requests that reached the service.
    pub requests: u64,
    /// Requests that had their effect.
    pub succeeded: u64,
    /// Requests without a complete answer.
    pub broken: u64,
    /// Errors by code.
    pub errors: BTreeMap<String, u64>,
}

impl OperationTruth {
    /// All requests that were answered with an error.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.errors.values().sum()
    }
}

impl Truth {
    /// One account.
    ///
    /// # Panics
    /// If there is no such account.
    #[must_use]
    pub fn account(&self, id: impl Into<AccountId>) -> &AccountTruth {
        let id = id.into();
        let position = self.accounts.binary_search_by_key(&id, |account| account.id);
        &self.accounts[position.unwrap_or_else(|_| panic!("there is no account {id}"))]
    }

    /// The counters of an operation; zero if it was never called.
    #[must_use]
    pub fn operation(&self, operation: Operation) -> OperationTruth {
        self.operations.get(&operation).cloned().unwrap_or_default()
    }

    /// How often an operation was called.
    #[must_use]
    pub fn requests(&self, operation: Operation) -> u64 {
        self.operations.get(&operation).map_or(0, |counters| counters.requests)
    }

    /// How many accounts have this setting.
    #[must_use]
    pub fn with_version(&self, version: impl Into<Option<TokenVersion>>) -> usize {
        let version = version.into();
        self.accounts.iter().filter(|account| account.version == version).count()
    }

    /// How often a fault fired.
    #[must_use]
    pub fn fault(&self, name: &str) -> u64 {
        self.faults.get(name).copied().unwrap_or_default()
    }
}

impl World {
    /// Returns the truth without the counters of the server.
    pub(crate) fn truth(&self) -> Truth {
        let mut accounts: Vec<AccountTruth> =
            (0..).zip(&self.accounts).map(|(index, _)| self.account_truth(index)).collect();
        accounts.sort_unstable_by_key(|account| account.id);
        let mut faults: BTreeMap<String, u64> =
            self.faults.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
        for (name, count) in self.accounts.iter().flat_map(|account| &account.history.faults) {
            *faults.entry((*name).to_owned()).or_default() += u64::from(*count);
        }
        let operations = Operation::ALL.iter().zip(&self.tallies).filter(|(_, tally)| tally.requests > 0).map(
            |(operation, tally)| {
                let errors = tally.errors.iter().map(|(code, count)| ((*code).to_owned(), *count)).collect();
                (
                    *operation,
                    OperationTruth {
                        requests: tally.requests,
                        succeeded: tally.succeeded,
                        broken: tally.broken,
                        errors,
                    },
                )
            },
        );
        let global = |account: &SimulatedAccount| u64::from(account.history.calls.global_assume_role);
        Truth {
            management_account: self.account(self.management()).id(),
            accounts,
            operations: operations.collect(),
            faults,
            assume_role_arrivals_ms: self.assume_arrivals.clone(),
            assume_role_keys: self.assume_keys.clone(),
            assume_role_callers: self.assume_callers.clone(),
            callers: self.callers.clone(),
            set_arrivals: self.set_arrivals.clone(),
            global_assume_roles: self.accounts.iter().map(global).sum(),
            signing_regions: self.signing_regions.clone(),
            uptime_ms: self.now_ms(),
            connections_accepted: 0,
            max_concurrent_requests: 0,
            max_concurrent_by_service: BTreeMap::new(),
        }
    }

    fn account_truth(&self, index: u32) -> AccountTruth {
        let account = self.account(index);
        let faults = &account.faults;
        let denied = faults.deny_set
            || faults.deny_set_explicitly
            || faults.captive_portal == ALWAYS
            || (faults.deny_set_by_scp && index != self.management());
        AccountTruth {
            id: account.id(),
            name: account.name.clone(),
            email: account.email.clone(),
            state: account.state,
            joined: account.joined,
            ou: self.tree.names(account.unit),
            path: self.tree.account_path(account.unit, account.id()),
            version: account.version,
            assumable: self.assumable(index),
            settable: !denied,
            calls: account.history.calls,
            sets_received: account.history.calls.set_preferences,
            sets_applied: account.history.sets_applied.clone(),
            knowledge: account.history.tracker.knowledge,
            sessions: account.history.sessions,
            source_identities: account.history.source_identities.iter().map(|text| text.as_ref().to_owned()).collect(),
            faults: account.history.faults.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect(),
        }
    }
}
