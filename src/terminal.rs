//! This module owns the terminal: progress, log lines and questions on stderr. stdout is for data.

pub(crate) mod forecast;
pub(crate) mod layout;
pub(crate) mod log;
pub(crate) mod mode;
pub(crate) mod note;
pub(crate) mod progress;
pub(crate) mod prompt;
pub(crate) mod size;
pub(crate) mod stderr;
pub(crate) mod style;

pub(crate) use note::Note;
pub(crate) use progress::{Outline, Progress};
