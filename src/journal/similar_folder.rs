//! The suggestion for a run folder that does not exist.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use super::runs_dir::runs_dir;
use crate::suggest::nearest_by_key;

/// A run folder is suggested if its name differs from the given name in at most this many characters, and in at most a quarter of
/// the characters.
const MAX_DISTANCE: usize = 3;

/// Returns the run folder that was probably meant: the run folder with the given name in [`runs_dir`], the only run inside the given
/// folder, or a run folder with a similar name. Every run folder has a file with the name `described_by`.
pub(super) fn similar_folder(path: &Path, described_by: &str) -> Option<PathBuf> {
    let name = path.file_name()?.to_string_lossy();
    let is_run = |folder: &PathBuf| folder.join(described_by).is_file();
    let elsewhere = runs_dir().join(path.file_name()?);
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
    let near = [runs(beside.unwrap_or(Path::new("."))), runs(&runs_dir())].concat();
    let limit = MAX_DISTANCE.min(name.chars().count() / 4);
    let folder =
        nearest_by_key(&name, near, |folder| folder.file_name().and_then(OsStr::to_str).unwrap_or_default(), limit)?;
    Some(folder.strip_prefix(".").map(Path::to_owned).unwrap_or(folder))
}
