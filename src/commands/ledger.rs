//! This module owns the ledger of a run: each event of the rollout goes through here to the journal, to the reports that are
//! written as results arrive, and to the progress display.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::journal::{Entry, Journal, RunId};
use crate::org::{Account, AccountId};
use crate::report::{Column, ReportFiles, Row, columns};
use crate::rollout::{Event, Record, Stop, StopReason};
use crate::settings::Settings;
use crate::terminal::Progress;

/// The records of a run, and everybody who wants to know of them.
pub(super) struct Ledger<'a> {
    accounts: &'a [Account],
    run_id: &'a RunId,
    columns: &'static [Column],
    journal: &'a Journal,
    files: &'a mut ReportFiles,
    progress: &'a mut Progress,
    stop: &'a Stop,
    /// One for each account, in the same order, as they become known.
    records: Vec<Option<Record>>,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(
        accounts: &'a [Account],
        settings: &'a Settings,
        journal: &'a Journal,
        files: &'a mut ReportFiles,
        progress: &'a mut Progress,
        stop: &'a Stop,
    ) -> Self {
        Self {
            accounts,
            run_id: &settings.run_id,
            columns: columns(&settings.run.verify),
            journal,
            files,
            progress,
            stop,
            records: vec![None; accounts.len()],
        }
    }

    /// Takes in the records of accounts that are not visited. The journal has them already.
    pub(super) fn know(&mut self, records: BTreeMap<AccountId, Record>) {
        for (id, record) in records {
            let index = self.index(id);
            self.records[index] = Some(record);
        }
        let rows = self.accounts.iter().zip(&self.records).filter_map(|(account, record)| {
            Some(Row { account, record: record.as_ref()?, run_id: self.run_id, columns: self.columns })
        });
        self.files.add(&rows);
    }

    /// Takes in an event of the rollout.
    pub(super) fn note(&mut self, event: &Event<'_>) {
        match event {
            Event::WaveStarted { wave, accounts, .. } => {
                self.journal.append(&Entry::WaveStarted { wave: *wave, accounts: *accounts });
            }
            Event::Visited { record, .. } => {
                let record: &Record = record;
                self.journal.append(&Entry::Record(Cow::Borrowed(record)));
                let index = self.index(record.account_id);
                let row = Row { account: &self.accounts[index], record, run_id: self.run_id, columns: self.columns };
                self.files.add(&std::iter::once(row));
                self.records[index] = Some(record.clone());
            }
            Event::WaveFinished { wave, tally } => {
                let outcomes = tally.iter().filter(|(_, count)| *count > 0).collect();
                self.journal.append(&Entry::WaveFinished { wave: *wave, outcomes });
            }
            Event::Baking { .. } => {}
        }
        if let Some(cause) = self.journal.failure() {
            self.stop.request(StopReason::Journal(cause.to_owned()));
        }
        self.progress.show(event);
    }

    /// The records of all accounts, in their order.
    pub(super) fn into_records(self) -> Vec<Record> {
        self.records.into_iter().map(|record| record.expect("every account is either skipped or a target")).collect()
    }

    fn index(&self, id: AccountId) -> usize {
        self.accounts.binary_search_by_key(&id, |account| account.id).expect("records are about listed accounts")
    }
}
