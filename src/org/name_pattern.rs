//! Patterns that select accounts by name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::serde_text::textual;

/// A pattern for whole account names: `*` matches any text, and `?` any character. It is case-sensitive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NamePattern(WildMatch);

impl Eq for NamePattern {}

impl NamePattern {
    /// Whether the pattern matches the whole name.
    pub fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

textual!(NamePattern, ParseNamePatternError);

/// The text is not a usable pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseNamePatternError {
    /// It is empty, and would match no account.
    #[error("expected a name, in which * stands for any text and ? for any character")]
    Empty,
    /// It has white space around it, as in a list with a space after the comma. Account names don't begin or end with white space.
    #[error("there is white space around the name: did you mean {0:?}?")]
    Spaced(String),
}

impl FromStr for NamePattern {
    type Err = ParseNamePatternError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "" => Err(ParseNamePatternError::Empty),
            trimmed if trimmed != text => Err(ParseNamePatternError::Spaced(trimmed.to_owned())),
            _ => Ok(Self(WildMatch::new(text))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_names() {
        for (pattern, name, expected) in [
            ("prod", "prod", true),
            ("prod", "prod-1", false),
            ("prod-*", "prod-1", true),
            ("*prod*", "my prod account", true),
            ("prod-?", "prod-12", false),
            ("Prod", "prod", false),
            ("*", "", true),
            ("[a]", "a", false),
            ("*ß", "Straße ß", true),
        ] {
            let parsed: NamePattern = pattern.parse().unwrap();
            assert_eq!(parsed.matches(name), expected, "{pattern} {name}");
            assert_eq!(parsed.to_string(), pattern);
        }
        assert_eq!("".parse::<NamePattern>(), Err(ParseNamePatternError::Empty));
        assert_eq!(" Audit".parse::<NamePattern>(), Err(ParseNamePatternError::Spaced("Audit".to_owned())));
    }
}
