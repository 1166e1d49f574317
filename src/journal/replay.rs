//! Replays a journal: reads the state of a run, even of a run that was killed.

mod account;
mod consistency;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

pub(crate) use self::account::AccountReplay;
use super::entry::Entry;
use crate::interner::Interner;
use crate::org::account_arn::ArnPattern;
use crate::org::{Account, AccountAttributes, AccountId, ObservedVersion, TokenVersion, UnitNames};
use crate::rollout::{
    LatestRecords, Outcome, Provenance, Record, RolloutOptions, Target, Wave, explanation, tolerance,
};

/// The longest line, in bytes. A line has some 1 kB. Earlier versions kept whole messages of AWS and of proxies, which could have 1 MB
/// and are longer in JSON.
const MAX_LINE: u64 = 16 << 20;

/// The journal can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayFailed {
    /// The file can't be read.
    #[error("the journal {} can't be read: {detail}", path.display())]
    Unreadable {
        /// The journal.
        path: PathBuf,
        /// The error message of the operating system.
        detail: String,
    },
    /// A complete line can't be parsed.
    #[error("line {line} of the journal {} is damaged: {detail}", path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The error message of the parser.
        detail: String,
    },
    /// Lines are missing.
    #[error("line {line} of the journal {} does not follow from those before it: {detail}", path.display())]
    Incomplete {
        /// The journal.
        path: PathBuf,
        /// The number, from 1, of the line that does not follow from the lines before it.
        line: usize,
        /// Why it does not follow.
        detail: String,
    },
    /// A newer version of the program wrote the journal.
    #[error(
        "version {version} wrote the journal {}, in format {format}, and this program reads formats up to {}",
        path.display(),
        Entry::FORMAT
    )]
    Newer {
        /// The journal.
        path: PathBuf,
        /// The version of the program that wrote it.
        version: String,
        /// The format of the journal.
        format: u32,
    },
}

/// The exit code of a run that too many failures or the gate stopped.
const STOPPED: u8 = 5;

/// A Set that was about to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The version that was read before the first Set of this run.
    pub previous: ObservedVersion,
    /// The version that was to be set.
    pub wanted: TokenVersion,
    /// What is known about the Set.
    pub state: IntentState,
    /// When the last intent was written; `None` in the journals of older versions.
    pub at: Option<SystemTime>,
    /// Whether a record came after the last intent. An earlier record may no longer be true.
    pub is_recorded: bool,
}

/// What is known about a Set that was about to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentState {
    /// No visit ended after the intent. The Set might not have been sent, or might have taken effect.
    Open,
    /// A visit ended after the intent, but could not find out whether the Set took effect.
    InDoubt,
    /// A visit ended after the intent, and its outcome is certain.
    Settled,
}

/// The state of a run, as recorded in its journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// The run id in the first line.
    pub run_id: Option<String>,
    /// The accounts of the Organization, sorted by id once the lists are complete.
    pub accounts: Vec<Account>,
    /// The names of the OUs that were read.
    pub(crate) units: UnitNames,
    /// The accounts to visit, in order.
    pub targets: Vec<Target>,
    /// Whether `accounts` and `targets` are complete. Only a plan starts visits before they are complete.
    pub ready: bool,
    /// The intent for each account to which a Set was sent or was about to be sent.
    pub intents: BTreeMap<AccountId, Intent>,
    /// The latest record of each account.
    pub records: LatestRecords,
    /// How often the run was resumed.
    pub resumes: u32,
    /// The number, from 1, of the resume that visited an account last. Accounts that no resume visited are not in it.
    pub visited_by_resume: BTreeMap<AccountId, u32>,
    /// The exit code and the verdict; `None` if the run has not ended or has crashed.
    pub ended: Option<(u8, String)>,
    /// Whether too many failures stopped the run, and no resume has gone on beyond the accounts that failed.
    stopped_by_failures: bool,
    /// The last wave that has started; `None` if none has, or if the run has no waves.
    last_wave: Option<u32>,
    /// The wave whose gate has started, if no wave has started since.
    gate_after: Option<u32>,
    /// The number of waves that have started since the run started or was resumed.
    waves_started: usize,
    /// The attributes of the accounts, which most of them share.
    attributes: Interner<AccountAttributes>,
    /// The STS endpoints.
    endpoints: Interner<String>,
    /// The ARNs of the roles.
    arns: Interner<ArnPattern>,
    /// The length in bytes of all complete lines. Bytes after these lines are what a crash left: an incomplete line, or zeros.
    pub length: u64,
}

impl Replay {
    /// Reads a journal line by line. Another process can append to the journal during the reading.
    ///
    /// A crash can cut the last line short, or leave zero bytes at the end of the file, so both are ignored. A complete line that
    /// can't be parsed, or that is not consistent with the lines before it, is an error.
    ///
    /// # Errors
    ///
    /// Returns an error if the journal can't be read, is damaged, lacks lines, or has a newer format.
    pub fn of(mut journal: impl BufRead, path: &Path) -> Result<Self, ReplayFailed> {
        let unreadable =
            |error: std::io::Error| ReplayFailed::Unreadable { path: path.to_owned(), detail: error.to_string() };
        let mut replay = Self::default();
        let mut bytes = Vec::new();
        for line in 1.. {
            bytes.clear();
            journal.by_ref().take(MAX_LINE + 1).read_until(b'\n', &mut bytes).map_err(unreadable)?;
            if bytes.len() as u64 > MAX_LINE {
                let detail = format!("it is longer than {} MiB", MAX_LINE >> 20);
                return Err(ReplayFailed::Damaged { path: path.to_owned(), line, detail });
            }
            let complete = bytes.ends_with(b"\n");
            match serde_json::from_slice(&bytes) {
                Ok(Entry::Journal { format, version, .. }) if format > Entry::FORMAT => {
                    let (path, version) = (path.to_owned(), version.into_owned());
                    return Err(ReplayFailed::Newer { path, version, format });
                }
                // This is the end of the file, or a line without a line end. Such a line was cut short, even if it is valid JSON.
                _ if !complete => break,
                Ok(entry) => {
                    consistency::check(&replay, &entry).map_err(|detail| ReplayFailed::Incomplete {
                        path: path.to_owned(),
                        line,
                        detail,
                    })?;
                    replay.apply(entry);
                    replay.length += bytes.len() as u64;
                }
                Err(error) => {
                    // A crash of the machine can leave zero bytes at the end of the file.
                    let zeros = bytes.iter().all(|byte| [0, b'\n'].contains(byte));
                    if zeros && journal.fill_buf().map_err(unreadable)?.is_empty() {
                        break;
                    }
                    return Err(ReplayFailed::Damaged { path: path.to_owned(), line, detail: error.to_string() });
                }
            }
        }
        replay.units.name(&mut replay.accounts);
        Ok(replay)
    }

    fn apply(&mut self, entry: Entry<'_>) {
        match entry {
            Entry::Account(account) => {
                let mut account = account.into_owned();
                self.attributes.intern(&mut account.attributes);
                self.accounts.push(account);
            }
            Entry::Unit { id, parent, name } => {
                self.units.insert(id.into_owned(), parent.map(Cow::into_owned), name.into_owned());
            }
            Entry::Target(target) => {
                let target = target.into_owned().sharing(&mut self.arns);
                self.targets.push(target);
            }
            Entry::Ready { .. } => {
                self.accounts.sort_unstable_by_key(|account| account.id);
                self.records.reserve(self.accounts.len());
                self.ready = true;
            }
            Entry::Intent { account_id, previous_version, target_version, at } => {
                let intent = Intent {
                    previous: previous_version,
                    wanted: target_version,
                    state: IntentState::Open,
                    at,
                    is_recorded: false,
                };
                // The `previous` of the first intent is kept, because it is the original version. The `previous` of a later
                // intent might be the version that the first Set wrote.
                let kept = self.intents.entry(account_id).or_insert(intent);
                (kept.state, kept.at, kept.is_recorded) = (IntentState::Open, at, false);
                self.note_visit(account_id);
            }
            Entry::Record(record) => {
                let mut record = record.into_owned();
                record.sts_endpoint.share(&mut self.endpoints);
                if let Some(arn) = &mut record.role_arn {
                    arn.share(&mut self.arns);
                }
                if record.started_at.is_some() {
                    self.note_visit(record.account_id);
                }
                if let Some(intent) = self.intents.get_mut(&record.account_id) {
                    intent.is_recorded = true;
                    intent.state = match (record.outcome, record.started_at) {
                        // If the record has no start time, the account was not visited again, or the end of the run cut the visit
                        // short.
                        (Outcome::Unverified, None) => IntentState::Open,
                        (Outcome::Unverified, Some(_)) => IntentState::InDoubt,
                        _ => IntentState::Settled,
                    };
                }
                self.records.insert(record);
            }
            Entry::Ended { exit_code, verdict, by_gate } => {
                self.stopped_by_failures |= exit_code == STOPPED && !by_gate;
                self.ended = Some((exit_code, verdict.into_owned()));
            }
            Entry::Resumed { .. } => {
                self.resumes += 1;
                (self.ended, self.waves_started) = (None, 0);
            }
            Entry::WaveStarted { wave, .. } => {
                (self.last_wave, self.gate_after) = (self.last_wave.max(Some(wave)), None);
                self.waves_started += 1;
                // The second wave of a resume starts only if the first one, with the accounts that failed, went well.
                self.stopped_by_failures &= self.waves_started < 2;
            }
            Entry::Journal { run_id, .. } => self.run_id = Some(run_id.into_owned()),
            Entry::GateStarted { wave } => self.gate_after = Some(wave),
            Entry::PlannedWave { wave, accounts } => {
                for account in &*accounts {
                    if let Some(record) = self.records.get_mut(*account) {
                        record.wave = Some(wave);
                    }
                }
            }
            Entry::Explained { accounts, denied_by } => {
                let denied_by = denied_by.map(|denied_by| Arc::new(denied_by.into_owned()));
                for account in &*accounts {
                    if let Some(record) = self.records.get_mut(*account) {
                        explanation::add_to(record, denied_by.as_ref(), accounts.len());
                    }
                }
            }
            Entry::WaveFinished { .. } => {}
        }
    }

    fn note_visit(&mut self, account: AccountId) {
        if self.resumes > 0 {
            self.visited_by_resume.insert(account, self.resumes);
        }
    }

    /// Returns the record of every account, in the order of [`accounts`](Self::accounts).
    pub fn records(&self) -> Vec<Record> {
        let targets = self.targets_by_account();
        let record = |account: AccountId| match self.inferred(account, &targets) {
            Some(inferred) => inferred,
            None => self.records.get(account).cloned().expect("an account without a record has an inferred one"),
        };
        self.accounts.iter().map(|account| record(account.id)).collect()
    }

    /// Like [`records`](Self::records), but takes the records out of the replay, because a second copy of 50,000 needs much memory.
    pub fn take_records(&mut self) -> Vec<Record> {
        if !self.ready {
            return self.records();
        }
        // From here on the accounts are sorted, and all records are about them.
        let targets = self.targets_by_account();
        let inferred = self.accounts.iter().filter_map(|account| self.inferred(account.id, &targets));
        let inferred: Vec<Record> = inferred.collect();
        let mut records = std::mem::take(&mut self.records);
        for record in inferred {
            records.insert(record);
        }
        records.into_sorted()
    }

    fn targets_by_account(&self) -> HashMap<AccountId, &Target> {
        self.targets.iter().map(|target| (target.account, target)).collect()
    }

    /// Returns the record of an account whose latest record, if it has one, is no longer true; otherwise `None`.
    fn inferred(&self, account: AccountId, targets: &HashMap<AccountId, &Target>) -> Option<Record> {
        let open = self.intents.get(&account).filter(|intent| intent.state == IntentState::Open);
        let blank = || match targets.get(&account) {
            Some(target) => Record::of_target(target),
            None => Record::blank(account, TokenVersion::V2Token),
        };
        match (self.records.get(account), open) {
            (Some(record), Some(intent)) if intent.is_recorded && record.outcome == Outcome::Unverified => None,
            (_, Some(intent)) => Some(blank().interrupted(intent.previous)),
            (Some(_), None) => None,
            (None, None) => Some(blank()),
        }
    }

    /// Returns the targets that are still to be visited, in their waves. Of the failed and unverified accounts, it includes those
    /// with an outcome for which `again` is true. They come before all others, as a wave of their own with the number of the first
    /// wave that they are from; in a run without waves they only come first.
    pub fn remaining(&self, again: impl Fn(Outcome) -> bool) -> Vec<Wave> {
        let (mut failed, mut waves): (Vec<Wave>, Vec<Wave>) = (Vec::new(), Vec::new());
        for target in &self.targets {
            let intent = self.intents.get(&target.account);
            let is_open = intent.is_some_and(|intent| intent.state == IntentState::Open);
            let is_left = match self.outcome_of(target.account) {
                _ if is_open => true,
                None | Some(Outcome::NotAttempted) => true,
                Some(outcome @ (Outcome::Failed | Outcome::Unverified)) if again(outcome) => false,
                Some(_) => continue,
            };
            let provenance = match intent {
                Some(intent) if intent.state != IntentState::Settled => Provenance::Intended(intent.previous),
                Some(_) | None => target.provenance,
            };
            let target = Target { provenance, ..target.clone() };
            let list = if is_left { &mut waves } else { &mut failed };
            match list.last_mut().filter(|wave| wave.number == target.wave_number() || !is_left) {
                Some(wave) => wave.targets.push(target),
                None => list.push(Wave { number: target.wave_number(), targets: vec![target] }),
            }
        }
        let mut all = failed;
        for wave in waves {
            match all.last_mut().filter(|_| wave.number.is_none()) {
                Some(only) => only.targets.extend(wave.targets),
                None => all.push(wave),
            }
        }
        all
    }

    /// Returns the wave whose gate comes before these waves, which are left: the gate of that wave has started and has not passed, or the
    /// run ended between that wave and the next one.
    pub(crate) fn gate_comes_first(&self, left: &[Wave]) -> Option<u32> {
        let is_between = left.first().is_some_and(|wave| wave.number > self.last_wave);
        self.gate_after.or(self.last_wave.filter(|_| is_between))
    }

    /// Whether too many failures stopped the run, or would have stopped it if it had not ended for another reason first.
    pub(crate) fn has_too_many_failures(&self, options: &RolloutOptions) -> bool {
        let result = |target: &Target| (target.wave_number(), self.outcome_of(target.account));
        self.stopped_by_failures || tolerance::is_exceeded(options, self.targets.iter().map(result))
    }

    fn outcome_of(&self, account: AccountId) -> Option<Outcome> {
        self.records.get(account).map(|record| record.outcome)
    }
}

#[cfg(test)]
mod tests;
