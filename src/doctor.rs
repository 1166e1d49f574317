//! This module owns the checks before a rollout: what was found, how it is told, which accounts stand for all, and how long a run
//! will take.

mod check;
mod estimate;
mod sample;

pub use check::{Check, Checks, Status, Subject};
pub use estimate::{Estimate, Measured, STS_QUOTA};
pub use sample::sample;
