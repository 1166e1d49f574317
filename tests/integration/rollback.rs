//! `rollback`: restores exactly what a run changed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use v2token_simulator::{
    AccountState, Builder, Faults, Latency, MANAGEMENT_ACCOUNT, Operation, Organization, TokenVersion, Truth,
};

use crate::harness::{Bench, Row, Run, accounts_with, of_another_organization, read_csv, rewrite, sent_to};
use crate::running::Running;

const ACCOUNTS: usize = 20;
const SET: Operation = Operation::SetSecurityTokenServicePreferences;

/// An organization in which 4, 8, 12 and 16 are on v2 and the others on v1.
fn mixed() -> Builder {
    Organization::builder().accounts(ACCOUNTS).unlimited().each_account(|account| {
        if account.id().number().is_multiple_of(4) && account.id() != MANAGEMENT_ACCOUNT {
            account.version = Some(TokenVersion::V2);
        }
    })
}

fn slow() -> Builder {
    mixed().latency(Latency { iam: Duration::from_millis(40), ..Latency::default() })
}

fn apply(bench: &Bench, arguments: &[&str]) -> Run {
    bench.run("run", &[&["apply", "--yes", "--rate=0"], arguments].concat())
}

fn rollback(bench: &Bench, name: &str, arguments: &[&str]) -> Run {
    bench.run(name, &[&["rollback", "run", "--yes", "--rate=0"], arguments].concat())
}

/// Fails unless every account has the version that it had before.
fn restored(was: &Truth, run: &Run) {
    for (was, is) in was.accounts.iter().zip(&run.after.accounts) {
        assert_eq!(was.version, is.version, "{} is not what it was\n{run}", was.id);
    }
}

/// The error codes of all accounts with this outcome, in the order of their ids.
fn codes(run: &Run, outcome: &str) -> Vec<String> {
    run.rows().into_values().filter(|row| row["outcome"] == outcome).map(|row| row["error_code"].clone()).collect()
}

#[test]
fn only_changed_accounts_are_restored() {
    for (target, changed) in [("v2Token", 16), ("v1Token", 4)] {
        let bench = Bench::new(mixed().start());
        let applied = apply(&bench, &["--to", target]).exits(0);
        assert_eq!(applied.outcomes()["changed"], changed, "{applied}");
        let back = rollback(&bench, "back", &[]).exits(0);
        restored(&applied.before, &back);

        let rows = back.rows();
        assert_eq!(accounts_with(&rows, "changed"), accounts_with(&applied.rows(), "changed"), "{back}");
        assert_eq!(codes(&back, "skipped"), vec!["NotChanged"; ACCOUNTS - changed], "{back}");
        for id in accounts_with(&rows, "skipped") {
            let (before, after) = (back.before.account(id.as_str()), back.after.account(id.as_str()));
            let visits = |calls: v2token_simulator::AccountCalls| (calls.assume_role, calls.get_account_summary);
            assert_eq!(visits(before.calls), visits(after.calls), "{id} was visited, and the run had not changed it");
        }
        for row in rows.values().filter(|row| row["outcome"] == "changed") {
            assert_eq!(row["previous_version"], target, "{row:#?}");
            assert_eq!(row["current_version"], row["target_version"], "{row:#?}");
            assert_ne!(row["current_version"], target, "{row:#?}");
        }
        let ids = |run: &Run| run.rows()["000000000001"]["run_id"].clone();
        assert_ne!(ids(&applied), ids(&back), "a rollback is a run of its own");
    }
}

/// The value can't be removed at AWS, so the account is set to the default, and the record says so.
#[test]
fn an_unknown_version_is_restored_to_the_default() {
    let bench = Bench::new(mixed().account(3, |account| account.version = None).start());
    let applied = apply(&bench, &[]).exits(0);
    assert_eq!(applied.rows()["000000000003"]["previous_version"], "unknown");
    let back = rollback(&bench, "back", &[]).exits(0);
    assert_eq!(back.after.account(3).version, Some(TokenVersion::V1));
    let row = &back.rows()["000000000003"];
    assert_eq!((row["outcome"].as_str(), row["target_version"].as_str()), ("changed", "v1Token"), "{row:#?}");
    assert!(row.values().any(|cell| cell.contains("unknown")), "it is not said that it was unknown: {row:#?}");
}

#[test]
fn a_dry_run_reports_and_changes_nothing() {
    let bench = Bench::new(mixed().start());
    let applied = apply(&bench, &[]).exits(0);
    let dry = bench.run("dry", &["rollback", "run", "--dry-run"]).exits(0);
    assert_eq!(dry.calls(SET), 0, "{dry}");
    restored(&applied.after, &dry);
    assert_eq!(accounts_with(&dry.rows(), "would_change"), accounts_with(&applied.rows(), "changed"), "{dry}");
    assert!(dry.stdout.contains("rollback would put back 16"), "{dry}");

    let unasked = bench.run("unasked", &["rollback", "run"]).exits(1);
    unasked.attempted_nothing("give --yes");
}

#[test]
fn accounts_changed_since_are_not_touched() {
    let bench = Bench::new(mixed().start());
    apply(&bench, &[]).exits(0);
    bench.organization.control(|world| {
        world.account_mut(1).change_externally(Some(TokenVersion::V1));
        world.account_mut(2).change_externally(None);
    });
    let back = rollback(&bench, "back", &[]).exits(3);
    let rows = back.rows();
    for (id, expected, words) in [
        ("000000000001", ["unchanged", "", ""], ""),
        ("000000000002", ["failed", "read", "VersionNotShown"], "not known whether the account is still at v2Token"),
    ] {
        let row = &rows[id];
        let cells = [&row["outcome"], &row["stage"], &row["error_code"]].map(String::as_str);
        assert_eq!(cells, expected, "{row:#?}");
        assert!(row["error_message"].contains(words), "{row:#?}");
        assert_eq!(back.after.account(id).sets_received, back.before.account(id).sets_received, "{row:#?}");
    }
    assert_eq!(back.outcomes()["changed"], 14, "{back}");
}

/// The undone run set the default in an account without a version, and somebody has set v2Token since.
#[test]
fn accounts_with_a_third_version_are_skipped() {
    let bench = Bench::new(mixed().account(1, |account| account.version = None).start());
    apply(&bench, &["--to=v1Token"]).exits(0);
    bench.organization.control(|world| world.account_mut(1).change_externally(Some(TokenVersion::V2)));
    let back = rollback(&bench, "back", &[]).exits(0);
    let row = &back.rows()["000000000001"];
    assert_eq!((row["outcome"].as_str(), row["error_code"].as_str()), ("skipped", "Drifted"), "{row:#?}");
    assert!(row["error_message"].contains("it was not touched"), "{row:#?}");
    assert!(back.stdout.contains("; skipped: 1 set to another version since"), "{back}");
}

/// Accounts that the run changed, and whose version can't be read any more, are not passed over.
#[test]
fn accounts_that_can_not_be_read_any_more_fail_and_are_retried() {
    for (what, faults, code) in [
        ("no version", Faults { missing_summary_key: true, ..Faults::default() }, "VersionNotShown"),
        ("denied", Faults { deny_read: true, ..Faults::default() }, "AccessDenied"),
        ("no way in", Faults { deny_assume: true, ..Faults::default() }, "AccessDenied"),
    ] {
        let bench = Bench::new(mixed().start());
        let applied = apply(&bench, &[]).exits(0);
        bench.organization.control(|world| world.account_mut(3).faults = faults);
        let dry = bench.run("dry", &["rollback", "run", "--dry-run"]).exits(3);
        assert_eq!(dry.outcomes()["failed"], 1, "{what}\n{dry}");
        let back = rollback(&bench, "back", &["--max-errors=100%"]).exits(3);
        assert!(!back.stdout.contains("all of"), "{what}\n{back}");
        let row = &back.rows()["000000000003"];
        assert_eq!((row["outcome"].as_str(), row["error_code"].as_str()), ("failed", code), "{what}\n{row:#?}");
        assert_ne!(row["hint"], "", "{what}\n{row:#?}");
        assert_eq!(back.after.account(3).version, Some(TokenVersion::V2), "{what}\n{back}");
        bench.organization.control(|world| world.account_mut(3).faults = Faults::default());
        let retried = bench.again("back", &["resume", "back", "--retry-failed", "--yes"]).exits(0);
        restored(&applied.before, &retried);
    }
}

/// The second organization is the first one at a later time: two accounts have left, and one is suspended.
#[test]
fn accounts_that_left_or_were_suspended_since_are_named() {
    let first = Bench::new(mixed().start());
    let applied = apply(&first, &[]).exits(0);
    let builder = mixed().accounts(ACCOUNTS - 2).each_account(|account| account.version = Some(TokenVersion::V2));
    let second = Bench::new(builder.account(5, |account| account.state = AccountState::Suspended).start());
    let folder = applied.folder.to_str().expect("UTF-8");
    let back = second.run("back", &["rollback", folder, "--yes", "--rate=0"]).exits(0);
    let rows = back.rows();
    for (id, code) in [(5, "Suspended"), (18, "LeftOrganization"), (19, "LeftOrganization"), (8, "NotChanged")] {
        let row = &rows[&format!("{id:012}")];
        assert_eq!((row["outcome"].as_str(), row["error_code"].as_str()), ("skipped", code), "{row:#?}");
    }
    assert_eq!((rows.len(), back.outcomes()["changed"], back.calls(SET)), (ACCOUNTS, 13, 13), "{back}");
    let end = "13 changed by this run; skipped: 2 left the Organization, 1 suspended\n";
    assert!(
        back.stdout.contains(end) && back.stdout.contains("18  accounts in o-exampleorg1, and 2 that left it"),
        "{back}"
    );
    back.says(&[
        "13 of 18 selected; 2 have left since the run that is undone",
        "18 accounts listed in o-exampleorg1, 13 to visit",
    ]);
}

#[test]
fn a_second_rollback_changes_nothing_and_a_rollback_can_be_rolled_back() {
    let bench = Bench::new(mixed().start());
    let applied = apply(&bench, &[]).exits(0);
    let first = rollback(&bench, "first", &[]).exits(0);
    let second = rollback(&bench, "second", &[]).exits(0);
    assert_eq!(second.calls(SET), 0, "{second}");
    assert!(second.stdout.contains("nothing to do: all of 16 selected accounts are back already"), "{second}");
    assert!(!second.stdout.contains("Drifted"), "said once\n{second}");
    assert_eq!(codes(&second, "unchanged"), [""; 16], "{second}");
    restored(&applied.before, &second);

    let undone = bench.run("undone", &["rollback", "first", "--yes", "--rate=0"]).exits(0);
    assert_eq!(accounts_with(&undone.rows(), "changed"), accounts_with(&first.rows(), "changed"), "{undone}");
    restored(&applied.after, &undone);
}

#[test]
fn a_run_without_changes_has_nothing_to_roll_back() {
    let bench = Bench::new(mixed().each_account(|account| account.version = Some(TokenVersion::V2)).start());
    apply(&bench, &[]).exits(0);
    let back = rollback(&bench, "back", &[]).exits(0);
    assert!(!back.touched_accounts(), "{back}");
    assert!(back.stdout.contains("nothing to do"), "{back}");
    assert_eq!(codes(&back, "skipped"), vec!["NotChanged"; ACCOUNTS], "{back}");
}

#[test]
fn unsuitable_runs_are_refused() {
    let bench = Bench::new(mixed().start());
    bench.run("plan", &["plan", "--rate=0"]).exits(0);
    apply(&bench, &[]).exits(0);
    bench.run("other", &["apply", "--yes", "--rate=0"]).exits(0);
    of_another_organization(&bench.run_folder("other"));
    std::fs::create_dir(bench.run_folder("empty")).expect("a writable folder");
    let table: [(&[&str], i32, &str); 6] = [
        (&["plan"], 1, "plan is the folder of a plan, which changed nothing"),
        (&["empty"], 1, "empty holds no run"),
        (&["missing"], 1, "missing holds no run"),
        (&["other"], 1, "was about Organization o-anotherorg2, and the caller is in o-exampleorg1"),
        (&["run", "--to=v1Token"], 2, "no version can be given"),
        (&["run", "--account=000000000999"], 1, "no account 000000000999"),
    ];
    for (arguments, code, words) in table {
        let run = bench.run("back", &[&["rollback", "--yes"], arguments].concat()).exits(code);
        run.attempted_nothing(words);
    }
}

#[test]
fn a_rollback_can_be_narrowed_and_finished_later() {
    let bench = Bench::new(mixed().start());
    let applied = apply(&bench, &[]).exits(0);
    let some = rollback(&bench, "some", &["--account=000000000001,000000000004"]).exits(0);
    assert_eq!(accounts_with(&some.rows(), "changed").into_iter().collect::<Vec<_>>(), ["000000000001"], "{some}");
    let rest = rollback(&bench, "rest", &["--exclude-account=000000000001"]).exits(0);
    assert_eq!(rest.outcomes()["changed"], 15, "{rest}");
    restored(&applied.before, &rest);
}

#[test]
fn a_killed_run_is_rolled_back() {
    let bench = Bench::new(slow().start());
    let mut running = Running::start(&bench, "run", &["apply", "--yes", "--rate=0", "--concurrency=4"]);
    running.until(|truth| truth.requests(SET) >= 8);
    let before = running.kill();
    let sent = sent_to(&bench.truth());
    let back = rollback(&bench, "back", &[]).exits(0).says(&["did not finish"]);
    restored(&before, &back);
    assert!(accounts_with(&back.rows(), "changed").is_subset(&sent), "{back}");
}

#[test]
fn a_killed_rollback_is_resumed() {
    let bench = Bench::new(slow().start());
    let applied = apply(&bench, &[]).exits(0);
    let start = applied.after.requests(SET);
    let mut running = Running::start(&bench, "back", &["rollback", "run", "--yes", "--rate=0", "--concurrency=4"]);
    running.until(|truth| truth.requests(SET) >= start + 6);
    running.kill();
    let back = bench.again("back", &["resume", "back", "--yes", "--rate=0"]).exits(0);
    restored(&applied.before, &back);
    assert_eq!(accounts_with(&back.rows(), "changed"), accounts_with(&applied.rows(), "changed"), "{back}");
    assert_eq!(codes(&back, "skipped"), vec!["NotChanged"; 4], "{back}");
}

/// Whether the run's Set took effect is unknown, so the rollback reads the account first.
#[test]
fn unverified_accounts_are_restored_if_the_set_took_effect() {
    let builder = mixed()
        .account(1, |account| account.faults.read_back_never_shows = true)
        .account(2, |account| account.faults.captive_portal = 100)
        .account(3, |account| account.faults.deny_set = true);
    let bench = Bench::new(builder.start());
    let applied = apply(&bench, &["--max-errors=100%", "--account-timeout=1s"]).exits(3).agrees(TokenVersion::V2);
    assert_eq!((applied.outcomes()["unverified"], applied.outcomes()["failed"]), (2, 1), "{applied}");
    bench.organization.control(|world| {
        for id in 1..=3 {
            world.account_mut(id).faults = Faults::default();
        }
        // Reads show the version now.
        world.account_mut(1).change_externally(Some(TokenVersion::V2));
    });
    let back = rollback(&bench, "back", &[]).exits(0);
    restored(&applied.before, &back);
    let rows = back.rows();
    for (id, outcome) in [("000000000001", "changed"), ("000000000002", "unchanged"), ("000000000003", "skipped")] {
        assert_eq!(rows[id]["outcome"], outcome, "{back}");
    }
}

/// Puts the clock of the machine that made a run back by ten years.
fn set_back(folder: &Path) {
    for name in ["run.json", "journal.jsonl"] {
        rewrite(&folder.join(name), |text| {
            let time = |year: u32| format!("\"{year}-");
            let year = (1980..2100).find(|year| text.contains(&time(*year))).expect("a time");
            text.replace(&time(year), &time(year - 10))
        });
    }
}

/// A plan, its apply, the rollback, and the rollback of the rollback, each from a machine whose clock is behind the one before.
#[test]
fn merged_runs_are_in_the_order_in_which_they_follow_from_each_other() {
    let bench = Bench::new(mixed().start());
    bench.run("plan", &["plan", "--rate=0"]).exits(0);
    bench.run("run", &["apply", "--yes", "--rate=0", "--plan=plan"]).exits(0);
    rollback(&bench, "back", &[]).exits(0);
    bench.run("again", &["rollback", "back", "--yes", "--rate=0"]).exits(0);
    for (count, name) in ["run", "back", "again"].into_iter().enumerate() {
        (0..=count).for_each(|_| set_back(&bench.run_folder(name)));
    }
    let merged = |names: &[&str]| {
        let mut rows = Vec::new();
        for reversed in [false, true] {
            let mut names = names.to_vec();
            if reversed {
                names.reverse();
            }
            bench.again("merged", &[&["report", "--output=none", "--report=merged.csv"], &names[..]].concat()).exits(0);
            rows.push(read_csv(&bench.folder.path().join("merged.csv")));
        }
        let visited = |rows: &BTreeMap<String, Row>| {
            let visited = rows.values().filter(|row| row["outcome"] != "skipped");
            visited.map(|row| (row["account_id"].clone(), row["run_id"].clone())).collect::<Vec<_>>()
        };
        assert_eq!(visited(&rows[0]), visited(&rows[1]), "{names:?}");
        rows.remove(0)
    };
    let check = |what: &str| {
        for (names, version) in [
            (&["plan", "run"][..], "v2Token"),
            (&["run", "back"], "v1Token"),
            (&["back", "again"], "v2Token"),
            (&["plan", "run", "back"], "v1Token"),
            (&["plan", "run", "back", "again"], "v2Token"),
        ] {
            let rows = merged(names);
            let row = &rows["000000000001"];
            let cells = (row["outcome"].as_str(), row["current_version"].as_str());
            assert_eq!(cells, ("changed", version), "{what}: {names:?}\n{row:#?}");
            assert_eq!(accounts_with(&rows, "changed").len(), 16, "{what}: {names:?}");
        }
        let compared = bench.again("none", &["report", "back", "--against", "run"]).exits(0);
        assert!(!compared.stderr.contains("note:"), "{what}\n{compared}");
        bench.again("none", &["report", "run", "--against", "back"]).exits(0).says(&["note: run ", "is based on run"]);
    };
    check("as they are");
    // Older versions wrote only the folder of the earlier run, which may have been moved since.
    for name in ["run", "back", "again"] {
        rewrite(&bench.run_folder(name).join("run.json"), |text| {
            text.split_inclusive('\n').filter(|line| !line.contains("\"based_on\"")).collect()
        });
    }
    check("of an older version");
    for name in ["run", "back", "again"] {
        let folder = bench.folder.path().to_str().expect("UTF-8").to_owned();
        rewrite(&bench.run_folder(name).join("run.json"), |text| text.replace(&folder, "/nowhere"));
    }
    check("moved");
}

/// A rollback finds that a Set in doubt had no effect. What a later resume sets is newer than that, although the rollback undoes the run.
#[test]
fn a_resume_after_the_rollback_is_reported() {
    let organization = Organization::builder().accounts(6).unlimited();
    let bench = Bench::new(organization.account(3, |account| account.faults.status_500.set = 100).start());
    let apply = ["apply", "--yes", "--rate=0", "--max-attempts=2", "--max-errors=100%"];
    let run = bench.run("run", &apply).exits(3);
    assert_eq!(accounts_with(&run.rows(), "unverified"), ["000000000003".to_owned()].into(), "{run}");
    bench.organization.control(|world| world.account_mut(3).faults = Faults::default());
    let back = rollback(&bench, "back", &[]).exits(0);
    assert_eq!(back.rows()["000000000003"]["outcome"], "unchanged", "{back}");
    bench.again("run", &["resume", "run", "--retry-failed", "--yes", "--rate=0"]).exits(0);
    for names in [["run", "back"], ["back", "run"]] {
        let report = [&["report", "--output=none", "--report=merged.csv"], &names[..]].concat();
        let merged = bench.again("merged", &report).exits(0);
        let rows = read_csv(&bench.folder.path().join("merged.csv"));
        let versions = |id: &str| (rows[id]["outcome"].as_str(), rows[id]["current_version"].as_str());
        assert_eq!(versions("000000000003"), ("changed", "v2Token"), "{merged}");
        assert_eq!(versions("000000000002"), ("changed", "v1Token"), "{merged}");
    }
}

/// The first run can't read back what it sets, and the second finds it set.
#[test]
fn a_later_run_confirms_what_an_earlier_run_set() {
    let bench = Bench::new(Organization::builder().accounts(6).unlimited().start());
    bench.run("run", &["apply", "--yes", "--rate=0", "--verify=none"]).exits(3);
    bench.run("next", &["apply", "--yes", "--rate=0"]).exits(0);
    bench.again("merged", &["report", "run", "next", "--output=none", "--report=merged.csv"]).exits(0);
    let rows = read_csv(&bench.folder.path().join("merged.csv"));
    let row = &rows["000000000003"];
    let cells = ["outcome", "previous_version", "current_version", "error_code"].map(|name| row[name].as_str());
    assert_eq!(cells, ["changed", "v1Token", "v2Token", ""], "{row:#?}");
    assert!(row["hint"].ends_with("read it back"), "{row:#?}");
}

/// Resuming a run during its rollback would set what the rollback has restored.
#[test]
fn a_resumed_rollback_locks_the_original_run() {
    let bench = Bench::new(slow().account(3, |account| account.faults.deny_read = true).start());
    let applied = apply(&bench, &["--max-errors=100%"]).exits(3);
    let back = ["rollback", "run", "--yes", "--rate=0", "--concurrency=2", "--waves=100%"];
    let mut running = Running::start(&bench, "back", &back);
    let sets = applied.after.requests(SET);
    running.until(|truth| truth.requests(SET) >= sets + 3);
    running.kill();
    let mut running =
        Running::spawn(&bench, "back", bench.bare(&["resume", "back", "--yes", "--rate=0", "--concurrency=1"]));
    let sets = bench.truth().requests(SET);
    running.until(|truth| truth.requests(SET) > sets);
    let busy = "another process works in the run folder";
    bench.again("run", &["resume", "run", "--yes", "--retry-failed"]).exits(1).says(&[busy]);
    restored(&applied.before, &running.end().exits(0));
}

/// A rollback's own journal has all that it needs.
#[test]
fn a_rollback_is_resumed_without_the_original_folder() {
    let bench = Bench::new(slow().start());
    let applied = apply(&bench, &[]).exits(0);
    let back = ["rollback", "run", "--yes", "--rate=0", "--concurrency=2", "--waves=100%"];
    let mut running = Running::start(&bench, "back", &back);
    let sets = applied.after.requests(SET);
    running.until(|truth| truth.requests(SET) >= sets + 3);
    running.kill();
    std::fs::rename(bench.run_folder("run"), bench.run_folder("elsewhere")).expect("it can be renamed");
    restored(&applied.before, &bench.again("back", &["resume", "back", "--yes", "--rate=0"]).exits(0));
}
