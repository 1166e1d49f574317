//! Accounts: their ids, their states, and their places in the Organization's tree.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{ParseError, UnitId};
use crate::serde_text::textual;
use crate::timestamp::Timestamp;

/// A 12-digit account id. Leading zeros are part of the id.
// Bytes, because they need no alignment: so an id takes 5 bytes of a record or a target, and a number would take 8 or 16. The highest byte
// is the first, so that the order of the bytes is that of the ids.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId([u8; 5]);

impl AccountId {
    /// Returns the id as a number, without leading zeros.
    pub const fn number(self) -> u64 {
        let mut bytes = [0; 8];
        bytes.split_at_mut(3).1.copy_from_slice(&self.0);
        u64::from_be_bytes(bytes)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}", self.number())
    }
}

textual!(AccountId);

impl FromStr for AccountId {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        twelve_digits(text).ok_or_else(|| ParseError(explain(text)))
    }
}

fn twelve_digits(text: &str) -> Option<AccountId> {
    let is_id = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = text.parse().ok().filter(|_| is_id)?;
    let [0, 0, 0, bytes @ ..] = number.to_be_bytes() else { return None };
    Some(AccountId(bytes))
}

/// Returns the error message for a text that is not an account id. The message says what the text seems to be, such as an ARN.
fn explain(text: &str) -> String {
    if (1..12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!(
            "{text:?} has {} digits, an account id has 12; a spreadsheet drops leading zeros: did you mean {text:0>12}?",
            text.len()
        );
    }
    let shown: String = text.chars().take(40).collect();
    let scientific = text.split_once(['E', 'e']).is_some_and(|(mantissa, exponent)| {
        let number =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || b".,".contains(&byte));
        number(mantissa) && number(exponent.trim_start_matches('+'))
    });
    if scientific {
        return format!(
            "{shown:?} was an account id before a spreadsheet rounded it; its digits are lost: format the column as text, and export it again"
        );
    }
    let parts = || text.split([' ', ';', '\t', '\n']).filter(|part| !part.is_empty());
    if parts().count() > 1 && parts().all(|part| twelve_digits(part).is_some()) {
        return format!("{shown:?} is more than one account id: put commas between them, and nothing else");
    }
    // The ARN of an account in Organizations ends with the account id. Other ARNs have the account id in the fifth field.
    let in_arn = || {
        let arn = text.strip_prefix("arn:")?;
        arn.rsplit('/').next().and_then(twelve_digits).or_else(|| arn.split(':').nth(3).and_then(twelve_digits))
    };
    let plain: String = text.chars().filter(|character| !"- \u{a0}\"'=.,".contains(*character)).collect();
    match twelve_digits(&plain).or_else(in_arn) {
        Some(id) => format!("{shown:?} is not an account id, which is 12 digits: did you mean {id}?"),
        None if text.parse::<UnitId>().is_ok() => {
            format!("{shown:?} is the id of an OU or of a root, not of an account: give it with --ou")
        }
        // Names of accounts have at most 50 characters (Organizations API reference, `CreateAccount`).
        None if text.starts_with(char::is_alphabetic) && !text.contains([':', '/']) && text.len() <= 50 => {
            format!("{shown:?} is not an account id, which is 12 digits: select accounts by name with --name")
        }
        None => format!("{shown:?} is not an account id, which is 12 digits"),
    }
}

/// The state of an account in Organizations.
///
/// The API's `State` replaced `Status`, whose removal AWS announced for 2026-09-09. `Status` is used only if `State` is absent
/// (Organizations API reference, `Account`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum AccountState {
    /// The sign-up is not complete.
    PendingActivation,
    /// The account is in use. Only accounts in this state are visited.
    Active,
    /// AWS suspended the account.
    Suspended,
    /// The account is being closed.
    PendingClosure,
    /// The account is closed. Organizations lists it for another 90 days.
    Closed,
    /// A state that this program does not know. The account is not visited.
    Other(String),
    /// Organizations returned neither a state nor a status.
    #[default]
    Absent,
}

impl AccountState {
    /// Reads the API's `State`, or the older `Status` if `State` is absent.
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

    /// Returns the word that the API returned, or an empty text if the API returned no word.
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

    /// Returns the report's `error_code` for an account that is skipped because of its state, or `None` if the account can be
    /// visited.
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
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "AccountLine")]
pub struct Account {
    /// The account's id.
    pub id: AccountId,
    /// The account's name. The account's owner chooses the name, so it must be sanitized for terminals and spreadsheets.
    pub name: Box<str>,
    /// The root user's email address, which must be sanitized like the name.
    pub email: Box<str>,
    /// What thousands of accounts have in common, so that they share one copy.
    pub attributes: Arc<AccountAttributes>,
    /// When the account joined the Organization; `None` if Organizations does not say, or in journals of format 1.
    pub joined_at: Option<Timestamp>,
}

/// What an account has in common with many others: its state, its place in the Organization's tree, and how it came there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct AccountAttributes {
    /// The account's state.
    pub state: AccountState,
    /// The path from the Organization to the account's parent, `o-…/r-…/ou-…/`; empty if the path is not known.
    pub ou_path: Box<str>,
    /// Whether the account was invited into the Organization. Organizations creates a cross-account role only in accounts that it
    /// creates, so an invited account might not have this role.
    pub invited: bool,
    /// The names of the root and the OUs in `ou_path`, with the id of an OU whose name is not known; empty as long as no name is known.
    /// The journal has the names in lines of their own, because they become known after the accounts.
    pub ou_names: Vec<String>,
}

impl AccountAttributes {
    /// Returns the attributes of an account that is in use.
    pub fn active_in(ou_path: &str) -> Arc<Self> {
        Arc::new(Self { state: AccountState::Active, ou_path: ou_path.into(), ..Self::default() })
    }
}

/// An account in a journal.
#[derive(Serialize, Deserialize)]
struct AccountLine<'a> {
    id: AccountId,
    name: Cow<'a, str>,
    email: Cow<'a, str>,
    state: Cow<'a, AccountState>,
    ou_path: Cow<'a, str>,
    invited: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    joined_at: Option<Timestamp>,
}

impl From<AccountLine<'_>> for Account {
    fn from(line: AccountLine<'_>) -> Self {
        let AccountLine { id, name, email, state, ou_path, invited, joined_at } = line;
        let (state, ou_path) = (state.into_owned(), ou_path.into());
        let attributes = AccountAttributes { state, ou_path, invited, ou_names: Vec::new() };
        Self { id, name: name.into(), email: email.into(), attributes: attributes.into(), joined_at }
    }
}

impl Serialize for Account {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { id, name, email, attributes, joined_at } = self;
        let AccountAttributes { state, ou_path, invited, ou_names: _ } = &**attributes;
        let (id, invited, joined_at) = (*id, *invited, *joined_at);
        let [name, email, ou_path] = [name, email, ou_path].map(|text| Cow::Borrowed(&**text));
        AccountLine { id, name, email, state: Cow::Borrowed(state), ou_path, invited, joined_at }.serialize(serializer)
    }
}

/// Returns the path of an account's parent. ListAccounts returns the path of the account itself, `o-…/r-…/ou-…/<account id>/`.
pub fn parent_path(path: &str, id: AccountId) -> String {
    let trimmed = path.strip_suffix('/').unwrap_or(path);
    let parent = trimmed.strip_suffix(&id.to_string()).unwrap_or(trimmed);
    if parent.is_empty() || parent.ends_with('/') { parent.to_owned() } else { format!("{parent}/") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_ids_have_twelve_digits() {
        let id: AccountId = "000012345678".parse().unwrap();
        assert_eq!(id.to_string(), "000012345678");
        let refused = |text: &str| text.parse::<AccountId>().unwrap_err().to_string();
        for wrong in ["", "12345678901a", "1234567890123", "12345678901 ", "-12345678901", "１２３４５６７８９０１２"]
        {
            assert_eq!(refused(wrong), format!("{wrong:?} is not an account id, which is 12 digits"));
        }
        assert!(refused("prod").ends_with("which is 12 digits: select accounts by name with --name"));
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
        assert!(refused("123456789012 000000000001").contains("is more than one account id"));
        assert!(refused("ou-ab12-critical").contains("is the id of an OU or of a root"));
        for rounded in ["1.23457E+11", "1,23457e+11", "1E11"] {
            assert!(refused(rounded).contains("before a spreadsheet rounded it"), "{rounded}");
        }
        let long = refused(&"x".repeat(10_000));
        assert!(long.len() < 100, "{long}");
    }

    #[test]
    fn status_counts_only_without_state() {
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
    fn parent_path_leaves_out_the_account() {
        let id = "000000000012".parse().unwrap();
        assert_eq!(parent_path("o-a/r-b/ou-b-c/000000000012/", id), "o-a/r-b/ou-b-c/");
        assert_eq!(parent_path("o-a/r-b/000000000012", id), "o-a/r-b/");
        assert_eq!(parent_path("o-a/r-b/ou-b-c/", id), "o-a/r-b/ou-b-c/");
        assert_eq!(parent_path("", id), "");
    }
}
