//! Run folders that released versions wrote, in `tests/fixtures/<version>`: this version reports, resumes, rolls back and applies them.

mod freeze;
mod organization;
mod reports;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use v2token_simulator::{AccountTruth, TokenVersion};

use crate::harness::{Bench, Row, accounts_with, read_csv, sent_to};
use organization::{IS_ON_V2, REFUSES, SUSPENDED, after, before, set_by, versions, versions_of_a_rollback};

/// The run folders of plan, apply, resume and rollback.
const RUNS: [&str; 9] = [
    "plan",
    "apply",
    "rollback",
    "apply-stopped-by-errors",
    "apply-killed",
    "apply-resumed",
    "rollback-killed",
    SHARDS[0],
    SHARDS[1],
];
/// The parts of one apply.
const SHARDS: [&str; 2] = ["shard-0", "shard-1"];
const IMPACTS: [&str; 2] = ["impact", "impact-files"];
/// The report of both parts.
const MERGED: &str = "merged.csv";
/// The evidence of `apply`.
const EVIDENCE: &str = "evidence.zip";

/// The applies that a later version can continue.
const INTERRUPTED: [&str; 2] = ["apply-stopped-by-errors", "apply-killed"];
/// Runs that nothing is left of, with their exit codes.
const FINISHED: [(&str, i32); 4] = [("plan", 0), ("apply", 3), ("apply-resumed", 3), ("rollback", 0)];
const APPLIES: [&str; 6] = ["apply", "apply-stopped-by-errors", "apply-killed", "apply-resumed", SHARDS[0], SHARDS[1]];

type Rows = BTreeMap<String, Row>;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// The run folders that one released version wrote.
struct Frozen(PathBuf);

impl Frozen {
    /// Those of each released version.
    fn all() -> Vec<Self> {
        let entries = fs::read_dir(fixtures()).expect("a folder").map(|entry| entry.expect("an entry").path());
        let is_version = |path: &PathBuf| path.join("plan").is_dir() && !path.ends_with("old-run-folders");
        let all: Vec<Self> = entries.filter(is_version).map(Self).collect();
        assert!(!all.is_empty(), "there are no frozen runs");
        all
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The report that the version itself made.
    fn rows(&self, run: &str) -> Rows {
        read_csv(&self.path(run).join("report.csv"))
    }

    /// Copies a run folder into another folder, private as the program makes its run folders. The reports stay behind, because they can be
    /// made again; those of an impact can't.
    fn copy(&self, name: &str, into: &Path) {
        let to = into.join(name);
        let permit = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("our own file");
        };
        fs::create_dir(&to).expect("a new folder");
        permit(&to, 0o700);
        for entry in fs::read_dir(self.path(name)).expect("a folder") {
            let file = entry.expect("an entry").file_name();
            if !file.to_string_lossy().starts_with("report.") {
                fs::copy(self.path(name).join(&file), to.join(&file)).expect("a copy");
                permit(&to.join(&file), 0o600);
            }
        }
    }

    /// The Organization as these runs left it, one after the other, with the folder of the last one.
    fn left_by(&self, runs: &[&str]) -> Bench {
        let rows: Vec<Rows> = runs.iter().map(|run| self.rows(run)).collect();
        let bench = after(&rows.iter().collect::<Vec<_>>());
        self.copy(runs.last().expect("a run"), bench.folder.path());
        bench
    }

    /// What failed, to be said with an assertion.
    fn said(&self, run: &str) -> String {
        self.path(run).display().to_string()
    }
}

fn numbers(ids: impl IntoIterator<Item = String>) -> BTreeSet<u64> {
    ids.into_iter().map(|id| id.parse().expect("an account id")).collect()
}

/// The accounts with one of these outcomes.
fn with(rows: &Rows, outcomes: &[&str]) -> BTreeSet<u64> {
    outcomes.iter().flat_map(|outcome| numbers(accounts_with(rows, outcome))).collect()
}

#[test]
fn every_version_has_every_kind_of_run() {
    let this = fixtures().join(env!("CARGO_PKG_VERSION"));
    let how = "`cargo test --test integration freeze_the_runs -- --ignored` makes them";
    assert!(this.is_dir(), "this version has no frozen runs: {how}");
    let kinds: BTreeSet<&str> = RUNS.into_iter().chain(IMPACTS).chain([MERGED, EVIDENCE]).collect();
    for frozen in Frozen::all() {
        let entries = fs::read_dir(&frozen.0).expect("a folder");
        let found: BTreeSet<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        let found: BTreeSet<&str> = found.iter().map(String::as_str).collect();
        assert!(found.is_subset(&kinds), "a kind that no test knows: {found:?}");
        // A kind that came later is not in the folders of earlier versions.
        assert!(found == kinds || frozen.0 != this, "{found:?}");
        let version = frozen.0.file_name().expect("a name").to_string_lossy().into_owned();
        for run in RUNS.iter().chain(&IMPACTS).filter(|run| found.contains(*run)) {
            let info = fs::read_to_string(frozen.path(run).join("run.json")).expect("run.json");
            assert!(info.contains(&format!("\"version\": \"{version}\"")), "{}: {info}", frozen.said(run));
        }
    }
}

#[test]
fn interrupted_applies_are_resumed() {
    for (frozen, run) in Frozen::all().iter().flat_map(|frozen| INTERRUPTED.map(|run| (frozen, run))) {
        let (bench, old) = (frozen.left_by(&[run]), frozen.rows(run));
        // The simulator knows no authorization id of an earlier run, and the program would wait for it.
        let resume = ["resume", run, "--yes", "--max-errors=100%", "--no-explain"];
        let resumed = bench.again(run, &resume).exits(3);
        let is_visited = |account: &&AccountTruth| account.calls.get_account_summary > 0;
        let visited: BTreeSet<u64> =
            resumed.after.accounts.iter().filter(is_visited).map(|account| account.id.number()).collect();
        let in_flight = old.iter().filter(|(_, row)| row["error_code"] == "Interrupted").map(|(id, _)| id.clone());
        let mut rest = &with(&old, &["not_attempted"]) | &numbers(in_flight);
        if run == "apply-stopped-by-errors" {
            rest.insert(REFUSES);
        }
        assert_eq!(visited, rest, "{}: other accounts keep their records\n{resumed}", frozen.said(run));
        let rows = resumed.rows();
        assert_eq!(with(&rows, &["failed"]), [REFUSES].into(), "{}\n{resumed}", frozen.said(run));
        assert_eq!(with(&rows, &["unchanged"]), [IS_ON_V2].into(), "{}\n{resumed}", frozen.said(run));
        assert_eq!(rows.len(), with(&rows, &["changed"]).len() + 3, "{}\n{resumed}", frozen.said(run));
        for (number, version) in versions(&resumed.after) {
            let is_wanted = ![REFUSES, SUSPENDED].contains(&number);
            assert_eq!(version == Some(TokenVersion::V2), is_wanted, "{}: {number}\n{resumed}", frozen.said(run));
        }
    }
}

#[test]
fn an_interrupted_rollback_is_resumed() {
    for frozen in Frozen::all() {
        let bench = frozen.left_by(&["apply-resumed", "rollback-killed"]);
        let resumed = bench.again("rollback-killed", &["resume", "rollback-killed", "--yes"]).exits(0);
        let set: BTreeSet<u64> = set_by(&frozen.rows("apply-resumed")).into_keys().collect();
        assert_eq!(versions(&resumed.after), versions_of_a_rollback(&set), "{resumed}");
        assert_eq!(with(&resumed.rows(), &["changed"]), set, "{resumed}");
    }
}

#[test]
fn finished_runs_have_nothing_left_to_resume() {
    for frozen in Frozen::all() {
        let bench = Bench::new(before().start());
        for (run, code) in FINISHED {
            frozen.copy(run, bench.folder.path());
            let resumed = bench.again(run, &["resume", run]).exits(code).says(&["nothing is left to do"]);
            assert_eq!(resumed.all_calls(), 0, "{}\n{resumed}", frozen.said(run));
        }
    }
}

#[test]
fn applies_are_rolled_back() {
    for (frozen, run) in Frozen::all().iter().flat_map(|frozen| APPLIES.map(|run| (frozen, run))) {
        let bench = frozen.left_by(&[run]);
        let back = bench.run("back", &["rollback", run, "--yes", "--rate=0"]).exits(0);
        let set: BTreeSet<u64> = set_by(&frozen.rows(run)).into_keys().collect();
        assert_eq!(versions(&back.after), versions_of_a_rollback(&set), "{}\n{back}", frozen.said(run));
        assert_eq!(with(&back.rows(), &["changed"]), set, "{}\n{back}", frozen.said(run));
        assert_eq!(numbers(sent_to(&back.after)), set, "{}\n{back}", frozen.said(run));
    }
}

#[test]
fn a_plan_is_applied_in_its_waves() {
    for frozen in Frozen::all() {
        let (bench, plan) = (frozen.left_by(&["plan"]), frozen.rows("plan"));
        let run = bench.run("run", &["apply", "--plan=plan", "--yes", "--rate=0", "--max-errors=100%"]).exits(3);
        let would_change = with(&plan, &["would_change"]);
        assert_eq!(numbers(sent_to(&run.after)), would_change, "{run}");
        let rows = run.agrees(TokenVersion::V2).rows();
        assert_eq!(with(&rows, &["changed", "failed"]), would_change);
        for (id, row) in plan.iter().filter(|(_, row)| row["outcome"] == "would_change") {
            assert_eq!([&rows[id]["wave"], &rows[id]["impact"]], [&row["wave"], &row["impact"]], "{id}");
        }
    }
}

#[test]
fn an_impact_divides_the_accounts_of_a_plan() {
    for (frozen, impact) in Frozen::all().iter().flat_map(|frozen| IMPACTS.map(|run| (frozen, run))) {
        let bench = Bench::new(before().start());
        frozen.copy(impact, bench.folder.path());
        let plan = bench.run("plan", &["plan", "--rate=0", &format!("--impact={impact}")]).exits(0);
        let verdicts = read_csv(&frozen.path(impact).join("impact.csv"));
        for (id, row) in plan.rows() {
            assert_eq!(row["impact"], verdicts[&id]["verdict"], "{}: {id}\n{plan}", frozen.said(impact));
        }
    }
}
