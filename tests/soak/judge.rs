//! This module owns the comparison of a report with the truth, account by account.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use v2token_simulator::{AccountTruth, TokenVersion, Truth};

/// A row of the report, by column name.
pub(crate) type Row = HashMap<String, String>;

/// How often a set that was accepted is read back.
const READ_BACKS: u32 = 7;

/// How much a run was ready to do for an account before it said that nobody knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) max_attempts: u32,
    pub(crate) account_timeout: Duration,
}

/// What is wrong with a report: at best, nothing. With `patience` it is also asked whether what is told to be unknown could have
/// been known; without, the run may have been killed in the middle, and nobody knows what died with it.
pub(crate) fn disagreements(
    before: &Truth,
    after: &Truth,
    rows: &BTreeMap<String, Row>,
    wanted: TokenVersion,
    patience: Option<Patience>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    if rows.len() != after.accounts.len() {
        wrong.push(format!("{} rows for {} accounts", rows.len(), after.accounts.len()));
    }
    for (before, after) in before.accounts.iter().zip(&after.accounts) {
        let Some(row) = rows.get(&after.id.to_string()) else {
            wrong.push(format!("{}: no row", after.id));
            continue;
        };
        let about = Account { row, before, after, wanted };
        let checks = [about.told_truly(), about.explained(), patience.map_or(Ok(()), |patience| about.known(patience))];
        for problem in checks.into_iter().filter_map(Result::err) {
            wrong.push(format!("{} is told {}: {problem}: {row:?} {after:?}", after.id, row["outcome"]));
        }
    }
    wrong
}

struct Account<'a> {
    row: &'a Row,
    before: &'a AccountTruth,
    after: &'a AccountTruth,
    wanted: TokenVersion,
}

type Checked = Result<(), &'static str>;

fn check(holds: bool, otherwise: &'static str) -> Checked {
    if holds { Ok(()) } else { Err(otherwise) }
}

impl Account<'_> {
    fn is_wanted(&self) -> bool {
        self.after.version == Some(self.wanted)
    }

    /// Whether a Set was carried out.
    fn was_set(&self) -> bool {
        self.after.sets_applied.len() > self.before.sets_applied.len()
    }

    /// Whether a Set was sent, whether it arrived or not.
    fn was_sent(&self) -> bool {
        let sent = |truth: &AccountTruth| truth.sets_received + truth.knowledge.sets_lost;
        sent(self.after) > sent(self.before)
    }

    /// No change that is not told, and nothing told that is not.
    fn told_truly(&self) -> Checked {
        match self.row["outcome"].as_str() {
            "changed" => check(self.was_set() && self.is_wanted(), "it was not set, or is not on the wanted version"),
            "unchanged" => check(self.is_wanted() && !self.was_sent(), "a set was sent, or it is on another version"),
            "unverified" => check(self.was_sent(), "no set was sent"),
            "failed" => check(!self.was_set(), "it was changed"),
            "would_change" | "skipped" | "not_attempted" => check(!self.was_sent(), "a set was sent"),
            _ => Err("there is no such outcome"),
        }
    }

    /// A cause where there is one, and none where there is none.
    fn explained(&self) -> Checked {
        let [stage, code, message, hint] =
            ["stage", "error_code", "error_message", "hint"].map(|name| !self.row[name].is_empty());
        match self.row["outcome"].as_str() {
            "failed" | "unverified" => check(stage && code && (message || hint), "it has no cause"),
            "skipped" => check(stage && code, "it has no cause"),
            "not_attempted" => Ok(()),
            _ => check(!stage && !code, "it has a cause"),
        }
    }

    /// `changed` was seen, `failed` is certain, and `unverified` is what nobody could know.
    fn known(&self, patience: Patience) -> Checked {
        let knowledge = &self.after.knowledge;
        let open = knowledge.set_may_have_worked(self.after.sets_received);
        let number = |name: &str| self.row[name].parse::<u64>().unwrap_or_default();
        match self.row["outcome"].as_str() {
            "changed" => check(knowledge.reads_that_showed > 0, "nobody has seen it"),
            // A refusal settles what an earlier try left open, where the version was read and has stayed as it was.
            "failed" => check(!open || knowledge.reads_since_set >= READ_BACKS, "it may have been changed"),
            "unverified" if !open => Err("every set was refused, so it was known"),
            "unverified" if knowledge.reads_that_showed > 0 => Err("the wanted version was shown, so it was known"),
            "unverified" => match self.row["error_code"].as_str() {
                "NotReadBack" | "VersionNotShown" => {
                    check(knowledge.reads_since_set >= READ_BACKS, "it was not read often enough")
                }
                "AccountTimeout" => {
                    let limit = u64::try_from(patience.account_timeout.as_millis()).unwrap_or(u64::MAX);
                    check(number("duration_ms") >= limit, "there was time left")
                }
                _ => check(number("attempts") >= u64::from(patience.max_attempts), "there were tries left"),
            },
            _ => Ok(()),
        }
    }
}
