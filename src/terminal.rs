//! This module owns the terminal: progress, log lines and questions on stderr. stdout is for data.

pub mod forecast;
pub mod layout;
pub mod log;
pub mod note;
pub mod progress;
pub mod prompt;
pub mod size;
pub mod stderr;
pub mod style;

pub use note::Note;
pub use progress::{Outline, Progress};
