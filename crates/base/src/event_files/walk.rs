//! Finds the files in folders, one after the other, so that a folder with a million files takes no memory.

use std::fs::{self, ReadDir};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::location::Role;

/// How deeply folders may be nested. The layout of an organization trail has 9 levels.
const DEEPEST: usize = 64;

/// What a walk finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A file with events.
    File(PathBuf),
    /// A file that has no events, by its name or because it is no regular file.
    Ignored,
    /// A folder or a file that can't be read.
    Problem(PathBuf, String),
}

/// A folder that is being read.
#[derive(Debug)]
struct Level {
    path: PathBuf,
    entries: ReadDir,
    /// The device and the number of the folder, which tell it from all others.
    identity: (u64, u64),
}

/// The files in a folder and in the folders below it. Links are followed, except back to a folder around them.
#[derive(Debug)]
pub(super) struct Walk {
    levels: Vec<Level>,
    /// What was found when the walk began.
    first: Option<Found>,
}

impl Walk {
    /// Begins with a folder.
    pub(super) fn new(folder: &Path) -> Self {
        let mut walk = Self { levels: Vec::new(), first: None };
        walk.first = walk.enter(folder.to_owned());
        walk
    }

    fn enter(&mut self, path: PathBuf) -> Option<Found> {
        let opened = fs::read_dir(&path).and_then(|entries| Ok((entries, fs::metadata(&path)?)));
        let (entries, metadata) = match opened {
            Ok(opened) => opened,
            Err(error) => return Some(Found::Problem(path, error.to_string())),
        };
        let identity = (metadata.dev(), metadata.ino());
        if self.levels.iter().any(|level| level.identity == identity) {
            return Some(Found::Problem(path, "it is a link to a folder around it".to_owned()));
        }
        if self.levels.len() >= DEEPEST {
            return Some(Found::Problem(path, format!("it is more than {DEEPEST} folders deep")));
        }
        self.levels.push(Level { path, entries, identity });
        None
    }
}

impl Iterator for Walk {
    type Item = Found;

    fn next(&mut self) -> Option<Found> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            let level = self.levels.last_mut()?;
            let entry = match level.entries.next() {
                None => {
                    self.levels.pop();
                    continue;
                }
                Some(Err(error)) => {
                    let path = level.path.clone();
                    self.levels.pop();
                    return Some(Found::Problem(path, error.to_string()));
                }
                Some(Ok(entry)) => entry,
            };
            let path = entry.path();
            let kind = entry.file_type();
            let is_link = kind.as_ref().is_ok_and(fs::FileType::is_symlink);
            let kind = if is_link { fs::metadata(&path).map(|metadata| metadata.file_type()) } else { kind };
            match kind {
                Err(error) => return Some(Found::Problem(path, error.to_string())),
                Ok(kind) if kind.is_dir() => {
                    if let Some(problem) = self.enter(path) {
                        return Some(problem);
                    }
                }
                Ok(kind) if kind.is_file() && Role::of(&entry.file_name()) == Role::Events => {
                    return Some(Found::File(path));
                }
                Ok(_) => return Some(Found::Ignored),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn loops_of_links_end_and_other_files_are_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir_all(path("a/b")).unwrap();
        for name in ["a/1.json", "a/b/2.json.gz", "a/README", "a/b/x_CloudTrail-Digest_y.json.gz"] {
            fs::write(path(name), "").unwrap();
        }
        symlink(path("a"), path("a/b/loop")).unwrap();
        symlink("nowhere", path("a/dangling.json")).unwrap();
        symlink(path("a/1.json"), path("linked.json")).unwrap();
        let found: Vec<Found> = Walk::new(folder.path()).collect();
        let mut files: Vec<String> = found
            .iter()
            .filter_map(|found| match found {
                Found::File(path) => Some(path.strip_prefix(folder.path()).unwrap().display().to_string()),
                _ => None,
            })
            .collect();
        files.sort();
        assert_eq!(files, ["a/1.json", "a/b/2.json.gz", "linked.json"]);
        assert_eq!(found.iter().filter(|found| **found == Found::Ignored).count(), 2);
        let problems = found.iter().filter(|found| matches!(found, Found::Problem(..))).count();
        assert_eq!(problems, 2, "{found:?}");
    }

    #[test]
    fn a_folder_that_does_not_exist_is_a_problem() {
        let found: Vec<Found> = Walk::new(Path::new("/nonexistent/folder")).collect();
        assert!(matches!(&found[..], [Found::Problem(..)]), "{found:?}");
    }
}
