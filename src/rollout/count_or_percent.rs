//! Numbers of accounts that can be given as percentages: the sizes of waves, and how many accounts are allowed to fail.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::serde_text::textual;

/// A number of accounts, given as a count or as a percentage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum CountOrPercent {
    /// This many accounts.
    Count(usize),
    /// This percentage of the accounts, 0 to 100.
    Percent(u8),
}

impl CountOrPercent {
    /// Returns the number of accounts out of `accounts`, rounded down.
    pub const fn floor_of(self, accounts: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => accounts * percent as usize / 100,
        }
    }

    /// Returns the number of accounts out of `accounts`, rounded up.
    pub const fn ceil_of(self, accounts: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => (accounts * percent as usize).div_ceil(100),
        }
    }
}

impl fmt::Display for CountOrPercent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

textual!(CountOrPercent, ParseCountOrPercentError);

/// The text is neither a count nor a percentage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a count such as 5, or a percentage from 0% to 100%")]
pub struct ParseCountOrPercentError;

impl FromStr for CountOrPercent {
    type Err = ParseCountOrPercentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = match text.strip_suffix('%') {
            Some(percent) => percent.parse().ok().filter(|percent| *percent <= 100).map(Self::Percent),
            None => text.parse().ok().map(Self::Count),
        };
        parsed.ok_or(ParseCountOrPercentError)
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
            let tolerance: CountOrPercent = text.parse().unwrap();
            assert_eq!(tolerance.floor_of(accounts), allowed, "{text} of {accounts}");
            assert_eq!(tolerance.to_string(), text);
        }
        for wrong in ["", "%", "101%", "-1", "1.5%", "ten", "10 %", "256%"] {
            assert_eq!(wrong.parse::<CountOrPercent>(), Err(ParseCountOrPercentError), "{wrong:?}");
        }
    }
}
