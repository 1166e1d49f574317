//! This module owns the checks before a rollout: what was found, how it is told, which accounts stand for all, and how long a run
//! will take.

mod check;
mod estimate;
mod sample;

pub use check::Status;
pub(crate) use check::{Check, Checks, Subject};
pub(crate) use estimate::{Estimate, Measured, STS_QUOTA};
pub(crate) use sample::sample;
