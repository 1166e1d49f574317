//! Why a text is not a usable JMESPath expression.

/// Why a text is not a usable expression.
#[derive(Debug)]
pub struct InvalidQuery {
    /// What is wrong.
    pub cause: Cause,
    /// The position of the error, in characters from 0; `None` if the error has no position. If the text ends too early, the
    /// position is the length of the text.
    pub at: Option<usize>,
    /// The message of Python's jmespath 1.1 for the same error.
    pub in_full: String,
}

/// What is wrong with an expression.
#[derive(Debug, PartialEq, Eq)]
pub enum Cause {
    /// The text at the position can't follow the text before it.
    Unexpected,
    /// Something else is expected at the position.
    Expected(&'static str),
    /// An explanation in words.
    Other(String),
}

impl InvalidQuery {
    /// Returns an error without a position, or an error that Python does not have.
    pub(super) fn other(cause: &str, at: Option<usize>) -> Self {
        let in_full = format!("Invalid JMESPath expression: {cause}.");
        Self { cause: Cause::Other(cause.to_owned()), at, in_full }
    }
}
