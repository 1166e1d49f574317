//! The report files: opened before the first call, written while results arrive if the format allows it, and replaced by the
//! complete report at the end. A file that has content keeps it until then.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Read as _, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::csv::CsvWriter;
use super::format::{DocumentFormat, OutputDocument};
use super::page;
use super::row::{Column, Row};
use crate::directory::{Directory, temporary_name};
use crate::error::Error;
use crate::file_ownership;
use crate::journal::{RunFolder, RunId};

/// The reports in every run folder.
pub(crate) const IN_RUN_FOLDER: [(&str, DocumentFormat); 3] =
    [("report.csv", DocumentFormat::Csv), ("report.json", DocumentFormat::Json), ("report.html", DocumentFormat::Html)];

/// How `journal.jsonl` and `run.json` begin. A file that begins like this is never replaced by a report, regardless of its name.
const BEGINNINGS: [&str; 2] = ["{\"event\":\"journal\",", "{\n  \"run_id\":"];

/// Where a report is written.
#[derive(Debug)]
enum Place {
    /// A regular file.
    File { directory: Directory, name: OsString },
    /// The open file if it is not a regular file, such as a pipe. It is opened once, written once, and never replaced.
    Special(File),
}

/// One report file.
#[derive(Debug)]
struct ReportFile {
    /// The path, for messages.
    path: PathBuf,
    place: Place,
    format: DocumentFormat,
    /// Whether the file is in the run folder, which only one process uses.
    in_run_folder: bool,
    /// Whether `open` created the file. Such a file is removed if the run does not start.
    created: bool,
    /// The permissions of an existing file, which the complete report keeps.
    permissions: Option<Permissions>,
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

/// Which reports could not be written, with the first error of each kind.
pub(crate) struct Unwritten {
    pub in_run_folder: Option<Error>,
    pub elsewhere: Option<Error>,
}

impl Unwritten {
    /// Returns the first error.
    pub(crate) fn into_result(self) -> Result<(), Error> {
        self.in_run_folder.or(self.elsewhere).map_or(Ok(()), Err)
    }
}

impl ReportFiles {
    /// Opens the reports of a run folder, if there is one, and every other file, without changing existing files. Only the user
    /// can read the reports in the run folder.
    pub(crate) fn open(run_folder: Option<&Directory>, others: &[(PathBuf, DocumentFormat)]) -> Result<Self, Error> {
        let own = run_folder.into_iter().flat_map(|folder| IN_RUN_FOLDER.map(|(name, format)| (folder, name, format)));
        let own = own.map(|(folder, name, format)| {
            (folder.path().join(name), ReportFile::open_in_run_folder(folder, name, format))
        });
        let others = others.iter().map(|(path, format)| (path.clone(), ReportFile::open(path, *format)));
        let mut all = Self { files: Vec::new() };
        for (path, opened) in own.chain(others) {
            match opened {
                Ok(file) => all.files.push(file),
                Err(source) => {
                    all.discard();
                    return Err(Error::Unwritable { what: "the report", path, source });
                }
            }
        }
        Ok(all)
    }

    /// Begins the CSV files, which get rows while results arrive, and pages that say that the run has not ended. `folder` is the
    /// run folder.
    ///
    /// A report with content keeps it until the complete report takes its place. If it is in the run folder, the rows go to a file
    /// beside it.
    pub(crate) fn begin(&mut self, columns: &[Column], run_id: &RunId, folder: &Path) -> Result<(), Error> {
        for file in self.files.iter_mut().filter(|file| !file.has_other_links) {
            let Place::File { directory, name } = &file.place else { continue };
            let is_empty = directory.size(name) == Some(0);
            let in_place = || directory.open_file(name, OFlags::WRONLY, 0);
            let header = |to| CsvWriter::new(to, columns.iter().map(|(name, _)| *name)).map(Some);
            let writer = match file.format {
                DocumentFormat::Csv if is_empty => in_place().and_then(header),
                DocumentFormat::Csv if file.in_run_folder => {
                    // A leftover of a run that was killed.
                    let _ = directory.remove(partial_name(name));
                    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
                    directory.open_file(partial_name(name), flags, 0o600).and_then(header)
                }
                DocumentFormat::Html if is_empty => {
                    in_place().and_then(|to| page::write_unfinished(run_id, folder, to)).map(|()| None)
                }
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

    /// Replaces every file with the complete document. Tries each file, even if another one fails.
    pub(crate) fn finish(self, document: &dyn OutputDocument) -> Unwritten {
        let mut unwritten = Unwritten { in_run_folder: None, elsewhere: None };
        for file in self.files {
            let (path, in_run_folder) = (file.path.clone(), file.in_run_folder);
            if let Err(source) = file.finish(document) {
                let kind = if in_run_folder { &mut unwritten.in_run_folder } else { &mut unwritten.elsewhere };
                kind.get_or_insert(Error::Unwritable { what: "the report", path, source });
            }
        }
        unwritten
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
        self.files.iter().for_each(ReportFile::discard);
    }
}

impl ReportFile {
    fn open_in_run_folder(folder: &Directory, name: &str, format: DocumentFormat) -> io::Result<Self> {
        let path = folder.path().join(name);
        file_ownership::check_destination(&path).map_err(io::Error::other)?;
        let created = folder.size(name).is_none();
        let file = folder.open_file(name, OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE, 0o600)?;
        let metadata = file.metadata()?;
        Ok(Self {
            path,
            place: Place::File { directory: folder.clone(), name: name.into() },
            format,
            in_run_folder: true,
            created,
            permissions: (!created).then(|| metadata.permissions()),
            has_other_links: metadata.nlink() > 1,
            writer: None,
        })
    }

    fn open(path: &Path, format: DocumentFormat) -> io::Result<Self> {
        file_ownership::check_destination(path).map_err(io::Error::other)?;
        let created = !path.exists();
        let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
        // If the path was not a link at the check but is a link now, opening the file fails.
        let nofollow = if is_link { OFlags::empty() } else { OFlags::NOFOLLOW };
        let flags = nofollow.bits().cast_signed();
        let file = OpenOptions::new().append(true).create(true).mode(0o666).custom_flags(flags).open(path)?;
        let metadata = file.metadata()?;
        let place = if metadata.is_file() {
            // If the path is a link, its target is replaced.
            let target = path.canonicalize()?;
            let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
            Place::File { directory: Directory::open(target.parent().unwrap_or(Path::new("/")))?, name }
        } else {
            Place::Special(file)
        };
        let opened = Self {
            path: path.to_owned(),
            place,
            format,
            in_run_folder: false,
            created,
            permissions: (!created).then(|| metadata.permissions()),
            has_other_links: metadata.nlink() > 1,
            writer: None,
        };
        if opened.is_part_of_a_run() {
            opened.discard();
            return Err(io::Error::other(
                "it is the journal or the description of a run, without which the run can't be resumed or undone: name another \
                 file",
            ));
        }
        Ok(opened)
    }

    /// Whether the file is the journal or the description of a run: by its place, or by its content, because it may have been
    /// moved or copied.
    fn is_part_of_a_run(&self) -> bool {
        let Place::File { directory, name } = &self.place else { return false };
        let Ok(file) = directory.open_file(name, OFlags::RDONLY, 0) else { return false };
        let parts = [RunFolder::JOURNAL, RunFolder::RUN];
        let is_part = file.metadata().is_ok_and(|file| parts.iter().any(|part| directory.has(part, &file)));
        let in_run_folder = is_part && parts.iter().all(|part| directory.size(part).is_some());
        let mut beginning = String::new();
        let length = BEGINNINGS.iter().map(|beginning| beginning.len() as u64).max().unwrap_or(0);
        // A file that is no text is no part of a run.
        let _ = file.take(length).read_to_string(&mut beginning);
        in_run_folder || BEGINNINGS.iter().any(|known| beginning.starts_with(known))
    }

    fn finish(self, document: &dyn OutputDocument) -> io::Result<()> {
        let write = |to: &mut dyn Write| {
            let mut to = BufWriter::new(to);
            document.write(self.format, &mut to)?;
            to.flush()
        };
        let (directory, name) = match self.place {
            Place::Special(mut special) => return write(&mut special),
            Place::File { directory, name } => (directory, name),
        };
        let (temporary, mode) = if self.in_run_folder {
            (temporary_name(&name), 0o600)
        } else {
            // Other processes may write to the same directory.
            let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(8).collect();
            ([OsStr::new("."), &name, OsStr::new(&format!(".{random}"))].into_iter().collect(), 0o666)
        };
        directory.replace(&name, &temporary, mode, |file| {
            if let Some(permissions) = self.permissions {
                file.set_permissions(permissions)?;
            }
            write(file)
        })?;
        if self.in_run_folder {
            // Usually there is none.
            let _ = directory.remove(partial_name(&name));
            directory.sync()?;
        }
        Ok(())
    }

    /// Removes the file if `open` created it.
    fn discard(&self) {
        if let Place::File { directory, name } = &self.place
            && self.created
        {
            // An empty file that remains is harmless.
            let _ = directory.remove(name);
        }
    }
}

/// Returns the name of the file that gets the rows of an interrupted run that continues, because its report has the earlier rows.
fn partial_name(name: &OsStr) -> OsString {
    [name, OsStr::new(".partial")].into_iter().collect()
}
