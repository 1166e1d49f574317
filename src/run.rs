//! A run from its settings to its exit code: connect, list, select, ask, visit, write down, report.

pub(crate) mod baseline;
pub(crate) mod connect;
pub(crate) mod execute;
pub(crate) mod finish;
pub(crate) mod overview;
pub(crate) mod prepare;
pub(crate) mod recorder;
pub(crate) mod signals;
pub(crate) mod stdout;
pub(crate) mod survey;
pub(crate) mod targets;
