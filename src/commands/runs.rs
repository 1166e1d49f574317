//! `runs` and `history`: show what the run folders in a folder know.

use std::path::Path;

use crate::cli::{HistoryArgs, RunsArgs};
use crate::error::Error;
use crate::journal::RUNS_DIR;
use crate::report::{DocumentFormat, OutputDocument, ReportFiles};
use crate::run::stdout;
use crate::runs::catalog::Catalog;
use crate::runs::history::History;
use crate::runs::list::RunList;
use crate::settings::{Environment, OutputSettings};
use crate::terminal::Progress;

/// How many folders that can't be read are named one by one.
const NAMED: usize = 5;

/// Lists the runs.
pub(super) fn runs(args: RunsArgs, environment: &Environment) -> Result<u8, Error> {
    let (output, catalog) = read(args, environment, "a list of runs")?;
    let list = RunList::of(&catalog);
    warn_of_problems(&output, list.problems());
    publish(&output, "runs", &list)
}

/// Shows the history of an account.
pub(super) fn history(args: HistoryArgs, environment: &Environment) -> Result<u8, Error> {
    let (output, catalog) = read(args.runs, environment, "a history")?;
    let history = History::of(args.account, &catalog);
    warn_of_problems(&output, history.problems());
    if history.is_empty() {
        let these = match history.runs() {
            0 => "there are no runs that can be read".to_owned(),
            1 => "the only run that can be read does not list it".to_owned(),
            several => format!("none of the {several} runs that can be read lists it"),
        };
        let dir = catalog.runs_dir.display();
        return Err(Error::Mismatch(format!("nothing is known of account {} in {dir}: {these}", args.account)));
    }
    publish(&output, "history", &history)
}

/// Reads the run folders. Refuses formats that such a document does not have before anything is read.
fn read(args: RunsArgs, environment: &Environment, what: &str) -> Result<(OutputSettings, Catalog), Error> {
    let output = OutputSettings::resolve(args.output, environment)?;
    let has_format = |format| !matches!(format, DocumentFormat::Html | DocumentFormat::Markdown);
    if let Some((path, _)) = output.reports.iter().find(|(_, format)| !has_format(*format)) {
        return Err(Error::Usage(format!(
            "--report {}: {what} has no such format; name a file that ends in .csv, .json, or .jsonl",
            path.display()
        )));
    }
    // The default folder need not exist yet, but a folder that was named must exist.
    if args.runs_dir != Path::new(RUNS_DIR) && !args.runs_dir.is_dir() {
        return Err(Error::Mismatch(format!("--runs-dir {}: there is no such folder", args.runs_dir.display())));
    }
    Ok((output, Catalog::read(&args.runs_dir)?))
}

/// Names the folders that were skipped. One bad folder must not hide the others.
fn warn_of_problems<'a>(output: &OutputSettings, problems: impl Iterator<Item = (&'a Path, &'a str)>) {
    let progress = Progress::new(output.stderr_mode);
    let problems: Vec<_> = problems.collect();
    for (folder, cause) in problems.iter().take(NAMED) {
        progress.warn(&format!("the run in {} can't be read: {cause}", folder.display()));
    }
    if problems.len() > NAMED {
        progress.warn(&format!("{} further run folders can't be read", problems.len() - NAMED));
    }
}

fn publish(output: &OutputSettings, title: &'static str, document: &dyn OutputDocument) -> Result<u8, Error> {
    let files = ReportFiles::open(None, &output.reports)?;
    let (files, query_result) = files.or_discard(stdout::query(output, title, document).map_err(Error::Usage))?;
    files.finish(document).into_result()?;
    stdout::print(output, document, query_result).map_err(stdout::unwritable("the list"))?;
    Ok(0)
}
