//! The id of a run.

use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::timestamp::rfc3339;

/// The id of a run: its start time and a few random characters. It fits into a role session name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// Creates an id.
    pub fn new(now: SystemTime) -> Self {
        let time: String = rfc3339(now).chars().take(19).filter(|character| !"-:".contains(*character)).collect();
        let random: String = std::iter::repeat_with(fastrand::lowercase).take(6).collect();
        Self(format!("{time}Z-{random}"))
    }

    /// Joins the ids of several runs that are reported together.
    pub fn of_several(ids: &[&Self]) -> Self {
        Self(ids.iter().map(|id| id.0.as_str()).collect::<Vec<_>>().join("+"))
    }

    /// Returns the id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_fits_into_a_session_name() {
        let id = RunId::new(std::time::UNIX_EPOCH + std::time::Duration::from_mins(29_922_015));
        assert!(id.as_str().starts_with("20261122T"), "{id}");
        let name = format!("v2token-{id}");
        assert!(name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{name}");
    }
}
