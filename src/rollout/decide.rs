//! This module owns the one decision of a visit: what to do with what was read.

use serde::{Deserialize, Serialize};

use super::record::Outcome;
use super::run::Past;
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
    /// Send nothing, because somebody else has changed the account since the run that is to be undone.
    Drifted(Outcome),
    /// Set the wanted version.
    Set,
}

/// Decides what to do with what was read. `unknown` is not the wanted version, whatever that is.
#[must_use]
pub const fn decide(mode: Mode, read: Reading, wanted: TokenVersion, past: Past) -> Decision {
    use Decision::{Done, Drifted, Set};
    match (past, read.shows(wanted)) {
        // This run has sent a Set for it, or was about to; whether it was this Set that took effect nobody can tell, but the
        // version has changed since it was read, and this run is answerable for that.
        (Past::Intended(_), true) => Done(Outcome::Changed),
        (Past::None | Past::Set { certain: false, .. }, true) => Done(Outcome::Unchanged),
        (Past::Set { certain: true, .. }, true) => Drifted(Outcome::Unchanged),
        (Past::Set { to, .. }, false) if !read.shows(to) => Drifted(Outcome::Skipped),
        (Past::None | Past::Intended(_) | Past::Set { .. }, false) => match mode {
            Mode::Plan => Done(Outcome::WouldChange),
            Mode::Apply => Set,
        },
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
            assert_eq!(decide(Mode::Plan, read, wanted, Past::None), planned);
            assert_eq!(decide(Mode::Apply, read, wanted, Past::None), applied);
        }
    }

    #[test]
    fn what_this_run_may_have_set_is_its_own() {
        let past = Past::Intended(Reading::V1Token);
        let apply = |read| decide(Mode::Apply, read, TokenVersion::V2Token, past);
        assert_eq!(Reading::ALL.map(apply), [Decision::Set, Decision::Done(Outcome::Changed), Decision::Set]);
    }

    #[test]
    fn only_what_the_undone_run_left_is_put_back() {
        use Decision::{Done, Drifted, Set};
        let back = |read, certain| {
            let past = Past::Set { to: TokenVersion::V2Token, certain };
            decide(Mode::Apply, read, TokenVersion::V1Token, past)
        };
        let table = [
            (Reading::V2Token, Set, Set),
            (Reading::V1Token, Drifted(Outcome::Unchanged), Done(Outcome::Unchanged)),
            (Reading::Unknown, Drifted(Outcome::Skipped), Drifted(Outcome::Skipped)),
        ];
        for (read, certain, uncertain) in table {
            assert_eq!((back(read, true), back(read, false)), (certain, uncertain), "{read}");
        }
    }
}
