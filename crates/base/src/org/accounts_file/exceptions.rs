//! Reads `--exceptions` files: a CSV file with the columns `account_id`, `reason` and `until`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use csv::ByteRecord;

use super::super::exception::Exception;
use super::super::{AccountId, ParseError};
use super::columns::is_account_id;
use super::{Lines, plain_text};
use crate::suggest::nearest;

/// The columns of the file.
const COLUMNS: [&str; 3] = ["account_id", "reason", "until"];
/// The maximum length of a reason, in characters. The reason is in every report.
const MAX_REASON: usize = 500;
/// How many characters of a cell a message quotes.
const QUOTED: usize = 40;

/// Reads the exceptions in a file.
///
/// The first line that is neither empty nor a comment is the header. It must name all three columns, in any order: if a misspelt
/// column `until` were ignored, its exceptions would never end. Other columns are ignored. A file without a line below its header
/// has no exceptions.
///
/// # Errors
///
/// Returns an error for the first line that can't be used. No line is silently ignored.
pub fn read(file: &[u8]) -> Result<BTreeMap<AccountId, Exception>, ParseError> {
    let begin = format!("begin with the line {}", COLUMNS.join(","));
    let (text, first) = plain_text(file)?.ok_or_else(|| ParseError(format!("it is empty: {begin}")))?;
    if first.starts_with(['{', '[']) {
        return Err(ParseError(format!("it is JSON, and a CSV file is expected: {begin}")));
    }
    let mut lines = Lines::new(text, first);
    let mut columns: Option<Columns> = None;
    let mut exceptions: BTreeMap<AccountId, (u64, Exception)> = BTreeMap::new();
    while let Some((line, record)) = lines.next()? {
        let at_line = |cause: String| ParseError(format!("line {line}: {cause}"));
        let Some(columns) = &columns else {
            columns = Some(Columns::find(&record).map_err(|cause| at_line(format!("{cause}; {begin}")))?);
            continue;
        };
        let (account, exception) = columns.exception(&record).map_err(at_line)?;
        match exceptions.entry(account) {
            Entry::Vacant(place) => drop(place.insert((line, exception))),
            Entry::Occupied(earlier) if earlier.get().1 == exception => {}
            Entry::Occupied(earlier) => {
                let earlier = earlier.get().0;
                return Err(at_line(format!("account {account} has another reason or day in line {earlier}")));
            }
        }
    }
    Ok(exceptions.into_iter().map(|(account, (_, exception))| (account, exception)).collect())
}

/// The positions of the columns, and how many the header has.
struct Columns {
    account_id: usize,
    reason: usize,
    until: usize,
    count: usize,
}

impl Columns {
    fn find(header: &ByteRecord) -> Result<Self, String> {
        let names: Vec<String> =
            header.iter().map(|cell| String::from_utf8_lossy(cell).trim().to_lowercase()).collect();
        if names.iter().any(|name| name.parse::<AccountId>().is_ok()) {
            return Err("there is no header".to_owned());
        }
        let position = |wanted: &str| {
            let fits = |name: &str| name == wanted || (wanted == COLUMNS[0] && is_account_id(name));
            let found: Vec<usize> = (0..names.len()).filter(|column| fits(&names[*column])).collect();
            match found[..] {
                [column] => Ok(column),
                [] => {
                    let near = nearest(wanted, names.iter().map(String::as_str), 3);
                    let near = near.map_or_else(String::new, |near| format!("; did you mean {}?", quoted(near)));
                    Err(format!("there is no column {wanted}{near}"))
                }
                _ => Err(format!("there are two columns {wanted}")),
            }
        };
        let [account_id, reason, until] = COLUMNS.map(position);
        Ok(Self { account_id: account_id?, reason: reason?, until: until?, count: names.len() })
    }

    fn exception(&self, record: &ByteRecord) -> Result<(AccountId, Exception), String> {
        if record.len() != self.count {
            return Err(format!(
                "there are {} cells, and the header has {}: put a reason that contains a comma in quotes, and leave the cell \
                 until empty for an exception without an end",
                record.len(),
                self.count
            ));
        }
        let cell = |column: usize| std::str::from_utf8(record.get(column).unwrap_or_default()).unwrap_or_default();
        let account: AccountId = cell(self.account_id).parse().map_err(|error: ParseError| error.0)?;
        let (reason, until) = (cell(self.reason), cell(self.until));
        if reason.is_empty() {
            return Err(format!("account {account} has no reason: say why the account is an exception"));
        }
        if reason.chars().count() > MAX_REASON {
            return Err(format!("the reason has more than {MAX_REASON} characters"));
        }
        let day = (!until.is_empty()).then(|| until.parse());
        let until = day.transpose().map_err(|error| format!("until is {}: {error}", quoted(until)))?;
        Ok((account, Exception { reason: reason.to_owned(), until }))
    }
}

/// Returns a text for a message: quoted, and cut if it is long.
fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(QUOTED).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(file: &str) -> Vec<String> {
        let exceptions = read(file.as_bytes()).unwrap_or_else(|error| panic!("{error} in {file:?}"));
        let until = |exception: &Exception| exception.until.as_ref().map_or_else(String::new, ToString::to_string);
        exceptions.iter().map(|(id, each)| format!("{id}|{}|{}", each.reason, until(each))).collect()
    }

    #[test]
    fn files_are_read() {
        let expected = ["000000000001|old vendor|2026-12-31", "000000000002|for ever|"];
        for file in [
            "account_id,reason,until\n000000000001,old vendor,2026-12-31\n000000000002,for ever,\n",
            "\u{feff}account_id,reason,until\r\n000000000001,old vendor,2026-12-31\r\n000000000002,for ever,\r\n",
            "# ours\n\nUntil,Reason,Account_ID\n2026-12-31,old vendor,000000000001\n,for ever,000000000002\n",
            "Account ID;until;reason;ticket\n000000000001;2026-12-31;old vendor;X-1\n# no more\n000000000002;;for ever;\n",
            "account_id\treason\tuntil\n000000000001\t\"old vendor\"\t2026-12-31\n\t\t\n000000000002\tfor ever\t\n",
            "account_id,reason,until\n000000000001,old vendor,2026-12-31\n000000000001,old vendor,2026-12-31\n\
             000000000002,for ever,\n",
        ] {
            assert_eq!(rows(file), expected, "{file:?}");
        }
        assert!(rows("account_id,reason,until\n").is_empty(), "a file from which the last exception was removed");
        assert_eq!(rows("account_id,reason,until\n000000000001,\"a, \"\"b\"\"\",\n"), ["000000000001|a, \"b\"|"]);
    }

    #[test]
    fn errors_name_the_line_and_what_to_write() {
        let long = format!("account_id,reason,until\n000000000001,{},\n", "x".repeat(501));
        for (file, expected) in [
            ("", "it is empty: begin with the line account_id,reason,until"),
            ("# none\n", "it is empty"),
            ("[{\"account_id\": 1}]", "it is JSON"),
            ("000000000001,why,\n", "line 1: there is no header; begin with the line account_id,reason,until"),
            ("000000000001\n", "line 1: there is no header"),
            ("# x\naccount_id,reason\n000000000001,why\n", "line 2: there is no column until; begin with"),
            ("account_id,reason,untill\n", "line 1: there is no column until; did you mean \"untill\"?"),
            ("account,reason,until\n", "line 1: there is no column account_id; did you mean \"account\"?"),
            ("account_id,id,reason,until\n", "line 1: there are two columns account_id"),
            ("account_id,until,until,reason\n", "line 1: there are two columns until"),
            ("account_id,reason,until\n12345678,why,\n", "line 2: \"12345678\" has 8 digits"),
            ("account_id,reason,until\n\n000000000001,,2026-12-31\n", "line 3: account 000000000001 has no reason"),
            (
                "account_id,reason,until\n000000000001,why,31.12.2026\n",
                "line 2: until is \"31.12.2026\": expected a day",
            ),
            (
                "account_id,reason,until\n000000000001,why,2026-02-30\n",
                "line 2: until is \"2026-02-30\": expected a day",
            ),
            ("account_id,reason,until\n000000000001,why\n", "line 2: there are 2 cells, and the header has 3"),
            ("account_id,reason,until\n000000000001,a, b,2026-12-31\n", "line 2: there are 4 cells"),
            (
                "account_id,reason,until\n000000000001,a,\n000000000001,a,2026-12-31\n",
                "line 3: account 000000000001 has another reason or day in line 2",
            ),
            ("account_id,reason,until\n000000000001,\"a\nb\",\n", "line 2: a quoted cell continues in the next line"),
            (&long, "line 2: the reason has more than 500 characters"),
        ] {
            let error = read(file.as_bytes()).expect_err(file).to_string();
            assert!(error.starts_with(expected), "{file:?}\n{error}\n{expected}");
        }
        assert_eq!(read(b"account_id,reason,until\n\xff\n").unwrap_err().to_string(), super::super::NOT_UTF8);
    }
}
