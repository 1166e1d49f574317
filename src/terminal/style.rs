//! This module owns the few colours of stderr, and what each of them means.

use crate::rollout::Outcome;

/// How a piece of text looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Like everything else.
    #[default]
    Plain,
    /// Something was changed, as was asked for.
    Good,
    /// Something failed.
    Bad,
    /// Something is not known, or needs a look.
    Doubt,
    /// Something to be seen first.
    Strong,
    /// Something that may be overlooked.
    Faint,
}

impl Paint {
    /// The colour of an outcome.
    pub(crate) const fn of(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Changed => Self::Good,
            Outcome::Failed => Self::Bad,
            Outcome::Unverified => Self::Doubt,
            Outcome::Unchanged | Outcome::WouldChange | Outcome::Skipped | Outcome::NotAttempted => Self::Plain,
        }
    }

    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "32",
            Self::Bad => "1;31",
            Self::Doubt => "33",
            Self::Strong => "1",
            Self::Faint => "2",
        }
    }

    /// The text in this colour, where colours are shown.
    pub(crate) fn on(self, text: &str, color: bool) -> String {
        if color && self != Self::Plain { format!("\u{1b}[{}m{text}\u{1b}[0m", self.code()) } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_a_meaning_is_coloured_and_only_where_colours_are_shown() {
        assert_eq!(Paint::of(Outcome::Failed).on("failed", true), "\u{1b}[1;31mfailed\u{1b}[0m");
        assert_eq!(Paint::of(Outcome::Unchanged).on("unchanged", true), "unchanged");
        for outcome in Outcome::ALL {
            assert_eq!(Paint::of(outcome).on("x", false), "x");
        }
    }
}
