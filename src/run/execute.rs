//! This module owns the run from its first visit to its last.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::finish::{Closing, close};
use super::recorder::Recorder;
use super::signals::Signals;
use crate::cloud::aws::Aws;
use crate::journal::{Journal, RunFolder, RunInfo};
use crate::org::{Account, AccountId};
use crate::report::ReportFiles;
use crate::rollout::{Event, Record, Rollout, Wave, roll_out};
use crate::sanitize::for_shell;
use crate::settings::Settings;
use crate::terminal::Progress;

/// How long somebody at a terminal has to look at a wave before the next one starts.
pub(crate) const LOOK: Duration = Duration::from_secs(5);

/// Whether somebody sits at the terminal who has answered the question at the start, and no other wait leaves time to look.
pub(crate) const fn is_watched(settings: &Settings) -> bool {
    settings.can_ask && !settings.run.yes && settings.run.bake.is_zero()
}

/// All that is needed to visit the accounts and to tell what came of it.
pub(crate) struct Conduct {
    pub(crate) settings: Settings,
    pub(crate) folder: RunFolder,
    pub(crate) files: ReportFiles,
    pub(crate) progress: Progress,
    pub(crate) signals: Signals,
    pub(crate) aws: Aws,
    pub(crate) info: RunInfo,
    /// Every account of the Organization, sorted by id.
    pub(crate) accounts: Vec<Account>,
    /// The accounts to visit.
    pub(crate) waves: Vec<Wave>,
    /// What is known of the others.
    pub(crate) records: BTreeMap<AccountId, Record>,
    pub(crate) journal: Journal,
}

/// Visits the accounts and tells what came of it.
pub(crate) async fn conduct(run: Conduct) -> u8 {
    let Conduct { settings, folder, mut files, progress, mut signals, aws, info, accounts, waves, records, journal } =
        run;
    let rollout = Rollout::new(&aws, &journal, settings.run.rollout_options());
    signals.part_with(&format!("go on with: v2token resume {}", for_shell(folder.path())));
    let is_watched = is_watched(&settings);
    let gate = async |wave: &Wave| {
        if is_watched {
            let_look(&progress, wave).await;
        }
    };
    let mut recorder = Recorder::new(&settings, &journal, &mut files, &progress, &rollout.stop);
    for account in accounts {
        recorder.admit(account);
    }
    for record in records.into_values() {
        recorder.know(record);
    }
    let recorder = RefCell::new(recorder);
    let ended = tokio::select! {
        ended = roll_out(&rollout, &waves, |event| recorder.borrow_mut().note(&event), gate) => ended,
        never = signals.watch(&rollout.stop) => match never {},
        never = Recorder::keep_up(&recorder) => match never {},
    };
    signals.over();
    drop(waves);
    let (accounts, records) = recorder.into_inner().into_parts();
    let stopped = ended.stopped;
    close(Closing { settings, folder, files, progress, info, journal, accounts, records, stopped })
}

/// On a terminal where somebody answered the question at the start, leaves time to look at a wave and to stop before the next.
async fn let_look(progress: &Progress, wave: &Wave) {
    if let Some(number) = wave.number {
        progress.show(&Event::Baking { wait: LOOK, next: number });
        tokio::time::sleep(LOOK).await;
    }
}
