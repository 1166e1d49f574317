//! The role that is assumed in each account: one template for all accounts, and the role's ARN in each account.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::caller::account_in_arn;
use super::{AccountId, ParseError, Partition};
use crate::serde_text::textual;

/// Whether a text can be an external id: 2 to 1224 characters of `[\w+=,.@:/-]` (STS API reference, `AssumeRole`).
pub fn is_external_id(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&byte);
    (2..=1224).contains(&text.len()) && text.bytes().all(allowed)
}

/// How the program enters member accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AccessMode {
    /// The program assumes the role in the account.
    #[default]
    Role,
    /// The program acts as the account's root user, through centralized root access. The session's task policy, which AWS
    /// defines, allows only reading.
    AssumeRoot,
}

/// A role to assume before the roles in the accounts: a full ARN, which can contain `{partition}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViaRole(String);

impl ViaRole {
    /// Returns the role's ARN.
    pub fn arn(&self, partition: &Partition) -> String {
        self.0.replace("{partition}", partition.as_str())
    }
}

textual!(ViaRole, "{}", 0);

impl FromStr for ViaRole {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // With a placeholder instead of the account id, the text must be a valid template.
        let template = account_in_arn(text).map(|id| text.replacen(&format!(":{id}:"), ":{account_id}:", 1));
        let in_one_account = template.filter(|template| template.matches("{account_id}").count() == 1);
        if in_one_account.is_some_and(|template| template.parse::<RoleTemplate>().is_ok()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(ParseError::new("expected the full ARN of the role: arn:aws:iam::<12 digits>:role/<name>"))
        }
    }
}

/// The role in every account: a name, a path with a name, or a full ARN with the placeholders `{partition}` and `{account_id}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleTemplate(String);

impl RoleTemplate {
    /// The role that AWS Organizations by default creates in the accounts that it creates.
    pub const DEFAULT: &str = "OrganizationAccountAccessRole";

    /// Returns the role's ARN in an account.
    pub fn arn(&self, partition: &Partition, account: AccountId) -> String {
        let filled = self.0.replace("{partition}", partition.as_str()).replace("{account_id}", &account.to_string());
        if filled.starts_with("arn:") {
            filled
        } else {
            format!("arn:{partition}:iam::{account}:role/{}", filled.trim_start_matches('/'))
        }
    }
}

impl Default for RoleTemplate {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

textual!(RoleTemplate, "{}", 0);

impl FromStr for RoleTemplate {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(name) = text.strip_prefix("role/") {
            return Err(ParseError(format!("leave out role/, which belongs to ARNs only: did you mean {name}?")));
        }
        let name = match text.strip_prefix("arn:") {
            None => text.trim_start_matches('/'),
            Some(rest) => {
                let name = match rest.splitn(5, ':').collect::<Vec<_>>()[..] {
                    ["", ..] => None,
                    [_, "iam", "", account, resource] => resource.strip_prefix("role/").map(|name| (account, name)),
                    _ => None,
                };
                match name {
                    Some(("{account_id}", name)) => name,
                    Some(_) => {
                        return Err(ParseError::new(
                            "this ARN is the same for every account: write {account_id} where the account id stands",
                        ));
                    }
                    None => {
                        return Err(ParseError::new(
                            "expected the ARN of a role: arn:{partition}:iam::{account_id}:role/<name>",
                        ));
                    }
                }
            }
        };
        let path_ok = name.chars().all(|character| ('\u{21}'..='\u{7e}').contains(&character));
        let last = name.rsplit('/').next().unwrap_or_default();
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        let without_placeholders = |text: &str| text.replace("{account_id}", "").replace("{partition}", "");
        // Any other brace belongs to a mistyped placeholder.
        let braces = without_placeholders(name).contains(['{', '}']);
        let path_ok = path_ok && !braces && !name.contains("//");
        // `/arn:…` is refused: leading slashes are dropped, so it would be an ARN when it is read back from run.json.
        let path_ok = path_ok && (text.starts_with("arn:") || !name.starts_with("arn:"));
        if !path_ok || !(1..=64).contains(&last.len()) || !without_placeholders(last).bytes().all(allowed) {
            return Err(ParseError::new(
                "expected a role's name, a path with a name, or an ARN; a name has 1 to 64 letters, digits, and _+=,.@-",
            ));
        }
        Ok(Self(match text.strip_prefix("arn:") {
            Some(_) => text.to_owned(),
            // The path `/role/` keeps its slash, because without the slash it would look like the `role/` in an ARN.
            None if name.starts_with("role/") => format!("/{name}"),
            None => name.to_owned(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::Caller;

    #[test]
    fn a_template_gives_the_arn_in_each_account_and_partition() {
        let account = "000000000012".parse().unwrap();
        let partition =
            Caller::from_api(Some("000000000100"), Some("arn:aws-us-gov:iam::000000000100:user/x")).unwrap().partition;
        let table = [
            ("Audit", "arn:aws-us-gov:iam::000000000012:role/Audit"),
            ("ops/deep/Audit", "arn:aws-us-gov:iam::000000000012:role/ops/deep/Audit"),
            ("/ops/Audit", "arn:aws-us-gov:iam::000000000012:role/ops/Audit"),
            ("arn:{partition}:iam::{account_id}:role/p/R", "arn:aws-us-gov:iam::000000000012:role/p/R"),
            ("arn:aws:iam::{account_id}:role/R", "arn:aws:iam::000000000012:role/R"),
            ("/role/Audit", "arn:aws-us-gov:iam::000000000012:role/role/Audit"),
            ("p/R-{account_id}", "arn:aws-us-gov:iam::000000000012:role/p/R-000000000012"),
        ];
        for (text, arn) in table {
            let role: RoleTemplate = text.parse().unwrap();
            assert_eq!(role.arn(&partition, account), arn);
            assert_eq!(role.to_string().parse(), Ok(role), "{text} is read back from run.json");
        }
    }

    #[test]
    fn a_via_role_is_in_one_account() {
        for arn in ["arn:aws:iam::000000000100:role/Hub", "arn:{partition}:iam::000000000100:role/p/Hub"] {
            assert_eq!(arn.parse::<ViaRole>().unwrap().to_string(), arn);
        }
        for wrong in [
            "Hub",
            "arn:aws:iam::{account_id}:role/Hub",
            "arn:aws:iam::12:role/Hub",
            "arn:aws:iam::000000000100:user/Hub",
            "arn:aws:sts::000000000100:assumed-role/Hub/x",
            "arn:aws:iam::000000000100:role/{account_id}",
            "",
        ] {
            assert!(wrong.parse::<ViaRole>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn external_ids() {
        assert!(is_external_id("team:42/x") && is_external_id(&"a".repeat(1224)));
        for wrong in ["", "x", "with space", "näme", &"a".repeat(1225)] {
            assert!(!is_external_id(wrong), "{wrong}");
        }
    }

    #[test]
    fn errors_say_why_it_is_not_a_role() {
        let malformed = "expected a role's name";
        for (text, reason) in [
            ("", malformed),
            ("two words", malformed),
            ("path/", malformed),
            ("role/ops/Audit", "leave out role/, which belongs to ARNs only: did you mean ops/Audit?"),
            ("Rôle", malformed),
            ("/arn:aws:iam::000000000100:role/Hub", malformed),
            (
                "arn:aws:iam::{account_id}:user/x",
                "expected the ARN of a role: arn:{partition}:iam::{account_id}:role/<name>",
            ),
            (
                "arn:aws:sts::{account_id}:role/x",
                "expected the ARN of a role: arn:{partition}:iam::{account_id}:role/<name>",
            ),
            ("arn:aws:iam::000000000012:role/x", "this ARN is the same for every account: write {account_id}"),
        ] {
            let message = text.parse::<RoleTemplate>().unwrap_err().to_string();
            assert!(message.starts_with(reason), "{text}: {message}");
        }
        assert!("a".repeat(65).parse::<RoleTemplate>().is_err());
    }
}
