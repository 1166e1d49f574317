//! The run folders in a folder: found by name, listed with their results, and searched for one account.

pub(crate) mod catalog;
mod columns;
pub(crate) mod history;
pub(crate) mod known_run;
pub(crate) mod list;
pub(crate) mod name;
mod parallel;
