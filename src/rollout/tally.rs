//! This module owns counting: how many accounts came to which outcome, and whether that is still tolerable.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::record::Outcome;
use crate::serde_text::textual;

/// How many accounts came to each outcome.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: [usize; Outcome::ALL.len()],
}

impl Tally {
    /// Counts one more account.
    pub fn add(&mut self, outcome: Outcome) {
        self.counts[Self::slot(outcome)] += 1;
    }

    /// Counts the accounts of another tally, too.
    pub fn include(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
    }

    /// How many accounts came to this outcome.
    pub fn of(&self, outcome: Outcome) -> usize {
        self.counts[Self::slot(outcome)]
    }

    /// How many accounts were counted.
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    /// How many count against `--max-errors`.
    pub fn errors(&self) -> usize {
        Outcome::ALL.into_iter().filter(|outcome| outcome.is_error()).map(|outcome| self.of(outcome)).sum()
    }

    /// Each outcome with its count, in the order of [`Outcome::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Outcome, usize)> + '_ {
        Outcome::ALL.into_iter().map(|outcome| (outcome, self.of(outcome)))
    }

    fn slot(outcome: Outcome) -> usize {
        Outcome::ALL.iter().position(|known| *known == outcome).expect("ALL holds every outcome")
    }
}

impl FromIterator<Outcome> for Tally {
    fn from_iter<I: IntoIterator<Item = Outcome>>(outcomes: I) -> Self {
        let mut tally = Self::default();
        outcomes.into_iter().for_each(|outcome| tally.add(outcome));
        tally
    }
}

/// How many accounts may fail before no further visit starts: a count, or a percentage.
///
/// The semantics are those of Systems Manager's `MaxErrors` and of StackSets' failure tolerance: the run stops when
/// more than this many fail, and a percentage is rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Tolerance {
    /// At most so many accounts.
    Count(usize),
    /// At most so many of a hundred, 0 to 100.
    Percent(u8),
}

impl Tolerance {
    /// How many of `accounts` may fail.
    pub const fn allowed(self, accounts: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => accounts * percent as usize / 100,
        }
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

textual!(Tolerance, ParseToleranceError);

/// The text is neither a count nor a percentage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a count such as 5, or a percentage from 0% to 100%")]
pub struct ParseToleranceError;

impl FromStr for Tolerance {
    type Err = ParseToleranceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_suffix('%') {
            Some(percent) => match percent.parse() {
                Ok(percent @ 0..=100) => Ok(Self::Percent(percent)),
                _ => Err(ParseToleranceError),
            },
            None => text.parse().map(Self::Count).map_err(|_| ParseToleranceError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_add_up_over_every_outcome() {
        let tally: Tally = Outcome::ALL.into_iter().flat_map(|outcome| [outcome, outcome]).collect();
        assert_eq!(tally.total(), 14);
        assert!(tally.iter().all(|(_, count)| count == 2));
        assert_eq!(tally.errors(), 4);
    }

    #[test]
    fn a_percentage_is_rounded_down() {
        let table = [
            ("10%", 500, 50),
            ("10%", 9, 0),
            ("10%", 19, 1),
            ("0%", 500, 0),
            ("100%", 7, 7),
            ("3", 500, 3),
            ("0", 500, 0),
            ("99%", 1, 0),
        ];
        for (text, accounts, allowed) in table {
            let tolerance: Tolerance = text.parse().unwrap();
            assert_eq!(tolerance.allowed(accounts), allowed, "{text} of {accounts}");
            assert_eq!(tolerance.to_string(), text);
        }
        for wrong in ["", "%", "101%", "-1", "1.5%", "ten", "10 %", "256%"] {
            assert_eq!(wrong.parse::<Tolerance>(), Err(ParseToleranceError), "{wrong:?}");
        }
    }
}
