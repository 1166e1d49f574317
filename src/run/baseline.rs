//! The earlier run that a new run is based on: the plan that is applied, or the run that is undone.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use crate::cloud::aws::{Aws, Organization};
use crate::error::Error;
use crate::journal::{CommandName, IntentState, Replay, RunFolder, RunInfo, RunSettings};
use crate::org::caller::account_in_arn;
use crate::org::selection::{Restriction, SkipReason};
use crate::org::{Account, AccountAttributes, AccountId, AccountState, ObservedVersion, TokenVersion};
use crate::rollout::{Outcome, Provenance, Record};

/// The wanted version of an account, and what the earlier run did to the account.
pub(crate) type DesiredState = (TokenVersion, Provenance);

/// An earlier run, and which accounts the new run takes from it.
pub(crate) struct Baseline {
    pub(crate) info: RunInfo,
    /// How often the earlier run was resumed.
    pub(crate) resumes: u32,
    /// The waves that a plan has shown. Empty if the earlier run is no plan, or one of an older version.
    pub(crate) planned: BTreeMap<AccountId, u32>,
    /// The accounts to which the new run is restricted.
    pub(crate) restriction: Restriction,
    /// The desired state of each account to which the new run is restricted.
    pub(crate) desired: BTreeMap<AccountId, DesiredState>,
    /// All accounts of the earlier run. They are kept so that accounts that have left the Organization since can be reported.
    accounts: Vec<Account>,
    records: Vec<Record>,
    /// Whether the earlier run came to its end, or was stopped. Its reports may be missing.
    has_ended: bool,
    lock: File,
}

impl Baseline {
    /// Reads the earlier run that the settings name. Returns `None` if they name no earlier run.
    pub(crate) fn of(run: &RunSettings) -> Result<Option<Self>, Error> {
        match (&run.plan, &run.undoes) {
            (Some(folder), _) => Self::of_plan(folder, run.global_endpoint_token_version).map(Some),
            (None, Some(folder)) => Self::of_rollout(folder).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// Reads a plan, and selects the accounts that the plan would change.
    fn of_plan(folder: &Path, wanted: TokenVersion) -> Result<Self, Error> {
        let (lock, info, replay) = RunFolder::read_at_rest(folder)?;
        let name = folder.display();
        if !replay.ready {
            return Err(Error::Mismatch(format!(
                "the plan {name} ended before it read an account: run the plan again"
            )));
        }
        if info.command != CommandName::Plan {
            return Err(Error::Mismatch(format!("{name} is the folder of the command {}, not of plan", info.command)));
        }
        let planned = info.settings.global_endpoint_token_version;
        if planned != wanted {
            return Err(Error::Mismatch(format!(
                "the plan {name} is about {planned}, and {wanted} is asked for: give --to {planned}"
            )));
        }
        let would_change = |id: &AccountId| replay.records.get(*id).is_some_and(|r| r.outcome == Outcome::WouldChange);
        let accounts = replay.accounts.iter().map(|account| account.id).filter(would_change);
        let desired = accounts.map(|id| (id, (wanted, Provenance::None))).collect();
        let reason = SkipReason::NotInPlan;
        let mut baseline = Self::new(lock, info, replay, desired, reason);
        let records = baseline.records.iter();
        let unread = records.filter(|record| matches!(record.outcome, Outcome::NotAttempted | Outcome::Failed));
        baseline.restriction.unread = unread.map(|record| record.account_id).collect();
        Ok(baseline)
    }

    /// Reads a rollout, and selects the accounts that the rollout changed or might have changed.
    fn of_rollout(folder: &Path) -> Result<Self, Error> {
        let (lock, info, replay) = RunFolder::read_at_rest(folder)?;
        if info.command == CommandName::Plan {
            return Err(Error::Mismatch(format!(
                "{} is the folder of a plan, which changed nothing",
                folder.display()
            )));
        }
        let desired = replay.intents.iter().filter_map(|(id, intent)| {
            let outcome = replay.records.get(*id).map(|record| record.outcome);
            let certain = match outcome {
                _ if intent.state != IntentState::Settled => false,
                Some(Outcome::Changed) => true,
                None | Some(Outcome::Unverified) => false,
                Some(
                    Outcome::Unchanged
                    | Outcome::WouldChange
                    | Outcome::Failed
                    | Outcome::Skipped
                    | Outcome::NotAttempted,
                ) => return None,
            };
            let back = match intent.previous {
                // If IAM did not show the version, the account goes back to v1Token, AWS's default.
                ObservedVersion::V1Token | ObservedVersion::Unknown => TokenVersion::V1Token,
                ObservedVersion::V2Token => TokenVersion::V2Token,
            };
            Some((*id, (back, Provenance::Set { to: intent.wanted, certain, before: intent.previous })))
        });
        let desired = desired.collect();
        let reason = SkipReason::NotChanged;
        Ok(Self::new(lock, info, replay, desired, reason))
    }

    fn new(
        lock: File,
        info: RunInfo,
        mut replay: Replay,
        desired: BTreeMap<AccountId, DesiredState>,
        reason: SkipReason,
    ) -> Self {
        let listed = replay.accounts.iter().map(|account| account.id).collect();
        let accounts = desired.keys().copied().collect();
        let restriction = Restriction { accounts, listed, unread: BTreeSet::new(), reason };
        let records = replay.take_records();
        let is_planned = |record: &&Record| record.outcome == Outcome::WouldChange;
        let planned = records.iter().filter(is_planned).filter_map(|record| Some((record.account_id, record.wave?)));
        let planned = planned.collect();
        let (has_ended, resumes) = (replay.ended.is_some(), replay.resumes);
        Self { lock, info, resumes, planned, restriction, desired, accounts: replay.accounts, records, has_ended }
    }

    /// Whether the settings have the waves of the plan; `None` if the earlier run has no planned waves.
    pub(crate) fn keeps_waves(&self, run: &RunSettings) -> Option<bool> {
        let planned = &self.info.settings;
        // A plan that was resumed and did not finish has read accounts that are in no wave.
        let is_complete = self.desired.keys().all(|id| self.planned.contains_key(id));
        let of = |settings: &'_ RunSettings| settings.impact.as_ref().map(|impact| impact.run_id.clone());
        let is_kept =
            is_complete && (&run.waves, &run.canary, of(run)) == (&planned.waves, &planned.canary, of(planned));
        (!self.planned.is_empty()).then_some(is_kept)
    }

    /// Returns the lock on the earlier run. No other process can resume that run while the lock is held.
    pub(crate) fn into_lock(self) -> File {
        self.lock
    }

    /// Refuses an earlier run of another Organization, and a plan that was made from another account.
    pub(crate) fn check(&self, organization: &Organization, aws: &Aws, command: CommandName) -> Result<(), Error> {
        let id = self.info.organization_id.as_deref().unwrap_or("no Organization");
        if id != organization.id {
            return Err(Error::Mismatch(format!(
                "run {} was about Organization {id}, and the caller is in {}",
                self.info.run_id, organization.id
            )));
        }
        let planner = self.info.caller_arn.as_deref().and_then(account_in_arn);
        if command == CommandName::Apply && planner != Some(aws.caller.account) {
            return Err(Error::Mismatch(format!(
                "the plan was made by {}, and the caller is in account {}",
                self.info.caller_arn.as_deref().unwrap_or("an unknown caller"),
                aws.caller.account
            )));
        }
        Ok(())
    }

    /// Returns the accounts that the new run would visit if they were still in the Organization.
    pub(crate) fn departed(&self, accounts: &[Account]) -> Vec<Account> {
        let present: BTreeSet<AccountId> = accounts.iter().map(|account| account.id).collect();
        let gone = |account: &&Account| self.desired.contains_key(&account.id) && !present.contains(&account.id);
        let without_state = |account: &Account| {
            let attributes = AccountAttributes { state: AccountState::Absent, ..account.attributes.as_ref().clone() };
            Account { attributes: attributes.into(), ..account.clone() }
        };
        self.accounts.iter().filter(gone).map(without_state).collect()
    }

    /// Whether the earlier run finished.
    pub(crate) const fn is_finished(&self) -> bool {
        self.has_ended
    }
}
