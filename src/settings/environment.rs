//! The environment of the process: time, terminals and variables.

use std::io::IsTerminal as _;
use std::time::SystemTime;

use crate::aws_settings::Variables;
use crate::terminal::color_variables::ColorVariables;

/// What the settings depend on besides the options. It is passed as a value, so that tests can choose it.
#[derive(Clone)]
pub(crate) struct Environment {
    /// When the program started.
    pub now: SystemTime,
    /// Whether stdin is a terminal.
    pub stdin_is_terminal: bool,
    /// Whether stderr is a terminal.
    pub stderr_is_terminal: bool,
    /// Whether stdout is a terminal.
    pub stdout_is_terminal: bool,
    /// Whether `CI` is set. If it is set, no person watches the terminal.
    pub ci: bool,
    /// What the variables say about colours.
    pub colors: ColorVariables,
    /// Whether `TERM` is `dumb`. A dumb terminal has no colours and can't move its cursor.
    pub dumb: bool,
    /// All environment variables. They can contain secret keys, so this type does not implement `Debug`.
    pub variables: Variables,
}

impl Environment {
    /// Reads the environment of this process.
    pub(crate) fn read() -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        Self {
            now: SystemTime::now(),
            stdin_is_terminal: std::io::stdin().is_terminal(),
            stderr_is_terminal: std::io::stderr().is_terminal(),
            ci: set("CI").is_some(),
            colors: ColorVariables::read(|name| std::env::var(name).ok()),
            stdout_is_terminal: std::io::stdout().is_terminal(),
            dumb: set("TERM").is_some_and(|term| term == "dumb"),
            variables: Variables::of_process(),
        }
    }

    /// Whether a question can be asked on a terminal.
    pub(crate) const fn can_ask(&self) -> bool {
        self.stdin_is_terminal && self.stderr_is_terminal
    }
}
