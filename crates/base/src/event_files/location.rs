//! What the name of a file says: the account and the Region of a trail's file, and whether a file of a folder has events.

use std::ffi::OsStr;

use crate::org::AccountId;

/// The account and the Region of a file that a trail has written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Location {
    pub account: AccountId,
    pub is_home_region: bool,
}

impl Location {
    /// Reads a name such as `111122223333_CloudTrail_us-east-1_20261127T1800Z_abcdef.json.gz` (CloudTrail user guide, "CloudTrail log
    /// file name format").
    pub(super) fn of(name: &OsStr) -> Option<Self> {
        let mut parts = name.to_str()?.split('_');
        let account = parts.next()?.parse().ok()?;
        (parts.next()? == "CloudTrail").then_some(())?;
        let region = parts.next()?;
        let is_time = |text: &str| text.len() == 14 && text.ends_with('Z');
        parts.next().filter(|time| is_time(time))?;
        Some(Self { account, is_home_region: region == "us-east-1" })
    }
}

/// What to do with a file in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// It has events.
    Events,
    /// It has none, by its name: digests, Insights events, metadata of Athena, and others.
    Other,
}

/// The endings of files with events.
const ENDINGS: [&str; 6] = [".json", ".jsonl", ".ndjson", ".csv", ".gz", ".zst"];

impl Role {
    /// Returns what the name of a file says.
    pub(super) fn of(name: &OsStr) -> Self {
        let name = name.to_string_lossy().to_ascii_lowercase();
        let has_other =
            name.contains("_cloudtrail-digest_") || name.contains("_cloudtrail-insight_") || name.starts_with('.');
        let is_known = ENDINGS.iter().any(|ending| name.ends_with(ending));
        if is_known && !has_other { Self::Events } else { Self::Other }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_the_account_and_the_region() {
        for (name, expected) in [
            ("111122223333_CloudTrail_us-east-1_20261127T1800Z_aB3.json.gz", Some(true)),
            ("111122223333_CloudTrail_eu-west-1_20261127T1800Z_aB3.json.gz", Some(false)),
            ("111122223333_CloudTrail-Digest_us-east-1_trail_us-east-1_20261127T180000Z.json.gz", None),
            ("11112222333_CloudTrail_us-east-1_20261127T1800Z_aB3.json.gz", None),
            ("111122223333_CloudTrail_us-east-1_today.json", None),
            ("events.json", None),
        ] {
            assert_eq!(Location::of(OsStr::new(name)).map(|location| location.is_home_region), expected, "{name}");
        }
    }

    #[test]
    fn the_name_says_whether_a_file_has_events() {
        for (name, expected) in [
            ("111122223333_CloudTrail_us-east-1_20261127T1800Z_aB3.json.gz", Role::Events),
            ("a.JSON", Role::Events),
            ("a.jsonl", Role::Events),
            ("a.csv", Role::Events),
            ("a.json.zst", Role::Events),
            ("111122223333_CloudTrail-Digest_us-east-1_trail_us-east-1_20261127T180000Z.json.gz", Role::Other),
            ("111122223333_CloudTrail-Insight_us-east-1_20261127T1800Z_aB3.json.gz", Role::Other),
            ("a.csv.metadata", Role::Other),
            (".a.json", Role::Other),
            ("README", Role::Other),
        ] {
            assert_eq!(Role::of(OsStr::new(name)), expected, "{name}");
        }
    }
}
