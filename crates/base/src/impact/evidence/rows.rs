//! The calls of the global endpoint, added up for each combination of account, principal, agent, operation, and role.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::net::IpAddr;

use super::super::agent::Agent;
use super::super::operation::SessionOperation;
use crate::org::AccountId;

/// How many different addresses are kept for a row.
const MAX_ADDRESSES: usize = 16;

/// What the calls of one row have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// The account that issued the sessions. The calls are attributed to it.
    pub issuer: AccountId,
    /// The account that called.
    pub caller: AccountId,
    /// The number of the principal; `None` in the row of all principals that are beyond the limit.
    pub principal: Option<u32>,
    pub agent: u32,
    pub operation: SessionOperation,
    /// The number of the role's ARN.
    pub role: Option<u32>,
}

/// The calls of one row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stats {
    pub calls: u64,
    pub first: u64,
    pub last: u64,
    pub largest: Option<u32>,
    pub addresses: BTreeSet<IpAddr>,
}

impl Stats {
    /// Adds one call.
    pub(super) fn add(&mut self, time: u64, size: Option<u32>, address: Option<IpAddr>) {
        self.first = if self.calls == 0 { time } else { self.first.min(time) };
        self.last = self.last.max(time);
        self.calls += 1;
        self.largest = self.largest.max(size);
        if self.addresses.len() < MAX_ADDRESSES {
            self.addresses.extend(address);
        }
    }
}

/// A principal that the global endpoint issued sessions to, with one agent and one operation, in the view of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalRow {
    /// The account whose report has the row: the account that issued the sessions, or that of the principal.
    pub account: AccountId,
    /// The account that issued the sessions.
    pub attributed_to: AccountId,
    /// Who called.
    pub principal: String,
    /// The program that called, by its user agent.
    pub agent: Agent,
    /// The operation that issued the sessions.
    pub operation: SessionOperation,
    /// The number of calls.
    pub calls: u64,
    /// In seconds since 1970.
    pub first_seen: u64,
    /// The time of the last call, in seconds since 1970.
    pub last_seen: u64,
    /// The size of the largest token, in characters; `None` if no event says it.
    pub largest: Option<u32>,
    /// The size that the tokens will have: that of regional tokens of the same role, or else an estimate.
    pub expected: Option<u32>,
    /// Whether `expected` is an estimate.
    pub is_estimated: bool,
    /// The addresses of the callers, if they were asked for.
    pub addresses: BTreeSet<IpAddr>,
}

impl PrincipalRow {
    /// Adds the calls of another role.
    pub(super) fn merge(&mut self, stats: &Stats, (expected, is_estimated): (Option<u32>, bool)) {
        self.calls += stats.calls;
        self.first_seen = self.first_seen.min(stats.first);
        self.last_seen = self.last_seen.max(stats.last);
        self.largest = self.largest.max(stats.largest);
        // The largest one decides whether the row is an estimate.
        if expected > self.expected {
            (self.expected, self.is_estimated) = (expected, is_estimated);
        }
        self.addresses.extend(&stats.addresses);
    }

    /// The order of the rows.
    pub(super) fn order(&self) -> impl Ord + use<'_> {
        (self.account, Reverse(self.calls), &self.principal, &self.agent, self.operation, self.attributed_to)
    }
}
