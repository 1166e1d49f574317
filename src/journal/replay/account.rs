//! Reads from a journal only what it says about one account.

use std::path::Path;
use std::sync::Arc;

use memchr::{memchr, memchr_iter, memmem, memrchr};

use super::{IntentState, Replay, ReplayFailed};
use crate::journal::Entry;
use crate::org::{Account, AccountId};
use crate::rollout::{Outcome, Record, explanation};

/// What a journal says about one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AccountReplay {
    /// The account as it was listed; `None` if it was not listed.
    pub account: Option<Account>,
    /// The records of the account in chronological order: one for each visit, or one that says why there was no visit.
    pub records: Vec<Record>,
}

impl AccountReplay {
    /// Parses the lines of a journal that contain the account id, and no other lines. This is faster than a whole replay, and it also
    /// reads a journal in which a line about another account is damaged.
    ///
    /// # Errors
    ///
    /// Returns an error if a line about the account is damaged, or if the journal has a newer format.
    pub(crate) fn of(journal: &[u8], id: AccountId, path: &Path) -> Result<Self, ReplayFailed> {
        let damaged = |start: usize, error: &serde_json::Error| ReplayFailed::Damaged {
            path: path.to_owned(),
            line: memchr_iter(b'\n', &journal[..start]).count() + 1,
            detail: error.to_string(),
        };
        let mut found = Self::default();
        let Some(first) = memchr(b'\n', journal) else { return Ok(found) };
        match serde_json::from_slice(&journal[..first]).map_err(|error| damaged(0, &error))? {
            Entry::Journal { format, version, .. } if format > Entry::FORMAT => {
                let (path, version) = (path.to_owned(), version.into_owned());
                return Err(ReplayFailed::Newer { path, version, format });
            }
            _ => {}
        }
        let text = id.to_string();
        // Replays the lines about this account.
        let mut replay = Replay::default();
        let mut end = first;
        for at in memmem::find_iter(journal, text.as_bytes()) {
            if at < end {
                continue;
            }
            let start = memrchr(b'\n', &journal[..at]).map_or(0, |before| before + 1);
            // A line without a line end was cut short.
            let Some(length) = memchr(b'\n', &journal[start..]) else { break };
            end = start + length;
            let entry: Entry<'_> =
                serde_json::from_slice(&journal[start..end]).map_err(|error| damaged(start, &error))?;
            match &entry {
                Entry::Account(account) if account.id == id => found.account = Some(account.clone().into_owned()),
                Entry::Target(target) if target.account == id => {}
                Entry::Intent { account_id, .. } if *account_id == id => {}
                Entry::Record(record) if record.account_id == id => found.add(record.clone().into_owned()),
                Entry::Explained { accounts, denied_by } if accounts.contains(&id) => {
                    let denied_by = denied_by.clone().map(|denied_by| Arc::new(denied_by.into_owned()));
                    if let Some(record) = found.records.last_mut() {
                        explanation::add_to(record, denied_by.as_ref(), accounts.len());
                    }
                }
                _ => continue,
            }
            replay.apply(entry);
        }
        let is_open = replay.intents.get(&id).is_some_and(|intent| intent.state == IntentState::Open);
        let is_told = replay.intents.get(&id).is_some_and(|intent| intent.is_recorded);
        if (is_open && !is_told) || (found.account.is_some() && found.records.is_empty()) {
            let inferred = replay.inferred(id, &replay.targets_by_account());
            found.add(inferred.or_else(|| replay.records.get(id).cloned()).expect("one of them is the record"));
        }
        Ok(found)
    }

    /// Adds a record. A visit replaces the note that the account was not visited before.
    fn add(&mut self, record: Record) {
        if self.records.last().is_some_and(|last| last.outcome == Outcome::NotAttempted) {
            self.records.pop();
        }
        self.records.push(record);
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::org::{AccountAttributes, ObservedVersion, TokenVersion};
    use crate::rollout::{AccountError, Stage};

    const V2: TokenVersion = TokenVersion::V2Token;

    fn id(number: u64) -> AccountId {
        format!("{number:012}").parse().expect("an id")
    }

    fn listed(number: u64) -> Entry<'static> {
        Entry::Account(Cow::Owned(Account {
            joined_at: None,
            id: id(number),
            name: "a".into(),
            email: Box::default(),
            attributes: AccountAttributes::active_in("o-a/r-b/"),
        }))
    }

    fn record(number: u64, outcome: Outcome) -> Entry<'static> {
        Entry::Record(Cow::Owned(Record { outcome, ..Record::blank(id(number), V2) }))
    }

    fn intent(number: u64) -> Entry<'static> {
        Entry::Intent {
            account_id: id(number),
            previous_version: ObservedVersion::V1Token,
            target_version: V2,
            at: None,
        }
    }

    fn explained(accounts: &[u64]) -> Entry<'static> {
        let accounts: Vec<AccountId> = accounts.iter().copied().map(id).collect();
        Entry::Explained { accounts: accounts.into(), denied_by: None }
    }

    fn journal(entries: &[Entry<'_>]) -> Vec<u8> {
        [Entry::head("r")].iter().chain(entries).flat_map(Entry::to_line).collect()
    }

    #[test]
    fn only_the_lines_about_the_account_count() {
        use Outcome::{Changed, Failed, NotAttempted, Unchanged, Unverified};
        let mentions = Record { note: format!("it follows {}", id(1)).into(), ..Record::blank(id(2), V2) };
        let mentions = || Entry::Record(Cow::Owned(mentions.clone()));
        let table: [(&[Entry<'_>], &[Outcome]); 11] = [
            (&[], &[]),
            (&[listed(2), record(2, Changed)], &[]),
            (&[listed(1)], &[NotAttempted]),
            (&[listed(1), mentions(), record(1, Unchanged)], &[Unchanged]),
            (&[listed(1), record(1, NotAttempted), intent(1), record(1, Changed)], &[Changed]),
            (&[listed(1), record(1, Failed), intent(1), record(1, Changed)], &[Failed, Changed]),
            (&[listed(1), intent(1)], &[Unverified]),
            (&[listed(1), intent(1), record(1, Unverified)], &[Unverified]),
            (&[listed(1), record(1, Failed), intent(1)], &[Failed, Unverified]),
            (&[listed(1), record(1, Failed), explained(&[2, 1])], &[Failed]),
            (&[listed(2), record(2, Failed), explained(&[2])], &[]),
        ];
        for (entries, outcomes) in table {
            let found = AccountReplay::of(&journal(entries), id(1), Path::new("x")).unwrap();
            let actual: Vec<Outcome> = found.records.iter().map(|record| record.outcome).collect();
            assert_eq!(actual, outcomes, "{entries:?}");
        }
    }

    #[test]
    fn an_explanation_is_added_to_the_record_before_it() {
        let denied = |number| {
            let error = AccountError {
                stage: Stage::Set,
                error_code: "AccessDenied".into(),
                error_message: String::new(),
                hint: "look".to_owned(),
                denied_by: None,
            };
            let record =
                Record { outcome: Outcome::Failed, error: Some(Box::new(error)), ..Record::blank(id(number), V2) };
            Entry::Record(Cow::Owned(record))
        };
        let entries = [listed(1), denied(1), explained(&[1]), denied(1)];
        let found = AccountReplay::of(&journal(&entries), id(1), Path::new("x")).unwrap();
        let hints: Vec<_> = found.records.iter().map(|record| record.error.clone().unwrap().hint).collect();
        assert!(hints[0].starts_with("look; allow iam:GetRequestAuthorizationDetails"), "{hints:?}");
        assert_eq!(hints[1], "look", "a later visit is not explained by it");
    }

    #[test]
    fn a_line_that_was_cut_short_is_ignored_and_a_damaged_line_is_named() {
        let whole = journal(&[listed(1), record(1, Outcome::Changed)]);
        let read = |bytes: &[u8]| AccountReplay::of(bytes, id(1), Path::new("x"));
        let cut = read(&whole[..whole.len() - 1]).unwrap();
        assert_eq!(cut.records[0].outcome, Outcome::NotAttempted);
        assert_eq!(read(b"").unwrap(), AccountReplay::default());
        let damaged = [&journal(&[listed(2)])[..], b"{\"event\":\"record\",\"account_id\":\"000000000001\"\n"].concat();
        let error = read(&damaged).unwrap_err().to_string();
        assert!(error.starts_with("line 3 of the journal x is damaged"), "{error}");
        let other = [&whole[..], b"{\"event\":\"record\",\"account_id\":\"000000000002\"\n"].concat();
        assert_eq!(read(&other).unwrap().records.len(), 1);
        let newer =
            String::from_utf8(whole).unwrap().replacen(&format!("\"format\":{}", Entry::FORMAT), "\"format\":9", 1);
        assert!(matches!(read(newer.as_bytes()), Err(ReplayFailed::Newer { format: 9, .. })));
    }
}
