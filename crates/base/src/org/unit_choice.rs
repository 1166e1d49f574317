//! An OU or a root as the user names it: by its id, or by its path of names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::organizational_unit::UnitId;
use super::unit_names::{NearMisses, UnitNames, resolve};
use super::{AccountId, ParseError};
use crate::serde_text::textual;

/// An OU or a root, as an option names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum UnitChoice {
    /// Its id.
    Id(UnitId),
    /// The names from the root down to it, such as `Root/Workloads/Prod`.
    Names(String),
}

impl UnitChoice {
    /// Returns the id.
    ///
    /// # Errors
    ///
    /// Returns an error if no OU, or more than one, has the path of names.
    pub fn resolve(&self, names: &UnitNames) -> Result<UnitId, NearMisses> {
        match self {
            Self::Id(id) => Ok(id.clone()),
            Self::Names(text) => resolve(names, text),
        }
    }
}

impl fmt::Display for UnitChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Names(names) => f.write_str(names),
        }
    }
}

textual!(UnitChoice, ParseError);

impl FromStr for UnitChoice {
    type Err = ParseError;

    /// Takes every text as a path of names, but for those that are meant as an id.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.parse() {
            Ok(id) => Ok(Self::Id(id)),
            Err(error) if is_meant_as_id(text) => Err(error),
            Err(_) => Ok(Self::Names(text.to_owned())),
        }
    }
}

/// Whether a text that is no id of an OU is not a path of names either: it is empty, an ARN, an id of something else, or an id with a
/// mistake. An OU whose name looks like this can be selected by its id.
fn is_meant_as_id(text: &str) -> bool {
    let last = text.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_ascii_lowercase();
    let begins = ["o-", "r-", "ou-", "arn:"].iter().any(|prefix| text.to_ascii_lowercase().starts_with(prefix));
    text.trim_matches(['/', ' ']).is_empty()
        || begins
        || last.parse::<UnitId>().is_ok()
        || text.parse::<AccountId>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_paths_of_names_are_told_apart() {
        for id in ["r-ab12", "ou-ab12-cdefgh34"] {
            assert_eq!(id.parse(), Ok(UnitChoice::Id(id.parse().unwrap())));
        }
        for names in ["Root", "Root/Workloads/Prod", "Production", "Root/Test and Dev/", "Root/r", "outer", "ROOT/o-x"]
        {
            let choice: UnitChoice = names.parse().unwrap();
            assert_eq!(choice, UnitChoice::Names(names.to_owned()));
            assert_eq!(choice.to_string(), names);
        }
        for (wrong, expected) in [
            ("", "expected the id of an OU"),
            (" / ", "expected the id of an OU"),
            ("ou-ab12", "expected the id of an OU"),
            ("OU-ab12 x", "expected the id of an OU"),
            ("o-abc/r-ab12/ou-ab12-cdefgh34/", "expected only the id: did you mean ou-ab12-cdefgh34?"),
            ("arn:aws:organizations::000000000100:ou/o-abc/ou-ab12-cdefgh34", "expected only the id"),
            ("Root/ou-ab12-cdefgh34", "expected only the id: did you mean ou-ab12-cdefgh34?"),
            ("OU-AB12-CDEFGH34", "expected only the id"),
            ("o-abcdefghij", "this is the id of an Organization"),
            ("000000000012", "this is the id of an account"),
        ] {
            let message = wrong.parse::<UnitChoice>().unwrap_err().to_string();
            assert!(message.starts_with(expected), "{wrong}: {message}");
        }
    }

    #[test]
    fn a_path_of_names_is_looked_up_and_an_id_is_not() {
        let mut names = UnitNames::default();
        names.insert("r-ab12".parse().unwrap(), None, "Root".to_owned());
        assert_eq!(UnitChoice::Names("Root".to_owned()).resolve(&names), Ok("r-ab12".parse().unwrap()));
        assert!(UnitChoice::Names("Rout".to_owned()).resolve(&names).is_err());
        let unheard: UnitId = "ou-ab12-cdefgh34".parse().unwrap();
        assert_eq!(UnitChoice::Id(unheard.clone()).resolve(&names), Ok(unheard));
    }
}
