//! The accounts of a plan in the summary: the one account of a run with its versions, and the first accounts that would change.

use std::collections::BTreeMap;

use super::Report;
use crate::org::Account;
use crate::rollout::{Mode, Outcome, Record};
use crate::sanitize::for_terminal;

/// The number of OUs that are shown, and the number of accounts that are named for each.
const NAMED: usize = 5;

/// The number of waves that are shown, and the number of accounts that are named for each.
const WAVES: usize = 8;
const IN_WAVE: usize = 3;

/// Returns the lines about single accounts, or an empty text.
pub(super) fn accounts(report: &Report<'_>) -> String {
    let pairs = || report.accounts.iter().zip(report.records);
    let mut selected = pairs().filter(|(_, record)| record.outcome != Outcome::Skipped);
    match (selected.next(), selected.next()) {
        (Some((account, record)), None) => one(account, record, report.run.settings.mode),
        _ if report.run.settings.mode == Mode::Plan => by_unit(pairs()) + &waves(pairs()),
        _ => String::new(),
    }
}

/// Returns the line about the only selected account, with its versions before and after.
fn one(account: &Account, record: &Record, mode: Mode) -> String {
    let Some(before) = record.previous_version.or(record.current_version) else { return String::new() };
    let (target, now) = (record.target_version, record.current_version.unwrap_or(before));
    let versions = match (record.outcome, mode) {
        (Outcome::WouldChange, _) => format!("{before} now, {target} after apply"),
        (Outcome::Unchanged, _) => format!("{now} already"),
        (Outcome::Changed, _) => format!("{before} before, {now} now"),
        (_, Mode::Plan) => format!("{now} now"),
        (_, Mode::Apply) => format!("{before} before"),
    };
    format!("\n{}: {versions}\n", named(account))
}

/// The accounts of an OU.
type Members<'a> = Vec<(&'a Account, &'a Record)>;

/// Returns the first accounts that would change, by the OU that they are in.
fn by_unit<'a>(pairs: impl Iterator<Item = (&'a Account, &'a Record)>) -> String {
    // By name, as readers look for an OU. Without names, by id.
    let mut units: BTreeMap<(&[String], &str), Members<'_>> = BTreeMap::new();
    for (account, record) in pairs.filter(|(_, record)| record.outcome == Outcome::WouldChange) {
        units
            .entry((&*account.attributes.ou_names, account.attributes.ou_path.as_ref()))
            .or_default()
            .push((account, record));
    }
    if units.is_empty() {
        return String::new();
    }
    let mut text = "\nWould change, by OU\n".to_owned();
    for ((names, path), accounts) in units.iter().take(NAMED) {
        let id = path.trim_end_matches('/').rsplit('/').next().filter(|id| !id.is_empty());
        let unit = match (id, names) {
            (Some(id), [_, ..]) => format!("{} ({id})", names.join("/")),
            (id, _) => id.unwrap_or("an OU that is not known").to_owned(),
        };
        let noun = if accounts.len() == 1 { "account" } else { "accounts" };
        text.push_str(&format!("\n  {} {noun} in {}\n", accounts.len(), for_terminal(&unit)));
        for (account, record) in accounts.iter().take(NAMED) {
            let before = record.previous_version.map_or("unknown", |version| version.as_str());
            text.push_str(&format!("    {}: {before}, would be {}\n", named(account), record.target_version));
        }
        if accounts.len() > NAMED {
            text.push_str(&format!("    and {} more\n", accounts.len() - NAMED));
        }
    }
    if units.len() > NAMED {
        let others = units.values().skip(NAMED).map(Vec::len).sum::<usize>();
        text.push_str(&format!("\n  and {others} in {} other OUs\n", units.len() - NAMED));
    }
    text
}

/// Returns the waves of an apply of the plan, each with its first accounts, or an empty text if the plan has none.
fn waves<'a>(pairs: impl Iterator<Item = (&'a Account, &'a Record)>) -> String {
    let mut waves: BTreeMap<u32, Vec<&Account>> = BTreeMap::new();
    for (account, record) in pairs.filter(|(_, record)| record.outcome == Outcome::WouldChange) {
        if let Some(wave) = record.wave {
            waves.entry(wave).or_default().push(account);
        }
    }
    if waves.is_empty() {
        return String::new();
    }
    let mut text = "\nWaves of an apply of this plan\n\n".to_owned();
    let width = waves.values().map(Vec::len).max().unwrap_or_default().to_string().len();
    for (wave, accounts) in waves.iter().take(WAVES) {
        let first: Vec<String> = accounts.iter().take(IN_WAVE).map(|account| named(account)).collect();
        let more = accounts.len().saturating_sub(IN_WAVE);
        let more = if more > 0 { format!(", and {more} more") } else { String::new() };
        let noun = if accounts.len() == 1 { "account: " } else { "accounts:" };
        text.push_str(&format!("  {wave}  {:>width$} {noun} {}{more}\n", accounts.len(), first.join(", ")));
    }
    if waves.len() > WAVES {
        text.push_str(&format!("  and {} more waves\n", waves.len() - WAVES));
    }
    text
}

fn named(account: &Account) -> String {
    match &*account.name {
        "" => account.id.to_string(),
        name => format!("{} ({})", account.id, for_terminal(name)),
    }
}
