//! Formats times as RFC 3339 in UTC with milliseconds, and durations in whole milliseconds. Reads times with an offset from UTC.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::serde_text::textual;

/// Formats the time as RFC 3339, such as `2026-11-22T04:15:00.123Z`.
pub fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// Formats a time that is given in seconds since 1970 as RFC 3339, such as `2026-11-22T04:15:00Z`.
pub fn from_seconds(seconds: u64) -> String {
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(LAST_SECOND));
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Reads a time with its offset from UTC, such as `2026-11-27T18:00:00.5+01:00`, or with `Z` or `UTC` at its end. Fractions of
/// seconds are dropped.
pub fn parse_with_offset(text: &str) -> Option<SystemTime> {
    let (local, rest) = text.split_at_checked(19)?;
    let time = humantime::parse_rfc3339_weak(&format!("{local}Z")).ok()?;
    let offset = rest.trim_start_matches(|character: char| character == '.' || character.is_ascii_digit());
    if matches!(offset, "Z" | "UTC") {
        return Some(time);
    }
    let digits: String = offset.get(1..)?.chars().filter(|character| *character != ':').collect();
    let number = digits.parse::<u64>().ok().filter(|_| digits.len() == 4)?;
    let offset_length = Duration::from_secs((number / 100 * 60 + number % 100) * 60);
    match offset.chars().next()? {
        '+' => time.checked_sub(offset_length),
        '-' => time.checked_add(offset_length),
        _ => None,
    }
}

/// The last time that the format can show: the end of the year 9999, in seconds since 1970.
const LAST_SECOND: u64 = 253_402_300_799;

/// A time in whole milliseconds since 1970, as journals and reports show it. `Option<Timestamp>` takes 8 bytes, and
/// `Option<SystemTime>` takes 16. Times before 1970 and after the year 9999 become the first and the last one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// One more than the milliseconds, so that `None` needs no byte of its own.
    plus_one: NonZeroU64,
}

impl Timestamp {
    /// Returns the milliseconds since 1970.
    pub const fn milliseconds(self) -> u64 {
        self.plus_one.get() - 1
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        let since = milliseconds(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
        Self { plus_one: NonZeroU64::MIN.saturating_add(since.min(LAST_SECOND * 1_000 + 999)) }
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        Self::UNIX_EPOCH + Duration::from_millis(time.milliseconds())
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_rfc3339_millis((*self).into()).fmt(f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = humantime::TimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        humantime::parse_rfc3339(text).map(Self::from)
    }
}

textual!(Timestamp);

/// A duration in whole milliseconds, at most 49 days. `Option<Milliseconds>` takes 4 bytes, and `Option<Duration>` takes 16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "u64", into = "u64")]
pub struct Milliseconds {
    /// One more than the milliseconds, so that `None` needs no byte of its own.
    plus_one: NonZeroU32,
}

impl From<u64> for Milliseconds {
    fn from(milliseconds: u64) -> Self {
        Self { plus_one: NonZeroU32::MIN.saturating_add(u32::try_from(milliseconds).unwrap_or(u32::MAX)) }
    }
}

impl From<Milliseconds> for u64 {
    fn from(duration: Milliseconds) -> Self {
        Self::from(duration.plus_one.get() - 1)
    }
}

impl From<Duration> for Milliseconds {
    fn from(duration: Duration) -> Self {
        milliseconds(duration).into()
    }
}

impl From<Milliseconds> for Duration {
    fn from(duration: Milliseconds) -> Self {
        Self::from_millis(duration.into())
    }
}

/// Converts the duration to whole milliseconds.
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// For `#[serde(with)]`: an optional time as RFC 3339 text.
pub mod optional_time {
    use super::{Deserialize, Deserializer, Error, Serialize, Serializer, SystemTime, rfc3339};

    /// Writes the time as text, or null.
    ///
    /// # Errors
    ///
    /// Returns the serializer's error.
    pub fn serialize<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(rfc3339).serialize(serializer)
    }

    /// Reads what [`serialize`] wrote.
    ///
    /// # Errors
    ///
    /// Returns an error if the text can't be parsed.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| humantime::parse_rfc3339(&text).map_err(Error::custom)).transpose()
    }
}

/// For `#[serde(with)]`: a duration as text, such as `2m`.
pub mod duration_text {
    use super::{Deserialize, Deserializer, Duration, Error, Serializer};

    /// Writes the duration as text.
    ///
    /// # Errors
    ///
    /// Returns the serializer's error.
    pub fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(*duration))
    }

    /// Reads what [`serialize`] wrote.
    ///
    /// # Errors
    ///
    /// Returns an error if the text can't be parsed.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        humantime::parse_duration(&String::deserialize(deserializer)?).map_err(Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_times_and_durations_keep_their_milliseconds() {
        assert_eq!((size_of::<Option<Timestamp>>(), size_of::<Option<Milliseconds>>()), (8, 4));
        for milliseconds in [0, 1, 999, 1_700_000_000_123, LAST_SECOND * 1_000 + 999] {
            let time = SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
            let small = Timestamp::from(time + Duration::from_micros(999));
            assert_eq!((small.milliseconds(), SystemTime::from(small)), (milliseconds, time));
            assert_eq!((small.to_string(), small.to_string().parse()), (rfc3339(time), Ok(small)));
        }
        let (early, late) = (Duration::from_secs(1), Duration::from_secs(LAST_SECOND + 1));
        assert_eq!(Timestamp::from(SystemTime::UNIX_EPOCH - early).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::from(SystemTime::UNIX_EPOCH + late).to_string(), "9999-12-31T23:59:59.999Z");
        let longest = u64::from(u32::MAX) - 1;
        for (given, kept) in [(0, 0), (1, 1), (longest, longest), (longest + 1, longest), (u64::MAX, longest)] {
            let small = Milliseconds::from(Duration::from_millis(given));
            assert_eq!((u64::from(small), Duration::from(small)), (kept, Duration::from_millis(kept)));
            assert_eq!(serde_json::to_string(&small).unwrap(), kept.to_string());
            assert_eq!(serde_json::from_str::<Milliseconds>(&given.to_string()).unwrap(), small);
        }
    }

    #[test]
    fn times_are_read_with_their_offset() {
        let utc = humantime::parse_rfc3339("2026-11-27T18:00:00Z").unwrap();
        for text in [
            "2026-11-27T18:00:00Z",
            "2026-11-27T18:00:00UTC",
            "2026-11-27T18:00:00.123Z",
            "2026-11-27T18:00:00+00:00",
            "2026-11-27T19:30:00+01:30",
            "2026-11-27T19:30:00.25+0130",
            "2026-11-27T10:00:00-08:00",
        ] {
            assert_eq!(parse_with_offset(text), Some(utc), "{text}");
        }
        for text in
            ["", "soon", "2026-11-27", "2026-11-27T18:00:00", "2026-11-27T18:00:00+1", "2026-11-27T18:00:00*01:00"]
        {
            assert_eq!(parse_with_offset(text), None, "{text}");
        }
    }
}
