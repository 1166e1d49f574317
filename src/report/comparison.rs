//! Compares two runs, for example a plan with its apply, or last month's audit with today's. Each account gets one [`Difference`].

mod groups;
mod json;
mod markdown;
mod row;
mod summary;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use serde_json::Value;

use super::csv;
use super::format::{DocumentFormat, OutputDocument, write_json, write_json_lines};
use super::humanize::count;
use super::merge::LoadedRun;
use crate::journal::RunId;
use crate::org::selection::SkipReason;
use crate::org::{Account, AccountId};
use crate::rollout::cause::Cause;
use crate::rollout::{Outcome, Record};
use crate::terminal::layout::wrap_for_stdout;

pub use row::COMPARISON_COLUMNS;

/// The difference of an account between two runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Difference {
    /// Only the later run has the account: it joined the Organization.
    Appeared,
    /// Only the earlier run has the account: it left the Organization.
    Left,
    /// The account had the target version, and no longer has it.
    Drifted,
    /// The account failed or is unverified, and did not before.
    FailureNew,
    /// The account failed or is unverified as before, for another cause.
    FailureChanged,
    /// The account had drifted in between, and the later run set it again.
    SetAgain,
    /// The account has the target version, and did not before.
    RolledOut,
    /// The account failed or was unverified before, and was visited without an error since.
    FailureGone,
    /// The account has another version, and neither is the target version.
    VersionChanged,
    /// Organizations reports another state of the account.
    StateChanged,
    /// The account has another outcome.
    OutcomeChanged,
    /// None of the above.
    Same,
}

impl Difference {
    /// Every difference, by priority: if several apply to an account, the first of them is reported.
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

    /// Returns the name in reports, the meaning as a sentence, and the phrase that follows a number in a sentence.
    const fn texts(self) -> [&'static str; 3] {
        match self {
            Self::Appeared => ["appeared", "only the later run has it: it joined the Organization", "appeared"],
            Self::Left => ["left", "only the earlier run has it: it left the Organization", "left"],
            Self::Drifted => ["drifted", "had the target version, and no longer has it", "drifted"],
            Self::FailureNew => ["failure_new", "failed or is unverified, and did not before", "newly failed"],
            Self::FailureChanged => {
                ["failure_changed", "failed or is unverified as before, for another cause", "failed for another cause"]
            }
            Self::SetAgain => {
                ["set_again", "had drifted in between, and the later run set it again", "drifted and were set again"]
            }
            Self::RolledOut => ["rolled_out", "has the target version, and did not before", "rolled out"],
            Self::FailureGone => [
                "failure_gone",
                "failed or was unverified before, and was visited without an error since",
                "no longer failed",
            ],
            Self::VersionChanged => {
                ["version_changed", "has another version, and neither is the target version", "on another version"]
            }
            Self::StateChanged => ["state_changed", "is in another state", "in another state"],
            Self::OutcomeChanged => ["outcome_changed", "has another outcome", "with another outcome"],
            Self::Same => ["same", "none of these", "the same"],
        }
    }

    /// Returns the name in reports.
    pub const fn as_str(self) -> &'static str {
        self.texts()[0]
    }

    /// Returns the meaning as a sentence for people.
    pub const fn meaning(self) -> &'static str {
        self.texts()[1]
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The result of an account in one run.
#[derive(Clone, Copy, Debug)]
pub struct AccountResult<'a> {
    /// The account.
    pub account: &'a Account,
    /// The record of the account.
    pub record: &'a Record,
}

impl AccountResult<'_> {
    /// Returns whether the account had left the Organization. A run that is based on an earlier run has rows for such accounts.
    fn has_left(self) -> bool {
        let error = self.record.error.as_ref();
        self.record.outcome == Outcome::Skipped
            && error.is_some_and(|error| error.error_code.as_str() == SkipReason::LeftOrganization.code())
    }
}

/// An account in two runs.
#[derive(Clone, Copy, Debug)]
pub struct AccountPair<'a> {
    /// The result in the earlier run.
    pub before: Option<AccountResult<'a>>,
    /// The result in the later run.
    pub after: Option<AccountResult<'a>>,
    /// The difference.
    pub difference: Difference,
}

impl<'a> AccountPair<'a> {
    fn new(before: Option<AccountResult<'a>>, after: Option<AccountResult<'a>>) -> Self {
        Self { before, after, difference: difference(before, after) }
    }

    /// Returns the account as in the later run, or as in the earlier run if only that has it.
    pub fn account(&self) -> &'a Account {
        self.after.or(self.before).expect("a pair has an account in at least one run").account
    }
}

/// Returns the difference of an account between two runs.
fn difference(before: Option<AccountResult<'_>>, after: Option<AccountResult<'_>>) -> Difference {
    let there = |result: Option<AccountResult<'_>>| result.is_some_and(|result| !result.has_left());
    match (before, after) {
        (Some(before), Some(after)) if there(Some(before)) && there(Some(after)) => between(before, after),
        _ if there(after) => Difference::Appeared,
        _ if there(before) => Difference::Left,
        _ => Difference::Same,
    }
}

fn between(earlier: AccountResult<'_>, later: AccountResult<'_>) -> Difference {
    let (before, after) = (earlier.record, later.record);
    let wanted = after.target_version;
    let (was, found, is) = (before.current_version, after.previous_version, after.current_version);
    let had = was.is_some_and(|read| read.shows(wanted));
    let has = is.is_some_and(|read| read.shows(wanted));
    // If the earlier run did not read the version, the later run may have read it before it set another.
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

/// Returns whether an account with this outcome was visited without an error.
const fn is_settled(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Changed | Outcome::Unchanged | Outcome::WouldChange => true,
        Outcome::Unverified | Outcome::Failed | Outcome::Skipped | Outcome::NotAttempted => false,
    }
}

/// Returns whether two outcomes mean the same: an account that the earlier run changed is unchanged in the later run.
fn is_alike(before: Outcome, after: Outcome) -> bool {
    let on_it = |outcome| matches!(outcome, Outcome::Changed | Outcome::Unchanged);
    before == after || (on_it(before) && on_it(after))
}

/// The reason why two runs can't be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Incomparable {
    /// The runs are in different Organizations.
    Organizations {
        /// The Organization of the earlier run.
        before: String,
        /// The Organization of the later run.
        after: String,
    },
    /// A run has no Organization, or it is merged from runs in several Organizations.
    NoOrganization {
        /// The run.
        run: RunId,
    },
}

/// The comparison of two runs.
#[derive(Clone, Debug)]
pub(crate) struct Comparison<'a> {
    /// The earlier run.
    pub before: &'a LoadedRun,
    /// The later run.
    pub after: &'a LoadedRun,
    /// The accounts of both runs, sorted by id.
    pub pairs: Vec<AccountPair<'a>>,
}

impl<'a> Comparison<'a> {
    /// Compares two runs in the same Organization.
    pub(crate) fn of(before: &'a LoadedRun, after: &'a LoadedRun) -> Result<Self, Incomparable> {
        let organization = |run: &LoadedRun| {
            let run_id = || run.info.run_id.clone();
            run.info.organization_id.clone().ok_or_else(|| Incomparable::NoOrganization { run: run_id() })
        };
        let (one, other) = (organization(before)?, organization(after)?);
        if one != other {
            return Err(Incomparable::Organizations { before: one, after: other });
        }
        let mut pairs: BTreeMap<AccountId, (Option<AccountResult<'a>>, Option<AccountResult<'a>>)> = BTreeMap::new();
        for result in results(before) {
            pairs.entry(result.account.id).or_default().0 = Some(result);
        }
        for result in results(after) {
            pairs.entry(result.account.id).or_default().1 = Some(result);
        }
        let pairs = pairs.into_values().map(|(before, after)| AccountPair::new(before, after)).collect();
        Ok(Self { before, after, pairs })
    }

    /// Returns the accounts that differ, sorted by id.
    pub(crate) fn changed(&self) -> impl Iterator<Item = &AccountPair<'a>> {
        self.pairs.iter().filter(|pair| pair.difference != Difference::Same)
    }

    /// Counts the accounts by difference.
    pub(crate) fn counts(&self) -> [(Difference, usize); Difference::ALL.len()] {
        Difference::ALL.map(|kind| (kind, self.pairs.iter().filter(|pair| pair.difference == kind).count()))
    }

    /// Returns the verdict in one sentence.
    pub(crate) fn sentence(&self) -> String {
        let all = count(self.pairs.len(), "account", "accounts");
        let counts = self.counts().into_iter().filter(|(kind, count)| *count > 0 && *kind != Difference::Same);
        let counts: Vec<String> = counts.map(|(kind, count)| format!("{count} {}", kind.texts()[2])).collect();
        let differ = self.changed().count();
        let mut sentence = if counts.is_empty() {
            format!("nothing has changed in {all}")
        } else {
            format!("{differ} of {all} {}: {}", if differ == 1 { "differs" } else { "differ" }, counts.join(", "))
        };
        for run in [self.before, self.after] {
            if run.exit_code.is_none() {
                sentence.push_str(&format!("; run {} has not ended", run.info.run_id));
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
            DocumentFormat::Json => write_json(&json::JsonComparison::of(self), to),
            DocumentFormat::Jsonl => write_json_lines(self.changed().map(json::ComparisonRow), to),
            DocumentFormat::Markdown => to.write_all(markdown::text(self).as_bytes()),
            DocumentFormat::Html => Err(io::Error::new(io::ErrorKind::Unsupported, "a comparison has no HTML page")),
        }
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(json::JsonComparison::of(self)).expect("all keys are strings")
    }
}

fn results(run: &LoadedRun) -> impl Iterator<Item = AccountResult<'_>> {
    run.accounts.iter().zip(&run.records).map(|(account, record)| AccountResult { account, record })
}

#[cfg(test)]
mod tests;
