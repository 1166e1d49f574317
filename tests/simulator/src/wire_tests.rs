//! Tests over a real socket against a running organization.

mod chains;
mod client;
mod clocks;
mod impact;
mod layout;
mod listing;
mod mfa;
mod partitions;
mod permissions;
mod root_access;
mod simulate_policy;
mod tokens;
mod troubleshooter;
mod visits;
mod web_identity;
