//! This module owns the nouns of an AWS Organization: accounts, token versions, partitions and Regions.

pub mod account;
pub mod caller;
pub mod region;
pub mod role;
pub mod select;
pub mod token_version;

pub use account::{Account, AccountId, AccountState};
pub use caller::{Caller, Partition};
pub use token_version::{Reading, TokenVersion};
