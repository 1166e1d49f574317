//! This module owns the nouns of an AWS Organization: accounts and what groups them, token versions, partitions and Regions.

pub mod account;
pub mod accounts_file;
pub mod caller;
pub mod name_pattern;
pub mod region;
pub mod role;
pub mod selection;
pub mod shard;
pub mod tag;
pub mod token_version;
pub mod unit;

pub use account::{Account, AccountId, AccountState};
pub use caller::{Caller, Partition};
pub use name_pattern::NamePattern;
pub use shard::{Shard, ShardChoice};
pub use tag::Tag;
pub use token_version::{ObservedVersion, TokenVersion};
pub use unit::UnitId;
