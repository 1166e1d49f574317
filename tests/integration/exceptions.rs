//! `--exceptions`: accounts that a run leaves out until a day, with their reasons in the reports.

use std::fs;

use serde_json::Value;
use v2token_simulator::{AccountState, Builder, Operation, Organization, TokenVersion};

use crate::harness::{Bench, Run};

/// One exception without an end, one that holds for long, one that has ended, and one of an account that is gone.
const FILE: &str = "account_id,reason,until\n\
                    000000000002,\"=vendor, patch 7\",2999-12-31\n\
                    000000000003,frozen,\n\
                    000000000004,audit,2020-02-29\n\
                    000000000099,sold,\n";

fn bench_of(builder: Builder, file: &str) -> Bench {
    let bench = Bench::new(builder.start());
    fs::write(bench.folder.path().join("exceptions.csv"), file).expect("a writable folder");
    bench
}

fn six() -> Builder {
    Organization::builder().accounts(6).unlimited()
}

/// The outcome and the columns of the exception, for each account.
fn exceptions_in(run: &Run) -> Vec<String> {
    let cells = ["outcome", "error_code", "exception_reason", "exception_until"];
    run.rows().values().map(|row| cells.map(|cell| row[cell].as_str()).join("|")).collect()
}

const WITH: &str = "--exceptions=exceptions.csv";
const UNKNOWN: &str = "note: --exceptions: the Organization has no account 000000000099";
const ENDED: &str = "note: --exceptions: an exception has ended, and the account is no longer left out: 000000000004 on \
                     2020-02-29";

#[test]
fn exceptions_are_skipped_until_their_day() {
    let bench = bench_of(six(), FILE);
    // The first plan visits accounts while it lists others, and the second has the whole list before.
    for (name, more) in [("plan", &[][..]), ("listed", &["--max-errors=50%"])] {
        let run = bench.run(name, &[&["plan", WITH, "--report=all.json"], more].concat()).exits(0);
        let run = run.says(&[UNKNOWN, ENDED]).agrees(TokenVersion::V2);
        assert_eq!(
            exceptions_in(&run),
            [
                "would_change|||",
                // A spreadsheet would run the reason as a formula.
                "skipped|Excepted|'=vendor, patch 7|2999-12-31",
                "skipped|Excepted|frozen|",
                "would_change|||",
                "would_change|||",
                "would_change|||",
            ],
            "{run}"
        );
        assert_eq!(
            run.rows()["000000000002"]["error_message"],
            "left out by --exceptions until 2999-12-31: =vendor, patch 7"
        );
        assert_eq!(run.rows()["000000000003"]["error_message"], "left out by --exceptions: frozen");
        assert!(run.stdout.contains("; skipped: 2 excepted\n"), "{run}");
        let header = fs::read_to_string(run.folder.join("report.csv")).expect("a report");
        assert!(
            header.starts_with("account_id,")
                && header
                    .lines()
                    .next()
                    .is_some_and(|line| line.ends_with(",run_id,ou_names,exception_reason,exception_until"))
        );
        let json: Value =
            serde_json::from_str(&fs::read_to_string(bench.folder.path().join("all.json")).expect("a report"))
                .expect("JSON");
        let rows = json["accounts"].as_array().expect("accounts");
        assert_eq!(
            (&rows[1]["exception_reason"], &rows[1]["exception_until"]),
            (&"=vendor, patch 7".into(), &"2999-12-31".into())
        );
        assert_eq!((&rows[2]["exception_until"], &rows[0]["exception_reason"]), (&Value::Null, &Value::Null));
    }
    let without = bench.run("without", &["plan"]).exits(0);
    assert!(!without.rows()["000000000001"].contains_key("exception_reason"), "{without}");
    assert!(without.stderr.is_empty() || !without.stderr.contains("exception"), "{without}");
}

/// A drift check is green although the exceptions are not on the wanted version.
#[test]
fn known_exceptions_do_not_fail_a_drift_check() {
    let on_v2 = |builder: Builder| {
        builder.each_account(|account| {
            let excepted = [2, 3].contains(&account.id().number());
            account.version = Some(if excepted { TokenVersion::V1 } else { TokenVersion::V2 });
        })
    };
    let bench = bench_of(on_v2(six()), FILE);
    bench.run("without", &["plan", "--detailed-exitcode"]).exits(4);
    let run = bench.run("with", &["plan", "--detailed-exitcode", WITH]).exits(0);
    assert!(
        run.stdout.contains("nothing to do: all of 4 selected accounts are on v2Token already; skipped: 2 excepted"),
        "{run}"
    );
    // All selected accounts are exceptions.
    let run = bench.run("all", &["plan", "--detailed-exitcode", WITH, "--account=000000000002,000000000003"]).exits(0);
    assert!(run.stdout.contains("nothing to do: no account is selected; skipped: 2 excepted"), "{run}");
    assert_eq!(run.calls(Operation::AssumeRole), 0, "{run}");
    // But a selection that is empty without exceptions, too, is a mistake.
    let run = bench.run("none", &["plan", WITH, "--account=000000000002", "--exclude-account=000000000002"]).exits(1);
    assert!(run.stderr.contains("the selection is empty"), "{run}");
}

/// What excludes an account, in the order in which it is told.
#[test]
fn options_come_before_exceptions_and_exceptions_before_states() {
    let builder = six().account(3, |account| account.state = AccountState::Suspended);
    let bench = bench_of(builder, "account_id,reason,until\n000000000001,a,\n000000000002,b,\n000000000003,c,\n");
    let run = bench.run("run", &["plan", WITH, "--exclude-account=000000000001", "--exclude-name=nothing"]).exits(0);
    let codes: Vec<String> = run.rows().into_values().take(3).map(|row| row["error_code"].clone()).collect();
    assert_eq!(codes, ["Excluded", "Excepted", "Excepted"], "{run}");
}

#[test]
fn an_apply_leaves_exceptions_alone_also_with_a_plan_and_after_a_resume() {
    let failing = six().account(5, |account| account.faults.deny_set = true);
    let bench = bench_of(failing, FILE);
    bench.run("plan", &["plan"]).exits(0);
    let apply = ["apply", "--yes", "--plan=plan", WITH, "--waves=100%", "--max-errors=100%"];
    let run = bench.run("apply", &apply).exits(3).agrees(TokenVersion::V2);
    let expected = |failed: &str| {
        [
            "changed|||".to_owned(),
            "skipped|Excepted|'=vendor, patch 7|2999-12-31".to_owned(),
            "skipped|Excepted|frozen|".to_owned(),
            "changed|||".to_owned(),
            format!("{failed}||"),
            "changed|||".to_owned(),
        ]
    };
    assert_eq!(exceptions_in(&run), expected("failed|AccessDenied"), "{run}");
    // A resume needs no file, takes no other, and ignores the variable.
    fs::remove_file(bench.folder.path().join("exceptions.csv")).expect("it is there");
    bench.organization.control(|world| world.account_mut(5).faults.deny_set = false);
    let run = bench.again("apply", &["resume", "apply", "--yes", "--retry-failed", WITH]).exits(2);
    assert!(run.stderr.contains("--exceptions belongs to the run that is resumed"), "{run}");
    let mut again = bench.bare(&["resume", "apply", "--yes", "--retry-failed"]);
    again.env("V2TOKEN_EXCEPTIONS", "exceptions.csv");
    let run = bench.finish("apply", again).exits(0);
    assert_eq!(exceptions_in(&run), expected("changed|"), "{run}");
    // The report of the folder has the columns, and so has a merged one.
    for folders in [&["apply"][..], &["plan", "apply"]] {
        let report = bench.again("apply", &[&["report"], folders, &["--output=csv"]].concat()).exits(0);
        assert!(report.stdout.lines().next().is_some_and(|line| line.ends_with(",exception_reason,exception_until")));
    }
}

/// An exception must not keep an account from going back.
#[test]
fn a_rollback_takes_no_exceptions() {
    let bench = bench_of(six(), "account_id,reason,until\n000000000002,frozen,\n");
    let run = bench.run("apply", &["apply", "--yes", WITH]).exits(0);
    assert_eq!(run.outcomes()["changed"], 5, "{run}");
    // Since then, a changed account has become an exception.
    fs::write(bench.folder.path().join("exceptions.csv"), "account_id,reason,until\n000000000001,alarm,\n")
        .expect("a file");
    let run = bench.run("none", &["rollback", "apply", "--yes", WITH]).exits(2);
    assert!(run.stderr.contains("rollback takes none") && run.stderr.contains("--exclude-account"), "{run}");
    assert_eq!(run.all_calls(), 0, "{run}");
    let mut rollback = bench.command("undo", &["rollback", "apply", "--yes"]);
    rollback.env("V2TOKEN_EXCEPTIONS", "exceptions.csv");
    let run = bench.finish("undo", rollback).exits(0).agrees(TokenVersion::V1);
    assert_eq!(run.outcomes()["changed"], 5, "{run}");
    assert!(!run.rows()["000000000001"].contains_key("exception_reason"), "{run}");
}

#[test]
fn unusable_files_are_refused_before_any_call() {
    for (file, expected) in [
        ("", "--exceptions exceptions.csv: it is empty: begin with the line account_id,reason,until"),
        ("000000000001,why,\n", "--exceptions exceptions.csv: line 1: there is no header"),
        ("account_id,reason,untill\n", "line 1: there is no column until; did you mean \"untill\"?"),
        ("account_id,reason,until\n1234,why,\n", "--exceptions exceptions.csv: line 2: \"1234\" has 4 digits"),
        (
            "account_id,reason,until\n000000000001,why,31.12.2026\n",
            "line 2: until is \"31.12.2026\": expected a day such as 2026-12-31",
        ),
        ("account_id,reason,until\n# x\n000000000001,,\n", "line 3: account 000000000001 has no reason"),
    ] {
        let bench = bench_of(six(), file);
        for command in [&["plan"][..], &["apply", "--yes"], &["doctor"]] {
            let command = [command, &[WITH]].concat();
            let run = if command[0] == "doctor" {
                bench.again("run", &command).exits(2).says(&[expected, "nothing was checked"])
            } else {
                bench.run("run", &command).exits(2).attempted_nothing(expected)
            };
            assert_eq!(run.all_calls(), 0, "{run}");
        }
    }
    let bench = bench_of(six(), FILE);
    bench
        .run("run", &["plan", "--exceptions=none.csv"])
        .exits(2)
        .attempted_nothing("--exceptions none.csv: No such file");
    // An empty variable would select the exceptions, too.
    let mut empty = bench.command("run", &["plan"]);
    empty.env("V2TOKEN_EXCEPTIONS", "");
    let run = bench.finish("run", empty).exits(2);
    assert!(run.stderr.contains("V2TOKEN_EXCEPTIONS"), "{run}");
}

/// A warning about many accounts names a few of them.
#[test]
fn warnings_are_bounded() {
    let lines = (1..=200).map(|number| format!("{number:012},old,2020-01-01"));
    let lines: Vec<String> = lines.chain((500..700).map(|number| format!("{number:012},gone,"))).collect();
    let builder = Organization::builder().accounts(200).unlimited();
    let bench = bench_of(builder, &format!("account_id,reason,until\n{}\n", lines.join("\n")));
    let run = bench.run("run", &["plan", "--rate=0", WITH]).exits(0).says(&[
        "000000000504 and 195 more",
        "exceptions have ended, and the accounts are no longer left out: 000000000001 on 2020-01-01, ",
    ]);
    assert!(run.stderr.lines().all(|line| line.len() < 300), "{run}");
    assert_eq!(run.outcomes()["would_change"], 200, "{run}");
}
