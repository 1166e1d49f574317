//! The run folders in a folder, newest first, each with its `run.json`; and the folders of impacts.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::parallel;
use crate::error::Error;
use crate::journal::{RunFolder, RunInfo};
use crate::report::impact::ImpactReport;

/// A run folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CatalogEntry {
    /// The folder.
    pub folder: PathBuf,
    /// The description of the run in it.
    pub info: RunInfo,
}

/// A folder that seems to hold a run, but can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnreadableRun {
    /// The folder.
    pub folder: PathBuf,
    /// Why it can't be read.
    pub cause: String,
}

/// The run folders in a folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Catalog {
    /// The folder that contains the run folders.
    pub runs_dir: PathBuf,
    /// The run folders, newest first.
    pub entries: Vec<CatalogEntry>,
    /// The run folders that can't be read, by name.
    pub unreadable: Vec<UnreadableRun>,
}

impl Catalog {
    /// Reads the folders in `runs_dir`. A missing `runs_dir` has no runs. A folder that has neither a `run.json` nor a journal with
    /// content is ignored: it is not a run folder, or its run has not started yet.
    ///
    /// # Errors
    ///
    /// Returns an error if `runs_dir` can't be read, or if it is itself a run folder.
    pub(crate) fn read(runs_dir: &Path) -> Result<Self, Error> {
        let named = if runs_dir.as_os_str().is_empty() { Path::new(".") } else { runs_dir };
        let unreadable = |error: &io::Error| Error::Mismatch(format!("{} can't be read: {error}", runs_dir.display()));
        let mut folders = Vec::new();
        match fs::read_dir(named) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(unreadable(&error)),
            Ok(entries) => {
                if has_run(named) {
                    return Err(Error::Mismatch(format!(
                        "{} is a run folder: name the folder that contains it",
                        runs_dir.display()
                    )));
                }
                for entry in entries {
                    let folder = runs_dir.join(entry.map_err(|error| unreadable(&error))?.file_name());
                    folders.extend(has_run(&folder).then_some(folder));
                }
            }
        }
        // An impact is no rollout: it can be neither resumed nor undone.
        folders.retain(|folder| !ImpactReport::is_in(folder));
        folders.sort_unstable();
        let mut catalog = Self { runs_dir: runs_dir.to_owned(), ..Self::default() };
        let described = parallel::map(&folders, |folder| RunFolder::describe(folder));
        for (folder, described) in folders.into_iter().zip(described) {
            match described {
                Ok(info) => catalog.entries.push(CatalogEntry { folder, info }),
                Err(error) => catalog.unreadable.push(UnreadableRun { folder, cause: error.to_string() }),
            }
        }
        let age = |entry: &CatalogEntry| (entry.info.started_at, entry.info.run_id.as_str().to_owned());
        catalog.entries.sort_by_cached_key(|entry| std::cmp::Reverse(age(entry)));
        Ok(catalog)
    }
}

/// Returns the folders of impacts, the newest last.
///
/// # Errors
///
/// Returns an error if the folder of the run folders exists and can't be read.
pub(crate) fn impacts(runs_dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |source: io::Error| Error::Mismatch(format!("{} can't be read: {source}", runs_dir.display()));
    let entries = match fs::read_dir(runs_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(unreadable)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let folder = runs_dir.join(entry.map_err(unreadable)?.file_name());
        if let Some(started) = ImpactReport::started_in(&folder) {
            found.push((started, folder));
        }
    }
    found.sort_unstable();
    Ok(found.into_iter().map(|(_, folder)| folder).collect())
}

/// Whether a folder seems to hold a run.
pub(crate) fn has_run(folder: &Path) -> bool {
    let size = |name: &str| fs::symlink_metadata(folder.join(name)).map(|file| file.len());
    size(RunFolder::RUN).is_ok() || size(RunFolder::JOURNAL).is_ok_and(|size| size > 0)
}
