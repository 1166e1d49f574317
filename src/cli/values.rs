//! Parsers of option values that have no type of their own.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::{BoolishValueParser, EnumValueParser, TypedValueParser};

use crate::org::role::AccessMode;
use crate::org::selection::ManagementAccess;
use crate::sanitize::for_terminal;

/// How accounts are entered, on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum Access {
    /// Through the role
    Role,
    /// Through centralized root access: needs no role, but can only read
    AssumeRoot,
}

/// Parses how accounts are entered.
pub(super) fn access() -> impl TypedValueParser<Value = AccessMode> {
    EnumValueParser::<Access>::new().map(|access| match access {
        Access::Role => AccessMode::Role,
        Access::AssumeRoot => AccessMode::AssumeRoot,
    })
}

/// How the management account is visited, on the command line.
#[derive(Clone, Copy, ValueEnum)]
enum ManagementAccount {
    /// With the caller's own credentials if the caller is in it, else through the role
    Own,
    /// Through the role, as every other account
    Role,
    /// Not at all
    Skip,
}

/// Parses how the management account is visited.
pub(super) fn management_account() -> impl TypedValueParser<Value = ManagementAccess> {
    EnumValueParser::<ManagementAccount>::new().map(|account| match account {
        ManagementAccount::Own => ManagementAccess::Own,
        ManagementAccount::Role => ManagementAccess::Role,
        ManagementAccount::Skip => ManagementAccess::Skip,
    })
}

/// Parses a switch. Its environment variable switches it on with `true`, `yes`, `on` or `1`, and off with `false`, `no`, `off` or
/// `0`.
pub(super) fn switch() -> BoolishValueParser {
    BoolishValueParser::new()
}

/// Parses a whole number in a range.
pub(super) fn whole<N: FromStr + PartialOrd + Display>(
    range: RangeInclusive<N>,
) -> impl Fn(&str) -> Result<N, String> + Clone
where
    RangeInclusive<N>: Clone,
{
    move |text| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("expected a whole number, {} to {}", range.start(), range.end()))
    }
}

/// The longest duration that is accepted.
const MAX_DURATION: Duration = Duration::from_hours(30 * 24);

/// Parses a duration such as `90s` or `2m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let parsed =
        humantime::parse_duration(text).map_err(|_| "expected a duration such as 90s, 2m or 1h30m".to_owned())?;
    if parsed <= MAX_DURATION { Ok(parsed) } else { Err("expected at most 30days".to_owned()) }
}

/// Parses a duration that is not zero.
pub(super) fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err("expected more than 0s".to_owned()),
        positive => Ok(positive),
    }
}

/// Parses the duration of a session: seconds, or a duration such as `15m`; 900 to 43,200 seconds
/// (STS API reference, `AssumeRole`).
pub(super) fn session_duration(text: &str) -> Result<Duration, String> {
    let parsed = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => duration(text)?,
    };
    if (900..=43_200).contains(&parsed.as_secs()) {
        Ok(parsed)
    } else {
        Err("expected 900 to 43200 seconds (15m to 12h)".to_owned())
    }
}

/// Parses the name of a session: 2 to 64 characters of `[\w+=,.@-]` (STS API reference, `AssumeRole`).
pub(super) fn session_name(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if (2..=64).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("expected 2 to 64 letters, digits, and _+=,.@-".to_owned())
    }
}

/// Parses a source identity, which has the same form as a session's name (STS API reference, `AssumeRole`). The prefix `aws:`,
/// which AWS reserves, is refused because of its colon.
pub(super) fn source_identity(text: &str) -> Result<String, String> {
    session_name(text)
}

/// The longest reason, in characters.
const MAX_REASON: usize = 500;

/// Parses the reason of a run: one line of text, without spaces around it.
pub(super) fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    let is_plain = matches!(for_terminal(text), Cow::Borrowed(_));
    if !text.is_empty() && text.chars().count() <= MAX_REASON && is_plain {
        Ok(text.to_owned())
    } else {
        Err(format!("expected one line of 1 to {MAX_REASON} characters, such as the number of a ticket"))
    }
}

/// Parses the serial number of an MFA device: 9 to 256 characters of `[\w+=/:,.@-]` (STS API reference, `GetSessionToken`).
pub(super) fn mfa_serial(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=/:,.@-".contains(&byte);
    if (9..=256).contains(&text.len()) && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("expected the ARN of the device, such as arn:aws:iam::123456789012:mfa/name, or a hardware device's number"
            .to_owned())
    }
}

/// Calls every parser of this module that takes only a text.
#[cfg(any(test, fuzzing))]
pub(crate) fn parse_all(text: &str) {
    drop((duration(text), positive_duration(text), session_duration(text)));
    drop((session_name(text), source_identity(text), mfa_serial(text), reason(text)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(duration("2m"), Ok(Duration::from_mins(2)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert!(positive_duration("0s").is_err());
        for wrong in ["", "2", "two minutes", "-1s"] {
            assert!(duration(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(session_duration("900"), Ok(Duration::from_mins(15)));
        assert_eq!(session_duration("1h"), Ok(Duration::from_hours(1)));
        for wrong in ["899", "43201", "13h", "", "x"] {
            assert!(session_duration(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn session_names() {
        assert!(session_name("v2token-20261122T041500Z-abc123").is_ok());
        for wrong in ["", "x", "two words", "näme", &"a".repeat(65)] {
            assert!(session_name(wrong).is_err(), "{wrong:?}");
            assert!(source_identity(wrong).is_err(), "{wrong:?}");
        }
        assert!(source_identity("aws:me").is_err());
    }

    #[test]
    fn reasons() {
        assert_eq!(reason(" CHG-1234: v2 tokens, Zürich "), Ok("CHG-1234: v2 tokens, Zürich".to_owned()));
        assert!(reason(&"a".repeat(MAX_REASON)).is_ok());
        for wrong in ["", "  ", "two\nlines", "\u{1b}[2J", &"a".repeat(MAX_REASON + 1)] {
            assert!(reason(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn mfa_devices() {
        for right in ["arn:aws:iam::000000000100:mfa/me", "GAHT12345678"] {
            assert!(mfa_serial(right).is_ok(), "{right}");
        }
        for wrong in ["", "123456", "arn:aws:iam::000000000100:mfa/the one"] {
            assert!(mfa_serial(wrong).is_err(), "{wrong:?}");
        }
    }
}
