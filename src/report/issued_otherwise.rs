//! The accounts for which the global STS endpoint issues another version than their setting says, in the summary, the Markdown report and
//! the page. Only `--verify token` finds them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::Report;
use crate::humanize::{count, thousands};
use crate::org::{Account, ObservedVersion, TokenVersion};
use crate::rollout::cause::without_ids;
use crate::rollout::{Record, Verify};
use crate::sanitize::for_terminal;

/// The number of accounts that are named in the summary and on the page.
const NAMED: usize = 5;

/// The number of reasons for which the issued version is not known that are given.
const REASONS: usize = 2;

/// The words of a visit's remark after which the reason comes.
const NOT_KNOWN: &str = "the version that the global endpoint issues is not known: ";

/// The accounts about which the global endpoint was asked.
#[derive(Debug, Default)]
pub(super) struct IssuedOtherwise<'a> {
    /// The accounts whose setting and issued version differ.
    accounts: Vec<(&'a Account, &'a Record)>,
    /// How many accounts get the version that their setting says.
    same: usize,
    /// How many accounts do not show their setting.
    without_setting: usize,
    /// For how many accounts the issued version is not known.
    unknown: usize,
    /// Why it is not known, without ids, and in how many accounts.
    reasons: BTreeMap<String, usize>,
}

impl<'a> IssuedOtherwise<'a> {
    /// Returns `None` if the global endpoint was not asked.
    pub(super) fn of(report: &Report<'a>) -> Option<Self> {
        if report.run.settings.verify != Verify::TokenSize {
            return None;
        }
        let mut all = Self::default();
        for (account, record) in report.accounts.iter().zip(report.records) {
            match (record.issued_version(), record.current_version) {
                _ if record.issued_token.is_none() => {}
                (None, _) => {
                    all.unknown += 1;
                    if let Some(reason) = reason(record) {
                        *all.reasons.entry(without_ids(&reason)).or_default() += 1;
                    }
                }
                (Some(_), None | Some(ObservedVersion::Unknown)) => all.without_setting += 1,
                (Some(issued), Some(setting)) if setting.shows(issued) => all.same += 1,
                (Some(_), Some(_)) => all.accounts.push((account, record)),
            }
        }
        (all.asked() > 0).then_some(all)
    }

    fn asked(&self) -> usize {
        self.accounts.len() + self.same + self.without_setting + self.unknown
    }

    /// Returns how many accounts differ, in one sentence without a full stop.
    pub(super) fn sentence(&self) -> String {
        let parts = [
            (self.accounts.len(), "another version than the setting says is issued in"),
            (self.same, "the version of the setting is issued in"),
            (self.without_setting, "no setting is shown beside the issued version in"),
            (self.unknown, "the issued version is not known in"),
        ];
        let parts = parts.into_iter().filter(|(accounts, _)| *accounts > 0);
        let parts: Vec<String> = parts.map(|(accounts, what)| format!("{what} {}", thousands(accounts))).collect();
        let asked = count(self.asked(), "account", "accounts");
        format!("The global endpoint was asked about {asked}: {}", parts.join(", "))
    }

    /// Returns the accounts that are named, each with its setting and what is issued.
    pub(super) fn named(&self) -> Vec<String> {
        let named = self.accounts.iter().take(NAMED).map(|(account, record)| {
            let name = if account.name.is_empty() { String::new() } else { format!(" ({})", account.name) };
            let setting = record.current_version.map_or("unknown", ObservedVersion::as_str);
            let issued = record.issued_version().map_or("unknown", TokenVersion::as_str);
            format!("{}{name}: the setting is {setting}, and {issued} is issued", account.id)
        });
        named.collect()
    }

    /// Returns the most frequent reasons for which the issued version is not known, with the number of accounts.
    pub(super) fn reasons(&self) -> Vec<String> {
        let mut sorted: Vec<(&String, usize)> = self.reasons.iter().map(|(reason, count)| (reason, *count)).collect();
        sorted.sort_by_key(|(_, accounts)| Reverse(*accounts));
        sorted.truncate(REASONS);
        let given: usize = sorted.iter().map(|(_, accounts)| accounts).sum();
        let line = |(reason, accounts): (&String, usize)| format!("not known in {}: {reason}", thousands(accounts));
        let mut lines: Vec<String> = sorted.into_iter().map(line).collect();
        let rest = self.unknown - given;
        if rest > 0 {
            lines.push(format!("not known in {} for other reasons", thousands(rest)));
        }
        lines
    }

    /// Returns the number of accounts that differ and are not named.
    pub(super) fn further(&self) -> usize {
        self.accounts.len().saturating_sub(NAMED)
    }
}

/// Returns why the issued version is not known. A change that is not proven has an error, and other visits have a remark.
fn reason(record: &Record) -> Option<String> {
    match &record.error {
        Some(error) => Some(format!("{}: {}", error.error_code.as_str(), error.error_message)),
        None => record.note.split_once(NOT_KNOWN).map(|(_, reason)| reason.to_owned()),
    }
}

/// Returns the section of the summary, or an empty text.
pub(super) fn summary(report: &Report<'_>) -> String {
    let Some(issued) = IssuedOtherwise::of(report) else { return String::new() };
    let mut text = format!("\n{}\n", issued.sentence());
    for line in issued.named() {
        text.push_str(&format!("  {}\n", for_terminal(&line)));
    }
    if issued.further() > 0 {
        text.push_str(&format!("  and {} more\n", thousands(issued.further())));
    }
    for line in issued.reasons() {
        text.push_str(&format!("  {}\n", for_terminal(&line)));
    }
    text
}
