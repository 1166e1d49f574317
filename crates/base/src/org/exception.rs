//! Exceptions: accounts that a run leaves out until a day, each with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::{Account, AccountId, ParseError, join};
use crate::serde_text::textual;
use crate::timestamp::rfc3339;

/// The number of characters of a day, such as `2026-12-31`.
const DAY_LENGTH: usize = 10;

/// A day in UTC. Days are ordered by time, because their texts have the same length.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Day(String);

impl Day {
    /// Returns the day of a time.
    pub fn of(time: SystemTime) -> Self {
        let mut text = rfc3339(time);
        text.truncate(DAY_LENGTH);
        Self(text)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Day {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let exists = text.len() == DAY_LENGTH && humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).is_ok();
        if exists { Ok(Self(text.to_owned())) } else { Err(ParseError::new("expected a day such as 2026-12-31")) }
    }
}

textual!(Day, ParseError);

/// Why an account is left out, and for how long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exception {
    /// The reason.
    pub reason: String,
    /// The last day of the exception; `None` if it has no end.
    pub until: Option<Day>,
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.until {
            Some(day) => write!(f, "left out by --exceptions until {day}: {}", self.reason),
            None => write!(f, "left out by --exceptions: {}", self.reason),
        }
    }
}

/// The exceptions of a run. The day on which the run started decides which of them hold, also if a later resume ends the run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exceptions {
    /// The accounts that are left out.
    pub in_force: BTreeMap<AccountId, Exception>,
    /// The accounts whose exceptions have ended. They are selected like any other account.
    pub ended: BTreeMap<AccountId, Exception>,
}

impl Exceptions {
    /// Divides exceptions into those that hold on a day and those that have ended. The last day of an exception belongs to it.
    pub fn on(day: &Day, all: BTreeMap<AccountId, Exception>) -> Self {
        let holds = |exception: &Exception| exception.until.as_ref().is_none_or(|until| until >= day);
        let (in_force, ended) = all.into_iter().partition(|(_, exception)| holds(exception));
        Self { in_force, ended }
    }

    /// Returns warnings about exceptions without effect: those of accounts that the Organization does not have, and those that
    /// have ended.
    pub fn warnings(&self, accounts: &[Account]) -> Vec<String> {
        let present: BTreeSet<AccountId> = accounts.iter().map(|account| account.id).collect();
        let named = self.in_force.keys().chain(self.ended.keys());
        let unknown: BTreeSet<&AccountId> = named.filter(|account| !present.contains(account)).collect();
        let ended: Vec<String> = (self.ended.iter())
            .filter(|(account, _)| present.contains(account))
            .filter_map(|(account, exception)| Some(format!("{account} on {}", exception.until.as_ref()?)))
            .collect();
        let mut warnings = Vec::new();
        if !unknown.is_empty() {
            warnings.push(format!("--exceptions: the Organization has no account {}", join(unknown.iter().copied())));
        }
        if !ended.is_empty() {
            let which = if ended.len() == 1 { "an exception has" } else { "exceptions have" };
            let accounts = if ended.len() == 1 { "the account is" } else { "the accounts are" };
            warnings.push(format!("--exceptions: {which} ended, and {accounts} no longer left out: {}", join(&ended)));
        }
        warnings
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::org::AccountAttributes;

    #[test]
    fn days_must_exist() {
        for right in ["2026-12-31", "2028-02-29", "2026-01-01"] {
            assert_eq!(right.parse::<Day>().unwrap().to_string(), right);
        }
        for wrong in [
            "",
            "2026",
            "2026-12",
            "2026-12-32",
            "2026-13-01",
            "2027-02-29",
            "2026-1-1",
            "31.12.2026",
            "12/31/2026",
            "20261231",
            "2026-12-31T00:00:00Z",
            "tomorrow",
            "2026-12-3é",
        ] {
            assert!(wrong.parse::<Day>().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_last_day_of_an_exception_belongs_to_it() {
        let account: AccountId = "000000000001".parse().unwrap();
        for (today, until, holds) in [
            ("2026-11-27T00:00:00Z", Some("2026-11-27"), true),
            ("2026-11-27T23:59:59Z", Some("2026-11-27"), true),
            ("2026-11-28T00:00:00Z", Some("2026-11-27"), false),
            ("2026-12-01T12:00:00Z", Some("2027-01-31"), true),
            ("2027-01-01T00:00:00Z", Some("2026-12-31"), false),
            ("2027-01-01T00:00:00Z", None, true),
        ] {
            let exception = Exception { reason: "why".to_owned(), until: until.map(|until| until.parse().unwrap()) };
            let today = Day::of(humantime::parse_rfc3339(today).unwrap());
            let Exceptions { in_force, ended } = Exceptions::on(&today, [(account, exception)].into());
            assert_eq!((in_force.len(), ended.len()), if holds { (1, 0) } else { (0, 1) }, "{today} {until:?}");
        }
    }

    #[test]
    fn exceptions_without_effect_are_named() {
        let id = |number: u64| -> AccountId { format!("{number:012}").parse().unwrap() };
        let accounts: Vec<Account> = (1..=20)
            .map(|number| Account {
                joined_at: None,
                id: id(number),
                name: Box::default(),
                email: Box::default(),
                attributes: AccountAttributes::active_in(""),
            })
            .collect();
        let warnings = |in_force: &[u64], ended: &[u64]| {
            let exception = |until: Option<&str>| Exception {
                reason: "why".to_owned(),
                until: until.map(|until| until.parse().unwrap()),
            };
            let in_force = in_force.iter().map(|number| (id(*number), exception(None))).collect();
            let ended = ended.iter().map(|number| (id(*number), exception(Some("2026-10-31")))).collect();
            Exceptions { in_force, ended }.warnings(&accounts)
        };
        assert!(warnings(&[1, 2], &[]).is_empty());
        assert_eq!(
            warnings(&[1, 31], &[30]),
            ["--exceptions: the Organization has no account 000000000030, 000000000031"]
        );
        assert_eq!(
            warnings(&[], &[3]),
            ["--exceptions: an exception has ended, and the account is no longer left out: 000000000003 on 2026-10-31"]
        );
        let many = warnings(&[31, 32, 33, 34, 35, 36, 37], &[1, 2, 3, 4, 5, 6]);
        assert!(many[0].ends_with("000000000034, 000000000035 and 2 more"), "{many:?}");
        assert!(many[1].contains("exceptions have ended, and the accounts are") && many[1].ends_with(" and 1 more"));
    }
}
