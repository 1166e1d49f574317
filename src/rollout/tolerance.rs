//! `--max-errors`: how many accounts may fail before the run stops.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::serde_text::textual;

/// How many accounts may fail before no further visit starts.
///
/// As with `MaxErrors` in Systems Manager and the failure tolerance of StackSets, the run stops when more than this many
/// fail, and a percentage is rounded down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Tolerance {
    /// This many accounts.
    Count(usize),
    /// This percentage of the accounts, 0 to 100.
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
