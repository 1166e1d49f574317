//! This module owns the forms of a value that `--output text` and `--output table` have in the AWS CLI.

mod table;
mod text;

pub(crate) use table::format as table;
pub(crate) use text::format as text;

/// How a table is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    /// Whether it is coloured.
    pub color: bool,
    /// The width that it may have before it is turned on its side, in columns.
    pub width: usize,
}
