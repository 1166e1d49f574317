//! The colours of stderr and their meaning.

use crate::rollout::Outcome;

/// The colour of a text, by meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paint {
    /// No colour.
    Plain,
    /// An account was changed.
    Good,
    /// A failure.
    Bad,
    /// An uncertain result, or a warning.
    Warning,
    /// Important text.
    Bold,
    /// Unimportant text.
    Faint,
}

impl Paint {
    /// Returns the colour of an outcome.
    pub(crate) const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Changed => Self::Good,
            Outcome::Failed => Self::Bad,
            Outcome::Unverified => Self::Warning,
            Outcome::Unchanged | Outcome::WouldChange | Outcome::Skipped | Outcome::NotAttempted => Self::Plain,
        }
    }

    /// Returns the text in this colour if `color` is set.
    pub(crate) fn on(self, text: &str, color: bool) -> String {
        let code = match self {
            Self::Plain => return text.to_owned(),
            Self::Good => "32",
            Self::Bad => "1;31",
            Self::Warning => "33",
            Self::Bold => "1",
            Self::Faint => "2",
        };
        if color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_used_only_if_enabled() {
        assert_eq!(Paint::of(Outcome::Failed).on("failed", true), "\u{1b}[1;31mfailed\u{1b}[0m");
        assert_eq!(Paint::of(Outcome::Unchanged).on("unchanged", true), "unchanged");
        for outcome in Outcome::ALL {
            assert_eq!(Paint::of(outcome).on("x", false), "x");
        }
    }
}
