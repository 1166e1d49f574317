//! The columns of the report, their order, and their values.

use std::borrow::Cow;
use std::sync::LazyLock;

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};

use crate::journal::{RunId, RunSettings};
use crate::org::Account;
use crate::rollout::{Record, Verify};

/// The row of one account.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// The account.
    pub account: &'a Account,
    /// The record of the account.
    pub record: &'a Record,
    /// The run.
    pub run_id: &'a RunId,
    /// The columns of the report.
    pub columns: &'static [Column],
}

/// The value of a column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Cell<'a> {
    /// No value: an empty cell, a JSON null.
    Nothing,
    /// A text.
    Text(Cow<'a, str>),
    /// A number.
    Number(u64),
}

impl<'a> Cell<'a> {
    /// Returns a text, or nothing if the text is empty.
    pub(crate) fn text(text: &'a str) -> Self {
        if text.is_empty() { Self::Nothing } else { Self::Text(Cow::Borrowed(text)) }
    }

    /// Like [`text`](Self::text), for a text that is made for the cell.
    pub(crate) fn owned(text: String) -> Self {
        if text.is_empty() { Self::Nothing } else { Self::Text(Cow::Owned(text)) }
    }
}

/// A column: its name, and the function that returns its value.
pub(crate) type Column = (&'static str, for<'a> fn(&Row<'a>) -> Cell<'a>);

/// The columns in order. The order is a promise: new columns are added at the end.
pub const COLUMNS: &[Column; 22] = ALL.first_chunk().expect("there are more than these");

/// All columns. Only some runs have those after [`COLUMNS`].
const ALL: &[Column; 29] = &[
    ("account_id", |row| Cell::Text(row.account.id.to_string().into())),
    ("account_name", |row| Cell::text(&row.account.name)),
    ("account_email", |row| Cell::text(&row.account.email)),
    ("ou_path", |row| Cell::text(&row.account.attributes.ou_path)),
    ("account_state", |row| Cell::text(row.account.attributes.state.as_str())),
    ("outcome", |row| Cell::text(row.record.outcome.as_str())),
    ("previous_version", |row| row.record.previous_version.map_or(Cell::Nothing, |read| Cell::text(read.as_str()))),
    ("target_version", |row| Cell::text(row.record.target_version.as_str())),
    ("current_version", |row| row.record.current_version.map_or(Cell::Nothing, |read| Cell::text(read.as_str()))),
    ("stage", |row| row.record.error.as_ref().map_or(Cell::Nothing, |error| Cell::text(error.stage.as_str()))),
    ("error_code", |row| Cell::text(row.record.error.as_ref().map_or("", |error| error.error_code.as_str()))),
    ("error_message", |row| row.record.error.as_ref().map_or(Cell::Nothing, |error| Cell::text(&error.error_message))),
    ("hint", |row| Cell::text(row.record.error.as_ref().map_or(&row.record.note, |error| &error.hint))),
    ("request_id", |row| row.record.request_id.as_ref().map_or(Cell::Nothing, |id| Cell::owned(id.to_string()))),
    ("attempts", |row| Cell::Number(row.record.attempts.into())),
    ("wave", |row| row.record.wave.map_or(Cell::Nothing, |wave| Cell::Number(wave.into()))),
    ("role_arn", |row| row.record.role_arn.as_ref().map_or(Cell::Nothing, |arn| Cell::owned(arn.to_string()))),
    ("sts_endpoint", |row| Cell::text(&row.record.sts_endpoint)),
    ("started_at", |row| row.record.started_at.map_or(Cell::Nothing, |time| Cell::Text(time.to_string().into()))),
    ("duration_ms", |row| row.record.duration.map_or(Cell::Nothing, |duration| Cell::Number(duration.into()))),
    ("run_id", |row| Cell::text(row.run_id.as_str())),
    ("ou_names", |row| ou_names(&row.account.attributes.ou_names)),
    // Only reports with `--verify token` or `--verify token=REGION` have this column.
    (VERIFIED, |row| row.record.verified.map_or(Cell::Nothing, |verified| Cell::text(verified.as_str()))),
    // Only reports with `--verify token` have these columns.
    (SIZES[0], |row| row.record.issued_version().map_or(Cell::Nothing, |version| Cell::text(version.as_str()))),
    (SIZES[1], |row| size(row.record.issued_token.as_ref().and_then(|token| token.regional_size))),
    (SIZES[2], |row| size(row.record.issued_token.as_ref().and_then(|token| token.global_size))),
    // Only reports with `--impact` have this column.
    (IMPACT, |row| row.record.impact.map_or(Cell::Nothing, |verdict| Cell::text(verdict.as_str()))),
    // Only reports with `--exceptions` have these columns.
    (EXCEPTIONS[0], |row| {
        row.record.exception.as_ref().map_or(Cell::Nothing, |exception| Cell::text(&exception.reason))
    }),
    (EXCEPTIONS[1], |row| {
        let until = row.record.exception.as_ref().and_then(|exception| exception.until.as_ref());
        until.map_or(Cell::Nothing, |day| Cell::Text(day.to_string().into()))
    }),
];

/// Returns the path of names.
pub(super) fn ou_names(names: &[String]) -> Cell<'static> {
    if names.is_empty() { Cell::Nothing } else { Cell::Text(names.join("/").into()) }
}

fn size(size: Option<u32>) -> Cell<'static> {
    size.map_or(Cell::Nothing, |size| Cell::Number(size.into()))
}

/// The column of `--verify token` and `--verify token=REGION`.
const VERIFIED: &str = "verified";
/// The columns of `--verify token`.
const SIZES: [&str; 3] = ["issued_version", "regional_token_size", "global_token_size"];
/// The column of `--impact`.
const IMPACT: &str = "impact";
/// The columns of `--exceptions`.
const EXCEPTIONS: [&str; 2] = ["exception_reason", "exception_until"];

/// How many of the columns of tokens a report has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum TokenColumns {
    None,
    Verified,
    VerifiedAndSizes,
}

/// The columns for each combination of the options that add columns: first without and then with `--exceptions`, in each without and
/// with `--impact`, and in each of these for each variant of [`TokenColumns`].
static COMBINATIONS: LazyLock<[[[Vec<Column>; 3]; 2]; 2]> = LazyLock::new(|| {
    use TokenColumns::{None, Verified, VerifiedAndSizes};
    [false, true].map(|exceptions| {
        [false, true].map(|impact| {
            [None, Verified, VerifiedAndSizes].map(|tokens| {
                let is_wanted = |name: &str| match name {
                    VERIFIED => tokens >= Verified,
                    name if SIZES.contains(&name) => tokens == VerifiedAndSizes,
                    IMPACT => impact,
                    name if EXCEPTIONS.contains(&name) => exceptions,
                    _ => true,
                };
                ALL.iter().filter(|(name, _)| is_wanted(name)).copied().collect()
            })
        })
    })
});

/// Returns the columns of the report of a run with these settings.
pub(crate) fn columns_of(settings: &RunSettings) -> &'static [Column] {
    columns(&settings.verify, settings.impact.is_some(), settings.selection.exceptions.is_some())
}

/// Returns the columns of a run's report. `--verify token`, `--verify token=REGION`, `--impact` and `--exceptions` add columns at the
/// end.
pub fn columns(verify: &Verify, impact: bool, exceptions: bool) -> &'static [Column] {
    let tokens = match verify {
        Verify::None | Verify::Setting => TokenColumns::None,
        Verify::TokenIn(_) => TokenColumns::Verified,
        Verify::TokenSize => TokenColumns::VerifiedAndSizes,
    };
    &COMBINATIONS[usize::from(exceptions)][usize::from(impact)][tokens as usize]
}

impl<'a> Row<'a> {
    /// Returns the values of all columns, in order.
    pub fn values(self) -> impl Iterator<Item = Cell<'a>> + use<'a> {
        self.columns.iter().map(move |(_, value)| value(&self))
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.columns {
            map.serialize_entry(name, &value(self))?;
        }
        // It is no column, because a cell of CSV has no structure.
        if let Some(denied_by) = self.record.error.as_ref().and_then(|error| error.denied_by.as_ref()) {
            map.serialize_entry("denied_by", denied_by)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_as_promised() {
        let promised = "account_id,account_name,account_email,ou_path,account_state,outcome,previous_version,target_version,\
                        current_version,stage,error_code,error_message,hint,request_id,attempts,wave,role_arn,sts_endpoint,\
                        started_at,duration_ms,run_id,ou_names";
        let token = Verify::TokenIn("ap-east-1".to_owned());
        let sizes = ",verified,issued_version,regional_token_size,global_token_size";
        let both = &format!("{sizes},exception_reason,exception_until");
        let all = &format!("{sizes},impact,exception_reason,exception_until");
        for (verify, impact, exceptions, added) in [
            (&Verify::Setting, false, false, ""),
            (&Verify::None, false, false, ""),
            (&token, false, false, ",verified"),
            (&Verify::Setting, true, false, ",impact"),
            (&Verify::Setting, false, true, ",exception_reason,exception_until"),
            (&token, false, true, ",verified,exception_reason,exception_until"),
            (&Verify::TokenSize, false, false, sizes),
            (&Verify::TokenSize, false, true, both),
            (&Verify::TokenSize, true, true, all),
        ] {
            let names: Vec<&str> = columns(verify, impact, exceptions).iter().map(|(name, _)| *name).collect();
            assert_eq!(names.join(","), format!("{promised}{added}"));
        }
        assert_eq!(COLUMNS.map(|(name, _)| name).join(","), promised);
    }
}
