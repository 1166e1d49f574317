//! The verdict on an account: what the change of its token version means, in one word.

use super::coverage::Coverage;
use crate::org::ObservedVersion;
use crate::text_enum::text_enum;

text_enum! {
    /// What the change means for an account.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub(crate) enum Verdict {
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
    pub(crate) const fn is_affected(self) -> bool {
        matches!(self, Self::RefusedToday | Self::LongerTokens)
    }

    /// Whether a rollout can visit the account first, because it affects nobody who is known.
    pub(crate) const fn is_unaffected(self) -> bool {
        matches!(self, Self::NoEffect | Self::AlreadyV2 | Self::NoneSeen)
    }
}

/// The opt-in Regions of an account.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) enum OptInRegions {
    /// They were not read.
    #[default]
    Unknown,
    /// The Regions that were enabled by hand, sorted; none if it is empty.
    Enabled(Vec<String>),
}

impl OptInRegions {
    /// Whether at least one is known to be enabled.
    pub(crate) fn any(&self) -> bool {
        matches!(self, Self::Enabled(regions) if !regions.is_empty())
    }
}

/// Returns the verdict on an active, selected account.
///
/// `version` is `None` if the version was not read, and `is_used` says whether the global endpoint issued a session that is
/// attributed to the account. Where two verdicts fit, the result is the one that asks for more attention.
pub(crate) fn verdict(
    version: Option<ObservedVersion>,
    opt_in: &OptInRegions,
    is_used: bool,
    coverage: &Coverage,
) -> Verdict {
    match (version, is_used, coverage) {
        (Some(ObservedVersion::V2Token), _, _) => Verdict::AlreadyV2,
        (Some(ObservedVersion::V1Token), true, _) if opt_in.any() => Verdict::RefusedToday,
        (Some(ObservedVersion::V1Token), true, _) => Verdict::LongerTokens,
        // The version says what the tokens are today, and it is not known.
        (None | Some(ObservedVersion::Unknown), true, _) => Verdict::Unknown,
        (_, false, Coverage::Complete) => Verdict::NoEffect,
        (_, false, Coverage::Sampled { read, .. }) if *read > 0 => Verdict::NoneSeen,
        (_, false, Coverage::Sampled { .. } | Coverage::Incomplete(_) | Coverage::None) => Verdict::Unknown,
    }
}
