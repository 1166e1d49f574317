//! Tests the properties with generated input, and with mutations of the fuzz targets' seeds.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::{Duration, SystemTime};

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::cloud::AccessMethod;
use crate::cloud::authorization::PolicyType;
use crate::journal::{Entry, Replay};
use crate::org::exception::Exception;
use crate::org::{Account, AccountAttributes, AccountId, AccountState, ObservedVersion, TokenVersion, UnitId};
use crate::rollout::denied_by::{DenialEffect, DeniedBy, DenyingPolicy};
use crate::rollout::{AccountError, IssuedToken, Outcome, Provenance, Record, Stage, Target, Verified};
use crate::timestamp::Milliseconds;

/// Texts with a meaning for terminals, spreadsheets, Markdown, HTML, JSON or XML.
const SPECIAL: [&str; 24] = [
    "",
    " ",
    "=1+1",
    "+",
    "-",
    "@x",
    "\t=1",
    "'",
    "\"",
    ",",
    "\n",
    "\r\n",
    "\u{1b}[2J",
    "\u{202e}",
    "\u{feff}",
    "`",
    "|",
    "\\",
    "</script>",
    "<!--",
    "]]>",
    "&lt;",
    "\u{0}",
    "﹦",
];

fn texts() -> impl Strategy<Value = String> {
    let piece =
        prop_oneof![select(&SPECIAL[..]).prop_map(str::to_owned), "\\PC{0,6}", any::<char>().prop_map(String::from)];
    vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn ids() -> impl Strategy<Value = AccountId> {
    // There are few ids, so that accounts repeat.
    (0_u64..6).prop_map(|number| format!("{number:012}").parse::<AccountId>().unwrap())
}

fn versions() -> impl Strategy<Value = TokenVersion> {
    select(&[TokenVersion::V1Token, TokenVersion::V2Token][..])
}

fn readings() -> impl Strategy<Value = ObservedVersion> {
    select(&[ObservedVersion::V1Token, ObservedVersion::V2Token, ObservedVersion::Unknown][..])
}

fn accounts() -> impl Strategy<Value = Account> {
    let states = prop_oneof![
        select(&["PENDING_ACTIVATION", "ACTIVE", "SUSPENDED", "PENDING_CLOSURE", "CLOSED", ""][..])
            .prop_map(str::to_owned),
        texts(),
    ];
    (ids(), texts(), texts(), states, texts(), any::<bool>()).prop_map(|(id, name, email, state, ou_path, invited)| {
        Account {
            id,
            name: name.into(),
            email: email.into(),
            attributes: AccountAttributes {
                state: AccountState::from_api(Some(&state), None),
                ou_path: ou_path.into(),
                invited,
                ou_names: Vec::new(),
            }
            .into(),
            joined_at: None,
        }
    })
}

fn targets() -> impl Strategy<Value = Target> {
    let role = |text: String| AccessMethod::Role(text.into());
    let root = |text: String| AccessMethod::Root(text.into());
    let ways = prop_oneof![Just(AccessMethod::Own), texts().prop_map(role), texts().prop_map(root)];
    let pasts = prop_oneof![
        Just(Provenance::None),
        readings().prop_map(Provenance::Intended),
        (versions(), any::<bool>(), readings()).prop_map(|(to, certain, before)| Provenance::Set {
            to,
            certain,
            before
        }),
    ];
    (option::of(any::<u32>()), ids(), ways, any::<bool>(), any::<bool>(), versions(), pasts).prop_map(
        |(wave, account, access, management, invited, wanted, provenance)| Target {
            wave: wave.and_then(NonZeroU32::new),
            account,
            access,
            management,
            invited,
            wanted,
            provenance,
        },
    )
}

fn records() -> impl Strategy<Value = Record> {
    let troubles =
        (select(&Stage::ALL[..]), texts(), texts(), texts()).prop_map(|(stage, error_code, error_message, hint)| {
            AccountError { stage, error_code: error_code.into(), error_message, hint, denied_by: None }
        });
    let read = (option::of(readings()), versions(), option::of(readings()), option::of(select(&Verified::ALL[..])));
    let calls = (option::of(texts()), any::<u32>(), any::<u32>(), option::of(any::<u32>()), texts(), texts());
    let times = (option::of(0_u64..4_000_000_000_000), option::of(0_u64..u64::from(u32::MAX)));
    let until = select(vec![None, Some("2026-12-31")]).prop_map(|day| day.map(|day| day.parse().unwrap()));
    let exceptions = (texts(), until).prop_map(|(reason, until)| Box::new(Exception { reason, until }));
    let sizes = (option::of(versions()), option::of(any::<u32>()), option::of(any::<u32>()));
    let tokens = sizes.prop_map(|(version, regional_size, global_size)| {
        Box::new(IssuedToken { version, regional_size, global_size })
    });
    let notes = (texts(), option::of(exceptions), option::of(tokens));
    (ids(), select(&Outcome::ALL[..]), read, option::of(troubles), notes, calls, times).prop_map(
        |(account_id, outcome, read, error, (note, exception, issued_token), calls, times)| Record {
            account_id,
            outcome,
            previous_version: read.0,
            target_version: read.1,
            current_version: read.2,
            verified: read.3,
            issued_token,
            error: error.map(Box::new),
            note: note.into(),
            impact: None,
            exception,
            request_id: calls.0.map(Into::into),
            attempts: calls.1,
            throttled: calls.2,
            wave: calls.3,
            role_arn: (!calls.4.is_empty()).then(|| calls.4.into()),
            sts_endpoint: calls.5.into(),
            started_at: times
                .0
                .map(|milliseconds| (SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds)).into()),
            duration: times.1.map(Milliseconds::from),
        },
    )
}

fn units() -> impl Strategy<Value = UnitId> {
    select(vec!["r-ab12", "ou-ab12-one00000", "ou-ab12-two00000"]).prop_map(|id| id.parse().expect("an id"))
}

fn explanations() -> impl Strategy<Value = Entry<'static>> {
    let policies = (option::of(texts()), option::of(texts()), vec(texts(), 0..3), any::<bool>()).prop_map(
        |(id, name, statements, inline)| DenyingPolicy {
            policy_type: PolicyType::ServiceControlPolicy,
            arn: id.clone(),
            id,
            name,
            inline,
            attached_to: statements.clone(),
            statements,
        },
    );
    let denied_by = (texts(), ids(), vec(policies, 0..3)).prop_map(|(action, asked_about, policies)| {
        Cow::Owned(DeniedBy { effect: DenialEffect::ExplicitDeny, action, asked_about, policies })
    });
    (vec(ids(), 1..3), option::of(denied_by))
        .prop_map(|(accounts, denied_by)| Entry::Explained { accounts: accounts.into(), denied_by })
}

fn entries() -> impl Strategy<Value = Entry<'static>> {
    let intents = (ids(), readings(), versions()).prop_map(|(account_id, previous_version, target_version)| {
        Entry::Intent { account_id, previous_version, target_version, at: None }
    });
    prop_oneof![
        1 => texts().prop_map(|version| Entry::Journal { format: 1, run_id: version.clone().into(), version: version.into() }),
        1 => accounts().prop_map(|account| Entry::Account(Cow::Owned(account))),
        1 => (units(), option::of(units()), texts()).prop_map(|(id, parent, name)| Entry::Unit {
            id: Cow::Owned(id),
            parent: parent.map(Cow::Owned),
            name: name.into(),
        }),
        1 => targets().prop_map(|target| Entry::Target(Cow::Owned(target))),
        1 => (any::<usize>(), any::<usize>()).prop_map(|(accounts, targets)| Entry::Ready { accounts, targets }),
        1 => texts().prop_map(|version| Entry::Resumed { version: version.into() }),
        1 => (any::<u32>(), any::<usize>()).prop_map(|(wave, accounts)| Entry::WaveStarted { wave, accounts }),
        // Intents and records matter most, so they are generated most often.
        4 => intents,
        2 => records().prop_map(|record| Entry::Record(Cow::Owned(record))),
        1 => (any::<u32>(), vec((select(&Outcome::ALL[..]), any::<usize>()), 0..4))
            .prop_map(|(wave, outcomes)| Entry::WaveFinished { wave, outcomes }),
        1 => explanations(),
        1 => (any::<u8>(), texts(), any::<bool>())
            .prop_map(|(exit_code, verdict, by_gate)| Entry::Ended { exit_code, verdict: verdict.into(), by_gate }),
    ]
}

/// The journal of a possible run: the lists of accounts and targets, the line that counts them, and later entries.
fn stories() -> impl Strategy<Value = Vec<Entry<'static>>> {
    let listed = vec((accounts(), targets(), any::<bool>()), 1..6);
    (texts(), listed, vec(entries(), 0..12)).prop_map(|(text, listed, later)| {
        let mut story = vec![Entry::Journal { format: 1, run_id: text.clone().into(), version: text.into() }];
        let mut ids = Vec::new();
        let mut skipped = Vec::new();
        let mut targets = Vec::new();
        for (account, target, is_target) in listed {
            if ids.contains(&account.id) {
                continue;
            }
            ids.push(account.id);
            if is_target {
                let target = Target { account: account.id, ..target };
                targets.push(Entry::Target(Cow::Owned(target)));
            } else {
                let record = Record::skipped(account.id, TokenVersion::V2Token, "Suspended", "");
                skipped.push(Entry::Record(Cow::Owned(record)));
            }
            story.push(Entry::Account(Cow::Owned(account)));
        }
        let ready = Entry::Ready { accounts: ids.len(), targets: targets.len() };
        story.extend(skipped.into_iter().chain(targets).chain([ready]));
        let mut intended = BTreeSet::new();
        story.extend(later.into_iter().filter(|entry| match entry {
            Entry::Intent { account_id, .. } if ids.contains(account_id) => {
                intended.insert(*account_id);
                true
            }
            Entry::Account(_) | Entry::Target(_) | Entry::Ready { .. } | Entry::Intent { .. } => false,
            Entry::Record(record) => {
                let was_set = matches!(record.outcome, Outcome::Changed | Outcome::Unverified);
                ids.contains(&record.account_id) && (!was_set || intended.contains(&record.account_id))
            }
            Entry::Explained { accounts, .. } => accounts.iter().all(|account| ids.contains(account)),
            Entry::Journal { .. }
            | Entry::Unit { .. }
            | Entry::Resumed { .. }
            | Entry::WaveStarted { .. }
            | Entry::WaveFinished { .. }
            | Entry::GateStarted { .. }
            | Entry::PlannedWave { .. }
            | Entry::Ended { .. } => true,
        }));
        story
    })
}

fn lines(entries: &[Entry<'_>]) -> Vec<u8> {
    entries.iter().flat_map(Entry::to_line).collect()
}

fn replayed(bytes: &[u8]) -> Result<Replay, crate::journal::ReplayFailed> {
    Replay::of(bytes, Path::new("journal.jsonl"))
}

fn intended(entries: &[Entry<'_>]) -> BTreeSet<AccountId> {
    let ids = entries.iter().filter_map(|entry| match entry {
        Entry::Intent { account_id, .. } => Some(*account_id),
        _ => None,
    });
    ids.collect()
}

/// The numbers of cases are chosen so that all tests together take a few seconds without optimisation.
fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn every_entry_is_one_line_and_reads_back(entry in entries()) {
        let line = entry.to_line();
        prop_assert_eq!(line.iter().position(|byte| *byte == b'\n'), Some(line.len() - 1));
        prop_assert_eq!(serde_json::from_slice::<Entry<'_>>(&line).unwrap(), entry);
    }

    /// If a journal is cut at any byte, its replay still has all complete lines.
    #[test]
    fn a_cut_journal_has_its_complete_lines(entries in stories(), share in 0.0..1.0_f64) {
        let bytes = lines(&entries);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share of it")]
        let cut = (bytes.len() as f64 * share) as usize;
        let mut whole = 0;
        let mut end = 0;
        for entry in &entries {
            end += entry.to_line().len();
            whole += usize::from(end <= cut);
        }
        let replay = replayed(&bytes[..cut]).unwrap();
        prop_assert_eq!(replay.length, lines(&entries[..whole]).len() as u64);
        let known: BTreeSet<AccountId> = replay.intents.keys().copied().collect();
        prop_assert_eq!(known, intended(&entries[..whole]));
        journal(&bytes[..cut]);
    }

    /// A damaged journal is an error, or is replayed as its lines say. It never causes a panic.
    #[test]
    fn a_damaged_journal_is_refused_or_replayed_as_it_is(
        mut entries in prop_oneof![vec(entries(), 1..12), stories()],
        swap in any::<(prop::sample::Index, prop::sample::Index)>(),
        flips in vec(any::<(prop::sample::Index, u8)>(), 0..4),
    ) {
        let (one, other) = (swap.0.index(entries.len()), swap.1.index(entries.len()));
        entries.swap(one, other);
        let mut bytes = lines(&entries);
        journal(&bytes);
        for (index, value) in flips {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        journal(&bytes);
    }

    #[test]
    fn texts_are_sanitized_when_shown_and_unchanged_in_data(bytes in texts()) {
        text(bytes.as_bytes());
    }

    #[test]
    fn lists_of_accounts_yield_their_accounts(
        rows in vec((0_u64..1_000_000_000_000, texts()), 1..8),
        look in select(&[(",", "\n"), (";", "\r\n"), ("\t", "\n")][..]),
        header in any::<bool>(),
        bom in any::<bool>(),
        quoted in any::<bool>(),
    ) {
        let (delimiter, line_end) = look;
        let mut file = String::from(if bom { "\u{feff}" } else { "" });
        if header {
            file.push_str(&format!("account_id{delimiter}owner{line_end}"));
        }
        for (id, owner) in &rows {
            let owner: String = owner.chars().filter(|character| !character.is_control()).collect();
            let owner = format!("\"{}\"", owner.replace('"', "\"\""));
            let id = if quoted { format!("\"{id:012}\"") } else { format!("{id:012}") };
            file.push_str(&format!("{id}{delimiter}{owner}{line_end}"));
        }
        let expected: BTreeSet<String> = rows.iter().map(|(id, _)| format!("{id:012}")).collect();
        let named = crate::org::accounts_file::read(file.as_bytes()).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(named.keys().map(ToString::to_string).collect::<BTreeSet<_>>(), expected);
        accounts_file(file.as_bytes());
    }

    #[test]
    fn runs_are_merged_without_loss(bytes in vec(any::<u8>(), 0..60)) {
        merge(&bytes);
    }

    #[test]
    fn option_values_are_parsed_or_refused(
        typed in prop_oneof![texts(), "[0-9a-z*?%,./:={}\\-]{0,24}", "(arn:aws:iam::)?[{}a-z_0-9/]{0,20}"],
        applied in texts(),
    ) {
        option(typed.as_bytes());
        option(format!("{typed}\n{applied}").as_bytes());
    }

    #[test]
    fn expressions_terminate(
        expression in "(@|SummaryMap|l|s|\\*|\\.|\\||\\[\\]|\\[\\*\\]|\\[0\\]|\\[::-1\\]|\\[\\?@\\]|&|!|`1`|'x'|,|\\(|\\)|keys|length|to_string|map|sort_by|join|\\{a: @\\}|\\[@, @\\]){1,14}",
    ) {
        query(expression.as_bytes());
    }
}

/// The patterns and names of this test take exponential time in backtracking matchers.
#[test]
fn patterns_match_in_bounded_time() {
    for pattern in
        ["*a".repeat(500) + "b", "*".repeat(2_000), "a*".repeat(500) + "c", "?*".repeat(500), "*?a".repeat(300)]
    {
        let pattern: crate::org::NamePattern = pattern.parse().unwrap();
        for name in ["a".repeat(5_000), "ab".repeat(2_500), "é".repeat(2_500)] {
            let _ = pattern.matches(&name);
        }
    }
}

/// Tests each property with the seeds of its fuzz target and with mutations of them. If the variable `PROPERTY_ROUNDS` is set,
/// the test is a fuzzer: it makes this number of mutations for each property, with a new random seed.
#[test]
fn properties_hold_around_the_seeds() {
    let rounds = std::env::var("PROPERTY_ROUNDS").ok().and_then(|rounds| rounds.parse::<u64>().ok());
    let mut random = rounds.map_or_else(|| fastrand::Rng::with_seed(4711), |_| fastrand::Rng::new());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    for (name, property) in PROPERTIES {
        let folder = std::fs::read_dir(folder.join(name)).unwrap_or_else(|error| panic!("seeds of {name}: {error}"));
        let seeds: Vec<Vec<u8>> = folder.map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect();
        assert!(!seeds.is_empty(), "{name}");
        for seed in &seeds {
            check(name, property, seed);
        }
        for _ in 0..rounds.unwrap_or(150) {
            let mut bytes = random.choice(&seeds).unwrap().clone();
            for _ in 0..random.usize(1..6) {
                mutate(&mut bytes, random.choice(&seeds).unwrap(), &mut random);
            }
            check(name, property, &bytes);
        }
    }
}

fn check(name: &str, property: Property, bytes: &[u8]) {
    let held = std::panic::catch_unwind(|| property(bytes));
    assert!(held.is_ok(), "{name} does not hold for {}", bytes.escape_ascii());
}

fn mutate(bytes: &mut Vec<u8>, other: &[u8], random: &mut fastrand::Rng) {
    let (from, to) = (random.usize(0..=bytes.len()), random.usize(0..=bytes.len()));
    let (from, to) = (from.min(to), from.max(to));
    match random.u8(0..5) {
        0 => bytes.truncate(from),
        1 => drop(bytes.drain(from..to)),
        2 => {
            let part = bytes[from..to].to_vec();
            bytes.splice(to..to, part);
        }
        3 if from < bytes.len() => bytes[from] = random.u8(..),
        _ => {
            let start = random.usize(0..=other.len());
            let length = random.usize(0..=other.len() - start);
            bytes.splice(from..from, other[start..start + length].iter().copied());
        }
    }
}

/// Every property has a fuzz target, and every fuzz target has a property.
#[test]
fn the_fuzz_targets_are_the_properties() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/fuzz_targets");
    let targets: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    assert_eq!(targets, PROPERTIES.iter().map(|(name, _)| (*name).to_owned()).collect());
}
