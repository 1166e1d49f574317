//! The options that select accounts.

use std::path::PathBuf;

use clap::Args;

use super::SELECTION;
use crate::org::{AccountId, NamePattern, ShardChoice, Tag, UnitId};

/// The options that select accounts. Several values of one option widen the selection, several options narrow it, and exclusion
/// wins.
#[derive(Args)]
#[command(next_help_heading = SELECTION)]
pub struct SelectionArgs {
    /// Only these accounts, by their 12-digit ids; separated by commas, or repeated.
    #[arg(long, env = "V2TOKEN_ACCOUNT", value_name = "ID", value_delimiter = ',')]
    pub account: Vec<AccountId>,
    /// None of these accounts. Exclusion wins over inclusion.
    #[arg(long, env = "V2TOKEN_EXCLUDE_ACCOUNT", value_name = "ID", value_delimiter = ',')]
    pub exclude_account: Vec<AccountId>,
    /// Only the accounts in this file and those of --account. The file has one id a line, or is a CSV file with a column
    /// account_id, such as a report; its columns role and external_id apply to the account of the row; - is stdin.
    #[arg(long, env = "V2TOKEN_ACCOUNTS_FROM", value_name = "FILE", value_delimiter = ',')]
    pub accounts_from: Vec<PathBuf>,
    /// Only accounts in these OUs or roots, by id, nested OUs included.
    #[arg(long, env = "V2TOKEN_OU", value_name = "ID", value_delimiter = ',')]
    pub ou: Vec<UnitId>,
    /// No account in these OUs or roots.
    #[arg(long, env = "V2TOKEN_EXCLUDE_OU", value_name = "ID", value_delimiter = ',')]
    pub exclude_ou: Vec<UnitId>,
    /// Only accounts with one of these tags. Tags are read only for this option and --exclude-tag, 10 accounts per second.
    #[arg(long, env = "V2TOKEN_TAG", value_name = "KEY=VALUE", value_delimiter = ',')]
    pub tag: Vec<Tag>,
    /// No account with one of these tags.
    #[arg(long, env = "V2TOKEN_EXCLUDE_TAG", value_name = "KEY=VALUE", value_delimiter = ',')]
    pub exclude_tag: Vec<Tag>,
    /// Only accounts whose whole name matches; * is any text, ? any character.
    #[arg(long, env = "V2TOKEN_NAME", value_name = "GLOB", value_delimiter = ',')]
    pub name: Vec<NamePattern>,
    /// No account whose whole name matches.
    #[arg(long, env = "V2TOKEN_EXCLUDE_NAME", value_name = "GLOB", value_delimiter = ',')]
    pub exclude_name: Vec<NamePattern>,
    /// The I-th of N disjoint parts of the selection, counted from 0. An account is always in the same part. auto and auto/N take I
    /// from AWS Batch or Kubernetes.
    #[arg(long, env = "V2TOKEN_SHARD", value_name = "I/N")]
    pub shard: Option<ShardChoice>,
}
