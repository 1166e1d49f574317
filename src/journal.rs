//! This module owns what a run leaves on disk: the run folder, `run.json` in it, and the journal, which is the truth.

mod entry;
mod folder;
mod replay;
mod run_id;
mod run_info;
mod run_settings;
mod writer;

pub use entry::Entry;
pub use folder::RunFolder;
pub use replay::{Intent, Replay, ReplayFailed};
pub use run_id::RunId;
pub use run_info::{Ending, RunInfo};
pub use run_settings::{CHAINED, CommandName, PolicyChoice, RunSettings, scoped_policy};
pub use writer::Journal;
