//! Benchmarks of single parts, without network calls: writing and replaying the journal, and selecting the accounts.
//!
//! ```console
//! $ cargo bench --bench parts
//! ```

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use v2token::internals::{AccountState, Entry, NamePattern, Replay, Waves, divide};
use v2token::{
    AccessMethod, Account, AccountAttributes, AccountId, ManagementAccount, ObservedVersion, Outcome, Provenance,
    Record, Selection, Tags, Target, TokenVersion, select,
};

/// The most accounts that AWS allows in an Organization.
const ACCOUNTS: u64 = 50_000;

fn id(number: u64) -> AccountId {
    format!("{number:012}").parse().expect("twelve digits")
}

fn accounts() -> Vec<Account> {
    let account = |number: u64| Account {
        id: id(number),
        name: format!("team {} production", number % 997).into(),
        email: format!("aws+{number}@example.com").into(),
        attributes: AccountAttributes {
            state: AccountState::Active,
            ou_path: format!("o-exampleorg1/r-ab12/ou-ab12-{:08}/", number % 200).into(),
            invited: number.is_multiple_of(100),
            ..Default::default()
        }
        .into(),
        joined_at: None,
    };
    (1..=ACCOUNTS).map(account).collect()
}

fn target(account: &Account) -> Target {
    Target {
        wave: NonZeroU32::new(1),
        account: account.id,
        access: AccessMethod::Role(format!("arn:aws:iam::{}:role/OrganizationAccountAccessRole", account.id).into()),
        management: false,
        invited: account.attributes.invited,
        wanted: TokenVersion::V2Token,
        provenance: Provenance::None,
    }
}

fn record(target: &Target) -> Record {
    Record {
        outcome: Outcome::Changed,
        previous_version: Some(ObservedVersion::V1Token),
        current_version: Some(ObservedVersion::V2Token),
        ..Record::of_target(target)
    }
}

/// The entries of a whole apply, in the order of a run.
fn entries(accounts: &[Account]) -> Vec<Entry<'_>> {
    let targets: Vec<Target> = accounts.iter().map(target).collect();
    let mut entries = vec![Entry::head("20261122T041500Z-abcdef")];
    entries.extend(accounts.iter().map(|account| Entry::Account(Cow::Borrowed(account))));
    entries.extend(targets.iter().map(|target| Entry::Target(Cow::Owned(target.clone()))));
    entries.push(Entry::Ready { accounts: accounts.len(), targets: targets.len() });
    for target in &targets {
        entries.push(Entry::Intent {
            at: None,
            account_id: target.account,
            previous_version: ObservedVersion::V1Token,
            target_version: TokenVersion::V2Token,
        });
        entries.push(Entry::Record(Cow::Owned(record(target))));
    }
    entries
}

fn journal(criterion: &mut Criterion) {
    let accounts = accounts();
    let entries = entries(&accounts);
    let text: Vec<u8> = entries.iter().flat_map(Entry::to_line).collect();
    let mut group = criterion.benchmark_group("journal of 50,000 accounts");
    group.sample_size(10).throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("write as lines", |bencher| {
        bencher.iter(|| entries.iter().map(|entry| black_box(entry.to_line()).len()).sum::<usize>());
    });
    group.bench_function("replay", |bencher| {
        bencher.iter(|| Replay::of(black_box(&text[..]), Path::new("journal.jsonl")).expect("it is whole"));
    });
    group.finish();
}

fn selection(criterion: &mut Criterion) {
    let accounts = accounts();
    let management_account = ManagementAccount { id: id(ACCOUNTS), skip_reason: None };
    let mut chosen = Selection::default();
    chosen.exclude.names.extend(["team 9* production".parse::<NamePattern>().expect("a pattern")]);
    let mut group = criterion.benchmark_group("50,000 accounts");
    group.sample_size(20).throughput(Throughput::Elements(ACCOUNTS));
    group.bench_function("select", |bencher| {
        bencher.iter(|| {
            select(black_box(&accounts), management_account, &chosen, &Tags::default(), None).expect("most are left")
        });
    });
    group.bench_function("spread and divide into waves", |bencher| {
        let all: Vec<&Account> = accounts.iter().collect();
        bencher.iter_batched(
            || all.clone(),
            |all| {
                let waves = divide(&all, id(ACCOUNTS), &BTreeSet::new(), Some((&Waves::default(), &Vec::new())));
                waves
                    .into_iter()
                    .map(|(_, accounts)| accounts.into_iter().map(target).collect())
                    .collect::<Vec<Vec<_>>>()
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(parts, journal, selection);
criterion_main!(parts);
