//! The bars, the sections and the texts that the page's template shows.

use super::chart::{colour, to_f64};
use crate::humanize::{count, thousands};
use crate::report::causes::CauseGroup;
use crate::rollout::{Outcome, Tally};

/// The number of accounts that are named for each cause. A link leads to all accounts of the cause.
pub(super) const NAMED: usize = 8;
/// The number of causes that are shown in a section. Without this limit, a section would be too long if the message of each
/// account were a cause of its own.
const SHOWN: usize = 100;

/// The accounts of one outcome in a bar.
#[derive(Debug)]
pub(super) struct BarSegment {
    pub(super) outcome: Outcome,
    pub(super) accounts: usize,
    pub(super) x: f64,
    pub(super) width: f64,
    pub(super) colour: &'static str,
}

impl BarSegment {
    pub(super) fn label(&self) -> String {
        format!("{} {}", thousands(self.accounts), self.outcome)
    }
}

/// Returns a bar with a segment for each outcome that occurred. Each segment is wide enough to be seen, even for one account of
/// fifty thousand.
pub(super) fn bar(tally: &Tally, width: f64) -> Vec<BarSegment> {
    let share = |accounts: usize| (width * to_f64(accounts) / to_f64(tally.total())).max(width * 0.004);
    let occurred = || tally.iter().filter(|(_, accounts)| *accounts > 0);
    let total: f64 = occurred().map(|(_, accounts)| share(accounts)).sum();
    let mut x = 0.0;
    let segment = |(outcome, accounts): (Outcome, usize)| {
        let width = share(accounts) * width / total;
        let start = x;
        x += width;
        BarSegment { outcome, accounts, x: start, width, colour: colour(outcome) }
    };
    occurred().map(segment).collect()
}

/// Formats the share of accounts as a percentage.
pub(super) fn percent(accounts: usize, all: usize) -> String {
    format!("{:.1}%", 100.0 * to_f64(accounts) / to_f64(all))
}

/// A section that lists causes.
#[derive(Debug)]
pub(super) struct CauseSection<'a> {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// The causes that are shown, each with its index among all causes, which links refer to.
    pub(super) groups: Vec<(usize, &'a CauseGroup<'a>)>,
    /// A sentence about the causes that are not shown; `None` if all causes are shown.
    pub(super) more: Option<String>,
}

/// Divides the causes into sections, which can be empty.
pub(super) fn sections<'a>(groups: &'a [CauseGroup<'a>]) -> [CauseSection<'a>; 3] {
    let section = |id, title, belongs: fn(Outcome) -> bool| {
        let mut shown: Vec<_> = groups.iter().enumerate().filter(|(_, group)| belongs(group.cause.outcome)).collect();
        let hidden = shown.split_off(SHOWN.min(shown.len()));
        let more = (!hidden.is_empty()).then(|| {
            let accounts: usize = hidden.iter().map(|(_, group)| group.accounts.len()).sum();
            let causes = count(hidden.len(), "further cause", "further causes");
            format!("And {causes}, in {}.", count(accounts, "account", "accounts"))
        });
        CauseSection { id, title, groups: shown, more }
    };
    [
        section("failures", "Failures by cause", Outcome::is_error),
        section("left", "Not attempted, by cause", |outcome| !outcome.is_error() && outcome != Outcome::Skipped),
        section("skipped", "Skipped by reason", |outcome| outcome == Outcome::Skipped),
    ]
}
