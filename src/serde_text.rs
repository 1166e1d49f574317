//! Serializes values as text, and parses them as the command line does, so that a file can't contain a value that could not be typed.

/// Implements the conversions for `#[serde(try_from = "String", into = "String")]` by `Display` and `FromStr`.
macro_rules! textual {
    ($type:ty, $error:ty) => {
        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }

        impl TryFrom<String> for $type {
            type Error = $error;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
    };
}

pub(crate) use textual;
