//! `impact` with calls: the event history and files say the same, and what they say agrees with the truth about the simulated clients.

use std::collections::BTreeMap;
use std::path::Path;

use v2token_simulator::{
    AccountId, Builder, Caller, MANAGEMENT_ACCOUNT, Operation, Organization, RateLimit, Side, TokenVersion, Traffic,
    VersionMix,
};

use crate::harness::{Bench, Run};
use crate::running::Running;

const IMPACT: [&str; 4] = ["impact", "--rate=0", "--concurrency=500", "--since=7d"];

/// A week of clients in each account.
fn a_week(accounts: usize) -> Builder {
    Organization::builder().accounts(accounts).unlimited().traffic(Traffic { seed: 11, days: 7, calls_per_day: 2 })
}

/// Clients that call so often that a history of 90 days does not fit on a few pages.
fn busy(accounts: usize) -> Builder {
    Organization::builder().accounts(accounts).unlimited().traffic(Traffic { seed: 5, days: 90, calls_per_day: 100 })
}

type Rows = BTreeMap<String, BTreeMap<String, String>>;

/// The rows of `impact.csv`, by account. Fails unless `impact.json` is as its schema says.
fn rows(folder: &Path) -> Rows {
    crate::impact::holds(&folder.join("impact.json"));
    let mut reader = csv::Reader::from_path(folder.join("impact.csv")).expect("a report");
    let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(|row| row.expect("a row")).collect();
    rows.into_iter().map(|row| (row["account_id"].clone(), row)).collect()
}

/// One column of every account.
fn column<'a>(rows: &'a Rows, name: &str) -> BTreeMap<&'a str, &'a str> {
    rows.iter().map(|(id, row)| (id.as_str(), row[name].as_str())).collect()
}

fn principals(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("principals.csv")).expect("a report")
}

/// The verdict and the number of sessions of the global endpoint that the truth demands for an account. The calls of a client count in the
/// account of the role.
fn expected(bench: &Bench, id: AccountId) -> (&'static str, u64) {
    bench.organization.control(|world| {
        let account = world.account_mut(id);
        let (version, has_opt_in) = (account.version, !account.enabled_regions.is_empty());
        let counted = world.clients(id).into_iter().filter(|client| client.counts() && client.side != Side::Caller);
        let calls: u64 = counted.map(|client| client.events).sum();
        let verdict = match (version, calls > 0) {
            (Some(TokenVersion::V2), _) => "already_v2",
            (Some(TokenVersion::V1), true) if has_opt_in => "refused_today",
            (Some(TokenVersion::V1), true) => "longer_tokens",
            (None, true) => "unknown",
            (_, false) => "no_effect",
        };
        (verdict, calls)
    })
}

/// Checks every account against the truth. Returns the number of accounts with each verdict.
fn agrees(bench: &Bench, run: &Run) -> BTreeMap<&'static str, usize> {
    let rows = rows(&run.folder);
    assert_eq!(rows.len(), run.after.accounts.len(), "{run}");
    let mut verdicts = BTreeMap::new();
    for account in &run.after.accounts {
        let (verdict, calls) = expected(bench, account.id);
        let row = &rows[&account.id.to_string()];
        let found = (row["verdict"].as_str(), row["global_calls"].as_str(), row["coverage"].as_str());
        assert_eq!(found, (verdict, calls.to_string().as_str(), "complete"), "{row:?}\n{run}");
        *verdicts.entry(verdict).or_default() += 1;
    }
    verdicts
}

#[test]
fn both_sources_agree_with_the_truth_in_500_accounts() {
    let mix = VersionMix::percent_v2(20).and_percent_absent(4);
    let bench = Bench::new(a_week(500).version_mix(mix).start());
    let trail = bench.folder.path().join("trail");
    bench.organization.control(|world| world.write_trail(&trail)).expect("a writable folder");

    let history = bench.run("history", &IMPACT).exits(0);
    let verdicts = agrees(&bench, &history);
    assert!(verdicts.values().all(|accounts| *accounts >= 3) && verdicts.len() == 5, "{verdicts:?}");
    let of_history = rows(&history.folder);
    assert!(column(&of_history, "source").values().all(|source| *source == "history"), "{history}");
    assert!(history.after.accounts.iter().all(|account| account.calls.lookup_events <= 20));
    assert_eq!(history.calls(Operation::SetSecurityTokenServicePreferences), 0);

    let files = bench.run("files", &[&IMPACT[..], &["--events", "trail"]].concat()).exits(0);
    assert_eq!(agrees(&bench, &files), verdicts);
    assert_eq!(files.calls(Operation::LookupEvents), 0, "files that are complete win");
    let of_files = rows(&files.folder);
    assert!(column(&of_files, "source").values().all(|source| *source == "files"), "{files}");
    assert_eq!(principals(&files.folder), principals(&history.folder));
    for same in ["opt_in_regions", "principals", "largest_token", "expected_token"] {
        assert_eq!(column(&of_files, same), column(&of_history, same), "{same}");
    }

    // The files of some accounts are missing, and the other half of their calls across accounts is in files.
    for number in (1..250_u64).step_by(3) {
        let account = trail.join("AWSLogs/o-exampleorg1").join(AccountId::from(number).to_string());
        std::fs::remove_dir_all(account).expect("a folder of the account");
    }
    let both = bench.run("both", &[&IMPACT[..], &["--events", "trail"]].concat()).exits(0);
    assert_eq!(agrees(&bench, &both), verdicts);
    assert_eq!(principals(&both.folder), principals(&history.folder));
    let of_both = rows(&both.folder);
    let by_history = column(&of_both, "source").values().filter(|source| **source == "history").count();
    assert_eq!(by_history, 83, "{both}");
}

#[test]
fn a_long_history_is_sampled() {
    let bench = Bench::new(busy(6).start());
    let run = bench.run("run", &["impact", "--max-pages=12", "--rate=0"]).exits(0);
    let rows = rows(&run.folder);
    let mut none_seen = 0;
    for (id, row) in &rows {
        assert!(run.after.account(id.as_str()).calls.lookup_events <= 12, "{row:?}");
        let (truth, _) = expected(&bench, id.as_str().into());
        let sampled = row["coverage"].strip_prefix("sampled ").and_then(|text| text.split_once('/'));
        let (read, windows) = sampled.unwrap_or_else(|| panic!("{row:?}\n{run}"));
        let (read, windows): (u32, u32) = (read.parse().expect("a number"), windows.parse().expect("a number"));
        assert!(read >= 1 && windows > 1000, "{row:?}");
        // A sample may miss rare calls, but it invents none.
        assert!(
            row["verdict"] == truth || (row["verdict"].as_str(), row["global_calls"].as_str()) == ("none_seen", "0")
        );
        if row["verdict"] == "none_seen" {
            none_seen += 1;
            assert!(row["hint"].contains(&format!("none in {read} windows: with 95% confidence")), "{row:?}");
        }
    }
    assert!(none_seen >= 1, "{run}");
    // With enough pages, the same history is read to its end.
    let more = bench.run("more", &["impact", "--max-pages=400", "--rate=0", "--account=000000000002", "--since=20d"]);
    assert_eq!(self::rows(&more.folder)["000000000002"]["coverage"], "complete", "{more}");
}

#[test]
fn denied_accounts_keep_what_was_read() {
    let bench = Bench::new(
        a_week(30)
            .account(1, |account| account.faults.deny_lookups = true)
            .account(2, |account| {
                account.faults.deny_lookups = true;
                account.version = Some(TokenVersion::V2);
            })
            .account(3, |account| account.faults.deny_assume = true)
            .account(4, |account| account.faults.deny_read = true)
            .start(),
    );
    let run = bench.run("run", &IMPACT).exits(3);
    let rows = rows(&run.folder);
    for (number, verdict, version, code, hint) in [
        (1_u64, "unknown", "v1Token", "AccessDeniedException", "cloudtrail:LookupEvents"),
        (2, "already_v2", "v2Token", "AccessDeniedException", "cloudtrail:LookupEvents"),
        (3, "unknown", "", "AccessDenied", "OrganizationAccountAccessRole"),
        (4, "unknown", "", "AccessDenied", "iam:GetAccountSummary"),
    ] {
        let row = &rows[&AccountId::from(number).to_string()];
        let found = (row["verdict"].as_str(), row["current_version"].as_str(), row["error_code"].as_str());
        assert_eq!(found, (verdict, version, code), "{row:?}");
        assert!(row["hint"].contains(hint), "{row:?}");
        assert_eq!(row["coverage"], "none", "{row:?}");
    }
    assert!(run.stdout.contains("4 accounts could not be read completely"), "{run}");
    let affected = rows.values().any(|row| ["longer_tokens", "refused_today"].contains(&row["verdict"].as_str()));
    assert!(affected, "{run}");
    bench.run("detailed", &[&IMPACT[..], &["--detailed-exitcode"]].concat()).exits(6);
}

#[test]
fn regions_are_unknown_without_trusted_access() {
    let bench = Bench::new(a_week(30).account_management(false).start());
    let run = bench.run("run", &[&IMPACT[..], &["--detailed-exitcode"]].concat()).exits(4);
    assert_eq!(run.stderr.matches("enable trusted access").count(), 1, "{run}");
    let rows = rows(&run.folder);
    for (id, regions) in column(&rows, "opt_in_regions") {
        // The management account asks for its own Regions.
        assert_eq!(regions == "unknown", id != MANAGEMENT_ACCOUNT.to_string(), "{id} {regions}");
    }
    assert!(rows.values().all(|row| row["verdict"] != "refused_today"), "{run}");
    assert!(run.calls(Operation::ListRegions) < 20, "it is not asked again and again\n{run}");
}

#[test]
fn a_delegated_administrator_reads_the_regions_of_members() {
    let bench = Bench::new(
        a_week(9)
            .caller(Caller::DelegatedAdministrator(2.into()))
            .each_account(|account| account.enabled_regions = vec!["ap-east-1".to_owned(), "af-south-1".to_owned()])
            .start(),
    );
    let run = bench.run("run", &[&IMPACT[..], &["--management-account=skip"]].concat()).exits(0);
    let rows = rows(&run.folder);
    for (id, row) in &rows {
        let expected = if *id == MANAGEMENT_ACCOUNT.to_string() { "unknown" } else { "af-south-1 ap-east-1" };
        assert_eq!(row["opt_in_regions"], expected, "{row:?}\n{run}");
    }
    assert_eq!(rows[&MANAGEMENT_ACCOUNT.to_string()]["verdict"], "skipped");
}

#[test]
fn a_signal_keeps_what_was_read() {
    let bench = Bench::new(busy(60).start());
    let arguments = ["impact", "--rate=0", "--concurrency=8", "--max-pages=200"];
    let mut running = Running::start(&bench, "run", &arguments);
    running.until(|truth| truth.requests(Operation::LookupEvents) >= 100).send("INT");
    let run = running.end().exits(130);
    let rows = rows(&run.folder);
    assert_eq!(rows.len(), 60, "{run}");
    let visited = rows.values().filter(|row| !row["current_version"].is_empty()).count();
    assert!((8..30).contains(&visited), "{visited}\n{run}");
    for row in rows.values().filter(|row| row["current_version"].is_empty()) {
        assert_eq!(row["verdict"], "unknown", "{row:?}");
        assert!(row["hint"].contains("the run stopped before"), "{row:?}");
    }
    assert!(run.stdout.contains("stopped by SIGINT"), "{run}");
    for name in ["impact.csv", "principals.csv", "impact.json", "run.json"] {
        assert!(run.folder.join(name).metadata().expect("a file").len() > 0, "{name}");
    }
}

#[test]
fn throttles_cost_only_time() {
    let limit = RateLimit::new(1.0, 1.0);
    let bench = Bench::new(a_week(4).lookup_limit(limit).start());
    let run = bench.run("run", &IMPACT).exits(0);
    agrees(&bench, &run);
    assert!(run.after.fault("lookup_throttled") > 0, "{run}");
}

#[test]
fn without_a_global_endpoint_there_is_nothing_to_find() {
    let bench = Bench::new(Organization::builder().accounts(5).partition("aws-cn").start());
    let run = bench.run("run", &["impact", "--detailed-exitcode"]).exits(0);
    assert!(run.stdout.contains("there is nothing to find"), "{run}");
    assert!(column(&rows(&run.folder), "verdict").values().all(|verdict| *verdict == "no_effect"), "{run}");
    assert_eq!(run.calls(Operation::AssumeRole), 0);
}

#[test]
fn mistakes_are_found_before_any_call() {
    let bench = Bench::new(a_week(4).start());
    for (arguments, part) in [
        (&["--since=200d"][..], "keeps the event history for 90 days"),
        (&["--access=assume-root"], "can't read the event history"),
        (&["--events=no-such-folder"], "--events no-such-folder"),
        (&["--max-pages=0"], "--max-pages"),
    ] {
        let run = bench.run("run", &[&["impact"], arguments].concat()).exits(2);
        assert!(run.stderr.contains(part), "{run}");
        assert!(!run.folder.exists(), "{run}");
        assert_eq!(run.after.operations.len(), 0, "{run}");
    }
}

/// The visits take long, so what they found is not thrown away.
#[test]
fn a_query_that_fails_keeps_the_report() {
    let bench = Bench::new(a_week(4).start());
    let run = bench.run("run", &[&IMPACT[..], &["--query", "sort(accounts)"]].concat()).exits(2);
    assert!(run.stderr.contains("nothing could be printed") && run.stdout.is_empty(), "{run}");
    assert_eq!(rows(&run.folder).len(), 4);
}

/// The simulated events have a token, key ids and an address each. The harness looks for the tokens and the key ids.
#[test]
fn secrets_of_events_are_nowhere() {
    let mut bench = Bench::new(a_week(12).start());
    bench.env("RUST_LOG", "trace");
    let trail = bench.folder.path().join("trail");
    bench.organization.control(|world| world.write_trail(&trail)).expect("a writable folder");
    for (name, more) in [("history", &[][..]), ("files", &["--events", "trail"])] {
        for output in ["table", "json", "csv"] {
            let name = format!("{name}-{output}");
            let arguments = [&IMPACT[..], &["--debug", "--log-format=json", "--output", output], more].concat();
            let run = bench.run(&name, &arguments).exits(0);
            run.holds_no_secret("203.0.113.");
        }
    }
    let run = bench.run("addresses", &[&IMPACT[..], &["--with-addresses"]].concat()).exits(0);
    let report = std::fs::read_to_string(run.folder.join("impact.json")).expect("a report");
    assert!(report.contains("203.0.113."));
    assert!(!principals(&run.folder).contains("203.0.113."));
}
