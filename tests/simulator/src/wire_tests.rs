//! Owns the tests over a real socket against a running organization.

mod chains;
mod client;
mod listing;
mod mfa;
mod tokens;
mod visits;
