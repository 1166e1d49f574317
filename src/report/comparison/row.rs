//! The columns of a comparison, their order, and their values.

use serde::{Serialize, Serializer};

use super::{AccountPair, AccountResult};
use crate::report::row::{Cell, ou_names};

/// A column: its name, and the function that returns its value.
type ComparisonColumn = (&'static str, for<'a> fn(&AccountPair<'a>) -> Cell<'a>);

/// The columns in order. The order is a promise: new columns are added at the end.
pub const COMPARISON_COLUMNS: [ComparisonColumn; 19] = [
    ("account_id", |pair| Cell::Text(pair.account().id.to_string().into())),
    ("account_name", |pair| Cell::text(&pair.account().name)),
    ("ou_path", |pair| Cell::text(&pair.account().attributes.ou_path)),
    ("difference", |pair| Cell::text(pair.difference.as_str())),
    ("before_outcome", |pair| cell(pair.before, |before| Some(before.record.outcome.as_str()))),
    ("after_outcome", |pair| cell(pair.after, |after| Some(after.record.outcome.as_str()))),
    ("before_version", |pair| cell(pair.before, |before| Some(before.record.current_version?.as_str()))),
    ("found_version", |pair| cell(pair.after, |after| Some(after.record.previous_version?.as_str()))),
    ("after_version", |pair| cell(pair.after, |after| Some(after.record.current_version?.as_str()))),
    ("before_state", |pair| cell(pair.before, |before| Some(before.account.attributes.state.as_str()))),
    ("after_state", |pair| cell(pair.after, |after| Some(after.account.attributes.state.as_str()))),
    ("before_stage", |pair| cell(pair.before, |before| Some(before.record.error.as_ref()?.stage.as_str()))),
    ("before_error_code", |pair| cell(pair.before, |before| Some(before.record.error.as_ref()?.error_code.as_str()))),
    ("before_error_message", |pair| cell(pair.before, |before| Some(&before.record.error.as_ref()?.error_message))),
    ("after_stage", |pair| cell(pair.after, |after| Some(after.record.error.as_ref()?.stage.as_str()))),
    ("after_error_code", |pair| cell(pair.after, |after| Some(after.record.error.as_ref()?.error_code.as_str()))),
    ("after_error_message", |pair| cell(pair.after, |after| Some(&after.record.error.as_ref()?.error_message))),
    ("hint", |pair| {
        cell(pair.after, |after| Some(after.record.error.as_ref().map_or(&after.record.note, |error| &error.hint)))
    }),
    ("ou_names", |pair| ou_names(&pair.account().attributes.ou_names)),
];

impl Serialize for AccountPair<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(COMPARISON_COLUMNS.iter().map(|(name, value)| (name, value(self))))
    }
}

fn cell<'a>(result: Option<AccountResult<'a>>, value: impl FnOnce(AccountResult<'a>) -> Option<&'a str>) -> Cell<'a> {
    result.and_then(value).map_or(Cell::Nothing, Cell::text)
}
