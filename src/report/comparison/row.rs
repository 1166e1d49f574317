//! This module owns the row of a comparison: its columns, their order, and their values.

use super::{Pair, Sighting};
use crate::org::ObservedVersion;
use crate::report::row::Cell;

/// A column: its name, and how its value is found.
pub(super) type ComparisonColumn = (&'static str, for<'a> fn(&Pair<'a>) -> Cell<'a>);

/// The columns in their order. The order is a promise: new ones are added at the end.
pub const COMPARISON_COLUMNS: [ComparisonColumn; 18] = [
    ("account_id", |pair| Cell::Text(pair.account().id.to_string().into())),
    ("account_name", |pair| Cell::text(&pair.account().name)),
    ("ou_path", |pair| Cell::text(&pair.account().ou_path)),
    ("difference", |pair| Cell::text(pair.difference.as_str())),
    ("before_outcome", |pair| outcome(pair.before)),
    ("after_outcome", |pair| outcome(pair.after)),
    ("before_version", |pair| version(pair.before.and_then(|sighting| sighting.record.current_version))),
    ("found_version", |pair| version(pair.after.and_then(|sighting| sighting.record.previous_version))),
    ("after_version", |pair| version(pair.after.and_then(|sighting| sighting.record.current_version))),
    ("before_state", |pair| state(pair.before)),
    ("after_state", |pair| state(pair.after)),
    ("before_stage", |pair| stage(pair.before)),
    ("before_error_code", |pair| code(pair.before)),
    ("before_error_message", |pair| message(pair.before)),
    ("after_stage", |pair| stage(pair.after)),
    ("after_error_code", |pair| code(pair.after)),
    ("after_error_message", |pair| message(pair.after)),
    ("hint", |pair| {
        let record = pair.after.map(|sighting| sighting.record);
        record
            .map_or(Cell::Nothing, |record| Cell::text(record.error.as_ref().map_or(&record.note, |error| &error.hint)))
    }),
];

/// The values of all columns, in order.
pub(super) fn cells<'a>(pair: &Pair<'a>) -> impl Iterator<Item = Cell<'a>> {
    COMPARISON_COLUMNS.map(|(_, cell)| cell(pair)).into_iter()
}

fn outcome(sighting: Option<Sighting<'_>>) -> Cell<'_> {
    sighting.map_or(Cell::Nothing, |sighting| Cell::text(sighting.record.outcome.as_str()))
}

fn version<'a>(read: Option<ObservedVersion>) -> Cell<'a> {
    read.map_or(Cell::Nothing, |read| Cell::Text(read.as_str().into()))
}

fn state(sighting: Option<Sighting<'_>>) -> Cell<'_> {
    sighting.map_or(Cell::Nothing, |sighting| Cell::text(sighting.account.state.as_str()))
}

fn stage(sighting: Option<Sighting<'_>>) -> Cell<'_> {
    error(sighting).map_or(Cell::Nothing, |error| Cell::text(error.stage.as_str()))
}

fn code(sighting: Option<Sighting<'_>>) -> Cell<'_> {
    error(sighting).map_or(Cell::Nothing, |error| Cell::text(&error.error_code))
}

fn message(sighting: Option<Sighting<'_>>) -> Cell<'_> {
    error(sighting).map_or(Cell::Nothing, |error| Cell::text(&error.error_message))
}

fn error(sighting: Option<Sighting<'_>>) -> Option<&crate::rollout::AccountError> {
    sighting.and_then(|sighting| sighting.record.error.as_ref())
}
