//! Which build this is: the version, the commit with its day, and the target.

use serde::{Deserialize, Serialize};

/// The version of the program.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The version with the build, as `--version` prints it.
pub(crate) const VERSION_AND_BUILD: &str = concat!(
    env!("CARGO_PKG_VERSION"),
    " (",
    env!("V2TOKEN_BUILD_COMMIT"),
    " ",
    env!("V2TOKEN_BUILD_DATE"),
    " ",
    env!("V2TOKEN_BUILD_TARGET"),
    ")"
);

/// The build of a program. What is not known is `unknown`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildInfo {
    /// The id of the commit that was checked out. Changes that were not committed do not show.
    pub commit: String,
    /// The day of the commit, as year, month, and day.
    pub commit_date: String,
    /// The target triple, such as `x86_64-unknown-linux-gnu`.
    pub target: String,
}

impl BuildInfo {
    /// Returns this build.
    pub(crate) fn of_this_program() -> Self {
        Self {
            commit: env!("V2TOKEN_BUILD_COMMIT").to_owned(),
            commit_date: env!("V2TOKEN_BUILD_DATE").to_owned(),
            target: env!("V2TOKEN_BUILD_TARGET").to_owned(),
        }
    }
}
