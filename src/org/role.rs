//! This module owns the role that is assumed in each account: how it is named once, and its ARN in each account.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::account::AccountId;
use super::caller::Partition;

/// The role of the run: a name, a path with a name, or a full ARN with `{partition}` and `{account_id}` in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleTemplate(String);

impl RoleTemplate {
    /// The role's ARN in an account.
    #[must_use]
    pub fn arn(&self, partition: &Partition, account: AccountId) -> String {
        if self.0.starts_with("arn:") {
            self.0.replace("{partition}", partition.as_str()).replace("{account_id}", &account.to_string())
        } else {
            format!("arn:{partition}:iam::{account}:role/{}", self.0)
        }
    }
}

impl Default for RoleTemplate {
    /// The role that Organizations makes in the accounts it creates.
    fn default() -> Self {
        Self("OrganizationAccountAccessRole".to_owned())
    }
}

impl fmt::Display for RoleTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<RoleTemplate> for String {
    fn from(template: RoleTemplate) -> Self {
        template.0
    }
}

impl TryFrom<String> for RoleTemplate {
    type Error = NotARole;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// The text does not name a role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotARole {
    /// Not a name either.
    #[error("expected a role's name, a path with a name, or an ARN; a name has 1 to 64 letters, digits, and _+=,.@-")]
    Malformed,
    /// An ARN of something else.
    #[error("expected the ARN of a role: arn:{{partition}}:iam::{{account_id}}:role/<name>")]
    NotARoleArn,
    /// An ARN that is the same in every account.
    #[error("this ARN is the same for every account: write {{account_id}} where the account id stands")]
    NoAccountId,
}

impl FromStr for RoleTemplate {
    type Err = NotARole;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let name = match text.strip_prefix("arn:") {
            None => text.trim_start_matches('/'),
            Some(rest) => {
                let mut parts = rest.splitn(5, ':');
                let (partition, service, region, account, resource) =
                    (parts.next(), parts.next(), parts.next(), parts.next(), parts.next());
                let name = resource.and_then(|resource| resource.strip_prefix("role/"));
                let named = partition.is_some_and(|partition| !partition.is_empty());
                let (true, Some("iam"), Some(""), Some(account), Some(name)) = (named, service, region, account, name)
                else {
                    return Err(NotARole::NotARoleArn);
                };
                if account != "{account_id}" {
                    return Err(NotARole::NoAccountId);
                }
                name
            }
        };
        let path_ok = name.chars().all(|character| ('\u{21}'..='\u{7e}').contains(&character));
        let last = name.rsplit('/').next().unwrap_or_default();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        // {account_id} may stand in a name too.
        let last_plain = last.replace("{account_id}", "").replace("{partition}", "");
        if !path_ok || !(1..=64).contains(&last.len()) || !last_plain.bytes().all(allowed) {
            return Err(NotARole::Malformed);
        }
        Ok(Self(if text.starts_with("arn:") { text.to_owned() } else { name.to_owned() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::Caller;

    #[test]
    fn a_role_has_its_arn_in_every_account_and_partition() {
        let account = "000000000012".parse().unwrap();
        let partition =
            Caller::from_api(Some("000000000100"), Some("arn:aws-us-gov:iam::000000000100:user/x")).unwrap().partition;
        let table = [
            ("Audit", "arn:aws-us-gov:iam::000000000012:role/Audit"),
            ("ops/deep/Audit", "arn:aws-us-gov:iam::000000000012:role/ops/deep/Audit"),
            ("/ops/Audit", "arn:aws-us-gov:iam::000000000012:role/ops/Audit"),
            ("arn:{partition}:iam::{account_id}:role/p/R", "arn:aws-us-gov:iam::000000000012:role/p/R"),
            ("arn:aws:iam::{account_id}:role/R", "arn:aws:iam::000000000012:role/R"),
        ];
        for (text, arn) in table {
            assert_eq!(text.parse::<RoleTemplate>().unwrap().arn(&partition, account), arn);
        }
    }

    #[test]
    fn what_is_not_a_role_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", NotARole::Malformed),
            ("two words", NotARole::Malformed),
            ("path/", NotARole::Malformed),
            ("Rôle", NotARole::Malformed),
            ("arn:aws:iam::{account_id}:user/x", NotARole::NotARoleArn),
            ("arn:aws:sts::{account_id}:role/x", NotARole::NotARoleArn),
            ("arn:aws:iam::000000000012:role/x", NotARole::NoAccountId),
        ] {
            assert_eq!(text.parse::<RoleTemplate>(), Err(reason), "{text}");
        }
        assert!("a".repeat(65).parse::<RoleTemplate>().is_err());
    }
}
