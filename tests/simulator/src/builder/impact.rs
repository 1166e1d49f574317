//! The builder's methods about who calls STS: simulated clients, the event history, and the Regions of the accounts.

use super::Builder;
use crate::rate_limit::RateLimit;
use crate::traffic::Traffic;

impl Builder {
    /// Adds clients of STS, whose events `LookupEvents` shows and [`World::write_trail`](crate::World::write_trail) writes. A fifth of
    /// the accounts also has enabled an opt-in Region.
    pub fn traffic(mut self, traffic: Traffic) -> Self {
        self.traffic = Some(traffic);
        self
    }

    /// How often `LookupEvents` can be called for each account and Region; 2 times a second by default, as AWS publishes.
    pub fn lookup_limit(mut self, limit: impl Into<Option<RateLimit>>) -> Self {
        self.lookup_limit = limit.into();
        self
    }

    /// Whether Account Management has trusted access, as it has by default, so that the management account can name members.
    pub fn account_management(mut self, trusted: bool) -> Self {
        self.account_management = trusted;
        self
    }
}
