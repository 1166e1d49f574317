//! This module owns what has changed between two runs: the plan beside its apply, last month's audit beside today's. It compares
//! what the two know of each account, and sums that up in one word.

mod groups;
mod json;
mod markdown;
mod row;
mod summary;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

use super::csv;
use super::format::{DocumentFormat, OutputDocument, write_json, write_json_lines};
use super::merge::LoadedRun;
use super::words::counted;
use crate::journal::RunId;
use crate::org::{Account, AccountId};
use crate::rollout::cause::Cause;
use crate::rollout::{Outcome, Record};
use crate::terminal::layout::wrap_for_stdout;

pub use row::COMPARISON_COLUMNS;

/// The one word that sums up how an account differs between two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Difference {
    /// Only the later run knows it: it joined the Organization.
    Appeared,
    /// Only the earlier run knows it: it left the Organization.
    Left,
    /// It was on the wanted version, and no longer shows it.
    Drifted,
    /// It failed or is unverified, and did not before.
    FailureNew,
    /// It failed or is unverified as before, for another cause.
    FailureChanged,
    /// It had drifted in between, and the later run set it again.
    SetAgain,
    /// It is on the wanted version, and was not before.
    RolledOut,
    /// It failed or was unverified before, and was visited without trouble since.
    FailureGone,
    /// It shows another version, and neither is the wanted one.
    VersionChanged,
    /// Organizations has it in another state.
    StateChanged,
    /// It came to another outcome.
    OutcomeChanged,
    /// Nothing of this.
    Same,
}

impl Difference {
    /// Every difference. If several fit an account, the first of them is its word, so what needs a look comes early.
    pub const ALL: [Self; 12] = [
        Self::Appeared,
        Self::Left,
        Self::Drifted,
        Self::FailureNew,
        Self::FailureChanged,
        Self::SetAgain,
        Self::RolledOut,
        Self::FailureGone,
        Self::VersionChanged,
        Self::StateChanged,
        Self::OutcomeChanged,
        Self::Same,
    ];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Appeared => "appeared",
            Self::Left => "left",
            Self::Drifted => "drifted",
            Self::FailureNew => "failure_new",
            Self::FailureChanged => "failure_changed",
            Self::SetAgain => "set_again",
            Self::RolledOut => "rolled_out",
            Self::FailureGone => "failure_gone",
            Self::VersionChanged => "version_changed",
            Self::StateChanged => "state_changed",
            Self::OutcomeChanged => "outcome_changed",
            Self::Same => "same",
        }
    }

    /// What the word means, in one sentence for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Appeared => "only the later run knows it: it joined the Organization",
            Self::Left => "only the earlier run knows it: it left the Organization",
            Self::Drifted => "was on the wanted version, and no longer shows it",
            Self::FailureNew => "failed or is unverified, and did not before",
            Self::FailureChanged => "failed or is unverified as before, for another cause",
            Self::SetAgain => "had drifted in between, and the later run set it again",
            Self::RolledOut => "is on the wanted version, and was not before",
            Self::FailureGone => "failed or was unverified before, and was visited without trouble since",
            Self::VersionChanged => "shows another version, and neither is the wanted one",
            Self::StateChanged => "is in another state",
            Self::OutcomeChanged => "came to another outcome",
            Self::Same => "nothing of this",
        }
    }

    /// The same as part of a sentence, behind a number.
    const fn in_sentence(self) -> &'static str {
        match self {
            Self::Appeared => "appeared",
            Self::Left => "left",
            Self::Drifted => "drifted",
            Self::FailureNew => "failed newly",
            Self::FailureChanged => "failed for another cause",
            Self::SetAgain => "drifted and were set again",
            Self::RolledOut => "rolled out",
            Self::FailureGone => "no longer failed",
            Self::VersionChanged => "on another version",
            Self::StateChanged => "in another state",
            Self::OutcomeChanged => "with another outcome",
            Self::Same => "the same",
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a run knows of an account.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// The account.
    pub account: &'a Account,
    /// What happened to it.
    pub record: &'a Record,
}

impl Sighting<'_> {
    /// A run that is based on an earlier one has a row for accounts that have left since.
    fn has_left(self) -> bool {
        let error = self.record.error.as_ref();
        self.record.outcome == Outcome::Skipped && error.is_some_and(|error| error.error_code == "LeftOrganization")
    }
}

/// An account in two runs.
#[derive(Clone, Copy, Debug)]
pub struct Pair<'a> {
    /// What the earlier run knows of it.
    pub before: Option<Sighting<'a>>,
    /// What the later run knows of it.
    pub after: Option<Sighting<'a>>,
    /// How these differ.
    pub difference: Difference,
}

impl<'a> Pair<'a> {
    fn new(before: Option<Sighting<'a>>, after: Option<Sighting<'a>>) -> Self {
        Self { before, after, difference: difference(before, after) }
    }

    /// The account, as the later run knows it if it does.
    ///
    /// # Panics
    ///
    /// Never: an account is here because a run knows it.
    pub fn account(&self) -> &'a Account {
        self.after.or(self.before).expect("one of the runs knows it").account
    }
}

/// How an account differs between two runs.
fn difference(before: Option<Sighting<'_>>, after: Option<Sighting<'_>>) -> Difference {
    let there = |sighting: Option<Sighting<'_>>| sighting.is_some_and(|sighting| !sighting.has_left());
    match (before, after) {
        (Some(before), Some(after)) if there(Some(before)) && there(Some(after)) => between(before, after),
        _ if there(after) => Difference::Appeared,
        _ if there(before) => Difference::Left,
        _ => Difference::Same,
    }
}

fn between(earlier: Sighting<'_>, later: Sighting<'_>) -> Difference {
    let (before, after) = (earlier.record, later.record);
    let wanted = after.target_version;
    let (was, found, is) = (before.current_version, after.previous_version, after.current_version);
    let had = was.is_some_and(|read| read.shows(wanted));
    let has = is.is_some_and(|read| read.shows(wanted));
    // What the earlier run did not read, the later one may have found before it set anything.
    let lacked = was.or(found).is_some_and(|read| !read.shows(wanted));
    let drifted = had && found.is_some_and(|read| !read.shows(wanted));
    let (failed, fails) = (before.outcome.is_error(), after.outcome.is_error());
    if had && is.is_some() && !has {
        Difference::Drifted
    } else if fails && !failed {
        Difference::FailureNew
    } else if fails && Cause::of(before) != Cause::of(after) {
        Difference::FailureChanged
    } else if drifted && has {
        Difference::SetAgain
    } else if lacked && has {
        Difference::RolledOut
    } else if failed && is_settled(after.outcome) {
        Difference::FailureGone
    } else if was.zip(is).is_some_and(|(was, is)| was != is) {
        Difference::VersionChanged
    } else if earlier.account.state != later.account.state {
        Difference::StateChanged
    } else if !is_alike(before.outcome, after.outcome) {
        Difference::OutcomeChanged
    } else {
        Difference::Same
    }
}

/// Whether an account with this outcome was visited, and nothing went wrong.
const fn is_settled(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Changed | Outcome::Unchanged | Outcome::WouldChange => true,
        Outcome::Unverified | Outcome::Failed | Outcome::Skipped | Outcome::NotAttempted => false,
    }
}

/// Whether two outcomes say the same of an account. One that was set by the earlier run needs no set in the later one.
fn is_alike(before: Outcome, after: Outcome) -> bool {
    let on_it = |outcome| matches!(outcome, Outcome::Changed | Outcome::Unchanged);
    before == after || (on_it(before) && on_it(after))
}

/// Why two runs can't be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Incomparable {
    /// They are about different Organizations.
    Organizations {
        /// That of the earlier run.
        before: String,
        /// That of the later run.
        after: String,
    },
    /// One of them is about no Organization, or about several.
    NoOrganization {
        /// The run.
        run: RunId,
    },
}

/// What has changed between two runs.
#[derive(Clone, Debug)]
pub(crate) struct Comparison<'a> {
    /// The earlier run.
    pub before: &'a LoadedRun,
    /// The later run.
    pub after: &'a LoadedRun,
    /// All accounts that one of them knows, by id.
    pub pairs: Vec<Pair<'a>>,
}

impl<'a> Comparison<'a> {
    /// Compares two runs.
    ///
    /// # Errors
    ///
    /// When they are not about the same Organization.
    pub(crate) fn of(before: &'a LoadedRun, after: &'a LoadedRun) -> Result<Self, Incomparable> {
        let organization = |part: &LoadedRun| {
            let run = || part.info.run_id.clone();
            part.info.organization_id.clone().ok_or_else(|| Incomparable::NoOrganization { run: run() })
        };
        let (one, other) = (organization(before)?, organization(after)?);
        if one != other {
            return Err(Incomparable::Organizations { before: one, after: other });
        }
        let mut known: BTreeMap<AccountId, (Option<Sighting<'a>>, Option<Sighting<'a>>)> = BTreeMap::new();
        for sighting in sightings(before) {
            known.entry(sighting.account.id).or_default().0 = Some(sighting);
        }
        for sighting in sightings(after) {
            known.entry(sighting.account.id).or_default().1 = Some(sighting);
        }
        let pairs = known.into_values().map(|(before, after)| Pair::new(before, after)).collect();
        Ok(Self { before, after, pairs })
    }

    /// The accounts that differ, by id.
    pub(crate) fn changed(&self) -> impl Iterator<Item = &Pair<'a>> {
        self.pairs.iter().filter(|pair| pair.difference != Difference::Same)
    }

    /// How many accounts differ in which way, every way included.
    pub(crate) fn counts(&self) -> [(Difference, usize); Difference::ALL.len()] {
        Difference::ALL.map(|kind| (kind, self.pairs.iter().filter(|pair| pair.difference == kind).count()))
    }

    /// The verdict in one sentence.
    pub(crate) fn sentence(&self) -> String {
        let all = counted(self.pairs.len(), "account", "accounts");
        let told = self.counts().into_iter().filter(|(kind, count)| *count > 0 && *kind != Difference::Same);
        let told: Vec<String> = told.map(|(kind, count)| format!("{count} {}", kind.in_sentence())).collect();
        let differ = self.changed().count();
        let mut sentence = if told.is_empty() {
            format!("nothing has changed in {all}")
        } else {
            format!("{differ} of {all} {}: {}", if differ == 1 { "differs" } else { "differ" }, told.join(", "))
        };
        for part in [self.before, self.after] {
            if part.exit_code.is_none() {
                sentence.push_str(&format!("; run {} has not ended", part.info.run_id));
            }
        }
        sentence
    }
}

impl OutputDocument for Comparison<'_> {
    fn write(&self, format: DocumentFormat, to: &mut dyn Write) -> io::Result<()> {
        let rows = || self.changed().map(row::cells);
        match format {
            DocumentFormat::Table => to.write_all(wrap_for_stdout(&summary::summary(self)).as_bytes()),
            DocumentFormat::Text => csv::write_tab_separated(rows(), to),
            DocumentFormat::Csv => csv::write(COMPARISON_COLUMNS.map(|(name, _)| name), rows(), to),
            DocumentFormat::Json => write_json(&json::Document::of(self), to),
            DocumentFormat::Jsonl => write_json_lines(self.changed().map(json::Row), to),
            DocumentFormat::Markdown => to.write_all(markdown::text(self).as_bytes()),
            DocumentFormat::Html => Err(io::Error::new(io::ErrorKind::Unsupported, "a comparison has no HTML page")),
        }
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(json::Document::of(self)).expect("all keys are strings")
    }
}

fn sightings(part: &LoadedRun) -> impl Iterator<Item = Sighting<'_>> {
    part.accounts.iter().zip(&part.records).map(|(account, record)| Sighting { account, record })
}

#[cfg(test)]
mod tests;
