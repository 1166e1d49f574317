//! The types of an AWS Organization: accounts, OUs, tags, roles, token versions, partitions and Regions.

pub(crate) mod account;
pub(crate) mod account_arn;
pub(crate) mod account_index;
pub(crate) mod accounts_file;
pub(crate) mod caller;
pub(crate) mod exception;
pub(crate) mod joined_since;
pub(crate) mod name_pattern;
pub(crate) mod organizational_unit;
pub(crate) mod region;
pub(crate) mod role;
pub(crate) mod selection;
pub(crate) mod shard;
pub(crate) mod tag;
pub(crate) mod token_version;
pub(crate) mod unit_choice;
pub(crate) mod unit_names;

/// The text is not a valid value of the type. The message says what is expected, or what the text seems to be instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(String);

impl ParseError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
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
pub(crate) use caller::Partition;
pub(crate) use joined_since::JoinedSince;
pub use name_pattern::NamePattern;
pub(crate) use organizational_unit::UnitId;
pub(crate) use shard::ShardChoice;
pub(crate) use tag::Tag;
pub use token_version::{ObservedVersion, TokenVersion};
pub(crate) use unit_choice::UnitChoice;
pub(crate) use unit_names::UnitNames;
