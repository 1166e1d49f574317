//! The context of a run: its settings, its folder, its report files and its display, from the first check to the exit code.

use std::fs::File;

use crate::cloud::aws::{Aws, Organization};
use crate::error::Error;
use crate::journal::{Journal, RunFolder, RunInfo};
use crate::report::ReportFiles;
use crate::rollout::wave::WaveMembers;
use crate::settings::Settings;
use crate::terminal::Progress;

/// The state that all steps of a run share.
pub(crate) struct RunContext {
    pub settings: Settings,
    /// The content of `run.json`.
    pub info: RunInfo,
    pub folder: RunFolder,
    pub files: ReportFiles,
    pub progress: Progress,
    /// The lock on the earlier run that this run applies or undoes. No other process can resume that run while the lock is held.
    pub earlier_run: Option<File>,
    /// For each entry of `--waves`, the selected accounts in its OU or with its tag.
    pub wave_members: WaveMembers,
    /// Whether this run created the run folder. Such a folder is removed if the run ends before its first visit.
    is_new: bool,
}

impl RunContext {
    /// Creates the folder of a new run.
    pub(crate) fn create(settings: Settings) -> Result<Self, Error> {
        let folder = RunFolder::create(&settings.folder())?;
        let info = RunInfo::new(settings.run_id.clone(), settings.command, settings.run.clone(), settings.now);
        if let Err(error) = folder.write_run(&info) {
            folder.discard();
            return Err(error.into());
        }
        Self::open(settings, folder, info, true)
    }

    /// Continues in the folder of an interrupted run.
    pub(crate) fn reopen(settings: Settings, folder: RunFolder, info: RunInfo) -> Result<Self, Error> {
        Self::open(settings, folder, info, false)
    }

    /// Opens the report files early, so that a report that can't be written is detected before AWS is called.
    fn open(settings: Settings, folder: RunFolder, info: RunInfo, is_new: bool) -> Result<Self, Error> {
        match ReportFiles::open(Some(folder.directory()), &settings.output.reports) {
            Ok(files) => {
                let progress = Progress::new(settings.output.stderr_mode);
                progress.say_waits();
                Ok(Self {
                    settings,
                    info,
                    folder,
                    files,
                    progress,
                    earlier_run: None,
                    wave_members: WaveMembers::new(),
                    is_new,
                })
            }
            Err(error) => {
                if is_new {
                    folder.discard();
                }
                Err(error)
            }
        }
    }

    /// Removes what the run created, because the run ended before its first visit.
    pub(crate) fn abandon(self) {
        self.progress.finish();
        self.files.discard();
        if self.is_new {
            self.folder.discard();
        }
    }

    /// Writes the Organization and the caller into `run.json`.
    pub(crate) fn describe(&mut self, organization: &Organization, aws: &Aws) -> Result<(), Error> {
        let info = &mut self.info;
        info.organization_id = Some(organization.id.clone());
        info.management_account = Some(organization.management);
        info.caller_arn = Some(aws.caller.arn.clone());
        info.credential_source = Some(aws.credential_source.clone());
        info.region = Some(aws.region.clone());
        info.sts_endpoint = Some(aws.sts_endpoint.clone());
        Ok(self.folder.write_run(info)?)
    }

    /// Records in `run.json` that an interrupted run continues, and with which settings.
    pub(crate) fn continue_run(&mut self) -> Result<(), Error> {
        self.info.settings = self.settings.run.clone();
        (self.info.ended_at, self.info.verdict) = (None, None);
        Ok(self.folder.write_run(&self.info)?)
    }

    pub(crate) fn start_journal(&self) -> Result<Journal, Error> {
        Journal::start(&self.folder).map_err(|source| self.journal_unwritable(source))
    }

    /// Returns the error for a journal that can't be written.
    pub(crate) fn journal_unwritable(&self, source: std::io::Error) -> Error {
        Error::Unwritable { what: "the journal", path: self.folder.file(RunFolder::JOURNAL), source }
    }
}
