//! An ARN in an account, which shares its text with the same ARN in other accounts.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::AccountId;
use crate::interner::Interner;

/// The ARN of a role, or of the root user, in an account. Usually it differs between accounts only in the account id, so the rest of
/// the text is kept once. Its text is kept exactly.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct AccountArn {
    /// The account id in the text; `None` if the text has none.
    account: Option<AccountId>,
    pattern: Arc<ArnPattern>,
}

/// The text of an ARN without the account id.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ArnPattern {
    /// The text up to the account id, or the whole text if it has none.
    before: Box<str>,
    /// The text after the account id.
    after: Box<str>,
}

impl AccountArn {
    /// Lets the ARN share its text with those that were shared before.
    pub fn share(&mut self, patterns: &mut Interner<ArnPattern>) {
        patterns.intern(&mut self.pattern);
    }

    /// Whether the ARN begins with this text, which must be shorter than the part before the account id.
    pub fn starts_with(&self, beginning: &str) -> bool {
        self.pattern.before.starts_with(beginning)
    }

    /// Returns the path and the name of the role; `None` for the root user.
    pub fn role_name(&self) -> Option<&str> {
        let ArnPattern { before, after } = &*self.pattern;
        self.account.map_or(before, |_| after).split_once(":role/").map(|(_, name)| name)
    }
}

impl From<&str> for AccountArn {
    fn from(text: &str) -> Self {
        let (before, account, after) = match around_account(text) {
            Some((before, account, after)) => (before, Some(account), after),
            None => (text, None, ""),
        };
        Self { account, pattern: Arc::new(ArnPattern { before: before.into(), after: after.into() }) }
    }
}

impl From<String> for AccountArn {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

/// Returns the account id in the fifth field of an ARN, and the texts before and after it.
fn around_account(text: &str) -> Option<(&str, AccountId, &str)> {
    let (colon, _) = text.match_indices(':').nth(3)?;
    let (before, rest) = text.split_at(colon + 1);
    let (account, after) = rest.split_at_checked(12)?;
    Some((before, account.parse().ok()?, after))
}

impl fmt::Display for AccountArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ArnPattern { before, after } = &*self.pattern;
        match self.account {
            Some(account) => write!(f, "{before}{account}{after}"),
            None => f.write_str(before),
        }
    }
}

impl fmt::Debug for AccountArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

impl Serialize for AccountArn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// For `#[serde(with)]`: an ARN, or an empty text for none.
pub mod or_empty {
    use super::{AccountArn, Deserialize, Deserializer, Serializer};

    /// Writes the ARN as text, or an empty text.
    ///
    /// # Errors
    ///
    /// Returns the serializer's error.
    pub fn serialize<S: Serializer>(arn: &Option<AccountArn>, serializer: S) -> Result<S::Ok, S::Error> {
        match arn {
            Some(arn) => serializer.collect_str(arn),
            None => serializer.serialize_str(""),
        }
    }

    /// Reads what [`serialize`] wrote.
    ///
    /// # Errors
    ///
    /// Returns the deserializer's error.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<AccountArn>, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(if text.is_empty() { None } else { Some(text.into()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_kept_exactly() {
        for (text, has_account, role) in [
            ("arn:aws:iam::000000000012:role/R", true, Some("R")),
            ("arn:aws-cn:iam::123456789012:role/path/Token-123456789012", true, Some("path/Token-123456789012")),
            ("arn:aws:iam::000000000012:root", true, None),
            ("arn:aws:iam::000000000012", true, None),
            ("arn:aws:iam::0000000000123:role/R", true, Some("R")),
            ("arn:aws:iam::12:role/R", false, Some("R")),
            ("arn:aws:iam::１２３４:role/R", false, Some("R")),
            ("arn:aws:iam:000000000012:role/R", false, Some("R")),
            ("::::", false, None),
            ("x", false, None),
            ("", false, None),
        ] {
            let arn = AccountArn::from(text);
            assert_eq!(arn.to_string(), text);
            assert_eq!((arn.account.is_some(), arn.role_name()), (has_account, role), "{text}");
            let json = serde_json::to_string(&arn).unwrap();
            assert_eq!(json, serde_json::to_string(text).unwrap());
            assert_eq!(serde_json::from_str::<AccountArn>(&json).unwrap(), arn);
        }
    }

    #[test]
    fn the_same_role_in_many_accounts_has_one_text() {
        let arn = |account: u64, role: &str| AccountArn::from(format!("arn:aws:iam::{account:012}:role/{role}"));
        let mut arns = [arn(1, "A"), arn(2, "A"), arn(2, "B")];
        let mut patterns = Interner::default();
        for arn in &mut arns {
            arn.share(&mut patterns);
        }
        assert!(Arc::ptr_eq(&arns[0].pattern, &arns[1].pattern) && arns[0] != arns[1]);
        assert!(!Arc::ptr_eq(&arns[1].pattern, &arns[2].pattern) && arns[1] != arns[2]);
        assert_eq!(size_of::<Option<AccountArn>>(), 16);
    }
}
