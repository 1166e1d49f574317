//! `report --against`: the differences between two runs.

use std::collections::BTreeMap;

use serde_json::Value;
use v2token_simulator::{AccountState, Builder, Organization, TokenVersion};

use crate::harness::{Bench, Run, of_another_organization, read_csv, rewrite, without_end};
use crate::schema;

/// Ten accounts, of which one can't be set and one is closed.
fn ten() -> Builder {
    Organization::builder()
        .accounts(10)
        .unlimited()
        .hostile_names(true)
        .account(4, |account| account.faults.deny_set = true)
        .account(5, |account| account.state = AccountState::Closed)
}

fn compare(bench: &Bench, after: &[&str], before: &str, more: &[&str]) -> Run {
    let against = format!("--against={before}");
    bench.again("none", &[&["report"], after, &[against.as_str()], more].concat())
}

/// The number of accounts by kind of difference, without empty kinds.
fn counts(comparison: &Value) -> BTreeMap<String, u64> {
    let counts = comparison["summary"].as_object().expect("counts").iter();
    counts.filter_map(|(kind, count)| Some((kind.clone(), count.as_u64()?))).filter(|(_, count)| *count > 0).collect()
}

fn some(counts: &[(&str, u64)]) -> BTreeMap<String, u64> {
    counts.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect()
}

#[test]
fn a_plan_is_compared_with_its_apply() {
    let bench = Bench::new(ten().start());
    bench.run("plan", &["plan"]).exits(0);
    bench.run("apply", &["apply", "--yes", "--max-errors=100%"]).exits(3).agrees(TokenVersion::V2);

    let run = compare(&bench, &["apply"], "plan", &["--output=json"]).exits(0);
    let json = schema::comparison(&run.stdout);
    assert_eq!(counts(&json), some(&[("failure_new", 1), ("rolled_out", 8), ("same", 1)]));
    assert_eq!(json["sentence"], "9 of 10 accounts differ: 1 newly failed, 8 rolled out");
    assert_eq!(
        (&json["before"]["run"]["command"], &json["after"]["run"]["command"]),
        (&"plan".into(), &"apply".into())
    );
    let row = &json["accounts"][0];
    for (column, value) in [
        ("account_id", "000000000001"),
        ("difference", "rolled_out"),
        ("before_outcome", "would_change"),
        ("after_outcome", "changed"),
        ("before_version", "v1Token"),
        ("found_version", "v1Token"),
        ("after_version", "v2Token"),
    ] {
        assert_eq!(row[column], value, "{column}");
    }
    assert_eq!(row["account_name"], run.after.accounts[0].name.as_str(), "JSON keeps the true text");

    // The table: the counts, and the accounts by kind with their causes, failures first.
    let table = compare(&bench, &["apply"], "plan", &[]).exits(0).stdout;
    let found: Vec<usize> = [
        "comparison: 9 of 10 accounts differ",
        "\n  before  plan 2",
        "\n  after   apply 2",
        "\n   1  failure_new ",
        "\n   8  rolled_out ",
        "\n  10  accounts in o-",
        "\nfailure_new\n",
        "  1 would_change on v1Token\n    now failed on v1Token at set: AccessDenied: ",
        "    hint: ",
        "    in: 000000000004",
        "\nrolled_out\n",
        "  8 would_change on v1Token\n    now changed on v2Token\n    in: 000000000001",
        ", and 3 more\n",
    ]
    .into_iter()
    .map(|part| table.find(part).unwrap_or_else(|| panic!("{part:?} is not in\n{table}")))
    .collect();
    assert!(found.is_sorted(), "{found:?}\n{table}");
    assert!(!table.contains(|character: char| character.is_control() && character != '\n'), "{table}");

    // The other formats, on stdout and in files.
    let run = compare(
        &bench,
        &["apply"],
        "plan",
        &["--output=csv", "--report=c.csv", "--report=c.md,c.json", "--report=c.jsonl"],
    )
    .exits(0);
    let file = |name: &str| std::fs::read_to_string(bench.folder.path().join(name)).expect("a file");
    assert_eq!(file("c.csv"), run.stdout);
    assert_eq!(schema::comparison(&file("c.json")), json);
    assert_eq!(read_csv(&bench.folder.path().join("c.csv")).len(), 9);
    assert!(file("c.md").starts_with("# v2token comparison: 9 of 10 accounts differ"), "{}", file("c.md"));
    assert_eq!(compare(&bench, &["apply"], "plan", &["--output=jsonl"]).stdout, file("c.jsonl"));
    assert_eq!(compare(&bench, &["apply"], "plan", &["--report=-"]).stdout, run.stdout);
    assert_eq!(compare(&bench, &["apply"], "plan", &["--output=none"]).exits(0).stdout, "");
    let lines = compare(&bench, &["apply"], "plan", &["--output=text"]).exits(0).stdout;
    assert!(lines.lines().count() == 9 && lines.lines().all(|line| line.split('\t').count() == 19), "{lines}");
    let query = "--query=accounts[?difference=='failure_new'].[account_id, after_error_code]";
    assert_eq!(compare(&bench, &["apply"], "plan", &[query, "--output=text"]).stdout, "000000000004\tAccessDenied\n");
    let query = ["--query=@", "--output=json"];
    assert_eq!(schema::comparison(&compare(&bench, &["apply"], "plan", &query).stdout), json);
}

#[test]
fn an_audit_is_compared_with_the_previous_one() {
    let bench = Bench::new(ten().start());
    bench.run("first", &["apply", "--yes", "--max-errors=100%"]).exits(3);
    bench.run("audit", &["plan"]).exits(0);
    // No changes since: the accounts that were set are on the wanted version, and the others can be read.
    let run = compare(&bench, &["audit"], "first", &["--output=json"]).exits(0);
    assert_eq!(counts(&schema::comparison(&run.stdout)), some(&[("failure_gone", 1), ("same", 9)]));
    let run = compare(&bench, &["audit"], "audit", &[]).exits(0);
    assert!(run.stdout.starts_with("comparison: nothing has changed in 10 accounts\n"), "{run}");

    // Two accounts are set back outside the runs.
    bench.run("back", &["rollback", "first", "--yes", "--account=000000000001,000000000002"]).exits(0);
    bench.run("later", &["plan"]).exits(0);
    let run = compare(&bench, &["later"], "audit", &["--output=json"]).exits(0);
    assert_eq!(counts(&schema::comparison(&run.stdout)), some(&[("drifted", 2), ("same", 8)]));
    // And the next apply sets them again.
    bench.run("again", &["apply", "--yes", "--max-errors=100%"]).exits(3);
    let run = compare(&bench, &["again"], "audit", &["--output=json"]).exits(0);
    let json = schema::comparison(&run.stdout);
    assert_eq!(counts(&json), some(&[("failure_new", 1), ("set_again", 2), ("same", 7)]));
    // The wrong order is reported.
    compare(&bench, &["first"], "again", &["--output=none"]).exits(0).says(&["note: run ", "started after run"]);
    let run = compare(&bench, &["first"], "again", &["--output=none", "-q"]).exits(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn either_side_may_be_several_runs() {
    let bench = Bench::new(ten().start());
    bench.run("plan", &["plan"]).exits(0);
    for part in ["0/2", "1/2"] {
        let name = format!("part-{}", &part[..1]);
        let shard = format!("--shard={part}");
        bench.run(&name, &["apply", "--yes", "--max-errors=100%", "--waves=100%", &shard]);
    }
    let run = compare(&bench, &["part-0", "part-1"], "plan", &["--output=json"]).exits(0);
    assert_eq!(counts(&schema::comparison(&run.stdout)), some(&[("failure_new", 1), ("rolled_out", 8), ("same", 1)]));
    bench.run("audit", &["plan"]).exits(0);
    for against in ["part-0,part-1", "part-0 --against=part-1"] {
        let words: Vec<&str> = against.split(' ').collect();
        let run = compare(&bench, &["audit"], words[0], &[&words[1..], &["--output=json"]].concat()).exits(0);
        assert_eq!(counts(&schema::comparison(&run.stdout)), some(&[("failure_gone", 1), ("same", 9)]), "{against}");
    }
    // One shard alone leaves out most accounts.
    let run = compare(&bench, &["audit"], "part-0", &["--output=json"]).exits(0);
    let json = schema::comparison(&run.stdout);
    assert!(json["summary"]["outcome_changed"].as_u64() > Some(0), "{json:#}");
}

/// A run says nothing about the accounts that it leaves to the run that it is based on.
#[test]
fn a_run_beside_the_one_that_it_is_based_on_shows_what_it_changed() {
    let mut organization = ten();
    for id in 1..=3 {
        organization = organization.account(id, |account| account.version = Some(v2token_simulator::TokenVersion::V2));
    }
    let bench = Bench::new(organization.start());
    bench.run("plan", &["plan"]).exits(0);
    let applied = bench.run("apply", &["apply", "--yes", "--max-errors=100%", "--plan=plan"]);
    let changed = applied.outcomes()["changed"];
    bench.run("back", &["rollback", "apply", "--yes"]).exits(0);
    let difference = |after: &str, before: &str, kind: &str| {
        let json = schema::comparison(&compare(&bench, &[after], before, &["--output=json"]).exits(0).stdout);
        let found = counts(&json);
        assert_eq!(found[kind], changed as u64, "{json:#}");
        assert!(found.keys().all(|other| [kind, "failure_new", "same"].contains(&other.as_str())), "{json:#}");
        json["sentence"].as_str().expect("a sentence").to_owned()
    };
    assert!(difference("apply", "plan", "rolled_out").contains(&format!("{changed} rolled out")));
    assert!(difference("back", "apply", "rolled_back").contains(&format!("{changed} rolled back")));
}

#[test]
fn added_and_removed_accounts_are_shown() {
    let bench = Bench::new(ten().start());
    let before = bench.run("before", &["apply", "--yes", "--max-errors=100%"]).exits(3);
    let after = bench.run("after", &["plan"]).exits(0);
    // One account exists only before, the other only after.
    for (folder, account) in [(&after.folder, "000000000002"), (&before.folder, "000000000007")] {
        rewrite(&folder.join("journal.jsonl"), |journal| {
            let others = journal.lines().filter(|line| !line.contains(account));
            let counts = ["\"accounts\":10,\"targets\":9", "\"accounts\":9,\"targets\":8"];
            others.map(|line| line.replace(counts[0], counts[1]) + "\n").collect()
        });
    }
    let run = compare(&bench, &["after"], "before", &["--output=json"]).exits(0);
    let json = schema::comparison(&run.stdout);
    let of = |difference: &str| {
        let rows = json["accounts"].as_array().expect("rows").iter().filter(|row| row["difference"] == difference);
        rows.map(|row| row["account_id"].as_str().expect("an id")).collect::<Vec<_>>()
    };
    assert_eq!((of("appeared"), of("left")), (vec!["000000000007"], vec!["000000000002"]), "{run}");
    assert_eq!(json["accounts"][0]["after_outcome"], Value::Null);
}

#[test]
fn incomparable_runs_are_refused() {
    let bench = Bench::new(ten().start());
    bench.run("one", &["plan"]).exits(0);
    let other = bench.run("other", &["plan"]).exits(0);
    of_another_organization(&other.folder);
    let unlisted = bench.run("unlisted", &["plan"]).exits(0);
    without_end(&unlisted.folder);
    rewrite(&unlisted.folder.join("journal.jsonl"), |journal| {
        journal.lines().take(5).map(|line| line.to_owned() + "\n").collect()
    });
    let path = bench.folder.path().join("c.json");
    for (after, before, more, code, says) in [
        ("one", "other", "--report=c.json", 1, "only runs in one Organization can be compared"),
        ("other", "one", "--report=c.json", 1, "o-anotherorg2"),
        ("one", "unlisted", "--report=c.json", 1, "unlisted were not all listed"),
        ("unlisted", "one", "--report=c.json", 1, "unlisted were not all listed"),
        ("one", "nowhere", "--report=c.json", 1, "nowhere holds no run"),
        ("one", "one", "--report=c.html", 2, "a comparison has no page; name a file that ends in .md"),
        ("one", "one", "--query=acounts[", 2, "expected a number"),
        ("one", "one", "--query=sum(accounts)", 0, ""),
    ] {
        let run = compare(&bench, &[after], before, &[more]).exits(code);
        assert!(code == 0 || run.stdout.is_empty(), "{run}");
        assert!(code == 0 || run.stderr.contains("no report was made"), "{run}");
        run.says(&[says]);
        assert!(
            !path.exists() && !bench.folder.path().join("c.html").exists(),
            "a refused comparison left a file behind"
        );
    }
}

#[test]
fn a_running_run_is_compared_so_far() {
    let bench = Bench::new(ten().start());
    bench.run("plan", &["plan"]).exits(0);
    let run = bench.run("apply", &["apply", "--yes", "--max-errors=100%"]).exits(3);
    without_end(&run.folder);
    rewrite(&run.folder.join("journal.jsonl"), |journal| {
        let whole = journal.lines().filter(|line| !line.contains("\"ended\""));
        whole.map(|line| line.to_owned() + "\n").collect()
    });
    let run = compare(&bench, &["apply"], "plan", &["--query=sentence", "--output=text"]).exits(0);
    assert!(run.stdout.trim_end().ends_with("has not ended"), "{run}");
}
