//! Sets the global endpoint token version in every account of an AWS Organization.
//!
//! An account at `v1Token`, the default, gets session tokens from the global STS endpoint (`sts.amazonaws.com`) that are
//! refused in Regions which must be enabled by hand. At `v2Token` they work everywhere, but are longer.
//!
//! The program `v2token` is a thin layer over this library. From the outside in:
//!
//! | module | what it owns |
//! |---|---|
//! | [`cli`] | the command line: what can be typed |
//! | [`settings`] | what was typed and what surrounds the program, resolved into what is meant |
//! | [`commands`] | the commands: they bring the modules below together |
//! | [`doctor`] | the checks before a rollout: how they are told, and the estimate of its duration |
//! | [`policy`] | the policies that a run needs |
//! | [`awscli`] | the AWS CLI v1's two commands for one account |
//! | [`awscli::jmespath`] | JMESPath, and the AWS CLI's text and tables |
//! | [`report`] | the report: one row for every account, in several formats |
//! | [`terminal`] | progress, log lines and questions on stderr |
//! | [`journal`] | the run folder and the journal in it, which is the truth |
//! | [`file_ownership`] | whose files are trusted |
//! | [`rollout`] | waves, visits, the pace, and when to stop |
//! | [`cloud`] | the port to AWS, and AWS behind it |
//! | [`org`] | the nouns: accounts, token versions, partitions, Regions, roles |
//! | [`error`], [`verdict`] | what stops a run, what a run amounts to, and the exit codes |
//!
//! A run is a [`roll_out`](rollout::roll_out) over [`Target`](rollout::Target)s; `examples/survey.rs` is one in a page.
//!
//! ```
//! use v2token::org::{Reading, TokenVersion};
//! use v2token::rollout::{Decision, Mode, Outcome, Past, decide};
//!
//! // The summary showed no version at all: that is unknown, and unknown is set.
//! let read = Reading::from_summary(None);
//! assert_eq!(decide(Mode::Apply, read, TokenVersion::V2Token, Past::None), Decision::Set);
//! assert_eq!(decide(Mode::Plan, read, TokenVersion::V2Token, Past::None), Decision::Done(Outcome::WouldChange));
//! ```

pub mod awscli;
pub mod cli;
pub mod cloud;
pub mod commands;
pub mod doctor;
pub mod error;
pub mod file_ownership;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod journal;
pub mod org;
pub mod policy;
pub mod report;
pub mod rollout;
mod run;
pub mod sanitize;
pub mod secret;
mod serde_text;
pub mod settings;
pub mod terminal;
pub mod timestamp;
pub mod verdict;
