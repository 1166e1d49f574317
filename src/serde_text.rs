//! This module owns how values that have a text are serialised: as that text, and read back by the parser that the command line
//! uses, so that nothing gets in by a file that could not be typed.

/// For a type with `Display` and `FromStr`, and with `#[serde(try_from = "String", into = "String")]`.
macro_rules! textual {
    ($type:ty, $refused:ty) => {
        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }

        impl TryFrom<String> for $type {
            type Error = $refused;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
    };
}

pub(crate) use textual;

/// For `#[serde(with)]`: a text that many values share.
pub(crate) mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(text: &Arc<str>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
        String::deserialize(deserializer).map(Arc::from)
    }
}
