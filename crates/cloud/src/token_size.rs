//! The size of a session token, from which its version can be told.

/// The size of a session token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenSize {
    /// The size in bytes that STS reported as `SessionTokenSize`; `None` if the answer has no size, as in partitions and emulators that do
    /// not know it.
    pub reported: Option<u32>,
    /// The length of the token itself.
    pub length: u32,
}

impl TokenSize {
    /// Returns the size of a token of this length. STS never reports a size of 0, so the member counts as missing then.
    pub fn new(reported: Option<i32>, length: usize) -> Self {
        Self {
            reported: reported.and_then(|size| u32::try_from(size).ok()).filter(|size| *size > 0),
            length: u32::try_from(length).unwrap_or(u32::MAX),
        }
    }
}
