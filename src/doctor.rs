//! The checks of `doctor`: whether a rollout would work, and how long it would take.

mod account;
mod check;
mod estimate;
pub(crate) mod prerequisites;
mod sample;

pub(crate) use account::{Latency, check_account};
pub use check::Status;
pub(crate) use check::{Check, Checks, Subject};
pub(crate) use estimate::Measurements;
pub(crate) use sample::sample;
