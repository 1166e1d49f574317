//! `report --evidence` and `report --verify-evidence`: pack a run for an auditor, and check such a file.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::error::Error;
use crate::evidence::{EvidenceCheck, Packed, pack};
use crate::journal::RunFolder;
use crate::report::{DocumentFormat, Report, ReportFiles};
use crate::run::stdout;
use crate::settings::OutputSettings;
use crate::terminal::log_line::Level;
use crate::terminal::{LogLine, Progress};

/// Refuses a command line whose evidence can't be made, before anything is read.
pub(super) fn check_request(evidence: &Path, folders: &[PathBuf], against: &[PathBuf]) -> Result<(), Error> {
    let shown = evidence.display();
    if !evidence.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("zip")) {
        return Err(Error::Usage(format!("--evidence {shown}: name a file that ends in .zip")));
    }
    if folders.len() > 1 || !against.is_empty() {
        return Err(Error::Usage(format!("--evidence {shown}: evidence is of one run: name one run folder")));
    }
    Ok(())
}

/// Locks the folder of a run, so that the run does not continue while it is packed.
pub(super) fn lock(folder: &Path) -> Result<Option<std::fs::File>, Error> {
    Ok(RunFolder::lock(folder)?)
}

/// Packs a run, and says on stderr what was written.
pub(super) fn make(output: &OutputSettings, folder: &Path, report: &Report<'_>, to: &Path) -> Result<(), Error> {
    let Packed { files, manifest_sum } = pack(folder, report, to)?;
    let text = format!(
        "evidence: {} has {files} files of run {} and their manifest SHA256SUMS, whose SHA-256 sum is {manifest_sum}",
        to.display(),
        report.run.run_id
    );
    let fields = json!({ "evidence": to.to_string_lossy(), "manifest_sha256": manifest_sum });
    Progress::new(output.stderr_mode).log(&LogLine::new(Level::Info, "evidence", &text, fields));
    Ok(())
}

/// Checks a file of evidence, and shows what differs. Returns an error if something differs.
pub(super) fn verify(output: &OutputSettings, path: &Path) -> Result<(), Error> {
    let has_format = |format| !matches!(format, DocumentFormat::Html | DocumentFormat::Markdown);
    if let Some((path, _)) = output.reports.iter().find(|(_, format)| !has_format(*format)) {
        return Err(Error::Usage(format!(
            "--report {}: a check of evidence has no such format; name a file that ends in .csv, .json, or .jsonl",
            path.display()
        )));
    }
    let check = EvidenceCheck::of(path)?;
    let files = ReportFiles::open(None, &output.reports)?;
    let (files, query_result) = files.or_discard(stdout::query(output, "evidence", &check).map_err(Error::Usage))?;
    files.finish(&check).into_result()?;
    stdout::print(output, &check, query_result).map_err(stdout::unwritable("the check"))?;
    check.result()
}
