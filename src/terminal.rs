//! This module owns the terminal: progress, log lines and questions on stderr. stdout is for data.

pub mod log;
pub mod progress;
pub mod prompt;
pub mod size;
pub mod stderr;
pub mod style;

pub use progress::Progress;
