//! The global endpoint token version: as it is set, and as it is read back.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ParseError;
use crate::text_enum::text_enum;

text_enum! {
    /// The version of the tokens that the global STS endpoint issues, as `SetSecurityTokenServicePreferences` accepts it.
    ///
    /// The service accepts only `v1Token` and `v2Token`, in this spelling (IAM API reference,
    /// `SetSecurityTokenServicePreferences`).
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub enum TokenVersion {
        /// Tokens are valid only in Regions that are enabled by default.
        V1Token = "v1Token",
        /// Tokens are valid in every Region, and are longer.
        V2Token = "v2Token",
    }
}

impl FromStr for TokenVersion {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|version| version.as_str() == text).ok_or_else(|| {
            let suggestion = match text.trim().to_ascii_lowercase().as_str() {
                "v1token" | "v1" | "1" => "; did you mean v1Token?",
                "v2token" | "v2" | "2" => "; did you mean v2Token?",
                _ => "",
            };
            ParseError(format!("expected v1Token or v2Token, spelled exactly so{suggestion}"))
        })
    }
}

text_enum! {
    /// The token version in the answer of one `GetAccountSummary`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub enum ObservedVersion {
        /// The summary contains 1.
        V1Token = "v1Token",
        /// The summary contains 2.
        V2Token = "v2Token",
        /// The summary contains another number or no `GlobalEndpointTokenVersion`. The version is not known, and is not treated
        /// as version 1.
        Unknown = "unknown",
    }
}

impl ObservedVersion {
    /// Reads the integer under `GlobalEndpointTokenVersion` in the account summary.
    pub const fn from_summary(value: Option<i32>) -> Self {
        match value {
            Some(1) => Self::V1Token,
            Some(2) => Self::V2Token,
            _ => Self::Unknown,
        }
    }

    /// Whether this is the wanted version.
    pub const fn shows(self, wanted: TokenVersion) -> bool {
        matches!((self, wanted), (Self::V1Token, TokenVersion::V1Token) | (Self::V2Token, TokenVersion::V2Token))
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
    fn each_observed_version_shows_only_itself() {
        let table = [
            (Some(1), ObservedVersion::V1Token, [true, false]),
            (Some(2), ObservedVersion::V2Token, [false, true]),
            (None, ObservedVersion::Unknown, [false, false]),
            (Some(0), ObservedVersion::Unknown, [false, false]),
            (Some(3), ObservedVersion::Unknown, [false, false]),
        ];
        for (value, observed, shows) in table {
            assert_eq!(ObservedVersion::from_summary(value), observed);
            assert_eq!(TokenVersion::ALL.map(|version| observed.shows(version)), shows);
        }
    }

    #[test]
    fn observed_versions_are_the_same_in_json_and_text() {
        for observed in ObservedVersion::ALL {
            let json = serde_json::to_string(&observed).unwrap();
            assert_eq!(json, format!("\"{observed}\""));
            assert_eq!(serde_json::from_str::<ObservedVersion>(&json).unwrap(), observed);
        }
    }
}
