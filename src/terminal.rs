//! The terminal: progress, log lines and questions on stderr. stdout is for data.

pub(crate) mod color_variables;
pub(crate) mod forecast;
pub(crate) mod layout;
pub(crate) mod log_line;
pub(crate) mod progress;
pub(crate) mod prompt;
pub(crate) mod stderr;
pub(crate) mod stderr_mode;
pub(crate) mod style;

pub(crate) use log_line::LogLine;
pub(crate) use progress::{Progress, ReadEvents, Workload};
