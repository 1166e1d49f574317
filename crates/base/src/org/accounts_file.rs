//! Reads `--accounts-from` files: one account id per line, or a CSV file such as a report of this program.

mod columns;
pub mod exceptions;
pub mod listed;

use std::collections::BTreeMap;

use csv::{ByteRecord, ReaderBuilder};

use self::columns::{Columns, Content, is_role_arn};
use super::caller::account_in_arn;
use super::role::{RoleTemplate, is_external_id};
use super::{AccountId, ParseError};
use crate::secret::Secret;

/// What a file specifies for an account in addition to its id. The value can contain an external id, so the type does not
/// implement `Debug`.
#[derive(Default)]
pub struct AccountOverrides {
    /// The role in the account, from the column `role` or `role_arn`.
    pub role: Option<RoleTemplate>,
    /// The external id that the role requires, from the column `external_id`.
    pub external_id: Option<Secret>,
}

impl AccountOverrides {
    /// Adds what another line specifies for the same account. Returns `false` if the lines contradict each other.
    #[must_use]
    pub fn merge(&mut self, other: Self) -> bool {
        fn fill<T: PartialEq + Clone>(value: &mut Option<T>, other: Option<T>) -> bool {
            other.is_none_or(|other| *value.get_or_insert_with(|| other.clone()) == other)
        }
        fill(&mut self.role, other.role) && fill(&mut self.external_id, other.external_id)
    }
}

/// The message for a file that is not UTF-8 text.
const NOT_UTF8: &str = "it is not UTF-8: save it as CSV in UTF-8";
/// The message for a file that names no account.
const EMPTY: &str = "it names no account";

/// Reads the accounts that a file names.
///
/// Lines that start with `#` are comments. The first line is a header if one of its columns is `account_id` or a usual spelling of it,
/// or if it has several columns and the first column contains no digit. The ids are in the column `account_id`, or in the first column
/// if no header names `account_id`. The columns `role` or `role_arn`, and `external_id`, apply to the account of the line. Columns are
/// separated by commas, semicolons or tabs; the file uses the first delimiter that the first line contains.
///
/// # Errors
///
/// Returns an error for the first line that can't be used. No line is silently ignored. Messages quote only cells that should
/// contain an account id or a role.
pub fn read(file: &[u8]) -> Result<BTreeMap<AccountId, AccountOverrides>, ParseError> {
    let (text, first) = plain_text(file)?.ok_or_else(|| ParseError::new(EMPTY))?;
    if first.starts_with(['{', '[']) {
        return Err(ParseError::new(
            "it is JSON: a text with one id a line is expected, or a CSV, such as the CSV report",
        ));
    }
    let mut lines = Lines::new(text, first);
    let mut columns: Option<Columns> = None;
    let mut accounts: BTreeMap<AccountId, AccountOverrides> = BTreeMap::new();
    while let Some((line, record)) = lines.next()? {
        let at_line = |cause: String| ParseError(format!("line {line}: {cause}"));
        let columns = if let Some(columns) = &columns {
            columns
        } else {
            let found = columns.insert(Columns::find(&record, &contents(text, lines.delimiter))?);
            if found.has_header {
                continue;
            }
            found
        };
        let (id, overrides) = columns.account(&record).map_err(|error| at_line(error.0))?;
        // The text of the line must contain the id. The CSV reader joins quoted and unquoted parts of a cell, so without this
        // check, `"00000002"0000` would become an id.
        if !lines.last_text().is_some_and(|row| row.contains(&id.to_string())) {
            let cause = at_line("an id is quoted only in part".to_owned());
            return Err(ParseError(format!("it can't be read as CSV: {cause}")));
        }
        if !accounts.entry(id).or_default().merge(overrides) {
            return Err(at_line(format!("account {id} is in an earlier line with another role or external id")));
        }
    }
    if accounts.is_empty() { Err(ParseError::new(EMPTY)) } else { Ok(accounts) }
}

/// Returns the text of a file, and the first line that is neither empty nor a comment. Returns `None` if there is no such line.
fn plain_text(file: &[u8]) -> Result<Option<(&str, &str)>, ParseError> {
    let text = std::str::from_utf8(file).map_err(|_| ParseError::new(NOT_UTF8))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains('\0') {
        return Err(ParseError::new(NOT_UTF8));
    }
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(first.map(|first| (text, first)))
}

/// The lines of a CSV file, without comments and without lines whose cells are all empty.
struct Lines<'a> {
    text: &'a str,
    delimiter: u8,
    reader: csv::Reader<&'a [u8]>,
    /// Where the last line begins in the text.
    last: u64,
    /// The line ends that are counted, and how far. If each line counted them from the beginning, a report of 50,000 accounts would take
    /// half a minute.
    counted: (usize, usize),
}

impl<'a> Lines<'a> {
    /// Starts reading. The first line decides which delimiter the file has.
    fn new(text: &'a str, first: &str) -> Self {
        let delimiter = delimiter(first);
        Self { text, delimiter, reader: csv_reader(text, delimiter), last: 0, counted: (0, 0) }
    }

    /// Returns the next line and its number.
    fn next(&mut self) -> Result<Option<(u64, ByteRecord)>, ParseError> {
        let unreadable = |cause: csv::Error| ParseError(format!("it can't be read as CSV: {cause}"));
        let mut record = ByteRecord::new();
        while self.reader.read_byte_record(&mut record).map_err(unreadable)? {
            if record.iter().all(<[u8]>::is_empty) {
                continue;
            }
            self.last = record.position().map_or(0, csv::Position::byte);
            let line = self.number_of_last();
            if record.iter().any(|cell| cell.contains(&b'\n')) {
                return Err(ParseError(format!(
                    "line {line}: a quoted cell continues in the next line: its closing quote is missing, or it holds a line end"
                )));
            }
            return Ok(Some((line, record)));
        }
        Ok(None)
    }

    /// Returns the number of the last line. The CSV reader's position is the end of the previous record, so comments and empty lines
    /// between this position and the record are counted too.
    fn number_of_last(&mut self) -> u64 {
        let at = usize::try_from(self.last).unwrap_or(usize::MAX).min(self.text.len());
        let (ends, counted) = self.counted;
        let ends = ends + self.text.get(counted..at).unwrap_or_default().matches('\n').count();
        self.counted = (ends, at);
        let after = self.text.get(at..).unwrap_or_default();
        let skipped = after.lines().take_while(|line| line.is_empty() || line.starts_with('#')).count();
        1 + (ends + skipped) as u64
    }

    /// Returns the text of the last line.
    fn last_text(&self) -> Option<&'a str> {
        let place = |byte: u64| usize::try_from(byte).ok();
        self.text.get(place(self.last)?..place(self.reader.position().byte())?)
    }
}

fn csv_reader(text: &str, delimiter: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes())
}

/// Returns what the columns contain below the first line, up to the first line that can't be read.
fn contents(text: &str, delimiter: u8) -> Vec<Content> {
    let records = csv_reader(text, delimiter).into_byte_records().map_while(Result::ok);
    let filled = records.filter(|record| !record.iter().all(<[u8]>::is_empty));
    let mut contents = Vec::new();
    filled.skip(1).for_each(|record| Content::add(&mut contents, &record));
    contents
}

/// Returns the first delimiter outside quotes. Later cells and quoted cells can contain the other delimiters.
///
/// The comma in a number such as `1,91521E+11`, as spreadsheets in many countries write it, is no delimiter.
fn delimiter(first: &str) -> u8 {
    let mut quoted = false;
    let bytes = first.as_bytes();
    let is_delimiter = |(index, byte): &(usize, &u8)| {
        quoted ^= **byte == b'"';
        !quoted && b",;\t".contains(byte) && !is_decimal_comma(bytes, *index)
    };
    let found = bytes.iter().enumerate().find(is_delimiter).map(|(_, byte)| *byte);
    let only_decimal = || (0..bytes.len()).any(|index| is_decimal_comma(bytes, index));
    found.unwrap_or_else(|| if only_decimal() { b';' } else { b',' })
}

/// Whether the byte at this index is the comma in a number in scientific notation.
fn is_decimal_comma(text: &[u8], index: usize) -> bool {
    let Some((before, [b',', after @ ..])) = text.split_at_checked(index) else { return false };
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_one_digit = match before {
        [.., other, digit] => digit.is_ascii_digit() && !other.is_ascii_alphanumeric(),
        [digit] => digit.is_ascii_digit(),
        [] => false,
    };
    let mantissa = digits(after);
    let exponent = after[mantissa..].strip_prefix(b"E").or_else(|| after[mantissa..].strip_prefix(b"e"));
    let exponent = exponent.map(|rest| rest.strip_prefix(b"+").unwrap_or(rest));
    is_one_digit && mantissa > 0 && exponent.is_some_and(|rest| digits(rest) > 0)
}

impl Columns {
    fn account(&self, record: &ByteRecord) -> Result<(AccountId, AccountOverrides), ParseError> {
        let cell = |column: usize| std::str::from_utf8(record.get(column).unwrap_or_default()).unwrap_or_default();
        let non_empty = |column: Option<usize>| column.map(cell).filter(|text| !text.is_empty());
        let id: AccountId = cell(self.id).parse().map_err(|error| {
            // A decimal comma has split a number that a spreadsheet rounded.
            let whole = format!("{},{}", cell(self.id), cell(self.id + 1));
            if is_decimal_comma(whole.as_bytes(), cell(self.id).len()) {
                whole.parse::<AccountId>().err().unwrap_or(error)
            } else {
                error
            }
        })?;
        let others = if self.has_header { 0..0 } else { 1..record.len() };
        if let Some(second) =
            others.filter_map(|column| cell(column).parse().ok()).find(|other: &AccountId| *other != id)
        {
            return Err(ParseError(format!(
                "there is a second account id, {second}: write one id a line, or begin with a header that names the column account_id"
            )));
        }
        if !self.has_header && (0..record.len()).any(|column| is_role_arn(cell(column))) {
            return Err(ParseError::new(
                "there is the ARN of a role, and no header says so: begin with the line account_id,role_arn",
            ));
        }
        let (role, external_id) = (non_empty(self.role), non_empty(self.external_id));
        if let Some(found) = role.and_then(account_in_arn).filter(|found| *found != id) {
            return Err(ParseError(format!("the role is in account {found}, and the line is about account {id}")));
        }
        // A full ARN is allowed here, because it applies only to this account. A template must not contain an account id, so a
        // placeholder replaces the id.
        let role = role.map(|text| text.replacen(&format!(":{id}:"), ":{account_id}:", 1).parse()).transpose()?;
        if external_id.is_some_and(|text| !is_external_id(text)) {
            return Err(ParseError::new("the external id is not 2 to 1224 letters, digits, and _+=,.@:/-"));
        }
        let external_id = external_id.map(|text| text.parse().expect("every text is a secret"));
        Ok((id, AccountOverrides { role, external_id }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(file: &str) -> Vec<String> {
        read(file.as_bytes()).unwrap().keys().map(ToString::to_string).collect()
    }

    fn refused(file: &[u8]) -> ParseError {
        read(file).err().expect("the file is wrong")
    }

    #[test]
    fn lists_and_csv_files_are_read() {
        let expected = ["000000000001", "000000000002"];
        for file in [
            "000000000001\n000000000002\n",
            "# ours\n\n000000000002\r\n  000000000001  \n000000000001",
            "\u{feff}000000000001\n000000000002",
            "account_id\n000000000001\n000000000002\n",
            "account_id,account_name\n000000000001,\"a, \"\"b\"\" c\"\n000000000002,#x\n",
            "name,ACCOUNT_ID\nx,000000000001\ny,000000000002\n",
            "account_id,payer\n000000000001,000000000100\n000000000002,000000000100\n",
            "Account;Owner\n000000000001;me\n000000000002;you\n",
            "Account Name,Account ID,OU Name\n\"prod\",000000000001,W\n\"test\",\"000000000002\",W\n",
            "id\n000000000001\n000000000002\n",
            "000000000001\tme\n000000000002\n",
            "000000000001;\"me, myself\"\n000000000002;you\n",
            "000000000001\tme; and you, too\n000000000002\n",
            "\"000000000001\";a,b\n000000000002;c\n",
            "000000000001,me\n000000000002,you,too\n,\n",
            "000000000001,000000000001\n000000000002,\n",
        ] {
            assert_eq!(ids(file), expected, "{file:?}");
        }
    }

    #[test]
    fn columns_set_the_role_and_the_external_id_of_single_accounts() {
        let targets = "aws_account_id,role_arn,external_id,name\n\
                       000000000001,arn:aws:iam::000000000001:role/token-version-setter,Xy7-rollout,prod\n";
        let named: Vec<AccountOverrides> = read(targets.as_bytes()).unwrap().into_values().collect();
        let role = named[0].role.as_ref().map(ToString::to_string);
        assert_eq!(role.as_deref(), Some("arn:aws:iam::{account_id}:role/token-version-setter"));
        assert_eq!(named[0].external_id.as_ref().map(Secret::reveal), Some("Xy7-rollout"));
        let file = "account_id,role,external_id\n\
                    000000000001,ops/Audit,team:1\n\
                    000000000002,arn:aws:iam::000000000002:role/R,\n\
                    000000000003,,\n";
        let named: Vec<AccountOverrides> = read(file.as_bytes()).unwrap().into_values().collect();
        let role = |index: usize| named[index].role.as_ref().map(ToString::to_string);
        assert_eq!(role(0).as_deref(), Some("ops/Audit"));
        assert_eq!(role(1).as_deref(), Some("arn:aws:iam::{account_id}:role/R"));
        assert_eq!(role(2), None);
        assert_eq!(named[0].external_id.as_ref().map(Secret::reveal), Some("team:1"));
        assert!(named[1].external_id.is_none() && named[2].external_id.is_none());
    }

    #[test]
    fn errors_name_the_line() {
        let line = |file: &str| refused(file.as_bytes()).to_string();
        assert!(line("000000000001\n12345678\n").starts_with("line 2: \"12345678\" has 8 digits"));
        assert!(line("# x\n\n1.23457E+11\n").starts_with("line 3: "));
        assert!(line("account_id,role\n000000000001,two words\n").starts_with("line 2: "));
        assert!(
            line("account_id,role\n000000000001,arn:aws:iam::000000000002:role/x\n")
                .ends_with("line 2: the role is in account 000000000002, and the line is about account 000000000001")
        );
        assert!(line("account_id,role\n000000000001,A\n000000000001,B\n").starts_with("line 3: account 000000000001"));
        assert!(line("account_id,owner\n000000000001,\"a\n000000000002,b\n").starts_with("line 2: a quoted cell"));
        assert!(line("\"00000002\"0000\n").ends_with("line 1: an id is quoted only in part"));
        let secret = line("external_id,account\nSECRET,000000000001\n");
        assert!(secret.starts_with("there is no column account_id; did you mean \"account\"?"), "{secret}");
        assert!(!secret.contains("SECRET"), "{secret}");
        for rounded in [
            "1,91521E+11;prod\n",
            "1,91521E+11\tprod\n",
            "1,91521E+11\n",
            "1,91521e+11,prod\n",
            "\"1,91521E+11\",prod\n",
            "account_id;name\n1,91521E+11;prod\n",
            "account_id,name\n1,91521E+11,prod\n",
            "1.91521E+11,prod\n",
        ] {
            let said = line(rounded);
            assert!(
                said.contains("before a spreadsheet rounded it") && said.contains("format the column as text"),
                "{said}"
            );
        }
        assert!(
            line("000000000001,arn:aws:iam::000000000001:role/R\n")
                .ends_with("begin with the line account_id,role_arn")
        );
        assert!(line("prod\n000000000001\n").starts_with("line 1: \"prod\" is not an account id"));
        for delimiter in [",", ";", "\t"] {
            let two = line(&format!("000000000001{delimiter}000000000002\n"));
            assert!(two.starts_with("line 1: there is a second account id, 000000000002"), "{two}");
        }
        assert_eq!(line("account_id,x,ACCOUNT_ID\n000000000001,x,000000000002\n"), "there are two columns account_id");
        let secret = line("account_id,external_id\n000000000001,hunter 2\n");
        assert!(secret.starts_with("line 2: ") && !secret.contains("hunter"), "{secret}");
    }

    #[test]
    fn other_files_are_refused() {
        for (file, expected) in [
            (&b""[..], EMPTY),
            (b"# nothing\n\n", EMPTY),
            (b"account_id,account_name\n", EMPTY),
            (b"{\"run\": {}}", "it is JSON: a text with one id a line is expected, or a CSV, such as the CSV report"),
            (b"\xff\xfe0\x000\x00", NOT_UTF8),
            (b"0\x000\x00", NOT_UTF8),
        ] {
            assert_eq!(refused(file), ParseError::new(expected), "{file:?}");
        }
    }
}
