//! Compares two runs, for example a plan with its apply, or last month's audit with today's. Each account gets one
//! [`Difference`].

mod groups;
mod markdown;
mod row;
mod summary;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::str::FromStr;

use serde::ser::SerializeStruct as _;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::format::{DocumentFormat, LazyList, OutputDocument, write_json, write_json_lines};
use super::merge::LoadedRun;
use super::{csv, outcome_counts};
use crate::cloud::OwnCode;
use crate::error::Error;
use crate::humanize::count;
use crate::journal::CommandName;
use crate::org::selection::SkipReason;
use crate::org::{Account, AccountId};
use crate::rollout::cause::Cause;
use crate::rollout::{AccountError, Outcome, Record};
use crate::suggest::did_you_mean;
use crate::terminal::layout::wrap_for_stdout;
use crate::text_enum::text_enum;

pub use row::COMPARISON_COLUMNS;

text_enum! {
    /// The difference of an account between two runs. The variants are in the order of their priority: if several differences
    /// apply, the first of them is reported.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Difference {
        /// Only the later run has the account: it joined the Organization.
        Appeared = "appeared",
        /// Only the earlier run has the account: it left the Organization.
        Left = "left",
        /// The account had the target version, and no longer has it.
        Drifted = "drifted",
        /// The account failed or is unverified only in the later run.
        FailureNew = "failure_new",
        /// The account failed or is unverified in both runs, but for another cause in the later run.
        FailureChanged = "failure_changed",
        /// The account lost the target version between the runs, and the later run set it again.
        SetAgain = "set_again",
        /// The account has the target version in the later run, and did not have it in the earlier run.
        RolledOut = "rolled_out",
        /// The later run is a rollback, and the account has the version that it restores, and did not have it in the earlier run.
        RolledBack = "rolled_back",
        /// The account failed or was unverified in the earlier run, and the later run visited it without an error.
        FailureGone = "failure_gone",
        /// The account has another version than before, and neither of the two is the target version.
        VersionChanged = "version_changed",
        /// Organizations reports another state of the account.
        StateChanged = "state_changed",
        /// The account has another outcome.
        OutcomeChanged = "outcome_changed",
        /// None of the above.
        Same = "same",
    }
}

/// Another name of [`Difference::Appeared`] in options, where a difference is named without its explanation.
const JOINED: &str = "joined";

impl FromStr for Difference {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let named = if text == JOINED { Self::Appeared.as_str() } else { text };
        Self::ALL.into_iter().find(|difference| difference.as_str() == named).ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str);
            let near = did_you_mean(text, known.into_iter().chain([JOINED]));
            format!("expected {JOINED}, {}{near}", known.join(", "))
        })
    }
}

impl Difference {
    /// Returns the meaning as a sentence for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Appeared => "only the later run has it: it joined the Organization",
            Self::Left => "only the earlier run has it: it left the Organization",
            Self::Drifted => "had the target version, and no longer has it",
            Self::FailureNew => "failed or is unverified, and did not before",
            Self::FailureChanged => "failed or is unverified as before, for another cause",
            Self::SetAgain => "had drifted in between, and the later run set it again",
            Self::RolledOut => "has the target version, and did not before",
            Self::RolledBack => "has the version that the rollback restores, and did not before",
            Self::FailureGone => "failed or was unverified before, and was visited without an error since",
            Self::VersionChanged => "has another version than before, and neither of the two is the target version",
            Self::StateChanged => "is in another state",
            Self::OutcomeChanged => "has another outcome",
            Self::Same => "none of these",
        }
    }

    /// Returns the phrase that follows a number in a sentence.
    const fn phrase(self) -> &'static str {
        match self {
            Self::Appeared | Self::Left | Self::Drifted | Self::Same => self.as_str(),
            Self::FailureNew => "newly failed",
            Self::FailureChanged => "failed for another cause",
            Self::SetAgain => "drifted and were set again",
            Self::RolledOut => "rolled out",
            Self::RolledBack => "rolled back",
            Self::FailureGone => "no longer failed",
            Self::VersionChanged => "on another version",
            Self::StateChanged => "in another state",
            Self::OutcomeChanged => "with another outcome",
        }
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
    /// Returns whether the account was in the Organization. A run that is based on an earlier run also has rows for accounts that
    /// left.
    fn is_there(&self) -> bool {
        let error = self.record.error.as_ref();
        self.record.outcome != Outcome::Skipped
            || error.is_none_or(|error| error.error_code.as_str() != SkipReason::LeftOrganization.code())
    }

    /// Returns whether the run skipped the account because of the plan that it applies, or of the run that it undoes. What this
    /// earlier run found in the account still holds.
    fn is_left_to_the_earlier_run(&self) -> bool {
        let code = self.record.error.as_ref().map(|error| error.error_code.as_str());
        let reasons = [SkipReason::NotInPlan, SkipReason::NotChanged];
        self.record.outcome == Outcome::Skipped && reasons.into_iter().any(|reason| code == Some(reason.code()))
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
    /// Returns the account as in the later run, or as in the earlier run if only the earlier run has it.
    pub fn account(&self) -> &'a Account {
        self.after.or(self.before).expect("a pair has an account in at least one run").account
    }
}

/// Returns the difference of an account between two runs.
///
/// `is_rollback` is whether the later run is a rollback.
fn difference(before: Option<AccountResult<'_>>, after: Option<AccountResult<'_>>, is_rollback: bool) -> Difference {
    match (before.filter(AccountResult::is_there), after.filter(AccountResult::is_there)) {
        (Some(before), Some(after)) => match between(before, after) {
            Difference::RolledOut if is_rollback => Difference::RolledBack,
            Difference::OutcomeChanged if after.is_left_to_the_earlier_run() => Difference::Same,
            other => other,
        },
        (None, Some(_)) => Difference::Appeared,
        (Some(_), None) => Difference::Left,
        (None, None) => Difference::Same,
    }
}

fn between(earlier: AccountResult<'_>, later: AccountResult<'_>) -> Difference {
    let (before, after) = (earlier.record, later.record);
    let wanted = after.target_version;
    // With `--verify none`, the last read came before the Set.
    let is_unread = |error: &AccountError| error.error_code == OwnCode::NotVerified.into();
    let read = |record: &Record| record.current_version.filter(|_| !record.error.as_deref().is_some_and(is_unread));
    let (was, found, is) = (read(before), after.previous_version, read(after));
    let had = was.is_some_and(|read| read.shows(wanted));
    let has = is.is_some_and(|read| read.shows(wanted));
    // If the earlier run did not read the version, the first version that the later run read is used instead.
    let lacked = was.or(found).is_some_and(|read| !read.shows(wanted));
    let drifted = had && found.is_some_and(|read| !read.shows(wanted));
    // `changed` and `unchanged` count as one outcome here, because both mean that the account has the target version.
    let is_on_it = |record: &Record| matches!(record.outcome, Outcome::Changed | Outcome::Unchanged);
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
    } else if failed && matches!(after.outcome, Outcome::Changed | Outcome::Unchanged | Outcome::WouldChange) {
        Difference::FailureGone
    } else if was.zip(is).is_some_and(|(was, is)| was != is) {
        Difference::VersionChanged
    } else if earlier.account.attributes.state != later.account.attributes.state {
        Difference::StateChanged
    } else if before.outcome != after.outcome && !(is_on_it(before) && is_on_it(after)) {
        Difference::OutcomeChanged
    } else {
        Difference::Same
    }
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
    pub(crate) fn of(before: &'a LoadedRun, after: &'a LoadedRun) -> Result<Self, Error> {
        let organization = |run: &'a LoadedRun| {
            run.info.organization_id.as_ref().ok_or_else(|| {
                let run = &run.info.run_id;
                Error::Mismatch(format!(
                    "run {run} is about no Organization, or about several, so that it can't be compared"
                ))
            })
        };
        let (one, other) = (organization(before)?, organization(after)?);
        if one != other {
            return Err(Error::Mismatch(format!(
                "the earlier run is about Organization {one}, and the later one about {other}: only runs in one Organization can \
                 be compared"
            )));
        }
        let mut results: BTreeMap<AccountId, [Option<AccountResult<'a>>; 2]> = BTreeMap::new();
        for (side, run) in [before, after].into_iter().enumerate() {
            for (account, record) in run.accounts.iter().zip(&run.records) {
                results.entry(account.id).or_default()[side] = Some(AccountResult { account, record });
            }
        }
        let is_rollback = after.info.command == CommandName::Rollback;
        let pair = |[before, after]: [_; 2]| {
            let difference = difference(before, after, is_rollback);
            AccountPair { before, after, difference }
        };
        Ok(Self { before, after, pairs: results.into_values().map(pair).collect() })
    }

    /// Returns the accounts that differ, sorted by id.
    pub(crate) fn changed(&self) -> impl Iterator<Item = &AccountPair<'a>> {
        self.pairs.iter().filter(|pair| pair.difference != Difference::Same)
    }

    /// Counts the accounts by difference.
    pub(crate) fn counts(&self) -> [(Difference, usize); Difference::ALL.len()] {
        Difference::ALL.map(|kind| (kind, self.pairs.iter().filter(|pair| pair.difference == kind).count()))
    }

    /// Counts the accounts that have one of the named differences: `1 drifted, 2 appeared`. Returns `None` if there are none.
    pub(crate) fn occurrences(&self, named: &[Difference]) -> Option<String> {
        let counts = self.counts().into_iter().filter(|(kind, count)| *count > 0 && named.contains(kind));
        let counts: Vec<String> = counts.map(|(kind, count)| format!("{count} {}", kind.phrase())).collect();
        (!counts.is_empty()).then(|| counts.join(", "))
    }

    /// Returns the verdict in one sentence.
    pub(crate) fn sentence(&self) -> String {
        let all = count(self.pairs.len(), "account", "accounts");
        let counts = self.counts().into_iter().filter(|(kind, count)| *count > 0 && *kind != Difference::Same);
        let counts: Vec<String> = counts.map(|(kind, count)| format!("{count} {}", kind.phrase())).collect();
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
        let rows = || self.changed().map(|pair| COMPARISON_COLUMNS.iter().map(move |(_, value)| value(pair)));
        match format {
            DocumentFormat::Table => to.write_all(wrap_for_stdout(&summary::summary(self)).as_bytes()),
            DocumentFormat::Text => csv::write_tab_separated(rows(), to),
            DocumentFormat::Csv => csv::write(COMPARISON_COLUMNS.map(|(name, _)| name), rows(), to),
            DocumentFormat::Json => write_json(self, to),
            DocumentFormat::Jsonl => write_json_lines(self.changed(), to),
            DocumentFormat::Markdown => to.write_all(markdown::text(self).as_bytes()),
            DocumentFormat::Html => Err(io::Error::new(io::ErrorKind::Unsupported, "a comparison has no HTML page")),
        }
    }

    fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("all keys are strings")
    }
}

/// The JSON document. Its texts are not sanitized; JSON itself escapes the control characters below U+0020.
impl Serialize for Comparison<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let side = |run: &LoadedRun| json!({ "run": run.info, "summary": outcome_counts(&run.records) });
        let mut document = serializer.serialize_struct("Comparison", 5)?;
        document.serialize_field("sentence", &self.sentence())?;
        document.serialize_field("summary", &BTreeMap::from(self.counts()))?;
        document.serialize_field("before", &side(self.before))?;
        document.serialize_field("after", &side(self.after))?;
        document.serialize_field("accounts", &LazyList(|| self.changed()))?;
        document.end()
    }
}

#[cfg(test)]
mod tests;
