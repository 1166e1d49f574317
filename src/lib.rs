//! Sets the global endpoint token version in every account of an AWS Organization.
//!
//! An account at `v1Token`, the default, gets session tokens from the global STS endpoint (`sts.amazonaws.com`) that are
//! refused in Regions which must be enabled by hand. At `v2Token` they work everywhere, but are longer.
//!
//! The program `v2token` is a thin layer over this library. From the outside in:
//!
//! | module | what it owns |
//! |---|---|
//! | `cli` | the command line: what can be typed |
//! | `settings` | what was typed and what surrounds the program, resolved into what is meant |
//! | `commands` | the commands: they bring the modules below together |
//! | `doctor` | the checks before a rollout: how they are told, and the estimate of its duration |
//! | `policy` | the policies that a run needs |
//! | `awscli` | the AWS CLI v1's two commands for one account |
//! | `awscli::jmespath` | JMESPath, with the results of the AWS CLI |
//! | `report` | the report: one row for every account, in several formats |
//! | `terminal` | progress, log lines and questions on stderr |
//! | `journal` | the run folder and the journal in it, which is the truth |
//! | `file_ownership` | whose files are trusted |
//! | `rollout` | waves, visits, the pace, and when to stop |
//! | `cloud` | the port to AWS, and AWS behind it |
//! | `org` | the nouns: accounts, token versions, partitions, Regions, roles |
//! | `error`, `verdict` | what stops a run, what a run amounts to, and the exit codes |
//!
//! A run is a [`roll_out`] over [`Target`]s; `examples/survey.rs` is one in a page.
//!
//! ```
//! use v2token::{Decision, Mode, ObservedVersion, Outcome, Provenance, TokenVersion, decide};
//!
//! // The summary showed no version at all: that is unknown, and unknown is set.
//! let read = ObservedVersion::from_summary(None);
//! assert_eq!(decide(Mode::Apply, read, TokenVersion::V2Token, Provenance::None), Decision::Set);
//! assert_eq!(decide(Mode::Plan, read, TokenVersion::V2Token, Provenance::None), Decision::Done(Outcome::WouldChange));
//! ```

mod awscli;
mod cli;
mod cloud;
mod commands;
mod doctor;
mod error;
mod file_ownership;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod journal;
mod org;
mod policy;
mod report;
mod rollout;
mod run;
mod sanitize;
mod secret;
mod serde_text;
mod settings;
mod suggest;
mod terminal;
mod text_enum;
mod timestamp;
mod verdict;

pub use cli::Invocation;
pub use cloud::AccessMethod;
pub use cloud::aws::{AccountSummary, Aws, ConnectOptions, IamClient};
pub use commands::program;
pub use org::role::RoleTemplate;
pub use org::selection::{ManagementAccount, Selection, Tags, select};
pub use org::{Account, AccountId, ObservedVersion, TokenVersion};
pub use rollout::{
    Decision, Event, Mode, NoIntents, Outcome, Provenance, Record, Rollout, RolloutOptions, Stop, Target, Targets,
    Verify, Wave, decide, roll_out,
};

/// What the tests and benchmarks of this repository look at beside the program itself. No part of the public interface.
#[doc(hidden)]
pub mod internals {
    pub use crate::awscli::{global_options, option_names};
    pub use crate::cli::{Cli, Document};
    pub use crate::cloud::aws::{CaBundleError, ConnectError, EndpointError, ListingError, ProfileError, ProxyError};
    pub use crate::cloud::failure::classify;
    pub use crate::cloud::{Effect, ErrorCode, Failure, FailureKind, Operation, OwnCode};
    pub use crate::doctor::Status;
    pub use crate::error::Error;
    pub use crate::file_ownership::Untrusted;
    pub use crate::journal::{Entry, InvalidSettings, Replay, ReplayFailed, RunFolder, RunFolderFailed, scoped_policy};
    pub use crate::org::region::RegionRefused;
    pub use crate::org::selection::{ManagementAccess, SelectionFailed, SkipReason};
    pub use crate::org::{AccountState, Caller, NamePattern};
    pub use crate::report::comparison::{COMPARISON_COLUMNS, Difference};
    pub use crate::report::{COLUMNS, columns};
    pub use crate::rollout::wave::{Waves, divide, spread};
    pub use crate::rollout::{AccountError, HintContext, Stage, Verified, hint};
    pub use crate::sanitize::{for_cell, for_terminal};
}
