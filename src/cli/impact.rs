//! The options of `impact`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};

use super::values::switch;
use super::{AccessArgs, OUTPUT, OutputArgs, RateArgs, SelectionArgs};
use crate::org::JoinedSince;

const EVENTS: &str = "Events";

/// The time before now over which events count, as it is given.
pub(crate) const SINCE: &str = "90d";

/// The default of `--max-pages`.
pub(crate) const MAX_PAGES: u32 = 20;

/// The options of `impact`.
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct ImpactArgs {
    /// What to do instead of reading events.
    #[command(subcommand)]
    pub action: Option<ImpactAction>,
    /// Read CloudTrail's events from these files and folders: those of a trail, one event a line, or an export of Athena or CloudTrail
    /// Lake, also with gzip. Give "-" to read stdin.
    #[arg(long, env = "V2TOKEN_EVENTS", value_name = "PATH", value_hint = ValueHint::AnyPath, num_args = 1.., value_delimiter = ',', help_heading = EVENTS)]
    pub events: Vec<PathBuf>,
    /// Make no call: the accounts and their versions come from --accounts-from, a CSV report of plan.
    #[arg(long, env = "V2TOKEN_OFFLINE", value_parser = switch(), help_heading = EVENTS)]
    pub offline: bool,
    /// Count events in this span before the start, such as 30d, or since a day in UTC, such as 2026-11-01.
    #[arg(long, env = "V2TOKEN_SINCE", value_name = "SPAN|DATE", default_value = SINCE, help_heading = EVENTS)]
    pub since: JoinedSince,
    /// Read at most this many pages of the event history of each account.
    #[arg(long, env = "V2TOKEN_MAX_PAGES", value_name = "N", default_value_t = MAX_PAGES, value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = EVENTS)]
    pub max_pages: u32,
    /// Keep the IP addresses that called, in the JSON report.
    #[arg(long, env = "V2TOKEN_WITH_ADDRESSES", value_parser = switch(), help_heading = EVENTS)]
    pub with_addresses: bool,
    /// Exit with 4 if an account is affected, or with 6 if, in addition, something could not be read completely.
    #[arg(long, env = "V2TOKEN_DETAILED_EXITCODE", value_parser = switch(), help_heading = OUTPUT)]
    pub detailed_exitcode: bool,
    /// Which accounts the report is about.
    #[command(flatten)]
    pub selection: SelectionArgs,
    /// How to enter the accounts.
    #[command(flatten)]
    pub access: AccessArgs,
    /// How fast to visit the accounts.
    #[command(flatten)]
    pub rate: RateArgs,
    /// The run folder [default: v2token-runs/<run id>].
    #[arg(long, env = "V2TOKEN_RUN_DIR", value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = OUTPUT)]
    pub run_dir: Option<PathBuf>,
    /// The output options.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// What `impact` does instead of reading events.
#[derive(Subcommand)]
pub enum ImpactAction {
    /// Print a query for Athena over an organization trail. Its result, as CSV, is an input of --events.
    Sql(ImpactSqlArgs),
}

/// The options of `impact sql`.
#[derive(Args)]
pub struct ImpactSqlArgs {
    /// The table of the trail, with its database if it is not the default one.
    #[arg(long, env = "V2TOKEN_TABLE", value_name = "NAME", default_value = "cloudtrail_logs")]
    pub table: String,
    /// Count events in this span before now, or since a day in UTC.
    #[arg(long, env = "V2TOKEN_SINCE", value_name = "SPAN|DATE", default_value = SINCE)]
    pub since: JoinedSince,
}
