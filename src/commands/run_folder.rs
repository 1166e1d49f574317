//! The run folders that the command line names, and those that are meant if it names none.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::RunArgs;
use crate::error::Error;
use crate::journal::runs_dir;
use crate::runs::name::{self, FoundFolder, Kind, Purpose};
use crate::sanitize::for_shell;
use crate::terminal::log_line::Level;
use crate::terminal::stderr_mode::StderrMode;
use crate::terminal::{LogLine, Progress};

/// Returns the folder that is meant by a path or a name. Says which folder `latest` is.
pub(super) fn named(given: PathBuf, kind: Kind, mode: StderrMode) -> Result<PathBuf, Error> {
    Ok(announced(name::named(given, &runs_dir(), kind)?, mode))
}

/// Returns the folder of the impact that is meant by a path or a name. Says which folder `latest` is.
pub(super) fn named_impact(given: PathBuf, mode: StderrMode) -> Result<PathBuf, Error> {
    Ok(announced(name::named_impact(given, &runs_dir())?, mode))
}

/// Returns the folder that is meant, or the newest that fits if none is given. Says which folder it is.
pub(super) fn named_or_newest(
    given: Option<PathBuf>,
    kind: Kind,
    purpose: Purpose,
    mode: StderrMode,
) -> Result<PathBuf, Error> {
    match given {
        Some(given) => named(given, kind, mode),
        None => Ok(announced(name::newest(&runs_dir(), purpose)?, mode)),
    }
}

/// Refuses a command line with `--yes` that does not name the folder: no person would see which run is taken before it changes accounts.
pub(super) fn refuse_unnamed(
    command: &str,
    given: Option<&PathBuf>,
    args: &RunArgs,
    purpose: Purpose,
) -> Result<(), Error> {
    if given.is_some() || !args.rollout.yes {
        return Ok(());
    }
    let newest = name::newest(&runs_dir(), purpose).map(|found| for_shell(&found.folder));
    let suggestion =
        newest.map_or_else(|_| String::new(), |folder| format!(", for instance v2token {command} --yes {folder}"));
    Err(Error::Usage(format!("with --yes, {command} takes no run by itself: name the run folder{suggestion}")))
}

fn announced(found: FoundFolder, mode: StderrMode) -> PathBuf {
    if let Some(note) = &found.note {
        let fields = json!({ "folder": found.folder.to_string_lossy() });
        Progress::new(mode).log(&LogLine::new(Level::Info, "run_folder", note, fields));
    }
    found.folder
}
