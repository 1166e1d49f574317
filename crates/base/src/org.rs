//! The types of an AWS Organization: accounts, OUs, tags, roles, token versions, partitions and Regions.

pub mod account;
pub mod account_arn;
pub mod account_index;
pub mod accounts_file;
pub mod caller;
pub mod exception;
pub mod joined_since;
pub mod name_pattern;
pub mod organizational_unit;
pub mod region;
pub mod role;
pub mod selection;
pub mod shard;
pub mod tag;
pub mod token_version;
mod unit_choice;
pub mod unit_names;

/// The text is not a valid value of the type. The message says what is expected, or what the text seems to be instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(String);

impl ParseError {
    /// Returns an error with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// Returns the first few items, and how many more there are.
fn join<'a, T: ToString + 'a>(items: impl IntoIterator<Item = &'a T, IntoIter: ExactSizeIterator>) -> String {
    const SHOWN: usize = 5;
    let items = items.into_iter();
    let more = items.len().saturating_sub(SHOWN);
    let shown = items.take(SHOWN).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

pub use account::{Account, AccountAttributes, AccountId, AccountState};
pub use account_arn::AccountArn;
pub use caller::Caller;
pub use caller::Partition;
pub use joined_since::JoinedSince;
pub use name_pattern::NamePattern;
pub use organizational_unit::UnitId;
pub use shard::ShardChoice;
pub use tag::Tag;
pub use token_version::{ObservedVersion, TokenVersion};
pub use unit_choice::UnitChoice;
pub use unit_names::UnitNames;
