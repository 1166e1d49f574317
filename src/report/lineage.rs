//! Which of two runs came first: a plan comes before its apply, and a run before its rollback, even if the clocks of their machines
//! disagree.

use std::path::Path;

use crate::journal::RunInfo;

/// Whether a run applies or undoes another run, which is in `folder`.
///
/// Runs of older versions have only the path of the folder, so their folder is recognised by its place or its name.
pub(crate) fn is_based_on(later: &RunInfo, earlier: &RunInfo, folder: Option<&Path>) -> bool {
    if let Some(base) = &later.based_on {
        return *base == earlier.run_id;
    }
    let settings = &later.settings;
    let Some(base) = settings.plan.as_deref().or(settings.undoes.as_deref()) else { return false };
    let is_same_name = |folder: &Path| folder.file_name().is_some() && folder.file_name() == base.file_name();
    let is_same_place = |folder: &Path| match (base.canonicalize(), folder.canonicalize()) {
        (Ok(base), Ok(folder)) => base == folder,
        // The folder was moved, most likely together with that of the later run.
        _ => is_same_name(folder),
    };
    later.organization_id == earlier.organization_id
        && later.run_id != earlier.run_id
        && (folder.is_some_and(is_same_place) || is_same_name(Path::new(earlier.run_id.as_str())))
}

/// The run that another run is based on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Base {
    /// Its index among the merged runs.
    pub run: usize,
    /// How often it had been resumed when the other run started; `None` if an older version did not note it.
    pub resumes: Option<u32>,
}

impl Base {
    /// Whether the other run knew what this run's resume of the given number did. 0 stands for the run before it was resumed.
    pub(crate) fn covers(self, resume: u32) -> bool {
        self.resumes.is_none_or(|known| resume <= known)
    }
}

/// Returns the chain of the runs that a run is based on, nearest first. `bases` has each run's base.
pub(crate) fn ancestors(run: usize, bases: &[Option<Base>]) -> impl Iterator<Item = Base> + '_ {
    let base = |run: usize| bases.get(run).copied().flatten();
    // Folders that were edited by hand could form a circle.
    std::iter::successors(base(run), move |later| base(later.run)).take(bases.len())
}
