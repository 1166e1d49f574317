//! The properties of journals, `run.json`, merged runs, and lists of accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::journal::{IntentState, Replay, RunId, RunInfo};
use crate::org::{Account, AccountAttributes, AccountId, TokenVersion, accounts_file as list};
use crate::report::merge::{self, LoadedRun};
use crate::rollout::{AccountError, Outcome, Record, Stage};

/// A replay has the intents of all complete lines, regardless of what follows these lines. A torn journal is read up to its torn line.
pub fn journal(bytes: &[u8]) {
    let path = Path::new("journal.jsonl");
    let Ok(replay) = Replay::of(bytes, path) else { return };
    let length = usize::try_from(replay.length).expect("it is a part of the bytes");
    let whole = &bytes[..length];
    assert_eq!(Replay::of(whole, path).as_ref(), Ok(&replay), "the torn line changes nothing");
    let known: BTreeSet<String> = replay.intents.keys().map(ToString::to_string).collect();
    assert_eq!(known, intended(whole), "every durable intent is known, and no other");
    for cut in [length / 4, length / 2, length - length / 4, length.saturating_sub(1)] {
        let earlier = Replay::of(&whole[..cut], path).expect("a torn end is no damage");
        assert!(earlier.length <= cut as u64 && earlier.intents.keys().all(|id| replay.intents.contains_key(id)));
        let line_end = whole[..cut].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let earlier: BTreeSet<String> = earlier.intents.keys().map(ToString::to_string).collect();
        assert_eq!(earlier, intended(&whole[..line_end]));
    }
    fits_together(&replay);
    let records = replay.records();
    assert_eq!(records.len(), replay.accounts.len(), "every account has one record");
    let targets = |failed| -> BTreeSet<AccountId> {
        replay.remaining(|_| failed).iter().flat_map(|wave| &wave.targets).map(|target| target.account).collect()
    };
    let (rest, with_failed) = (targets(false), targets(true));
    assert!(rest.is_subset(&with_failed));
    for target in &replay.targets {
        let open = replay.intents.get(&target.account).is_some_and(|intent| intent.state == IntentState::Open);
        assert!(!open || rest.contains(&target.account), "an open intent is continued");
    }
}

/// Checks that the lists of accounts and targets are complete, because a resume needs complete lists.
fn fits_together(replay: &Replay) {
    assert!(replay.ready || replay.intents.is_empty(), "nothing is set before the lists are complete");
    if !replay.ready {
        return;
    }
    let listed: BTreeSet<AccountId> = replay.accounts.iter().map(|account| account.id).collect();
    let to_visit: BTreeSet<AccountId> = replay.targets.iter().map(|target| target.account).collect();
    assert_eq!((listed.len(), to_visit.len()), (replay.accounts.len(), replay.targets.len()), "each is listed once");
    let recorded = replay.records.iter().map(|record| &record.account_id);
    let named = to_visit.iter().chain(recorded).chain(replay.intents.keys());
    assert!(named.clone().all(|id| listed.contains(id)), "every account is listed");
    for id in &listed {
        assert!(to_visit.contains(id) || replay.records.contains(*id), "{id} is a target or has a record");
    }
}

/// Returns the accounts with an intent, read from the lines without a replay.
fn intended(lines: &[u8]) -> BTreeSet<String> {
    let entries = lines.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok());
    let intents = entries.filter(|entry| entry["event"] == "intent");
    intents.map(|entry| entry["account_id"].as_str().expect("an intent names its account").to_owned()).collect()
}

/// `run.json` stays the same when it is read, written and read again.
pub fn run_json(bytes: &[u8]) {
    let Ok(info) = serde_json::from_slice::<RunInfo>(bytes) else { return };
    let written = serde_json::to_string(&info).expect("it has only string keys and finite numbers");
    let read: RunInfo = serde_json::from_str(&written).expect("what was written can be read");
    // Times are written in milliseconds, but can be more precise in the input, so the written texts are compared, and not the
    // values.
    assert_eq!(serde_json::to_string(&read).expect("as above"), written);
    let (Ok(()) | Err(_)) = info.settings.check();
    drop(info.settings.policy());
}

/// Reading a list of accounts returns only accounts that are in the file, or fails with a short message.
pub fn accounts_file(bytes: &[u8]) {
    match list::read(bytes) {
        Ok(accounts) => {
            let text = std::str::from_utf8(bytes).expect("anything else is refused");
            assert!(!accounts.is_empty());
            for id in accounts.keys() {
                assert!(text.contains(&id.to_string()), "{id} is in the file");
            }
        }
        Err(refused) => assert!(refused.to_string().len() < 4_096, "a message is not a copy of the file"),
    }
}

/// Merged runs have every account once, with its most informative record.
pub fn merge(bytes: &[u8]) {
    let runs = bytes.first().map_or(1, |byte| usize::from(byte % 4) + 1);
    let mut parts: Vec<BTreeMap<AccountId, Record>> = vec![BTreeMap::new(); runs];
    for (index, choice) in bytes.iter().skip(1).enumerate() {
        let id = format!("{:012}", choice & 0xf).parse::<AccountId>().expect("twelve digits");
        let outcome = Outcome::ALL[index % Outcome::ALL.len()];
        let code = ["OtherShard", "Suspended"][usize::from(choice >> 7)];
        // Each visit starts at a different time, so that it is clear which visit of an account is the last.
        let visited = !matches!(outcome, Outcome::Skipped | Outcome::NotAttempted);
        let in_doubt = outcome == Outcome::Unverified && index % 2 == 0;
        let started_at =
            (visited && !in_doubt).then(|| (SystemTime::UNIX_EPOCH + Duration::from_secs(index as u64)).into());
        let error = AccountError {
            stage: Stage::Select,
            error_code: code.into(),
            error_message: String::new(),
            hint: String::new(),
            denied_by: None,
        };
        let blank = Record::blank(id, TokenVersion::V2Token);
        let record = Record { outcome, started_at, error: Some(Box::new(error)), ..blank };
        parts[usize::from(choice >> 4) % runs].insert(id, record);
    }
    let exit_codes = [Some(0), Some(3), None, Some(5)];
    let first = super::text::run_info().run_id;
    let id_of_run = |number: usize| RunId::of_several(&vec![&first; number + 1]);
    let make = |order: &[usize]| {
        let part = |number: &usize| {
            let records: Vec<Record> = parts[*number].values().cloned().collect();
            let account = |record: &Record| Account {
                id: record.account_id,
                name: Box::default(),
                email: Box::default(),
                attributes: AccountAttributes::active_in(""),
                joined_at: None,
            };
            LoadedRun {
                info: RunInfo { run_id: id_of_run(*number), ..super::text::run_info() },
                accounts: records.iter().map(account).collect(),
                records,
                sentence: String::new(),
                exit_code: exit_codes[(number + bytes.len()) % 4],
                folder: None,
                unlisted: None,
                intents: BTreeMap::new(),
                visited_by_resume: BTreeMap::new(),
                length: 0,
                run_ids: None,
            }
        };
        merge::merge(order.iter().map(part).collect()).expect("there is a run")
    };
    let forwards: Vec<usize> = (0..runs).collect();
    let backwards: Vec<usize> = forwards.iter().rev().copied().collect();
    let merged = make(&forwards);
    let all: BTreeSet<AccountId> = parts.iter().flat_map(BTreeMap::keys).copied().collect();
    assert!(merged.accounts.iter().map(|account| account.id).eq(all), "every account is there once, by its id");
    assert_eq!(
        (merged.records.len(), merged.run_ids.as_ref().map(Vec::len)),
        (merged.accounts.len(), Some(merged.accounts.len()))
    );
    for (account, record) in merged.accounts.iter().zip(&merged.records) {
        let candidates: Vec<&Record> = parts.iter().filter_map(|part| part.get(&account.id)).collect();
        // If one run set the account and a later run read that back, the record is that of the first, with the outcome of both.
        let is_confirmed = |each: &&Record| {
            (each.outcome, record.outcome) == (Outcome::Unverified, Outcome::Changed)
                && each.started_at == record.started_at
        };
        let confirms = |each: &&Record| each.outcome == Outcome::Unchanged && each.started_at > record.started_at;
        let is_combined = candidates.iter().any(is_confirmed) && candidates.iter().any(confirms);
        assert!(candidates.contains(&record) || is_combined, "no record is made up");
        let last = |outcomes: &[Outcome]| {
            candidates.iter().filter(|each| outcomes.contains(&each.outcome)).filter_map(|each| each.started_at).max()
        };
        let doubted = candidates.iter().any(|each| each.outcome == Outcome::Unverified && each.started_at.is_none());
        let code = |each: &&Record| each.error.as_ref().map(|error| error.error_code.as_str() == "Suspended");
        let has_departed = candidates.iter().any(|each| each.outcome == Outcome::Skipped && code(each) == Some(true));
        let (set, read) = ([Outcome::Changed, Outcome::Unverified], [Outcome::Unchanged, Outcome::WouldChange]);
        match record.outcome {
            Outcome::Skipped if has_departed => {
                assert!(last(&set).is_none_or(|at| last(&read) > Some(at)) && !doubted, "what was set stays reported");
            }
            Outcome::Skipped | Outcome::NotAttempted => assert_eq!(last(&Outcome::ALL), None, "a visit says more"),
            Outcome::Failed => {
                let settled = last(&set).is_none_or(|at| last(&read).is_some_and(|later| later > at));
                assert!(settled && !doubted, "what was set stays reported");
            }
            Outcome::WouldChange | Outcome::Unchanged => {
                assert!(last(&read) > last(&set) && !doubted, "what was set stays reported");
            }
            Outcome::Changed | Outcome::Unverified => {}
        }
    }
    let again = make(&backwards);
    let told =
        |records: &[Record]| records.iter().map(|record| (record.account_id, record.outcome)).collect::<Vec<_>>();
    assert_eq!(told(&again.records), told(&merged.records), "the order of the runs does not matter");
    assert_eq!((again.exit_code, again.sentence), (merged.exit_code, merged.sentence));
    let ids: Vec<RunId> = (0..runs).map(id_of_run).collect();
    assert_eq!(merged.info.run_id, RunId::of_several(&ids.iter().collect::<Vec<_>>()));
}
