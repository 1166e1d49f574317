//! The accounts to visit, and what earlier visits did to them.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::cloud::AccessMethod;
use crate::interner::Interner;
use crate::org::account_arn::ArnPattern;
use crate::org::{AccountId, ObservedVersion, TokenVersion};

/// An account to visit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The wave, from 1; `None` in a run without waves.
    pub wave: Option<NonZeroU32>,
    /// The account.
    #[serde(rename = "account_id")]
    pub account: AccountId,
    /// How the account is entered.
    #[serde(rename = "way")]
    pub access: AccessMethod,
    /// Whether the account is the management account.
    pub management: bool,
    /// Whether the account was invited into the Organization.
    pub invited: bool,
    /// The wanted version.
    pub wanted: TokenVersion,
    /// What earlier visits did to the account.
    #[serde(rename = "past")]
    pub provenance: Provenance,
}

impl Target {
    /// Returns the number of the wave, from 1; `None` in a run without waves.
    pub fn wave_number(&self) -> Option<u32> {
        self.wave.map(NonZeroU32::get)
    }

    /// Returns the target as a part of the wave with this number.
    #[must_use]
    pub fn in_wave(self, number: Option<u32>) -> Self {
        Self { wave: number.and_then(NonZeroU32::new), ..self }
    }

    /// Returns the target with an ARN that shares its text with those of the other targets.
    pub(crate) fn sharing(mut self, arns: &mut Interner<ArnPattern>) -> Self {
        if let AccessMethod::Role(arn) | AccessMethod::Root(arn) = &mut self.access {
            arn.share(arns);
        }
        self
    }
}

/// What an earlier run, or this run before it was interrupted, did to an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provenance {
    /// No earlier visit is known.
    #[default]
    None,
    /// This run might have set the account before it was interrupted. Contains the version that this run read first.
    Intended(ObservedVersion),
    /// The run that is undone set the account, or might have set it.
    Set {
        /// The version that the run asked for.
        to: TokenVersion,
        /// Whether the run read this version back.
        certain: bool,
        /// The version that the run read before the Set.
        before: ObservedVersion,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waves_are_numbered_from_1() {
        let target = |wave: &str| {
            let json = format!(
                r#"{{"wave":{wave},"account_id":"000000000012","way":"own","management":false,"invited":false,"wanted":"v2Token","past":"none"}}"#
            );
            serde_json::from_str::<Target>(&json).map(|target| target.wave_number())
        };
        assert_eq!(target("1").unwrap(), Some(1));
        assert_eq!(target("null").unwrap(), None);
        assert!(target("0").unwrap_err().to_string().contains("invalid value: integer `0`"));
    }
}
