//! This module owns the page's data: every account as a short JSON array, with what many of them share in lists that are
//! referred to by number.
//!
//! An account takes some 200 bytes so, and not the thousand of the JSON report. A message is its cause's text with the few
//! words in it that differ from account to account. It is written as it is made, without a copy in memory.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Write};
use std::time::SystemTime;

use serde::ser::{Serialize, SerializeSeq as _, Serializer};
use serde_json::ser::Formatter;

use crate::org::{Account, AccountId, ObservedVersion};
use crate::report::Report;
use crate::report::causes::{CauseGroup, Causes};
use crate::report::units::Unit;
use crate::rollout::cause::{MessagePart, message_parts};
use crate::rollout::{Outcome, Record, Verified};
use crate::sanitize::for_terminal;
use crate::timestamp::milliseconds;

/// The data of a page. Its `Display` is JSON that may stand in a script element.
#[derive(Debug)]
pub(super) struct Data<'a> {
    pub(super) report: Report<'a>,
    pub(super) units: &'a [Unit<'a>],
    pub(super) causes: &'a Causes<'a>,
}

impl fmt::Display for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut serializer = serde_json::Serializer::with_formatter(Characters(f), Inert);
        self.serialize(&mut serializer).map_err(|_| fmt::Error)
    }
}

/// Writes JSON without any `<`, so that no text in it ends the script element or begins a comment.
struct Inert;

impl Formatter for Inert {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, to: &mut W, fragment: &str) -> io::Result<()> {
        let mut parts = fragment.split('<');
        to.write_all(parts.next().unwrap_or_default().as_bytes())?;
        parts.try_for_each(|part| to.write_all(b"\\u003c").and_then(|()| to.write_all(part.as_bytes())))
    }
}

/// Hands bytes on to where characters are expected. JSON is written in whole characters.
struct Characters<'f, 'g>(&'f mut fmt::Formatter<'g>);

impl Write for Characters<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = std::str::from_utf8(bytes).map_err(io::Error::other)?;
        self.0.write_str(text).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Texts that many accounts share, each with a number.
#[derive(Default)]
struct Shared<'a> {
    numbers: HashMap<Vec<&'a str>, usize>,
    texts: Vec<Vec<&'a str>>,
}

impl<'a> Shared<'a> {
    fn number(&mut self, text: Vec<&'a str>) -> usize {
        *self.numbers.entry(text).or_insert_with_key(|text| {
            self.texts.push(text.clone());
            self.texts.len() - 1
        })
    }
}

impl Serialize for Data<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let (accounts, records) = (self.report.accounts, self.report.records);
        let start = records.iter().filter_map(|record| record.started_at).min().map_or(0, epoch_milliseconds);
        let (mut states, mut roles) = (Shared::default(), Shared::default());
        let numbered: Vec<(usize, Option<usize>)> = accounts
            .iter()
            .zip(records)
            .map(|(account, record)| {
                let role = &record.role_arn;
                let split = || roles.number(role.split(account.id.to_string().as_str()).collect());
                (states.number(vec![account.state.as_str()]), (!role.is_empty()).then(split))
            })
            .collect();
        let unit_numbers: HashMap<&str, usize> =
            self.units.iter().enumerate().map(|(number, unit)| (unit.path, number)).collect();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("start", &start)?;
        map.serialize_entry("outcomes", &Outcome::ALL.map(Outcome::as_str))?;
        map.serialize_entry("readings", &ObservedVersion::ALL.map(ObservedVersion::as_str))?;
        map.serialize_entry("states", &states.texts.iter().map(|text| for_terminal(text[0])).collect::<Vec<_>>())?;
        let harmless =
            |parts: &Vec<&'_ str>| parts.iter().map(|part| for_terminal(part).into_owned()).collect::<Vec<_>>();
        map.serialize_entry("roles", &roles.texts.iter().map(harmless).collect::<Vec<_>>())?;
        map.serialize_entry("units", &self.units.iter().map(unit).collect::<Vec<_>>())?;
        map.serialize_entry("causes", &self.causes().collect::<Vec<_>>())?;
        map.serialize_entry("rows", &Rows { data: self, start, numbered: &numbered, unit_numbers: &unit_numbers })?;
        map.end()
    }
}

impl Data<'_> {
    /// The causes, each with the message of the first record that has it.
    fn causes(&self) -> impl Iterator<Item = impl Serialize> {
        let mut messages = vec![""; self.causes.groups.len()];
        for (record, cause) in self.report.records.iter().zip(&self.causes.of_record).rev() {
            if let Some(cause) = cause {
                messages[*cause] = message(record);
            }
        }
        self.causes.groups.iter().zip(messages).map(|(one, message)| cause(one, message))
    }
}

/// Path, name, depth, and number of accounts.
fn unit(unit: &Unit<'_>) -> impl Serialize + use<> {
    let name = if unit.name.is_empty() { "not known" } else { unit.name };
    (for_terminal(unit.path).into_owned(), for_terminal(name).into_owned(), unit.depth, unit.tally.total())
}

/// Outcome, stage, code, the texts between the words that differ, hint, and number of accounts.
fn cause(group: &CauseGroup<'_>, message: &str) -> impl Serialize + use<> {
    let mut texts = vec![String::new()];
    for part in message_parts(message) {
        match part {
            MessagePart::Text(text) => texts.last_mut().expect("one is there").push_str(&for_terminal(text)),
            MessagePart::AccountId(_) | MessagePart::RequestId(_) => texts.push(String::new()),
        }
    }
    let code = for_terminal(group.cause.error_code).into_owned();
    let hint = for_terminal(group.hint).into_owned();
    (place(&Outcome::ALL, group.cause.outcome), group.cause.stage.as_str(), code, texts, hint, group.accounts.len())
}

fn message(record: &Record) -> &str {
    record.error.as_ref().map_or("", |error| error.error_message.as_str())
}

fn epoch_milliseconds(time: SystemTime) -> u64 {
    milliseconds(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}

/// The place in a list, from 0; -1 for none.
fn place<T: PartialEq>(list: &[T], wanted: impl Into<Option<T>>) -> isize {
    let wanted = wanted.into();
    number(list.iter().position(|one| Some(one) == wanted.as_ref()))
}

/// The number, or -1 for none.
fn number(number: Option<usize>) -> isize {
    number.and_then(|number| isize::try_from(number).ok()).unwrap_or(-1)
}

/// All rows.
struct Rows<'a> {
    data: &'a Data<'a>,
    /// When the first visit started, in milliseconds since 1970.
    start: u64,
    /// The numbers of each account's state and role.
    numbered: &'a [(usize, Option<usize>)],
    unit_numbers: &'a HashMap<&'a str, usize>,
}

impl Serialize for Rows<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Report { accounts, records, .. } = self.data.report;
        let mut list = serializer.serialize_seq(Some(records.len()))?;
        for (at, (account, record)) in accounts.iter().zip(records).enumerate() {
            list.serialize_element(&Row { all: self, at, account, record })?;
        }
        list.end()
    }
}

/// One account. The order is that of the places in `page.js`.
struct Row<'a> {
    all: &'a Rows<'a>,
    at: usize,
    account: &'a Account,
    record: &'a Record,
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { all, account, record, .. } = self;
        let (state, role) = all.numbered[self.at];
        let reading =
            |reading: Option<ObservedVersion>| reading.map_or(-1, |reading| place(&ObservedVersion::ALL, reading));
        // Each time is cut to milliseconds by itself, as in the other formats.
        let started = record.started_at.map(|time| epoch_milliseconds(time) - all.start);
        let mut row = serializer.serialize_seq(None)?;
        row.serialize_element(&account.id)?;
        row.serialize_element(&for_terminal(&account.name))?;
        row.serialize_element(&for_terminal(&account.email))?;
        row.serialize_element(&number(all.unit_numbers.get(account.ou_path.as_str()).copied()))?;
        row.serialize_element(&state)?;
        row.serialize_element(&place(&Outcome::ALL, record.outcome))?;
        row.serialize_element(&reading(record.previous_version))?;
        let wanted = ObservedVersion::ALL.into_iter().find(|reading| reading.shows(record.target_version));
        row.serialize_element(&reading(wanted))?;
        row.serialize_element(&reading(record.current_version))?;
        row.serialize_element(&number(all.data.causes.of_record[self.at]))?;
        row.serialize_element(&Words(record, account.id))?;
        row.serialize_element(&record.attempts)?;
        row.serialize_element(&record.throttled)?;
        row.serialize_element(&record.wave.unwrap_or(0))?;
        row.serialize_element(&started)?;
        row.serialize_element(&record.duration.map(milliseconds))?;
        row.serialize_element(&number(role))?;
        row.serialize_element(&for_terminal(record.request_id.as_deref().unwrap_or_default()))?;
        if record.verified.is_some() || !record.note.is_empty() {
            row.serialize_element(record.verified.map_or("", Verified::as_str))?;
            row.serialize_element(&for_terminal(&record.note))?;
        }
        row.end()
    }
}

/// The words of a record's message that its cause leaves out: 0 for the account's own id, and for all of them when there is
/// no other.
struct Words<'a>(&'a Record, AccountId);

impl Serialize for Words<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let own = self.1.to_string();
        let words: Vec<Option<&str>> = message_parts(message(self.0))
            .filter_map(|part| match part {
                MessagePart::Text(_) => None,
                MessagePart::AccountId(word) | MessagePart::RequestId(word) => Some((word != own).then_some(word)),
            })
            .collect();
        if words.iter().all(Option::is_none) { 0.serialize(serializer) } else { words.serialize(serializer) }
    }
}
