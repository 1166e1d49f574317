//! Reads the accounts of a report of this program, with their versions, for a command that makes no call.

use std::collections::{BTreeMap, BTreeSet};

use csv::ByteRecord;

use super::{AccountId, Lines, ParseError, contents, plain_text, read};
use crate::org::account::{Account, AccountAttributes, AccountState};
use crate::org::token_version::ObservedVersion;

/// An account of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedAccount {
    /// The account, with the attributes that the file has.
    pub account: Account,
    /// The version that the report says last; `None` if the account was not read.
    pub version: Option<ObservedVersion>,
    /// The error code and the message of an account that could not be read, or was not selected.
    pub error: Option<(String, String)>,
    /// The partition, by the ARN of the role.
    pub partition: Option<String>,
}

/// Reads the accounts. A file with ids alone gives accounts without names and versions, which count as active.
///
/// # Errors
///
/// Returns an error for the first line that can't be used.
pub fn listed(file: &[u8]) -> Result<BTreeMap<AccountId, ListedAccount>, ParseError> {
    // The ids and the form are checked as in every other file.
    let ids: BTreeSet<AccountId> = read(file)?.into_keys().collect();
    let Some((text, first)) = plain_text(file)? else { return Ok(BTreeMap::new()) };
    let mut lines = Lines::new(text, first);
    let mut accounts: BTreeMap<AccountId, ListedAccount> =
        ids.into_iter().map(|id| (id, ListedAccount::with(id, |_| ""))).collect();
    let Some((_, header)) = lines.next()? else { return Ok(accounts) };
    let columns = super::Columns::find(&header, &contents(text, lines.delimiter))?;
    if !columns.has_header {
        return Ok(accounts);
    }
    let names: Vec<String> =
        header.iter().map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase()).collect();
    while let Some((_, record)) = lines.next()? {
        let cell = |column: usize, record: &ByteRecord| {
            String::from_utf8_lossy(record.get(column).unwrap_or_default()).into_owned()
        };
        let Ok(id) = cell(columns.id, &record).parse::<AccountId>() else { continue };
        let cells: BTreeMap<&str, String> =
            names.iter().enumerate().map(|(column, name)| (name.as_str(), cell(column, &record))).collect();
        accounts.insert(id, ListedAccount::with(id, |name| cells.get(name).map_or("", String::as_str)));
    }
    Ok(accounts)
}

impl ListedAccount {
    /// Makes an account from the cells of its row.
    fn with<'a>(id: AccountId, cell: impl Fn(&str) -> &'a str) -> Self {
        let version = |name: &str| ObservedVersion::ALL.into_iter().find(|version| version.as_str() == cell(name));
        let state = cell("account_state");
        let names = cell("ou_names");
        let error = cell("error_code");
        Self {
            account: Account {
                id,
                name: cell("account_name").into(),
                email: cell("account_email").into(),
                attributes: AccountAttributes {
                    state: AccountState::from_api(Some(if state.is_empty() { "ACTIVE" } else { state }), None),
                    ou_path: cell("ou_path").into(),
                    invited: false,
                    ou_names: if names.is_empty() { Vec::new() } else { names.split('/').map(str::to_owned).collect() },
                }
                .into(),
                joined_at: None,
            },
            version: version("current_version").or_else(|| version("previous_version")),
            partition: cell("role_arn").strip_prefix("arn:").and_then(|arn| Some(arn.split_once(':')?.0.to_owned())),
            error: (!error.is_empty()).then(|| (error.to_owned(), cell("error_message").to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_gives_names_states_and_versions() {
        let report = "account_id,account_name,account_email,ou_path,account_state,outcome,previous_version,current_version,error_code,error_message,role_arn,run_id\n\
            000000000001,one,a@b,o-a/r-b/,ACTIVE,would_change,v1Token,v1Token,,,,x\n\
            000000000002,two,,o-a/r-b/,SUSPENDED,skipped,,,Suspended,only active,,x\n\
            000000000003,three,,o-a/r-b/,ACTIVE,failed,,,AccessDenied,no,,x\n\
            000000000004,four,,,,would_change,v2Token,,,,,x\n";
        let listed = listed(report.as_bytes()).unwrap();
        let versions: Vec<_> = listed.values().map(|listed| listed.version).collect();
        assert_eq!(versions, [Some(ObservedVersion::V1Token), None, None, Some(ObservedVersion::V2Token)]);
        let states: Vec<_> = listed.values().map(|listed| listed.account.attributes.state.as_str()).collect();
        assert_eq!(states, ["ACTIVE", "SUSPENDED", "ACTIVE", "ACTIVE"]);
        let third = listed.values().nth(2).unwrap();
        assert_eq!(third.error, Some(("AccessDenied".to_owned(), "no".to_owned())));
        assert_eq!((third.account.name.as_ref(), third.account.attributes.ou_path.as_ref()), ("three", "o-a/r-b/"));
    }

    #[test]
    fn a_list_of_ids_gives_active_accounts_without_versions() {
        let ids = listed(b"000000000001\n000000000002\n").unwrap();
        assert!(
            ids.values()
                .all(|listed| listed.version.is_none() && listed.account.attributes.state == AccountState::Active)
        );
        assert_eq!(ids.len(), 2);
        assert!(listed(b"1\n").is_err());
    }
}
