//! Crash safety: applies are killed two hundred times, at moments all over their requests, and afterwards every possibly changed
//! account is known, and resume and rollback work.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use v2token::internals::RunFolder;
use v2token_simulator::{Latency, Organization, TokenVersion, VersionMix};

use crate::harness::{Bench, accounts_with, read_csv, sent_to};
use crate::running::{LIMIT, Running};

/// The number of kills in one test; four tests run in parallel.
const KILLS: usize = 50;

/// The accounts of each apply.
const ACCOUNTS: usize = 40;

const APPLY: [&str; 9] =
    ["apply", "--yes", "--concurrency", "8", "--rate", "0", "--waves", "2,50%,100%", "--no-progress"];

/// How many requests a whole apply makes, so that few kills come after its end. The Organizations differ a little in how many accounts
/// have to be set.
static REQUESTS: LazyLock<usize> = LazyLock::new(|| {
    let bench = organization(0);
    bench.run("run", &APPLY).exits(0);
    usize::try_from(bench.requests()).expect("they are few")
});

#[test]
fn killed_at_any_moment_first_quarter() {
    killed((0..KILLS).map(|kill| kill * 4));
}

#[test]
fn killed_at_any_moment_second_quarter() {
    killed((0..KILLS).map(|kill| kill * 4 + 1));
}

#[test]
fn killed_at_any_moment_third_quarter() {
    killed((0..KILLS).map(|kill| kill * 4 + 2));
}

#[test]
fn killed_at_any_moment_last_quarter() {
    killed((0..KILLS).map(|kill| kill * 4 + 3));
}

/// The CSV file that grows during a run has every record that is known: the skipped accounts from the start, and in a resume those of
/// the earlier part. A resume leaves the report of the earlier part alone, so that a kill does not make it shorter.
#[test]
fn growing_reports_have_the_records_known_before_the_first_visit() {
    let organization = Organization::builder().accounts(30).latency(Latency::all(Duration::from_millis(40))).start();
    let bench = Bench::new(organization);
    let excluded = ["000000000003", "000000000004"];
    let exclude = format!("--exclude-account={}", excluded.join(","));
    let apply = ["apply", "--yes", "--concurrency=2", "--rate=0", "--waves=100%", "--no-progress", &exclude];
    let csv = bench.folder.path().join("run/report.csv");
    let partial = bench.folder.path().join("run/report.csv.partial");
    let outcomes = |csv: &Path, outcome: &str| {
        let text = std::fs::read_to_string(csv).unwrap_or_default();
        text.lines().filter(|line| line.contains(&format!(",{outcome},"))).count()
    };
    let kill_after = |mut process: Child, csv: &Path, changed: usize| {
        let deadline = Instant::now() + LIMIT;
        while outcomes(csv, "changed") < changed {
            assert!(process.try_wait().expect("it is ours").is_none(), "it ended too early");
            assert!(Instant::now() < deadline, "only {} changed", outcomes(csv, "changed"));
            std::thread::sleep(Duration::from_millis(5));
        }
        process.kill().expect("it is ours");
        process.wait().expect("it is ours");
    };
    let quiet = |mut command: Command| command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");

    kill_after(quiet(bench.command("run", &apply)), &csv, 3);
    assert_eq!(outcomes(&csv, "skipped"), excluded.len(), "skipped accounts are in the file from the start");
    let before = accounts_with(&read_csv(&csv), "changed").len();

    let folder = bench.folder.path().join("run");
    let known = std::fs::read(&csv).expect("a report");
    let resume = || bench.bare(&["resume", folder.to_str().expect("UTF-8"), "--yes", "--no-progress"]);
    kill_after(quiet(resume()), &partial, before + 3);
    assert_eq!(outcomes(&partial, "skipped"), excluded.len(), "a resume has the skipped accounts of the earlier part");
    assert_eq!(std::fs::read(&csv).expect("a report"), known, "the only good copy is left alone");

    assert!(resume().output().expect("it starts").status.success());
    assert_eq!(read_csv(&csv).len(), 30);
    assert!(!partial.exists(), "what is complete takes the place of what is not");
}

fn organization(kill: usize) -> Bench {
    let builder = Organization::builder().accounts(ACCOUNTS).seed(kill as u64).version_mix(VersionMix::percent_v2(25));
    Bench::new(builder.latency(Latency::all(Duration::from_millis(4))).start())
}

/// Kills applies over different Organizations, each after a number of requests, and then resumes them and rolls them back.
fn killed(kills: impl Iterator<Item = usize>) {
    for kill in kills {
        let moment = kill % *REQUESTS;
        let bench = organization(kill);
        let before = bench.truth();
        let mut process =
            bench.command("run", &APPLY).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        wait_for_requests(&bench, &mut process, moment as u64);
        process.kill().expect("it is ours");
        process.wait().expect("it is ours");
        // Requests that were in flight when the process ended still arrive.
        std::thread::sleep(Duration::from_millis(10));

        let folder = bench.folder.path().join("run");
        let named = folder.to_str().expect("the folder has a name in UTF-8");
        let sent = sent_to(&bench.truth());
        let known: BTreeSet<String> = RunFolder::read(&folder)
            .map_or_else(|_| BTreeSet::new(), |(_, replay)| replay.intents.keys().map(ToString::to_string).collect());
        assert!(sent.is_subset(&known), "kill {kill}: sent to {sent:?}, but the journal knows only of {known:?}");

        if RunFolder::read(&folder).is_err() {
            // It was killed before the run began: there is nothing to resume, and it can be started again.
            assert!(sent.is_empty(), "kill {kill}");
            bench.run("run", &APPLY).exits(0);
        } else {
            let report = bench.bare(&["report", named, "--output", "json"]).output().expect("it starts");
            assert_eq!(report.status.code(), Some(0), "kill {kill}: {}", String::from_utf8_lossy(&report.stderr));
            let resumed = bench.bare(&["resume", named, "--yes", "--no-progress"]).output().expect("it starts");
            let said = String::from_utf8_lossy(&resumed.stderr).into_owned();
            assert_eq!(resumed.status.code(), Some(0), "kill {kill}: {said}");
        }

        let after = bench.truth();
        assert_eq!(after.with_version(TokenVersion::V2), ACCOUNTS, "kill {kill}");
        let rows = read_csv(&folder.join("report.csv"));
        assert_eq!(rows.len(), ACCOUNTS, "kill {kill}");
        assert_eq!(
            accounts_with(&rows, "changed"),
            sent_to(&after),
            "kill {kill}: the changed accounts are those that were set"
        );

        bench.run("back", &["rollback", named, "--yes", "--rate", "0"]).exits(0);
        let restored = bench.truth();
        for (was, is) in before.accounts.iter().zip(&restored.accounts) {
            assert_eq!(was.version, is.version, "kill {kill}: {} is not what it was", was.id);
        }
    }
}

/// The merged report must not hide an account that a killed run may have set behind the record of an earlier or later run.
#[test]
fn merged_reports_keep_possibly_changed_accounts() {
    let organization = Organization::builder().accounts(60).latency(Latency::all(Duration::from_millis(60))).start();
    let bench = Bench::new(organization);
    let apply = ["apply", "--yes", "--rate=0", "--waves=100%"];
    bench
        .run("failed", &[&apply[..], &["--role=NoSuchRole", "--max-errors=100%", "--management-account=skip"]].concat())
        .exits(3);
    bench.run("before", &["plan", "--rate=0"]).exits(0);
    let mut running = Running::start(&bench, "killed", &apply);
    running.until(|truth| truth.with_version(TokenVersion::V2) > 40);
    running.kill();
    let set = sent_to(&bench.truth());
    bench.run("after", &["plan", "--rate=0"]).exits(0);
    for order in [["failed", "killed"], ["killed", "failed"], ["before", "killed"], ["killed", "after"]] {
        let [first, second] = order.map(|name| bench.run_folder(name).display().to_string());
        let merged = bench.folder.path().join("merged.csv");
        let report = format!("--report={}", merged.display());
        let run = bench.again("merged", &["report", &first, &second, &report, "--output=none"]).exits(0);
        let rows = read_csv(&merged);
        let (changed, doubted) = (accounts_with(&rows, "changed"), accounts_with(&rows, "unverified"));
        assert!(!changed.is_empty() && !doubted.is_empty(), "{run}");
        assert!(set.is_subset(&(&changed | &doubted)), "{:?} were set as well", &set - &(&changed | &doubted));
        assert!(changed.is_subset(&set), "{:?} were not set", &changed - &set);
    }
}

/// Waits until the organization has received this many requests, or the process has ended.
fn wait_for_requests(bench: &Bench, process: &mut Child, wanted: u64) {
    loop {
        if bench.requests() >= wanted || process.try_wait().expect("it is ours").is_some() {
            return;
        }
        std::thread::sleep(Duration::from_micros(300));
    }
}
