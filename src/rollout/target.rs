//! The accounts to visit, and what earlier visits left behind in them.

use serde::{Deserialize, Serialize};

use crate::cloud::AccessMethod;
use crate::org::{AccountId, ObservedVersion, TokenVersion};

/// An account that is to be visited, and how it is entered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The account.
    #[serde(rename = "account_id")]
    pub account: AccountId,
    /// How it is entered.
    #[serde(rename = "way")]
    pub access: AccessMethod,
    /// Whether it is the management account.
    pub management: bool,
    /// Whether it was invited into the Organization.
    pub invited: bool,
    /// The wanted version.
    pub wanted: TokenVersion,
    /// What was known of the account before the visit.
    #[serde(rename = "past")]
    pub provenance: Provenance,
}

/// What is known of an account from an earlier run, or from an earlier part of this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// Nothing.
    #[default]
    None,
    /// This run may have set it already, and read this before it did.
    Intended(ObservedVersion),
    /// The run that is undone set it to this version, for certain or perhaps.
    Set {
        /// The version that the run set.
        to: TokenVersion,
        /// Whether the run saw it there.
        certain: bool,
        /// What the run read in it before.
        before: ObservedVersion,
    },
}
