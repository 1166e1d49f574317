//! This module owns the options that choose accounts.

use clap::Args;

use super::SELECTION;
use crate::org::AccountId;

/// Which accounts a run is about.
#[derive(Args)]
pub struct SelectionArgs {
    /// Only these accounts, by their 12-digit ids; commas or repetition.
    #[arg(long, env = "V2TOKEN_ACCOUNT", value_name = "ID", value_delimiter = ',', help_heading = SELECTION)]
    pub account: Vec<AccountId>,
    /// Not these accounts; wins over every inclusion.
    #[arg(long, env = "V2TOKEN_EXCLUDE_ACCOUNT", value_name = "ID", value_delimiter = ',', help_heading = SELECTION)]
    pub exclude_account: Vec<AccountId>,
}
