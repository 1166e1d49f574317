//! Replays a journal: reads the state of a run, even if it was killed.

mod consistency;

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::{Path, PathBuf};

use super::entry::Entry;
use crate::org::{Account, AccountId, ObservedVersion, TokenVersion};
use crate::rollout::{Outcome, Provenance, Record, Target, Wave};

/// The journal can't be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplayFailed {
    /// The file can't be read.
    #[error("the journal {} can't be read: {detail}", path.display())]
    Unreadable {
        /// The journal.
        path: PathBuf,
        /// What the system reports.
        detail: String,
    },
    /// A line in the middle can't be parsed.
    #[error("line {line} of the journal {} is damaged: {detail}", path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser reports.
        detail: String,
    },
    /// Lines are missing.
    #[error("line {line} of the journal {} does not follow from those before it: {detail}", path.display())]
    Incomplete {
        /// The journal.
        path: PathBuf,
        /// The line that does not follow from those before it, from 1.
        line: usize,
        /// Why it does not follow.
        detail: String,
    },
    /// A newer version of the program wrote it.
    #[error("the journal {} has format {format}, and this program reads formats up to {}", path.display(), Entry::FORMAT)]
    Newer {
        /// The journal.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
}

/// A Set that was about to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The version that was read before the first Set of this run.
    pub previous: ObservedVersion,
    /// The version that was to be set.
    pub wanted: TokenVersion,
    /// What is known about the Set.
    pub state: IntentState,
}

/// What is known about a Set that was about to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntentState {
    /// No visit ended after it: the Set may not have been sent, and may have taken effect.
    Open,
    /// A visit ended after it, but could not read whether the Set took effect.
    InDoubt,
    /// A visit ended after it, and its outcome is certain.
    Settled,
}

/// The state of a run, as recorded in its journal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// The run id in the first line.
    pub run_id: Option<String>,
    /// The accounts of the Organization, sorted by id once the lists are complete.
    pub accounts: Vec<Account>,
    /// The accounts to visit, in order, each with its wave.
    pub targets: Vec<(Option<u32>, Target)>,
    /// Whether the lists above are complete. Then visits may have started.
    pub ready: bool,
    /// The accounts to which a Set was sent or was about to be sent.
    pub intents: BTreeMap<AccountId, Intent>,
    /// The latest record of each account.
    pub records: BTreeMap<AccountId, Record>,
    /// The exit code and verdict, if the run ended other than by a crash.
    pub ended: Option<(u8, String)>,
    /// The length of all complete lines in bytes. Anything after it was torn by a crash.
    pub length: u64,
}

impl Replay {
    /// Reads a journal line by line, while another process may append to it.
    ///
    /// A crash can only cut the last line short. Such a line is ignored. A line before it that can't be parsed, or that is not consistent
    /// with the lines before it, is an error.
    ///
    /// # Errors
    ///
    /// When the journal can't be read, is damaged, lacks lines, or has a newer format.
    pub fn of(mut journal: impl BufRead, path: &Path) -> Result<Self, ReplayFailed> {
        let unreadable =
            |error: std::io::Error| ReplayFailed::Unreadable { path: path.to_owned(), detail: error.to_string() };
        let mut replay = Self::default();
        let mut bytes = Vec::new();
        for line in 1.. {
            bytes.clear();
            journal.read_until(b'\n', &mut bytes).map_err(unreadable)?;
            let complete = bytes.ends_with(b"\n");
            match serde_json::from_slice(&bytes) {
                Ok(Entry::Journal { format, .. }) if format > Entry::FORMAT => {
                    return Err(ReplayFailed::Newer { path: path.to_owned(), format });
                }
                // The end of the file, or a line without line end: it was cut short, even if it is valid JSON.
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
                    // A crash of the machine may leave zeros at the end.
                    let zeros = bytes.iter().all(|byte| [0, b'\n'].contains(byte));
                    if zeros && journal.fill_buf().map_err(unreadable)?.is_empty() {
                        break;
                    }
                    return Err(ReplayFailed::Damaged { path: path.to_owned(), line, detail: error.to_string() });
                }
            }
        }
        Ok(replay)
    }

    fn apply(&mut self, entry: Entry<'_>) {
        match entry {
            Entry::Account(account) => self.accounts.push(account.into_owned()),
            Entry::Target { wave, target } => self.targets.push((wave, target.into_owned())),
            Entry::Ready { .. } => {
                self.accounts.sort_by_key(|account| account.id);
                self.ready = true;
            }
            Entry::Intent { account_id, previous_version, target_version } => {
                let intent = Intent { previous: previous_version, wanted: target_version, state: IntentState::Open };
                // The first intent of an account has its original version. A later intent may have the version that the first one
                // set.
                self.intents.entry(account_id).or_insert(intent).state = IntentState::Open;
            }
            Entry::Record(record) => {
                let record = record.into_owned();
                if let Some(intent) = self.intents.get_mut(&record.account_id) {
                    intent.state = match (record.outcome, record.started_at) {
                        // The account was not visited again.
                        (Outcome::Unverified, None) => IntentState::Open,
                        (Outcome::Unverified, Some(_)) => IntentState::InDoubt,
                        _ => IntentState::Settled,
                    };
                }
                self.records.insert(record.account_id, record);
            }
            Entry::Ended { exit_code, verdict } => self.ended = Some((exit_code, verdict.into_owned())),
            Entry::Resumed { .. } => self.ended = None,
            Entry::Journal { run_id, .. } => self.run_id = Some(run_id.into_owned()),
            Entry::WaveStarted { .. } | Entry::WaveFinished { .. } => {}
        }
    }

    /// Returns the record of every account, in the order of [`accounts`](Self::accounts).
    pub fn records(&self) -> Vec<Record> {
        let targets: BTreeMap<AccountId, &Target> =
            self.targets.iter().map(|(_, target)| (target.account, target)).collect();
        self.accounts.iter().map(|account| self.record(account.id, targets.get(&account.id).copied())).collect()
    }

    fn record(&self, account: AccountId, target: Option<&Target>) -> Record {
        let open = self.intents.get(&account).filter(|intent| intent.state == IntentState::Open);
        let blank = || target.map_or_else(|| Record::blank(account, TokenVersion::V2Token), Record::of_target);
        match (self.records.get(&account), open) {
            (Some(record), Some(_)) if record.outcome == Outcome::Unverified => record.clone(),
            (_, Some(intent)) => blank().interrupted(intent.previous),
            (Some(record), None) => record.clone(),
            (None, None) => blank(),
        }
    }

    /// Returns the targets that are left to visit, in their waves; with `include_failed`, the failed and unverified ones too.
    pub fn remaining(&self, include_failed: bool) -> Vec<Wave> {
        let mut waves: Vec<Wave> = Vec::new();
        for (number, target) in &self.targets {
            let intent = self.intents.get(&target.account);
            let visit = match self.records.get(&target.account).map(|record| record.outcome) {
                None | Some(Outcome::NotAttempted) => true,
                Some(Outcome::Failed | Outcome::Unverified) => include_failed,
                Some(Outcome::Changed | Outcome::Unchanged | Outcome::WouldChange | Outcome::Skipped) => false,
            };
            let is_open = intent.is_some_and(|intent| intent.state == IntentState::Open);
            if !(visit || is_open) {
                continue;
            }
            let provenance = match intent {
                Some(intent) if intent.state != IntentState::Settled => Provenance::Intended(intent.previous),
                Some(_) | None => target.provenance,
            };
            let target = Target { provenance, ..target.clone() };
            match waves.last_mut().filter(|wave| wave.number == *number) {
                Some(wave) => wave.targets.push(target),
                None => waves.push(Wave { number: *number, targets: vec![target] }),
            }
        }
        waves
    }
}

#[cfg(test)]
mod tests;
