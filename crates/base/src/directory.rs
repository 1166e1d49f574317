//! An open directory: its files are opened, replaced and removed relative to it (openat(2)), wherever its path leads meanwhile.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, openat, renameat, statat, unlinkat};

/// A directory that is held open.
#[derive(Clone, Debug)]
pub struct Directory {
    open: Arc<File>,
    /// The path that led to it when it was opened.
    path: PathBuf,
}

impl Directory {
    /// Opens the directory to which a path leads.
    ///
    /// # Errors
    ///
    /// Returns an error if the path does not lead to a directory that can be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let named = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        let open = match File::open(named) {
            // A directory in which files may be created, but not listed.
            #[cfg(target_os = "linux")]
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
                File::from(rustix::fs::open(named, flags, Mode::empty()).map_err(|_| error)?)
            }
            other => other?,
        };
        if !open.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Self { open: Arc::new(open), path: path.to_owned() })
    }

    /// Returns the path that led to the directory when it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the metadata of the directory.
    ///
    /// # Errors
    ///
    /// Returns the system's error.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.open.metadata()
    }

    /// Returns a path that leads to the directory now: the path with which it was opened, or the path to which it was moved. Only
    /// Linux tells where a directory was moved to.
    pub fn current_path(&self) -> Option<PathBuf> {
        if self.is_at(&self.path) {
            return Some(self.path.clone());
        }
        let descriptor = std::os::fd::AsRawFd::as_raw_fd(&*self.open);
        let moved = fs::read_link(format!("/proc/self/fd/{descriptor}")).ok()?;
        self.is_at(&moved).then_some(moved)
    }

    /// Whether a path leads to this directory.
    fn is_at(&self, path: &Path) -> bool {
        let named = if path.as_os_str().is_empty() { Path::new(".") } else { path };
        matches!((self.open.metadata(), fs::metadata(named)), (Ok(own), Ok(there)) if is_same(&own, &there))
    }

    /// Opens a regular file of this directory. Neither follows a link nor waits for a pipe.
    ///
    /// # Errors
    ///
    /// Returns an error if the file can't be opened or is not regular.
    pub fn open_file(&self, name: impl AsRef<OsStr>, flags: OFlags, mode: u32) -> io::Result<File> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&*self.open, name.as_ref(), flags, Mode::from_raw_mode(mode)).map_err(|error| {
            if error == rustix::io::Errno::LOOP { io::Error::other("it is a link") } else { error.into() }
        })?;
        let file = File::from(file);
        if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("it is not a regular file")) }
    }

    /// Whether the name leads to this open file, and not through a link.
    #[allow(clippy::unnecessary_cast, reason = "systems other than Linux have other types for these members")]
    pub fn has(&self, name: impl AsRef<OsStr>, file: &Metadata) -> bool {
        self.stat(name).is_some_and(|there| (there.st_dev as u64, there.st_ino as u64) == (file.dev(), file.ino()))
    }

    /// Returns the size of a regular file of this directory, or `None` if there is none.
    pub fn size(&self, name: impl AsRef<OsStr>) -> Option<u64> {
        let there = self.stat(name).filter(|there| FileType::from_raw_mode(there.st_mode).is_file())?;
        u64::try_from(there.st_size).ok()
    }

    /// Describes a file without following a link and without opening the file, because the system might allow no more open files.
    fn stat(&self, name: impl AsRef<OsStr>) -> Option<Stat> {
        statat(&*self.open, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW).ok()
    }

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// Returns an error if the file can't be removed.
    pub fn remove(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        Ok(unlinkat(&*self.open, name.as_ref(), AtFlags::empty())?)
    }

    /// Replaces a file with a new one as a whole: a reader finds the old file or the new one, and never a part.
    /// The new file gets `mode`, before the umask.
    ///
    /// `temporary` is the name of the new file until it is complete. A file of that name is a leftover and is removed.
    ///
    /// # Errors
    ///
    /// Returns an error if the file can't be written, made durable, or renamed.
    pub fn replace(
        &self,
        name: impl AsRef<OsStr>,
        temporary: &OsStr,
        mode: u32,
        write: impl FnOnce(&mut File) -> io::Result<()>,
    ) -> io::Result<()> {
        // An error shows when the file is created.
        let _ = self.remove(temporary);
        let mut file = self.open_file(temporary, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL, mode)?;
        let complete = || {
            write(&mut file)?;
            file.sync_data()?;
            Ok(renameat(&*self.open, temporary, &*self.open, name.as_ref())?)
        };
        complete().inspect_err(|_| {
            // A part of a file is of no use, and the error is more important.
            let _ = self.remove(temporary);
        })
    }

    /// Makes the names of the files durable. Syncing only the files does not make their names durable.
    ///
    /// # Errors
    ///
    /// Returns an error if the directory can't be synced.
    pub fn sync(&self) -> io::Result<()> {
        self.open.sync_all()
    }
}

/// Returns the name of the new file while it replaces the file `name`, and while only one process does so.
pub fn temporary_name(name: &OsStr) -> OsString {
    [OsStr::new("."), name, OsStr::new(".new")].into_iter().collect()
}

/// Whether both are the same file.
pub fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}
