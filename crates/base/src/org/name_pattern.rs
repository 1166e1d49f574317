//! Patterns that select accounts by name.

use std::str::FromStr;

use wildmatch::WildMatch;

use super::ParseError;
use crate::serde_text::textual;

/// A pattern for whole account names: `*` matches any text, and `?` any character. Patterns are case-sensitive.
#[derive(Clone, Debug, PartialEq)]
pub struct NamePattern(WildMatch);

impl Eq for NamePattern {}

impl NamePattern {
    /// Whether the pattern matches the whole name.
    pub fn matches(&self, name: &str) -> bool {
        self.0.matches(name)
    }
}

textual!(NamePattern, "{}", 0);

impl FromStr for NamePattern {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "" => Err(ParseError::new("expected a name, in which * stands for any text and ? for any character")),
            // Such a text often comes from a list with a space after a comma. No account name begins or ends with white space, so
            // the pattern would match no account.
            trimmed if trimmed != text => {
                Err(ParseError(format!("there is white space around the name: did you mean {trimmed:?}?")))
            }
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
        let refused = |text: &str| text.parse::<NamePattern>().unwrap_err().to_string();
        assert!(refused("").starts_with("expected a name"));
        assert_eq!(refused(" Audit"), "there is white space around the name: did you mean \"Audit\"?");
    }
}
