//! This module owns the width of what stdout goes to.

/// How wide stdout is taken to be where it is no terminal, as in the AWS CLI.
const ELSEWHERE: usize = 80;

/// How many columns stdout has.
#[must_use]
pub fn stdout_width() -> usize {
    let stdout = console::Term::stdout();
    if stdout.is_term() { usize::from(stdout.size().1) } else { ELSEWHERE }
}
