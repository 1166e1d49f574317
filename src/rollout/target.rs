//! The accounts to visit, and what earlier visits left behind in them.

use serde::{Deserialize, Serialize};

use crate::cloud::AccessMethod;
use crate::org::{AccountId, ObservedVersion, TokenVersion};

/// An account to visit.
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
    /// What earlier visits did to the account.
    #[serde(rename = "past")]
    pub provenance: Provenance,
}

/// What an earlier run, or this run before it was interrupted, did to an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// Nothing is known.
    #[default]
    None,
    /// This run may have set the account before it was interrupted. It had read this version.
    Intended(ObservedVersion),
    /// The run that is undone set the account, or may have set it.
    Set {
        /// The version that the run asked for.
        to: TokenVersion,
        /// Whether the run read it back.
        certain: bool,
        /// What the run read before.
        before: ObservedVersion,
    },
}
