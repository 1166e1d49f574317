//! The tags of accounts, written `KEY=VALUE`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::serde_text::textual;

/// A tag of an account: a key and its value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag {
    /// The key, 1 to 128 characters.
    pub key: String,
    /// The value, up to 256 characters. It may be empty.
    pub value: String,
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

textual!(Tag, ParseTagError);

/// The text is not a tag.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseTagError {
    /// There is no `=`.
    #[error("expected KEY=VALUE, such as Environment=prod; KEY= means that the value is empty")]
    NoValue,
    /// There is no key before the `=`.
    #[error("expected a key before the =")]
    NoKey,
    /// It is longer than AWS allows (Organizations API reference, `Tag`).
    #[error("a key has at most 128 characters, and a value 256")]
    TooLong,
}

impl FromStr for Tag {
    type Err = ParseTagError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (key, value) = text.split_once('=').ok_or(ParseTagError::NoValue)?;
        if key.is_empty() {
            return Err(ParseTagError::NoKey);
        }
        if key.chars().count() > 128 || value.chars().count() > 256 {
            return Err(ParseTagError::TooLong);
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
        for (text, refused) in [
            ("Team", ParseTagError::NoValue),
            ("", ParseTagError::NoValue),
            ("=prod", ParseTagError::NoKey),
            ("Team:prod", ParseTagError::NoValue),
        ] {
            assert_eq!(text.parse::<Tag>(), Err(refused), "{text}");
        }
        assert_eq!(format!("{}=x", "k".repeat(129)).parse::<Tag>(), Err(ParseTagError::TooLong));
    }
}
