//! This module owns what a run leaves on disk: the run folder, `run.json` in it, and the journal, which is the truth.

mod entry;
mod folder;
mod replay;
mod run_info;
mod writer;

pub use entry::Entry;
pub use folder::RunFolder;
pub use replay::{Intent, Replay, ReplayFailed};
pub use run_info::{Ending, RunId, RunInfo};
pub use writer::Journal;
