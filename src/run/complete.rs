//! Completes the reports of a run that ended before all of them were written: it was killed, or the disk was full.
//!
//! `run.json` gets the verdict only after the reports in the run folder are written. So a run whose journal has an end, and whose
//! `run.json` has no verdict, still needs its reports.

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use crate::error::Error;
use crate::file_ownership;
use crate::journal::{Ending, Replay, RunFolder, RunInfo};
use crate::report::{DocumentFormat, IN_RUN_FOLDER, Report, ReportFiles};

/// Whether a run has ended without writing all of its reports. A report that is missing or empty is not written, and neither is a CSV
/// file with fewer rows than accounts.
pub(crate) fn needs_reports(folder: &Path, info: &RunInfo, replay: &Replay) -> bool {
    let is_written = |(name, format): &(&str, DocumentFormat)| match format {
        DocumentFormat::Csv => has_rows(&folder.join(name), replay.accounts.len()),
        _ => folder.join(name).metadata().is_ok_and(|file| file.len() > 0),
    };
    replay.ended.is_some() && (info.verdict.is_none() || !IN_RUN_FOLDER.iter().all(is_written))
}

/// Whether a CSV report has a header and at least this many rows. No cell has a line end, because they are escaped.
fn has_rows(path: &Path, rows: usize) -> bool {
    let Ok(file) = file_ownership::open_regular(path, OpenOptions::new().read(true), false) else { return false };
    let lines = BufReader::new(file).split(b'\n').take(rows + 1).take_while(Result::is_ok);
    lines.count() > rows
}

/// Writes the reports in the folder of a run that has ended, and then the verdict into `run.json`.
pub(crate) fn complete_reports(folder: &RunFolder, info: &mut RunInfo, replay: &Replay) -> Result<(), Error> {
    let Some((exit_code, sentence)) = &replay.ended else { return Ok(()) };
    if info.ended_at.is_none() {
        // The line `ended` was the last that was written.
        info.ended_at = folder.last_written();
    }
    info.verdict = Some(Ending { exit_code: *exit_code, sentence: sentence.clone() });
    let files = ReportFiles::open(Some(folder.directory()), &[])?;
    let report = Report {
        run: info,
        accounts: &replay.accounts,
        records: &replay.records(),
        sentence,
        exit_code: Some(*exit_code),
        run_ids: None,
        folder: Some(folder.path()),
    };
    files.finish(&report).into_result()?;
    Ok(folder.write_run(info)?)
}

/// Completes the reports in a folder that is only shown, and returns the new content of `run.json`. Returns `None` if a process works
/// in the folder, or if it is the folder of another user, which is only read.
pub(crate) fn repair(folder: &Path) -> Result<Option<RunInfo>, Error> {
    let Ok((folder, mut info, replay)) = RunFolder::reopen(folder) else { return Ok(None) };
    complete_reports(&folder, &mut info, &replay)?;
    Ok(Some(info))
}
