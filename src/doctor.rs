//! The checks of `doctor`: whether a rollout would work, and how long it would take.

mod account;
mod check;
mod estimate;
pub(crate) mod prerequisites;
mod sample;
mod table;
pub(crate) mod tokens;

pub(crate) use account::{CheckedAccount, Latency, check_account, check_role, usual_latency};
pub use check::Status;
pub(crate) use check::{Check, Checks, Subject};
pub(crate) use estimate::Measurements;
pub(crate) use sample::sample;
pub(crate) use table::table;
