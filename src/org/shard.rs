//! This module owns the shards: disjoint parts of the accounts, for several processes that share one Organization.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::account::AccountId;

/// The I-th of N parts, written `I/N`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    index: u32,
    of: u32,
}

impl Shard {
    /// Whether an account is in it.
    ///
    /// Every account is in exactly one of N shards, whatever else is in the Organization and in whatever order it is listed: the
    /// id is mixed by the finalizer of SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators",
    /// 2014), and the range of the result is cut into N equal parts.
    #[must_use]
    pub fn holds(self, account: AccountId) -> bool {
        let mixed = u128::from(mix(account.number()));
        let part = (mixed * u128::from(self.of)) >> 64;
        part == u128::from(self.index)
    }
}

const fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

impl TryFrom<String> for Shard {
    type Error = NotAShard;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The text is not a shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAShard {
    /// Not two numbers.
    #[error("expected I/N, such as 0/4 for the first of four parts")]
    Malformed,
    /// The parts are counted from 0.
    #[error("the parts are counted from 0: the last of {of} is {last}/{of}")]
    OutOfRange {
        /// How many parts.
        of: u32,
        /// The last one's number.
        last: u32,
    },
    /// There must be one part at least.
    #[error("there must be at least one part: 0/1 is everything")]
    NoParts,
}

impl FromStr for Shard {
    type Err = NotAShard;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            if digits { text.parse::<u32>().ok() } else { None }
        };
        let (index, of) = text.split_once('/').ok_or(NotAShard::Malformed)?;
        match (number(index), number(of)) {
            (Some(_), Some(0)) => Err(NotAShard::NoParts),
            (Some(index), Some(of)) if index < of => Ok(Self { index, of }),
            (Some(_), Some(of)) => Err(NotAShard::OutOfRange { of, last: of - 1 }),
            _ => Err(NotAShard::Malformed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> AccountId {
        format!("{number:012}").parse().unwrap()
    }

    #[test]
    fn every_account_is_in_exactly_one_shard_and_the_shards_are_of_a_size() {
        for of in [1, 2, 3, 8, 100] {
            let shards: Vec<Shard> = (0..of).map(|index| format!("{index}/{of}").parse().unwrap()).collect();
            let mut sizes = vec![0_u32; shards.len()];
            for number in 0..20_000 {
                let holding: Vec<_> = (0..shards.len()).filter(|index| shards[*index].holds(id(number * 37))).collect();
                assert_eq!(holding.len(), 1);
                sizes[holding[0]] += 1;
            }
            let even = 20_000 / of;
            assert!(sizes.iter().all(|size| size.abs_diff(even) <= even / 3), "{of}: {sizes:?}");
        }
    }

    #[test]
    fn an_account_stays_in_its_shard_from_version_to_version() {
        let part = |number, of: u32| {
            (0..of).find(|index| format!("{index}/{of}").parse::<Shard>().unwrap().holds(id(number))).unwrap()
        };
        assert_eq!([1, 12, 999_999_999_999, 123_456_789_012].map(|number| part(number, 16)), [9, 9, 9, 12]);
    }

    #[test]
    fn a_shard_is_two_numbers_in_range() {
        assert_eq!("3/4".parse::<Shard>().unwrap().to_string(), "3/4");
        for (text, refused) in [
            ("4/4", NotAShard::OutOfRange { of: 4, last: 3 }),
            ("0/0", NotAShard::NoParts),
            ("1", NotAShard::Malformed),
            ("a/b", NotAShard::Malformed),
            ("-1/4", NotAShard::Malformed),
            ("1/4/2", NotAShard::Malformed),
            ("+1/4", NotAShard::Malformed),
            ("99999999999/4", NotAShard::Malformed),
            ("", NotAShard::Malformed),
        ] {
            assert_eq!(text.parse::<Shard>(), Err(refused), "{text}");
        }
    }
}
