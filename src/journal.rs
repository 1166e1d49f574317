//! What a run leaves on disk: the run folder, `run.json` in it, and the journal, which is the authoritative record of the run.

mod entry;
mod replay;
mod run_folder;
mod run_info;
mod run_settings;
mod runs_dir;
mod similar_folder;
mod writer;

pub use entry::Entry;
pub(crate) use replay::{AccountReplay, Intent, IntentState};
pub use replay::{Replay, ReplayFailed};
pub(crate) use run_folder::NOT_COMPLETE;
pub use run_folder::{RunFolder, RunFolderFailed};
pub(crate) use run_info::{Ending, RunId, RunInfo};
pub(crate) use run_settings::{CommandName, PolicyChoice, RunSettings};
pub use run_settings::{InvalidSettings, scoped_policy};
pub(crate) use runs_dir::{RUNS_DIR, RUNS_DIR_VARIABLE, runs_dir};
pub(crate) use writer::Journal;
