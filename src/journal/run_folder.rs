//! The run folder, which holds one run and is readable only by its owner.

use std::ffi::OsStr;
use std::fmt::Display;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::OFlags;

use super::replay::{Replay, ReplayFailed};
use super::run_info::{Ending, RunInfo};
use super::similar_folder::similar_folder;
use crate::directory::{Directory, is_same, temporary_name};
use crate::file_ownership::{Untrusted, check_folder, check_owner_and_mode, open_regular};

/// The largest description of a run that is read, in bytes. With 50,000 accounts in its selection, it has some 1 MB.
const MAX_DESCRIPTION: u64 = 64 << 20;

/// A run folder can't be used.
#[derive(Debug, thiserror::Error)]
pub enum RunFolderFailed {
    /// The folder, or a file in the folder, can't be written.
    #[error("{what} {} can't be written: {source}", path.display())]
    Unwritable {
        /// What can't be written.
        what: &'static str,
        /// The path of the file or folder.
        path: PathBuf,
        /// Why it can't be written.
        source: io::Error,
    },
    /// The folder holds no run that can be read.
    #[error("{} holds no run: {cause}", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
        /// Which file can't be read, and why.
        cause: String,
    },
    /// The folder, or a file in it, may not be read.
    #[error("the run folder {} can't be read: {cause}", path.display())]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// Which file can't be read, and why.
        cause: String,
    },
    /// The journal in the folder can't be read.
    #[error(transparent)]
    Replay(#[from] ReplayFailed),
    /// Another process uses the folder.
    #[error("another process works in the run folder {}", .0.display())]
    Busy(PathBuf),
    /// The folder holds a run already.
    #[error("the run folder {} holds a run already", .0.display())]
    Taken(PathBuf),
    /// Another user controls the folder.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// Something else changed the journal during the run, and the program noticed it.
    #[error("something else changed the journal in {} while the run worked: {detail}", path.display())]
    Changed {
        /// The folder.
        path: PathBuf,
        /// What the program noticed.
        detail: String,
    },
    /// The journal lacks the end that `run.json` has: it was cut short, or an older copy has taken its place.
    #[error("the journal in {} lacks the end of the run, which run.json has: {sentence}", path.display())]
    Shortened {
        /// The folder.
        path: PathBuf,
        /// The verdict in run.json.
        sentence: String,
    },
    /// The files in the folder belong to different runs.
    #[error("the journal in {} is of run {journal}, and run.json of run {described}", path.display())]
    Mixed {
        /// The folder.
        path: PathBuf,
        /// The run id in the journal.
        journal: String,
        /// The run id in run.json.
        described: String,
    },
}

/// The exit code of a run that could not go on.
const FAILED: u8 = 1;

/// The end of the verdict of a run whose last lines could not be written to the journal.
pub(crate) const NOT_COMPLETE: &str = "; the journal is not complete";

/// A folder that holds one run.
#[derive(Debug)]
pub struct RunFolder {
    /// The folder itself: if its path leads elsewhere during the run, the files of the run are still in this folder.
    pub(super) directory: Directory,
    /// The journal, locked during the run. The system releases the lock when the process ends.
    pub(super) journal: File,
    /// The length in bytes of the journal that was read. What comes after it must be written by this process.
    pub(super) length: u64,
    /// Whether this run created the folder. Only such a folder is removed if the run never starts.
    created: bool,
}

impl RunFolder {
    /// The name of the journal in the folder.
    pub const JOURNAL: &'static str = "journal.jsonl";
    /// The name of the file in the folder that describes the run.
    pub const RUN: &'static str = "run.json";

    /// Creates the folder and its journal, both readable only by the user. Reuses a folder whose run never started.
    pub(crate) fn create(path: &Path) -> Result<Self, RunFolderFailed> {
        let unwritable = unwritable("the run folder", path);
        let created = !path.exists();
        create_folder(path).map_err(&unwritable)?;
        let directory = open_own(path, &unwritable)?;
        let flags = OFlags::RDWR | OFlags::APPEND | OFlags::CREATE;
        let journal = directory.open_file(Self::JOURNAL, flags, 0o600).map_err(&unwritable)?;
        check_owner_and_mode(&path.join(Self::JOURNAL), &journal.metadata().map_err(&unwritable)?)?;
        let folder = Self { directory, journal, length: 0, created };
        lock(&folder.journal, path)?;
        if folder.journal.metadata().map_err(&unwritable)?.len() > 0 || folder.file(Self::RUN).exists() {
            return Err(RunFolderFailed::Taken(path.to_owned()));
        }
        folder.directory.sync().map_err(unwritable)?;
        Ok(folder)
    }

    /// Opens the folder of a run that stopped, to continue the run. Cuts off an incomplete last line of the journal.
    pub(crate) fn reopen(path: &Path) -> Result<(Self, RunInfo, Replay), RunFolderFailed> {
        let directory = open_own(path, |source| no_run(path, Self::JOURNAL, source))?;
        let name = path.join(Self::JOURNAL);
        let unwritable = unwritable("the journal", &name);
        let journal = directory.open_file(Self::JOURNAL, OFlags::RDWR | OFlags::APPEND, 0).map_err(|source| {
            match source.kind() {
                io::ErrorKind::NotFound => no_run(path, Self::JOURNAL, source),
                _ => unwritable(source),
            }
        })?;
        lock(&journal, path)?;
        let (info, replay) = Self::read_own(path)?;
        // Without a torn line, the journal keeps its time of modification, which is the end of the run.
        if journal.metadata().map_err(&unwritable)?.len() != replay.length {
            journal.set_len(replay.length).and_then(|()| journal.sync_all()).map_err(unwritable)?;
        }
        Ok((Self { directory, journal, length: replay.length, created: false }, info, replay))
    }

    /// Reads the folder of a run in order to display the run. The run can be in progress, and the folder can belong to any user.
    ///
    /// # Errors
    ///
    /// Returns an error if the folder holds no run, or if the run can't be read.
    pub fn read(path: &Path) -> Result<(RunInfo, Replay), RunFolderFailed> {
        Self::load(path, false)
    }

    /// Reads the folder of a run in order to act on the run. The folder must belong to the user.
    pub(crate) fn read_own(path: &Path) -> Result<(RunInfo, Replay), RunFolderFailed> {
        check_folder(path)?;
        let (info, replay) = Self::load(path, true)?;
        match &replay.run_id {
            Some(journal) if journal != info.run_id.as_str() => Err(RunFolderFailed::Mixed {
                path: path.to_owned(),
                journal: journal.clone(),
                described: info.run_id.to_string(),
            }),
            Some(_) | None => Ok((info, replay)),
        }
    }

    /// Reads the folder of a run that is not in progress, in order to act on the run. Locks the folder until the returned file is
    /// dropped.
    pub(crate) fn read_at_rest(path: &Path) -> Result<(File, RunInfo, Replay), RunFolderFailed> {
        check_folder(path)?;
        let journal = open_regular(&path.join(Self::JOURNAL), OpenOptions::new().read(true), true);
        let journal = journal.map_err(|error| unread(path, Self::JOURNAL, &error))?;
        lock(&journal, path)?;
        let (info, replay) = Self::read_own(path)?;
        Ok((journal, info, replay))
    }

    /// Locks the folder of a run until the returned file is dropped. Returns `None` if the folder no longer holds a run. No file
    /// is read, so the folder can belong to any user.
    pub(crate) fn lock(path: &Path) -> Result<Option<File>, RunFolderFailed> {
        let file = path.join(Self::JOURNAL);
        match open_regular(&file, OpenOptions::new().read(true), true) {
            Ok(journal) => lock(&journal, path).map(|()| Some(journal)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(unread(path, Self::JOURNAL, &error)),
        }
    }

    /// Reads only the description of the run in a folder, which can belong to any user.
    pub(crate) fn describe(path: &Path) -> Result<RunInfo, RunFolderFailed> {
        let run = open_regular(&path.join(Self::RUN), OpenOptions::new().read(true), false);
        let run = run.map_err(|error| unread(path, Self::RUN, &error))?;
        serde_json::from_reader(BufReader::new(run).take(MAX_DESCRIPTION))
            .map_err(|error| no_run(path, Self::RUN, error))
    }

    /// Whether a process works in the folder.
    ///
    /// A shared lock is held for a moment, so a process that starts to work in the folder at this moment would find it in use.
    pub(crate) fn is_in_use(path: &Path) -> bool {
        let journal = open_regular(&path.join(Self::JOURNAL), OpenOptions::new().read(true), false);
        journal.is_ok_and(|journal| matches!(journal.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    fn load(path: &Path, must_be_own: bool) -> Result<(RunInfo, Replay), RunFolderFailed> {
        let open = |name: &str| {
            let file = path.join(name);
            let unreadable = |error: io::Error| unread(path, name, &error);
            let open = open_regular(&file, OpenOptions::new().read(true), must_be_own).map_err(unreadable)?;
            if must_be_own {
                check_owner_and_mode(&file, &open.metadata().map_err(unreadable)?)?;
            }
            Ok::<_, RunFolderFailed>(BufReader::new(open))
        };
        // The journal is read first, because a newer format must be reported before any other error. Every version can read the
        // format number.
        let replay = Replay::of(open(Self::JOURNAL)?, &path.join(Self::JOURNAL));
        if let Err(error @ ReplayFailed::Newer { .. }) = replay {
            return Err(error.into());
        }
        let info = open(Self::RUN)
            .and_then(|run| serde_json::from_reader::<_, RunInfo>(run).map_err(|error| no_run(path, Self::RUN, error)));
        if let Ok(RunInfo { journal_changed: Some(detail), .. }) = &info {
            return Err(RunFolderFailed::Changed { path: path.to_owned(), detail: detail.clone() });
        }
        let (mut replay, info) = (replay?, info?);
        if lacks_end(&info, &replay) {
            // The run may have ended after its journal was read.
            replay = Replay::of(open(Self::JOURNAL)?, &path.join(Self::JOURNAL))?;
        }
        match &info.verdict {
            Some(Ending { sentence, .. }) if lacks_end(&info, &replay) => {
                Err(RunFolderFailed::Shortened { path: path.to_owned(), sentence: sentence.clone() })
            }
            Some(_) | None => Ok((info, replay)),
        }
    }

    /// Empties the journal of a run that ended before its lists of accounts and targets were complete.
    pub(crate) fn clear(&mut self) -> Result<(), RunFolderFailed> {
        self.length = 0;
        self.journal.set_len(0).map_err(unwritable("the journal", &self.file(Self::JOURNAL)))
    }

    /// Returns the path of the folder.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Returns the folder itself.
    pub(crate) const fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Returns a path with which the run can be resumed: that of the folder, wherever it is now. Returns `None` if the journal is no
    /// longer in it.
    pub(crate) fn resumable_at(&self) -> Option<PathBuf> {
        let journal = self.journal.metadata().ok()?;
        self.directory.current_path().filter(|_| self.directory.has(Self::JOURNAL, &journal))
    }

    /// Returns when the journal was last written.
    pub(crate) fn last_written(&self) -> Option<SystemTime> {
        self.journal.metadata().and_then(|metadata| metadata.modified()).ok()
    }

    /// Returns the path of a file in the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// Writes `run.json` atomically.
    pub(crate) fn write_run(&self, info: &RunInfo) -> Result<(), RunFolderFailed> {
        let write = || {
            let mut text = serde_json::to_vec_pretty(info)?;
            text.push(b'\n');
            let name = OsStr::new(Self::RUN);
            self.directory.replace(name, &temporary_name(name), 0o600, |file| file.write_all(&text))?;
            self.directory.sync()
        };
        write().map_err(unwritable("the run's description", &self.file(Self::RUN)))
    }

    /// Removes the files of a run that ended before it visited an account. Also removes the folder if this run created it.
    pub(crate) fn discard(self) {
        // A folder that can't be removed does no harm, and the error that ended the run is more important.
        let _ = self.directory.remove(Self::JOURNAL);
        let _ = self.directory.remove(Self::RUN);
        if self.created {
            let _ = fs::remove_dir(self.path());
        }
    }
}

/// Whether the journal lacks the end that `run.json` has. The journal's end is durable before `run.json` gets it. If the journal could
/// not be written to its end, the exit code or the sentence in `run.json` says so.
fn lacks_end(info: &RunInfo, replay: &Replay) -> bool {
    let Some(Ending { exit_code, sentence }) = &info.verdict else { return false };
    let is_known = *exit_code == FAILED || sentence.ends_with(NOT_COMPLETE);
    let is_of_this_run = replay.run_id.as_deref().is_none_or(|id| id == info.run_id.as_str());
    !is_known && is_of_this_run && replay.ended.as_ref().is_none_or(|(_, verdict)| verdict != sentence)
}

/// Opens a folder, and checks that it, and a link that leads to it, belong to the user.
fn open_own(path: &Path, failed: impl Fn(io::Error) -> RunFolderFailed) -> Result<Directory, RunFolderFailed> {
    check_folder(path)?;
    let directory = Directory::open(path).map_err(&failed)?;
    // The path may have been made to lead elsewhere since it was checked.
    check_owner_and_mode(path, &directory.metadata().map_err(failed)?)?;
    Ok(directory)
}

fn unwritable(what: &'static str, path: &Path) -> impl Fn(io::Error) -> RunFolderFailed {
    move |source| RunFolderFailed::Unwritable { what, path: path.to_owned(), source }
}

/// Locks a journal, and checks that it is still in the folder. Another process might have removed the journal after it was opened
/// and before it was locked.
fn lock(journal: &File, folder: &Path) -> Result<(), RunFolderFailed> {
    let path = folder.join(RunFolder::JOURNAL);
    let busy = || RunFolderFailed::Busy(folder.to_owned());
    journal.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => busy(),
        TryLockError::Error(source) => unwritable("the journal's lock", &path)(source),
    })?;
    match (journal.metadata(), fs::metadata(&path)) {
        (Ok(locked), Ok(file)) if is_same(&locked, &file) => Ok(()),
        _ => Err(busy()),
    }
}

/// Creates a folder and its parents, readable only by the user, and syncs the folders that contain them.
fn create_folder(path: &Path) -> io::Result<()> {
    let missing = path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).count();
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let parents = path.ancestors().skip(1).take(missing);
    parents.map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent }).try_for_each(sync_folder)
}

/// Makes the names of the files in a folder durable. Syncing only the files does not make their names durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Returns the error for a folder whose file `name` can't be opened. A file that may not be read does not mean that there is no run.
fn unread(path: &Path, name: &str, error: &io::Error) -> RunFolderFailed {
    if error.kind() == io::ErrorKind::PermissionDenied {
        return RunFolderFailed::Unreadable { path: path.to_owned(), cause: format!("{name}: {error}") };
    }
    no_run(path, name, error)
}

/// Returns the error for a folder whose file `name` can't be read.
fn no_run<E: Display>(path: &Path, name: &str, error: E) -> RunFolderFailed {
    let suggestion = similar_folder(path, RunFolder::RUN)
        .map_or_else(String::new, |other| format!("; did you mean {}?", other.display()));
    RunFolderFailed::NoRun { path: path.to_owned(), cause: format!("{name}: {error}{suggestion}") }
}
