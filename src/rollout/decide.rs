//! The decision of a visit: what to do with the version that was read.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Outcome, Provenance};
use crate::org::region::{self, RegionRefused};
use crate::org::{ObservedVersion, TokenVersion};
use crate::serde_text::textual;

/// Whether the run is allowed to change accounts. The visits of a plan and of an apply differ only in what [`decide`] returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Read, and report what would be done.
    Plan,
    /// Read, set, and read back.
    Apply,
}

/// How a Set is verified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Verify {
    /// A Set is not verified, so the outcome of every accepted Set is `unverified`.
    None,
    /// The setting is read back.
    #[default]
    Setting,
    /// The setting is read back, and a token of the global STS endpoint is used in this opt-in Region.
    Token(String),
}

impl fmt::Display for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Setting => f.write_str("setting"),
            Self::Token(region) => write!(f, "token={region}"),
        }
    }
}

textual!(Verify, ParseVerifyError);

/// The text is not a valid [`Verify`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseVerifyError {
    /// The text is not one of the expected words.
    #[error("expected none, setting, or token=REGION")]
    Word,
    /// The Region is not an opt-in Region, or does not exist.
    #[error(transparent)]
    Region(#[from] RegionRefused),
}

impl FromStr for Verify {
    type Err = ParseVerifyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.strip_prefix("token=")) {
            ("none", _) => Ok(Self::None),
            ("setting", _) => Ok(Self::Setting),
            (_, Some(region)) => {
                region::check_opt_in(region)?;
                Ok(Self::Token(region.to_owned()))
            }
            (_, None) => Err(ParseVerifyError::Word),
        }
    }
}

/// What a visit does after it has read the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Send nothing: the visit is over, with this outcome.
    Done(Outcome),
    /// Send nothing, because the account has changed since the run that is undone.
    Drifted(Outcome),
    /// Set the wanted version.
    Set,
}

/// Decides what to do with the version that was read. `unknown` never counts as the wanted version.
pub const fn decide(mode: Mode, read: ObservedVersion, wanted: TokenVersion, provenance: Provenance) -> Decision {
    use Decision::{Done, Drifted, Set};
    match (provenance, read.shows(wanted)) {
        // Before it was interrupted, this run read another version, and sent a Set or was about to send it. Now the account has
        // the wanted version, so the account counts as changed by this run.
        (Provenance::Intended(_), true) => Done(Outcome::Changed),
        (Provenance::None | Provenance::Set { certain: false, .. }, true) => Done(Outcome::Unchanged),
        // There is nothing to restore. The undone run read `unknown` and set v1Token. A rollback would also set v1Token, because
        // it is AWS's default.
        (Provenance::Set { to, certain: true, .. }, true) if read.shows(to) => Done(Outcome::Unchanged),
        (Provenance::Set { certain: true, .. }, true) => Drifted(Outcome::Unchanged),
        // The account no longer has the version that the undone run set, so it has drifted and is left alone. One case is left to
        // the next arm: if it is not certain that the undone run set the account, and the summary shows no version, the wanted
        // version is set.
        (Provenance::Set { to, certain, .. }, false)
            if !read.shows(to) && (certain || !matches!(read, ObservedVersion::Unknown)) =>
        {
            Drifted(Outcome::Skipped)
        }
        (Provenance::None | Provenance::Intended(_) | Provenance::Set { .. }, false) => match mode {
            Mode::Plan => Done(Outcome::WouldChange),
            Mode::Apply => Set,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_observed_version_in_every_mode() {
        use Decision::{Done, Set};
        use Outcome::{Unchanged, WouldChange};
        let table = [
            (ObservedVersion::V1Token, TokenVersion::V1Token, Done(Unchanged), Done(Unchanged)),
            (ObservedVersion::V1Token, TokenVersion::V2Token, Done(WouldChange), Set),
            (ObservedVersion::V2Token, TokenVersion::V1Token, Done(WouldChange), Set),
            (ObservedVersion::V2Token, TokenVersion::V2Token, Done(Unchanged), Done(Unchanged)),
            (ObservedVersion::Unknown, TokenVersion::V1Token, Done(WouldChange), Set),
            (ObservedVersion::Unknown, TokenVersion::V2Token, Done(WouldChange), Set),
        ];
        assert_eq!(table.len(), ObservedVersion::ALL.len() * TokenVersion::ALL.len());
        for (read, wanted, planned, applied) in table {
            assert_eq!(decide(Mode::Plan, read, wanted, Provenance::None), planned);
            assert_eq!(decide(Mode::Apply, read, wanted, Provenance::None), applied);
        }
    }

    #[test]
    fn only_an_opt_in_region_is_accepted() {
        for text in ["none", "setting", "token=ap-east-1", "token=eu-south-1"] {
            assert_eq!(text.parse::<Verify>().map(|verify| verify.to_string()).as_deref(), Ok(text));
        }
        for (text, why) in [
            ("", "expected none"),
            ("Setting", "expected none"),
            ("token", "expected none"),
            ("token=", "no Region"),
            ("token=eu-west-1", "proves nothing"),
            ("token=ap-eats-1", "did you mean ap-east-1?"),
            ("token=cn-north-1", "partition aws-cn"),
        ] {
            let message = text.parse::<Verify>().unwrap_err().to_string();
            assert!(message.contains(why), "{text}: {message}");
        }
    }

    #[test]
    fn a_version_that_this_run_may_have_set_counts_as_changed() {
        let provenance = Provenance::Intended(ObservedVersion::V1Token);
        let apply = |read| decide(Mode::Apply, read, TokenVersion::V2Token, provenance);
        assert_eq!(ObservedVersion::ALL.map(apply), [Decision::Set, Decision::Done(Outcome::Changed), Decision::Set]);
    }

    #[test]
    fn accounts_that_drifted_are_left_alone() {
        use Decision::{Done, Drifted, Set};
        let back = |read, certain| {
            let provenance = Provenance::Set { to: TokenVersion::V2Token, certain, before: ObservedVersion::V1Token };
            decide(Mode::Apply, read, TokenVersion::V1Token, provenance)
        };
        let table = [
            (ObservedVersion::V2Token, Set, Set),
            (ObservedVersion::V1Token, Drifted(Outcome::Unchanged), Done(Outcome::Unchanged)),
            (ObservedVersion::Unknown, Drifted(Outcome::Skipped), Set),
        ];
        for (read, certain, uncertain) in table {
            assert_eq!((back(read, true), back(read, false)), (certain, uncertain), "{read}");
        }
    }
}
