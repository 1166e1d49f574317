//! Formats times as RFC 3339 in UTC with milliseconds, and durations in whole milliseconds. Reads times with an offset from UTC.

use std::time::{Duration, SystemTime};

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Formats the time as RFC 3339, such as `2026-11-22T04:15:00.123Z`.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// Formats a time that is given in seconds since 1970 as RFC 3339, such as `2026-11-22T04:15:00Z`.
pub(crate) fn from_seconds(seconds: u64) -> String {
    // The year 9999 is the last that the format can show.
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.min(253_402_300_799));
    humantime::format_rfc3339_seconds(time).to_string()
}

/// Reads a time with its offset from UTC, such as `2026-11-27T18:00:00.5+01:00`, or with `Z` or `UTC` at its end. Fractions of
/// seconds are dropped.
pub(crate) fn parse_with_offset(text: &str) -> Option<SystemTime> {
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

/// Converts the duration to whole milliseconds.
pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// For `#[serde(with)]`: an optional time as RFC 3339 text.
pub(crate) mod optional_time {
    use super::{Deserialize, Deserializer, Error, Serialize, Serializer, SystemTime, rfc3339};

    #[expect(clippy::ref_option, reason = "serde passes a reference")]
    pub(crate) fn serialize<S: Serializer>(time: &Option<SystemTime>, serializer: S) -> Result<S::Ok, S::Error> {
        time.map(rfc3339).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SystemTime>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| humantime::parse_rfc3339(&text).map_err(Error::custom)).transpose()
    }
}

/// For `#[serde(with)]`: an optional duration in whole milliseconds.
pub(crate) mod optional_milliseconds {
    use super::{Deserialize, Deserializer, Duration, Serialize, Serializer, milliseconds};

    #[expect(clippy::ref_option, reason = "serde passes a reference")]
    pub(crate) fn serialize<S: Serializer>(duration: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
        duration.map(milliseconds).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(Duration::from_millis))
    }
}

/// For `#[serde(with)]`: a duration as text, such as `2m`.
pub(crate) mod duration_text {
    use super::{Deserialize, Deserializer, Duration, Error, Serializer};

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_duration(*duration))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        humantime::parse_duration(&String::deserialize(deserializer)?).map_err(Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
