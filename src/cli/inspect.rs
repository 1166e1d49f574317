//! This module owns the options of the commands that make no run: `doctor` and `policy`.

use clap::{Args, ValueEnum};

use super::{OUTPUT, RunArgs, TARGET};

/// The options of `doctor`.
#[derive(Args)]
pub struct DoctorArgs {
    /// In how many accounts to try the way in.
    #[arg(
        long,
        env = "V2TOKEN_SAMPLE",
        value_name = "N",
        default_value_t = 5,
        value_parser = clap::value_parser!(u8).range(1..=100),
        help_heading = TARGET
    )]
    pub sample: u8,
    /// What all commands of a run share: what would be given to apply.
    #[command(flatten)]
    pub run: RunArgs,
}

/// A document that a run needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Document {
    /// What the base credentials must be allowed.
    Caller,
    /// What each role of --via-role must be allowed.
    Via,
    /// What the role in every account must be allowed.
    Role,
    /// Who may assume the role in every account.
    Trust,
    /// A service control policy: only the role may set the token version.
    Scp,
    /// A CloudFormation template that makes the role in every account.
    Stackset,
}

impl Document {
    /// Every document, with its name.
    pub const ALL: [(&'static str, Self); 6] = [
        ("caller", Self::Caller),
        ("via", Self::Via),
        ("role", Self::Role),
        ("trust", Self::Trust),
        ("scp", Self::Scp),
        ("stackset", Self::Stackset),
    ];
}

/// What the documents are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PolicyFor {
    /// Reading only.
    Plan,
    /// Reading and setting; resume and rollback need the same.
    Apply,
    /// The checks beforehand; without the permission to set.
    Doctor,
}

/// The options of `policy`.
#[derive(Args)]
pub struct PolicyArgs {
    /// The document; all of them, under their names, where none is named.
    #[arg(value_name = "DOCUMENT", value_enum)]
    pub document: Option<Document>,
    /// The command that is to be allowed.
    #[arg(
        id = "for",
        long = "for",
        env = "V2TOKEN_FOR",
        value_name = "COMMAND",
        value_enum,
        default_value_t = PolicyFor::Apply,
        help_heading = OUTPUT
    )]
    pub command: PolicyFor,
    /// Who is to be trusted [default: who the base credentials belong to, as STS says].
    #[arg(long, env = "V2TOKEN_CALLER_ARN", value_name = "ARN", help_heading = OUTPUT)]
    pub caller_arn: Option<String>,
    /// What all commands of a run share: what would be given to apply.
    #[command(flatten)]
    pub run: RunArgs,
}
