//! This module owns the width of what stdout and stderr go to.

use console::Term;

/// How wide stdout is taken to be where it is no terminal, as in the AWS CLI.
const ELSEWHERE: usize = 80;

/// How many columns stdout has, or is taken to have.
pub(crate) fn stdout_width() -> usize {
    stdout_columns().unwrap_or(ELSEWHERE)
}

/// How many columns stdout has; `None` where it is no terminal, or one that does not tell.
pub(crate) fn stdout_columns() -> Option<usize> {
    Term::stdout().size_checked().map(|(_, columns)| usize::from(columns))
}

/// How many columns there are for a line on stderr; `None` where it is no terminal, or one that does not tell.
///
/// It is asked each time, because a terminal's size changes. The last column is left free: a terminal whose cursor stands behind
/// it is about to begin another line, and each does that in its own way.
pub(crate) fn stderr_width() -> Option<usize> {
    Term::stderr().size_checked().map(|(_, columns)| usize::from(columns).saturating_sub(1).max(1))
}
