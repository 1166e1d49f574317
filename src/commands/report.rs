//! This module owns `report`: a run is shown again from its journal, whether it is finished, goes on, or was cut short; and
//! several runs are shown as one.

use std::path::Path;

use super::compare::{compare, refuse_formats};
use crate::cli::ReportArgs;
use crate::error::Error;
use crate::journal::{RunFolder, RunId};
use crate::report::merge::{Merged, Part, merge, unfinished};
use crate::report::{Report, ReportFiles};
use crate::run::stdout::{self, find, tell};
use crate::settings::{Environment, OutputSettings};

/// Shows the runs in these folders.
pub(super) fn report(args: ReportArgs, environment: &Environment) -> Result<u8, Error> {
    let ReportArgs { folders, against, output } = args;
    let output = OutputSettings::resolve(output, environment)?;
    if !against.is_empty() {
        refuse_formats(&output)?;
    }
    let files = ReportFiles::open(&[], &output.reports)?;
    if !against.is_empty() {
        compare(&output, files, &against, &folders)?;
        return Ok(0);
    }
    let parts = folders.iter().map(|folder| read(folder)).collect::<Result<Vec<_>, _>>();
    let mut parts = match parts {
        Ok(parts) => parts,
        Err(error) => {
            files.discard();
            return Err(error);
        }
    };
    if let [folder] = &folders[..] {
        let (part, sentence, _) = parts.swap_remove(0);
        show(&output, files, &part, &sentence, None, Some(folder))?;
    } else {
        several(&output, files, parts)?;
    }
    Ok(0)
}

/// Shows several runs as one.
fn several(output: &OutputSettings, files: ReportFiles, parts: Vec<Known>) -> Result<(), Error> {
    let parts = parts.into_iter().map(|(part, ..)| part).collect();
    let Some(Merged { part, run_ids, sentence }) = merge(parts) else {
        return Err(Error::Usage("name the folder of a run".to_owned()));
    };
    show(output, files, &part, &sentence, Some(&run_ids), None)
}

fn show(
    output: &OutputSettings,
    files: ReportFiles,
    part: &Part,
    sentence: &str,
    run_ids: Option<&[RunId]>,
    folder: Option<&Path>,
) -> Result<(), Error> {
    let Part { run, accounts, records, ended } = part;
    let report = Report { run, accounts, records, sentence, ended: *ended, run_ids };
    let found = match find(output, "report", || report.document()) {
        Ok(found) => found,
        Err(cause) => {
            files.discard();
            return Err(Error::Usage(cause));
        }
    };
    files.finish(&report)?;
    tell(output, folder, &report, found).map_err(stdout::unwritable("the report"))
}

/// A run, how far it has come in one sentence, and whether all accounts of the Organization are in it.
type Known = (Part, String, bool);

/// Reads a run.
pub(super) fn read(folder: &Path) -> Result<Known, Error> {
    let (run, replay) = RunFolder::read(folder)?;
    let records = replay.records();
    let sentence = match (&replay.ended, replay.ready) {
        (Some((_, verdict)), _) => verdict.clone(),
        (None, true) => unfinished(&records.iter().map(|record| record.outcome).collect()),
        (None, false) => {
            "not finished: the accounts are still being listed, or the run ended before all of them were".to_owned()
        }
    };
    let ended = replay.ended.as_ref().map(|(exit_code, _)| *exit_code);
    Ok((Part { run, accounts: replay.accounts, records, ended }, sentence, replay.ready))
}
