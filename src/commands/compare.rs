//! This module owns `report --against`: what has changed between two runs, each of which may be several that are taken as one.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::report::read;
use crate::cli::OutputFormat;
use crate::error::Error;
use crate::report::comparison::{Comparison, Incomparable};
use crate::report::merge::{Part, merge};
use crate::report::{Destination, Format, ReportFiles};
use crate::run::stdout::{self, find, fitted, say, write};
use crate::settings::OutputSettings;
use crate::terminal::Progress;

/// Refuses the formats that a comparison does not have.
pub(super) fn refuse_formats(output: &OutputSettings) -> Result<(), Error> {
    match output.reports.iter().find(|(_, format)| *format == Format::Html) {
        None => Ok(()),
        Some((to, _)) => {
            let path = if let Destination::File(path) = to { path.as_path() } else { Path::new("-") };
            Err(Error::Usage(format!(
                "--report {}: a comparison has no page; name a file that ends in .md to read it, or in .csv or .json",
                path.display()
            )))
        }
    }
}

/// Compares the runs in these folders. The files are taken away again if that can't be done.
pub(super) fn compare(
    output: &OutputSettings,
    files: ReportFiles,
    before: &[PathBuf],
    after: &[PathBuf],
) -> Result<(), Error> {
    let parts = one(before).and_then(|before| Ok((before, one(after)?)));
    let (before, after) = match parts {
        Ok(parts) => parts,
        Err(error) => {
            files.discard();
            return Err(error);
        }
    };
    let compared = Comparison::of(&before, &after).map_err(refused);
    let found = compared.and_then(|comparison| {
        let found = find(output, "comparison", || comparison.document()).map_err(Error::Usage)?;
        Ok((comparison, found))
    });
    let (comparison, found) = match found {
        Ok(found) => found,
        Err(error) => {
            files.discard();
            return Err(error);
        }
    };
    if before.run.started_at > after.run.started_at {
        let (before, after) = (&before.run.run_id, &after.run.run_id);
        let note = format!("run {before}, which is taken as the earlier one, started after run {after}");
        Progress::new(output.stderr_mode).warn(&note);
    }
    files.finish_with(|format, to| comparison.write(format, to))?;
    let to_stdout = output.reports.iter().find(|(to, _)| *to == Destination::Stdout).map(|(_, format)| *format);
    let told = match (to_stdout, found, output.stdout) {
        (Some(format), _, _) => write(|to| comparison.write(format, to)),
        (None, Some(found), _) => say(&found),
        (None, None, OutputFormat::None) => Ok(()),
        (None, None, OutputFormat::Text) => write(|to| comparison.write_text(to)),
        (None, None, OutputFormat::Csv) => write(|to| comparison.write(Format::Csv, to)),
        (None, None, OutputFormat::Json) => write(|to| comparison.write(Format::Json, to)),
        (None, None, OutputFormat::Jsonl) => write(|to| comparison.write(Format::Jsonl, to)),
        (None, None, OutputFormat::Table) => write(|to| to.write_all(fitted(&comparison.summary()).as_bytes())),
    };
    told.map_err(stdout::unwritable("the comparison"))
}

fn refused(cause: Incomparable) -> Error {
    match cause {
        Incomparable::Organizations { before, after } => Error::Mismatch(format!(
            "the earlier run is about Organization {before}, and the later one about {after}: only runs in one Organization can \
             be compared"
        )),
        Incomparable::NoOrganization { run } => Error::Mismatch(format!(
            "run {run} is about no Organization, or about several, so that it can't be compared"
        )),
    }
}

/// The runs in these folders as one.
fn one(folders: &[PathBuf]) -> Result<Part, Error> {
    let mut parts = Vec::with_capacity(folders.len());
    for folder in folders {
        let (part, _, listed) = read(folder)?;
        if !listed {
            // Accounts that are not listed yet would be taken for accounts that have left.
            return Err(Error::Mismatch(format!(
                "the accounts of the run in {} were not all listed, so that it can't be compared",
                folder.display()
            )));
        }
        parts.push(part);
    }
    let nameless = || Error::Usage("name the folder of a run".to_owned());
    if parts.len() > 1 { merge(parts).map(|merged| merged.part) } else { parts.pop() }.ok_or_else(nameless)
}
