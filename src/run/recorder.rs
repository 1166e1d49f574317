//! This module owns the ledger of a run: each event of the rollout goes through here to the journal, to the reports that are
//! written as results arrive, and to the progress display.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;
use std::convert::Infallible;
use std::time::Duration;

use crate::journal::{Entry, Journal, RunId};
use crate::org::{Account, AccountId};
use crate::report::{Column, ReportFiles, Row, columns};
use crate::rollout::{Event, Record, Stop, StopReason};
use crate::settings::Settings;
use crate::terminal::Progress;

/// How long rows gather in memory. To hand each on by itself would cost more than to make it.
const GATHER: Duration = Duration::from_millis(100);

/// The accounts and records of a run, and everybody who wants to know of them.
pub(crate) struct Recorder<'a> {
    run_id: &'a RunId,
    columns: &'static [Column],
    journal: &'a Journal,
    files: &'a mut ReportFiles,
    progress: &'a Progress,
    stop: &'a Stop,
    /// Every account, in the order in which they were admitted.
    accounts: Vec<Account>,
    /// What came of each, once that is known.
    records: Vec<Option<Record>>,
    /// Where an account is in the two.
    places: HashMap<AccountId, usize>,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(
        settings: &'a Settings,
        journal: &'a Journal,
        files: &'a mut ReportFiles,
        progress: &'a Progress,
        stop: &'a Stop,
    ) -> Self {
        let columns = columns(&settings.run.verify);
        let (accounts, records, places) = (Vec::new(), Vec::new(), HashMap::new());
        Self { run_id: &settings.run_id, columns, journal, files, progress, stop, accounts, records, places }
    }

    /// Takes in an account. The journal has it already. Says whether it is new.
    pub(crate) fn admit(&mut self, account: Account) -> bool {
        match self.places.entry(account.id) {
            Place::Occupied(_) => false,
            Place::Vacant(place) => {
                place.insert(self.accounts.len());
                self.accounts.push(account);
                self.records.push(None);
                true
            }
        }
    }

    /// Takes in the record of an account that is not visited. The journal has it already.
    pub(crate) fn know(&mut self, record: Record) {
        let place = *self.places.get(&record.account_id).expect("records are about listed accounts");
        let account = &self.accounts[place];
        let row = Row { account, record: &record, run_id: self.run_id, columns: self.columns };
        self.files.add(&row);
        self.records[place] = Some(record);
    }

    /// How many accounts there are so far.
    pub(crate) fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// The accounts so far.
    pub(crate) fn listed(&self) -> &[Account] {
        &self.accounts
    }

    /// The progress display, for what is no event of the rollout.
    pub(crate) const fn progress(&self) -> &Progress {
        self.progress
    }

    /// Takes in an event of the rollout.
    pub(crate) fn note(&mut self, event: &Event<'_>) {
        match event {
            Event::WaveStarted { wave, accounts, .. } => {
                self.journal.append(&Entry::WaveStarted { wave: *wave, accounts: *accounts });
            }
            Event::Visited { record, .. } => {
                let record: &Record = record;
                self.journal.append(&Entry::Record(Cow::Borrowed(record)));
                self.know(record.clone());
            }
            Event::WaveFinished { wave, tally } => {
                let outcomes = tally.iter().filter(|(_, count)| *count > 0).collect();
                self.journal.append(&Entry::WaveFinished { wave: *wave, outcomes });
            }
            Event::Stopping { .. } | Event::Baking { .. } | Event::Unreachable { .. } | Event::Reachable { .. } => {}
        }
        if let Some(cause) = self.journal.failure() {
            self.stop.request(StopReason::Journal(cause.to_owned()));
        }
        self.progress.show(event);
    }

    /// Hands the rows of the reports that are written as results arrive to the system, again and again.
    pub(crate) async fn keep_up(recorder: &RefCell<Self>) -> Infallible {
        loop {
            tokio::time::sleep(GATHER).await;
            recorder.borrow_mut().files.hand_on();
        }
    }

    /// All accounts, by their ids, and what came of each.
    pub(crate) fn into_parts(self) -> (Vec<Account>, Vec<Record>) {
        let known = |record: Option<Record>| record.expect("every account is either skipped or a target");
        // A list that came in order is handed on as it is: with 50,000 accounts a copy would be the peak of a run's memory.
        if self.accounts.is_sorted_by_key(|account| account.id) {
            return (self.accounts, self.records.into_iter().map(known).collect());
        }
        let mut both: Vec<_> = self.accounts.into_iter().zip(self.records.into_iter().map(known)).collect();
        both.sort_by_key(|(account, _)| account.id);
        both.into_iter().unzip()
    }
}
