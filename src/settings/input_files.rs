//! This module owns the files that options name: lists of accounts, and session policies. They are read before anything else.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::org::AccountId;
use crate::org::accounts_file::{self, Named};

/// No list of accounts is larger: 50,000 accounts make a report of some 20 MB.
const LARGEST_LIST: u64 = 256 << 20;

/// The longest session policy that AssumeRole takes (STS API reference, `AssumeRole`).
const LONGEST_POLICY: usize = 2048;

/// Reads the accounts that files name; `-` is stdin.
///
/// # Errors
///
/// When a file can't be read, or names something that is no account.
pub(super) fn accounts(files: &[PathBuf]) -> Result<BTreeMap<AccountId, Named>, Error> {
    let mut found = BTreeMap::new();
    for path in files {
        let is_stdin = path.as_os_str() == "-";
        let name = if is_stdin { "stdin".to_owned() } else { path.display().to_string() };
        let refused = |cause: String| Error::Usage(format!("--accounts-from {name}: {cause}"));
        let bytes = if is_stdin { bounded(io::stdin().lock()) } else { File::open(path).and_then(bounded) };
        let bytes = bytes.map_err(|error| refused(error.to_string()))?;
        for named in accounts_file::read(&bytes).map_err(|error| refused(error.to_string()))? {
            let id = named.id;
            let merged = match found.remove(&id) {
                None => named,
                Some(earlier) => Named::with(earlier, named).ok_or_else(|| {
                    refused(format!("account {id} stands in another file with another role or external id"))
                })?,
            };
            found.insert(id, merged);
        }
    }
    Ok(found)
}

/// Reads a session policy.
///
/// # Errors
///
/// When it can't be read, or can't be a policy.
pub(super) fn policy(path: &Path) -> Result<String, Error> {
    let refused = |cause: &str| Error::Usage(format!("--session-policy file://{}: {cause}", path.display()));
    let bytes = File::open(path).and_then(bounded).map_err(|error| refused(&error.to_string()))?;
    let document: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| refused(&format!("it is no JSON: {error}")))?;
    if document.get("Statement").is_none() {
        return Err(refused("it is no policy: there is no Statement in it"));
    }
    // Without the white space, which counts against the limit.
    let text = document.to_string();
    if text.len() > LONGEST_POLICY {
        return Err(refused(&format!("it has {} characters, and AssumeRole takes {LONGEST_POLICY}", text.len())));
    }
    Ok(text)
}

fn bounded(from: impl io::Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LARGEST_LIST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_LIST {
        return Err(io::Error::other(format!("it is larger than {} MiB", LARGEST_LIST >> 20)));
    }
    Ok(bytes)
}
