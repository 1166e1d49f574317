//! The selection of accounts that the options describe.

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use super::input_files;
use crate::cli::SelectionArgs;
use crate::error::Error;
use crate::org::accounts_file::AccountOverrides;
use crate::org::exception::{Day, Exceptions};
use crate::org::selection::{Criteria, ManagementAccess, Selection};
use crate::org::{AccountId, Tag, UnitChoice, UnitId};

/// Returns the selection of a command that takes all accounts from the files of `--accounts-from`: these files do not narrow it.
///
/// # Errors
///
/// Returns an error if the value of an option or the file of `--exceptions` can't be used.
pub(crate) fn selection_among_listed(mut args: SelectionArgs, now: SystemTime) -> Result<Selection, Error> {
    args.accounts_from.clear();
    let exceptions = args.exceptions.as_deref().map(input_files::exceptions).transpose()?;
    let exceptions = exceptions.map(|all| Exceptions::on(&Day::of(now), all));
    let selection = selection(args, &BTreeMap::new(), ManagementAccess::default(), now)?;
    Ok(Selection { exceptions, ..selection })
}

/// Returns the selection that the options describe.
pub(super) fn selection(
    args: SelectionArgs,
    named: &BTreeMap<AccountId, AccountOverrides>,
    management: ManagementAccess,
    now: SystemTime,
) -> Result<Selection, Error> {
    let joined_since = args.joined_since.map(|since| since.resolve(now)).transpose();
    let joined_since = joined_since.map_err(|error| Error::Usage(format!("--joined-since: {error}")))?;
    let (ous, ou_names) = by_kind(args.ou);
    let (excluded_ous, excluded_ou_names) = by_kind(args.exclude_ou);
    let include = Criteria {
        accounts: args.account.into_iter().chain(named.keys().copied()).collect(),
        ous,
        ou_names,
        names: args.name,
        tags: args.tag.into_iter().collect(),
    };
    let exclude = Criteria {
        accounts: args.exclude_account.into_iter().collect(),
        ous: excluded_ous,
        ou_names: excluded_ou_names,
        names: args.exclude_name,
        tags: args.exclude_tag.into_iter().collect(),
    };
    let environment = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let shard = args.shard.map(|shard| shard.resolve(environment)).transpose();
    let shard = shard.map_err(|error| Error::Usage(error.to_string()))?;
    Ok(Selection { include, exclude, joined_since, shard, management, exceptions: None })
}

/// Separates OUs that are given by their id from those that are given by their path of names.
fn by_kind(choices: Vec<UnitChoice>) -> (BTreeSet<UnitId>, BTreeSet<UnitChoice>) {
    let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
    for choice in choices {
        match choice {
            UnitChoice::Id(id) => drop(ids.insert(id)),
            UnitChoice::Names(_) => drop(names.insert(choice)),
        }
    }
    (ids, names)
}

/// Refuses a tag in the form `Key=Environment,Value=prod`, which other AWS tools use. Here this form would mean two tags,
/// `Key=Environment` and `Value=prod`. Most likely no account has these tags, so an exclusion would exclude no account.
pub(super) fn check_tags(option: &str, tags: &[Tag]) -> Result<(), Error> {
    let value = |key: &str| tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str());
    match (value("Key"), value("Value")) {
        (Some(key), Some(value)) => {
            Err(Error::Usage(format!("{option} Key={key},Value={value}: did you mean {key}={value}?")))
        }
        _ => Ok(()),
    }
}
