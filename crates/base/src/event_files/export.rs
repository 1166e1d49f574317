//! Reads the exports of Athena, of CloudTrail Lake, and of the AWS CLI: CSV with a column for each member of the events, and JSON that
//! contains the events as texts.

mod structs;

use std::cell::Cell;
use std::io::{self, Read};

use csv::{ByteRecord, ReaderBuilder};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::org::AccountId;

/// The longest row of a CSV file, in bytes.
const LONGEST_ROW: usize = super::split::MAX_EVENT;

/// The columns that are read. The others, and with them the secrets, are skipped.
const COLUMNS: [&str; 20] = [
    "eventversion",
    "useridentity",
    "eventtime",
    "eventsource",
    "eventname",
    "awsregion",
    "sourceipaddress",
    "useragent",
    "errorcode",
    "requestparameters",
    "responseelements",
    "additionaleventdata",
    "eventid",
    "readonly",
    "recipientaccountid",
    "sharedeventid",
    "tlsdetails",
    "managementevent",
    "eventcategory",
    "coverage_hours",
];

/// The columns whose values can be structs. A text of a client, such as a user agent, must not be taken for one.
const STRUCTS: [&str; 5] =
    ["useridentity", "requestparameters", "responseelements", "additionaleventdata", "tlsdetails"];

/// A column that contains the whole event as JSON, as in exports of CloudTrail Lake.
const WHOLE: [&str; 3] = ["eventjson", "cloudtrailevent", "event"];

/// The column `eventsource` of the rows in which the query of `impact sql` tells which hours have read events.
pub const COVERAGE_SOURCE: &str = "v2token";
/// The column `eventname` of the rows with [`COVERAGE_SOURCE`].
pub const COVERAGE_NAME: &str = "coverage";

/// What a row of an export says.
pub(super) enum Row<'a> {
    /// The JSON text of an event.
    Event(&'a [u8]),
    /// The hours of a day that have read events, as seconds since 1970.
    Hours(AccountId, Vec<u64>),
}

/// Reads CSV. `head` is its beginning, and `rest` the content behind it.
///
/// # Errors
///
/// Returns why the text can't be read, or not completely.
pub(super) fn read(head: &[u8], rest: Option<&mut dyn Read>, sink: &mut impl FnMut(Row<'_>)) -> Result<(), String> {
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    let mut empty: &[u8] = &[];
    let rest: &mut dyn Read = match rest {
        Some(rest) => rest,
        None => &mut empty,
    };
    let unread = Cell::new(0);
    let limited = Limited { inner: head.chain(rest), row: &unread };
    let mut reader = ReaderBuilder::new().has_headers(false).from_reader(limited);
    let mut record = ByteRecord::new();
    let failed = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(error) => error.to_string(),
        csv::ErrorKind::UnequalLengths { .. } => {
            "a row has another number of columns than the first: it was cut short".to_owned()
        }
        _ => "it can't be read as CSV".to_owned(),
    };
    reader.read_byte_record(&mut record).map_err(failed)?;
    let names: Vec<String> =
        record.iter().map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase()).collect();
    let column = |name: &str| names.iter().position(|column| column == name);
    let whole = WHOLE.iter().find_map(|name| column(name));
    let columns: Vec<(&str, usize)> = COLUMNS.iter().filter_map(|name| Some((*name, column(name)?))).collect();
    let is_of_events = ["eventsource", "eventname"].iter().all(|name| column(name).is_some());
    if whole.is_none() && !is_of_events {
        return Err("it is neither JSON nor CSV with the columns eventsource and eventname".to_owned());
    }
    while reader.read_byte_record(&mut record).map_err(failed)? {
        unread.set(0);
        if let Some(whole) = whole.and_then(|column| record.get(column)) {
            sink(Row::Event(whole));
            continue;
        }
        let cell = |column: usize| String::from_utf8_lossy(record.get(column).unwrap_or_default());
        let members: Map<String, Value> = columns
            .iter()
            .map(|(name, column)| ((*name).to_owned(), cell(*column)))
            .filter(|(_, text)| !text.is_empty() && text != "null")
            .map(|(name, text)| {
                let value = if STRUCTS.contains(&name.as_str()) { structs::value(&text) } else { Value::from(text) };
                (name, value)
            })
            .collect();
        if let Some((account, hours)) = hours(&members) {
            sink(Row::Hours(account, hours));
        } else {
            let json = serde_json::to_vec(&members).expect("all keys are strings");
            sink(Row::Event(&json));
        }
    }
    Ok(())
}

/// Returns what a row of the query of `impact sql` tells about the coverage: the account, and the hours of a day.
fn hours(members: &Map<String, Value>) -> Option<(AccountId, Vec<u64>)> {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    if (text("eventsource")?, text("eventname")?) != (COVERAGE_SOURCE, COVERAGE_NAME) {
        return None;
    }
    let account = text("recipientaccountid")?.parse().ok()?;
    let day = humantime::parse_rfc3339_weak(&format!("{}T00:00:00Z", text("eventtime")?.get(..10)?)).ok()?;
    let day = day.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    let bits: u32 = text("coverage_hours")?.parse().ok()?;
    Some((account, (0..24).filter(|hour| bits >> hour & 1 == 1).map(|hour| day + hour * 3600).collect()))
}

/// An element of the AWS CLI's `lookup-events`, or of an export of CloudTrail Lake.
#[derive(Deserialize)]
struct Wrapped {
    #[serde(alias = "CloudTrailEvent", alias = "eventJson")]
    event: String,
}

/// Returns the event that is in this object as a text, if there is one.
pub(super) fn unwrapped(json: &[u8]) -> Option<String> {
    let has = |name: &str| memchr::memmem::find(json, name.as_bytes()).is_some();
    let may_be = has("\"CloudTrailEvent\"") || has("\"eventJson\"");
    may_be.then(|| serde_json::from_slice::<Wrapped>(json).ok()).flatten().map(|wrapped| wrapped.event)
}

/// Refuses rows that are too long, so that the memory is bounded. A line end does not end a row, because a quoted cell can have some.
struct Limited<'a, R> {
    inner: R,
    /// The number of bytes since the last row ended.
    row: &'a Cell<usize>,
}

impl<R: Read> Read for Limited<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.row.set(self.row.get() + read);
        if self.row.get() > LONGEST_ROW {
            return Err(io::Error::other(format!("a row has more than {} MiB", LONGEST_ROW >> 20)));
        }
        Ok(read)
    }
}
