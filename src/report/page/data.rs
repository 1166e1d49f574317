//! The data of the page: each account as a short JSON array, which refers by index to lists of shared values.
//!
//! An account takes some 200 bytes here, and some 1,000 bytes in the JSON report. A message is stored as the text of its cause
//! and the ids that differ between accounts. The JSON is written directly, without a copy in memory.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};
use serde_json::ser::Formatter;

use crate::org::{Account, AccountArn, ObservedVersion, TokenVersion};
use crate::report::Report;
use crate::report::causes::{CauseGroup, Causes};
use crate::report::format::LazyList;
use crate::report::ou_totals::Unit;
use crate::rollout::cause::{MessagePart, message_parts};
use crate::rollout::{Outcome, Record, Verified};
use crate::sanitize::for_terminal;
use crate::timestamp::Timestamp;

/// The data of a page. Its `Display` implementation writes JSON that is safe inside a script element.
#[derive(Debug)]
pub(super) struct Data<'a> {
    pub(super) report: Report<'a>,
    pub(super) units: &'a [Unit<'a>],
    pub(super) causes: &'a Causes<'a>,
}

impl fmt::Display for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ScriptJson(self).fmt(f)
    }
}

/// A value whose `Display` implementation writes JSON that is safe inside a script element.
pub(in crate::report) struct ScriptJson<T>(pub T);

impl<T: Serialize> fmt::Display for ScriptJson<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut serializer = serde_json::Serializer::with_formatter(FmtWriter(f), ScriptSafe);
        self.0.serialize(&mut serializer).map_err(|_| fmt::Error)
    }
}

/// Writes JSON without `<`, so that no text in it ends the script element or begins a comment.
struct ScriptSafe;

impl Formatter for ScriptSafe {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, to: &mut W, fragment: &str) -> io::Result<()> {
        let mut parts = fragment.split('<');
        to.write_all(parts.next().unwrap_or_default().as_bytes())?;
        parts.try_for_each(|part| to.write_all(b"\\u003c").and_then(|()| to.write_all(part.as_bytes())))
    }
}

/// Adapts a [`fmt::Formatter`] to [`Write`]. Each write must consist of whole characters, as the writes of the JSON serializer
/// do.
struct FmtWriter<'f, 'g>(&'f mut fmt::Formatter<'g>);

impl Write for FmtWriter<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.write_str(text).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the index of a value among the distinct values.
fn index_of<T: Eq + Hash>(values: &mut HashMap<T, u32>, value: T) -> u32 {
    let next = u32::try_from(values.len()).expect("four billion of them do not fit into memory");
    *values.entry(value).or_insert(next)
}

/// Returns the distinct values, ordered by index.
fn by_index<T>(values: HashMap<T, u32>) -> Vec<T> {
    let mut values: Vec<(T, u32)> = values.into_iter().collect();
    values.sort_unstable_by_key(|(_, index)| *index);
    values.into_iter().map(|(value, _)| value).collect()
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (accounts, records) = (self.report.accounts, self.report.records);
        let start = records.iter().filter_map(|record| record.started_at).min().map_or(0, Timestamp::milliseconds);
        let (mut states, mut roles) = (HashMap::new(), HashMap::new());
        let mut role_of_record = Vec::with_capacity(records.len());
        for (account, record) in accounts.iter().zip(records) {
            let id = account.id.to_string();
            let parts = |arn: &AccountArn| arn.to_string().split(&id).map(str::to_owned).collect::<Vec<_>>();
            role_of_record.push(record.role_arn.as_ref().map(|arn| index_of(&mut roles, parts(arn))));
            index_of(&mut states, account.attributes.state.as_str());
        }
        let unit_indexes: HashMap<&str, usize> =
            self.units.iter().enumerate().map(|(index, unit)| (unit.path, index)).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("start", &start)?;
        map.serialize_entry("outcomes", &Outcome::ALL.map(Outcome::as_str))?;
        map.serialize_entry("readings", &ObservedVersion::ALL.map(ObservedVersion::as_str))?;
        let listed = by_index(states.clone()).into_iter().map(for_terminal);
        map.serialize_entry("states", &listed.collect::<Vec<_>>())?;
        let roles = by_index(roles);
        let roles = roles.iter().map(|parts| parts.iter().map(|part| for_terminal(part)).collect::<Vec<_>>());
        map.serialize_entry("roles", &roles.collect::<Vec<_>>())?;
        let unit = |unit: &Unit<'_>| {
            let label = if unit.label().is_empty() { "not known" } else { unit.label() };
            let names = unit.names.join("/");
            (
                for_terminal(unit.path).into_owned(),
                for_terminal(label).into_owned(),
                unit.depth,
                unit.tally.total(),
                for_terminal(&names).into_owned(),
            )
        };
        map.serialize_entry("units", &self.units.iter().map(unit).collect::<Vec<_>>())?;
        // The message of a cause is the message of its first record.
        let mut messages = vec![""; self.causes.groups.len()];
        for (record, cause) in records.iter().zip(&self.causes.of_record).rev() {
            if let Some(cause) = cause {
                messages[*cause as usize] = message(record);
            }
        }
        let causes = self.causes.groups.iter().zip(messages).map(|(group, message)| cause(group, message));
        map.serialize_entry("causes", &causes.collect::<Vec<_>>())?;
        let rows = || {
            let indexes = role_of_record.iter().zip(&self.causes.of_record);
            accounts.iter().zip(records).zip(indexes).map(|((account, record), (role, cause))| {
                let state = states[account.attributes.state.as_str()];
                let unit = unit_indexes.get(account.attributes.ou_path.as_ref()).copied();
                PageRow { account, record, start, state, role: *role, unit, cause: *cause }
            })
        };
        map.serialize_entry("rows", &LazyList(rows))?;
        map.end()
    }
}

/// Returns outcome, stage, code, the texts between the ids, hint, and number of accounts.
fn cause(group: &CauseGroup<'_>, message: &str) -> impl Serialize + use<> {
    let mut texts = vec![String::new()];
    for part in message_parts(message) {
        match part {
            MessagePart::Text(text) => texts.last_mut().expect("texts is never empty").push_str(&for_terminal(text)),
            MessagePart::AccountId(_) | MessagePart::RequestId(_) => texts.push(String::new()),
        }
    }
    let code = for_terminal(group.cause.error_code).into_owned();
    let hint = for_terminal(group.hint).into_owned();
    (index_in(&Outcome::ALL, group.cause.outcome), group.cause.stage.as_str(), code, texts, hint, group.accounts.len())
}

fn message(record: &Record) -> &str {
    record.error.as_ref().map_or("", |error| error.error_message.as_str())
}

/// Returns the index of a value in a list, or -1 if the list does not have the value.
fn index_in<T: PartialEq>(list: &[T], value: impl Into<Option<T>>) -> i64 {
    let value = value.into();
    or_minus_one(list.iter().position(|item| Some(item) == value.as_ref()))
}

/// Returns the index, or -1 for `None`.
fn or_minus_one(index: Option<impl TryInto<i64>>) -> i64 {
    index.and_then(|index| index.try_into().ok()).unwrap_or(-1)
}

/// The row of one account. Its values are in the order that `page.js` expects.
struct PageRow<'a> {
    account: &'a Account,
    record: &'a Record,
    /// The start of the first visit of the run, in milliseconds since 1970.
    start: u64,
    /// The index of the account's state in the list of states. The next three fields are indexes in the lists of roles, OUs, and
    /// causes.
    state: u32,
    role: Option<u32>,
    unit: Option<usize>,
    cause: Option<u32>,
}

impl Serialize for PageRow<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { account, record, .. } = self;
        // The page puts these ids between the texts of the cause, and so restores the record's message. `null` stands for the
        // account's own id.
        let own = account.id.to_string();
        let ids: Vec<Option<&str>> = message_parts(message(record))
            .filter_map(|part| match part {
                MessagePart::Text(_) => None,
                MessagePart::AccountId(id) | MessagePart::RequestId(id) => Some((id != own).then_some(id)),
            })
            .collect();
        let version = |version: Option<ObservedVersion>| index_in(&ObservedVersion::ALL, version);
        // Each time is truncated to milliseconds separately, as in the other formats.
        let started = record.started_at.map(|time| time.milliseconds() - self.start);
        let mut row = serializer.serialize_seq(None)?;
        row.serialize_element(&account.id)?;
        row.serialize_element(&for_terminal(&account.name))?;
        row.serialize_element(&for_terminal(&account.email))?;
        row.serialize_element(&or_minus_one(self.unit))?;
        row.serialize_element(&self.state)?;
        row.serialize_element(&index_in(&Outcome::ALL, record.outcome))?;
        row.serialize_element(&version(record.previous_version))?;
        let target = ObservedVersion::ALL.into_iter().find(|version| version.shows(record.target_version));
        row.serialize_element(&version(target))?;
        row.serialize_element(&version(record.current_version))?;
        row.serialize_element(&or_minus_one(self.cause))?;
        // 0 stands for a list in which all ids are the account's own.
        if ids.iter().all(Option::is_none) { row.serialize_element(&0) } else { row.serialize_element(&ids) }?;
        row.serialize_element(&record.attempts)?;
        row.serialize_element(&record.throttled)?;
        row.serialize_element(&record.wave.unwrap_or(0))?;
        row.serialize_element(&started)?;
        row.serialize_element(&record.duration)?;
        row.serialize_element(&or_minus_one(self.role))?;
        row.serialize_element(&for_terminal(&record.request_id.as_ref().map(ToString::to_string).unwrap_or_default()))?;
        if record.verified.is_some() || !record.note.is_empty() || record.issued_token.is_some() {
            row.serialize_element(record.verified.map_or("", Verified::as_str))?;
            row.serialize_element(&for_terminal(&record.note))?;
        }
        if let Some(token) = &record.issued_token {
            row.serialize_element(token.version.map_or("", TokenVersion::as_str))?;
            row.serialize_element(&token.regional_size)?;
            row.serialize_element(&token.global_size)?;
        }
        row.end()
    }
}
