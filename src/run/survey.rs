//! This module owns the plan that visits while it still lists: reading does no harm, and the list of a large Organization takes
//! minutes, because Organizations answers 8 pages of 20 accounts per second.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::time::Duration;

use futures::channel::mpsc::{UnboundedSender, unbounded};

use super::connect::connect;
use super::prepare::{Course, heading, note_partition, unwritable};
use super::recorder::Recorder;
use super::signals::Signals;
use super::targets;
use crate::cloud::Failure;
use crate::cloud::aws::{Aws, Organization};
use crate::error::Error;
use crate::journal::CommandName;
use crate::journal::{Entry, Journal, RunFolder, RunInfo};
use crate::org::Account;
use crate::org::selection::{ManagementAccount, Tags, check_selected, goes_by_account, why_not};
use crate::report::{ReportFiles, columns};
use crate::rollout::{Mode, NoIntents, Record, Rollout, StopReason, Target, Tolerance, Verify, survey as visit_all};
use crate::settings::Settings;
use crate::terminal::Outline;

/// What a plan has found out.
pub(crate) struct Surveyed {
    pub(crate) info: RunInfo,
    pub(crate) journal: Journal,
    pub(crate) accounts: Vec<Account>,
    pub(crate) records: Vec<Record>,
    pub(crate) stopped: Option<StopReason>,
}

/// Whether a run is a plan that needs the whole list for nothing: neither for looking up what its selection names, nor for a
/// percentage.
pub(crate) fn can_survey(settings: &Settings) -> bool {
    let run = &settings.run;
    settings.command == CommandName::Plan
        && run.mode == Mode::Plan
        && goes_by_account(&run.selection)
        && !matches!(run.max_errors, Some(Tolerance::Percent(_)))
}

/// Lists and visits at once.
///
/// # Errors
///
/// When the list does not come to its end. Some accounts may have been read by then, and none was changed.
pub(crate) async fn survey(course: Course<'_>, mut info: RunInfo) -> Result<Surveyed, Error> {
    let Course { settings, folder, files, progress } = course;
    let mut signals = Signals::listen(progress).map_err(|source| unwritable(folder, source))?;
    let (aws, organization) = signals
        .or_stop(Box::pin(async {
            let aws = connect(settings, progress).await?;
            let organization = aws.organization().await?;
            Ok((aws, organization))
        }))
        .await?;
    if let Verify::Token(_) = settings.run.verify {
        aws.can_prove_tokens()?;
    }
    note_partition(&aws, progress);
    let management_account = targets::management_account(&organization, &settings.run, &aws);
    heading(&mut info, &organization, &aws);
    let journal = open(settings, folder, files, &info)?;

    let rollout = Rollout::new(&aws, &NoIntents, settings.run.rollout_options());
    let recorder = RefCell::new(Recorder::new(settings, &journal, files, progress, &rollout.stop));
    let survey = Survey {
        settings,
        folder,
        organization: &organization,
        management_account,
        journal: &journal,
        rollout: &rollout,
        recorder: &recorder,
        selected: Cell::new(0),
    };
    let stopped = survey.list_and_visit(&mut signals).await?;
    signals.over();
    let (accounts, records) = recorder.into_inner().into_parts();
    Ok(Surveyed { info, journal, accounts, records, stopped })
}

/// A survey under way.
struct Survey<'a, 'l> {
    settings: &'a Settings,
    folder: &'a RunFolder,
    organization: &'a Organization,
    management_account: ManagementAccount,
    journal: &'a Journal,
    rollout: &'a Rollout<'a, Aws, NoIntents>,
    recorder: &'a RefCell<Recorder<'l>>,
    /// How many accounts are to be visited, so far.
    selected: Cell<usize>,
}

impl Survey<'_, '_> {
    /// Lists and visits until both are at their end. It gives why the visits stopped early, if they did.
    async fn list_and_visit(&self, signals: &mut Signals) -> Result<Option<StopReason>, Error> {
        let (sender, targets) = unbounded();
        let mut visits = pin!(visit_all(self.rollout, targets, |event| self.recorder.borrow_mut().note(&event)));
        let mut ended = None;
        let listed = signals
            .or_stop(Box::pin(async {
                let mut listing =
                    pin!(self.rollout.cloud.each_account(|account, page| self.admit(&account, page, &sender)));
                loop {
                    tokio::select! {
                        listed = &mut listing => return Ok(listed?),
                        done = &mut visits, if ended.is_none() => ended = Some(done),
                        never = Recorder::keep_up(self.recorder) => match never {},
                    }
                }
            }))
            .await;
        let no_plan = |cause| match self.selected.get() {
            // Nobody was visited yet.
            0 => cause,
            _ => Error::Unlisted(Box::new(cause)),
        };
        let pathless = listed.map_err(no_plan)?;
        // The visits end once the last of the targets is through.
        sender.close_channel();
        self.all_listed(pathless.as_ref()).await.map_err(no_plan)?;
        let ended = if let Some(ended) = ended {
            ended
        } else {
            tokio::select! {
                ended = visits => ended,
                never = signals.watch(&self.rollout.stop) => match never {},
                never = Recorder::keep_up(self.recorder) => match never {},
            }
        };
        Ok(ended.stopped)
    }

    /// Takes in an account: it is skipped, or on its way to its visit.
    fn admit(&self, account: &Account, page: usize, sender: &UnboundedSender<Target>) {
        let mut recorder = self.recorder.borrow_mut();
        if !recorder.admit(account.clone()) {
            return;
        }
        let run = &self.settings.run;
        self.journal.append(&Entry::Account(Cow::Borrowed(account)));
        if let Some(reason) = why_not(account, self.management_account, &run.selection) {
            let wanted = run.global_endpoint_token_version;
            let record = Record::skipped(account.id, wanted, reason.code, reason.message);
            self.journal.append(&Entry::Record(Cow::Borrowed(&record)));
            recorder.know(record);
        } else {
            let target = targets::target(account, self.organization, self.rollout.cloud, run, None);
            self.journal.append(&Entry::Target { wave: None, target: Cow::Borrowed(&target) });
            self.selected.set(self.selected.get() + 1);
            // The visits outlive the listing, so somebody is there to take it.
            let _ = sender.unbounded_send(target);
        }
        let listed = recorder.accounts();
        recorder.progress().listing(listed, page);
    }

    /// Now that every account is known: checks that something was selected, and says how much there is to do.
    async fn all_listed(&self, pathless: Option<&Failure>) -> Result<(), Error> {
        let selected = self.selected.get();
        let accounts = self.recorder.borrow().accounts();
        if selected == 0 {
            check_selected(self.recorder.borrow().listed(), self.management_account, &self.settings.run.selection)?;
        }
        self.tell_listed(accounts, pathless);
        let ready = Entry::Ready { accounts, targets: selected };
        self.journal
            .append_durably(&ready)
            .await
            .map_err(|error| unwritable(self.folder, std::io::Error::other(error.0)))
    }

    /// Says what is worth knowing once every account is known, and how much there is to do.
    fn tell_listed(&self, accounts: usize, pathless: Option<&Failure>) {
        let recorder = self.recorder.borrow();
        targets::note_idle(recorder.listed(), &self.settings.run, &Tags::new(), recorder.progress());
        if let Some(failure) = pathless {
            targets::note_pathless(failure, recorder.progress());
        }
        recorder.progress().begin(Outline {
            organization: self.organization.id.clone(),
            listed: accounts,
            waves: vec![self.selected.get()],
            between: Duration::ZERO,
            concurrency: self.rollout.options.concurrency,
        });
    }
}

/// Makes the run's files ready for the first account.
fn open(settings: &Settings, folder: &RunFolder, files: &mut ReportFiles, info: &RunInfo) -> Result<Journal, Error> {
    folder.write_run(info)?;
    let journal = Journal::start(folder).map_err(|source| unwritable(folder, source))?;
    journal.append(&Entry::head(settings.run_id.as_str()));
    files.begin(columns(&settings.run.verify), &settings.run_id, folder.path())?;
    Ok(journal)
}
