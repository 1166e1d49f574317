//! A plan that visits accounts while further accounts are still being listed. This saves time, because listing a large
//! Organization takes minutes: Organizations returns 8 pages of 20 accounts per second. The early visits do no harm even if the
//! listing fails, because a plan only reads.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt as _;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};

use super::context::RunContext;
use super::execute::Visited;
use super::recorder::Recorder;
use super::signals::Signals;
use super::targets;
use super::unit_names::NamesBeside;
use crate::cloud::aws::{AccountList, Aws, Organization};
use crate::error::Error;
use crate::interner::Interner;
use crate::journal::Journal;
use crate::org::Account;
use crate::org::account_arn::ArnPattern;
use crate::org::selection::{ManagementAccount, Tags, reason_to_skip, select};
use crate::rollout::wave::Waves;
use crate::rollout::{Mode, Rollout, StopReason, Target, Targets, Tolerance, roll_out};
use crate::settings::Settings;
use crate::terminal::Workload;

/// Whether a run is a plan that can visit accounts before all accounts are listed. Its selection and its waves must name nothing that has
/// to be looked up, and `--max-errors` must not be a percentage.
pub(crate) fn can_visit_while_listing(settings: &Settings) -> bool {
    let run = &settings.run;
    let needs_lists = |waves: &Waves| waves.needs_tags() || waves.units().next().is_some();
    run.mode == Mode::Plan
        && !run.selection.needs_whole_list()
        && run.canary.is_empty()
        && !run.waves.as_ref().is_some_and(needs_lists)
        && !matches!(run.max_errors, Some(Tolerance::Percent(_)))
}

/// Lists the accounts, and visits them at the same time.
///
/// # Errors
///
/// Returns an error if the listing fails or a signal ends it, if no account is selected, or if the list can't be written to the
/// journal. Some accounts might have been read by then, but none was changed.
pub(crate) async fn list_and_visit(
    context: &mut RunContext,
    mut signals: Signals,
    aws: &Aws,
) -> Result<Visited, Error> {
    let organization = signals.or_stop(Box::pin(async { Ok(aws.describe_organization().await?) })).await?;
    targets::check_impact(&context.settings.run, &organization)?;
    context.describe(&organization, aws)?;
    let management_account = targets::management_account(&organization, &context.settings.run, aws);
    let journal = context.start_journal()?;
    let rollout = Rollout::new(aws, &journal, context.settings.run.rollout_options());
    let mut recorder = Recorder::new(context, &journal, &rollout.stop);
    recorder.write_head();
    recorder.begin_reports()?;
    let recorder = RefCell::new(recorder);
    let (sender, receiver) = unbounded();
    let listing = Listing {
        aws,
        organization,
        management_account,
        recorder: &recorder,
        sender,
        arns: RefCell::default(),
        targets: Cell::new(0),
    };
    let stopped = listing.visit_while_listing(&rollout, receiver, &mut signals).await?;
    let (accounts, records) = recorder.into_inner().into_parts();
    Ok(Visited { journal, accounts, records, not_visited_again: 0, stopped, signals })
}

/// The list of accounts while it grows.
struct Listing<'a, 'r> {
    aws: &'a Aws,
    organization: Organization,
    management_account: ManagementAccount,
    recorder: &'a RefCell<Recorder<'r>>,
    sender: UnboundedSender<Target>,
    /// The ARNs of the targets.
    arns: RefCell<Interner<ArnPattern>>,
    /// The number of accounts to visit in the part of the list that has been read.
    targets: Cell<usize>,
}

impl Listing<'_, '_> {
    /// Lists the accounts and visits them. Returns why the visits stopped early, or `None` if they did not stop early.
    async fn visit_while_listing(
        &self,
        rollout: &Rollout<'_, Aws, Journal>,
        receiver: UnboundedReceiver<Target>,
        signals: &mut Signals,
    ) -> Result<Option<StopReason>, Error> {
        let targets = Targets::Stream(receiver.boxed_local());
        let mut visits =
            pin!(roll_out(rollout, targets, |event| self.recorder.borrow_mut().record(&event), async |_| Ok(())));
        let mut ended = None;
        let listed = signals
            .or_stop(Box::pin(async {
                // The plan needs no OU paths, because its selection names no OU.
                let mut accounts = pin!(self.aws.for_each_account(false, |account, page| self.add(&account, page)));
                loop {
                    tokio::select! {
                        listed = &mut accounts => return Ok(listed?),
                        done = &mut visits, if ended.is_none() => ended = Some(done),
                        never = Recorder::flush_reports(self.recorder) => match never {},
                    }
                }
            }))
            .await;
        let no_plan = |cause| match self.targets.get() {
            0 => cause,
            // Visits have been queued, so accounts might have been read.
            _ => Error::Unlisted(Box::new(cause)),
        };
        let list = listed.map_err(no_plan)?;
        let is_listed = |id| self.recorder.borrow().accounts.iter().any(|account| account.id == id);
        self.aws.check_complete(&self.organization, is_listed).map_err(|error| no_plan(error.into()))?;
        self.finish(list, rollout.options.concurrency).await.map_err(no_plan)?;
        let mut names = NamesBeside::of(self.aws, self.recorder);
        let ended = if let Some(ended) = ended {
            ended
        } else {
            tokio::select! {
                ended = names.during(visits) => ended,
                never = signals.watch(&rollout.stop) => match never {},
                never = Recorder::flush_reports(self.recorder) => match never {},
            }
        };
        signals.all_visits_ended();
        let progress = self.recorder.borrow().context.progress.clone();
        names.after(ended.stopped.is_some(), signals, &progress).await;
        Ok(ended.stopped)
    }

    /// Adds an account to the list. Skips the account, or queues its visit.
    fn add(&self, account: &Account, page: usize) {
        let mut recorder = self.recorder.borrow_mut();
        if !recorder.record_account(account) {
            return;
        }
        let run = &recorder.context.settings.run;
        if let Some(reason) = reason_to_skip(account, self.management_account, &run.selection, None, None) {
            let record = targets::skipped_record(account.id, reason, run);
            recorder.record_skipped(record);
        } else {
            let target =
                targets::target(account, &self.organization, self.aws, run, None).sharing(&mut self.arns.borrow_mut());
            recorder.record_target(&target);
            self.targets.set(self.targets.get() + 1);
            // Sending can't fail: the visits outlive the listing, so the receiver still exists.
            let _ = self.sender.unbounded_send(target);
        }
        recorder.context.progress.listing(recorder.accounts.len(), page);
    }

    /// Ends the list: checks that at least one account is selected, shows the number of visits, and writes the event `ready` to
    /// the journal.
    async fn finish(&self, list: AccountList, concurrency: usize) -> Result<(), Error> {
        // Closing the channel ends the visits after the last target.
        self.sender.close_channel();
        let targets = self.targets.get();
        for (id, unit) in list.names.iter() {
            self.recorder.borrow_mut().record_unit(id.clone(), unit.parent.clone(), unit.name.clone());
        }
        self.show_listed(&list, concurrency)?;
        let recorded = self.recorder.borrow().record_all_listed(targets);
        recorded.await.map_err(|error| self.recorder.borrow().journal_failed(error))
    }

    fn show_listed(&self, list: &AccountList, concurrency: usize) -> Result<(), Error> {
        let recorder = self.recorder.borrow();
        let (run, accounts, progress) =
            (&recorder.context.settings.run, &recorder.accounts, &recorder.context.progress);
        if self.targets.get() == 0 {
            select(accounts, self.management_account, &run.selection, &Tags::new(), None)?;
        }
        targets::warn_of_unknown_join_times(accounts, run, progress);
        targets::warn_of_idle_exclusions(accounts, run, &Tags::new(), progress);
        targets::warn_of_missing_paths(list.without_paths.as_ref(), progress);
        progress.begin(Workload {
            organization: self.organization.id.clone(),
            listed: accounts.len(),
            waves: vec![self.targets.get()],
            between: Duration::ZERO,
            concurrency,
        });
        Ok(())
    }
}
