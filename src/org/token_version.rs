//! This module owns the global endpoint token version: what is asked for, and what is read back.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The version of the tokens that the global STS endpoint issues, as `SetSecurityTokenServicePreferences` takes it.
///
/// The enum is closed and its spelling is case-sensitive: the service accepts `v1Token` and `v2Token` and
/// nothing else (IAM API reference, `SetSecurityTokenServicePreferences`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TokenVersion {
    /// Tokens are valid only in Regions that are enabled by default.
    #[serde(rename = "v1Token")]
    V1Token,
    /// Tokens are valid in every Region, and are longer.
    #[serde(rename = "v2Token")]
    V2Token,
}

impl TokenVersion {
    /// Both versions, in order.
    pub const ALL: [Self; 2] = [Self::V1Token, Self::V2Token];

    /// The spelling that the service takes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1Token => "v1Token",
            Self::V2Token => "v2Token",
        }
    }
}

impl fmt::Display for TokenVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text was neither `v1Token` nor `v2Token`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected v1Token or v2Token, spelled exactly so{suggestion}")]
pub struct ParseTokenVersionError {
    suggestion: String,
}

impl FromStr for TokenVersion {
    type Err = ParseTokenVersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|version| version.as_str() == text).ok_or_else(|| {
            let folded = text.trim().to_ascii_lowercase();
            let suggestion = match folded.as_str() {
                "v1token" | "v1" | "1" => "; did you mean v1Token?",
                "v2token" | "v2" | "2" => "; did you mean v2Token?",
                _ => "",
            };
            ParseTokenVersionError { suggestion: suggestion.to_owned() }
        })
    }
}

/// What one `GetAccountSummary` said about the token version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ObservedVersion {
    /// The summary held 1.
    #[serde(rename = "v1Token")]
    V1Token,
    /// The summary held 2.
    #[serde(rename = "v2Token")]
    V2Token,
    /// The summary had no such key, or a number that is neither version. That is not the same as version 1.
    #[serde(rename = "unknown")]
    Unknown,
}

impl ObservedVersion {
    /// Every reading, in order.
    pub const ALL: [Self; 3] = [Self::V1Token, Self::V2Token, Self::Unknown];

    /// Translates the integer under `GlobalEndpointTokenVersion` in the account summary.
    pub const fn from_summary(value: Option<i32>) -> Self {
        match value {
            Some(1) => Self::V1Token,
            Some(2) => Self::V2Token,
            _ => Self::Unknown,
        }
    }

    /// Whether this reading shows the wanted version.
    pub const fn shows(self, wanted: TokenVersion) -> bool {
        matches!((self, wanted), (Self::V1Token, TokenVersion::V1Token) | (Self::V2Token, TokenVersion::V2Token))
    }

    /// The word of the report's columns.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1Token => "v1Token",
            Self::V2Token => "v2Token",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for ObservedVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_spelling_is_a_version() {
        for version in TokenVersion::ALL {
            assert_eq!(version.as_str().parse(), Ok(version));
        }
        for wrong in ["", "v2token", "V2Token", "v2Token ", "2", "v3Token", "v2Token\n"] {
            assert!(wrong.parse::<TokenVersion>().is_err(), "{wrong:?}");
        }
        let error = "v2token".parse::<TokenVersion>().unwrap_err();
        assert!(error.to_string().contains("did you mean v2Token?"));
    }

    #[test]
    fn a_reading_shows_only_its_own_version() {
        let table = [
            (Some(1), ObservedVersion::V1Token, [true, false]),
            (Some(2), ObservedVersion::V2Token, [false, true]),
            (None, ObservedVersion::Unknown, [false, false]),
            (Some(0), ObservedVersion::Unknown, [false, false]),
            (Some(3), ObservedVersion::Unknown, [false, false]),
        ];
        for (value, reading, shows) in table {
            assert_eq!(ObservedVersion::from_summary(value), reading);
            assert_eq!(TokenVersion::ALL.map(|version| reading.shows(version)), shows);
        }
    }

    #[test]
    fn every_reading_has_one_word_in_json_and_text() {
        for reading in ObservedVersion::ALL {
            let json = serde_json::to_string(&reading).unwrap();
            assert_eq!(json, format!("\"{reading}\""));
            assert_eq!(serde_json::from_str::<ObservedVersion>(&json).unwrap(), reading);
        }
    }
}
