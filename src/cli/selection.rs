//! The options that select accounts.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::SELECTION;
use crate::org::{AccountId, JoinedSince, NamePattern, ShardChoice, Tag, UnitChoice};

/// The options that select accounts. Options of one kind widen the selection, options of different kinds narrow it, and
/// exclusions take precedence.
#[derive(Args)]
#[command(next_help_heading = SELECTION)]
pub struct SelectionArgs {
    /// Only these accounts: 12-digit ids, separated by commas or in repeated options.
    #[arg(long, env = "V2TOKEN_ACCOUNT", value_name = "ID", value_delimiter = ',')]
    pub account: Vec<AccountId>,
    /// Exclude these accounts. Exclusions take precedence over all other options.
    #[arg(long, env = "V2TOKEN_EXCLUDE_ACCOUNT", value_name = "ID", value_delimiter = ',')]
    pub exclude_account: Vec<AccountId>,
    /// Only the accounts in this file and those of --account. The file has one id a line, or is a CSV file with a column
    /// account_id, such as a report. Its columns role and external_id apply to the account of the row. Give "-" to read stdin.
    #[arg(long, env = "V2TOKEN_ACCOUNTS_FROM", value_name = "FILE", value_delimiter = ',')]
    pub accounts_from: Vec<PathBuf>,
    /// Only accounts in these OUs or roots, nested OUs included. Give an id, or the names from the root down to the OU, such as
    /// Root/Workloads/Prod. Give the id of an OU whose name has a comma.
    #[arg(long, env = "V2TOKEN_OU", value_name = "OU", value_delimiter = ',')]
    pub ou: Vec<UnitChoice>,
    /// Exclude the accounts in these OUs or roots, by id or by path of names.
    #[arg(long, env = "V2TOKEN_EXCLUDE_OU", value_name = "OU", value_delimiter = ',')]
    pub exclude_ou: Vec<UnitChoice>,
    /// Only accounts with one of these tags. Tags are read only for this option and --exclude-tag, at 10 accounts per second.
    #[arg(long, env = "V2TOKEN_TAG", value_name = "KEY=VALUE", value_delimiter = ',')]
    pub tag: Vec<Tag>,
    /// Exclude the accounts with one of these tags.
    #[arg(long, env = "V2TOKEN_EXCLUDE_TAG", value_name = "KEY=VALUE", value_delimiter = ',')]
    pub exclude_tag: Vec<Tag>,
    /// Only accounts whose whole name matches this pattern. * matches any text, and ? matches any one character.
    #[arg(long, env = "V2TOKEN_NAME", value_name = "GLOB", value_delimiter = ',')]
    pub name: Vec<NamePattern>,
    /// Exclude the accounts whose whole name matches this pattern.
    #[arg(long, env = "V2TOKEN_EXCLUDE_NAME", value_name = "GLOB", value_delimiter = ',')]
    pub exclude_name: Vec<NamePattern>,
    /// Skip the accounts in this CSV file with the columns account_id, reason and until. The day until is the last day of an
    /// exception, in UTC, and empty for an exception without an end. An account of the file that the Organization does not have
    /// is only a warning. A rollback takes no exceptions.
    #[arg(long, env = "V2TOKEN_EXCEPTIONS", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub exceptions: Option<PathBuf>,
    /// Only accounts that joined the Organization in this span before the start of the run, such as 7d, or since a day in UTC, such
    /// as 2026-11-01. It is not an error if there are none.
    #[arg(long, env = "V2TOKEN_JOINED_SINCE", value_name = "SPAN|DATE")]
    pub joined_since: Option<JoinedSince>,
    /// The I-th of N disjoint parts of the selection, counted from 0. An account is always in the same part. auto and auto/N take
    /// I from AWS Batch or Kubernetes.
    #[arg(long, env = "V2TOKEN_SHARD", value_name = "I/N")]
    pub shard: Option<ShardChoice>,
}
