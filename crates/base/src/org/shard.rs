//! Shards: disjoint parts of the accounts, for several processes that share the work on one Organization.

use std::str::FromStr;

use super::{AccountId, ParseError};
use crate::serde_text::textual;

/// The I-th of N parts, written `I/N` and counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: u32,
    of: u32,
}

impl Shard {
    /// Returns the number of the part.
    pub const fn index(self) -> u32 {
        self.index
    }

    /// Whether an account is in this shard.
    ///
    /// Every account is in exactly one of N shards. The shard depends only on the account id. The finalizer of SplitMix64
    /// (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014) mixes the id, and the range of the result
    /// is divided into N equal parts.
    pub fn contains(self, account: AccountId) -> bool {
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

/// The value of `--shard`: a shard, or `auto` for the shard of this array job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShardChoice {
    /// This shard.
    Shard(Shard),
    /// The shard whose index is in the environment. Contains the number of shards; `None` if the number is in the environment,
    /// too.
    Auto(Option<u32>),
}

/// The environment variables of array jobs: the job's index from 0, and the number of jobs.
///
/// AWS Batch sets both (AWS Batch user guide, "AWS Batch job environment variables"). Kubernetes sets only the index (Kubernetes
/// documentation, "Indexed Job for Parallel Processing with Static Work Assignment").
pub(crate) const ARRAY_JOBS: [(&str, Option<&str>); 2] =
    [("AWS_BATCH_JOB_ARRAY_INDEX", Some("AWS_BATCH_JOB_ARRAY_SIZE")), ("JOB_COMPLETION_INDEX", None)];

impl ShardChoice {
    /// Returns the shard. For `auto`, takes the missing numbers from the environment.
    ///
    /// # Errors
    ///
    /// Returns an error if the environment has no index or no number of jobs, or if one of these numbers can't be used.
    pub fn resolve(self, environment: impl Fn(&str) -> Option<String>) -> Result<Shard, ParseError> {
        let of = match self {
            Self::Shard(shard) => return Ok(shard),
            Self::Auto(of) => of,
        };
        let set = |(index, size): (&'static str, Option<&'static str>)| Some((index, environment(index)?, size));
        let (variable, index, size) = ARRAY_JOBS.into_iter().find_map(set).ok_or_else(|| {
            ParseError::new(
                "--shard auto: neither AWS_BATCH_JOB_ARRAY_INDEX nor JOB_COMPLETION_INDEX is set, so this is not a job of an array: give I/N",
            )
        })?;
        let size = size.and_then(|size| environment(size).map(|jobs| (size, jobs)));
        let of = match (of, size) {
            (None, None) => {
                let message =
                    format!("--shard auto: {variable} is set, but not the number of jobs: give --shard auto/N");
                return Err(ParseError(message));
            }
            (Some(of), None) => of,
            (asked, Some((size, jobs))) => match jobs.parse::<u32>() {
                Ok(of) if of > 0 && asked.is_none_or(|asked| asked == of) => of,
                Ok(of) if of > 0 => {
                    let asked = asked.unwrap_or(of);
                    return Err(ParseError(format!(
                        "--shard auto/{asked}: {size} is {of}: give --shard auto, or run {asked} jobs"
                    )));
                }
                Ok(_) | Err(_) => {
                    let message = format!("--shard auto: {size} is {jobs:?}, which is not a number of jobs");
                    return Err(ParseError(message));
                }
            },
        };
        let shard = format!("{index}/{of}").parse();
        shard.map_err(|cause| ParseError(format!("--shard auto: {variable} is {index:?}: {cause}")))
    }
}

impl FromStr for ShardChoice {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("auto") {
            None => text.parse().map(Self::Shard),
            Some("") => Ok(Self::Auto(None)),
            // The text is parsed as the first of N shards, so that the same checks apply.
            Some(of) if of.starts_with('/') => {
                format!("0{of}").parse::<Shard>().map(|shard| Self::Auto(Some(shard.of)))
            }
            Some(_) => Err(ParseError::new(EXPECTED)),
        }
    }
}

textual!(Shard, "{}/{}", index, of);

/// What `--shard` expects.
const EXPECTED: &str = "expected I/N, such as 0/4 for the first of four parts, or auto, or auto/4";

impl FromStr for Shard {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            if digits { text.parse::<u32>().ok() } else { None }
        };
        let (index, of) = text.split_once('/').ok_or_else(|| ParseError::new(EXPECTED))?;
        match (number(index), number(of)) {
            (Some(_), Some(0)) => Err(ParseError::new("there must be at least one part: 0/1 is everything")),
            (Some(index), Some(of)) if index < of => Ok(Self { index, of }),
            (Some(_), Some(of)) => {
                Err(ParseError(format!("the parts are counted from 0: the last of {of} is {}/{of}", of - 1)))
            }
            _ => Err(ParseError::new(EXPECTED)),
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
    fn for_each_account_is_in_one_shard_and_shards_are_about_equal() {
        for of in [1, 2, 3, 8, 100] {
            let shards: Vec<Shard> = (0..of).map(|index| format!("{index}/{of}").parse().unwrap()).collect();
            let mut sizes = vec![0_u32; shards.len()];
            for number in 0..20_000 {
                let holding: Vec<_> =
                    (0..shards.len()).filter(|index| shards[*index].contains(id(number * 37))).collect();
                assert_eq!(holding.len(), 1);
                sizes[holding[0]] += 1;
            }
            let even = 20_000 / of;
            assert!(sizes.iter().all(|size| size.abs_diff(even) <= even / 3), "{of}: {sizes:?}");
        }
    }

    #[test]
    fn shards_are_the_same_in_every_release() {
        let part = |number, of: u32| {
            (0..of).find(|index| format!("{index}/{of}").parse::<Shard>().unwrap().contains(id(number))).unwrap()
        };
        assert_eq!([1, 12, 999_999_999_999, 123_456_789_012].map(|number| part(number, 16)), [9, 9, 9, 12]);
    }

    #[test]
    fn array_jobs_find_their_shard() {
        let resolve = |choice: &str, environment: &[(&str, &str)]| {
            let get =
                |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            choice.parse::<ShardChoice>().unwrap().resolve(get).map(|shard| shard.to_string())
        };
        let (batch, size) = (("AWS_BATCH_JOB_ARRAY_INDEX", "3"), ("AWS_BATCH_JOB_ARRAY_SIZE", "8"));
        let kubernetes = ("JOB_COMPLETION_INDEX", "2");
        assert_eq!(resolve("1/4", &[batch, size]).unwrap(), "1/4");
        assert_eq!(resolve("auto", &[batch, size]).unwrap(), "3/8");
        assert_eq!(resolve("auto/5", &[kubernetes]).unwrap(), "2/5");
        assert_eq!(resolve("auto/8", &[batch, size]).unwrap(), "3/8");
        let refused =
            |choice, jobs| resolve(choice, &[batch, ("AWS_BATCH_JOB_ARRAY_SIZE", jobs)]).unwrap_err().to_string();
        let other = "--shard auto/10: AWS_BATCH_JOB_ARRAY_SIZE is 8: give --shard auto, or run 10 jobs";
        assert_eq!(refused("auto/10", "8"), other);
        for jobs in ["0", "", "x", "-1", "\u{1b}[31m2"] {
            for choice in ["auto", "auto/4"] {
                assert_eq!(
                    refused(choice, jobs),
                    format!("--shard auto: AWS_BATCH_JOB_ARRAY_SIZE is {jobs:?}, which is not a number of jobs")
                );
            }
        }
        for (choice, environment, message) in [
            ("auto", &[][..], "--shard auto: neither AWS_BATCH_JOB_ARRAY_INDEX nor JOB_COMPLETION_INDEX is set"),
            ("auto", &[kubernetes], "--shard auto: JOB_COMPLETION_INDEX is set, but not the number of jobs"),
            ("auto/2", &[kubernetes], "--shard auto: JOB_COMPLETION_INDEX is \"2\": the parts are counted from 0"),
            (
                "auto",
                &[("AWS_BATCH_JOB_ARRAY_INDEX", "x"), size],
                "--shard auto: AWS_BATCH_JOB_ARRAY_INDEX is \"x\": expected",
            ),
        ] {
            let error = resolve(choice, environment).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
        for wrong in ["automatic", "auto/", "auto/0", "auto/x", "auto/1/2", "AUTO"] {
            assert!(wrong.parse::<ShardChoice>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_two_numbers_in_range_are_a_shard() {
        assert_eq!("3/4".parse::<Shard>().unwrap().to_string(), "3/4");
        for (text, refused) in [
            ("4/4", "the parts are counted from 0: the last of 4 is 3/4"),
            ("0/0", "there must be at least one part: 0/1 is everything"),
            ("1", EXPECTED),
            ("a/b", EXPECTED),
            ("-1/4", EXPECTED),
            ("1/4/2", EXPECTED),
            ("+1/4", EXPECTED),
            ("99999999999/4", EXPECTED),
            ("", EXPECTED),
        ] {
            assert_eq!(text.parse::<Shard>(), Err(ParseError::new(refused)), "{text}");
        }
    }
}
