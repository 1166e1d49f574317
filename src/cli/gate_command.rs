//! The command of `--gate`. It can contain a secret, such as an API key in a header, so it is never printed and never stored.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// The command of `--gate`. It has no `Debug` and no `Display`.
#[derive(Clone)]
pub struct GateCommand(String);

impl GateCommand {
    /// Returns the command, for the shell that runs it.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to run.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }

    /// Returns the hash that `run.json` keeps, by which a resume recognises the command.
    pub(crate) fn hash(&self) -> String {
        Sha256::digest(&self.0).iter().fold("sha256:".to_owned(), |mut hash, byte| {
            write!(hash, "{byte:02x}").expect("writing to a String never fails");
            hash
        })
    }
}

impl FromStr for GateCommand {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_names_the_command() {
        let hash = |text: &str| text.parse::<GateCommand>().unwrap().hash();
        // echo -n true | sha256sum
        assert_eq!(hash("true"), "sha256:b5bea41b6c623f7c09f1bf24dcae58ebab3c0cdd90ad966bc43a45b44867e12b");
        assert_ne!(hash("true"), hash("true "));
    }
}
