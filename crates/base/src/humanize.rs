//! Formats numbers, times and durations for people.

use std::time::{Duration, SystemTime};

/// Formats a number with thousands separators: `50,000`.
pub fn thousands(number: impl TryInto<u64>) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    match number / 1_000 {
        0 => number.to_string(),
        more => format!("{},{:03}", thousands(more), number % 1_000),
    }
}

/// Formats a number with its noun: `1 account`, `2 accounts`.
pub fn count(number: impl TryInto<u64>, singular: &str, plural: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{} {}", thousands(number), if number == 1 { singular } else { plural })
}

/// Formats a duration with the precision that a reader needs: `340ms`, `4.2s`, `17m 5s`.
pub fn duration(duration: Duration) -> String {
    match duration.as_millis() {
        milliseconds @ 0..1_000 => format!("{milliseconds}ms"),
        1_000..10_000 => format!("{:.1}s", duration.as_secs_f64()),
        _ => humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string(),
    }
}

/// Formats a time in UTC, to the second: `2026-11-22 04:15:00 UTC`.
pub fn utc(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.replace('T', " ").replace('Z', " UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_formatted_for_people() {
        let numbers = [(0_u64, "0"), (999, "999"), (1_000, "1,000"), (50_000, "50,000"), (1_234_567, "1,234,567")];
        assert!(numbers.iter().all(|(number, text)| thousands(*number) == *text));
        assert_eq!((count(1, "account", "accounts"), count(2, "account", "accounts")), {
            ("1 account".to_owned(), "2 accounts".to_owned())
        });
        let durations = [(0, "0ms"), (999, "999ms"), (1_000, "1.0s"), (59_999, "59s"), (3_725_400, "1h 2m 5s")];
        assert!(durations.iter().all(|(milliseconds, text)| duration(Duration::from_millis(*milliseconds)) == *text));
        assert_eq!(utc(SystemTime::UNIX_EPOCH), "1970-01-01 00:00:00 UTC");
    }
}
