//! This module owns the run folder: private to its user, and one run's alone.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::replay::Replay;
use super::run_info::RunInfo;
use crate::error::Error;
use crate::file_ownership::{self, Untrusted};
use crate::suggest::nearest_by_key;

/// A folder that holds one run.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// The journal, locked for as long as the run goes on. The lock of a dead process is gone with the process.
    journal: File,
    /// Whether the folder was made by this run, so that it may be taken away again if the run never starts.
    made: bool,
}

impl RunFolder {
    /// The name of the journal in the folder.
    pub const JOURNAL: &'static str = "journal.jsonl";
    /// The name of the run's description in the folder.
    pub const RUN: &'static str = "run.json";

    /// Makes the folder and its journal, both readable only by the user. A folder whose run never began is taken over.
    ///
    /// # Errors
    ///
    /// When the folder can't be written, somebody else may write to it, too, or it holds a run already.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let unwritable = |source| Error::Unwritable { what: "the run folder", path: path.to_owned(), source };
        let made = !path.exists();
        make_folder(path).map_err(unwritable)?;
        file_ownership::folder(path)?;
        let name = path.join(Self::JOURNAL);
        let mut options = OpenOptions::new();
        options.append(true).read(true).create(true).mode(0o600);
        let journal = file_ownership::open_plain(&name, &mut options, true).map_err(unwritable)?;
        file_ownership::file(&name, &journal.metadata().map_err(unwritable)?)?;
        let folder = Self { path: path.to_owned(), journal, made };
        lock(&folder.journal, path)?;
        if folder.journal.metadata().map_err(unwritable)?.len() > 0 || folder.file(Self::RUN).exists() {
            return Err(Error::RunFolderTaken(path.to_owned()));
        }
        sync_folder(path).map_err(unwritable)?;
        Ok(folder)
    }

    /// Opens the folder of a run that stopped, to go on with it. A torn end of its journal is cut off.
    ///
    /// # Errors
    ///
    /// When there is no run, somebody else may have a say in it, another process works in it, or its journal can't be read.
    pub fn reopen(path: &Path) -> Result<(Self, RunInfo, Replay), Error> {
        let unwritable = |source| Error::Unwritable { what: "the journal", path: path.join(Self::JOURNAL), source };
        file_ownership::folder(path)?;
        let journal =
            file_ownership::open_plain(&path.join(Self::JOURNAL), OpenOptions::new().append(true).read(true), true);
        let journal = journal.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => no_run(path, &source.to_string()),
            _ => unwritable(source),
        })?;
        let folder = Self { path: path.to_owned(), journal, made: false };
        lock(&folder.journal, path)?;
        let (info, replay) = Self::read_own(path)?;
        folder.journal.set_len(replay.length).and_then(|()| folder.journal.sync_all()).map_err(unwritable)?;
        Ok((folder, info, replay))
    }

    /// Reads the folder of a run, which may be going on, to show it. Whose folder it is does not matter.
    ///
    /// # Errors
    ///
    /// When there is no run, or it can't be read.
    pub fn read(path: &Path) -> Result<(RunInfo, Replay), Error> {
        Self::load(path, false)
    }

    /// Reads the folder of a run, to act on what it says.
    ///
    /// # Errors
    ///
    /// When there is no run, somebody else may have a say in it, or it can't be read.
    pub fn read_own(path: &Path) -> Result<(RunInfo, Replay), Error> {
        file_ownership::folder(path)?;
        let (info, replay) = Self::load(path, true)?;
        match &replay.run_id {
            Some(journal) if journal != info.run_id.as_str() => Err(Error::Untrusted(Untrusted::Mixed {
                path: path.to_owned(),
                journal: journal.clone(),
                described: info.run_id.to_string(),
            })),
            Some(_) | None => Ok((info, replay)),
        }
    }

    /// Reads the folder of a run in which no process works, to act on what it says, and keeps others from working in it for as long
    /// as what comes first is held.
    ///
    /// # Errors
    ///
    /// When there is no run, somebody else may have a say in it, a process works in it, or it can't be read.
    pub fn read_at_rest(path: &Path) -> Result<(File, RunInfo, Replay), Error> {
        file_ownership::folder(path)?;
        let journal = file_ownership::open_plain(&path.join(Self::JOURNAL), OpenOptions::new().read(true), true)
            .map_err(|error| no_run(path, &format!("{}: {error}", Self::JOURNAL)))?;
        lock(&journal, path)?;
        let (info, replay) = Self::read_own(path)?;
        Ok((journal, info, replay))
    }

    /// Keeps others from working in the folder of a run for as long as what it gives is held. A folder that holds no run any more needs
    /// no keeping. Nothing is read of it, so whose it is does not matter.
    ///
    /// # Errors
    ///
    /// When a process works in it, or its journal can't be opened.
    pub fn hold(path: &Path) -> Result<Option<File>, Error> {
        let file = path.join(Self::JOURNAL);
        match file_ownership::open_plain(&file, OpenOptions::new().read(true), true) {
            Ok(journal) => lock(&journal, path).map(|()| Some(journal)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(no_run(path, &format!("{}: {error}", Self::JOURNAL))),
        }
    }

    fn load(path: &Path, own: bool) -> Result<(RunInfo, Replay), Error> {
        let none = |cause: String| no_run(path, &cause);
        let open = |name: &str| {
            let file = path.join(name);
            let unreadable = |error: io::Error| none(format!("{name}: {error}"));
            let open = file_ownership::open_plain(&file, OpenOptions::new().read(true), own).map_err(unreadable)?;
            if own {
                file_ownership::file(&file, &open.metadata().map_err(unreadable)?)?;
            }
            Ok::<_, Error>(BufReader::new(open))
        };
        // The journal first: its format is known to every version, and a newer one must be told before anything else.
        let replay = Replay::of(open(Self::JOURNAL)?, &path.join(Self::JOURNAL))?;
        let info =
            serde_json::from_reader(open(Self::RUN)?).map_err(|error| none(format!("{}: {error}", Self::RUN)))?;
        Ok((info, replay))
    }

    /// Makes the journal empty again, for a run that never became ready.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn clear(&self) -> Result<(), Error> {
        let unwritable = |source| Error::Unwritable { what: "the journal", path: self.file(Self::JOURNAL), source };
        self.journal.set_len(0).map_err(unwritable)
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in the folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The journal's file.
    pub(super) fn journal(&self) -> io::Result<File> {
        self.journal.try_clone()
    }

    /// Writes `run.json`, whole or not at all.
    ///
    /// # Errors
    ///
    /// When it can't be written.
    pub fn write_run(&self, info: &RunInfo) -> Result<(), Error> {
        let path = self.file(Self::RUN);
        let unwritable = |source| Error::Unwritable { what: "the run's description", path: path.clone(), source };
        let mut text = serde_json::to_vec_pretty(info).map_err(|error| unwritable(error.into()))?;
        text.push(b'\n');
        let mut file = tempfile::NamedTempFile::new_in(&self.path).map_err(unwritable)?;
        file.write_all(&text).map_err(unwritable)?;
        file.as_file().sync_data().map_err(unwritable)?;
        file.persist(&path).map_err(|error| unwritable(error.error))?;
        sync_folder(&self.path).map_err(unwritable)
    }

    /// Takes the folder away again, for a run that ended before anything was attempted. What is not from this run stays.
    pub fn discard(self) {
        // A folder that can't be removed does no harm, and the error that ended the run matters more.
        let _ = fs::remove_file(self.file(Self::JOURNAL));
        let _ = fs::remove_file(self.file(Self::RUN));
        if self.made {
            let _ = fs::remove_dir(&self.path);
        }
    }
}

/// Takes the lock on a journal, and makes sure that it is still the journal of that folder: another process may have taken
/// the folder away between the opening and the locking.
fn lock(journal: &File, folder: &Path) -> Result<(), Error> {
    let path = folder.join(RunFolder::JOURNAL);
    match journal.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(Error::RunFolderBusy(folder.to_owned())),
        Err(TryLockError::Error(source)) => return Err(Error::Unwritable { what: "the journal's lock", path, source }),
    }
    let same = |one: &fs::Metadata, other: &fs::Metadata| (one.dev(), one.ino()) == (other.dev(), other.ino());
    match (journal.metadata(), fs::metadata(&path)) {
        (Ok(one), Ok(other)) if same(&one, &other) => Ok(()),
        _ => Err(Error::RunFolderBusy(folder.to_owned())),
    }
}

/// Makes a folder with all that lead to it, readable by the user alone, and makes their names durable.
fn make_folder(path: &Path) -> io::Result<()> {
    let missing = path.ancestors().take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists()).count();
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    let parents = path.ancestors().skip(1).take(missing);
    parents.map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent }).try_for_each(sync_folder)
}

/// Makes the names in a folder durable, which syncing the files alone does not.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Where runs are by default, from where the program was started.
const RUNS: &str = "v2token-runs";

/// How many characters a folder's name may differ from that of another for the other to have been meant; of a short name fewer.
const NEAR: usize = 3;

fn no_run(path: &Path, cause: &str) -> Error {
    let meant = meant(path).map_or_else(String::new, |meant| format!("; did you mean {}?", meant.display()));
    Error::NoRun { path: path.to_owned(), cause: format!("{cause}{meant}") }
}

/// The run folder that was probably meant: one with nearly that name beside it, one with that name where runs are by default, or
/// the only run in it.
fn meant(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_string_lossy();
    let is_run = |folder: &PathBuf| folder.join(RunFolder::RUN).is_file();
    let elsewhere = Path::new(RUNS).join(path.file_name()?);
    if is_run(&elsewhere) && elsewhere != path {
        return Some(elsewhere);
    }
    let runs = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(is_run).collect::<Vec<_>>()
    };
    let inside = runs(path);
    if let [only] = &inside[..] {
        return Some(only.clone());
    }
    let beside = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let near = [runs(beside.unwrap_or(Path::new("."))), runs(Path::new(RUNS))].concat();
    let limit = NEAR.min(name.chars().count() / 4);
    let folder =
        nearest_by_key(&name, near, |folder| folder.file_name().and_then(OsStr::to_str).unwrap_or_default(), limit)?;
    Some(folder.strip_prefix(".").map(Path::to_owned).unwrap_or(folder))
}
