//! The folder that contains the run folders.

use std::path::PathBuf;

/// The default parent of run folders, in the current folder.
pub(crate) const RUNS_DIR: &str = "v2token-runs";

/// The variable that names another parent of run folders. It is also the variable of the option `--runs-dir`.
pub(crate) const RUNS_DIR_VARIABLE: &str = "V2TOKEN_RUNS_DIR";

/// Returns the folder in which new run folders are created, and in which runs are looked up by name.
pub(crate) fn runs_dir() -> PathBuf {
    let named = std::env::var_os(RUNS_DIR_VARIABLE).filter(|value| !value.is_empty());
    named.map_or_else(|| RUNS_DIR.into(), PathBuf::from)
}
