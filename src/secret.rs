//! This module owns values that must never be seen: external ids and MFA codes, as they travel from the command line to AWS.

use std::str::FromStr;

/// A secret text. It has no `Debug`, no `Display` and no serialisation, so that no log line can hold it by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself, for the request that needs it and for nothing else.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}
