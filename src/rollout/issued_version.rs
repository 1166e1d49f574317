//! The decision about the version of the tokens that the global STS endpoint issues: from the sizes of two tokens that the regional and
//! the global endpoint issued for the same request.
//!
//! A session policy and tags are part of both tokens, so only the difference of the sizes counts. In the only published recording (one
//! commercial account, September 2026, github radkawar/stackd), a v1 token was 400 bytes shorter than a v2 token: 352 and 752. A long
//! session policy adds the same number of bytes to both, so the difference stays while the ratio grows from 0.47 to 0.90 at the maximum of
//! 4,096 bytes. That is why the limits are absolute.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cloud::TokenSize;
use crate::org::TokenVersion;

/// The largest difference, in bytes, of the sizes of tokens of the same version. AWS publishes no number, so this is a choice: base64
/// rounds to 4 characters, a cipher's block of 16 bytes takes 22 of them, and if a token names its Region, these names differ by up to 5
/// bytes. Together these are some 33 characters. The limit is about twice that, and a sixth of the difference between the versions.
const SAME: u32 = 64;

/// The smallest difference, in bytes, by which a v1 token is shorter than a v2 token: half of the observed one.
const SHORTER: u32 = 200;

/// What the sizes of two tokens say, as stored in the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedToken {
    /// The version of the token of the global endpoint; `None` if the sizes do not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<TokenVersion>,
    /// The size of the token of the regional endpoint; `None` if its answer has no size, but the other one has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regional_size: Option<u32>,
    /// The size of the token of the global endpoint; `None` if it did not answer, or without a size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub global_size: Option<u32>,
}

/// The comparison of two tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Comparison {
    /// The sizes, and the version if it is known.
    pub token: IssuedToken,
    /// Whether the sizes are the lengths of the tokens, because neither answer has a size.
    pub by_length: bool,
    /// Why the version is not known; `None` if it is known.
    pub unclear: Option<Unclear>,
}

/// Why the sizes of two tokens do not tell the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unclear {
    /// Only the answer of the global endpoint has a size.
    NoRegionalSize,
    /// Only the answer of the regional endpoint has a size.
    NoGlobalSize,
    /// The token of the global endpoint is shorter, but by less than a v1 token is.
    Between,
    /// The token of the global endpoint is longer, and by more than tokens of the same version differ.
    Longer,
}

/// The sizes are in the record. A text without them is the same for all accounts, so that they are one cause in the reports.
impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoRegionalSize => "the answer of the regional endpoint has no token size",
            Self::NoGlobalSize => "the answer of the global endpoint has no token size",
            Self::Between => "the size of its token is between those of the two versions",
            Self::Longer => "its token is longer than that of the regional endpoint",
        })
    }
}

/// Compares the sizes of the tokens that the regional and the global endpoint issued for the same request. The tokens of regional endpoints
/// are always of version 2.
pub(crate) fn compare(regional: TokenSize, global: TokenSize) -> Comparison {
    let by_length = regional.reported.is_none() && global.reported.is_none();
    let of = |size: TokenSize| if by_length { Some(size.length) } else { size.reported };
    let (regional_size, global_size) = (of(regional), of(global));
    let version = match (regional_size, global_size) {
        (Some(regional), Some(global)) => version_of(regional, global),
        (None, _) => Err(Unclear::NoRegionalSize),
        (_, None) => Err(Unclear::NoGlobalSize),
    };
    let token = IssuedToken { version: version.ok(), regional_size, global_size };
    Comparison { token, by_length, unclear: version.err() }
}

fn version_of(regional: u32, global: u32) -> Result<TokenVersion, Unclear> {
    if regional.abs_diff(global) <= SAME {
        Ok(TokenVersion::V2Token)
    } else if global > regional {
        Err(Unclear::Longer)
    } else if regional - global >= SHORTER {
        Ok(TokenVersion::V1Token)
    } else {
        Err(Unclear::Between)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sizes_tell_the_version_or_that_it_is_not_known() {
        let (v1, v2) = (Ok(TokenVersion::V1Token), Ok(TokenVersion::V2Token));
        let (between, longer) = (Err(Unclear::Between), Err(Unclear::Longer));
        for (regional, global, expected) in [
            // The published recording.
            (752, 352, v1),
            (752, 752, v2),
            // With the longest policies, the ratio of the sizes is far from 0.47.
            (4_096, 3_696, v1),
            (4_096, 4_096, v2),
            // Padding and jitter.
            (752, 756, v2),
            (752, 748, v2),
            (752, 752 + SAME, v2),
            (752, 752 - SAME, v2),
            (752, 380, v1),
            (752, 752 - SHORTER, v1),
            // Between the versions, and what no version is.
            (752, 752 - SAME - 1, between),
            (752, 752 - SHORTER + 1, between),
            (752, 752 + SAME + 1, longer),
            (752, 1_152, longer),
            (352, 752, longer),
            (1, u32::MAX, longer),
        ] {
            assert_eq!(version_of(regional, global), expected, "{regional} {global}");
        }
    }

    #[test]
    fn the_lengths_count_only_if_neither_answer_has_a_size() {
        let size = |reported, length| TokenSize::new(reported, length);
        let no_version = |unclear| (None, Some(unclear));
        for (regional, global, (version, unclear), by_length, sizes) in [
            (
                size(Some(752), 9),
                size(Some(352), 9),
                (Some(TokenVersion::V1Token), None),
                false,
                (Some(752), Some(352)),
            ),
            (size(None, 752), size(None, 352), (Some(TokenVersion::V1Token), None), true, (Some(752), Some(352))),
            (size(None, 356), size(None, 356), (Some(TokenVersion::V2Token), None), true, (Some(356), Some(356))),
            (size(Some(752), 752), size(None, 352), no_version(Unclear::NoGlobalSize), false, (Some(752), None)),
            (size(None, 752), size(Some(352), 352), no_version(Unclear::NoRegionalSize), false, (None, Some(352))),
            // A size that no token has is a missing one.
            (
                size(Some(0), 752),
                size(Some(-1), 752),
                (Some(TokenVersion::V2Token), None),
                true,
                (Some(752), Some(752)),
            ),
        ] {
            let found = compare(regional, global);
            assert_eq!((found.token.version, found.unclear, found.by_length), (version, unclear, by_length));
            assert_eq!((found.token.regional_size, found.token.global_size), sizes);
        }
    }
}
