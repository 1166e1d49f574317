//! Packs a run into a zip file. The same files give the same zip file, byte for byte.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::manifest::{Manifest, Sum, copy, written};
use super::{FILES, MAX_FILE};
use crate::directory::Directory;
use crate::error::Error;
use crate::file_ownership::{check_destination, open_regular};
use crate::report::{IN_RUN_FOLDER, OutputDocument, Report};

/// What was packed.
#[derive(Debug)]
pub(crate) struct Packed {
    /// The number of files, without the manifest.
    pub files: usize,
    /// The SHA-256 sum of the manifest.
    pub manifest_sum: String,
}

/// Packs the files in the folder of a run. Reports that the run has not written are made from `report`.
pub(crate) fn pack(folder: &Path, report: &Report<'_>, to: &Path) -> Result<Packed, Error> {
    let unwritable = |source| Error::Unwritable { what: "the evidence", path: to.to_owned(), source };
    check_destination(to).map_err(|error| unwritable(io::Error::other(error)))?;
    let name = to.file_name().ok_or_else(|| unwritable(io::ErrorKind::InvalidInput.into()))?;
    if to.symlink_metadata().is_ok_and(|metadata| !metadata.is_file()) {
        return Err(unwritable(io::Error::other("it is not a regular file")));
    }
    let directory = Directory::open(to.parent().unwrap_or(Path::new(""))).map_err(unwritable)?;
    let random: String = std::iter::repeat_with(fastrand::alphanumeric).take(8).collect();
    let temporary =
        [OsStr::new("."), name, OsStr::new(&format!(".{random}"))].into_iter().collect::<std::ffi::OsString>();
    let mut packed = None;
    directory
        .replace(name, &temporary, 0o666, |file| {
            packed = Some(write(folder, report, file)?);
            Ok(())
        })
        .map_err(unwritable)?;
    Ok(packed.expect("the zip file was written"))
}

/// Writes the zip file.
fn write(folder: &Path, report: &Report<'_>, to: &mut File) -> io::Result<Packed> {
    // Without a time, zip files have the first day of 1980.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(6))
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(io::BufWriter::new(to));
    let mut manifest = Manifest::default();
    for name in FILES {
        zip.start_file(name, options)?;
        let sum = add(folder, report, name, &mut zip)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", folder.join(name).display())))?;
        manifest.sums.insert(name.to_owned(), sum);
    }
    let text = manifest.to_text();
    zip.start_file(Manifest::NAME, options)?;
    zip.write_all(text.as_bytes())?;
    let mut inner = zip.finish()?;
    inner.flush()?;
    Ok(Packed { files: manifest.sums.len(), manifest_sum: Sum::of(text.as_bytes()).to_string() })
}

/// Writes one file of the run, and returns its sum.
fn add(folder: &Path, report: &Report<'_>, name: &str, to: &mut dyn Write) -> io::Result<Sum> {
    let format = IN_RUN_FOLDER.into_iter().find(|(known, _)| *known == name).map(|(_, format)| format);
    let open = || open_regular(&folder.join(name), OpenOptions::new().read(true), true);
    match format {
        // A run that has not ended has only the beginnings of its reports.
        Some(format) if report.run.verdict.is_none() => written(to, |to| report.write(format, to)),
        Some(format) => match open() {
            Ok(mut file) => copy(&mut file, to, MAX_FILE).map(|(sum, _)| sum),
            Err(error) if error.kind() == io::ErrorKind::NotFound => written(to, |to| report.write(format, to)),
            Err(error) => Err(error),
        },
        None => copy(&mut open()?, to, MAX_FILE).map(|(sum, _)| sum),
    }
}
