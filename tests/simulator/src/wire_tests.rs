//! Owns the tests over a real socket against a running organization.

mod client;
mod listing;
mod tokens;
mod visits;
