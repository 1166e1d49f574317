//! This module owns a check: what it is about, how it came out, and what to do about it.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::org::AccountId;
use crate::sanitize::for_terminal;

/// What a check is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    /// Who the caller is, and by which way the accounts are entered.
    Identity,
    /// Whether this machine's clock is right.
    Clock,
    /// Which endpoints are used, and whether the Region's STS answers.
    Endpoints,
    /// Which Organization it is, and what the caller is in it.
    Organization,
    /// Which accounts there are, and which are selected.
    Accounts,
    /// Whether centralised root access is on.
    RootAccess,
    /// Whether an account can be entered, read and set.
    Account(AccountId),
    /// What pace the quotas allow, and how long the run will take.
    Pace,
}

impl Subject {
    /// The subject's name.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Clock => "clock",
            Self::Endpoints => "endpoints",
            Self::Organization => "organization",
            Self::Accounts => "accounts",
            Self::RootAccess => "root_access",
            Self::Account(_) => "account",
            Self::Pace => "pace",
        }
    }

    const fn account(self) -> Option<AccountId> {
        match self {
            Self::Account(id) => Some(id),
            Self::Identity
            | Self::Clock
            | Self::Endpoints
            | Self::Organization
            | Self::Accounts
            | Self::RootAccess
            | Self::Pace => None,
        }
    }
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nothing to do.
    Ok,
    /// The run would start; this is worth a look before.
    Warning,
    /// The run would fail, or this account would.
    Failure,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Ok, Self::Warning, Self::Failure];

    /// The status as a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failure => "failure",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Check {
    /// What it is about.
    pub subject: Subject,
    /// How it came out.
    pub status: Status,
    /// What was found.
    pub message: String,
    /// What to do; empty where there is nothing to do.
    pub advice: String,
}

impl Check {
    /// A check.
    pub(crate) fn new(subject: Subject, status: Status, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { subject, status, message: message.into(), advice: advice.into() }
    }

    /// A check that came out well.
    pub(crate) fn ok(subject: Subject, message: impl Into<String>) -> Self {
        Self::new(subject, Status::Ok, message, "")
    }
}

impl Check {
    /// The members that it has in JSON, separated by tabs; `None` where there is nothing.
    pub(crate) fn columns(&self) -> String {
        let account = self.subject.account().map(|id| id.to_string());
        let cells = [
            self.subject.as_str(),
            account.as_deref().unwrap_or(""),
            self.status.as_str(),
            &self.message,
            &self.advice,
        ];
        cells.map(|cell| if cell.is_empty() { "None".into() } else { for_terminal(cell) }).join("\t")
    }
}

/// As a line: status, subject, what was found, what to do.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = self.subject.account().map_or_else(|| self.subject.as_str().to_owned(), |id| id.to_string());
        write!(f, "{:<8} {subject:<13} {}", self.status, for_terminal(&self.message))?;
        if !self.advice.is_empty() {
            write!(f, "; {}", for_terminal(&self.advice))?;
        }
        Ok(())
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Line<'a> {
            check: &'static str,
            account_id: Option<AccountId>,
            status: Status,
            message: &'a str,
            advice: &'a str,
        }
        let Self { subject, status, message, advice } = self;
        Line { check: subject.as_str(), account_id: subject.account(), status: *status, message, advice }
            .serialize(serializer)
    }
}

/// All checks, in their order.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Checks {
    /// The worst of them.
    pub status: Option<Status>,
    /// The checks.
    pub checks: Vec<Check>,
}

impl Checks {
    /// Adds a check.
    pub(crate) fn add(&mut self, check: Check) {
        self.status = self.status.max(Some(check.status));
        self.checks.push(check);
    }

    /// Whether a check failed.
    pub(crate) fn failed(&self) -> bool {
        self.status == Some(Status::Failure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_one_line_and_the_worst_counts() {
        let id: AccountId = "000000000012".parse().unwrap();
        let mut checks = Checks::default();
        assert!(!checks.failed());
        for status in Status::ALL {
            checks.add(Check::new(Subject::Account(id), status, "two\nlines", "do"));
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
