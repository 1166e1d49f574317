//! This module owns how numbers, times and durations are written for people.

use std::time::{Duration, SystemTime};

/// The number with its thousands set apart: `50,000`.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The number with the word for what is counted.
pub(super) fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// The duration, no more exact than a reader needs: `340ms`, `4.2s`, `17m 5s`.
pub(super) fn took(duration: Duration) -> String {
    match duration.as_millis() {
        milliseconds @ 0..1_000 => format!("{milliseconds}ms"),
        1_000..10_000 => format!("{:.1}s", duration.as_secs_f64()),
        _ => humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string(),
    }
}

/// The time in UTC, to the second: `2026-11-22 04:15:00 UTC`.
pub(super) fn moment(time: SystemTime) -> String {
    let text = humantime::format_rfc3339_seconds(time).to_string();
    text.replace('T', " ").replace('Z', " UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_are_written_for_people() {
        let numbers = [(0, "0"), (999, "999"), (1_000, "1,000"), (50_000, "50,000"), (1_234_567, "1,234,567")];
        assert!(numbers.iter().all(|(number, text)| grouped(*number) == *text));
        assert_eq!((counted(1, "account", "accounts"), counted(2, "account", "accounts")), {
            ("1 account".to_owned(), "2 accounts".to_owned())
        });
        let durations = [(0, "0ms"), (999, "999ms"), (1_000, "1.0s"), (59_999, "59s"), (3_725_400, "1h 2m 5s")];
        assert!(durations.iter().all(|(milliseconds, text)| took(Duration::from_millis(*milliseconds)) == *text));
        assert_eq!(moment(SystemTime::UNIX_EPOCH), "1970-01-01 00:00:00 UTC");
    }
}
