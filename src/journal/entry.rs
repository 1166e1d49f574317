//! The lines of the journal: one JSON object each, in chronological order.

use std::borrow::Cow;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::build_info::VERSION;
use crate::org::{Account, AccountId, ObservedVersion, TokenVersion, UnitId};
use crate::rollout::denied_by::DeniedBy;
use crate::rollout::{Outcome, Record, Target};
use crate::timestamp::optional_time;

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Entry<'a> {
    /// The first line: the run and the program that wrote the journal.
    Journal {
        /// The format of the following lines. A reader refuses a format that is newer than its own.
        format: u32,
        /// The run id.
        run_id: Cow<'a, str>,
        /// The program's version.
        version: Cow<'a, str>,
    },
    /// An account of the Organization.
    Account(Cow<'a, Account>),
    /// The name of an OU or of a root. The line can come at any time, because the names are read beside the visits.
    Unit {
        /// The id.
        id: Cow<'a, UnitId>,
        /// The OU or root that the OU is in; absent for a root.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        parent: Option<Cow<'a, UnitId>>,
        /// The name.
        name: Cow<'a, str>,
    },
    /// An account to visit. The lines are in the order of the visits.
    Target(Cow<'a, Target>),
    /// The lists of accounts and targets are complete. This line is durable before the first visit that can change an account. A
    /// plan can start its visits earlier.
    Ready {
        /// The number of accounts in the Organization.
        accounts: usize,
        /// The number of accounts to visit.
        targets: usize,
    },
    /// A new process resumes the run.
    Resumed {
        /// The program's version.
        version: Cow<'a, str>,
    },
    /// A wave starts.
    WaveStarted {
        /// The number of the wave, from 1.
        wave: u32,
        /// The number of accounts in the wave.
        accounts: usize,
    },
    /// A Set is about to be sent. This line is durable before the Set is sent.
    Intent {
        /// The account.
        account_id: AccountId,
        /// The version that was read.
        previous_version: ObservedVersion,
        /// The version that will be set.
        target_version: TokenVersion,
        /// When the line was written. Older versions did not write it.
        #[serde(default, with = "optional_time", skip_serializing_if = "Option::is_none")]
        at: Option<SystemTime>,
    },
    /// The result for an account.
    Record(Cow<'a, Record>),
    /// A wave ended.
    WaveFinished {
        /// The number of the wave, from 1.
        wave: u32,
        /// The number of accounts with each outcome.
        outcomes: Vec<(Outcome, usize)>,
    },
    /// The gate after a wave starts. It has passed if another wave starts after it.
    GateStarted {
        /// The number of the wave, from 1.
        wave: u32,
    },
    /// The plan has read all accounts, and an apply of it would visit these in a wave.
    PlannedWave {
        /// The number of the wave, from 1.
        wave: u32,
        /// The accounts in the wave, in the order of the visits.
        accounts: Cow<'a, [AccountId]>,
    },
    /// AWS explained the denials of accounts that failed in the same way.
    Explained {
        /// The accounts.
        accounts: Cow<'a, [AccountId]>,
        /// The policies that denied the request; absent if the caller may not ask which they are.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        denied_by: Option<Cow<'a, DeniedBy>>,
    },
    /// The run ended without a crash.
    Ended {
        /// The process's exit code.
        exit_code: u8,
        /// The verdict in one sentence.
        verdict: Cow<'a, str>,
        /// Whether the gate stopped the run.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_gate: bool,
    },
}

impl Entry<'_> {
    /// The format that this program writes. Format 2 added the event `unit`.
    pub const FORMAT: u32 = 2;

    /// Returns the first line of the journal of a run.
    pub fn head(run_id: &str) -> Entry<'_> {
        Entry::Journal { format: Self::FORMAT, run_id: run_id.into(), version: VERSION.into() }
    }

    /// Appends the entry as a line.
    pub fn write_line(&self, to: &mut Vec<u8>) {
        serde_json::to_writer(&mut *to, self).expect("an entry has only string keys and finite numbers");
        to.push(b'\n');
    }

    /// Returns the entry as a line, with its line end.
    pub fn to_line(&self) -> Vec<u8> {
        let mut line = Vec::new();
        self.write_line(&mut line);
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    use crate::cloud::AccessMethod;
    use crate::org::{AccountAttributes, AccountState};
    use crate::rollout::Provenance;

    #[test]
    fn every_entry_is_one_line_and_reads_back() {
        let account = Account {
            id: "000000000012".parse().unwrap(),
            name: "two\nlines \u{1b}[2J \"quoted\"".into(),
            email: "a@example.com".into(),
            attributes: AccountAttributes {
                state: AccountState::Other("FROZEN".into()),
                ou_path: "o-a/r-b/".into(),
                invited: true,
                ou_names: Vec::new(),
            }
            .into(),
            joined_at: Some("2023-11-14T22:13:20.000Z".parse().unwrap()),
        };
        let record = Record {
            started_at: Some("2023-11-14T22:13:20.123Z".parse().unwrap()),
            duration: Some(1_234.into()),
            current_version: Some(ObservedVersion::Unknown),
            ..Record::skipped(account.id, TokenVersion::V2Token, "Suspended", "why\nnot")
        };
        let target = Target {
            wave: NonZeroU32::new(2),
            account: account.id,
            access: AccessMethod::Role("arn:aws:iam::000000000012:role/R".into()),
            management: false,
            invited: true,
            wanted: TokenVersion::V1Token,
            provenance: Provenance::Set { to: TokenVersion::V2Token, certain: true, before: ObservedVersion::V1Token },
        };
        let entries = [
            Entry::Journal { format: Entry::FORMAT, run_id: "r".into(), version: "0".into() },
            Entry::Account(Cow::Owned(account.clone())),
            Entry::Unit { id: Cow::Owned("r-b".parse().unwrap()), parent: None, name: "Root".into() },
            Entry::Unit {
                id: Cow::Owned("ou-b-c".parse().unwrap()),
                parent: Some(Cow::Owned("r-b".parse().unwrap())),
                name: "two\nlines \"quoted\"".into(),
            },
            Entry::Target(Cow::Owned(target)),
            Entry::Ready { accounts: 1, targets: 1 },
            Entry::Resumed { version: "0".into() },
            Entry::WaveStarted { wave: 1, accounts: 1 },
            Entry::Intent {
                account_id: account.id,
                previous_version: ObservedVersion::V1Token,
                target_version: TokenVersion::V2Token,
                at: Some(std::time::UNIX_EPOCH + std::time::Duration::from_millis(1_700_000_000_123)),
            },
            Entry::Record(Cow::Owned(record)),
            Entry::WaveFinished { wave: 1, outcomes: vec![(Outcome::Changed, 1)] },
            Entry::GateStarted { wave: 1 },
            Entry::PlannedWave { wave: 2, accounts: vec![account.id].into() },
            Entry::Explained { accounts: vec![account.id].into(), denied_by: None },
            Entry::Ended { exit_code: 5, verdict: "stopped".into(), by_gate: true },
        ];
        for entry in entries {
            let line = entry.to_line();
            assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
            assert_eq!(serde_json::from_slice::<Entry<'_>>(&line).unwrap(), entry);
        }
    }
}
