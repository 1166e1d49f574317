//! Finds the columns of an accounts file: which one has the ids, and which ones have roles and external ids.
//!
//! A column that might be meant, but whose name is not known, is refused. If it were ignored, the run would visit other accounts, or
//! use another role, than the file says.

use csv::ByteRecord;

use super::super::{AccountId, ParseError};
use crate::suggest::nearest;

/// The usual spellings of `account_id`, without case and punctuation.
const ID: [&str; 4] = ["accountid", "awsaccountid", "accountnumber", "awsaccountnumber"];
/// A spelling that might stand for another id, so no other column may contain account ids.
const SHORT_ID: &str = "id";
/// The spellings of the column of the role.
const ROLE: [&str; 3] = ["role", "rolearn", "rolename"];
/// The spelling of the column of the external id.
const EXTERNAL_ID: &str = "externalid";
/// The column that every report of this program has, and whose roles are those of another run.
const REPORT_ROLE: &str = "role_arn";
/// Columns that only a report of this program has together.
const REPORT: [&str; 3] = ["outcome", "run_id", REPORT_ROLE];

/// What the cells of a column below the first line contain.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Content {
    /// Whether there is an account id.
    pub ids: bool,
    /// Whether there is the ARN of a role.
    pub roles: bool,
}

impl Content {
    /// Adds a line to the contents of the columns.
    pub(super) fn add(columns: &mut Vec<Self>, line: &ByteRecord) {
        columns.resize(columns.len().max(line.len()), Self::default());
        for (content, cell) in columns.iter_mut().zip(line) {
            let cell = std::str::from_utf8(cell).unwrap_or_default();
            content.ids |= cell.parse::<AccountId>().is_ok();
            content.roles |= is_role_arn(cell);
        }
    }
}

/// Whether the name of a column is a usual spelling of `account_id`.
pub(super) fn is_account_id(name: &str) -> bool {
    let plain = plain(name);
    plain == SHORT_ID || ID.contains(&plain.as_str())
}

/// Whether a cell is the ARN of a role in IAM.
pub(super) fn is_role_arn(cell: &str) -> bool {
    cell.starts_with("arn:") && cell.contains(":iam::") && cell.contains(":role/")
}

/// The positions of the columns.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub id: usize,
    pub role: Option<usize>,
    pub external_id: Option<usize>,
    pub has_header: bool,
}

/// The header of a file.
struct Header<'a> {
    names: Vec<&'a str>,
    contents: &'a [Content],
}

impl Columns {
    /// Finds the columns from the first line and from what is below it.
    pub(super) fn find(first: &ByteRecord, contents: &[Content]) -> Result<Self, ParseError> {
        let names: Vec<&str> = first.iter().map(|cell| std::str::from_utf8(cell).unwrap_or_default().trim()).collect();
        let header = Header { names, contents };
        if !header.is_header() {
            return Ok(Self { id: 0, role: None, external_id: None, has_header: false });
        }
        let is_report = REPORT.iter().all(|name| header.names.contains(name));
        let is_role = |name: &str| ROLE.contains(&plain(name).as_str()) && !(is_report && name == REPORT_ROLE);
        let role = header.only(is_role, "a role")?;
        let external_id = header.only(|name| plain(name) == EXTERNAL_ID, "an external id")?;
        let id = header.id()?;
        if [role, external_id].contains(&Some(id)) {
            return Err(ParseError::new("there is no column account_id"));
        }
        for (column, name) in header.names.iter().enumerate() {
            let is_used = column == id || [role, external_id].contains(&Some(column));
            let is_ignored = is_report && *name == REPORT_ROLE;
            if !is_used && !is_ignored {
                header.refuse_unknown(column, name)?;
            }
        }
        Ok(Self { id, role, external_id, has_header: true })
    }
}

impl Header<'_> {
    /// Whether the line is a header. A line of several columns, the first without a digit, is a header with other names, such as
    /// `Account, Owner`.
    fn is_header(&self) -> bool {
        let first = self.names.first().copied().unwrap_or_default();
        let has_other_names =
            self.names.len() > 1 && !first.is_empty() && !first.bytes().any(|byte| byte.is_ascii_digit());
        let has_id = self.names.iter().any(|name| name.parse::<AccountId>().is_ok());
        self.is_named_account_id() || has_other_names || (!has_id && self.names.iter().any(|name| is_account_id(name)))
    }

    fn is_named_account_id(&self) -> bool {
        self.names.iter().any(|name| name.eq_ignore_ascii_case("account_id"))
    }

    /// Returns the columns whose name fits.
    fn all(&self, fits: impl Fn(&str) -> bool) -> Vec<usize> {
        (0..self.names.len()).filter(|column| fits(self.names[*column])).collect()
    }

    /// Returns the only column whose name fits, or `None` if there is no such column.
    fn only(&self, fits: impl Fn(&str) -> bool, what: &str) -> Result<Option<usize>, ParseError> {
        match self.all(fits)[..] {
            [] => Ok(None),
            [column] => Ok(Some(column)),
            [one, other, ..] if self.names[one].eq_ignore_ascii_case(self.names[other]) => {
                Err(ParseError(format!("there are two columns {}", self.names[one].to_ascii_lowercase())))
            }
            [one, other, ..] => Err(ParseError(format!(
                "the columns {} and {} both name {what}: remove one of them",
                self.quote(one),
                self.quote(other)
            ))),
        }
    }

    /// Returns the column of the ids.
    fn id(&self) -> Result<usize, ParseError> {
        if self.is_named_account_id() {
            let named = self.only(|name| name.eq_ignore_ascii_case("account_id"), "the account id")?;
            return Ok(named.unwrap_or(0));
        }
        let has_ids = |column: usize| self.contents.get(column).is_some_and(|content| content.ids);
        let with_ids: Vec<usize> = (0..self.names.len()).filter(|column| has_ids(*column)).collect();
        let short = self.all(|name| plain(name) == SHORT_ID);
        match (&self.all(|name| ID.contains(&plain(name).as_str()))[..], &short[..], &with_ids[..]) {
            ([column], _, _) => Ok(*column),
            ([one, other, ..], _, _) | ([], _, [one, other, ..]) => Err(ParseError(format!(
                "no column is called account_id, and the columns {} and {} both may contain the ids: name one of them account_id",
                self.quote(*one),
                self.quote(*other)
            ))),
            ([], [column], [] | [_]) if with_ids.is_empty() || with_ids == [*column] => Ok(*column),
            ([], _, [] | [0]) => Ok(0),
            ([], _, [column]) => Err(ParseError(format!(
                "there is no column account_id; did you mean {}? Name it account_id",
                self.quote(*column)
            ))),
        }
    }

    /// Refuses a column that looks like one of a role or an external id, and is neither.
    fn refuse_unknown(&self, column: usize, name: &str) -> Result<(), ParseError> {
        let plain_name = plain(name);
        let is_near =
            |known: &str, limit| plain_name.len() + 2 >= known.len() && nearest(&plain_name, [known], limit).is_some();
        let has_roles = self.contents.get(column).is_some_and(|content| content.roles);
        let like_role = words(name).iter().any(|word| word == "role" || word == "roles" || word == "rolearn");
        if plain_name.contains(EXTERNAL_ID) || plain_name == "extid" || is_near(EXTERNAL_ID, 2) {
            return Err(ParseError(format!(
                "the column {} looks like an external id: name it external_id, or remove it",
                self.quote(column)
            )));
        }
        if like_role || has_roles || plain_name.contains("rolearn") || is_near("rolearn", 1) {
            return Err(ParseError(format!(
                "the column {} looks like a role: name it role_arn or role, or remove it",
                self.quote(column)
            )));
        }
        Ok(())
    }

    /// Returns the name of a column for a message.
    fn quote(&self, column: usize) -> String {
        let name: String = self.names[column].chars().take(40).collect();
        format!("{name:?}")
    }
}

/// Returns a name without case and punctuation, so that `Account ID` and `account_id` are equal.
fn plain(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns the words of a name in lower case. A capital letter after a small one begins a word, as in `crossAccountRole`.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for character in name.chars() {
        let begins = !character.is_alphanumeric() || (character.is_uppercase() && before.is_lowercase());
        before = character;
        if begins {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| character.is_alphanumeric()) {
            word.extend(character.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns of a file of a header and one line.
    fn found(header: &str, line: &str) -> Result<Columns, String> {
        let record = |text: &str| ByteRecord::from(text.split(',').collect::<Vec<_>>());
        let mut contents = Vec::new();
        Content::add(&mut contents, &record(line));
        Columns::find(&record(header), &contents).map_err(|error| error.to_string())
    }

    const ONE: &str = "000000000001";
    const TWO: &str = "000000000002";
    const ARN: &str = "arn:aws:iam::000000000001:role/R";

    #[test]
    fn the_usual_spellings_are_taken() {
        for name in
            ["account_id", "Account ID", "AccountId", "aws_account_id", "AWS Account ID", "id", "ID", "account-id"]
        {
            let columns = found(&format!("Name,{name},Owner"), &format!("prod,{ONE},me")).unwrap();
            assert_eq!((columns.id, columns.has_header), (1, true), "{name}");
            assert!(found(name, ONE).unwrap().has_header, "{name} alone");
        }
        for (name, is_role) in
            [("role", true), ("role_arn", true), ("RoleArn", true), ("Role ARN", true), ("owner", false)]
        {
            let columns = found(&format!("id,{name},external_id"), &format!("{ONE},R,x")).unwrap();
            assert_eq!((columns.role.is_some(), columns.external_id), (is_role, Some(2)), "{name}");
        }
        assert_eq!(found("Account,Owner", &format!("{ONE},me")).unwrap().id, 0, "the first column");
        assert_eq!(found("account_id,payer", &format!("{ONE},{TWO}")).unwrap().id, 0);
        assert_eq!(found("Payer,Account ID", &format!("{TWO},{ONE}")).unwrap().id, 1);
        assert!(
            !found(&format!("{ONE},id"), &format!("{TWO},x")).unwrap().has_header,
            "a line with an id is no header"
        );
    }

    #[test]
    fn columns_that_may_be_meant_are_refused() {
        for (header, line, says) in [
            (
                "payer,member",
                format!("{ONE},{TWO}"),
                "the columns \"payer\" and \"member\" both may contain the ids: name one",
            ),
            ("Id,Payer", format!("{ONE},{TWO}"), "the columns \"Id\" and \"Payer\""),
            ("Account ID,AWS Account ID", format!("{ONE},{TWO}"), "name one of them account_id"),
            ("Name,Acount", format!("prod,{ONE}"), "there is no column account_id; did you mean \"Acount\"?"),
            ("external_id,account", format!("x,{ONE}"), "there is no column account_id; did you mean \"account\"?"),
            ("account_id,x,ACCOUNT_ID", format!("{ONE},x,{TWO}"), "there are two columns account_id"),
            ("account_id,role,role_arn", format!("{ONE},R,R"), "\"role\" and \"role_arn\" both name a role"),
            ("account_id,assume_role", format!("{ONE},R"), "the column \"assume_role\" looks like a role"),
            ("account_id,CrossAccountRole", format!("{ONE},R"), "looks like a role: name it role_arn"),
            ("account_id,rolarn", format!("{ONE},R"), "looks like a role"),
            ("account_id,enter by", format!("{ONE},{ARN}"), "the column \"enter by\" looks like a role"),
            ("account_id,sts_external_id", format!("{ONE},x"), "looks like an external id: name it external_id"),
            ("account_id,extrenal_id", format!("{ONE},x"), "looks like an external id"),
            ("account_id,ExtId", format!("{ONE},x"), "looks like an external id"),
            ("id,external", format!("{ONE},x"), "looks like an external id"),
        ] {
            let refused = found(header, &line).expect_err(header);
            assert!(refused.contains(says), "{header}: {refused}");
        }
        for header in ["account_id,name,email", "account_id,payroll", "account_id,provider", "account_id,rule"] {
            let others = header.matches(',').count();
            assert!(found(header, &format!("{ONE}{}", ",x".repeat(others))).is_ok(), "{header}");
        }
    }

    #[test]
    fn the_roles_of_a_report_are_those_of_its_run() {
        let line = format!("{ONE},changed,{ARN},run");
        let columns = found("account_id,outcome,role_arn,run_id", &line).unwrap();
        assert_eq!(columns.role, None);
        assert_eq!(found("account_id,role_arn", &format!("{ONE},{ARN}")).unwrap().role, Some(1));
    }
}
