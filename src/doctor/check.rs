//! The result of a check: its subject, its status, what was found, and what to do.

use std::fmt;

use serde::Serialize;

use crate::cloud::aws::ConnectError;
use crate::error::Error;
use crate::org::AccountId;
use crate::sanitize::for_terminal;
use crate::terminal::style::Paint;
use crate::text_enum::text_enum;

text_enum! {
    /// What a check is about.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
    #[serde(rename_all = "snake_case")]
    pub(crate) enum Subject {
        /// The caller, and the roles through which the accounts are entered.
        Identity = "identity",
        /// This machine's clock.
        Clock = "clock",
        /// The endpoints, and whether the Region's STS answers.
        Endpoints = "endpoints",
        /// The Organization, and the caller's place in it.
        Organization = "organization",
        /// The listed and the selected accounts.
        Accounts = "accounts",
        /// Centralized root access.
        RootAccess = "root_access",
        /// One account: whether it can be entered, read and set.
        Account = "account",
        /// The sizes of the tokens of the tested accounts.
        Tokens = "tokens",
        /// The role, if none of the tested accounts can be entered, or read, or set with it.
        Role = "role",
        /// The rate that the quotas allow, and the duration of the run.
        Pace = "pace",
    }
}

text_enum! {
    /// The result of a check in one word.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
    #[serde(rename_all = "snake_case")]
    pub enum Status {
        /// Nothing to do.
        Ok = "ok",
        /// The run would start, but the user should look at this check first.
        Warning = "warning",
        /// The run, or the visit of this account, would fail.
        Failure = "failure",
    }
}

impl Status {
    /// Returns the colour of the word.
    pub(crate) const fn paint(self) -> Paint {
        match self {
            Self::Ok => Paint::Good,
            Self::Warning => Paint::Warning,
            Self::Failure => Paint::Bad,
        }
    }
}

/// The result of a check.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    #[serde(rename = "check")]
    pub subject: Subject,
    /// The account; `None` if the check is not about one account.
    pub account_id: Option<AccountId>,
    pub status: Status,
    /// What was found.
    pub message: String,
    /// What to do; empty if there is nothing to do.
    pub advice: String,
}

impl Check {
    pub(crate) fn new(subject: Subject, status: Status, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { subject, account_id: None, status, message: message.into(), advice: advice.into() }
    }

    pub(crate) fn ok(subject: Subject, message: impl Into<String>) -> Self {
        Self::new(subject, Status::Ok, message, "")
    }

    pub(crate) fn warning(subject: Subject, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(subject, Status::Warning, message, advice)
    }

    pub(crate) fn failure(subject: Subject, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::new(subject, Status::Failure, message, advice)
    }

    /// Returns the failed check for an error that ended the checks.
    pub(crate) fn of_error(error: &Error) -> Self {
        let subject = match error {
            Error::Connect(ConnectError::Region(_) | ConnectError::NoRegion | ConnectError::Endpoint(_)) => {
                Subject::Endpoints
            }
            Error::Listing(_) => Subject::Organization,
            Error::Selection(_) => Subject::Accounts,
            _ => Subject::Identity,
        };
        Self::failure(subject, error.to_string(), error.hint())
    }

    /// Returns the line of `--output text`: the members of the JSON object, separated by tabs, with `None` for empty members.
    pub(crate) fn columns(&self) -> String {
        let account = self.account_id.map(|id| id.to_string()).unwrap_or_default();
        let cells = [self.subject.as_str(), &account, self.status.as_str(), &self.message, &self.advice];
        cells.map(|cell| if cell.is_empty() { "None".into() } else { for_terminal(cell) }).join("\t")
    }
}

/// The line of `--output table`: status, subject, what was found, and what to do.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.account_id.map_or_else(|| self.subject.as_str().to_owned(), |id| id.to_string());
        write!(f, "{:<8} {subject:<13} {}", self.status.as_str(), for_terminal(&self.message))?;
        if !self.advice.is_empty() {
            write!(f, "; {}", for_terminal(&self.advice))?;
        }
        Ok(())
    }
}

/// The results of all checks, in order.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Checks {
    /// The worst status.
    pub status: Option<Status>,
    pub checks: Vec<Check>,
}

impl Checks {
    pub(crate) fn add(&mut self, check: Check) {
        self.status = self.status.max(Some(check.status));
        self.checks.push(check);
    }

    pub(crate) fn failed(&self) -> bool {
        self.status == Some(Status::Failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_one_line_and_the_worst_status_counts() {
        let id: AccountId = "000000000012".parse().unwrap();
        let mut checks = Checks::default();
        assert!(!checks.failed());
        for status in Status::ALL {
            let check = Check::new(Subject::Account, status, "two\nlines", "do");
            checks.add(Check { account_id: Some(id), ..check });
            assert_eq!(checks.failed(), status == Status::Failure);
        }
        checks.add(Check::ok(Subject::Clock, "fine"));
        assert!(checks.failed());
        let line = checks.checks[1].to_string();
        assert!(line.starts_with("warning  000000000012  two") && line.ends_with("lines; do"), "{line}");
        assert!(!line.contains('\n'));
        let json = serde_json::to_value(&checks).unwrap();
        assert_eq!(json["status"], "failure");
        assert_eq!(json["checks"][0]["account_id"], "000000000012");
        assert_eq!(json["checks"][3]["check"], "clock");
    }
}
