//! `apply --plan` applies exactly what was planned, and `report` shows any run again.

use std::collections::BTreeSet;
use std::time::Duration;

use v2token_simulator::{
    AccountId, AccountState, Builder, Caller, Latency, MANAGEMENT_ACCOUNT, Operation, Organization, TokenVersion,
};

use crate::harness::{Bench, Run, accounts_with, of_another_organization, read_csv, sent_to};
use crate::running::Running;

const ACCOUNTS: usize = 20;
const SET: Operation = Operation::SetSecurityTokenServicePreferences;

/// An organization in which 4, 8, 12 and 16 are on v2 already.
fn mixed(accounts: usize) -> Builder {
    Organization::builder().accounts(accounts).unlimited().each_account(|account| {
        if account.id().number().is_multiple_of(4) && account.id() != MANAGEMENT_ACCOUNT {
            account.version = Some(TokenVersion::V2);
        }
    })
}

const PLAN: [&str; 2] = ["plan", "--rate=0"];
const APPLY: [&str; 5] = ["apply", "--yes", "--rate=0", "--plan", "plan"];

/// The outcome and the error code of an account.
fn outcome_and_code(run: &Run, id: u64) -> (String, String) {
    let mut rows = run.rows();
    let row = rows.remove(&AccountId::new(id).to_string()).unwrap_or_else(|| panic!("no row for {id}\n{run}"));
    (row["outcome"].clone(), row["error_code"].clone())
}

fn is(outcome: &str, code: &str) -> (String, String) {
    (outcome.to_owned(), code.to_owned())
}

#[test]
fn exactly_what_was_planned_is_applied() {
    let bench = Bench::new(mixed(ACCOUNTS).start());
    let plan = bench.run("plan", &PLAN).exits(0).agrees(TokenVersion::V2);
    assert_eq!(plan.calls(SET), 0);
    bench.organization.control(|world| {
        world.account_mut(1).change_externally(Some(TokenVersion::V2));
        world.account_mut(2).state = AccountState::Closed;
        // Not in the plan, so not changed.
        world.account_mut(4).change_externally(Some(TokenVersion::V1));
    });
    let run = bench.run("run", &APPLY).exits(0).agrees(TokenVersion::V2);
    let planned = accounts_with(&plan.rows(), "would_change");
    assert_eq!(planned.len(), 16, "{plan}");
    for (id, expected) in [
        (1, is("unchanged", "")),
        (2, is("skipped", "Closed")),
        (3, is("changed", "")),
        (4, is("skipped", "NotInPlan")),
        (8, is("skipped", "NotInPlan")),
    ] {
        assert_eq!(outcome_and_code(&run, id), expected, "{run}");
    }
    for (before, after) in run.before.accounts.iter().zip(&run.after.accounts) {
        let id = before.id.to_string();
        let assumed = after.calls.assume_role - before.calls.assume_role;
        let is_visited = planned.contains(&id) && before.id != AccountId::new(2);
        assert_eq!(assumed, u32::from(is_visited && before.id != MANAGEMENT_ACCOUNT), "{id}\n{run}");
        let is_read = after.calls.get_account_summary > before.calls.get_account_summary;
        assert_eq!(is_read, is_visited, "{id} is read again before anything is sent, and no other is\n{run}");
    }
    let changed = accounts_with(&run.rows(), "changed");
    assert!(changed.is_subset(&planned) && changed.len() == 14, "{run}");
}

/// The second organization is the first one at a later time.
#[test]
fn accounts_that_joined_or_left_since_are_named_and_skipped() {
    let first = Bench::new(mixed(ACCOUNTS).start());
    let plan = first.run("plan", &PLAN).exits(0).folder;
    let plan = plan.to_str().expect("UTF-8");
    for (accounts, ids, reason) in
        [(ACCOUNTS + 2, [20, 21], "JoinedSince"), (ACCOUNTS - 2, [18, 19], "LeftOrganization")]
    {
        let later = Bench::new(mixed(accounts).start());
        let run = later.run("run", &["apply", "--yes", "--rate=0", "--plan", plan]).exits(0);
        for id in ids {
            assert_eq!(outcome_and_code(&run, id), is("skipped", reason), "{run}");
        }
        assert_eq!(run.rows().len(), ACCOUNTS.max(accounts), "{run}");
        let expected = if accounts > ACCOUNTS { 16 } else { 14 };
        assert_eq!((run.outcomes()["changed"], sent_to(&run.after).len()), (expected, expected), "{run}");
        if accounts < ACCOUNTS {
            let summary = "18  accounts in o-exampleorg1, and 2 that left it\n";
            assert!(run.stdout.contains(summary), "the counts agree\n{run}");
            run.says(&[
                "14 of 18 selected; 2 have left since the plan",
                "18 accounts listed in o-exampleorg1, 14 to visit",
            ]);
        }
    }
}

#[test]
fn a_plan_with_nothing_to_do_is_applied_without_a_visit() {
    let builder = mixed(ACCOUNTS).each_account(|account| account.version = Some(TokenVersion::V2));
    let bench = Bench::new(builder.start());
    bench.run("plan", &["plan", "--detailed-exitcode"]).exits(0);
    let run = bench.run("run", &APPLY).exits(0).agrees(TokenVersion::V2);
    assert!(!run.touched_accounts(), "{run}");
    assert!(run.stdout.contains("nothing to do"), "{run}");
}

#[test]
fn a_plan_can_be_applied_in_part() {
    let bench = Bench::new(mixed(ACCOUNTS).start());
    bench.run("plan", &PLAN).exits(0);
    let run = bench.run("run", &[&APPLY[..], &["--account=000000000001,000000000004"]].concat()).exits(0);
    assert_eq!(accounts_with(&run.rows(), "changed").into_iter().collect::<Vec<_>>(), ["000000000001"], "{run}");
    assert_eq!(outcome_and_code(&run, 4), is("skipped", "NotInPlan"), "{run}");
    assert_eq!(outcome_and_code(&run, 5), is("skipped", "NotSelected"), "{run}");
}

#[test]
fn an_unsuitable_plan_is_refused() {
    let bench = Bench::new(mixed(ACCOUNTS).start());
    bench.run("plan", &PLAN).exits(0);
    bench.run("downward", &["plan", "--rate=0", "--to=v1Token"]).exits(0);
    bench.run("run", &["apply", "--yes", "--rate=0", "--account=000000000001"]).exits(0);
    bench.run("elsewhere", &PLAN).exits(0);
    of_another_organization(&bench.run_folder("elsewhere"));
    let table: [(&[&str], &str); 6] = [
        (&["--plan=plan", "--to=v1Token"], "plan is about v2Token, and v1Token is asked for: give --to v2Token"),
        (&["--plan=downward"], "downward is about v1Token, and v2Token is asked for: give --to v1Token"),
        (&["--plan=run"], "run is the folder of the command apply, not of plan"),
        (&["--plan=missing"], "missing holds no run"),
        (&["--plan=elsewhere"], "was about Organization o-anotherorg2, and the caller is in o-exampleorg1"),
        (&["--plan=plan", "--canary=000000000004"], "--canary names 000000000004"),
    ];
    for (arguments, words) in table {
        let run = bench.run("refused", &[&["apply", "--yes"], arguments].concat()).exits(1);
        run.attempted_nothing(words);
    }

    let delegate = mixed(ACCOUNTS).caller(Caller::DelegatedAdministrator(AccountId::new(5)));
    let other = Bench::new(delegate.start());
    let plan = bench.run_folder("plan");
    let plan = plan.to_str().expect("UTF-8");
    let run = other.run("refused", &["apply", "--yes", "--plan", plan]).exits(1);
    run.attempted_nothing("and the caller is in account 000000000005");
}

#[test]
fn report_shows_a_run_again() {
    let builder = mixed(ACCOUNTS)
        .account(1, |account| account.faults.deny_set = true)
        .account(2, |account| account.state = AccountState::Suspended);
    let bench = Bench::new(builder.start());
    let run = bench.run("run", &["apply", "--yes", "--rate=0", "--max-errors=100%"]).exits(3);
    let file = |name: &str| std::fs::read_to_string(run.folder.join(name)).expect("a report");
    let folder = run.folder.to_str().expect("UTF-8");
    let report = |arguments: &[&str]| bench.again("run", &[&["report", folder], arguments].concat()).exits(0);

    assert_eq!(report(&["--output=csv"]).stdout, file("report.csv"));
    assert_eq!(report(&["--report=-"]).stdout, file("report.csv"));
    assert_eq!(report(&["--output=json"]).stdout, file("report.json"));
    assert_eq!(report(&["--output=none"]).stdout, "");
    assert_eq!(report(&[]).stdout, run.stdout, "the summary is the same too");
    let lines = report(&["--output=jsonl"]).stdout;
    let whole: serde_json::Value = serde_json::from_str(&file("report.json")).expect("JSON");
    let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(Some(&lines), whole["accounts"].as_array());

    let copies = ["copy.csv", "copy.json", "copy.jsonl"].map(|name| format!("--report={name}"));
    let arguments: Vec<&str> = copies.iter().map(String::as_str).chain(["--output=none"]).collect();
    assert_eq!(report(&arguments).all_calls(), 0, "showing a run calls nothing");
    let copy = |name: &str| std::fs::read_to_string(bench.folder.path().join(name)).expect("a copy");
    assert_eq!((copy("copy.csv"), copy("copy.json")), (file("report.csv"), file("report.json")));
    assert_eq!(copy("copy.jsonl").lines().count(), ACCOUNTS);
}

#[test]
fn report_shows_running_and_killed_runs() {
    let latency = Latency { iam: Duration::from_millis(50), ..Latency::default() };
    let bench = Bench::new(mixed(ACCOUNTS).latency(latency).start());
    let arguments = ["apply", "--yes", "--rate=0", "--concurrency=2", "--waves=100%"];
    let mut running = Running::start(&bench, "run", &arguments);
    running.until(|truth| truth.requests(SET) >= 5);
    let shown = bench.again("run", &["report", "run", "--report=live.csv"]).exits(0);
    assert!(shown.stdout.contains("not finished:") && shown.stdout.contains("are left"), "{shown}");
    let rows = read_csv(&bench.folder.path().join("live.csv"));
    let outcomes: BTreeSet<&str> = rows.values().map(|row| row["outcome"].as_str()).collect();
    assert_eq!(rows.len(), ACCOUNTS, "every account is there");
    assert!(outcomes.contains("changed") && outcomes.contains("not_attempted"), "{outcomes:?}");
    running.kill();

    let shown = bench.again("run", &["report", "run", "--report=dead.csv"]).exits(0);
    let rows = read_csv(&bench.folder.path().join("dead.csv"));
    let known: BTreeSet<String> =
        accounts_with(&rows, "changed").union(&accounts_with(&rows, "unverified")).cloned().collect();
    assert!(known.is_superset(&sent_to(&shown.after)), "every account that may have changed is named\n{shown}");
    assert!(shown.stdout.contains("not finished:") && shown.stdout.contains("Report: run/report.csv"), "{shown}");
    std::fs::remove_file(bench.run_folder("run").join("report.csv")).expect("it is ours");
    let shown = bench.again("run", &["report", "run"]).exits(0);
    assert!(!shown.stdout.contains("Report:"), "a missing report is not named\n{shown}");
}

#[test]
fn the_alias_to_has_its_variable() {
    let mut bench = Bench::new(Organization::builder().accounts(3).unlimited().start());
    bench.env("V2TOKEN_TO", "v1Token");
    let run = bench.run("short", &["plan"]).exits(0);
    assert!(
        run.rows().values().all(|row| row["target_version"] == "v1Token" && row["outcome"] == "unchanged"),
        "{run}"
    );
    bench.env("V2TOKEN_GLOBAL_ENDPOINT_TOKEN_VERSION", "v2Token");
    bench.run("both", &["plan"]).exits(2).attempted_nothing("name different versions: unset one of them");
    let run = bench.run("typed", &["plan", "--to=v2Token"]).exits(0);
    assert!(run.rows().values().all(|row| row["target_version"] == "v2Token"), "{run}");
    bench.env("V2TOKEN_GLOBAL_ENDPOINT_TOKEN_VERSION", "v1Token");
    bench.run("agreed", &["plan"]).exits(0);
}

/// The verdict and the exit code of several runs follow from the accounts' merged outcomes, not from the first run.
#[test]
fn several_runs_are_summarised_by_merged_outcomes() {
    let bench = Bench::new(Organization::builder().accounts(5).unlimited().start());
    let denied = ["--role=NoSuchRole", "--max-errors=100%", "--management-account=skip"];
    bench.run("applied", &["apply", "--yes"]).exits(0);
    bench.run("denied", &[&["apply", "--yes"], &denied[..]].concat()).exits(3);
    bench.run("other", &["plan", "--to=v1Token"]).exits(0);
    bench.run("back", &["rollback", "applied", "--yes"]).exits(0);
    for (other, sentence, on) in [
        ("denied", "all of 5 selected accounts are on v2Token; 5 changed by this run", "v2Token"),
        ("other", "of 5 accounts in runs of several kinds: 5 changed", "v2Token"),
        ("back", "of 5 accounts in runs of several kinds: 5 changed", "v1Token"),
    ] {
        let run = bench.again(other, &["report", "applied", other, "--output=json"]).exits(0);
        let document: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
        let verdict = &document["run"]["verdict"];
        assert_eq!((verdict["exit_code"].as_u64(), verdict["sentence"].as_str()), (Some(0), Some(sentence)), "{other}");
        assert_eq!(document["accounts"][0]["current_version"], on, "{other}");
    }
}
