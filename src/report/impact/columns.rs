//! The columns of `impact.csv` and `principals.csv`. The order is a promise: new columns are added at the end.

use super::super::row::Cell;
use super::{ImpactAccount, ImpactPrincipal};

/// A column: its name, and the function that returns its value.
type Column<R> = (&'static str, for<'a> fn(&'a R) -> Cell<'a>);

fn text(text: Option<&String>) -> Cell<'_> {
    text.map_or(Cell::Nothing, |text| Cell::text(text))
}

fn size(size: Option<u32>) -> Cell<'static> {
    size.map_or(Cell::Nothing, |size| Cell::Number(size.into()))
}

/// The columns of `impact.csv`.
pub(crate) const ACCOUNT_COLUMNS: &[Column<ImpactAccount>] = &[
    ("account_id", |row| Cell::Text(row.account_id.to_string().into())),
    ("account_name", |row| text(row.account_name.as_ref())),
    ("account_email", |row| text(row.account_email.as_ref())),
    ("ou_path", |row| text(row.ou_path.as_ref())),
    ("account_state", |row| text(row.account_state.as_ref())),
    ("verdict", |row| Cell::text(row.verdict.as_str())),
    ("current_version", |row| text(row.current_version.as_ref())),
    ("opt_in_regions", |row| Cell::text(&row.opt_in_regions)),
    ("global_calls", |row| Cell::Number(row.global_calls)),
    ("principals", |row| Cell::Number(row.principals)),
    ("largest_token", |row| size(row.largest_token)),
    ("expected_token", |row| size(row.expected_token)),
    ("coverage", |row| Cell::text(&row.coverage)),
    ("source", |row| text(row.source.as_ref())),
    ("error_code", |row| text(row.error_code.as_ref())),
    ("error_message", |row| text(row.error_message.as_ref())),
    ("hint", |row| text(row.hint.as_ref())),
    ("run_id", |row| Cell::text(row.run_id.as_str())),
];

/// The columns of `principals.csv`.
pub(crate) const PRINCIPAL_COLUMNS: &[Column<ImpactPrincipal>] = &[
    ("account_id", |row| Cell::Text(row.account_id.to_string().into())),
    ("principal", |row| Cell::text(&row.principal)),
    ("user_agent", |row| Cell::text(&row.user_agent)),
    ("operation", |row| Cell::text(&row.operation)),
    ("calls", |row| Cell::Number(row.calls)),
    ("first_seen", |row| Cell::text(&row.first_seen)),
    ("last_seen", |row| Cell::text(&row.last_seen)),
    ("largest_token", |row| size(row.largest_token)),
    ("expected_token", |row| size(row.expected_token)),
    ("limits_crossed", |row| text(row.limits_crossed.as_ref())),
    ("attributed_to", |row| Cell::Text(row.attributed_to.to_string().into())),
];
