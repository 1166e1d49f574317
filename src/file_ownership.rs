//! This module owns whose files are trusted: a run folder decides what is set in which account, and a report must not be led
//! into a file of somebody else's choice.
//!
//! Trusted are the user who runs the program, and root, who could do everything in any case. Folders are compared by their owner
//! and mode, and files by those of the open file, so that nothing can be exchanged between the look and the use.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// Who may write beside the owner: the group, and everybody.
const OTHERS: u32 = 0o022;
/// Everybody.
const EVERYBODY: u32 = 0o002;

/// A file or folder that somebody else has a say in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// It is somebody else's.
    #[error("{} belongs to user {owner}, who may have put anything into it", path.display())]
    Owner {
        /// What.
        path: PathBuf,
        /// The owner's number.
        owner: u32,
    },
    /// Others may write to it.
    #[error("{} may be written by others than its owner: its mode is {mode:04o}", path.display())]
    Writable {
        /// What.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is somebody else's link.
    #[error("{} is a link that user {owner} made, and may lead anywhere", path.display())]
    Link {
        /// What.
        path: PathBuf,
        /// The owner's number.
        owner: u32,
    },
    /// The files of the folder are not of one run.
    #[error("the journal in {} is of run {journal}, and run.json of run {described}", path.display())]
    Mixed {
        /// The folder.
        path: PathBuf,
        /// The run of the journal.
        journal: String,
        /// The run of the description.
        described: String,
    },
}

/// Checks that a folder, and the link that may lead to it, are nobody else's.
///
/// # Errors
///
/// When somebody else has a say in it. A folder that is not there is left to whoever opens it.
pub(crate) fn folder(path: &Path) -> Result<(), Untrusted> {
    if let Ok(seen) = fs::symlink_metadata(path) {
        link(path, &seen)?;
    }
    fs::metadata(path).map_or(Ok(()), |folder| ours(path, &folder))
}

/// Checks that an open file is nobody else's.
///
/// # Errors
///
/// When somebody else has a say in it.
pub(crate) fn file(path: &Path, open: &Metadata) -> Result<(), Untrusted> {
    ours(path, open)
}

/// Checks a place that is about to be written: nobody else's link may lead elsewhere from there, and in a folder where everybody
/// may make files, the file may be nobody else's.
///
/// # Errors
///
/// When somebody else has prepared it.
pub(crate) fn place(path: &Path) -> Result<(), Untrusted> {
    let Ok(seen) = fs::symlink_metadata(path) else { return Ok(()) };
    link(path, &seen)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let everybodys = fs::metadata(parent).is_ok_and(|parent| parent.mode() & EVERYBODY != 0);
    if everybodys && !seen.is_symlink() && !is_trusted(seen.uid()) {
        return Err(Untrusted::Owner { path: path.to_owned(), owner: seen.uid() });
    }
    Ok(())
}

/// Opens a plain file. A link is not followed where `direct`; a pipe is not waited for, and no device is read.
///
/// # Errors
///
/// When it can't be opened, or is no plain file.
pub(crate) fn open_plain(path: &Path, options: &mut OpenOptions, direct: bool) -> io::Result<File> {
    let mut flags = OFlags::NONBLOCK;
    if direct {
        flags |= OFlags::NOFOLLOW;
    }
    let file = options.custom_flags(flags.bits().cast_signed()).open(path).map_err(|error| {
        let is_link = direct && fs::symlink_metadata(path).is_ok_and(|seen| seen.is_symlink());
        if is_link { io::Error::other("it is a link") } else { error }
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is no plain file")) }
}

fn link(path: &Path, seen: &Metadata) -> Result<(), Untrusted> {
    if seen.is_symlink() && !is_trusted(seen.uid()) {
        return Err(Untrusted::Link { path: path.to_owned(), owner: seen.uid() });
    }
    Ok(())
}

fn ours(path: &Path, found: &Metadata) -> Result<(), Untrusted> {
    if !is_trusted(found.uid()) {
        return Err(Untrusted::Owner { path: path.to_owned(), owner: found.uid() });
    }
    if found.mode() & OTHERS != 0 {
        return Err(Untrusted::Writable { path: path.to_owned(), mode: found.mode() & 0o7777 });
    }
    Ok(())
}

fn is_trusted(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}
