//! This module owns the files that a report goes to: tried before the first call, written as results arrive where the format
//! allows, and replaced as a whole at the end.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::csv::CsvWriter;
use super::format::{DocumentFormat, OutputDocument};
use super::page;
use super::row::{Column, Row};
use crate::error::Error;
use crate::file_ownership;
use crate::journal::RunId;

/// One file of the report.
#[derive(Debug)]
struct ReportFile {
    path: PathBuf,
    format: DocumentFormat,
    /// The mode of the file, before the user's umask.
    mode: u32,
    /// Made by the trial, so that it is taken away again if the run never starts.
    made: bool,
    /// Something else than a plain file, such as a pipe: it is opened once, written once, and never replaced.
    special: Option<File>,
    /// The file has other names, too. It is replaced at the end, and never written itself, so that what they name stays.
    several_names: bool,
    live: Option<CsvWriter<File>>,
}

/// All files of the report.
#[derive(Debug)]
pub(crate) struct ReportFiles {
    files: Vec<ReportFile>,
}

impl ReportFiles {
    /// Tries every file, without changing one that exists. `private` ones are readable by the user alone.
    ///
    /// # Errors
    ///
    /// When one can't be written.
    pub(crate) fn open(
        private: &[(PathBuf, DocumentFormat)],
        others: &[(PathBuf, DocumentFormat)],
    ) -> Result<Self, Error> {
        let others = others.iter().map(|(path, format)| (path, *format, 0o666));
        let mut all = Self { files: Vec::new() };
        for (path, format, mode) in private.iter().map(|(path, format)| (path, *format, 0o600)).chain(others) {
            match ReportFile::open(path, format, mode) {
                Ok(file) => all.files.push(file),
                Err(source) => {
                    all.discard();
                    return Err(Error::Unwritable { what: "the report", path: path.clone(), source });
                }
            }
        }
        Ok(all)
    }

    /// Starts the files that are written as results arrive, which are CSV, and lets pages say that the run has not ended.
    /// `folder` is the run folder.
    ///
    /// # Errors
    ///
    /// When one can't be written.
    pub(crate) fn begin(&mut self, columns: &[Column], run_id: &RunId, folder: &Path) -> Result<(), Error> {
        for file in self.files.iter_mut().filter(|file| file.special.is_none() && !file.several_names) {
            let open = || file_ownership::open_regular(&file.path, OpenOptions::new().write(true).truncate(true), true);
            let begun = match file.format {
                DocumentFormat::Csv => {
                    open().and_then(|to| CsvWriter::new(to, columns.iter().map(|(name, _)| *name))).map(Some)
                }
                DocumentFormat::Html => open().and_then(|to| page::write_waiting(run_id, folder, to)).map(|()| None),
                _ => Ok(None),
            };
            let unwritable = |source| Error::Unwritable { what: "the report", path: file.path.clone(), source };
            file.live = begun.map_err(unwritable)?;
        }
        Ok(())
    }

    /// Adds a row to the files that are written as results arrive. It may stay in memory until [`hand_on`](Self::hand_on). A file
    /// that fails is tried again at the end.
    pub(crate) fn add(&mut self, row: &Row<'_>) {
        self.live(|live| live.write(row.values()));
    }

    /// Hands all rows so far to the system.
    pub(crate) fn hand_on(&mut self) {
        self.live(CsvWriter::flush);
    }

    fn live(&mut self, mut write: impl FnMut(&mut CsvWriter<File>) -> io::Result<()>) {
        for file in &mut self.files {
            if file.live.as_mut().is_some_and(|live| write(live).is_err()) {
                file.live = None;
            }
        }
    }

    /// Replaces every file with the complete document. Tries each file, even if another one fails.
    ///
    /// # Errors
    ///
    /// Fails with the first file that can't be written.
    pub(crate) fn finish(self, document: &dyn OutputDocument) -> Result<(), Error> {
        let mut result = Ok(());
        for file in self.files {
            let path = file.path.clone();
            if let Err(source) = file.finish(document) {
                result = result.and(Err(Error::Unwritable { what: "the report", path, source }));
            }
        }
        result
    }

    /// Returns the files together with the value, or discards them because of the error.
    pub(crate) fn or_discard<T>(self, result: Result<T, Error>) -> Result<(Self, T), Error> {
        match result {
            Ok(value) => Ok((self, value)),
            Err(error) => {
                self.discard();
                Err(error)
            }
        }
    }

    /// Takes away the files that the trial made.
    pub(crate) fn discard(self) {
        for file in self.files.into_iter().filter(|file| file.made) {
            // It is empty; that it stays does no harm.
            let _ = fs::remove_file(&file.path);
        }
    }
}

impl ReportFile {
    fn open(path: &Path, format: DocumentFormat, mode: u32) -> io::Result<Self> {
        use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
        file_ownership::check_destination(path).map_err(io::Error::other)?;
        let new = !path.exists();
        let is_link = fs::symlink_metadata(path).is_ok_and(|seen| seen.is_symlink());
        // What was no link a moment ago must not have become one.
        let direct = if is_link { OFlags::empty() } else { OFlags::NOFOLLOW };
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(mode).custom_flags(direct.bits().cast_signed());
        let file = options.open(path)?;
        let found = file.metadata()?;
        let several_names = found.nlink() > 1;
        let special = if found.is_file() { None } else { Some(file) };
        // Through a link, the file behind it is the one to replace.
        let path = if special.is_some() { path.to_owned() } else { path.canonicalize()? };
        Ok(Self { path, format, mode, made: new, special, several_names, live: None })
    }

    fn finish(self, document: &dyn OutputDocument) -> io::Result<()> {
        let write = |to: &mut dyn Write| {
            let mut to = BufWriter::new(to);
            document.write(self.format, &mut to)?;
            to.flush()
        };
        if let Some(mut special) = self.special {
            return write(&mut special);
        }
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::Builder::new().permissions(Permissions::from_mode(self.mode)).tempfile_in(folder)?;
        if !self.made {
            // A file that was there keeps its mode.
            file.as_file().set_permissions(fs::metadata(&self.path)?.permissions())?;
        }
        write(&mut file)?;
        file.as_file().sync_data()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}
