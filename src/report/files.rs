//! The report files: opened before the first call, written while results arrive if the format allows it, and replaced by the
//! complete report at the end.

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

/// One report file.
#[derive(Debug)]
struct ReportFile {
    path: PathBuf,
    format: DocumentFormat,
    /// The mode of a new file, before the umask.
    mode: u32,
    /// Whether `open` created the file. Such a file is removed if the run does not start.
    created: bool,
    /// The open file if the path is a pipe or another special file. Such a file is opened once, written once, and never replaced.
    special: Option<File>,
    /// Whether the file has other hard links. Such a file is replaced at the end and never written in place, so that the other
    /// links keep their content.
    has_other_links: bool,
    /// The writer of rows that are written while results arrive.
    writer: Option<CsvWriter<File>>,
}

/// All report files.
#[derive(Debug)]
pub(crate) struct ReportFiles {
    files: Vec<ReportFile>,
}

impl ReportFiles {
    /// Opens every file, without changing existing files. Only the user can read `private` files.
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

    /// Writes the headers of CSV files, which get rows while results arrive. Writes HTML files that say that the run has not
    /// ended. `folder` is the run folder.
    pub(crate) fn begin(&mut self, columns: &[Column], run_id: &RunId, folder: &Path) -> Result<(), Error> {
        for file in self.files.iter_mut().filter(|file| file.special.is_none() && !file.has_other_links) {
            let open = || file_ownership::open_regular(&file.path, OpenOptions::new().write(true).truncate(true), true);
            let writer = match file.format {
                DocumentFormat::Csv => {
                    open().and_then(|to| CsvWriter::new(to, columns.iter().map(|(name, _)| *name))).map(Some)
                }
                DocumentFormat::Html => open().and_then(|to| page::write_unfinished(run_id, folder, to)).map(|()| None),
                _ => Ok(None),
            };
            let unwritable = |source| Error::Unwritable { what: "the report", path: file.path.clone(), source };
            file.writer = writer.map_err(unwritable)?;
        }
        Ok(())
    }

    /// Adds a row to the CSV files. The row can stay in the buffer until [`flush`](Self::flush). If a row can't be written, its
    /// file gets no more rows until the complete report replaces it at the end.
    pub(crate) fn add(&mut self, row: &Row<'_>) {
        self.for_each_writer(|writer| writer.write(row.values()));
    }

    /// Writes the buffered rows to the CSV files.
    pub(crate) fn flush(&mut self) {
        self.for_each_writer(CsvWriter::flush);
    }

    fn for_each_writer(&mut self, mut write: impl FnMut(&mut CsvWriter<File>) -> io::Result<()>) {
        for file in &mut self.files {
            if file.writer.as_mut().is_some_and(|writer| write(writer).is_err()) {
                file.writer = None;
            }
        }
    }

    /// Replaces every file with the complete document. Tries each file, even if another file fails. Fails with the error of the
    /// first file that can't be written.
    pub(crate) fn finish(self, document: &dyn OutputDocument) -> Result<(), Error> {
        let finish = |file: ReportFile| {
            let path = file.path.clone();
            file.finish(document).map_err(|source| Error::Unwritable { what: "the report", path, source })
        };
        self.files.into_iter().map(finish).fold(Ok(()), Result::and)
    }

    /// Returns the files and the value of `result`, or discards the files and returns its error.
    pub(crate) fn or_discard<T>(self, result: Result<T, Error>) -> Result<(Self, T), Error> {
        match result {
            Ok(value) => Ok((self, value)),
            Err(error) => {
                self.discard();
                Err(error)
            }
        }
    }

    /// Removes the files that `open` created.
    pub(crate) fn discard(self) {
        for file in self.files.into_iter().filter(|file| file.created) {
            // If the file can't be removed, an empty file remains, which is harmless.
            let _ = fs::remove_file(&file.path);
        }
    }
}

impl ReportFile {
    fn open(path: &Path, format: DocumentFormat, mode: u32) -> io::Result<Self> {
        use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
        file_ownership::check_destination(path).map_err(io::Error::other)?;
        let created = !path.exists();
        let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
        // If the path was not a link at the check but is a link now, opening the file fails.
        let nofollow = if is_link { OFlags::empty() } else { OFlags::NOFOLLOW };
        let flags = nofollow.bits().cast_signed();
        let file = OpenOptions::new().append(true).create(true).mode(mode).custom_flags(flags).open(path)?;
        let metadata = file.metadata()?;
        let has_other_links = metadata.nlink() > 1;
        let special = if metadata.is_file() { None } else { Some(file) };
        // If the path is a link, its target is replaced.
        let path = if special.is_some() { path.to_owned() } else { path.canonicalize()? };
        Ok(Self { path, format, mode, created, special, has_other_links, writer: None })
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
        if !self.created {
            // An existing file keeps its mode.
            file.as_file().set_permissions(fs::metadata(&self.path)?.permissions())?;
        }
        write(&mut file)?;
        file.as_file().sync_data()?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(())
    }
}
