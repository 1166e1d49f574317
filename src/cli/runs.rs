//! The options of `runs` and `history`.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::{OUTPUT, OutputArgs};
use crate::journal::{RUNS_DIR, RUNS_DIR_VARIABLE};
use crate::org::AccountId;

/// The options of `runs`.
#[derive(Args)]
pub struct RunsArgs {
    /// The folder that contains the run folders.
    #[arg(long, env = RUNS_DIR_VARIABLE, value_name = "DIR", default_value = RUNS_DIR, value_hint = ValueHint::DirPath, help_heading = OUTPUT)]
    pub runs_dir: PathBuf,
    /// The output options.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// The options of `history`.
#[derive(Args)]
pub struct HistoryArgs {
    /// The account: its 12-digit id.
    #[arg(value_name = "ACCOUNT")]
    pub account: AccountId,
    /// Which runs to search, and what to print.
    #[command(flatten)]
    pub runs: RunsArgs,
}
