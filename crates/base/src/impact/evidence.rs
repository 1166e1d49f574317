//! Adds sightings up: who called the global endpoint, for each account.

mod names;
mod rows;

use std::collections::{BTreeMap, HashMap};

use self::names::Names;
use self::rows::{Key, Stats};
use super::agent::Agent;
use super::coverage::Coverage;
use super::event::NotUnderstood;
use super::operation::SessionOperation;
use super::sighting::{CallKind, Half, Sighting, Source};
use crate::org::AccountId;

pub use rows::PrincipalRow;

/// How many ids of calls are kept to recognize the second half of a cross-account call, and calls that are read twice. They take
/// 18 MB: a table with a million places of 17 bytes, of which seven eighths are used.
const MAX_IDS: usize = 900_000;

/// How many ARNs are kept. Those of rows are limited by the rows, and beyond this number the sizes of further regional tokens are not
/// kept.
const MAX_TEXTS: usize = 200_000;

/// How many combinations of account, principal, agent, operation, and role are kept. The others are added up in one row for each pair
/// of accounts.
const MAX_ROWS: usize = 100_000;

/// How much longer v2 tokens were in the published recording, in characters. The size that is expected without a regional token to
/// compare with is an estimate that adds this.
pub(crate) const GROWTH: u32 = 400;

/// The principal of calls beyond [`MAX_ROWS`].
const OTHERS: &str = "other principals";

/// What is known of the calls of one account, and of its coverage.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountEvidence {
    /// The sessions that the global endpoint issued for the account. A cross-account call counts once, in the role's account.
    pub global_calls: u64,
    /// The sessions that the global endpoint issued to principals of the account for roles of other accounts.
    pub outgoing_calls: u64,
    /// The events of sessions that regional endpoints issued, in the account's trail.
    pub regional_calls: u64,
    /// The events of calls of the global endpoint by AWS services.
    pub service_calls: u64,
    /// The events of calls of the global endpoint that failed.
    pub failed_calls: u64,
    /// The events that are not understood.
    pub not_understood: u64,
    /// How completely the events were read.
    pub coverage: Coverage,
    /// Where the events come from; `None` if no event was read.
    pub source: Option<Source>,
}

/// What all events say.
#[derive(Debug)]
pub struct Evidence {
    accounts: BTreeMap<AccountId, AccountEvidence>,
    texts: Names<String>,
    agents: Names<Agent>,
    index: HashMap<Key, u32>,
    rows: Vec<(Key, Stats)>,
    /// The largest token that a regional endpoint issued for the role, or to the principal if no role was assumed.
    regional: HashMap<(SessionOperation, u32), u32>,
    /// The row in which each call was counted, and the half that was read.
    seen: HashMap<u64, (u32, Half)>,
    limits: Limits,
    /// Whether there were more ids than are kept, so that some calls may be counted twice.
    pub ids_overflowed: bool,
    /// The events that are not understood and name no account.
    pub not_understood_anywhere: u64,
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
struct Limits {
    ids: usize,
    rows: usize,
    texts: usize,
}

impl Default for Evidence {
    fn default() -> Self {
        Self::with_limits(Limits { ids: MAX_IDS, rows: MAX_ROWS, texts: MAX_TEXTS })
    }
}

impl Evidence {
    fn with_limits(limits: Limits) -> Self {
        Self {
            accounts: BTreeMap::new(),
            texts: Names::default(),
            agents: Names::default(),
            index: HashMap::new(),
            rows: Vec::new(),
            regional: HashMap::new(),
            seen: HashMap::new(),
            limits,
            ids_overflowed: false,
            not_understood_anywhere: 0,
        }
    }

    /// Adds a sighting whose time is within `--since`. A call of the global endpoint that was read before is ignored, from whichever
    /// source, so the source that is read first wins. Of the other kinds each event counts: to remember them would leave fewer places
    /// for the calls that matter.
    pub fn add(&mut self, sighting: &Sighting, source: Source) {
        match sighting.kind {
            CallKind::Global => self.add_global(sighting, source),
            CallKind::Regional => self.add_regional(sighting, source),
            CallKind::Service => self.touch(sighting.recipient, source).service_calls += 1,
            CallKind::Failed => self.touch(sighting.recipient, source).failed_calls += 1,
        }
    }

    fn add_global(&mut self, sighting: &Sighting, source: Source) {
        let earlier = sighting.id.and_then(|id| self.seen.get(&id).copied());
        match earlier {
            None => {
                let row = self.add_call(sighting, source);
                self.remember(sighting, row);
            }
            // The caller's half says who called, so it replaces the other one.
            Some((row, Half::Role)) if sighting.half == Half::Caller => {
                self.rows[row as usize].1.calls -= 1;
                let row = self.row(sighting);
                self.remember(sighting, row);
            }
            Some(_) => {}
        }
    }

    /// Counts an event that is not understood.
    pub fn add_not_understood(&mut self, event: NotUnderstood) {
        match event.recipient {
            Some(account) => self.accounts.entry(account).or_default().not_understood += 1,
            None => self.not_understood_anywhere += 1,
        }
    }

    /// Says how completely the events of an account were read. The best coverage counts.
    pub fn cover(&mut self, account: AccountId, source: Source, coverage: Coverage) {
        let evidence = self.accounts.entry(account).or_default();
        let before = std::mem::take(&mut evidence.coverage);
        let after = before.clone().or(coverage);
        if after != before || evidence.source.is_none() {
            evidence.source = Some(source);
        }
        evidence.coverage = after;
    }

    /// Returns what is known of an account.
    pub fn account(&self, account: AccountId) -> AccountEvidence {
        let mut evidence = self.accounts.get(&account).cloned().unwrap_or_default();
        // An event that might be a call of the global endpoint makes it uncertain that nobody calls it.
        let not_understood = evidence.not_understood + self.not_understood_anywhere;
        let is_certain = matches!(evidence.coverage, Coverage::Complete | Coverage::Sampled { .. });
        if not_understood > 0 && is_certain {
            let events = if not_understood == 1 { "event of STS is" } else { "events of STS are" };
            evidence.coverage = Coverage::Incomplete(format!("{not_understood} {events} not understood"));
        }
        evidence
    }

    /// Returns the principals, sorted by account and with the most calls first. A cross-account call is in the rows of both accounts.
    pub fn principals(&self) -> Vec<PrincipalRow> {
        let mut merged: BTreeMap<(AccountId, AccountId, Option<u32>, u32, SessionOperation), PrincipalRow> =
            BTreeMap::new();
        for (key, stats) in self.rows.iter().filter(|(_, stats)| stats.calls > 0) {
            let (expected, is_estimated) = self.expected_size(key, stats);
            let accounts = [Some(key.issuer), Some(key.caller).filter(|caller| *caller != key.issuer)];
            for account in accounts.into_iter().flatten() {
                let principal = key.principal.map_or(OTHERS, |principal| self.texts.get(principal));
                let row = merged.entry((account, key.issuer, key.principal, key.agent, key.operation));
                row.and_modify(|row| row.merge(stats, (expected, is_estimated))).or_insert_with(|| PrincipalRow {
                    account,
                    attributed_to: key.issuer,
                    principal: principal.to_owned(),
                    agent: self.agents.get(key.agent).clone(),
                    operation: key.operation,
                    calls: stats.calls,
                    first_seen: stats.first,
                    last_seen: stats.last,
                    largest: stats.largest,
                    expected,
                    is_estimated,
                    addresses: stats.addresses.clone(),
                });
            }
        }
        let mut rows: Vec<PrincipalRow> = merged.into_values().collect();
        rows.sort_by(|one, other| one.order().cmp(&other.order()));
        rows
    }

    /// Returns the size that the tokens will have, and whether it is an estimate. A token never gets shorter.
    fn expected_size(&self, key: &Key, stats: &Stats) -> (Option<u32>, bool) {
        let number = key.role.or(key.principal);
        match number.and_then(|number| self.regional.get(&(key.operation, number))) {
            Some(regional) => (Some(*regional).max(stats.largest), false),
            None => (stats.largest.map(|now| now.saturating_add(GROWTH)), true),
        }
    }

    fn add_regional(&mut self, sighting: &Sighting, source: Source) {
        self.touch(sighting.recipient, source).regional_calls += 1;
        let Some(size) = sighting.token_size else { return };
        let name = sighting.role.as_ref().unwrap_or(&sighting.principal);
        if self.texts.len() >= self.limits.texts && self.texts.find(name).is_none() {
            return;
        }
        let number = self.texts.number(name);
        let largest = self.regional.entry((sighting.operation, number)).or_default();
        *largest = size.max(*largest);
    }

    /// Counts a call of the global endpoint that was not read before. Returns its row.
    fn add_call(&mut self, sighting: &Sighting, source: Source) -> u32 {
        self.touch(sighting.recipient, source);
        self.touch(sighting.issuer, source).global_calls += 1;
        if sighting.caller != sighting.issuer {
            self.touch(sighting.caller, source).outgoing_calls += 1;
        }
        self.row(sighting)
    }

    fn touch(&mut self, account: AccountId, source: Source) -> &mut AccountEvidence {
        let evidence = self.accounts.entry(account).or_default();
        evidence.source.get_or_insert(source);
        evidence
    }

    /// Adds a call to its row. Returns the row.
    fn row(&mut self, sighting: &Sighting) -> u32 {
        let Sighting { issuer, caller, operation, .. } = *sighting;
        let key = self.known_key(sighting).unwrap_or_else(|| {
            if self.rows.len() >= self.limits.rows {
                let agent = self.agents.number(&Agent::of(None));
                return Key { issuer, caller, principal: None, agent, operation, role: None };
            }
            let agent = self.agents.number(&sighting.agent);
            let role = sighting.role.as_ref().map(|role| self.texts.number(role));
            let principal = Some(self.texts.number(&sighting.principal));
            Key { issuer, caller, principal, agent, operation, role }
        });
        let next = u32::try_from(self.rows.len()).expect("the number of rows is limited");
        let number = *self.index.entry(key).or_insert(next);
        if number == next {
            self.rows.push((key, Stats::default()));
        }
        self.rows[number as usize].1.add(sighting.time, sighting.token_size, sighting.address);
        number
    }

    /// Returns the key of a row that exists already.
    fn known_key(&self, sighting: &Sighting) -> Option<Key> {
        let Sighting { issuer, caller, operation, .. } = *sighting;
        let role = match &sighting.role {
            Some(role) => Some(self.texts.find(role)?),
            None => None,
        };
        let principal = Some(self.texts.find(&sighting.principal)?);
        let agent = self.agents.find(&sighting.agent)?;
        let key = Key { issuer, caller, principal, agent, operation, role };
        self.index.contains_key(&key).then_some(key)
    }

    fn remember(&mut self, sighting: &Sighting, row: u32) {
        let Some(id) = sighting.id else { return };
        if self.seen.len() < self.limits.ids || self.seen.contains_key(&id) {
            self.seen.insert(id, (row, sighting.half));
        } else {
            self.ids_overflowed = true;
        }
    }
}

#[cfg(test)]
mod tests;
