//! The global endpoint token version, and its form in each protocol.

use serde::{Deserialize, Serialize};

/// The global endpoint token version. Serialised as the integer `1` or `2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub enum TokenVersion {
    /// Tokens of the global endpoint are valid only in Regions that are enabled by default.
    V1,
    /// Tokens of the global endpoint are valid in all Regions.
    V2,
}

impl TokenVersion {
    /// The integer that `GetAccountSummary` shows.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }

    /// Parses the wire value of `SetSecurityTokenServicePreferences`, which is case-sensitive, as in IAM.
    #[must_use]
    pub fn from_wire(text: &str) -> Option<Self> {
        match text {
            "v1Token" => Some(Self::V1),
            "v2Token" => Some(Self::V2),
            _ => None,
        }
    }
}

impl From<TokenVersion> for u8 {
    fn from(version: TokenVersion) -> Self {
        version.number()
    }
}

impl TryFrom<u8> for TokenVersion {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            1 => Ok(Self::V1),
            2 => Ok(Self::V2),
            _ => Err("a token version is 1 or 2"),
        }
    }
}
