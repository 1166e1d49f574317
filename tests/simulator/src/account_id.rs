//! Twelve-digit account ids.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The id of the management account of every simulated organization of a hundred accounts or more.
///
/// The account is in the middle of the list, so that code that skips the first account does not pass by luck. In a smaller
/// organization, the id is the same and the account is listed last.
pub const MANAGEMENT_ACCOUNT: AccountId = AccountId(100);

/// A twelve-digit account id. Simulated ids start with `0000`, which distinguishes them from real ids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(u64);

impl AccountId {
    /// Returns the id with this number; `AccountId::new(7)` is `000000000007`.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Parses exactly twelve digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 12 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        text.parse().ok().map(Self)
    }

    /// The id as a number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

impl From<&str> for AccountId {
    /// Parses twelve digits.
    ///
    /// # Panics
    /// If the text is anything else, so that a test with a mistyped id fails at once.
    fn from(text: &str) -> Self {
        Self::parse(text).expect("an account id is twelve digits")
    }
}

impl From<&String> for AccountId {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<i32> for AccountId {
    /// # Panics
    /// If the number is negative.
    fn from(number: i32) -> Self {
        Self(u64::try_from(number).expect("an account number is not negative"))
    }
}

impl From<u32> for AccountId {
    fn from(number: u32) -> Self {
        Self(u64::from(number))
    }
}

impl From<u64> for AccountId {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl From<usize> for AccountId {
    fn from(number: usize) -> Self {
        Self(number as u64)
    }
}

impl Serialize for AccountId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("an account id is twelve digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_twelve_digits() {
        assert_eq!(AccountId::new(7).to_string(), "000000000007");
        assert_eq!(AccountId::parse("000000000100"), Some(MANAGEMENT_ACCOUNT));
        assert_eq!(AccountId::parse("+00000000100"), None);
    }
}
