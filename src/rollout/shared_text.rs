//! A text of a record, kept in few bytes: most records have none, or share it.

use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use crate::interner::Interner;

/// A text that records can share, or an empty text. It takes 8 bytes, and an `Arc<str>` or a `Box<str>` takes 16.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct SharedText(Option<Arc<String>>);

impl SharedText {
    /// Lets the text share its memory with equal texts that were shared before.
    pub(crate) fn share(&mut self, texts: &mut Interner<String>) {
        if let Some(text) = &mut self.0 {
            texts.intern(text);
        }
    }
}

impl From<String> for SharedText {
    fn from(text: String) -> Self {
        Self((!text.is_empty()).then(|| Arc::new(text)))
    }
}

impl From<&str> for SharedText {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Deref for SharedText {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.as_ref().map_or("", |text| text.as_str())
    }
}

impl Serialize for SharedText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}
