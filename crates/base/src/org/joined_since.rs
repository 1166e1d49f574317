//! The value of `--joined-since`: a time span such as `7d` before the start of the run, or a day.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use super::ParseError;
use crate::timestamp::parse_with_offset;

/// The value as it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinedSince {
    /// This long before the start of the run.
    Ago(Duration),
    /// A point in time; the beginning of a day, in UTC, if only a day was given.
    At(SystemTime),
}

impl JoinedSince {
    /// Returns the time that is meant in a run that starts at `now`. Every later decision uses this time, also in a resume.
    ///
    /// # Errors
    ///
    /// Returns an error if the time is not before `now`, because no account can have joined since.
    pub fn resolve(self, now: SystemTime) -> Result<SystemTime, ParseError> {
        let since = match self {
            // A span that reaches back before 1970 has every account in it.
            Self::Ago(span) => now.checked_sub(span).unwrap_or(SystemTime::UNIX_EPOCH).max(SystemTime::UNIX_EPOCH),
            Self::At(time) => time,
        };
        if since < now {
            Ok(since)
        } else {
            Err(ParseError::new("no account can have joined since, because this is not in the past"))
        }
    }
}

impl FromStr for JoinedSince {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = |what: &str| {
            Err(ParseError::new(format!(
                "{what}: expected a span such as 7d or 36h, or a day in UTC such as 2026-11-01"
            )))
        };
        if let Ok(span) = humantime::parse_duration(text) {
            return if span.is_zero() { refused("a span of no length") } else { Ok(Self::Ago(span)) };
        }
        // humantime also takes 1 for a month and 30 February for a day in March.
        let is_day = text.len() == 10
            && text.bytes().enumerate().all(
                |(at, byte)| {
                    if [4, 7].contains(&at) { byte == b'-' } else { byte.is_ascii_digit() }
                },
            );
        let time = if is_day { parse_with_offset(&format!("{text}T00:00:00Z")) } else { parse_with_offset(text) };
        match time {
            Some(time) => Ok(Self::At(time)),
            None if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() => {
                refused("a number without a unit")
            }
            None => refused("neither a time span nor a day"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_and_days_are_resolved_once() {
        let at = |text: &str| humantime::parse_rfc3339(text).unwrap();
        let now = at("2026-11-27T21:00:00Z");
        for (text, expected) in [
            ("7d", "2026-11-20T21:00:00Z"),
            ("1day 12h", "2026-11-26T09:00:00Z"),
            ("1s", "2026-11-27T20:59:59Z"),
            ("9000y", "1970-01-01T00:00:00Z"),
            ("2026-11-01", "2026-11-01T00:00:00Z"),
            ("2026-11-27", "2026-11-27T00:00:00Z"),
            ("2026-11-01T12:00:00Z", "2026-11-01T12:00:00Z"),
            ("2026-11-01T12:00:00+02:00", "2026-11-01T10:00:00Z"),
        ] {
            assert_eq!(text.parse::<JoinedSince>().unwrap().resolve(now), Ok(at(expected)), "{text}");
        }
        for text in ["2026-11-28", "2027-01-01", "2026-11-27T21:00:00Z"] {
            let error = text.parse::<JoinedSince>().unwrap().resolve(now).unwrap_err();
            assert!(error.to_string().contains("not in the past"), "{text}: {error}");
        }
        for (text, what) in [
            ("", "neither a time span nor a day"),
            ("7", "a number without a unit"),
            ("0d", "a span of no length"),
            ("last week", "neither"),
            ("01.11.2026", "neither"),
            ("2026-13-01", "neither"),
            ("2026-02-30", "neither"),
            ("2026-11-1", "neither"),
            ("-7d", "neither"),
        ] {
            let error = text.parse::<JoinedSince>().unwrap_err().to_string();
            assert!(error.starts_with(what) && error.ends_with("a day in UTC such as 2026-11-01"), "{text}: {error}");
        }
    }
}
