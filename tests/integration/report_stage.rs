//! The reports are part of a run: a kill, a full disk or a signal after the last visit leaves them to resume and report, and no
//! report is written over the journal or `run.json` of a run.

use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use v2token::internals::RunFolder;
use v2token_simulator::{Builder, Organization, TokenVersion};

use crate::harness::{Bench, accounts_with, read_csv, sent_to, tool};

const ACCOUNTS: usize = 12;
const APPLY: [&str; 5] = ["apply", "--yes", "--rate=0", "--waves=2,100%", "--no-progress"];

fn organization() -> Builder {
    Organization::builder().accounts(ACCOUNTS).unlimited()
}

/// Whether this machine has no strace, with which a test kills the program at a system call.
fn no_strace() -> bool {
    let there = Command::new("strace").args(["-qq", "true"]).stderr(Stdio::null()).status();
    let there = there.is_ok_and(|status| status.success());
    assert!(there || std::env::var_os("CI").is_none(), "strace is needed to kill the program at a system call");
    if !there {
        // The test harness hides `eprintln!` when a test passes, but not this.
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no strace here, so nothing was killed at system calls");
    }
    !there
}

/// Runs a command, and does something to it at its `number`-th call of a system call. Returns its exit code, unless it was killed.
fn at_call(command: &Command, call: &str, number: usize, what: &str) -> Option<i32> {
    let mut strace = tool("strace");
    strace.args([
        "-f",
        "-qq",
        "-o/dev/null",
        &format!("-etrace={call}"),
        &format!("-einject={call}:{what}:when={number}"),
    ]);
    strace.arg("--").arg(command.get_program()).args(command.get_args()).env_clear();
    strace.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    strace.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    strace.current_dir(command.get_current_dir().expect("a folder to run in"));
    strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    strace.status().expect("strace starts").code()
}

fn has_ended(folder: &Path) -> bool {
    RunFolder::read(folder).is_ok_and(|(_, replay)| replay.ended.is_some())
}

/// Fails unless the folder has complete reports, and nothing that is left over.
fn is_complete(folder: &Path, when: &str) {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .expect("a run folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    assert_eq!(names, ["journal.jsonl", "report.csv", "report.html", "report.json", "run.json"], "{when}");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).expect("a file");
    let json = |name: &str| serde_json::from_str::<Value>(&read(name)).expect("JSON");
    assert_eq!(read_csv(&folder.join("report.csv")).len(), ACCOUNTS, "{when}");
    assert_eq!(json("report.json")["accounts"].as_array().map(Vec::len), Some(ACCOUNTS), "{when}");
    assert_eq!(json("report.json")["run"]["verdict"], json("run.json")["verdict"], "{when}");
    assert_eq!(json("run.json")["verdict"]["exit_code"], 0, "{when}");
    assert!(json("run.json")["ended_at"].is_string(), "{when}");
    assert!(
        !read("report.html").contains("This run has not ended"),
        "{when}: the page says that the run has not ended"
    );
}

/// The system calls with which the program changes files and talks to AWS, and the greatest number of each that is tried.
const CALLS: [(&str, usize); 9] = [
    ("renameat", 30),
    ("fdatasync", 40),
    ("fsync", 30),
    ("unlinkat", 30),
    ("ftruncate", 5),
    ("statx", 60),
    ("openat", 90),
    ("write", 90),
    ("sendto", 60),
];

/// Kills an apply at system calls, resumes it, and kills that too. In the end the reports are complete, and at no time the report
/// has fewer accounts than before.
fn killed_at_calls(calls: &[(&str, usize)]) -> (usize, usize) {
    let (mut kills, mut after_the_end) = (0, 0);
    for (call, most) in calls {
        for number in 1..=*most {
            let bench = Bench::new(organization().start());
            let before = bench.truth();
            let (folder, when) = (bench.run_folder("run"), format!("{call} {number}"));
            let resume = bench.bare(&["resume", "run", "--yes", "--no-progress"]);
            if at_call(&bench.command("run", &APPLY), call, number, "signal=KILL").is_some() {
                break;
            }
            kills += 1;
            // Requests that were in flight when the process ended still arrive.
            std::thread::sleep(Duration::from_millis(5));
            if RunFolder::read(&folder).is_err() {
                assert!(sent_to(&bench.truth()).is_empty(), "{when}");
                bench.run("run", &APPLY).exits(0);
                is_complete(&folder, &when);
                continue;
            }
            after_the_end += usize::from(has_ended(&folder));
            let rows = || std::fs::read_to_string(folder.join("report.csv")).map_or(0, |text| text.lines().count());
            let had = rows();
            if at_call(&resume, call, number, "signal=KILL").is_none() {
                kills += 1;
                after_the_end += usize::from(has_ended(&folder));
                assert!(rows() >= had, "{when}: the report had {had} lines, and a killed resume left {}", rows());
            }
            // The reports are completed by either command.
            let report = ["report", "run", "--output=none"];
            let finish: &[&str] =
                if number % 2 == 0 && has_ended(&folder) { &report } else { &["resume", "run", "--yes"] };
            let run = bench.again("run", finish).since(before.clone()).exits(0).agrees(TokenVersion::V2);
            is_complete(&folder, &when);
            assert_eq!(accounts_with(&run.rows(), "changed"), sent_to(&run.after), "{when}\n{run}");
            let again = bench.again("run", &["resume", "run", "--yes"]).exits(0).says(&["nothing is left to do"]);
            assert!(!again.stderr.contains("were not complete"), "{when}\n{again}");
        }
    }
    (kills, after_the_end)
}

#[test]
fn killed_at_any_system_call_that_changes_files() {
    if no_strace() {
        return;
    }
    let (kills, after_the_end) = killed_at_calls(&CALLS[..6]);
    println!("{kills} kills, {after_the_end} of them after the end of the journal");
    assert!(kills >= 70 && after_the_end >= 20, "{kills} kills, {after_the_end} after the end");
}

#[test]
fn killed_at_any_system_call_that_opens_or_writes() {
    if no_strace() {
        return;
    }
    let (kills, after_the_end) = killed_at_calls(&CALLS[6..]);
    println!("{kills} kills, {after_the_end} of them after the end of the journal");
    assert!(kills >= 180 && after_the_end >= 10, "{kills} kills, {after_the_end} after the end");
}

/// The number of the first `renameat` after the line `ended`: `run.json` is written twice before the first visit, then with the time
/// of the end, then follow three reports, and at last `run.json` with the verdict.
const AFTER_THE_END: std::ops::RangeInclusive<usize> = 3..=7;

#[test]
fn the_first_signal_does_not_cut_the_reports_off() {
    if no_strace() {
        return;
    }
    for (signal, exit_code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        for number in AFTER_THE_END {
            let bench = Bench::new(organization().start());
            let run = bench.command("run", &APPLY);
            let code = at_call(&run, "renameat", number, &format!("signal={signal}"));
            // If the signal is handled late, everything is written by then, and it ends the process while it writes to stdout.
            assert!(code == Some(0) || code == Some(exit_code), "{signal} {number}: {code:?}");
            is_complete(&bench.run_folder("run"), &format!("{signal} {number}"));
        }
    }
}

#[test]
fn a_full_disk_leaves_the_reports_to_resume_and_report() {
    if no_strace() {
        return;
    }
    for number in AFTER_THE_END {
        for finish in [&["resume", "run"][..], &["report", "run"], &["report", "run", "run"]] {
            let bench = Bench::new(organization().start());
            let before = bench.truth();
            let code = at_call(&bench.command("run", &APPLY), "renameat", number, "error=ENOSPC");
            let folder = bench.run_folder("run");
            // Without the time of the end, `run.json` is still written at last.
            assert_eq!(code, Some(i32::from(number != *AFTER_THE_END.start())), "{number}");
            let run = bench.again("run", finish).since(before).exits(0).agrees(TokenVersion::V2);
            assert_eq!(run.calls(v2token_simulator::Operation::AssumeRole), ACCOUNTS as u64 - 1, "{number}\n{run}");
            is_complete(&folder, &format!("{number} {finish:?}"));
        }
    }
}

/// A report that someone deleted or emptied is made again from the journal.
#[test]
fn a_lost_report_is_made_again() {
    let bench = Bench::new(organization().start());
    let folder = bench.run("run", &APPLY).exits(0).folder;
    let csv = std::fs::read_to_string(folder.join("report.csv")).expect("a report");
    let without_last_row: String = csv.split_inclusive('\n').take(ACCOUNTS).collect();
    for finish in ["resume", "report"] {
        std::fs::write(folder.join("report.csv"), &without_last_row).expect("it is ours");
        bench.again("run", &[finish, "run"]).exits(0);
        assert_eq!(std::fs::read_to_string(folder.join("report.csv")).expect("a report"), csv, "{finish}");
        std::fs::remove_file(folder.join("report.csv")).expect("it is ours");
        std::fs::write(folder.join("report.json"), "").expect("it is ours");
        bench.again("run", &[finish, "run"]).exits(0);
        is_complete(&folder, finish);
        assert_eq!(std::fs::read_to_string(folder.join("report.csv")).expect("a report"), csv, "{finish}");
    }
    // A finished run also writes the files that the resume names.
    bench.again("run", &["resume", "run", "--report=more.csv"]).exits(0);
    assert_eq!(std::fs::read_to_string(bench.folder.path().join("more.csv")).expect("a report"), csv);
}

/// A report never takes the place of the truth about a run, by whatever path it is named.
#[test]
fn a_report_over_a_journal_is_refused() {
    let bench = Bench::new(organization().start());
    let folder = bench.run("run", &APPLY).exits(0).folder;
    bench.run("plan", &["plan", "--rate=0"]).exits(0);
    let at = |name: &str| bench.folder.path().join(name);
    symlink(folder.join("journal.jsonl"), at("link.csv")).expect("a link");
    symlink(folder.join("run.json"), at("link.json")).expect("a link");
    symlink("link.json", at("link-to-link.json")).expect("a link");
    symlink(&folder, at("other-name")).expect("a link");
    std::fs::hard_link(folder.join("journal.jsonl"), at("hard.jsonl")).expect("a link");
    std::fs::copy(folder.join("journal.jsonl"), at("backup.csv")).expect("a copy");
    std::fs::copy(folder.join("run.json"), at("backup.json")).expect("a copy");
    let truth = [folder.join("journal.jsonl"), folder.join("run.json"), at("backup.csv"), at("backup.json")];
    let truth = || truth.clone().map(|path| std::fs::read(path).expect("a file"));
    let known = truth();
    let targets = [
        "run/journal.jsonl",
        "run/run.json",
        "./plan/../run/run.json",
        "other-name/journal.jsonl",
        "link.csv",
        "link.json",
        "link-to-link.json",
        "hard.jsonl",
        "backup.csv",
        "backup.json",
    ];
    for target in targets {
        let report = format!("--report={target}");
        let commands: [&[&str]; 5] = [
            &["report", "run", &report],
            &["report", "plan", "run", &report],
            &["resume", "run", &report],
            &["plan", "--rate=0", "--run-dir=new", &report],
            &["rollback", "run", "--yes", "--run-dir=back", &report],
        ];
        for command in commands {
            let run = bench
                .again("new", command)
                .exits(1)
                .says(&["without which the run can't be resumed or undone", target]);
            assert_eq!(run.all_calls(), 0, "{command:?}\n{run}");
            assert!(!run.folder.exists(), "{command:?}\n{run}");
            assert_eq!(truth(), known, "{command:?}\n{run}");
        }
    }
    // The run's own folder exists before its reports are opened.
    for target in ["new/run.json", "new/journal.jsonl"] {
        let run = bench.run("new", &["plan", "--rate=0", &format!("--report={target}")]).exits(1);
        run.says(&["without which the run can't be resumed or undone"]).made_no_plan("can't be written");
    }
    // A file that is not there yet, in the folder of a run that lost it.
    std::fs::rename(folder.join("run.json"), at("kept.json")).expect("it is ours");
    bench.again("new", &["report", "plan", "--report=run/run.json"]).exits(1);
    assert!(!folder.join("run.json").exists(), "nothing was created");
    std::fs::rename(at("kept.json"), folder.join("run.json")).expect("it is ours");
    // Reports may be written beside a journal, and over reports.
    for target in ["run/report.csv", "run/more.jsonl", "run/report.json"] {
        bench.again("new", &["report", "run", &format!("--report={target}"), "--output=none"]).exits(0);
    }
    bench.again("run", &["resume", "run"]).exits(0).says(&["nothing is left to do"]);
}

/// A report of an earlier day keeps its content until the new one is complete.
#[test]
fn a_killed_run_leaves_the_old_report() {
    if no_strace() {
        return;
    }
    let bench = Bench::new(organization().start());
    let old = bench.folder.path().join("daily.csv");
    bench.run("old", &["plan", "--rate=0", "--report=daily.csv"]).exits(0);
    let known = std::fs::read(&old).expect("a report");
    let arguments = ["plan", "--rate=0", "--report=daily.csv"];
    let code = at_call(&bench.command("new", &arguments), "renameat", 3, "signal=KILL");
    assert_eq!(code, None);
    assert_eq!(std::fs::read(&old).expect("a report"), known);
}
