//! The tags of accounts, written `KEY=VALUE`.

use std::str::FromStr;

use super::ParseError;
use crate::serde_text::textual;

/// A tag of an account: a key and its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// The key, 1 to 128 characters.
    pub key: String,
    /// The value, 0 to 256 characters.
    pub value: String,
}

textual!(Tag, "{}={}", key, value);

impl FromStr for Tag {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = text.split_once('=').ok_or_else(|| {
            ParseError::new("expected KEY=VALUE, such as Environment=prod; KEY= means that the value is empty")
        })?;
        if key.is_empty() {
            return Err(ParseError::new("expected a key before the ="));
        }
        // The limits are from the Organizations API reference, `Tag`.
        if key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(ParseError::new("a key has at most 128 characters, and a value 256"));
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_a_key_and_a_value() {
        let tag: Tag = "Team=a=b".parse().unwrap();
        assert_eq!((tag.key.as_str(), tag.value.as_str()), ("Team", "a=b"));
        assert_eq!("Team=".parse::<Tag>().unwrap().value, "");
        let refused = |text: &str| text.parse::<Tag>().unwrap_err().to_string();
        for text in ["Team", "", "Team:prod"] {
            assert!(refused(text).starts_with("expected KEY=VALUE"), "{text}");
        }
        assert_eq!(refused("=prod"), "expected a key before the =");
        assert!(refused(&format!("{}=x", "k".repeat(129))).starts_with("a key has at most 128 characters"));
    }
}
