//! `--impact` of plan and apply: the accounts that nobody will notice go first, and the others have canaries of their own.

use std::collections::{BTreeMap, BTreeSet};

use v2token_simulator::{Organization, TokenVersion, Traffic, VersionMix};

use crate::harness::{Bench, Run, rewrite};

const ACCOUNTS: usize = 40;

/// An Organization with a week of clients, and its impact in the folder `impact`.
fn with_impact() -> Bench {
    let organization = Organization::builder()
        .accounts(ACCOUNTS)
        .unlimited()
        .version_mix(VersionMix::percent_v2(10))
        .traffic(Traffic { seed: 11, days: 7, calls_per_day: 2 });
    let bench = Bench::new(organization.start());
    bench.run("impact", &["impact", "--rate=0", "--since=7d"]).exits(0);
    bench
}

fn verdicts(bench: &Bench) -> BTreeMap<String, String> {
    let mut reader = csv::Reader::from_path(bench.run_folder("impact").join("impact.csv")).expect("a report");
    let rows = reader.deserialize().map(|row: Result<BTreeMap<String, String>, _>| row.expect("a row"));
    rows.map(|row| (row["account_id"].clone(), row["verdict"].clone())).collect()
}

fn is_unaffected(verdict: &str) -> bool {
    ["no_effect", "none_seen", "already_v2"].contains(&verdict)
}

/// The waves of unaffected accounts, and those of the others. The management account is visited last.
fn waves(run: &Run, verdicts: &BTreeMap<String, String>) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let (mut first, mut others) = (BTreeSet::new(), BTreeSet::new());
    for (id, row) in run.rows().iter().filter(|(_, row)| !row["wave"].is_empty()) {
        let group = if is_unaffected(&verdicts[id]) && id != "000000000100" { &mut first } else { &mut others };
        group.insert(row["wave"].parse().expect("a number"));
    }
    (first, others)
}

#[test]
fn unaffected_accounts_go_first_and_each_group_has_its_canary() {
    let bench = with_impact();
    let verdicts = verdicts(&bench);
    let kinds: BTreeSet<&str> = verdicts.values().map(String::as_str).collect();
    assert!(kinds.iter().any(|kind| is_unaffected(kind)) && kinds.contains("longer_tokens"), "{kinds:?}");
    let options = ["--impact=impact", "--waves=1,100%", "--rate=0"];

    let plan = bench.run("plan", &[&["plan"], &options[..]].concat()).exits(0).agrees(TokenVersion::V2);
    for (id, row) in plan.rows() {
        assert_eq!(row["impact"], verdicts[&id], "{plan}");
    }
    let header = std::fs::read_to_string(plan.folder.join("report.csv")).expect("a report");
    assert!(header.lines().next().expect("a header").ends_with(",ou_names,impact"), "{header}");
    let (first, others) = waves(&plan, &verdicts);
    assert_eq!((first, others), ([1, 2].into(), [3, 4].into()), "{plan}");

    // The apply of the plan keeps its waves and its impact, although the option is not given again.
    let apply = ["apply", "--plan=plan", "--yes", "--rate=0"];
    let run = bench.run("apply", &apply).exits(0).agrees(TokenVersion::V2);
    assert_eq!(waves(&run, &verdicts), ([1, 2].into(), [3, 4].into()), "{run}");
    for (id, row) in run.rows().iter().filter(|(_, row)| row["outcome"] == "changed") {
        assert_eq!((&row["wave"], &row["impact"]), (&plan.rows()[id]["wave"], &verdicts[id]));
    }
    assert!(run.stderr.contains("impact") && run.stderr.contains("principals that get longer tokens"), "{run}");
    assert!(run.stderr.contains("those of the plan"), "{run}");

    // A report and a rollback need no impact. The rollback goes in its usual waves.
    let again = bench.again("apply", &["report", "apply", "--output=csv"]).exits(0);
    assert!(again.stdout.lines().next().expect("a header").ends_with(",impact"), "{again}");
    let back = bench.run("back", &["rollback", "apply", "--yes", "--rate=0", "--waves=1,100%"]).exits(0);
    assert!(!back.rows().values().next().expect("a row").contains_key("impact"), "{back}");
    assert_eq!(back.rows().values().filter_map(|row| row["wave"].parse::<u32>().ok()).max(), Some(2), "{back}");
}

#[test]
fn the_impact_is_named_by_latest_and_kept_by_a_resume() {
    let mut bench = with_impact();
    let runs = bench.folder.path().display().to_string();
    bench.env("V2TOKEN_RUNS_DIR", &runs);
    bench.organization.control(|world| world.account_mut(3).faults.deny_set = true);
    let apply = ["apply", "--yes", "--impact=latest", "--waves=1,100%", "--rate=0", "--max-errors=100%"];
    let run = bench.run("apply", &apply).exits(3);
    assert!(run.stderr.contains("latest is ") && run.stderr.contains("impact"), "{run}");
    bench.organization.control(|world| world.account_mut(3).faults.deny_set = false);
    let resumed = bench.again("apply", &["resume", "apply", "--retry-failed", "--yes"]).exits(0);
    assert_eq!(resumed.rows()["000000000003"]["impact"], verdicts(&bench)["000000000003"], "{resumed}");
}

#[test]
fn an_impact_that_does_not_fit_is_refused() {
    let bench = with_impact();
    bench.run("plan", &["plan"]).exits(0);
    for (option, problem) in [
        ("--impact=nothing", "nothing has no report of an impact, which the command impact makes"),
        ("--impact=plan", "plan has no report of an impact"),
        ("--impact=latest", "there is no impact in "),
    ] {
        let mut command = bench.bare(&["apply", "--yes", option, "--run-dir=no"]);
        let run = bench.finish("no", {
            command.env("V2TOKEN_RUNS_DIR", bench.folder.path().join("none"));
            command
        });
        assert!(run.code == 1 || run.code == 2, "{run}");
        assert!(run.stderr.contains(problem), "{option}\n{run}");
        assert_eq!(run.all_calls(), 0, "{run}");
    }
    // One that is older than a month is said, and one of another Organization is refused before anything is changed.
    let json = bench.run_folder("impact").join("impact.json");
    rewrite(&json, |text| text.replace("\"ended_at\": \"202", "\"ended_at\": \"201"));
    let run = bench.again("none", &["plan", "--impact=impact", "--run-dir=old"]).exits(0);
    assert!(run.stderr.contains("days old"), "{run}");
    rewrite(&json, |text| text.replace("o-exampleorg1", "o-anotherorg2"));
    for command in [&["plan"][..], &["apply", "--yes"]] {
        let run = bench.again("none", &[command, &["--impact=impact", "--run-dir=other"]].concat()).exits(1);
        assert!(run.stderr.contains("is about Organization o-anotherorg2"), "{run}");
        assert!(!run.touched_accounts(), "{run}");
    }
}
