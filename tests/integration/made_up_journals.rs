//! Made-up journals of runs that would take too long in a test.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::num::NonZeroU32;
use std::path::Path;
use std::time::{Duration, SystemTime};

use v2token::internals::{AccountError, AccountState, Entry, Stage};
use v2token::{
    AccessMethod, Account, AccountAttributes, ObservedVersion, Outcome, Provenance, Record, Target, TokenVersion,
};
use v2token_simulator::Organization;

use crate::harness::{Bench, without_end};

/// Writes the run folder of an apply over many accounts in nested OUs, some of which failed in several ways. Returns the number of
/// failed ones.
pub(crate) fn made_up(folder: &Path, accounts: u32) -> usize {
    // The description is that of a real run.
    let bench = Bench::new(Organization::builder().accounts(3).start());
    let run = bench.run("run", &["apply", "--yes"]).exits(0);
    std::fs::copy(run.folder.join("run.json"), folder.join("run.json")).expect("a copy");
    without_end(folder);
    let mut journal = BufWriter::new(File::create(folder.join("journal.jsonl")).expect("a journal"));
    let mut write = |entry: &Entry<'_>| journal.write_all(&entry.to_line()).expect("a writable journal");
    write(&Entry::Journal { format: Entry::FORMAT, run_id: "r".into(), version: "0".into() });
    let (accounts, records): (Vec<Account>, Vec<Record>) = (1..=accounts).map(account).unzip();
    for account in &accounts {
        write(&Entry::Account(Cow::Borrowed(account)));
    }
    for record in &records {
        let target = Target {
            wave: record.wave.and_then(NonZeroU32::new),
            account: record.account_id,
            access: AccessMethod::Role(record.role_arn.clone().expect("the record has a role")),
            management: false,
            invited: false,
            wanted: TokenVersion::V2Token,
            provenance: Provenance::None,
        };
        write(&Entry::Target(Cow::Owned(target)));
    }
    write(&Entry::Ready { accounts: accounts.len(), targets: accounts.len() });
    for record in &records {
        let previous_version = ObservedVersion::V1Token;
        let target_version = TokenVersion::V2Token;
        write(&Entry::Intent { account_id: record.account_id, previous_version, target_version, at: None });
        write(&Entry::Record(Cow::Borrowed(record)));
    }
    write(&Entry::Ended { exit_code: 3, verdict: "some accounts failed".into(), by_gate: false });
    records.iter().filter(|record| record.outcome == Outcome::Failed).count()
}

fn account(number: u32) -> (Account, Record) {
    let systems = ["payments", "data-lake", "checkout", "identity", "Billing", "search", "Logistics", "crm"];
    let system = systems[number as usize % systems.len()];
    let account = Account {
        id: format!("{number:012}").parse().expect("an id"),
        name: format!("{system}-{number}-prod").into(),
        email: format!("aws+{system}-{number}@corp.example").into(),
        attributes: AccountAttributes {
            state: AccountState::Active,
            ou_path: format!("o-exampleorg1/r-ab12/ou-ab12-{:08}/ou-ab12-{:08}/", number % 7, number % 211).into(),
            ..Default::default()
        }
        .into(),
        joined_at: None,
    };
    let error = number.is_multiple_of(13).then(|| AccountError {
        stage: Stage::Set,
        error_code: "AccessDenied".into(),
        error_message: format!(
            "User: arn:aws:sts::{}:assumed-role/Role/v2token-20261122T041500Z-abcdef is not authorized to perform: \
             iam:SetSecurityTokenServicePreferences on resource: * with an explicit deny in a service control policy \
             (Authorization ID: 7f1c2d3e-1234-4abc-9def-{number:012})",
            account.id
        ),
        hint: format!("this is what to do about cause {}", number % 5),
        denied_by: None,
    });
    let record = Record {
        outcome: if error.is_some() { Outcome::Failed } else { Outcome::Changed },
        previous_version: Some(ObservedVersion::V1Token),
        current_version: Some(if error.is_some() { ObservedVersion::V1Token } else { ObservedVersion::V2Token }),
        error: error.map(Box::new),
        request_id: Some(format!("0b678e8a-717b-448e-8ea8-{number:012}").into()),
        attempts: 4,
        throttled: u32::from(number.is_multiple_of(97)),
        wave: Some(1 + u32::from(number > 1) + u32::from(number > 5_000)),
        role_arn: Some(format!("arn:aws:iam::{}:role/OrganizationAccountAccessRole", account.id).into()),
        sts_endpoint: "https://sts.us-east-1.amazonaws.com".into(),
        started_at: Some(
            (SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_000_000) + Duration::from_millis(20) * number).into(),
        ),
        duration: Some(u64::from(400 + number % 300).into()),
        ..Record::blank(account.id, TokenVersion::V2Token)
    };
    (account, record)
}
