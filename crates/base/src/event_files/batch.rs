//! What is read from a file, in parts of limited size.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

use crate::impact::event::NotUnderstood;
use crate::impact::sighting::Sighting;
use crate::org::AccountId;

/// The most sightings in one part.
pub(super) const LARGEST: usize = 1024;

/// What the events of an account are like, as far as one file tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traits {
    /// Whether there are management events of us-east-1, where the calls of the global endpoint are logged.
    pub in_home_region: bool,
    /// Whether there are events of other Regions, or other events than management events.
    pub elsewhere: bool,
    /// Whether there are events of other services than STS.
    pub not_sts: bool,
    /// Whether there are read events of us-east-1 of other services than STS.
    pub reads: bool,
    /// Whether events come from an export, whose query may leave events out.
    pub in_export: bool,
}

/// A file that can't be read, or not completely.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file.
    pub path: PathBuf,
    /// The first cause.
    pub cause: String,
    /// The account whose file it is, by its name.
    pub account: Option<AccountId>,
    /// Whether the file has to do with calls of the global endpoint. Files of other Regions have not.
    pub matters: bool,
}

/// A part of what was read.
#[derive(Debug, Default)]
pub struct Batch {
    /// The calls of operations that issue session tokens.
    pub sightings: Vec<Sighting>,
    /// The events whose meaning is not certain.
    pub not_understood: Vec<NotUnderstood>,
    /// Accounts with the times of their read events; at most one for each hour of a file.
    pub hours: HashSet<(AccountId, u64)>,
    /// What the events of each account show about its trail.
    pub traits: BTreeMap<AccountId, Traits>,
    /// Set in the last part of a damaged file.
    pub damage: Option<Damage>,
    /// The files in folders that have no events.
    pub ignored: u64,
}

impl Batch {
    /// Whether the part is large enough to be passed on.
    pub(super) fn is_full(&self) -> bool {
        self.sightings.len() + self.not_understood.len() + self.hours.len() >= LARGEST
    }
}
