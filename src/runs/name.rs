//! Finds the run folder that is meant by a name, or by no name at all.
//!
//! A name is `latest` or the beginning of a run id. It stands for a run folder in [`runs_dir`](crate::journal::runs_dir). An existing
//! path is never taken for a name.

use std::path::{Component, Path, PathBuf};

use super::catalog::{Catalog, CatalogEntry, UnreadableRun, impacts};
use super::known_run::{KnownRun, RunState};
use crate::error::Error;
use crate::humanize::utc;
use crate::journal::CommandName;
use crate::sanitize::for_shell;

/// The name of the newest run.
const LATEST: &str = "latest";

/// How many run folders are named if a name fits several.
const NAMED: usize = 5;

/// Which runs `latest` stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Every run.
    Any,
    /// Only runs of this command, because the place where the folder is named takes no other.
    Only(CommandName),
}

/// What a command does with a run folder that was not named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Shows the run.
    Report,
    /// Continues the run. `retry_failed` is whether accounts that failed are visited again.
    Resume { retry_failed: bool },
    /// Undoes the run.
    Rollback,
}

/// A run folder, and what to say about how it was found; `None` if the path was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FoundFolder {
    pub folder: PathBuf,
    pub note: Option<String>,
}

/// Returns the folder that is meant by a path or a name. A name that fits no run is returned as it is: the error of the command then
/// says what is missing, and suggests a similar folder.
///
/// # Errors
///
/// Returns an error if the name fits several runs, or if it is `latest` and there is no such run.
pub(crate) fn named(given: PathBuf, runs_dir: &Path, kind: Kind) -> Result<FoundFolder, Error> {
    let as_given = |folder| Ok(FoundFolder { folder, note: None });
    let Some(name) = name_of(&given).filter(|_| given.symlink_metadata().is_err()) else { return as_given(given) };
    let catalog = Catalog::read(runs_dir)?;
    if name == LATEST {
        return latest(&catalog, kind);
    }
    let folders = candidates(&catalog, name);
    match &folders[..] {
        [] => as_given(given),
        [only] => Ok(FoundFolder { folder: only.clone(), note: None }),
        several => {
            let shown: Vec<_> = several.iter().take(NAMED).map(|folder| folder.display().to_string()).collect();
            let more = several.len().saturating_sub(NAMED);
            let more = if more > 0 { format!(", and {more} more") } else { String::new() };
            Err(Error::Usage(format!(
                "{name} is the beginning of {} run ids: give more of it; it can be {}{more}",
                several.len(),
                shown.join(", ")
            )))
        }
    }
}

/// Returns the folder of the impact that is meant by a path, by `latest`, or by the unique beginning of the name of its folder.
///
/// # Errors
///
/// Returns an error if the name fits several impacts, or if it is `latest` and there is none.
pub(crate) fn named_impact(given: PathBuf, runs_dir: &Path) -> Result<FoundFolder, Error> {
    let as_given = |folder| Ok(FoundFolder { folder, note: None });
    let Some(name) = name_of(&given).filter(|_| given.symlink_metadata().is_err()) else { return as_given(given) };
    let impacts = impacts(runs_dir)?;
    if name == LATEST {
        let newest = impacts.into_iter().next_back().ok_or_else(|| {
            Error::Mismatch(format!("there is no impact in {}: make one with v2token impact", runs_dir.display()))
        })?;
        let note = Some(format!("latest is {}", for_shell(&newest)));
        return Ok(FoundFolder { folder: newest, note });
    }
    let begins = |folder: &PathBuf| folder.file_name().is_some_and(|file| file.to_string_lossy().starts_with(name));
    let fitting: Vec<PathBuf> = impacts.into_iter().filter(begins).collect();
    match &fitting[..] {
        [] => as_given(given),
        [only] => as_given(only.clone()),
        several => Err(Error::Usage(format!(
            "{name} is the beginning of the names of {} impacts: give more of it",
            several.len()
        ))),
    }
}

/// Returns the name, if the text can be one: a single word without `/`.
fn name_of(given: &Path) -> Option<&str> {
    let mut components = given.components();
    let is_plain = matches!((components.next(), components.next()), (Some(Component::Normal(_)), None));
    given.to_str().filter(|name| is_plain && !name.contains('/'))
}

/// Returns the folders whose run id or name begins with the name, or only those that have exactly this id or name, newest first. A folder
/// that can't be read counts, because otherwise a name would seem to be unique.
fn candidates(catalog: &Catalog, name: &str) -> Vec<PathBuf> {
    let is_exact = |folder: &Path| folder.file_name().is_some_and(|file| file == name);
    let begins = |folder: &Path| folder.file_name().is_some_and(|file| file.to_string_lossy().starts_with(name));
    let readable = catalog.entries.iter().map(|entry| {
        let exact = is_exact(&entry.folder) || entry.info.run_id.as_str() == name;
        (&entry.folder, exact, entry.info.run_id.as_str().starts_with(name) || begins(&entry.folder))
    });
    let unreadable = catalog.unreadable.iter().map(|run| (&run.folder, is_exact(&run.folder), begins(&run.folder)));
    let all: Vec<_> = readable.chain(unreadable).filter(|(_, exact, begins)| *exact || *begins).collect();
    let has_exact = all.iter().any(|(_, exact, _)| *exact);
    all.into_iter().filter(|(_, exact, _)| *exact || !has_exact).map(|(folder, ..)| folder.clone()).collect()
}

fn latest(catalog: &Catalog, kind: Kind) -> Result<FoundFolder, Error> {
    let fits = |entry: &&CatalogEntry| match kind {
        Kind::Any => true,
        Kind::Only(command) => entry.info.command == command,
    };
    let what = match kind {
        Kind::Any => "run".to_owned(),
        Kind::Only(command) => format!("run of {command}"),
    };
    let Some(entry) = catalog.entries.iter().find(fits) else {
        return Err(none(catalog, &what));
    };
    check_newest(catalog, &entry.folder)?;
    Ok(FoundFolder { folder: entry.folder.clone(), note: Some(format!("latest is {}", described(entry))) })
}

/// Returns the newest run folder that fits a command, for a command line that names none.
///
/// # Errors
///
/// Returns an error if no run fits, or if a newer run is still in progress or can't be read: then the user has to say which is meant.
pub(crate) fn newest(runs_dir: &Path, purpose: Purpose) -> Result<FoundFolder, Error> {
    let catalog = Catalog::read(runs_dir)?;
    let (what, verb) = match purpose {
        Purpose::Report => ("run", "showing"),
        Purpose::Resume { .. } => ("run that can be resumed", "resuming"),
        Purpose::Rollback => ("run that changed accounts", "undoing"),
    };
    for entry in &catalog.entries {
        let fits = match purpose {
            Purpose::Report => true,
            Purpose::Resume { .. } | Purpose::Rollback => {
                let run = KnownRun::read(entry);
                let concerns = purpose != Purpose::Rollback || entry.info.command == CommandName::Apply;
                if run.state == RunState::Running && concerns {
                    return Err(Error::Mismatch(format!(
                        "the run in {} is still in progress: name the run folder that is meant",
                        entry.folder.display()
                    )));
                }
                match purpose {
                    Purpose::Resume { retry_failed } => run.can_be_resumed(retry_failed),
                    Purpose::Rollback | Purpose::Report => run.can_be_undone(),
                }
            }
        };
        if fits {
            check_newest(&catalog, &entry.folder)?;
            let note = format!("no run folder is named: {verb} {}", described(entry));
            return Ok(FoundFolder { folder: entry.folder.clone(), note: Some(note) });
        }
    }
    Err(none(&catalog, what))
}

/// Refuses to take a run for the newest if a folder that can't be read may hold a newer one.
fn check_newest(catalog: &Catalog, chosen: &Path) -> Result<(), Error> {
    match catalog.unreadable.iter().rfind(|other| other.folder.file_name() > chosen.file_name()) {
        None => Ok(()),
        Some(UnreadableRun { folder, cause }) => Err(Error::Mismatch(format!(
            "{} may hold a newer run than {}, and can't be read: name the run folder that is meant ({cause})",
            folder.display(),
            chosen.display()
        ))),
    }
}

fn none(catalog: &Catalog, what: &str) -> Error {
    let dir = catalog.runs_dir.display();
    let others = match catalog.entries.len() + catalog.unreadable.len() {
        0 => String::new(),
        1 => "; v2token runs shows the only run there".to_owned(),
        others => format!("; v2token runs lists the {others} runs there"),
    };
    Error::Mismatch(format!("there is no {what} in {dir}: name the run folder{others}"))
}

/// Describes a run in a phrase that begins with its folder.
fn described(entry: &CatalogEntry) -> String {
    let CatalogEntry { folder, info } = entry;
    let started = info.started_at.map_or_else(String::new, |time| format!(", started {}", utc(time)));
    let verdict = info.verdict.as_ref().map_or("no verdict", |verdict| &verdict.sentence);
    format!("{}: {}{started}, {verdict}", for_shell(folder), info.command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_single_word_is_a_name() {
        for (given, is_name) in [
            ("latest", true),
            ("20261122", true),
            ("", false),
            (".", false),
            ("..", false),
            ("./latest", false),
            ("latest/", false),
            ("v2token-runs/2026", false),
            ("/2026", false),
        ] {
            assert_eq!(name_of(Path::new(given)).is_some(), is_name, "{given}");
        }
    }
}
