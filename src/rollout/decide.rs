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
    /// The setting is read back, and the sizes of tokens of the global and the regional STS endpoint are compared.
    TokenSize,
    /// The setting is read back, and a token of the global STS endpoint is used in this opt-in Region.
    TokenIn(String),
}

impl fmt::Display for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Setting => f.write_str("setting"),
            Self::TokenSize => f.write_str("token"),
            Self::TokenIn(region) => write!(f, "token={region}"),
        }
    }
}

textual!(Verify, ParseVerifyError);

/// The text is not a valid [`Verify`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseVerifyError {
    /// The text is not one of the expected words.
    #[error("expected none, setting, token, or token=REGION")]
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
            ("token", _) => Ok(Self::TokenSize),
            (_, Some(region)) => {
                region::check_opt_in(region)?;
                Ok(Self::TokenIn(region.to_owned()))
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
    Drifted,
    /// Send nothing, because the account no longer shows its version, so it is not known whether the undone run's change is still there.
    /// The rollback is answerable for the account, so this is a failure.
    NotShown,
    /// Set the wanted version.
    Set,
}

/// Decides what to do with the version that was read. `unknown` never counts as the wanted version.
pub const fn decide(mode: Mode, read: ObservedVersion, wanted: TokenVersion, provenance: Provenance) -> Decision {
    use Decision::{Done, Drifted, NotShown, Set};
    match (provenance, read.shows(wanted)) {
        // Before it was interrupted, this run read another version, and sent a Set or was about to send it. Now the account has
        // the wanted version, so the account counts as changed by this run.
        (Provenance::Intended(_), true) => Done(Outcome::Changed),
        // After an earlier rollback, every account is back already.
        (Provenance::None | Provenance::Set { .. }, true) => Done(Outcome::Unchanged),
        // If it is not certain that the undone run set the account, and the summary shows no version, the wanted version is set.
        (Provenance::Set { certain: true, .. }, false) if matches!(read, ObservedVersion::Unknown) => NotShown,
        (Provenance::Set { to, .. }, false) if !read.shows(to) && !matches!(read, ObservedVersion::Unknown) => Drifted,
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
        for text in ["none", "setting", "token", "token=ap-east-1", "token=eu-south-1"] {
            assert_eq!(text.parse::<Verify>().map(|verify| verify.to_string()).as_deref(), Ok(text));
        }
        for (text, why) in [
            ("", "expected none"),
            ("Setting", "expected none"),
            ("tokens", "expected none"),
            ("Token", "expected none"),
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
    fn a_rollback_sets_only_what_the_undone_run_left() {
        use Decision::{Done, Drifted, NotShown, Set};
        use ObservedVersion::{Unknown, V1Token, V2Token};
        let (v1, v2) = (TokenVersion::V1Token, TokenVersion::V2Token);
        let already = Done(Outcome::Unchanged);
        // What the undone run read and set, what is read now, and the decision if its Set is certain and if it is not.
        let table = [
            (V1Token, v2, V2Token, Set, Set),
            (V1Token, v2, V1Token, already, already),
            (V1Token, v2, Unknown, NotShown, Set),
            (V2Token, v1, V1Token, Set, Set),
            (V2Token, v1, V2Token, already, already),
            (V2Token, v1, Unknown, NotShown, Set),
            (Unknown, v2, V2Token, Set, Set),
            (Unknown, v2, V1Token, already, already),
            (Unknown, v2, Unknown, NotShown, Set),
            // Both the default and what the run set are v1Token, so nothing is to be restored.
            (Unknown, v1, V1Token, already, already),
            (Unknown, v1, V2Token, Drifted, Drifted),
            (Unknown, v1, Unknown, NotShown, Set),
        ];
        for (before, to, read, certain, uncertain) in table {
            let wanted = if before == V2Token { v2 } else { v1 };
            let back = |certain| {
                let provenance = Provenance::Set { to, certain, before };
                let planned = decide(Mode::Plan, read, wanted, provenance);
                let applied = decide(Mode::Apply, read, wanted, provenance);
                assert_eq!(planned, if applied == Set { Done(Outcome::WouldChange) } else { applied });
                applied
            };
            assert_eq!((back(true), back(false)), (certain, uncertain), "{before}, then {to}, now {read}");
        }
    }
}
