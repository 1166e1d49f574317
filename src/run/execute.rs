//! The visits of a run, wave after wave, with the signals that stop them.

use std::cell::RefCell;
use std::time::Duration;

use super::context::RunContext;
use super::gate::Gate;
use super::prepare::Prepared;
use super::recorder::Recorder;
use super::signals::Signals;
use super::unit_names::NamesBeside;
use crate::cloud::aws::Aws;
use crate::error::Error;
use crate::journal::{Entry, Journal};
use crate::org::Account;
use crate::report::next_steps::with_gate;
use crate::rollout::{Checkpoint, Event, NotDurable, Record, Rollout, Stop, StopReason, Targets, roll_out};
use crate::sanitize::for_shell;
use crate::settings::Settings;
use crate::terminal::Progress;

/// How long a person at a terminal has to review a wave before the next wave starts.
pub(crate) const REVIEW_TIME: Duration = Duration::from_secs(5);

/// Whether the run waits `REVIEW_TIME` between waves, so that a person can review each wave. The run does so if it can ask a
/// person at a terminal, `--yes` is not given, and `--bake` is zero. With any other `--bake`, the run waits between waves
/// already.
pub(crate) const fn is_supervised(settings: &Settings) -> bool {
    settings.can_ask && !settings.run.yes && settings.run.bake.is_zero()
}

/// The result of a run's visits.
pub(crate) struct Visited {
    pub journal: Journal,
    /// Every account, sorted by id.
    pub accounts: Vec<Account>,
    /// The record of each account, in the order of `accounts`.
    pub records: Vec<Record>,
    /// How many accounts were to be visited again and were not, so that they have the records of their earlier visits.
    pub not_visited_again: usize,
    /// Why the run stopped before its last account; `None` if it did not stop.
    pub stopped: Option<StopReason>,
    /// The listener for the signals, which the reports still need.
    pub signals: Signals,
}

/// Writes the accounts and targets to the journal, and visits the targets.
pub(crate) async fn visit_waves(
    context: &mut RunContext,
    mut signals: Signals,
    aws: &Aws,
    prepared: Prepared,
) -> Result<Visited, Error> {
    let Prepared { organization, accounts, units, waves, wave_members, records, resumed, .. } = prepared;
    context.wave_members = wave_members;
    let gate_first = resumed.as_ref().and_then(|resumed| resumed.gate_first);
    let selected = resumed.as_ref().map(|resumed| resumed.selected);
    let (resumed, earlier_visits) = (resumed.is_some(), resumed.map(|resumed| resumed.earlier_visits));
    if resumed {
        context.continue_run()?;
    } else {
        context.describe(&organization, aws)?;
    }
    let journal = context.start_journal()?;
    let mut rollout = Rollout::new(aws, &journal, context.settings.run.rollout_options());
    (rollout.selected, rollout.gate_first) = (selected, gate_first);
    let mut recorder = Recorder::new(context, &journal, &rollout.stop);
    recorder.begin(accounts, units, records, &waves, resumed).await?;
    recorder.earlier_visits = earlier_visits.unwrap_or_default();
    let resume = with_gate("resume", recorder.context.settings.run.gate.is_some());
    signals.set_last_message(&format!("continue with: v2token {resume} {}", for_shell(recorder.context.folder.path())));
    let supervised = is_supervised(&recorder.context.settings);
    let progress = recorder.context.progress.clone();
    let gate = Gate::of(recorder.context);
    let recorder = RefCell::new(recorder);
    let before_wave = async |checkpoint: Checkpoint| {
        if supervised {
            leave_time_to_review(&progress, checkpoint.next, &rollout.stop).await;
        }
        let Some(gate) = gate.as_ref().filter(|_| !rollout.stop.requested()) else { return Ok(()) };
        // The gate may read the journal and the reports, so they have all results of the wave.
        recorder.borrow_mut().flush();
        let tally = recorder.borrow().tally();
        let started = Entry::GateStarted { wave: checkpoint.finished };
        if let Err(NotDurable(cause)) = journal.append_durably(&started).await {
            return Err(StopReason::Journal(cause));
        }
        gate.check(checkpoint, &tally, &rollout.stop).await
    };
    let visits = roll_out(&rollout, Targets::Waves(&waves), |event| recorder.borrow_mut().record(&event), before_wave);
    let stopped = {
        let mut names = NamesBeside::of(aws, &recorder);
        let ended = tokio::select! {
            ended = names.during(visits) => ended,
            never = signals.watch(&rollout.stop) => match never {},
            never = Recorder::flush_reports(&recorder) => match never {},
        };
        signals.all_visits_ended();
        names.after(ended.stopped.is_some(), &mut signals, &progress).await;
        ended.stopped
    };
    drop(waves);
    let recorder = recorder.into_inner();
    let not_visited_again = recorder.not_visited_again;
    let (accounts, records) = recorder.into_parts();
    Ok(Visited { journal, accounts, records, not_visited_again, stopped, signals })
}

/// Waits, so that a person can review a wave, and can stop the run before the next wave.
async fn leave_time_to_review(progress: &Progress, next: u32, stop: &Stop) {
    progress.show(&Event::Baking { wait: REVIEW_TIME, next });
    tokio::select! {
        biased;
        () = stop.wait() => {}
        () = tokio::time::sleep(REVIEW_TIME) => {}
    }
}
