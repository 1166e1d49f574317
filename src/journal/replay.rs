//! This module owns reading a journal: what is known of a run, however it ended.

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
    /// The file gives no more bytes.
    #[error("the journal {} can't be read: {detail}", path.display())]
    Unreadable {
        /// The journal.
        path: PathBuf,
        /// What the system says.
        detail: String,
    },
    /// A line in the middle is not an entry.
    #[error("line {line} of the journal {} is damaged: {detail}", path.display())]
    Damaged {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        detail: String,
    },
    /// Lines are missing.
    #[error("line {line} of the journal {} does not follow from those before it: {detail}", path.display())]
    Incomplete {
        /// The journal.
        path: PathBuf,
        /// The line that shows it, from 1.
        line: usize,
        /// What shows it.
        detail: String,
    },
    /// A later version of the program wrote it.
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
    /// What was read before the first of this run's Sets.
    pub previous: ObservedVersion,
    /// What it was about to be set to.
    pub wanted: TokenVersion,
    /// No visit came to an end after it: it is not known whether the Set was sent, and whether it took effect.
    pub open: bool,
    /// Whatever visits came after it, it is still not known whether the account was set.
    pub unsettled: bool,
}

/// What a journal says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replay {
    /// The run, as the first line names it.
    pub run_id: Option<String>,
    /// The accounts of the Organization, sorted by id once the run was ready.
    pub accounts: Vec<Account>,
    /// The accounts to visit, in their order, each with its wave.
    pub targets: Vec<(Option<u32>, Target)>,
    /// The lists above are complete, and visits may have started.
    pub ready: bool,
    /// The accounts in which a Set was or was about to be sent.
    pub intents: BTreeMap<AccountId, Intent>,
    /// The latest record of each account.
    pub records: BTreeMap<AccountId, Record>,
    /// The run ended by its own doing, with this exit code and this verdict.
    pub ended: Option<(u8, String)>,
    /// How many bytes of the journal are whole lines. What follows was torn by a crash.
    pub length: u64,
}

impl Replay {
    /// Reads a journal line by line. Another process may be adding lines to it.
    ///
    /// A crash tears the journal at its end and nowhere else: the last line may be cut short. Such a line is left out. A
    /// line that can't be read while others follow it is damage, and so is one that does not follow from those before it.
    ///
    /// # Errors
    ///
    /// When it can't be read, is damaged, has lost lines, or is of a newer format.
    pub fn of(mut journal: impl BufRead, path: &Path) -> Result<Self, ReplayFailed> {
        let unreadable =
            |error: std::io::Error| ReplayFailed::Unreadable { path: path.to_owned(), detail: error.to_string() };
        let mut replay = Self::default();
        let mut bytes = Vec::new();
        for line in 1.. {
            bytes.clear();
            journal.read_until(b'\n', &mut bytes).map_err(unreadable)?;
            let whole = bytes.ends_with(b"\n");
            match serde_json::from_slice(&bytes) {
                Ok(Entry::Journal { format, .. }) if format > Entry::FORMAT => {
                    return Err(ReplayFailed::Newer { path: path.to_owned(), format });
                }
                // The end, or a line without its own: it was not written in full, even if it is whole as JSON.
                _ if !whole => break,
                Ok(entry) => {
                    consistency::check(&replay, &entry).map_err(|detail| ReplayFailed::Incomplete {
                        path: path.to_owned(),
                        line,
                        detail,
                    })?;
                    replay.take(entry);
                    replay.length += bytes.len() as u64;
                }
                Err(error) => {
                    // A crash of the whole machine may leave zeros where the end was to be.
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

    fn take(&mut self, entry: Entry<'_>) {
        match entry {
            Entry::Account(account) => self.accounts.push(account.into_owned()),
            Entry::Target { wave, target } => self.targets.push((wave, target.into_owned())),
            Entry::Ready { .. } => {
                self.accounts.sort_by_key(|account| account.id);
                self.ready = true;
            }
            Entry::Intent { account_id, previous_version, target_version } => {
                let intent = Intent { previous: previous_version, wanted: target_version, open: true, unsettled: true };
                // A later intent in the same account has read what an earlier one may have set.
                let known = self.intents.entry(account_id).or_insert(intent);
                (known.open, known.unsettled) = (true, true);
            }
            Entry::Record(record) => {
                let record = record.into_owned();
                if let Some(intent) = self.intents.get_mut(&record.account_id) {
                    intent.unsettled = record.outcome == Outcome::Unverified;
                    // An account whose turn did not come again is open, even if it was asked for because an earlier visit was in vain.
                    intent.open = intent.unsettled && record.started_at.is_none();
                }
                self.records.insert(record.account_id, record);
            }
            Entry::Ended { exit_code, verdict } => self.ended = Some((exit_code, verdict.into_owned())),
            Entry::Resumed { .. } => self.ended = None,
            Entry::Journal { run_id, .. } => self.run_id = Some(run_id.into_owned()),
            Entry::WaveStarted { .. } | Entry::WaveFinished { .. } => {}
        }
    }

    /// The record of every account, in the order of [`accounts`](Self::accounts), as far as it is known.
    pub fn records(&self) -> Vec<Record> {
        let targets: BTreeMap<AccountId, &Target> =
            self.targets.iter().map(|(_, target)| (target.account, target)).collect();
        self.accounts.iter().map(|account| self.record(account.id, targets.get(&account.id).copied())).collect()
    }

    fn record(&self, account: AccountId, target: Option<&Target>) -> Record {
        let intent = self.intents.get(&account);
        let blank = || target.map_or_else(|| Record::blank(account, TokenVersion::V2Token), Record::of_target);
        match (self.records.get(&account), intent) {
            (Some(record), Some(intent)) if intent.open && record.outcome == Outcome::Unverified => record.clone(),
            (_, Some(intent)) if intent.open => blank().interrupted(intent.previous),
            (Some(record), _) => record.clone(),
            (None, _) => blank(),
        }
    }

    /// What is left to do, wave by wave; with `failed`, the failed and unverified accounts too.
    pub fn rest(&self, failed: bool) -> Vec<Wave> {
        let mut waves: Vec<Wave> = Vec::new();
        for (number, target) in &self.targets {
            let intent = self.intents.get(&target.account);
            let again = match (self.records.get(&target.account).map(|record| record.outcome), intent) {
                (_, Some(intent)) if intent.open => true,
                (None | Some(Outcome::NotAttempted), _) => true,
                (Some(Outcome::Failed | Outcome::Unverified), _) => failed,
                (Some(Outcome::Changed | Outcome::Unchanged | Outcome::WouldChange | Outcome::Skipped), _) => false,
            };
            if !again {
                continue;
            }
            let unsettled = intent.filter(|intent| intent.unsettled);
            let provenance = unsettled.map_or(target.provenance, |intent| Provenance::Intended(intent.previous));
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
