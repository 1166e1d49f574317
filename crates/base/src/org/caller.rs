//! The caller: the identity behind the base credentials, and its AWS partition.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::account::AccountId;

/// An AWS partition: a set of Regions with its own ARNs, endpoints and accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partition(String);

impl Partition {
    /// Returns the partition's id, as in ARNs: `aws`, `aws-cn`, `aws-us-gov`, ….
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the partition has a global STS endpoint. Without this endpoint, the token version has no effect.
    ///
    /// Only `aws` has a global STS endpoint (AWS SDKs and Tools reference guide, "AWS STS Regional endpoints").
    pub fn has_global_sts(&self) -> bool {
        self.0 == "aws"
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The identity that `GetCallerIdentity` returns for the base credentials.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The caller's account.
    pub account: AccountId,
    /// The caller's ARN.
    pub arn: String,
    /// The partition in the caller's ARN.
    pub partition: Partition,
}

/// The answer of `GetCallerIdentity` has no usable account or ARN.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("GetCallerIdentity answered without a usable account and ARN (account {account:?}, ARN {arn:?})")]
pub struct ParseCallerError {
    account: String,
    arn: String,
}

impl Caller {
    /// Reads the caller from `GetCallerIdentity`'s answer.
    ///
    /// # Errors
    ///
    /// Returns an error if the account is not an account id or the ARN does not start with `arn:<partition>:`.
    pub fn from_api(account: Option<&str>, arn: Option<&str>) -> Result<Self, ParseCallerError> {
        let (account, arn) = (account.unwrap_or_default(), arn.unwrap_or_default());
        let refused = || ParseCallerError { account: account.to_owned(), arn: arn.to_owned() };
        let mut parts = arn.split(':');
        match (parts.next(), parts.next(), parts.next()) {
            (Some("arn"), Some(partition), Some(_)) if partition.starts_with("aws") => Ok(Self {
                account: account.parse().map_err(|_| refused())?,
                arn: arn.to_owned(),
                partition: Partition(partition.to_owned()),
            }),
            _ => Err(refused()),
        }
    }
}

/// Returns the account in an ARN, such as the ARN of the `AssumedRoleUser` in AssumeRole's answer.
pub fn account_in_arn(arn: &str) -> Option<AccountId> {
    let mut parts = arn.splitn(6, ':');
    (parts.next() == Some("arn")).then_some(())?;
    parts.nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_partition_comes_from_the_arn() {
        for (partition, global) in
            [("aws", true), ("aws-cn", false), ("aws-us-gov", false), ("aws-eusc", false), ("aws-iso-b", false)]
        {
            let arn = format!("arn:{partition}:sts::000000000100:assumed-role/Admin/me");
            let caller = Caller::from_api(Some("000000000100"), Some(&arn)).unwrap();
            assert_eq!(caller.partition.as_str(), partition);
            assert_eq!(caller.partition.has_global_sts(), global);
        }
    }

    #[test]
    fn an_answer_without_account_or_arn_is_an_error() {
        for (account, arn) in [
            (None, None),
            (Some("000000000100"), None),
            (Some("1"), Some("arn:aws:iam::1:user/x")),
            (Some("000000000100"), Some("<html>")),
            (Some("000000000100"), Some("arn::iam::000000000100:user/x")),
        ] {
            assert!(Caller::from_api(account, arn).is_err(), "{account:?} {arn:?}");
        }
    }

    #[test]
    fn an_arn_names_its_account() {
        let id = "000000000012".parse().ok();
        assert_eq!(account_in_arn("arn:aws:sts::000000000012:assumed-role/R/s:with:colons"), id);
        assert_eq!(account_in_arn("arn:aws:sts::12:assumed-role/R/s"), None);
        assert_eq!(account_in_arn("nonsense"), None);
        assert_eq!(account_in_arn(""), None);
    }
}
