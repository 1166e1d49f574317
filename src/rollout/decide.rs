//! This module owns the one decision of a visit: what to do with what was read.

use serde::{Deserialize, Serialize};

use super::record::Outcome;
use crate::org::{Reading, TokenVersion};

/// Whether the run may change anything. There is no other place where a dry run differs from a real one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Read, and say what would be done.
    Plan,
    /// Read, set, and read back.
    Apply,
}

/// How a Set is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verify {
    /// Not at all: every Set that was accepted is `unverified`.
    None,
    /// By reading the setting back.
    Setting,
}

/// What a visit does after reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Send nothing: the visit is over, with this outcome.
    Done(Outcome),
    /// Set the wanted version.
    Set,
}

/// Decides what to do with what was read. `unknown` is not the wanted version, whatever that is.
#[must_use]
pub const fn decide(mode: Mode, read: Reading, wanted: TokenVersion) -> Decision {
    match (mode, read.shows(wanted)) {
        (Mode::Plan | Mode::Apply, true) => Decision::Done(Outcome::Unchanged),
        (Mode::Plan, false) => Decision::Done(Outcome::WouldChange),
        (Mode::Apply, false) => Decision::Set,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reading_under_every_mode() {
        use Decision::{Done, Set};
        use Outcome::{Unchanged, WouldChange};
        let table = [
            (Reading::V1Token, TokenVersion::V1Token, Done(Unchanged), Done(Unchanged)),
            (Reading::V1Token, TokenVersion::V2Token, Done(WouldChange), Set),
            (Reading::V2Token, TokenVersion::V1Token, Done(WouldChange), Set),
            (Reading::V2Token, TokenVersion::V2Token, Done(Unchanged), Done(Unchanged)),
            (Reading::Unknown, TokenVersion::V1Token, Done(WouldChange), Set),
            (Reading::Unknown, TokenVersion::V2Token, Done(WouldChange), Set),
        ];
        assert_eq!(table.len(), Reading::ALL.len() * TokenVersion::ALL.len());
        for (read, wanted, planned, applied) in table {
            assert_eq!(decide(Mode::Plan, read, wanted), planned);
            assert_eq!(decide(Mode::Apply, read, wanted), applied);
        }
    }
}
