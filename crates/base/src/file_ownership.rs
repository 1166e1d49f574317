//! Checks that files and folders belong to the user, and that no other user is allowed to write to them. A run folder decides
//! what is set in which account, and a report must not be redirected to a file that another user chose.
//!
//! The user who runs the program is trusted, and so is root, who could do anything anyway. For files, the checks use the owner
//! and mode of the open file, so that the file can't be replaced between the check and the use.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

/// The mode bits that let the group and others write.
const GROUP_OR_OTHERS_WRITE: u32 = 0o022;
/// The mode bit that lets others write.
const OTHERS_WRITE: u32 = 0o002;

/// A file or folder that another user controls.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// The file or folder belongs to another user.
    #[error("{} belongs to user {owner}, who may have put anything into it", path.display())]
    Owner {
        /// The file or folder.
        path: PathBuf,
        /// The owner's user id.
        owner: u32,
    },
    /// Other users are allowed to write to the file or folder.
    #[error("{} may be written by others than its owner: its mode is {mode:04o}", path.display())]
    Writable {
        /// The file or folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// The path is a symbolic link of another user.
    #[error("{} is a link that user {owner} made, and may lead anywhere", path.display())]
    Link {
        /// The link.
        path: PathBuf,
        /// The owner's user id.
        owner: u32,
    },
}

/// Checks that a folder, and a symbolic link to it, belong to the user. A missing folder passes.
///
/// # Errors
///
/// Returns an error if one of them belongs to another user than the caller and root, or if other users may write to the folder.
pub fn check_folder(path: &Path) -> Result<(), Untrusted> {
    if let Ok(metadata) = fs::symlink_metadata(path) {
        check_link(path, &metadata)?;
    }
    fs::metadata(path).map_or(Ok(()), |folder| check_owner_and_mode(path, &folder))
}

/// Checks that a file or folder belongs to the user, and that no other user is allowed to write to it.
///
/// # Errors
///
/// Returns an error that says whose it is, or its mode if others may write to it.
pub fn check_owner_and_mode(path: &Path, metadata: &Metadata) -> Result<(), Untrusted> {
    if !is_trusted(metadata.uid()) {
        return Err(Untrusted::Owner { path: path.to_owned(), owner: metadata.uid() });
    }
    if metadata.mode() & GROUP_OR_OTHERS_WRITE != 0 {
        return Err(Untrusted::Writable { path: path.to_owned(), mode: metadata.mode() & 0o7777 });
    }
    Ok(())
}

/// Checks a path that is about to be written: it must not be a symbolic link of another user. In a folder in which all users are
/// allowed to create files, it must not be a file of another user.
///
/// # Errors
///
/// Returns an error that names the link or the file.
pub fn check_destination(path: &Path) -> Result<(), Untrusted> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(()) };
    check_link(path, &metadata)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let is_shared = fs::metadata(parent).is_ok_and(|parent| parent.mode() & OTHERS_WRITE != 0);
    if is_shared && !metadata.is_symlink() && !is_trusted(metadata.uid()) {
        return Err(Untrusted::Owner { path: path.to_owned(), owner: metadata.uid() });
    }
    Ok(())
}

/// Opens a regular file. A pipe or a device is refused, without waiting for it and without reading it. With `no_follow`, a
/// symbolic link is refused, too.
///
/// # Errors
///
/// Returns an error if the file can't be opened or is not regular.
pub fn open_regular(path: &Path, options: &mut OpenOptions, no_follow: bool) -> io::Result<File> {
    let flags = if no_follow { OFlags::NONBLOCK | OFlags::NOFOLLOW } else { OFlags::NONBLOCK };
    let file = options.custom_flags(flags.bits().cast_signed()).open(path).map_err(|error| {
        let is_link = no_follow && fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
        if is_link { io::Error::other("it is a link") } else { error }
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a regular file")) }
}

fn check_link(path: &Path, metadata: &Metadata) -> Result<(), Untrusted> {
    if metadata.is_symlink() && !is_trusted(metadata.uid()) {
        return Err(Untrusted::Link { path: path.to_owned(), owner: metadata.uid() });
    }
    Ok(())
}

fn is_trusted(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}
