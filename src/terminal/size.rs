//! This module owns the width of the terminal that stdout goes to.

/// How many columns stdout has.
#[must_use]
pub fn stdout_width() -> usize {
    usize::from(console::Term::stdout().size().1)
}
