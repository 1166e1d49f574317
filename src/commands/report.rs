//! `report`: shows runs from their journals, finished or not. Several runs are merged into one report, and `--against` compares
//! them with earlier runs.

use std::path::{Path, PathBuf};

use super::{evidence, run_folder};
use crate::cli::ReportArgs;
use crate::error::Error;
use crate::journal::RunFolder;
use crate::report::comparison::{Comparison, Difference};
use crate::report::impact::ImpactReport;
use crate::report::lineage::is_based_on;
use crate::report::merge::{LoadedRun, merge, unfinished};
use crate::report::{DocumentFormat, OutputDocument, Report, ReportFiles};
use crate::run::complete::{needs_reports, repair};
use crate::run::stdout;
use crate::runs::name::{Kind, Purpose};
use crate::settings::{Environment, OutputSettings};
use crate::terminal::Progress;

/// The exit code if a difference of `--fail-on` occurs.
const FAILED_ON: u8 = 4;

/// Shows the runs in these folders, or compares them with the runs of `--against`.
pub(super) fn report(args: ReportArgs, environment: &Environment) -> Result<u8, Error> {
    let ReportArgs { folders, against, fail_on, evidence, verify_evidence, output } = args;
    let output = OutputSettings::resolve(output, environment)?;
    if let Some(path) = verify_evidence {
        return evidence::verify(&output, &path).map(|()| 0);
    }
    if let Some(to) = &evidence {
        evidence::check_request(to, &folders, &against)?;
    }
    let named = |folder| run_folder::named(folder, Kind::Any, output.stderr_mode);
    let against = against.into_iter().map(named).collect::<Result<Vec<_>, _>>()?;
    let folders = match &folders[..] {
        [] => vec![run_folder::named_or_newest(None, Kind::Any, Purpose::Report, output.stderr_mode)?],
        _ => folders.into_iter().map(named).collect::<Result<Vec<_>, _>>()?,
    };
    if let Some(impact) = folders.iter().chain(&against).find(|folder| ImpactReport::is_in(folder)) {
        if folders.len() == 1 && against.is_empty() && evidence.is_none() {
            return show_impact(&output, impact).map(|()| 0);
        }
        return Err(Error::Mismatch(format!(
            "{} has the report of an impact, which can be shown only by itself",
            impact.display()
        )));
    }
    if against.is_empty() {
        return show(&output, &folders, evidence.as_deref()).map(|()| 0);
    }
    let occurred = compare(&output, &against, &folders, &fail_on)?;
    let Some(occurred) = occurred else { return Ok(0) };
    Progress::new(output.stderr_mode).warn(&format!("--fail-on: {occurred}"));
    Ok(FAILED_ON)
}

fn show(output: &OutputSettings, folders: &[PathBuf], evidence: Option<&Path>) -> Result<(), Error> {
    let files = ReportFiles::open(None, &output.reports)?;
    let (files, run) = files.or_discard(read_merged(output, folders))?;
    // The first reading completes reports that are missing. With the lock, the second reading sees what is packed.
    let again = || Ok((evidence::lock(&folders[0])?, read_merged(output, folders)?));
    let (files, (_lock, run)) = match evidence {
        Some(_) => files.or_discard(again())?,
        None => (files, (None, run)),
    };
    let report = Report {
        run: &run.info,
        accounts: &run.accounts,
        records: &run.records,
        sentence: &run.sentence,
        exit_code: run.exit_code,
        run_ids: run.run_ids.as_deref(),
        folder: if let [folder] = folders { Some(folder) } else { None },
    };
    let made = evidence.map_or(Ok(()), |to| evidence::make(output, &folders[0], &report, to));
    let (files, ()) = files.or_discard(made)?;
    publish(output, files, "report", "the report", &report)
}

/// Shows the report of an impact again.
fn show_impact(output: &OutputSettings, folder: &Path) -> Result<(), Error> {
    let files = ReportFiles::open(None, &output.reports)?;
    let (files, impact) = files.or_discard(ImpactReport::read(folder).map_err(Error::Mismatch))?;
    publish(output, files, "impact", "the report", &impact)
}

/// Compares the runs in the folders `later` with the runs in the folders `earlier`. Returns how many accounts have one of the
/// differences in `fail_on`, as a text, or `None` if there are none.
fn compare(
    output: &OutputSettings,
    earlier: &[PathBuf],
    later: &[PathBuf],
    fail_on: &[Difference],
) -> Result<Option<String>, Error> {
    if let Some((path, _)) = output.reports.iter().find(|(_, format)| *format == DocumentFormat::Html) {
        return Err(Error::Usage(format!(
            "--report {}: a comparison has no page; name a file that ends in .md to read it, or in .csv or .json",
            path.display()
        )));
    }
    let files = ReportFiles::open(None, &output.reports)?;
    let runs = read_listed(output, earlier).and_then(|before| Ok((before, read_listed(output, later)?)));
    let (files, (before, after)) = files.or_discard(runs)?;
    let (files, comparison) = files.or_discard(Comparison::of(&before, &after))?;
    let is_base =
        |later: &LoadedRun, earlier: &LoadedRun| is_based_on(&later.info, &earlier.info, earlier.folder.as_deref());
    let (one, other) = (&before.info.run_id, &after.info.run_id);
    if is_base(&before, &after) {
        let note = format!("run {one}, which is taken as the earlier one, is based on run {other}");
        Progress::new(output.stderr_mode).warn(&note);
    } else if !is_base(&after, &before) && before.info.started_at > after.info.started_at {
        let note = format!("run {one}, which is taken as the earlier one, started after run {other}");
        Progress::new(output.stderr_mode).warn(&note);
    }
    publish(output, files, "comparison", "the comparison", &comparison)?;
    Ok(comparison.occurrences(fail_on))
}

/// Writes a document to the report files and to stdout. `title` is used if the result of a query is printed as a table.
fn publish(
    output: &OutputSettings,
    files: ReportFiles,
    title: &str,
    what: &'static str,
    document: &dyn OutputDocument,
) -> Result<(), Error> {
    let (files, query_result) = files.or_discard(stdout::query(output, title, document).map_err(Error::Usage))?;
    files.finish(document).into_result()?;
    stdout::print(output, document, query_result).map_err(stdout::unwritable(what))
}

/// Reads the runs in these folders for a comparison. Refuses a run that did not list all accounts, because in the comparison, an
/// account that such a run did not list would seem to have left the Organization.
fn read_listed(output: &OutputSettings, folders: &[PathBuf]) -> Result<LoadedRun, Error> {
    let run = read_merged(output, folders)?;
    match &run.unlisted {
        None => Ok(run),
        Some(folder) => Err(Error::Mismatch(format!(
            "the accounts of the run in {} were not all listed, so that it can't be compared",
            folder.display()
        ))),
    }
}

/// Reads the runs in these folders, and merges them if there are several.
fn read_merged(output: &OutputSettings, folders: &[PathBuf]) -> Result<LoadedRun, Error> {
    if let [folder] = folders {
        return read(output, folder);
    }
    let runs = folders.iter().map(|folder| read(output, folder)).collect::<Result<_, _>>()?;
    merge(runs).ok_or_else(|| Error::Usage("name the folder of a run".to_owned()))
}

/// Reads the run in a folder. Writes the reports in the folder if the run ended before it had written them.
fn read(output: &OutputSettings, folder: &Path) -> Result<LoadedRun, Error> {
    let (mut info, mut replay) = RunFolder::read(folder)?;
    if needs_reports(folder, &info, &replay) {
        match repair(folder) {
            Ok(repaired) => info = repaired.unwrap_or(info),
            Err(problem) => {
                let note = format!("the reports in {} are not complete: {problem}", folder.display());
                Progress::new(output.stderr_mode).warn(&note);
            }
        }
    }
    let records = replay.take_records();
    let sentence = match (&replay.ended, replay.ready) {
        (Some((_, verdict)), _) => verdict.clone(),
        (None, true) => unfinished(info.settings.mode, &records.iter().map(|record| record.outcome).collect()),
        (None, false) => {
            "not finished: the accounts are still being listed, or the run ended before all of them were".to_owned()
        }
    };
    Ok(LoadedRun {
        info,
        accounts: replay.accounts,
        records,
        sentence,
        exit_code: replay.ended.map(|(exit_code, _)| exit_code),
        folder: Some(folder.to_owned()),
        unlisted: (!replay.ready).then(|| folder.to_owned()),
        intents: replay.intents,
        visited_by_resume: replay.visited_by_resume,
        length: replay.length,
        run_ids: None,
    })
}
