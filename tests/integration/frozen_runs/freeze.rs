//! Makes the run folders of this version. A release does so once, before it is published.

use std::fs;
use std::path::{Path, PathBuf};

use v2token_simulator::PerCall;

use super::organization::{HANG, SHOWS_LATE, before};
use super::{EVIDENCE, IMPACTS, MERGED, RUNS, SHARDS, fixtures};
use crate::harness::{Bench, program, rewrite};
use crate::running::Running;

const REASON: &str = "--reason=CHG-1";
const FAST: [&str; 2] = ["--rate=0", "--yes"];
const ALL_MAY_FAIL: &str = "--max-errors=100%";
const WAVES: &str = "--waves=1,50%,100%";

/// Where the operator of the frozen runs is at work, and what the endpoint of STS is.
const FOLDER: &str = "/home/operator/runs";
const ENDPOINT: &str = "https://sts.eu-west-1.amazonaws.com";

#[test]
#[ignore = "makes the run folders of this version, once for each release"]
fn freeze_the_runs_of_this_version() {
    let to = fixtures().join(env!("CARGO_PKG_VERSION"));
    assert!(!to.exists(), "{} exists: frozen runs are never made again", to.display());
    let frozen = tempfile::tempdir().expect("a temporary folder");
    for bench in [finished(), stopped(), killed(), shards()] {
        for name in RUNS.iter().chain(&IMPACTS).filter(|name| bench.run_folder(name).is_dir()) {
            freeze(&bench, name, frozen.path());
        }
    }
    let report = |arguments: &[&str]| {
        let output = program(frozen.path()).arg("report").args(arguments).output().expect("the program starts");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    for name in RUNS {
        let [csv, json] = ["csv", "json"].map(|ending| format!("--report={name}/report.{ending}"));
        report(&[name, "--output=none", &csv, &json]);
    }
    report(&[SHARDS[0], SHARDS[1], "--output=none", &format!("--report={MERGED}")]);
    report(&["apply", "--output=none", "--evidence", EVIDENCE]);
    for name in RUNS.iter().chain(&IMPACTS) {
        for file in
            fs::read_dir(frozen.path().join(name)).expect("a folder").map(|entry| entry.expect("an entry").path())
        {
            if ["html", "md"].map(Some).contains(&file.extension().and_then(|ending| ending.to_str())) {
                fs::remove_file(file).expect("our own file");
            }
        }
    }
    copy_all(frozen.path(), &to);
}

/// An impact from the history and one from files, a plan with it, the apply of this plan, and its rollback.
fn finished() -> Bench {
    let bench = Bench::new(before().account(SHOWS_LATE, |it| it.faults.read_back_never_shows = true).start());
    let run = |name: &str, arguments: &[&str], code: i32| {
        bench.run(name, &[arguments, &["--rate=0"]].concat()).exits(code);
    };
    run("impact", &["impact", "--since=7d"], 0);
    let trail = bench.run_folder("trail");
    bench.organization.control(|world| world.write_trail(&trail)).expect("a writable folder");
    run("listed", &["plan", "--report=listed.csv"], 0);
    let files =
        ["impact", "--offline", "--accounts-from=listed.csv", "--since=7d", "--run-dir=impact-files", "--events=trail"];
    let output = bench.bare(&files).output().expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    run("plan", &["plan", "--impact=impact", "--verify=token", "--waves=1,25%,100%", REASON], 0);
    run("apply", &["apply", "--plan=plan", "--verify=token", "--yes", ALL_MAY_FAIL, REASON], 3);
    bench.organization.control(|world| world.account_mut(SHOWS_LATE).faults.read_back_never_shows = false);
    run("rollback", &["rollback", "apply", "--yes", "--reason=CHG-2"], 0);
    bench
}

/// An apply that a refused Set stops.
fn stopped() -> Bench {
    let bench = Bench::new(before().start());
    let apply = ["apply", "--max-errors=0", "--canary=000000000001", WAVES, REASON, "--concurrency=1"];
    bench.run("apply-stopped-by-errors", &[&apply[..], &FAST].concat()).exits(5);
    bench
}

/// A killed apply, the same one after its resume, and its killed rollback.
fn killed() -> Bench {
    let bench = Bench::new(before().start());
    kill_at_the_hanging_sets(&bench, "apply-killed", &[&["apply", ALL_MAY_FAIL, WAVES, REASON][..], &FAST].concat());
    let resumed = bench.run_folder("apply-resumed");
    copy_all(&bench.run_folder("apply-killed"), &resumed);
    bench.again("apply-resumed", &["resume", "apply-resumed", "--yes"]).exits(3);
    // A crash of the machine can leave the first part of a line.
    rewrite(&bench.run_folder("apply-killed").join("journal.jsonl"), |text| text + "{\"event\":\"record\",\"acc");
    kill_at_the_hanging_sets(
        &bench,
        "rollback-killed",
        &[&["rollback", "apply-resumed", "--waves=1,100%"][..], &FAST].concat(),
    );
    bench
}

fn shards() -> Bench {
    let bench = Bench::new(before().start());
    for (index, name) in SHARDS.iter().enumerate() {
        let shard = format!("--shard={index}/2");
        bench.run(name, &[&["apply", &shard, ALL_MAY_FAIL, "--waves=100%"][..], &FAST].concat());
    }
    bench
}

/// Starts a run in which two Sets are never answered, and kills it when everything else has its record.
fn kill_at_the_hanging_sets(bench: &Bench, name: &str, arguments: &[&str]) {
    let hang = |sets: u32| {
        bench.organization.control(|world| {
            for number in HANG {
                world.account_mut(number).faults.hang = PerCall::set(sets);
            }
        });
    };
    hang(1);
    let mut running = Running::start(bench, name, arguments);
    let journal = bench.run_folder(name).join("journal.jsonl");
    let lines = || fs::read_to_string(&journal).unwrap_or_default();
    let has_intent = |text: &str, number: u64| {
        text.lines().any(|line| line.contains("\"event\":\"intent\"") && line.contains(&format!("\"{number:012}\"")))
    };
    running.until(|_| HANG.iter().all(|number| has_intent(&lines(), *number)));
    let mut known = String::new();
    while lines() != known {
        known = lines();
        std::thread::sleep(std::time::Duration::from_secs(1));
    }
    running.kill();
    hang(0);
}

/// Copies what a later version gets of a run folder, without what differs between machines.
fn freeze(bench: &Bench, name: &str, to: &Path) {
    let from = bench.run_folder(name);
    copy_all(&from, &to.join(name));
    let info = fs::read_to_string(from.join("run.json")).expect("run.json");
    assert!(info.contains(env!("CARGO_PKG_VERSION")), "{info}");
    for file in fs::read_dir(to.join(name)).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        let is_report = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("report."));
        // The reports are made again from what is frozen.
        if is_report {
            fs::remove_file(file).expect("our own file");
        } else {
            rewrite(&file, |text| {
                let text = text.replace(&bench.organization.endpoint(), ENDPOINT);
                text.replace(bench.folder.path().to_str().expect("UTF-8"), FOLDER)
            });
        }
    }
}

/// Copies the files of a folder, and of those below it.
fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a new folder");
    let entries: Vec<PathBuf> =
        fs::read_dir(from).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    for path in entries {
        let copy = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_all(&path, &copy);
        } else {
            fs::copy(&path, &copy).expect("a copy");
        }
    }
}
