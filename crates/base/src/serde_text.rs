//! Serializes values as text, and parses them as the command line does, so that files contain only values that can be typed.

/// Implements `Display` with a format of the fields, and serde's traits with `Display` and `FromStr`. The second form of the
/// macro is for a type with its own `Display`. It implements the conversions that
/// `#[serde(try_from = "String", into = "String")]` needs.
#[macro_export]
macro_rules! textual {
    ($type:ty, $format:literal, $($field:tt),+) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, $format, $(self.$field),+)
            }
        }

        textual!($type);
    };
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text: String = serde::Deserialize::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
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

pub use textual;
