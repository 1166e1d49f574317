//! Compares a report with the truth, account by account.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use v2token_simulator::{AccountTruth, TokenVersion, Truth};

/// A row of the report, by column name.
pub(crate) type Row = HashMap<String, String>;

/// How often an accepted Set is read back.
const READ_BACKS: u32 = 7;

/// The limits after which a run may report an account as unverified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) max_attempts: u32,
    pub(crate) account_timeout: Duration,
}

/// Returns the disagreements between a report and the truth. With `limits`, an account may be reported as unverified only if the
/// run could not have known better; without, the run may have been killed, and what it knew is lost.
pub(crate) fn disagreements(
    before: &Truth,
    after: &Truth,
    rows: &BTreeMap<String, Row>,
    wanted: TokenVersion,
    limits: Option<Limits>,
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
        let checks = [
            about.matches_the_truth(),
            about.has_a_cause(),
            limits.map_or(Ok(()), |limits| about.is_justified(limits)),
        ];
        for problem in checks.into_iter().filter_map(Result::err) {
            wrong.push(format!("{} is reported as {}: {problem}: {row:?} {after:?}", after.id, row["outcome"]));
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

    /// Whether a Set took effect.
    fn was_set(&self) -> bool {
        self.after.sets_applied.len() > self.before.sets_applied.len()
    }

    /// Whether a Set was sent, also if it was lost.
    fn was_sent(&self) -> bool {
        let sent = |truth: &AccountTruth| truth.sets_received + truth.knowledge.sets_lost;
        sent(self.after) > sent(self.before)
    }

    /// Checks that every change is reported, and nothing else.
    fn matches_the_truth(&self) -> Checked {
        match self.row["outcome"].as_str() {
            "changed" => check(self.was_set() && self.is_wanted(), "it was not set, or is not on the wanted version"),
            "unchanged" => check(self.is_wanted() && !self.was_sent(), "a set was sent, or it is on another version"),
            "unverified" => check(self.was_sent(), "no set was sent"),
            "failed" => check(!self.was_set(), "it was changed"),
            "would_change" | "skipped" | "not_attempted" => check(!self.was_sent(), "a set was sent"),
            _ => Err("there is no such outcome"),
        }
    }

    /// Checks that failed, unverified and skipped accounts have a cause, and the others none.
    fn has_a_cause(&self) -> Checked {
        let [stage, code, message, hint] =
            ["stage", "error_code", "error_message", "hint"].map(|name| !self.row[name].is_empty());
        match self.row["outcome"].as_str() {
            "failed" | "unverified" => check(stage && code && (message || hint), "it has no cause"),
            "skipped" => check(stage && code, "it has no cause"),
            "not_attempted" => Ok(()),
            _ => check(!stage && !code, "it has a cause"),
        }
    }

    /// Checks that `changed` was read back, `failed` is certain, and `unverified` could not have been settled.
    fn is_justified(&self, limits: Limits) -> Checked {
        let knowledge = &self.after.knowledge;
        let open = knowledge.set_may_have_taken_effect(self.after.sets_received);
        let number = |name: &str| self.row[name].parse::<u64>().unwrap_or_default();
        match self.row["outcome"].as_str() {
            "changed" => check(knowledge.reads_showing_wanted > 0, "no read has shown it"),
            // After a refusal, reads that show the old version settle what an earlier try left open.
            "failed" => check(!open || knowledge.reads_since_set >= READ_BACKS, "it may have been changed"),
            "unverified" if !open => Err("every set was refused, so it was certain"),
            "unverified" if knowledge.reads_showing_wanted > 0 => {
                Err("a read showed the wanted version, so it was certain")
            }
            "unverified" => match self.row["error_code"].as_str() {
                "NotReadBack" | "VersionNotShown" => {
                    check(knowledge.reads_since_set >= READ_BACKS, "it was not read often enough")
                }
                "AccountTimeout" => {
                    let limit = u64::try_from(limits.account_timeout.as_millis()).unwrap_or(u64::MAX);
                    check(number("duration_ms") >= limit, "there was time left")
                }
                _ => check(number("attempts") >= u64::from(limits.max_attempts), "there were tries left"),
            },
            _ => Ok(()),
        }
    }
}
