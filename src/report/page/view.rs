//! This module owns what stands in the page's tables and lists, in the words and widths in which it stands there.

use super::chart::{colour, real};
use crate::org::Account;
use crate::report::causes::CauseGroup;
use crate::report::timeline::WaveLine;
use crate::report::units::Unit;
use crate::report::words::{counted, grouped, took};
use crate::rollout::{Outcome, Tally};
use crate::sanitize::for_terminal;

/// How many accounts of a cause are named. The others are a link away.
const NAMED: usize = 8;
/// How many causes of a kind are shown. Messages that differ for each account would make as many causes as accounts.
const SHOWN: usize = 100;
/// The deepest indentation: OUs are nested at most five deep.
const DEEPEST: usize = 5;

/// A part of a bar.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) outcome: Outcome,
    pub(super) x: String,
    pub(super) width: String,
    pub(super) colour: &'static str,
}

/// An outcome with its part of the big bar.
#[derive(Debug)]
pub(super) struct OutcomeLine {
    pub(super) outcome: Outcome,
    pub(super) label: String,
    pub(super) count: String,
    pub(super) share: String,
    pub(super) meaning: &'static str,
    pub(super) x: String,
    pub(super) width: String,
    pub(super) colour: &'static str,
}

/// The outcomes that occurred.
pub(super) fn outcomes(tally: &Tally) -> Vec<OutcomeLine> {
    let line = |part: Part| {
        let (outcome, count) = (part.outcome, tally.of(part.outcome));
        OutcomeLine {
            outcome,
            label: format!("{} {outcome}", grouped(count)),
            count: grouped(count),
            share: format!("{:.1}%", 100.0 * real(count) / real(tally.total())),
            meaning: outcome.meaning(),
            x: part.x,
            width: part.width,
            colour: part.colour,
        }
    };
    bar(tally, 1000.0).into_iter().map(line).collect()
}

/// The outcomes side by side. Each that occurred can be seen, be it one account of fifty thousand.
fn bar(tally: &Tally, whole: f64) -> Vec<Part> {
    let least = whole * 0.004;
    let occurred = || tally.iter().filter(|(_, count)| *count > 0);
    let share = |count: usize| (whole * real(count) / real(tally.total())).max(least);
    let drawn: f64 = occurred().map(|(_, count)| share(count)).sum();
    let mut x = 0.0;
    let part = |(outcome, count): (Outcome, usize)| {
        let width = share(count) * whole / drawn;
        let part = Part { outcome, x: format!("{x:.2}"), width: format!("{width:.2}"), colour: colour(outcome) };
        x += width;
        part
    };
    occurred().map(part).collect()
}

/// Causes under one title.
#[derive(Debug)]
pub(super) struct CauseSection {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) causes: Vec<CauseLine>,
    /// What is said of the causes that are not shown.
    pub(super) more: Option<String>,
}

/// A cause in words.
#[derive(Debug)]
pub(super) struct CauseLine {
    /// Its place in the list of all causes, which links refer to.
    pub(super) number: usize,
    pub(super) count: String,
    pub(super) outcome: Outcome,
    pub(super) stage: &'static str,
    pub(super) code: String,
    pub(super) message: String,
    pub(super) hint: String,
    /// The id and the name of the first accounts.
    pub(super) named: Vec<(String, String)>,
    /// How many accounts more there are; empty for none.
    pub(super) more: String,
}

/// The causes, under a title for each kind that there is.
pub(super) fn groups(causes: &[CauseGroup<'_>]) -> Vec<CauseSection> {
    let kinds = [
        ("failures", "Failures by cause", Kind::Error),
        ("left", "Left alone by cause", Kind::Left),
        ("skipped", "Skipped by reason", Kind::Skipped),
    ];
    let group = |(id, title, kind)| {
        let own = || causes.iter().enumerate().filter(move |(_, group)| kind_of(group.cause.outcome) == kind);
        let rest: Vec<usize> = own().skip(SHOWN).map(|(_, group)| group.accounts.len()).collect();
        let more = (!rest.is_empty()).then(|| {
            let causes = counted(rest.len(), "further cause", "further causes");
            format!("And {causes}, in {}.", counted(rest.iter().sum(), "account", "accounts"))
        });
        CauseSection { id, title, causes: own().take(SHOWN).map(|(number, group)| line(number, group)).collect(), more }
    };
    kinds.map(group).into()
}

/// What a cause is for its reader.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Error,
    Left,
    Skipped,
}

const fn kind_of(outcome: Outcome) -> Kind {
    match outcome {
        Outcome::Failed | Outcome::Unverified => Kind::Error,
        Outcome::Changed | Outcome::Unchanged | Outcome::WouldChange | Outcome::NotAttempted => Kind::Left,
        Outcome::Skipped => Kind::Skipped,
    }
}

fn line(number: usize, group: &CauseGroup<'_>) -> CauseLine {
    let name = |account: &Account| (account.id.to_string(), for_terminal(&account.name).into_owned());
    CauseLine {
        number,
        count: grouped(group.accounts.len()),
        outcome: group.cause.outcome,
        stage: group.cause.stage.as_str(),
        code: for_terminal(group.cause.error_code).into_owned(),
        message: for_terminal(&group.cause.message).into_owned(),
        hint: for_terminal(group.hint).into_owned(),
        named: group.accounts.iter().take(NAMED).map(|account| name(account)).collect(),
        more: match group.accounts.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => grouped(more),
        },
    }
}

/// An OU in words.
#[derive(Debug)]
pub(super) struct UnitLine {
    /// Its place in the list of all OUs, which links refer to.
    pub(super) number: usize,
    pub(super) depth: usize,
    pub(super) name: String,
    pub(super) path: String,
    pub(super) open: bool,
    pub(super) total: String,
    pub(super) cells: Vec<Cell>,
    pub(super) bar: Vec<Part>,
}

/// How many accounts of an OU came to one outcome.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) count: String,
    /// There are some, and they are no success.
    pub(super) hot: bool,
}

/// The OUs, with a cell for each outcome that occurred in the run.
pub(super) fn units(units: &[Unit<'_>], outcomes: &[Outcome]) -> Vec<UnitLine> {
    let line = |(number, unit): (usize, &Unit<'_>)| UnitLine {
        number,
        depth: unit.depth.min(DEEPEST),
        name: if unit.name.is_empty() { "not known".to_owned() } else { for_terminal(unit.name).into_owned() },
        path: for_terminal(unit.path).into_owned(),
        open: unit.is_open(),
        total: grouped(unit.tally.total()),
        cells: outcomes
            .iter()
            .map(|outcome| (*outcome, unit.tally.of(*outcome)))
            .map(|(outcome, count)| Cell { count: grouped(count), hot: outcome.is_error() && count > 0 })
            .collect(),
        bar: bar(&unit.tally, 100.0),
    };
    units.iter().enumerate().map(line).collect()
}

/// A wave in words.
#[derive(Debug)]
pub(super) struct WaveRow {
    pub(super) name: String,
    pub(super) visits: String,
    pub(super) errors: String,
    pub(super) throttled: String,
    pub(super) at: String,
    pub(super) lasted: String,
    pub(super) pace: String,
    pub(super) median: String,
    pub(super) longest: String,
}

impl WaveRow {
    pub(super) fn of(wave: &WaveLine) -> Self {
        Self {
            name: wave.number.map_or_else(|| "no waves".to_owned(), |number| number.to_string()),
            visits: grouped(wave.tally.total()),
            errors: grouped(wave.tally.errors()),
            throttled: grouped(usize::try_from(wave.throttled).unwrap_or(usize::MAX)),
            at: took(wave.at),
            lasted: took(wave.lasted),
            pace: format!("{:.1}", wave.per_second()),
            median: took(wave.median),
            longest: took(wave.longest),
        }
    }
}
