//! The options of `doctor` and `policy`, which make no run.

use clap::{Args, ValueEnum};

use super::values::switch;
use super::{OUTPUT, RunArgs, TARGET};
use crate::text_enum::text_enum;

/// The options of `doctor`.
#[derive(Args)]
pub struct DoctorArgs {
    /// The number of accounts to check.
    #[arg(long, env = "V2TOKEN_SAMPLE", value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100), help_heading = TARGET)]
    pub sample: u8,
    /// Do not ask the global STS endpoint for the sizes of the tokens of the checked accounts.
    #[arg(long, env = "V2TOKEN_NO_GLOBAL", value_parser = switch(), help_heading = TARGET)]
    pub no_global: bool,
    /// The options that all commands of a run share. They describe the rollout to check.
    #[command(flatten)]
    pub run: RunArgs,
}

text_enum! {
    /// A document that `policy` prints.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
    pub enum Document {
        /// The policy of the caller.
        Caller = "caller",
        /// The policy of each role of --via-role.
        Via = "via",
        /// The policy of the role in every account.
        Role = "role",
        /// The trust policy of the role in every account.
        Trust = "trust",
        /// A service control policy that allows only the role to set the token version.
        Scp = "scp",
        /// A CloudFormation template that creates the role in every account.
        Stackset = "stackset",
        /// The policy of the caller and the role in every account, as a Terraform configuration.
        Terraform = "terraform",
    }
}

/// The command whose calls the documents allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PolicyFor {
    /// Allows reading.
    Plan,
    /// Allows reading and setting. Resume and rollback need the same permissions.
    Apply,
    /// Allows the checks of doctor, but not setting.
    Doctor,
    /// Allows reading, the event history included.
    Impact,
}

/// The options of `policy`.
#[derive(Args)]
pub struct PolicyArgs {
    /// The document to print. Without it, all JSON documents are printed as one object, with their names as keys.
    #[arg(value_name = "DOCUMENT", value_enum)]
    pub document: Option<Document>,
    /// The command to allow.
    #[arg(id = "for", long, env = "V2TOKEN_FOR", value_name = "COMMAND", value_enum, default_value_t = PolicyFor::Apply, help_heading = OUTPUT)]
    pub command: PolicyFor,
    /// The principal to trust [default: the caller that GetCallerIdentity returns].
    #[arg(long, env = "V2TOKEN_CALLER_ARN", value_name = "ARN", help_heading = OUTPUT)]
    pub caller_arn: Option<String>,
    /// The options that all commands of a run share. They describe the run that the documents are for.
    #[command(flatten)]
    pub run: RunArgs,
}
