//! This module owns the files that name accounts: one id a line, or a CSV such as a report of this program.

use csv::{ByteRecord, ReaderBuilder};

use super::account::{AccountId, ParseAccountIdError};
use super::caller::account_in_arn;
use super::role::{ParseRoleTemplateError, RoleTemplate, is_external_id};
use crate::secret::Secret;

/// An account that a file names. It may hold an external id, so it can't be printed.
pub(crate) struct Named {
    /// The account.
    pub id: AccountId,
    /// The role in it, where the file has a column `role`.
    pub role: Option<RoleTemplate>,
    /// The external id that this role asks for, where the file has a column `external_id`.
    pub external_id: Option<Secret>,
}

impl Named {
    /// What two places say of one account together; `None` where they contradict each other.
    pub(crate) fn with(self, other: Self) -> Option<Self> {
        let differ = |one: bool, other: bool, same: bool| one && other && !same;
        if differ(self.role.is_some(), other.role.is_some(), self.role == other.role)
            || differ(self.external_id.is_some(), other.external_id.is_some(), self.external_id == other.external_id)
        {
            return None;
        }
        Some(Self { id: self.id, role: self.role.or(other.role), external_id: self.external_id.or(other.external_id) })
    }
}

/// The file can't be used. No message repeats more of it than what stands in the place of an account id or of a role.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AccountsFileError {
    /// It is not text in UTF-8.
    #[error("it is not UTF-8: save it as CSV in UTF-8")]
    NotUtf8,
    /// It is JSON.
    #[error("it is JSON: a text with one id a line is expected, or a CSV, such as the CSV report")]
    Json,
    /// A line has no usable id.
    #[error("line {line}: {cause}")]
    Id {
        /// The line, from 1.
        line: u64,
        /// Why not.
        cause: ParseAccountIdError,
    },
    /// A line has no usable role.
    #[error("line {line}: {cause}")]
    Role {
        /// The line, from 1.
        line: u64,
        /// Why not.
        cause: ParseRoleTemplateError,
    },
    /// A line has an ARN of a role in another account.
    #[error("line {line}: the role is in account {found}, and the line is about account {id}")]
    Elsewhere {
        /// The line, from 1.
        line: u64,
        /// The account that the line is about.
        id: AccountId,
        /// The account in the ARN.
        found: AccountId,
    },
    /// A line has no usable external id, which is not repeated.
    #[error("line {line}: the external id is not 2 to 1224 letters, digits, and _+=,.@:/-")]
    ExternalId {
        /// The line, from 1.
        line: u64,
    },
    /// A cell goes over several lines, most likely because its closing quote is missing.
    #[error(
        "line {line}: a quoted cell goes on in the next line: its closing quote is missing, or it holds a line end"
    )]
    OverLines {
        /// The line, from 1.
        line: u64,
    },
    /// There is a header, and it names no column for the ids.
    #[error("there is no column account_id")]
    NoIdColumn,
    /// There is a header, and it names a column twice.
    #[error("there are two columns {0}")]
    Twice(&'static str),
    /// There is no header, and a line has a second id, which would be left out.
    #[error(
        "line {line}: there is a second account id, {id}: write one id a line, or begin with a header that names the column account_id"
    )]
    SecondId {
        /// The line, from 1.
        line: u64,
        /// The second id.
        id: AccountId,
    },
    /// Two lines say different things of one account.
    #[error("line {line}: account {id} stands in an earlier line with another role or external id")]
    Contradiction {
        /// The line, from 1.
        line: u64,
        /// The account.
        id: AccountId,
    },
    /// It can't be read as CSV.
    #[error("it can't be read as CSV: {0}")]
    Csv(String),
    /// There is no account in it.
    #[error("it names no account")]
    Empty,
}

/// Reads the accounts that a file names.
///
/// Lines that start with `#` are comments. Where the first line has no id in its first column it is a header, and the column
/// `account_id` holds the ids, or else the first column; `role` and `external_id` may say more of single accounts. Columns are
/// separated by commas, semicolons or tabs, whichever comes first in the first line.
///
/// # Errors
///
/// At the first line that can't be used: nothing is left out in silence.
pub(crate) fn read(file: &[u8]) -> Result<Vec<Named>, AccountsFileError> {
    let text = std::str::from_utf8(file).map_err(|_| AccountsFileError::NotUtf8)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains('\0') {
        return Err(AccountsFileError::NotUtf8);
    }
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#'));
    let Some(first) = first else { return Err(AccountsFileError::Empty) };
    if first.starts_with(['{', '[']) {
        return Err(AccountsFileError::Json);
    }
    let delimiter = delimiter(first);
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .comment(Some(b'#'))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut columns: Option<Columns> = None;
    let mut found: std::collections::BTreeMap<AccountId, Named> = std::collections::BTreeMap::new();
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(|error| AccountsFileError::Csv(error.to_string()))? {
        let line = || line_at(text, record.position().map_or(0, csv::Position::byte));
        if record.iter().all(<[u8]>::is_empty) {
            continue;
        }
        if record.iter().any(|cell| cell.contains(&b'\n')) {
            return Err(AccountsFileError::OverLines { line: line() });
        }
        if columns.is_none() {
            let (found, is_header) = Columns::of(&record)?;
            columns = Some(found);
            if is_header {
                continue;
            }
        }
        let columns = columns.as_ref().expect("the first line has just set them");
        let named = columns.account(&record).map_err(|refusal| refusal.at(line()))?;
        let id = named.id;
        // The reader puts a cell together from what is quoted in it and what is not.
        let place = |position: &csv::Position| usize::try_from(position.byte()).ok();
        let row = record.position().and_then(|from| text.get(place(from)?..place(reader.position())?));
        if !row.is_some_and(|row| row.contains(&id.to_string())) {
            return Err(AccountsFileError::Csv(format!("line {}: an id is quoted only in part", line())));
        }
        let merged = match found.remove(&id) {
            None => named,
            Some(earlier) => {
                earlier.with(named).ok_or_else(|| AccountsFileError::Contradiction { line: line(), id })?
            }
        };
        found.insert(id, merged);
    }
    if found.is_empty() { Err(AccountsFileError::Empty) } else { Ok(found.into_values().collect()) }
}

/// What stands behind the first cell. In quotes, and further on, there may be any of them.
fn delimiter(first: &str) -> u8 {
    let mut quoted = false;
    let outside = |byte: &u8| {
        quoted ^= *byte == b'"';
        !quoted && b",;\t".contains(byte)
    };
    first.bytes().find(outside).unwrap_or(b',')
}

/// The line of a record. The reader knows only where the record before it ended, and skips comments and empty lines from there.
fn line_at(text: &str, byte: u64) -> u64 {
    let (before, after) = text.split_at(usize::try_from(byte).unwrap_or(0).min(text.len()));
    let skipped = after.lines().take_while(|line| line.is_empty() || line.starts_with('#')).count();
    1 + (before.matches('\n').count() + skipped) as u64
}

/// What is wrong with a line.
enum Refusal {
    Id(ParseAccountIdError),
    Role(ParseRoleTemplateError),
    Elsewhere { id: AccountId, found: AccountId },
    ExternalId,
    SecondId(AccountId),
}

impl Refusal {
    fn at(self, line: u64) -> AccountsFileError {
        match self {
            Self::Id(cause) => AccountsFileError::Id { line, cause },
            Self::Role(cause) => AccountsFileError::Role { line, cause },
            Self::Elsewhere { id, found } => AccountsFileError::Elsewhere { line, id, found },
            Self::ExternalId => AccountsFileError::ExternalId { line },
            Self::SecondId(id) => AccountsFileError::SecondId { line, id },
        }
    }
}

/// Where the values stand.
struct Columns {
    id: usize,
    role: Option<usize>,
    external_id: Option<usize>,
    /// A header says so.
    named: bool,
}

impl Columns {
    /// The columns by the first line, and whether that line is a header.
    fn of(first: &ByteRecord) -> Result<(Self, bool), AccountsFileError> {
        let position = |name: &str| first.iter().position(|cell| cell.eq_ignore_ascii_case(name.as_bytes()));
        let cell = first.get(0).unwrap_or_default();
        // Several columns of which the first has no digit: a header in words of its own, such as "Account, Owner".
        let worded = first.len() > 1 && !cell.is_empty() && !cell.iter().any(u8::is_ascii_digit);
        let id = position("account_id");
        let is_header = id.is_some() || worded;
        let named = |name| if is_header { position(name) } else { None };
        let columns =
            Self { id: id.unwrap_or(0), role: named("role"), external_id: named("external_id"), named: is_header };
        let times = |name: &str| first.iter().filter(|cell| cell.eq_ignore_ascii_case(name.as_bytes())).count();
        if let Some(name) = ["account_id", "role", "external_id"].into_iter().find(|name| is_header && times(name) > 1)
        {
            return Err(AccountsFileError::Twice(name));
        }
        if id.is_none() && [columns.role, columns.external_id].contains(&Some(0)) {
            return Err(AccountsFileError::NoIdColumn);
        }
        Ok((columns, is_header))
    }

    fn account(&self, record: &ByteRecord) -> Result<Named, Refusal> {
        let cell = |column: usize| std::str::from_utf8(record.get(column).unwrap_or_default()).unwrap_or_default();
        let given = |column: Option<usize>| column.map(cell).filter(|text| !text.is_empty());
        let id: AccountId = cell(self.id).parse().map_err(Refusal::Id)?;
        let mut others = (1..record.len()).filter_map(|column| cell(column).parse().ok());
        if let Some(second) = others.find(|other| !self.named && *other != id) {
            return Err(Refusal::SecondId(second));
        }
        if let Some(found) = given(self.role).and_then(account_in_arn).filter(|found| *found != id) {
            return Err(Refusal::Elsewhere { id, found });
        }
        // An ARN may stand here as it is, because it is for this account only.
        let role = given(self.role).map(|text| text.replacen(&format!(":{id}:"), ":{account_id}:", 1).parse());
        let role = role.transpose().map_err(Refusal::Role)?;
        let external_id = match given(self.external_id) {
            Some(text) if !is_external_id(text) => return Err(Refusal::ExternalId),
            Some(text) => Some(text.parse().expect("every text is a secret")),
            None => None,
        };
        Ok(Named { id, role, external_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(file: &str) -> Vec<String> {
        read(file.as_bytes()).unwrap().iter().map(|named| named.id.to_string()).collect()
    }

    fn refused(file: &[u8]) -> AccountsFileError {
        read(file).err().expect("the file is wrong")
    }

    #[test]
    fn lists_and_tables_of_every_make_are_read() {
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
    fn single_accounts_may_have_a_role_and_an_external_id_of_their_own() {
        let file = "account_id,role,external_id\n\
                    000000000001,ops/Audit,team:1\n\
                    000000000002,arn:aws:iam::000000000002:role/R,\n\
                    000000000003,,\n";
        let named = read(file.as_bytes()).unwrap();
        let role = |index: usize| named[index].role.as_ref().map(ToString::to_string);
        assert_eq!(role(0).as_deref(), Some("ops/Audit"));
        assert_eq!(role(1).as_deref(), Some("arn:aws:iam::{account_id}:role/R"));
        assert_eq!(role(2), None);
        assert_eq!(named[0].external_id.as_ref().map(Secret::reveal), Some("team:1"));
        assert!(named[1].external_id.is_none() && named[2].external_id.is_none());
    }

    #[test]
    fn what_is_wrong_is_named_by_its_line() {
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
        assert_eq!(secret, "there is no column account_id");
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
    fn what_is_no_such_file_is_refused() {
        for (file, expected) in [
            (&b""[..], AccountsFileError::Empty),
            (b"# nothing\n\n", AccountsFileError::Empty),
            (b"account_id,account_name\n", AccountsFileError::Empty),
            (b"{\"run\": {}}", AccountsFileError::Json),
            (b"\xff\xfe0\x000\x00", AccountsFileError::NotUtf8),
            (b"0\x000\x00", AccountsFileError::NotUtf8),
        ] {
            assert_eq!(refused(file), expected, "{file:?}");
        }
    }
}
