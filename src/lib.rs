//! Sets the global endpoint token version in every account of an AWS Organization.
#![forbid(unsafe_code)]

pub mod cli;
pub mod cloud;
pub mod commands;
pub mod error;
pub mod harmless;
pub mod journal;
pub mod org;
pub mod report;
pub mod rollout;
pub mod secret;
pub mod settings;
pub mod terminal;
pub mod timestamp;
pub mod verdict;
