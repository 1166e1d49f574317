//! The methods with which a test changes the world during a run.

use std::time::Duration;

use super::World;
use crate::account_id::AccountId;
use crate::clock;
use crate::credentials::Credentials;
use crate::fault::ListingFault;
use crate::network::{Latency, Network, Noise};
use crate::permissions::Permissions;
use crate::rate_limit::{RateLimit, Scope};
use crate::request::Operation;
use crate::secrets::mix;
use crate::troubleshooter::Troubleshooter;

impl World {
    /// Moves an account to the unit with this id or path of names, which is created if it does not exist.
    ///
    /// # Panics
    /// If there is no such account.
    pub fn move_account(&mut self, id: impl Into<AccountId>, names: &str) {
        let id = id.into();
        let index = self.index(id).unwrap_or_else(|| panic!("there is no account {id}"));
        let unit = self.tree.unit_at(names);
        let account = &mut self.accounts[index as usize];
        self.tree.place(index, Some(account.unit), unit);
        account.unit = unit;
        names.clone_into(&mut account.ou);
    }

    /// Sets or replaces the rate limit of a service or an operation.
    pub fn throttle(&mut self, scope: impl Into<Scope>, limit: RateLimit) {
        let now = self.now();
        self.limits.set(scope.into(), Some(limit), now);
    }

    /// Removes the rate limit of a service or an operation.
    pub fn lift_throttle(&mut self, scope: impl Into<Scope>) {
        let now = self.now();
        self.limits.set(scope.into(), None, now);
    }

    /// Sets the latency of requests that arrive from now on.
    pub fn set_latency(&mut self, latency: Latency) {
        self.latency = latency;
    }

    /// Opens or closes the network.
    pub fn set_network(&mut self, network: Network) {
        self.network = network;
        self.network_changed.notify_waiters();
    }

    /// Returns how often an operation was called so far. This is cheaper than
    /// [`Organization::truth`](crate::Organization::truth).
    #[must_use]
    pub fn requests(&self, operation: Operation) -> u64 {
        self.tallies[operation as usize].requests
    }

    /// Returns how many calls of all operations there were so far.
    #[must_use]
    pub fn all_requests(&self) -> u64 {
        self.tallies.iter().map(|tally| tally.requests).sum()
    }

    /// Adds random faults.
    pub fn add_noise(&mut self, noise: Noise) {
        let dice = fastrand::Rng::with_seed(mix(noise.seed));
        self.noise.push((noise, dice));
    }

    /// Ends all random faults.
    pub fn clear_noise(&mut self) {
        self.noise.clear();
    }

    /// Adds a fault of the account list.
    pub fn add_listing_fault(&mut self, fault: ListingFault) {
        self.listing.push(fault);
    }

    /// Sets how Access Troubleshooter behaves from now on. Details of earlier denials stay late.
    pub fn set_troubleshooter(&mut self, troubleshooter: Troubleshooter) {
        self.troubleshooter = troubleshooter;
    }

    /// Ends all faults of the account list.
    pub fn clear_listing_faults(&mut self) {
        self.listing.clear();
    }

    /// Sets a policy document that says what the operator is allowed to do from now on.
    ///
    /// # Panics
    /// If the document is not a policy.
    pub fn set_caller_policy(&mut self, document: &str) {
        self.caller_policy = Some(Permissions::read(document));
    }

    /// Expires the operator's credentials of all generations: calls with them get `ExpiredToken`.
    pub fn expire_base_credentials(&mut self) {
        self.vault.expire_base();
    }

    /// Lets the operator's credentials expire after this many more successful `AssumeRole` and `AssumeRoot` calls.
    pub fn expire_base_credentials_after(&mut self, assumes: u64) {
        self.vault.expire_base_after(Some(assumes));
    }

    /// Makes new credentials for the operator, as a login does.
    pub fn renew_base_credentials(&mut self) -> Credentials {
        self.vault.renew_base(None)
    }

    /// Makes new temporary credentials with this lifetime for the operator. Returns them with their expiration in the format of
    /// AWS. Older credentials stay valid.
    pub fn renew_base_credentials_for(&mut self, lifetime: Duration) -> (Credentials, String) {
        let expiration = clock::iso8601(self.epoch() + lifetime.as_secs().cast_signed());
        (self.vault.renew_base(Some(self.now() + lifetime)), expiration)
    }

    /// The operator's newest credentials.
    #[must_use]
    pub fn base_credentials(&self) -> Credentials {
        self.vault.base()
    }

    /// Ends every session issued so far.
    pub fn expire_sessions(&mut self) {
        self.vault.expire_sessions();
    }

    /// Moves the services' clock this many seconds ahead of the machine's clock, or behind it. Sessions last as long as before.
    pub fn set_clock_offset(&mut self, seconds: i64) {
        self.clock_offset = seconds;
    }
}
