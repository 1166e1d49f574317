//! The verdict on an account: what the change of its token version means, in one word.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::coverage::Coverage;
use crate::org::ObservedVersion;
use crate::text_enum::text_enum;

text_enum! {
    /// What the change means for an account.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Verdict {
        /// v1 tokens are issued, and an opt-in Region is enabled, which refuses them.
        RefusedToday = "refused_today",
        /// Principals get longer tokens.
        LongerTokens = "longer_tokens",
        /// It is not known: no access, or too few events.
        Unknown = "unknown",
        /// The sample has no call of the global endpoint.
        NoneSeen = "none_seen",
        /// All events were read, and none is a call of the global endpoint.
        NoEffect = "no_effect",
        /// The account is on v2Token already.
        AlreadyV2 = "already_v2",
        /// The account was not selected, or is not active.
        Skipped = "skipped",
    }
}

impl Verdict {
    /// Whether somebody in the account gets other tokens.
    pub const fn is_affected(self) -> bool {
        matches!(self, Self::RefusedToday | Self::LongerTokens)
    }

    /// Returns the meaning, in the words of the reports.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::RefusedToday => "v1 tokens are issued, and an opt-in Region is enabled, which refuses them",
            Self::LongerTokens => "principals use the global endpoint, and get longer tokens",
            Self::Unknown => "not known: too few events, or no version",
            Self::NoneSeen => "the sample has no call of the global endpoint",
            Self::NoEffect => "all events were read, and nobody uses the global endpoint",
            Self::AlreadyV2 => "on v2Token already: nothing changes",
            Self::Skipped => "not selected, or not active",
        }
    }
}

/// The opt-in Regions of an account.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum OptInRegions {
    /// They were not read.
    #[default]
    Unknown,
    /// The Regions that were enabled by hand, sorted; none if it is empty.
    Enabled(Vec<String>),
}

impl OptInRegions {
    /// Whether at least one is known to be enabled.
    pub fn any(&self) -> bool {
        matches!(self, Self::Enabled(regions) if !regions.is_empty())
    }
}

/// The value of the column `opt_in_regions`.
impl fmt::Display for OptInRegions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::Enabled(regions) => f.write_str(&regions.join(" ")),
        }
    }
}

/// Returns the verdict on an active, selected account.
///
/// `version` is `None` if the version was not read, and `is_used` says whether the global endpoint issued a session that is
/// attributed to the account. Where two verdicts fit, the result is the one that asks for more attention.
pub fn verdict(version: Option<ObservedVersion>, opt_in: &OptInRegions, is_used: bool, coverage: &Coverage) -> Verdict {
    match (version, is_used, coverage) {
        (Some(ObservedVersion::V2Token), _, _) => Verdict::AlreadyV2,
        (Some(ObservedVersion::V1Token), true, _) if opt_in.any() => Verdict::RefusedToday,
        (Some(ObservedVersion::V1Token), true, _) => Verdict::LongerTokens,
        (_, false, Coverage::Complete) => Verdict::NoEffect,
        (_, false, Coverage::Sampled { read, .. }) if *read > 0 => Verdict::NoneSeen,
        // If the global endpoint is used, only the version says what the tokens are today, and it is not known.
        (None | Some(ObservedVersion::Unknown), true, _)
        | (_, false, Coverage::Sampled { .. } | Coverage::Incomplete(_) | Coverage::None) => Verdict::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every combination of the inputs. The columns of a row: the version, the opt-in Regions, and the verdicts if the global endpoint is
    /// used, and if it is not used with complete, sampled, incomplete, and no coverage.
    #[test]
    fn every_combination_has_its_verdict() {
        use Verdict::{AlreadyV2, LongerTokens, NoEffect, NoneSeen, RefusedToday, Unknown};
        let none = OptInRegions::Enabled(Vec::new());
        let one = OptInRegions::Enabled(vec!["af-south-1".to_owned()]);
        let coverages = [
            Coverage::Complete,
            Coverage::Sampled { read: 60, windows: 2160 },
            Coverage::Sampled { read: 0, windows: 2160 },
            Coverage::Incomplete("something".to_owned()),
            Coverage::None,
        ];
        let unused = [NoEffect, NoneSeen, Unknown, Unknown, Unknown];
        for (version, opt_in, used, unused) in [
            (Some(ObservedVersion::V2Token), &OptInRegions::Unknown, AlreadyV2, [AlreadyV2; 5]),
            (Some(ObservedVersion::V2Token), &none, AlreadyV2, [AlreadyV2; 5]),
            (Some(ObservedVersion::V2Token), &one, AlreadyV2, [AlreadyV2; 5]),
            (Some(ObservedVersion::V1Token), &OptInRegions::Unknown, LongerTokens, unused),
            (Some(ObservedVersion::V1Token), &none, LongerTokens, unused),
            (Some(ObservedVersion::V1Token), &one, RefusedToday, unused),
            (Some(ObservedVersion::Unknown), &OptInRegions::Unknown, Unknown, unused),
            (Some(ObservedVersion::Unknown), &none, Unknown, unused),
            (Some(ObservedVersion::Unknown), &one, Unknown, unused),
            (None, &OptInRegions::Unknown, Unknown, unused),
            (None, &none, Unknown, unused),
            (None, &one, Unknown, unused),
        ] {
            for (coverage, unused) in coverages.iter().zip(unused) {
                assert_eq!(verdict(version, opt_in, true, coverage), used, "{version:?} {opt_in:?} {coverage:?}");
                assert_eq!(verdict(version, opt_in, false, coverage), unused, "{version:?} {opt_in:?} {coverage:?}");
            }
        }
    }
}
