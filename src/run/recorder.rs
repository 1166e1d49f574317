//! The recorder: writes the journal lines of a run (a visit writes its intents itself), adds rows to the reports that are written
//! during the run, and updates the display.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::Notify;

use super::context::RunContext;
use crate::build_info::VERSION;
use crate::error::Error;
use crate::impact::verdict::Verdict;
use crate::journal::{Entry, Journal};
use crate::org::account_index::AccountIndex;
use crate::org::{Account, AccountId, UnitId, UnitNames};
use crate::report::{Column, Row, columns_of};
use crate::rollout::{Event, NotDurable, Outcome, Record, Stop, StopReason, Tally, Target, Wave};

/// How long report rows are buffered. Writing each row separately costs more than creating it.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// The accounts and records of a run, and the journal, the reports and the display to which they are written.
pub(crate) struct Recorder<'a> {
    pub(super) context: &'a mut RunContext,
    columns: &'static [Column],
    journal: &'a Journal,
    stop: &'a Stop,
    /// Every account, in the order in which the accounts were listed.
    pub(super) accounts: Vec<Account>,
    /// The records so far, at most one for each account, in the order in which they were made.
    records: Vec<Record>,
    /// The place of each account in `accounts`.
    places: AccountIndex,
    /// What earlier visits found in accounts that are visited again. It still holds if the run stops before the visit.
    pub(super) earlier_visits: BTreeMap<AccountId, Record>,
    /// How many of these accounts were not visited again.
    pub(super) not_visited_again: usize,
    /// The names of OUs that are known so far.
    units: UnitNames,
    /// Whether a visit ended with another outcome than `unchanged`.
    pub(super) has_news: bool,
    /// Notified when `has_news` becomes true.
    pub(super) news: Rc<Notify>,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(context: &'a mut RunContext, journal: &'a Journal, stop: &'a Stop) -> Self {
        let columns = columns_of(&context.settings.run);
        Self {
            context,
            columns,
            journal,
            stop,
            accounts: Vec::new(),
            records: Vec::new(),
            places: AccountIndex::default(),
            earlier_visits: BTreeMap::new(),
            not_visited_again: 0,
            units: UnitNames::default(),
            has_news: false,
            news: Rc::new(Notify::new()),
        }
    }

    /// Writes the first line of a new journal.
    pub(super) fn write_head(&self) {
        self.journal.append(&Entry::head(self.context.settings.run_id.as_str()));
    }

    /// Begins the journal and the reports. Stores the accounts, and the records that are known before the first visit.
    ///
    /// The lists of a new run are durable before the first visit, so that the run can be resumed and reported however it ends.
    /// The journal of a resumed run already has the lists.
    pub(super) async fn begin(
        &mut self,
        mut accounts: Vec<Account>,
        units: UnitNames,
        mut records: BTreeMap<AccountId, Record>,
        waves: &[Wave],
        resumed: bool,
    ) -> Result<(), Error> {
        for record in records.values_mut() {
            record.impact = self.impact_of(record.account_id);
        }
        if resumed {
            self.journal.append(&Entry::Resumed { version: VERSION.into() });
        } else {
            self.write_head();
            for (id, unit) in units.iter() {
                self.journal.append(&unit_entry(id, unit.parent.as_ref(), &unit.name));
            }
            let targets = waves.iter().flat_map(|wave| &wave.targets);
            let lines = (accounts.iter().map(|account| Entry::Account(Cow::Borrowed(account))))
                .chain(records.values().map(|record| Entry::Record(Cow::Borrowed(record))))
                .chain(targets.map(|target| Entry::Target(Cow::Borrowed(target))));
            for line in lines {
                self.journal.append_of_list(&line).await.map_err(|error| self.journal_failed(error))?;
            }
            let targets = waves.iter().map(|wave| wave.targets.len()).sum();
            self.append_durably(&Entry::Ready { accounts: accounts.len(), targets }).await?;
        }
        // The next call overwrites the reports of an earlier run, so it is made only after the lists are durable. The known
        // records are then added below the new headers.
        self.begin_reports()?;
        units.name(&mut accounts);
        self.units = units;
        for (place, account) in accounts.iter().enumerate() {
            self.places.add(account.id, place, |place| accounts[place].id);
        }
        self.records.reserve_exact(accounts.len());
        self.accounts = accounts;
        for record in records.into_values() {
            self.add_record(record);
        }
        Ok(())
    }

    /// Writes the headers of the reports that are written during the run.
    pub(super) fn begin_reports(&mut self) -> Result<(), Error> {
        let RunContext { files, settings, folder, .. } = &mut *self.context;
        files.begin(self.columns, &settings.run_id, folder.path())
    }

    /// Records an account that was listed. Returns `false` if the account is already known, which happens after a restart of the
    /// listing.
    pub(super) fn record_account(&mut self, account: &Account) -> bool {
        let length = self.accounts.len();
        if self.places.add(account.id, length, |place| self.accounts[place].id) < length {
            return false;
        }
        self.accounts.push(account.clone());
        self.journal.append(&Entry::Account(Cow::Borrowed(account)));
        true
    }

    /// Returns what has to be listed to know the names of the OUs that have accounts.
    pub(super) fn unread_units(&self) -> (bool, Vec<UnitId>) {
        self.units.unread(self.accounts.iter().map(|account| account.attributes.ou_path.as_ref()))
    }

    /// Records the name of an OU or of a root.
    pub(super) fn record_unit(&mut self, id: UnitId, parent: Option<UnitId>, name: String) {
        self.journal.append(&unit_entry(&id, parent.as_ref(), &name));
        self.units.insert(id, parent, name);
    }

    /// Records that an account is not visited.
    pub(super) fn record_skipped(&mut self, record: Record) {
        self.record_new(record);
    }

    /// Writes a record to the journal, and adds its row to the reports.
    fn record_new(&mut self, mut record: Record) {
        record.impact = self.impact_of(record.account_id);
        self.journal.append(&Entry::Record(Cow::Borrowed(&record)));
        self.add_record(record);
    }

    /// Returns what the impact of `--impact` says about an account.
    fn impact_of(&self, account: AccountId) -> Option<Verdict> {
        self.context.settings.run.impact.as_ref().map(|impact| impact.verdict(account))
    }

    /// Records that an account is to be visited.
    pub(super) fn record_target(&self, target: &Target) {
        self.journal.append(&Entry::Target(Cow::Borrowed(target)));
    }

    /// Records that all accounts are known, and how many of them are visited.
    pub(super) fn record_all_listed(&self, targets: usize) -> impl Future<Output = Result<(), NotDurable>> + use<'a> {
        let (journal, accounts) = (self.journal, self.accounts.len());
        async move { journal.append_durably(&Entry::Ready { accounts, targets }).await }
    }

    /// Records an event of the rollout.
    pub(super) fn record(&mut self, event: &Event<'_>) {
        match event {
            Event::WaveStarted { wave, accounts, .. } => {
                self.journal.append(&Entry::WaveStarted { wave: *wave, accounts: *accounts });
            }
            Event::Visited { record, .. } => {
                let record: &Record = record;
                let earlier = self.earlier_visits.remove(&record.account_id);
                // Without an attempt, no visit started.
                if let Some(earlier) = earlier.filter(|_| record.attempts == 0) {
                    self.not_visited_again += 1;
                    self.add_record(earlier);
                } else {
                    self.record_new(record.clone());
                }
            }
            // A wave that a stop cut short did not finish.
            Event::WaveFinished { tally, .. } if tally.of(Outcome::NotAttempted) > 0 => {}
            Event::WaveFinished { wave, tally } => {
                let outcomes = tally.iter().filter(|(_, count)| *count > 0).collect();
                self.journal.append(&Entry::WaveFinished { wave: *wave, outcomes });
            }
            Event::Stopping { .. }
            | Event::Baking { .. }
            | Event::GateStarted { .. }
            | Event::GatePassed { .. }
            | Event::Unreachable { .. }
            | Event::Reachable { .. }
            | Event::GlobalEndpointSilent { .. }
            | Event::Paused { .. } => {}
        }
        if let Some(cause) = self.journal.failure() {
            self.stop.request(StopReason::Journal(cause.to_owned()));
            self.note_changed_journal();
        }
        self.context.progress.show(event);
    }

    /// Notes in `run.json` that something else changed the journal. This is not left to the end of the run, because the process might
    /// be killed before, and a shortened journal can look complete.
    fn note_changed_journal(&mut self) {
        let RunContext { folder, info, .. } = &mut *self.context;
        if info.journal_changed.is_none()
            && let Some(change) = self.journal.changed()
        {
            info.journal_changed = Some(change.to_owned());
            // An error shows when it is written at the end.
            let _ = folder.write_run(info);
        }
    }

    /// Adds the row of an account to the reports, and keeps its record.
    fn add_record(&mut self, record: Record) {
        let place = self.places.get(record.account_id, |place| self.accounts[place].id);
        let account = &self.accounts[place.expect("records are about listed accounts")];
        let RunContext { files, settings, .. } = &mut *self.context;
        files.add(&Row { account, record: &record, run_id: &settings.run_id, columns: self.columns });
        let is_news = match record.outcome {
            Outcome::Unchanged => false,
            Outcome::Skipped => record.started_at.is_some(),
            _ => true,
        };
        if is_news && !std::mem::replace(&mut self.has_news, true) {
            self.news.notify_one();
        }
        self.records.push(record);
    }

    /// Writes the buffered rows of the reports at regular intervals.
    pub(super) async fn flush_reports(recorder: &RefCell<Self>) -> Infallible {
        loop {
            tokio::time::sleep(FLUSH_INTERVAL).await;
            recorder.borrow_mut().context.files.flush();
        }
    }

    async fn append_durably(&self, line: &Entry<'_>) -> Result<(), Error> {
        self.journal.append_durably(line).await.map_err(|error| self.journal_failed(error))
    }

    pub(super) fn journal_failed(&self, error: NotDurable) -> Error {
        self.context.journal_unwritable(io::Error::other(error.0))
    }

    /// Writes the buffered rows of the reports.
    pub(super) fn flush(&mut self) {
        self.context.files.flush();
    }

    /// Returns the outcomes of the whole run so far.
    pub(super) fn tally(&self) -> Tally {
        let records = self.records.iter().chain(self.earlier_visits.values());
        records.map(|record| record.outcome).collect()
    }

    /// Returns all accounts, sorted by id, and the record of each account.
    pub(super) fn into_parts(mut self) -> (Vec<Account>, Vec<Record>) {
        self.units.name(&mut self.accounts);
        // Both lists are sorted without a copy, which would determine the run's peak memory.
        self.accounts.sort_unstable_by_key(|account| account.id);
        self.records.sort_unstable_by_key(|record| record.account_id);
        let ids = (self.accounts.iter().map(|account| account.id), self.records.iter().map(|record| record.account_id));
        assert!(ids.0.eq(ids.1), "every account is either skipped or a target, and has one record");
        (self.accounts, self.records)
    }
}

fn unit_entry<'a>(id: &'a UnitId, parent: Option<&'a UnitId>, name: &'a str) -> Entry<'a> {
    Entry::Unit { id: Cow::Borrowed(id), parent: parent.map(Cow::Borrowed), name: Cow::Borrowed(name) }
}

/// Records how the run ended.
pub(crate) fn record_end(journal: &Journal, exit_code: u8, verdict: &str, by_gate: bool) {
    journal.append(&Entry::Ended { exit_code, verdict: Cow::Borrowed(verdict), by_gate });
}
