//! Sets the global endpoint token version in every account of an AWS Organization.
//!
//! The setting decides which version of session tokens the global STS endpoint (`sts.amazonaws.com`) issues for an account. The
//! default is `v1Token`: opt-in Regions refuse such tokens. With `v2Token`, the tokens are longer, and all Regions accept them.
//!
//! Most of the crate is private. `main.rs` parses the arguments into an [`Invocation`] and passes it to [`program`], which runs
//! the command. Each module uses only the modules below it in this table:
//!
//! | module | what is in it |
//! |---|---|
//! | `commands` | the commands, one file for each |
//! | `run` | the pipeline of `plan`, `apply`, `resume` and `rollback` |
//! | `settings` | the settings of a run, resolved from the options and the environment |
//! | `cli` | the command line: commands, options and help |
//! | `runs` | the run folders: found by name, listed, and searched for one account |
//! | `evidence` | the evidence of a run for an auditor |
//! | `report` | the reports in all formats, and the merging and comparing of runs |
//! | `doctor` | the checks before a rollout |
//! | `policy` | the IAM, trust, service control and StackSet documents |
//! | `awscli` | the command `iam`, which replaces two commands of the AWS CLI v1 |
//! | `terminal` | the progress display, log lines and questions on stderr |
//! | `verdict`, `error` | the result of a run, the errors that end a command, and the exit codes |
//! | `journal` | the run folder, `run.json` and the journal |
//! | `rollout` | waves, visits, the rate limit, and the reasons to stop a run |
//!
//! Below these are two crates. `v2token-cloud` has the calls to AWS, except those of `awscli`. `v2token-base` has what needs no call:
//! accounts and their selection, the settings of AWS, CloudTrail's events, JMESPath, and small helpers.
//!
//! [`roll_out`] visits [`Target`]s. `examples/survey.rs` is a program that uses this function. [`decide()`] is the rule for one
//! account:
//!
//! ```
//! use v2token::{Decision, Mode, ObservedVersion, Outcome, Provenance, TokenVersion, decide};
//!
//! // The account summary has no version, so the version counts as unknown. An apply sets the wanted version in such an account.
//! let read = ObservedVersion::from_summary(None);
//! assert_eq!(decide(Mode::Apply, read, TokenVersion::V2Token, Provenance::None), Decision::Set);
//! assert_eq!(decide(Mode::Plan, read, TokenVersion::V2Token, Provenance::None), Decision::Done(Outcome::WouldChange));
//! ```

mod awscli;
mod build_info;
mod cli;
mod commands;
mod doctor;
mod error;
mod evidence;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
mod journal;
mod policy;
mod report;
mod rollout;
mod run;
mod runs;
mod settings;
mod terminal;
mod verdict;

use v2token_base::{
    aws_settings, directory, event_files, file_ownership, humanize, ignored_signals, impact, interner, jmespath, org,
    python, sanitize, secret, serde_text, suggest, system_limits, text_enum, timestamp,
};
use v2token_cloud as cloud;

pub use cli::Invocation;
#[doc(inline)]
pub use cloud::AccessMethod;
#[doc(inline)]
pub use cloud::aws::{AccountSummary, Aws, ConnectOptions, IamClient};
pub use commands::program;
#[doc(inline)]
pub use org::role::RoleTemplate;
#[doc(inline)]
pub use org::selection::{ManagementAccount, Selection, Tags, select};
#[doc(inline)]
pub use org::{Account, AccountArn, AccountAttributes, AccountId, ObservedVersion, TokenVersion};
pub use rollout::{
    Checkpoint, Decision, Event, IssuedToken, Mode, NoIntents, Outcome, Provenance, Record, RequestId, Rollout,
    RolloutOptions, Stop, Target, Targets, Verify, Wave, decide, roll_out,
};

/// Items for the tests and benchmarks of this repository. They are not part of the public interface.
#[doc(hidden)]
pub mod internals {
    pub use crate::aws_settings::AwsSettingsError;
    pub use crate::aws_settings::ini::{IniError, Section, Value, parse as parse_ini, split_words};
    pub use crate::aws_settings::proxy::{Proxies, Proxy};
    pub use crate::awscli::{global_options, option_names, search};
    pub use crate::cli::{Cli, Document};
    pub use crate::cloud::aws::{CaBundleError, ConnectError, EndpointError, ListingError, ProxyError};
    pub use crate::cloud::failure::classify;
    pub use crate::cloud::{Effect, ErrorCode, Failure, FailureKind, Operation, OwnCode, TokenSize};
    pub use crate::doctor::Status;
    pub use crate::error::Error;
    pub use crate::file_ownership::Untrusted;
    pub use crate::impact::verdict::Verdict as ImpactVerdict;
    pub use crate::journal::{Entry, InvalidSettings, Replay, ReplayFailed, RunFolder, RunFolderFailed, scoped_policy};
    pub use crate::org::region::RegionRefused;
    pub use crate::org::selection::{SelectionFailed, SkipReason};
    pub use crate::org::unit_names::NearMisses;
    pub use crate::org::{AccountState, Caller, NamePattern};
    pub use crate::report::comparison::{COMPARISON_COLUMNS, Difference};
    pub use crate::report::{COLUMNS, columns};
    pub use crate::rollout::wave::{Waves, divide};
    pub use crate::rollout::{AccountError, Stage, Verified, hint};
    pub use crate::run::impact_visits::impact_session_policy;
    pub use crate::sanitize::{for_cell, for_terminal};
    pub use crate::system_limits::SystemLimit;
}
