//! The id that AWS gives to a call, kept in few bytes: a run has one for each account.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// The length of a UUID as text.
const UUID: usize = 36;

/// AWS's id of a call, for CloudTrail and for AWS Support. Its text is kept exactly.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct RequestId(Form);

#[derive(Clone, PartialEq, Eq)]
enum Form {
    /// The ids of STS, IAM and Organizations are UUIDs in lower case.
    Uuid([u8; 16]),
    Other(Box<str>),
}

impl From<&str> for RequestId {
    fn from(text: &str) -> Self {
        Self(uuid(text).map_or_else(|| Form::Other(text.into()), Form::Uuid))
    }
}

impl From<String> for RequestId {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

/// Returns the bytes of a UUID in lower case, with hyphens; `None` for any other text.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let text: &[u8; UUID] = text.as_bytes().try_into().ok()?;
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let (mut bytes, mut at) = ([0; 16], 0);
    for (index, byte) in bytes.iter_mut().enumerate() {
        if has_hyphen_before(index) {
            if text[at] != b'-' {
                return None;
            }
            at += 1;
        }
        *byte = digit(text[at])? << 4 | digit(text[at + 1])?;
        at += 2;
    }
    Some(bytes)
}

/// Whether the text of a UUID has a hyphen before this byte.
const fn has_hyphen_before(byte: usize) -> bool {
    matches!(byte, 4 | 6 | 8 | 10)
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = match &self.0 {
            Form::Uuid(bytes) => bytes,
            Form::Other(text) => return f.write_str(text),
        };
        let (mut text, mut at) = ([b'-'; UUID], 0);
        for (index, byte) in bytes.iter().enumerate() {
            at += usize::from(has_hyphen_before(index));
            for digit in [byte >> 4, byte & 15] {
                text[at] = b"0123456789abcdef"[usize::from(digit)];
                at += 1;
            }
        }
        f.write_str(std::str::from_utf8(&text).expect("digits and hyphens are ASCII"))
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_kept_exactly() {
        for (text, is_uuid) in [
            ("6aaaeae9-8c2d-4e48-ac30-8bb532a51dad", true),
            ("00000000-0000-0000-0000-00000000000f", true),
            ("6AAAEAE9-8C2D-4E48-AC30-8BB532A51DAD", false),
            ("6aaaeae9-8c2d-4e48-ac30-8bb532a51da", false),
            ("6aaaeae9-8c2d-4e48-ac30-8bb532a51dadd", false),
            ("6aaaeae9x8c2d-4e48-ac30-8bb532a51dad", false),
            ("6aaaeae9-8c2d-4e48-ac30-8bb532a51dag", false),
            ("6aaaeae98c2d4e48ac308bb532a51dad----", false),
            ("EXAMPLE+id/123=", false),
            ("ääääääääääääääääää", false),
            ("", false),
        ] {
            let id = RequestId::from(text);
            assert_eq!((id.to_string().as_str(), matches!(id.0, Form::Uuid(_))), (text, is_uuid));
            let json = serde_json::to_string(&id).unwrap();
            assert_eq!(json, serde_json::to_string(text).unwrap());
            assert_eq!(serde_json::from_str::<RequestId>(&json).unwrap(), id);
        }
    }
}
