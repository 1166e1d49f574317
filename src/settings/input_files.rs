//! Reads the files that options name: lists of accounts, reports, exceptions, and session policies.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::org::AccountId;
use crate::org::accounts_file::listed::ListedAccount;
use crate::org::accounts_file::{self, AccountOverrides};
use crate::org::exception::Exception;

/// The maximum size, in bytes, of a file that is read. The report of a run with 50,000 accounts has some 20 MB.
const MAX_LIST_SIZE: u64 = 256 << 20;

/// The maximum length of a session policy in AssumeRole (STS API reference, `AssumeRole`).
const MAX_POLICY_LENGTH: usize = 2048;

/// Reads the accounts that files name; `-` is stdin.
pub(super) fn accounts(files: &[PathBuf]) -> Result<BTreeMap<AccountId, AccountOverrides>, Error> {
    let mut accounts: BTreeMap<AccountId, AccountOverrides> = BTreeMap::new();
    for path in files {
        let (name, bytes) = read_named(path);
        let refused = |cause: String| Error::Usage(format!("--accounts-from {name}: {cause}"));
        let bytes = bytes.map_err(|error| refused(error.to_string()))?;
        for (id, overrides) in accounts_file::read(&bytes).map_err(|error| refused(error.to_string()))? {
            if !accounts.entry(id).or_default().merge(overrides) {
                let cause = format!("account {id} stands in another file with another role or external id");
                return Err(refused(cause));
            }
        }
    }
    Ok(accounts)
}

/// Reads the accounts of reports, with their versions; `-` is stdin. An account in several files is taken from the last one.
///
/// # Errors
///
/// Returns an error if a file can't be read or used.
pub(crate) fn listed(files: &[PathBuf]) -> Result<BTreeMap<AccountId, ListedAccount>, Error> {
    let mut accounts = BTreeMap::new();
    for path in files {
        let (name, bytes) = read_named(path);
        let refused = |cause: String| Error::Usage(format!("--accounts-from {name}: {cause}"));
        let bytes = bytes.map_err(|error| refused(error.to_string()))?;
        accounts.extend(accounts_file::listed::listed(&bytes).map_err(|error| refused(error.to_string()))?);
    }
    Ok(accounts)
}

/// Returns the name of a file for messages, and its content.
fn read_named(path: &Path) -> (String, io::Result<Vec<u8>>) {
    if path.as_os_str() == "-" {
        return ("stdin".to_owned(), read_limited(io::stdin().lock()));
    }
    (path.display().to_string(), File::open(path).and_then(read_limited))
}

/// Reads the exceptions that a file names.
pub(super) fn exceptions(path: &Path) -> Result<BTreeMap<AccountId, Exception>, Error> {
    let refused = |cause: &str| Error::Usage(format!("--exceptions {}: {cause}", path.display()));
    let bytes = File::open(path).and_then(read_limited).map_err(|error| refused(&error.to_string()))?;
    accounts_file::exceptions::read(&bytes).map_err(|error| refused(&error.to_string()))
}

/// Reads a session policy.
pub(super) fn policy(path: &Path) -> Result<String, Error> {
    let refused = |cause: &str| Error::Usage(format!("--session-policy file://{}: {cause}", path.display()));
    let bytes = File::open(path).and_then(read_limited).map_err(|error| refused(&error.to_string()))?;
    let document: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| refused(&format!("it is not JSON: {error}")))?;
    if document.get("Statement").is_none() {
        return Err(refused("it is not a policy: it has no Statement"));
    }
    // White space counts against the limit, so the policy is sent without white space.
    let text = document.to_string();
    if text.len() > MAX_POLICY_LENGTH {
        return Err(refused(&format!("it has {} characters, and AssumeRole takes {MAX_POLICY_LENGTH}", text.len())));
    }
    Ok(text)
}

fn read_limited(from: impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_LIST_SIZE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_LIST_SIZE {
        return Err(io::Error::other(format!("it is larger than {} MiB", MAX_LIST_SIZE >> 20)));
    }
    Ok(bytes)
}
