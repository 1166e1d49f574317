//! This module owns the account: its id, its state, and where it hangs in the Organization's tree.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::unit::UnitId;
use crate::serde_text::textual;

/// A 12-digit account id. Leading zeros belong to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(u64);

impl AccountId {
    /// The id as a number, without its leading zeros.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

textual!(AccountId, ParseAccountIdError);

/// The text is not a 12-digit account id; the message says what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseAccountIdError {
    /// Fewer than twelve digits: a spreadsheet has probably eaten the zeros in front.
    #[error("{text:?} has {} digits, an account id has 12; a spreadsheet drops leading zeros: did you mean {text:0>12}?", text.len())]
    TooShort {
        /// What was given.
        text: String,
    },
    /// A number in scientific notation: a spreadsheet has rounded the id away.
    #[error(
        "{text:?} was an account id before a spreadsheet rounded it; its digits are lost: format the column as text"
    )]
    Rounded {
        /// What was given.
        text: String,
    },
    /// An id with something around it or in it: hyphens as in the console, quotes, an ARN.
    #[error("{text:?} is not an account id, which is 12 digits: did you mean {id}?")]
    Wrapped {
        /// What was given.
        text: String,
        /// The id without them.
        id: AccountId,
    },
    /// Several ids with white space or semicolons between them.
    #[error("{text:?} is more than one account id: put commas between them, and nothing else")]
    Several {
        /// What was given.
        text: String,
    },
    /// An OU or a root.
    #[error("{text:?} is the id of an OU or of a root, not of an account: give it with --ou")]
    Unit {
        /// What was given.
        text: String,
    },
    /// Anything else.
    #[error("{text:?} is not an account id, which is 12 digits")]
    Malformed {
        /// What was given.
        text: String,
    },
}

impl FromStr for AccountId {
    type Err = ParseAccountIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        match (digits, text.len()) {
            (true, 12) => Ok(Self(text.parse().expect("twelve digits fit into 64 bits"))),
            (true, 1..12) => Err(ParseAccountIdError::TooShort { text: text.to_owned() }),
            _ => Err(not_an_id(text)),
        }
    }
}

/// Says what a text that is no id, nor the rest of one, seems to have been.
fn not_an_id(text: &str) -> ParseAccountIdError {
    let shown = || text.chars().take(40).collect();
    let scientific = text.split_once(['E', 'e']).is_some_and(|(mantissa, exponent)| {
        let number =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || b".,".contains(&byte));
        number(mantissa) && number(exponent.trim_start_matches('+'))
    });
    if scientific {
        return ParseAccountIdError::Rounded { text: shown() };
    }
    let id = |text: &str| {
        let is_id = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_id.then(|| AccountId(text.parse().expect("twelve digits fit into 64 bits")))
    };
    let parts = || text.split([' ', ';', '\t', '\n']).filter(|part| !part.is_empty());
    if parts().count() > 1 && parts().all(|part| id(part).is_some()) {
        return ParseAccountIdError::Several { text: shown() };
    }
    // The account of an ARN of Organizations stands at its end, and that of other ARNs in its fifth place.
    let in_arn = || {
        let arn = text.strip_prefix("arn:")?;
        arn.rsplit('/').next().and_then(id).or_else(|| arn.split(':').nth(3).and_then(id))
    };
    let plain: String = text.chars().filter(|character| !['-', ' ', '\u{a0}', '"', '\''].contains(character)).collect();
    match id(&plain).or_else(in_arn) {
        Some(id) => ParseAccountIdError::Wrapped { text: shown(), id },
        None if text.parse::<UnitId>().is_ok() => ParseAccountIdError::Unit { text: shown() },
        None => ParseAccountIdError::Malformed { text: shown() },
    }
}

/// Where an account is in its life, as Organizations' `State` says it.
///
/// `State` replaced `Status`, which AWS announced to remove on 2026-09-09; `Status` is used only where `State`
/// is absent (Organizations API reference, `Account`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum AccountState {
    /// Not fully signed up yet.
    PendingActivation,
    /// The only state in which an account is visited.
    Active,
    /// Suspended by AWS.
    Suspended,
    /// Closing is in process.
    PendingClosure,
    /// Closed; still listed for 90 days.
    Closed,
    /// A state that this program does not know: shown as it is, and never visited.
    Other(String),
    /// Organizations named neither a state nor a status.
    Absent,
}

impl AccountState {
    /// Decides from `State`, or from the older `Status` where `State` is absent.
    pub fn from_api(state: Option<&str>, status: Option<&str>) -> Self {
        match state.or(status) {
            None | Some("") => Self::Absent,
            Some("PENDING_ACTIVATION") => Self::PendingActivation,
            Some("ACTIVE") => Self::Active,
            Some("SUSPENDED") => Self::Suspended,
            Some("PENDING_CLOSURE") => Self::PendingClosure,
            Some("CLOSED") => Self::Closed,
            Some(other) => Self::Other(other.to_owned()),
        }
    }

    /// The word that Organizations uses; empty when it gave none.
    pub fn as_str(&self) -> &str {
        match self {
            Self::PendingActivation => "PENDING_ACTIVATION",
            Self::Active => "ACTIVE",
            Self::Suspended => "SUSPENDED",
            Self::PendingClosure => "PENDING_CLOSURE",
            Self::Closed => "CLOSED",
            Self::Other(text) => text,
            Self::Absent => "",
        }
    }

    /// Why an account in this state is not visited, as the report's `error_code`; `None` for a visitable one.
    pub const fn skip_code(&self) -> Option<&'static str> {
        match self {
            Self::Active => None,
            Self::PendingActivation => Some("PendingActivation"),
            Self::Suspended => Some("Suspended"),
            Self::PendingClosure => Some("PendingClosure"),
            Self::Closed => Some("Closed"),
            Self::Other(_) | Self::Absent => Some("UnknownState"),
        }
    }
}

impl Serialize for AccountState {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for AccountState {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self::from_api(Some(&text), None))
    }
}

/// A member of the Organization, or its management account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The account's id.
    pub id: AccountId,
    /// Its name, as its owner chose it: never to be trusted on a terminal or in a spreadsheet.
    pub name: String,
    /// The root user's address, equally untrusted.
    pub email: String,
    /// Its state.
    pub state: AccountState,
    /// From the root down, `o-…/r-…/ou-…/`; empty where Organizations would not say.
    pub ou_path: String,
    /// Whether it was invited, in which case nobody made it a cross-account role.
    pub invited: bool,
}

/// Turns `Account.Paths` of the listing (`o-…/r-…/ou-…/<account id>/`) into the path of the account's parent.
pub(crate) fn parent_path(path: &str, id: AccountId) -> String {
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    let parent = trimmed.strip_suffix(&id.to_string()).unwrap_or(trimmed);
    if parent.is_empty() || parent.ends_with('/') { parent.to_owned() } else { format!("{parent}/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_is_twelve_digits() {
        let id: AccountId = "000012345678".parse().unwrap();
        assert_eq!(id.to_string(), "000012345678");
        for wrong in
            ["", "12345678901a", "1234567890123", "12345678901 ", "-12345678901", "１２３４５６７８９０１２", "prod"]
        {
            assert!(matches!(wrong.parse::<AccountId>(), Err(ParseAccountIdError::Malformed { .. })), "{wrong:?}");
        }
        let error = "12345678".parse::<AccountId>().unwrap_err();
        assert!(error.to_string().ends_with("did you mean 000012345678?"), "{error}");
        for grouped in ["1234-5678-9012", "1234 5678 9012", "123456789012 "] {
            let error = grouped.parse::<AccountId>().unwrap_err();
            assert!(error.to_string().ends_with("did you mean 123456789012?"), "{error}");
        }
        for wrapped in [
            "\"123456789012\"",
            "arn:aws:organizations::999999999999:account/o-exampleorg1/123456789012",
            "arn:aws:iam::123456789012:role/x",
        ] {
            let error = wrapped.parse::<AccountId>().unwrap_err();
            assert!(error.to_string().ends_with("did you mean 123456789012?"), "{error}");
        }
        let several = "123456789012 000000000001".parse::<AccountId>();
        assert!(matches!(several, Err(ParseAccountIdError::Several { .. })), "{several:?}");
        assert!(matches!("ou-ab12-critical".parse::<AccountId>(), Err(ParseAccountIdError::Unit { .. })));
        for rounded in ["1.23457E+11", "1,23457e+11", "1E11"] {
            assert!(matches!(rounded.parse::<AccountId>(), Err(ParseAccountIdError::Rounded { .. })), "{rounded}");
        }
        let long = "x".repeat(10_000).parse::<AccountId>().unwrap_err().to_string();
        assert!(long.len() < 100, "{long}");
    }

    #[test]
    fn state_decides_and_status_only_stands_in() {
        let table = [
            (Some("ACTIVE"), None, AccountState::Active, None),
            (Some("PENDING_ACTIVATION"), Some("ACTIVE"), AccountState::PendingActivation, Some("PendingActivation")),
            (Some("SUSPENDED"), None, AccountState::Suspended, Some("Suspended")),
            (Some("PENDING_CLOSURE"), None, AccountState::PendingClosure, Some("PendingClosure")),
            (Some("CLOSED"), Some("SUSPENDED"), AccountState::Closed, Some("Closed")),
            (None, Some("ACTIVE"), AccountState::Active, None),
            (None, Some("SUSPENDED"), AccountState::Suspended, Some("Suspended")),
            (Some("FROZEN"), Some("ACTIVE"), AccountState::Other("FROZEN".into()), Some("UnknownState")),
            (None, None, AccountState::Absent, Some("UnknownState")),
        ];
        for (state, status, expected, skip) in table {
            let got = AccountState::from_api(state, status);
            assert_eq!(got, expected);
            assert_eq!(got.skip_code(), skip);
            assert_eq!(AccountState::from_api(Some(got.as_str()), None), got);
        }
    }

    #[test]
    fn the_path_ends_at_the_parent() {
        let id = "000000000012".parse().unwrap();
        assert_eq!(parent_path("o-a/r-b/ou-b-c/000000000012/", id), "o-a/r-b/ou-b-c/");
        assert_eq!(parent_path("o-a/r-b/000000000012", id), "o-a/r-b/");
        assert_eq!(parent_path("o-a/r-b/ou-b-c/", id), "o-a/r-b/ou-b-c/");
        assert_eq!(parent_path("", id), "");
    }
}
