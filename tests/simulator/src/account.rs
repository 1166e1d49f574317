//! One simulated account: its setting, its faults, and the record of the calls about it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::account_id::AccountId;
use crate::client_knowledge::KnowledgeTracker;
use crate::fault::Faults;
use crate::role::Role;
use crate::version::TokenVersion;

/// The `State` of an account as Organizations lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AccountState {
    /// The sign-up is not complete. The account's roles can't be assumed.
    PendingActivation,
    /// The account is in use.
    Active,
    /// AWS suspended the account.
    Suspended,
    /// The account is being closed.
    PendingClosure,
    /// The account is closed. It is listed for another ninety days.
    Closed,
    /// A value that no released SDK knows. Roles in the account can be assumed.
    Frozen,
}

impl AccountState {
    /// The value of the `State` field.
    #[must_use]
    pub const fn wire(self) -> &'static str {
        match self {
            Self::PendingActivation => "PENDING_ACTIVATION",
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::PendingClosure => "PENDING_CLOSURE",
            Self::Closed => "CLOSED",
            Self::Frozen => "FROZEN",
        }
    }

    /// The value of the older `Status` field, which has fewer words.
    #[must_use]
    pub const fn legacy_status(self) -> &'static str {
        match self {
            Self::Active | Self::PendingActivation | Self::Frozen => "ACTIVE",
            Self::Suspended | Self::Closed => "SUSPENDED",
            Self::PendingClosure => "PENDING_CLOSURE",
        }
    }

    /// Whether roles in such an account can be assumed.
    #[must_use]
    pub const fn usable(self) -> bool {
        matches!(self, Self::Active | Self::Frozen)
    }
}

/// How an account came into the organization.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum JoinedMethod {
    /// Organizations created the account and its cross-account role.
    Created,
    /// The account was invited. It has the role only if its owner created the role.
    Invited,
}

/// Requests that concerned one account, refused and broken ones included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountCalls {
    /// `sts:AssumeRole` for a role in this account.
    pub assume_role: u32,
    /// The `sts:AssumeRole` calls that went to the global endpoint.
    pub global_assume_role: u32,
    /// `sts:AssumeRoot` for this account.
    pub assume_root: u32,
    /// `sts:GetCallerIdentity` with a session of this account.
    pub get_caller_identity: u32,
    /// `iam:GetAccountSummary` with a session of this account.
    pub get_account_summary: u32,
    /// `cloudtrail:LookupEvents` with a session of this account.
    #[serde(default)]
    pub lookup_events: u32,
    /// `iam:SimulatePrincipalPolicy` with a session of this account.
    pub simulate_principal_policy: u32,
    /// `iam:SetSecurityTokenServicePreferences` with a session of this account.
    pub set_preferences: u32,
}

/// One account of the organization. A test can change every public field before the start and during a run.
#[derive(Clone, Debug)]
pub struct SimulatedAccount {
    id: AccountId,
    /// The account's name.
    pub name: String,
    /// The root user's e-mail address.
    pub email: String,
    /// Whether the account is in the organization. If not, it is not listed, as before it joins and after it has left.
    pub is_member: bool,
    /// The listed state.
    pub state: AccountState,
    /// How the account joined the organization.
    pub joined: JoinedMethod,
    /// Names of the organizational units above the account, e.g. `Workloads/Prod`, or the id of the lowest unit; empty means the
    /// root. The field is read at the start; during a run, use [`World::move_account`](crate::World::move_account).
    pub ou: String,
    /// The setting. `None` means that the summary has no such entry and that a Set creates it.
    pub version: Option<TokenVersion>,
    /// The cross-account role.
    pub role: Role,
    /// Further roles, such as the roles of a role chain.
    pub other_roles: Vec<Role>,
    /// The faults of the account.
    pub faults: Faults,
    /// Tags for `ListTagsForResource`.
    pub tags: Vec<(String, String)>,
    /// When the account joined the organization, in seconds since 1970.
    pub joined_at: u64,
    /// The opt-in Regions that the account has enabled.
    pub enabled_regions: Vec<String>,
    pub(crate) unit: u32,
    pub(crate) history: History,
}

impl SimulatedAccount {
    pub(crate) fn new(id: AccountId, name: String, email: String) -> Self {
        Self {
            id,
            name,
            email,
            is_member: true,
            state: AccountState::Active,
            joined: JoinedMethod::Created,
            ou: String::new(),
            version: Some(TokenVersion::V1),
            role: Role::default(),
            other_roles: Vec::new(),
            faults: Faults::default(),
            tags: Vec::new(),
            // One account joined every five hours since 2019, so the times are sorted, distinct and in the past.
            joined_at: 1_550_000_000 + id.number() * 18_000 % 230_000_000,
            enabled_regions: Vec::new(),
            unit: 0,
            history: History::default(),
        }
    }

    /// The account's id, which never changes.
    #[must_use]
    pub const fn id(&self) -> AccountId {
        self.id
    }

    /// The role with this path and name.
    #[must_use]
    pub fn find_role(&self, name: &str) -> Option<&Role> {
        std::iter::once(&self.role).chain(&self.other_roles).find(|role| role.name == name)
    }

    /// Changes the setting as an administrator outside the run would: no call is counted, and reads show it immediately. The
    /// global endpoint follows after its lag. A value that is written into `version` counts as set before the start.
    pub fn change_externally(&mut self, version: Option<TokenVersion>) {
        self.replace_version(version);
        self.history.stale = None;
    }

    /// Returns the setting as it was at the time `lag` ago.
    pub(crate) fn version_before(&self, lag: Duration) -> Option<TokenVersion> {
        let replaced_since = self.history.replaced.iter().find(|(when, _)| when.elapsed() < lag);
        replaced_since.map_or(self.version, |(_, version)| *version)
    }

    fn replace_version(&mut self, version: Option<TokenVersion>) {
        self.history.replaced.push((Instant::now(), self.version));
        self.version = version;
    }

    pub(crate) fn note(&mut self, fault: &'static str) {
        *self.history.faults.entry(fault).or_default() += 1;
    }

    /// Applies a Set that reached the service, and starts the stale reads that the faults require.
    pub(crate) fn apply(&mut self, version: TokenVersion) {
        let shown = self.shown();
        if self.faults.read_back_never_shows || self.faults.stale_reads > 0 {
            self.history.stale = Some(Stale { shown, reads_left: self.faults.stale_reads });
        }
        self.replace_version(Some(version));
        self.history.sets_applied.push(version);
    }

    /// Returns what a read shows now. Uses up one stale read if one is left.
    pub(crate) fn read(&mut self) -> Option<TokenVersion> {
        let shown = self.shown();
        if let Some(stale) = self.history.stale {
            self.note("stale_read");
            let reads_left = stale.reads_left.saturating_sub(1);
            self.history.stale =
                (self.faults.read_back_never_shows || reads_left > 0).then_some(Stale { reads_left, ..stale });
        }
        if self.faults.missing_summary_key {
            self.note("missing_summary_key");
            return None;
        }
        shown
    }

    fn shown(&self) -> Option<TokenVersion> {
        self.history.stale.map_or(self.version, |stale| stale.shown)
    }
}

/// The calls about an account and their effects, from which the account's part of the truth is made.
#[derive(Clone, Debug, Default)]
pub(crate) struct History {
    pub calls: AccountCalls,
    pub sets_applied: Vec<TokenVersion>,
    pub sessions: u32,
    /// The source identity of each session that has one.
    pub source_identities: Vec<Arc<str>>,
    pub faults: BTreeMap<&'static str, u32>,
    pub tracker: KnowledgeTracker,
    /// Each value that was replaced, and when it was replaced.
    replaced: Vec<(Instant, Option<TokenVersion>)>,
    stale: Option<Stale>,
}

#[derive(Clone, Copy, Debug)]
struct Stale {
    shown: Option<TokenVersion>,
    reads_left: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stale_reads_run_out() {
        let mut account = SimulatedAccount::new(AccountId::new(1), String::new(), String::new());
        account.faults.stale_reads = 2;
        account.apply(TokenVersion::V2);
        assert_eq!(account.read(), Some(TokenVersion::V1));
        assert_eq!(account.read(), Some(TokenVersion::V1));
        assert_eq!(account.read(), Some(TokenVersion::V2));
    }

    #[test]
    fn earlier_versions_are_remembered() {
        let mut account = SimulatedAccount::new(AccountId::new(1), String::new(), String::new());
        account.version = None;
        account.apply(TokenVersion::V2);
        account.change_externally(Some(TokenVersion::V1));
        assert_eq!(account.version_before(Duration::ZERO), Some(TokenVersion::V1));
        assert_eq!(account.version_before(Duration::from_mins(10)), None, "ten minutes ago nothing was set yet");
        std::thread::sleep(Duration::from_millis(2));
        account.apply(TokenVersion::V2);
        let since_the_last = account.history.replaced[2].0.elapsed() + Duration::from_millis(1);
        assert_eq!(
            account.version_before(since_the_last),
            Some(TokenVersion::V1),
            "the last change is not visible yet"
        );
    }

    #[test]
    fn reads_can_stay_stale_forever() {
        let mut account = SimulatedAccount::new(AccountId::new(1), String::new(), String::new());
        account.faults.read_back_never_shows = true;
        account.apply(TokenVersion::V2);
        for _ in 0..5 {
            assert_eq!(account.read(), Some(TokenVersion::V1));
        }
        assert_eq!(account.version, Some(TokenVersion::V2));
    }
}
