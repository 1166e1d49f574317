//! The evidence of a run for an auditor: a zip file with the run's files and a manifest of their SHA-256 sums.

mod check;
mod manifest;
mod pack;

pub(crate) use check::EvidenceCheck;
pub(crate) use pack::{Packed, pack};

use crate::journal::RunFolder;

/// The files of a run, in the order of the zip file. The manifest comes after them.
const FILES: [&str; 5] = [RunFolder::RUN, RunFolder::JOURNAL, "report.csv", "report.json", "report.html"];

/// The largest file of a run that is packed or checked, in bytes. The journal of a run over 50,000 accounts has some 50 MB. The limit
/// bounds the time and the disk space that a hostile zip file could take.
const MAX_FILE: u64 = 1 << 30;
