//! Faults of the run folder: a full disk, a folder that is moved, deleted or made read-only, and a second process in it.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use v2token::internals::RunFolder;
use v2token_simulator::{Builder, Latency, Operation, Organization, TokenVersion, Truth};

use crate::harness::{Bench, accounts_with, sent_to};
use crate::running::Running;

const ACCOUNTS: usize = 40;
const APPLY: [&str; 5] = ["apply", "--yes", "--rate=0", "--concurrency=8", "--waves=2,100%"];
/// The unit of the shell's file size limit, in bytes.
const BLOCK: usize = 512;

fn organization() -> Builder {
    Organization::builder().accounts(ACCOUNTS).unlimited()
}

fn slow() -> Builder {
    organization().latency(Latency { iam: Duration::from_millis(40), ..Latency::default() })
}

fn some_were_set(truth: &Truth) -> bool {
    truth.requests(Operation::SetSecurityTokenServicePreferences) >= 6
}

/// The command with this limit of the file size, in blocks. The signal that would end the process is ignored, so that writing fails with
/// an error, as on a full disk.
fn on_a_full_disk(command: &Command, blocks: usize) -> Command {
    let mut shell = Command::new("/bin/sh");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    shell.arg("-c").arg(script).arg("sh").arg(command.get_program()).args(command.get_args());
    shell.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.current_dir(command.get_current_dir().expect("a folder to run in")).stdin(Stdio::null());
    shell
}

/// The size of a journal up to the intent with this number, from 1.
fn size_before_intent(journal: &str, number: usize) -> usize {
    let (at, _) = journal.match_indices("{\"event\":\"intent\"").nth(number - 1).expect("so many intents");
    at
}

#[test]
fn a_full_disk_stops_the_run_before_the_next_set() {
    let bench = Bench::new(organization().start());
    let whole = bench.run("run", &APPLY).exits(0);
    let journal = std::fs::read_to_string(whole.folder.join("journal.jsonl")).expect("a journal");

    // Up to eight visits may have written their intents before the results that preceded them in the first run.
    for number in [5, 12, 25, 32] {
        let bench = Bench::new(organization().start());
        let blocks = size_before_intent(&journal, number) / BLOCK;
        let run = bench.finish("run", on_a_full_disk(&bench.command("run", &APPLY), blocks)).exits(1);
        let (_, replay) = RunFolder::read(&run.folder).expect("a journal that can be read");
        let known = replay.intents.keys().map(ToString::to_string).collect();
        let sent = sent_to(&run.after);
        assert!(!sent.is_empty() && sent.len() < ACCOUNTS, "full at intent {number}: sent to {sent:?}\n{run}");
        assert!(sent.is_subset(&known), "full at intent {number}: sent to {sent:?}, intended {known:?}\n{run}");

        // The CSV report fits, so it is complete.
        let run = run.agrees(TokenVersion::V2);
        let outcomes = run.outcomes();
        assert_eq!(outcomes.keys().map(String::as_str).collect::<Vec<_>>(), ["changed", "not_attempted"], "{run}");
        assert!(run.stderr.contains("the journal can't be written (File too large"), "{run}");
        let (run, changed) = (run, outcomes["changed"]);
        let run = run.says(&["journal.jsonl", "File too large", &format!("{changed} accounts were changed")]);

        // The disk has space again.
        let resumed =
            bench.again("run", &["resume", "run", "--yes"]).since(run.before).exits(0).agrees(TokenVersion::V2);
        assert_eq!(resumed.after.with_version(TokenVersion::V2), ACCOUNTS, "{resumed}");
        assert_eq!(accounts_with(&resumed.rows(), "changed"), sent_to(&resumed.after), "{resumed}");
    }
}

#[test]
fn a_full_disk_at_the_start_stops_the_run_before_the_first_visit() {
    let bench = Bench::new(organization().start());
    for blocks in [0, 8] {
        let run = bench.finish("run", on_a_full_disk(&bench.command("run", &APPLY), blocks)).exits(1);
        run.says(&["File too large"]).attempted_nothing("can't be written");
    }
}

/// A plan visits while it lists, so accounts have already been read.
#[test]
fn a_full_disk_during_the_listing_fails_the_plan() {
    let latency = Latency { organizations: Duration::from_millis(20), ..Latency::default() };
    let builder = || Organization::builder().accounts(160).unlimited().latency(latency);
    let bench = Bench::new(builder().start());
    let whole = bench.run("run", &["plan", "--rate=0"]).exits(0);
    let journal = std::fs::read_to_string(whole.folder.join("journal.jsonl")).expect("a journal");
    let lists = journal.find("{\"event\":\"ready\"").expect("it is ready");
    let bench = Bench::new(builder().start());
    let plan = on_a_full_disk(&bench.command("run", &["plan", "--rate=0"]), lists / 2 / BLOCK);
    let run = bench.finish("run", plan).exits(1).made_no_plan("File too large");
    run.says(&["no plan was made, and nothing was changed"]);
}

/// The program holds the folder open, so its files follow the folder. But resume and rollback would not find them at the path, so
/// the run stops.
#[test]
fn a_moved_folder_stops_the_run_and_gets_the_reports() {
    type Meddling = fn(&Path, &Path);
    let decoy = |run: &Path, moved: &Path| {
        let decoy = moved.with_extension("decoy");
        std::fs::create_dir(&decoy).expect("a new folder");
        std::os::unix::fs::symlink(&decoy, run).expect("the path is free");
    };
    let table: [(&str, Meddling); 3] = [
        ("renamed", |_, _| {}),
        ("exchanged for a link", decoy),
        ("exchanged for a folder", |run, _| {
            std::fs::create_dir(run).expect("the path is free");
        }),
    ];
    for (how, then) in table {
        let bench = Bench::new(slow().start());
        let mut running = Running::start(&bench, "run", &APPLY);
        running.until(some_were_set);
        let (folder, moved) = (bench.run_folder("run"), bench.run_folder("moved"));
        std::fs::rename(&folder, &moved).expect("it can be renamed");
        then(&folder, &moved);
        let run = running.end().exits(1);
        let run = run.says(&["its folder was moved to", "leads elsewhere", "v2token resume", "moved"]);
        assert!(
            !folder.join("run.json").exists() && !folder.join("report.csv").exists(),
            "{how}: written there\n{run}"
        );
        let rows = crate::harness::read_csv(&moved.join("report.csv"));
        assert_eq!(rows.len(), ACCOUNTS, "{how}\n{run}");
        let changed = &accounts_with(&rows, "changed") | &accounts_with(&rows, "unverified");
        let sent = sent_to(&run.after);
        assert!(sent.is_subset(&changed) && sent.len() < ACCOUNTS, "{how}: {sent:?}\n{run}");

        let resumed = bench.again("moved", &["resume", "moved", "--yes"]).since(run.before);
        let resumed = resumed.exits(0).agrees(TokenVersion::V2);
        assert_eq!(accounts_with(&resumed.rows(), "changed"), sent_to(&resumed.after), "{how}\n{resumed}");
    }
}

/// Something else cuts the journal short, adds to it, or puts another file in its place.
#[test]
fn a_journal_that_something_else_changed_stops_the_run() {
    use std::io::Write as _;
    type Meddling = fn(&Path);
    let table: [(&str, Meddling, &str); 4] = [
        (
            "truncated",
            |journal| std::fs::File::create(journal).map(drop).expect("it is ours"),
            "something else changed it",
        ),
        (
            "cut short",
            |journal| {
                let file = std::fs::OpenOptions::new().write(true).open(journal).expect("it is ours");
                file.set_len(file.metadata().expect("a file").len() - 1).expect("it is ours");
            },
            "something else changed it",
        ),
        (
            "added to",
            |journal| {
                let mut file = std::fs::OpenOptions::new().append(true).open(journal).expect("it is ours");
                file.write_all(b"{}\n").expect("it is ours");
            },
            "something else changed it",
        ),
        (
            "replaced",
            |journal| {
                std::fs::copy(journal, journal.with_extension("copy")).expect("a copy");
                std::fs::hard_link(journal, journal.with_extension("old")).expect("a link");
                std::fs::rename(journal.with_extension("copy"), journal).expect("it is ours");
            },
            "another file has taken its place",
        ),
    ];
    for (how, meddle, words) in table {
        let bench = Bench::new(slow().start());
        let mut running = Running::start(&bench, "run", &APPLY);
        running.until(some_were_set);
        meddle(&bench.run_folder("run").join("journal.jsonl"));
        let run = running.end().exits(1).says(&[words]);
        let sent = sent_to(&run.after);
        assert!(sent.len() < ACCOUNTS, "{how}: it went on\n{run}");
        // The program knows the results of all visits, so the report has them.
        let rows = run.rows();
        assert_eq!((rows.len(), accounts_with(&rows, "changed")), (ACCOUNTS, sent), "{how}\n{run}");
        assert!(!run.stderr.contains("v2token resume"), "{how}: the journal no longer has everything\n{run}");
        for command in [&["resume", "run", "--yes"][..], &["rollback", "run", "--yes", "--run-dir=back"]] {
            let refused = bench.again("run", command).exits(1);
            assert_eq!(refused.all_calls(), 0, "{how} {command:?}\n{refused}");
        }
    }
}

/// A journal that was cut at the end of a line looks complete, so the program notes the change before it can be killed.
#[test]
fn a_changed_journal_is_noted_before_the_run_ends() {
    let latency = Latency { iam: Duration::from_millis(700), ..Latency::default() };
    let bench = Bench::new(organization().latency(latency).start());
    let mut running = Running::start(&bench, "run", &APPLY);
    running.until(|truth| truth.requests(Operation::SetSecurityTokenServicePreferences) >= 1);
    let journal = bench.run_folder("run").join("journal.jsonl");
    let text = std::fs::read_to_string(&journal).expect("a journal");
    let without_last_line = text.trim_end().rfind('\n').expect("several lines") + 1;
    let file = std::fs::OpenOptions::new().write(true).open(&journal).expect("it is ours");
    file.set_len(without_last_line as u64).expect("it is ours");
    running.until_it_says("stopping because the journal can't be written").send("KILL");
    drop(running.end());
    for command in
        [&["resume", "run", "--yes"][..], &["rollback", "run", "--yes", "--run-dir=back"], &["report", "run"]]
    {
        let refused = bench.again("run", command).exits(1).says(&["something else changed the journal"]);
        assert_eq!(refused.all_calls(), 0, "{command:?}\n{refused}");
    }
}

/// Writes to an unlinked journal succeed, but a crash would lose the intents.
#[test]
fn a_deleted_folder_stops_the_run() {
    let bench = Bench::new(slow().start());
    let mut running = Running::start(&bench, "run", &APPLY);
    running.until(some_were_set);
    std::fs::remove_dir_all(bench.run_folder("run")).expect("a folder");
    let run = running.end().exits(1).says(&["it was deleted", "accounts were changed"]);
    let set = run.after.with_version(TokenVersion::V2);
    assert!((6..ACCOUNTS).contains(&set), "{set} accounts were set\n{run}");
    assert!(run.stderr.contains(&format!("{set} of {ACCOUNTS} selected accounts were changed")), "{run}");
    assert!(!run.stderr.contains("v2token resume"), "there is nothing to go on with\n{run}");
}

#[test]
fn a_read_only_folder_is_reported_at_the_end() {
    let bench = Bench::new(slow().start());
    let folder = bench.run_folder("run");
    let allow = |mode| std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    let mut running = Running::start(&bench, "run", &APPLY);
    running.until(some_were_set);
    allow(0o500);
    let is_barred = std::fs::write(folder.join("trial"), "").is_err();
    let run = running.end();
    allow(0o700);
    if is_barred {
        let changed = format!("{ACCOUNTS} accounts were changed");
        assert!(run.code != 0, "{run}");
        run.says(&["run.json", "report.csv", "can't be written", &changed]);
    } else {
        std::fs::remove_file(folder.join("trial")).expect("it was just written");
        run.exits(0);
    }
    // The journal and the CSV report, which are written during the run, exist in any case.
    assert_eq!(replayed(&folder), ACCOUNTS);
    assert_eq!(bench.truth().with_version(TokenVersion::V2), ACCOUNTS);
}

/// The number of changed accounts in the journal.
fn replayed(folder: &Path) -> usize {
    let (_, replay) = RunFolder::read(folder).expect("a journal that can be read");
    replay.records().iter().filter(|record| record.outcome == v2token::Outcome::Changed).count()
}

#[test]
fn two_processes_never_work_in_one_folder() {
    let bench = Bench::new(slow().start());
    let mut running = Running::start(&bench, "run", &APPLY);
    running.until(some_were_set);
    let busy = ["nothing was attempted", "another process works in the run folder", "v2token report"];
    let known = std::fs::read(bench.run_folder("run").join("run.json")).expect("run.json");
    bench.run("run", &APPLY).exits(1).says(&busy);
    bench.run("run", &["plan"]).exits(1).says(&busy);
    bench.again("run", &["resume", "run"]).exits(1).says(&busy);
    assert_eq!(std::fs::read(bench.run_folder("run").join("run.json")).expect("run.json"), known);
    let before = running.kill();

    let taken = ["nothing was attempted", "holds a run already", "v2token resume"];
    bench.run("run", &APPLY).exits(1).says(&taken);
    let resumed = bench.again("run", &["resume", "run", "--yes"]).since(before).exits(0).agrees(TokenVersion::V2);
    assert_eq!(resumed.outcomes()["changed"], ACCOUNTS, "{resumed}");
}
