//! Runs by name: `runs`, `history`, `latest`, beginnings of run ids, and command lines that name no run folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde_json::Value;
use v2token_simulator::{Operation, Organization, TokenVersion};

use crate::harness::{Bench, Run, rewrite};

const RUNS: &str = "v2token-runs";

/// Eight accounts, of which one can't be set.
fn bench() -> Bench {
    Bench::new(Organization::builder().accounts(8).unlimited().account(4, |it| it.faults.deny_set = true).start())
}

/// Runs the program without `--run-dir`, and returns the run folder that it made.
fn in_runs(bench: &Bench, arguments: &[&str]) -> (Run, PathBuf) {
    let folders = || -> Vec<PathBuf> {
        let entries = fs::read_dir(bench.run_folder(RUNS)).into_iter().flatten();
        entries.map(|entry| entry.expect("an entry").path()).collect()
    };
    let before = folders();
    let run = bench.again("none", arguments);
    let new = folders().into_iter().find(|folder| !before.contains(folder));
    let new = new.unwrap_or_else(|| panic!("{arguments:?} made no run folder\n{run}"));
    (run, new)
}

fn plan(bench: &Bench) -> PathBuf {
    let (run, folder) = in_runs(bench, &["plan", "--output=none"]);
    run.exits(0);
    folder
}

fn apply(bench: &Bench, more: &[&str]) -> PathBuf {
    let all = [&["apply", "--yes", "--max-errors=100%", "--bake=0s", "--output=none"], more].concat();
    in_runs(bench, &all).1
}

/// The name of a folder, as users type it.
fn id(folder: &Path) -> &str {
    folder.file_name().and_then(|name| name.to_str()).expect("UTF-8")
}

fn shown(folder: &Path) -> String {
    format!("{RUNS}/{}", id(folder))
}

/// Removes the end of a run, as if it had been killed before its last visits ended.
fn kill(folder: &Path) {
    rewrite(&folder.join("journal.jsonl"), |text| {
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.iter().position(|line| line.contains("\"event\":\"intent\"")).expect("an intent");
        lines[..=last].join("\n") + "\n"
    });
    rewrite(&folder.join("run.json"), |text| {
        let mut info: Value = serde_json::from_str(&text).expect("JSON");
        (info["verdict"], info["ended_at"]) = (Value::Null, Value::Null);
        serde_json::to_string_pretty(&info).expect("JSON") + "\n"
    });
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}\n{run}"))
}

#[test]
fn names_stand_for_run_folders() {
    let bench = bench();
    let first = plan(&bench);
    let rollout = apply(&bench, &[]);
    let report = |name: &str| bench.again("none", &["report", name, "--output=json"]);
    let run_id = |run: &Run| json(run)["run"]["run_id"].as_str().expect("an id").to_owned();
    let whole = id(&first);
    for name in [whole, &whole[..whole.len() - 1], &shown(&first), &format!("{}/", shown(&first))] {
        let run = report(name).exits(0);
        assert_eq!(run_id(&run), whole, "{name}");
        assert!(run.stderr.is_empty(), "{run}");
    }
    let run = report("latest").exits(0).says(&[&format!("latest is {}: apply, started 20", shown(&rollout))]);
    assert_eq!(run_id(&run), id(&rollout));

    // Both ids begin with the year.
    let ambiguous = report(&whole[..4]).exits(2).says(&[
        "no report was made: ",
        "is the beginning of 2 run ids: give more of it; it can be ",
        &shown(&first),
        &shown(&rollout),
    ]);
    assert!(ambiguous.stdout.is_empty(), "{ambiguous}");
    report("1999").exits(1).says(&["1999 holds no run: "]);
    // A name is one word.
    report("./latest").exits(1).says(&["./latest holds no run: "]);
    let other = if whole.ends_with('x') { 'y' } else { 'x' };
    let changed = format!("{}{other}", &whole[..whole.len() - 1]);
    report(&changed).exits(1).says(&["did you mean ", &shown(&first)]);

    let against = ["report", "latest", "--against", &whole[..whole.len() - 1], "--output=json"];
    let comparison = json(&bench.again("none", &against).exits(0));
    assert_eq!(comparison["before"]["run"]["run_id"], whole);
    assert_eq!(comparison["after"]["run"]["run_id"], id(&rollout));
}

#[test]
fn an_existing_path_wins_over_a_name() {
    let bench = bench();
    plan(&bench);
    let other = bench.run("latest", &["plan", "--account=000000000001"]).exits(0);
    let run = bench.again("none", &["report", "latest", "--output=json"]).exits(0);
    let text = fs::read_to_string(other.folder.join("run.json")).expect("run.json");
    let info: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json(&run)["run"]["run_id"], info["run_id"]);
    assert!(run.stderr.is_empty(), "{run}");
    // Also if the path holds no run.
    fs::remove_dir_all(&other.folder).expect("our folder");
    fs::create_dir(&other.folder).expect("our folder");
    bench.again("none", &["report", "latest"]).exits(1).says(&["latest holds no run"]);
}

#[test]
fn latest_is_the_newest_run_that_the_place_takes() {
    let bench = bench();
    let planned = plan(&bench);
    apply(&bench, &["--account=000000000001"]);
    let note = format!("latest is {}: plan, ", shown(&planned));
    let (run, second) = in_runs(&bench, &["apply", "--plan=latest", "--yes", "--max-errors=100%", "--bake=0s"]);
    let run = run.exits(3).says(&[&note]);
    assert_eq!(run.calls(Operation::SetSecurityTokenServicePreferences), 7, "{run}");
    // A rollback is no apply.
    let (run, back) = in_runs(&bench, &["rollback", "latest", "--yes", "--bake=0s"]);
    run.exits(0).says(&[&format!("latest is {}: apply, ", shown(&second))]);
    let run = bench.again("none", &["rollback", "latest", "--yes", "--bake=0s"]);
    run.exits(0).says(&[&shown(&second)]);
    bench
        .again("none", &["apply", "--yes", "--plan", id(&back)])
        .exits(1)
        .says(&["is the folder of the command rollback"]);
}

#[test]
fn a_command_without_a_folder_takes_the_newest_that_fits_and_says_which() {
    let bench = bench();
    let none = |arguments: &[&str], what: &str| {
        let run = bench.again("none", arguments).exits(1);
        run.says(&[&format!("there is no {what} in v2token-runs")]);
    };
    none(&["report"], "run");
    none(&["resume"], "run that can be resumed");
    none(&["rollback", "--dry-run"], "run that changed accounts");

    let rollout = apply(&bench, &["--account=000000000001,000000000002"]);
    apply(&bench, &["--account=000000000001"]);
    let newest = plan(&bench);
    let said = |verb: &str, folder: &Path| format!("no run folder is named: {verb} {}: ", shown(folder));
    bench.again("none", &["report"]).exits(0).says(&[&said("showing", &newest)]);
    // The second apply changed nothing.
    bench.again("none", &["rollback", "--dry-run"]).exits(0).says(&[&said("undoing", &rollout)]);
    none(&["resume"], "run that can be resumed");
    let failing = apply(&bench, &["--account=000000000004"]);
    none(&["resume"], "run that can be resumed");
    // There is no terminal to ask on.
    let run = bench.again("none", &["resume", "--retry-failed"]).exits(1);
    run.says(&[&said("resuming", &failing), "give --yes"]);
    kill(&rollout);
    let run =
        bench.again("none", &["resume"]).exits(1).says(&[&said("resuming", &rollout), "no verdict", "give --yes"]);
    assert!(!run.touched_accounts(), "{run}");
}

#[test]
fn with_yes_the_run_folder_must_be_named() {
    let bench = bench();
    let rollout = apply(&bench, &["--account=000000000001"]);
    kill(&rollout);
    let before = bench.truth();
    for (command, yes) in [("resume", "--yes"), ("rollback", "--yes"), ("rollback", "-y")] {
        let run = bench.again("none", &[command, yes]).exits(2);
        let run = run.says(&[&format!("with --yes, {command} takes no run by itself: name the run folder")]);
        assert!(run.stderr.contains(&format!("for instance v2token {command} --yes {}", shown(&rollout))), "{run}");
        assert!(!run.touched_accounts(), "{run}");
    }
    let mut by_variable = bench.bare(&["resume"]);
    by_variable.env("V2TOKEN_YES", "true");
    bench.finish("none", by_variable).exits(2).says(&["with --yes, resume takes no run by itself"]);
    assert_eq!(bench.truth().operations, before.operations);
    // A name is enough.
    bench.again("none", &["resume", "--yes", "latest"]).exits(0).says(&[&shown(&rollout)]);
    bench.again("none", &["rollback", "--yes", id(&rollout), "--bake=0s"]).exits(0);
}

#[test]
fn a_newer_run_that_is_in_progress_or_unreadable_is_not_passed_over() {
    let bench = bench();
    let rollout = apply(&bench, &["--account=000000000001"]);
    kill(&rollout);
    let running = apply(&bench, &["--account=000000000002"]);
    kill(&running);
    let journal = File::open(running.join("journal.jsonl")).expect("a journal");
    journal.try_lock().expect("no other process has the lock");
    for command in ["resume", "rollback"] {
        let run = bench.again("none", &[command]).exits(1);
        run.says(&[&format!("the run in {} is still in progress: name the run folder", shown(&running))]);
    }
    let list = json(&bench.again("none", &["runs", "--output=json"]).exits(0));
    assert_eq!((&list["runs"][0]["state"], &list["runs"][0]["next"]), (&"running".into(), &Value::Null));
    assert_eq!(list["runs"][1]["state"], "interrupted");
    assert_eq!(list["runs"][1]["next"], format!("v2token resume {}", shown(&rollout)));
    // Closing the file would not be enough: a process that another test is starting may have it, too, for a moment.
    journal.unlock().expect("the lock is ours");

    let unreadable = bench.run_folder(RUNS).join("29991231T235959Z-abcdef");
    fs::create_dir(&unreadable).expect("a new folder");
    fs::write(unreadable.join("run.json"), "{").expect("a new file");
    for arguments in [&["resume"][..], &["rollback"], &["report"], &["report", "latest"]] {
        let run = bench.again("none", arguments).exits(1);
        run.says(&[&format!("{} may hold a newer run than ", shown(&unreadable)), "name the run folder that is meant"]);
    }
    bench.again("none", &["report", id(&running)]).exits(0);
}

#[test]
fn runs_are_listed_with_their_counts_and_next_steps() {
    let bench = bench();
    let run = bench.again("none", &["runs"]).exits(0);
    assert_eq!(run.stdout, "no runs in v2token-runs: v2token plan makes one\n");
    let planned = plan(&bench);
    let rollout = in_runs(&bench, &["apply", "--plan", id(&planned), "--yes", "--max-errors=100%", "--bake=0s"]).1;
    let later = plan(&bench);
    let folders = [&later, &rollout, &planned];
    let list = json(&bench.again("none", &["runs", "--output=json"]).exits(0));
    let runs = list["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 3);
    for (run, folder) in runs.iter().zip(folders) {
        assert_eq!(run["folder"], shown(folder));
        assert_eq!(run["run_id"], id(folder));
        let report = fs::read_to_string(folder.join("report.json")).expect("a report");
        let report: Value = serde_json::from_str(&report).expect("JSON");
        for (outcome, count) in report["summary"].as_object().expect("counts") {
            assert_eq!(&run[outcome], count, "{outcome} of {run}");
        }
        for member in ["started_at", "ended_at", "organization_id", "caller_arn", "command"] {
            assert_eq!(run[member], report["run"][member], "{member}");
        }
        assert_eq!(run["verdict"], report["run"]["verdict"]["sentence"]);
    }
    assert_eq!(runs[0]["next"], format!("v2token apply --plan {}", shown(&later)));
    assert_eq!(runs[1]["next"], format!("v2token resume --retry-failed {}", shown(&rollout)));
    // The plan was applied.
    assert_eq!((&runs[2]["next"], &runs[2]["followed_by"]), (&Value::Null, &runs[1]["run_id"]));

    // Without its report, the counts come from the journal.
    fs::remove_file(rollout.join("report.json")).expect("a report");
    let again = json(&bench.again("none", &["runs", "--output=json"]).exits(0));
    assert_eq!(again["runs"][1], runs[1]);

    let table = bench.again("none", &["runs"]).exits(0).stdout;
    let undo = format!("\n    undo with: v2token rollback {}\n", shown(&rollout));
    for part in ["3 runs in v2token-runs, newest first\n", &undo, "\n    7 changed, 1 failed", "\n    applied by "] {
        assert!(table.contains(part), "{part:?} is not in\n{table}");
    }
    in_runs(&bench, &["rollback", id(&rollout), "--yes", "--bake=0s"]).0.exits(0);
    let table = bench.again("none", &["runs"]).exits(0).stdout;
    assert!(table.contains("\n    undone by ") && !table.contains("undo with"), "{table}");
}

#[test]
fn lists_have_the_formats_of_reports() {
    let bench = bench();
    let folder = plan(&bench);
    for (arguments, columns) in [(&["runs"][..], 22), (&["history", "000000000001"], 20)] {
        let with = |more: &[&str]| bench.again("none", &[arguments, more].concat());
        let csv = with(&["--output=csv"]).exits(0).stdout;
        let mut rows = csv::Reader::from_reader(csv.as_bytes());
        assert_eq!(rows.headers().expect("a header").len(), columns, "{csv}");
        assert_eq!(rows.records().count(), 1, "{csv}");
        let text = with(&["--output=text"]).exits(0).stdout;
        assert_eq!(text.trim_end_matches('\n').split('\t').count(), columns, "{text}");
        let lines = with(&["--output=jsonl"]).exits(0).stdout;
        let line: Value = serde_json::from_str(&lines).expect("one line");
        assert_eq!(line["folder"], shown(&folder));
        let list = if arguments[0] == "runs" { "runs" } else { "history" };
        let query = format!("{list}[].folder");
        assert_eq!(with(&["--output=text", "--query", &query]).exits(0).stdout.trim(), shown(&folder));
        assert!(with(&["--output=none", "--report=list.csv"]).exits(0).stdout.is_empty());
        assert_eq!(fs::read_to_string(bench.run_folder("list.csv")).expect("a report"), csv);
        for file in ["list.html", "list.md"] {
            with(&["--report", file]).exits(2).says(&[file, "name a file that ends in .csv, .json, or .jsonl"]);
            assert!(!bench.run_folder(file).exists());
        }
        with(&["--runs-dir=nowhere"]).exits(1).says(&["--runs-dir nowhere: there is no such folder"]);
        let inside = shown(&folder);
        with(&["--runs-dir", &inside]).exits(1).says(&["is a run folder: name the folder that contains it"]);
    }
}

#[test]
fn another_folder_of_runs_is_used_by_all_commands() {
    let mut bench = bench();
    bench.env("V2TOKEN_RUNS_DIR", "elsewhere");
    bench.again("none", &["plan"]).exits(0);
    assert!(!bench.run_folder(RUNS).exists() && bench.run_folder("elsewhere").is_dir());
    bench.again("none", &["report", "latest"]).exits(0).says(&["latest is elsewhere/20"]);
    bench.again("none", &["runs"]).exits(0).stdout.find("1 run in elsewhere").expect("the run");
    bench.again("none", &["runs", "--runs-dir=."]).exits(0);
}

#[test]
fn one_bad_folder_hides_no_other() {
    let bench = bench();
    let good = plan(&bench);
    let damaged = plan(&bench);
    rewrite(&damaged.join("journal.jsonl"), |text| text.replacen("\"event\":\"account\"", "\"event\":\"acount\"", 8));
    fs::remove_file(damaged.join("report.json")).expect("a report");
    let runs = bench.run_folder(RUNS);
    let make = |name: &str, files: &[(&str, &str)]| {
        fs::create_dir(runs.join(name)).expect("a new folder");
        for (file, text) in files {
            fs::write(runs.join(name).join(file), text).expect("a new file");
        }
    };
    make("logs", &[("run.log", "hello")]);
    make("starting", &[("journal.jsonl", "")]);
    make("00-no-description", &[("journal.jsonl", "{}\n")]);
    make("00-empty", &[("run.json", "")]);
    make("00-other", &[("run.json", "[1, 2]")]);
    fs::create_dir_all(runs.join("00-folder/run.json")).expect("a new folder");
    fs::write(runs.join("a file"), "").expect("a new file");
    std::os::unix::fs::symlink("nowhere", runs.join("a link")).expect("a new link");

    let run = bench.again("none", &["runs"]).exits(0);
    let run = run.says(&["00-no-description can't be read", "00-empty can't be read", "00-other can't be read"]);
    let run = run.says(&["00-folder can't be read", &format!("{} can't be read", shown(&damaged))]);
    assert!(run.stdout.contains("2 runs in v2token-runs") && run.stdout.contains(id(&damaged)), "{run}");
    for ignored in ["logs", "starting", "a file", "a link"] {
        assert!(!run.stderr.contains(ignored), "{ignored}\n{run}");
    }
    let list = json(&bench.again("none", &["runs", "--output=json"]).exits(0));
    assert_eq!(list["problems"].as_array().expect("problems").len(), 5, "{list}");
    // A damaged run has no counts, and its verdict is known.
    assert_eq!((&list["runs"][0]["would_change"], &list["runs"][0]["exit_code"]), (&Value::Null, &0.into()));

    let run = bench.again("none", &["history", "000000000001"]).exits(0);
    let run = run.says(&[&format!("{} can't be read", shown(&damaged)), "line 2 of the journal"]);
    assert!(run.stdout.contains(id(&good)), "{run}");
    bench.again("none", &["report", id(&good)]).exits(0);
}

#[test]
fn the_history_of_an_account_is_in_order_of_time() {
    let bench = bench();
    let account = "000000000004";
    bench.again("none", &["history", account]).exits(1).says(&[
        "no history was made: nothing is known of account 000000000004 in v2token-runs: there are no runs that can be read",
    ]);
    let planned = plan(&bench);
    let rollout = apply(&bench, &[]);
    let resumed = bench.again("none", &["resume", id(&rollout), "--yes", "--retry-failed", "--bake=0s"]);
    resumed.exits(3);
    bench.organization.control(|world| world.account_mut(4).change_externally(Some(TokenVersion::V2)));
    let others: Vec<PathBuf> = (0..3).map(|_| plan(&bench)).collect();
    let unselected = in_runs(&bench, &["plan", "--account=000000000001"]).1;

    let history = json(&bench.again("none", &["history", account, "--output=json"]).exits(0));
    let rows = history["history"].as_array().expect("rows");
    let found: Vec<_> = rows
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            (text("run_id"), text("outcome"), text("previous_version"), text("changed_outside"))
        })
        .collect();
    let row = |folder: &Path, outcome: &str, version: &str, outside: &str| {
        (id(folder).to_owned(), outcome.to_owned(), version.to_owned(), outside.to_owned())
    };
    let expected = [
        row(&planned, "would_change", "v1Token", "no"),
        row(&rollout, "failed", "v1Token", "no"),
        row(&rollout, "failed", "v1Token", "no"),
        row(&others[0], "unchanged", "v2Token", "yes"),
        row(&others[1], "unchanged", "v2Token", "no"),
        row(&others[2], "unchanged", "v2Token", "no"),
        row(&unselected, "skipped", "", "no"),
    ];
    assert_eq!(found, expected);
    let times: Vec<&str> = rows.iter().filter_map(|row| row["time"].as_str()).collect();
    assert!(times.len() == 7 && times.is_sorted(), "{times:?}");

    // The table shows visits with the same result once.
    let table = bench.again("none", &["history", account]).exits(0).stdout;
    for part in [
        "000000000004 (account-4) in 6 runs in v2token-runs, oldest first\n",
        "    something else had changed the version since\n",
        "    the same in 2 further runs, until 20",
        "    set: AccessDenied: ",
    ] {
        assert!(table.contains(part), "{part:?} is not in\n{table}");
    }
    bench.again("none", &["history", "000000000999"]).exits(1).says(&["none of the 6 runs that can be read lists it"]);
    bench.again("none", &["history", "4"]).exits(2).says(&["did you mean 000000000004?"]);
}

#[test]
fn the_reason_of_a_run_is_kept_and_shown() {
    let bench = bench();
    let reason = "CHG-1234: longer tokens <b>\"now\"</b>";
    let planned = in_runs(&bench, &["plan", "--reason", reason]);
    let run = planned.0.exits(0);
    assert!(run.stdout.contains(&format!("\nreason: {reason}\n")), "{run}");
    let (run, rollout) =
        in_runs(&bench, &["apply", "--yes", "--bake=0s", "--max-errors=100%", "--reason", reason, "--report=page.md"]);
    let run = run.exits(3).says(&[&format!("\n  reason        {reason}\n")]);
    assert!(run.stdout.contains(&format!("\nreason: {reason}\n")), "{run}");
    let info = fs::read_to_string(rollout.join("run.json")).expect("run.json");
    assert_eq!(serde_json::from_str::<Value>(&info).expect("JSON")["settings"]["reason"], reason);
    let page = fs::read_to_string(rollout.join("report.html")).expect("a page");
    assert!(page.contains("CHG-1234: longer tokens &#60;b&#62;&#34;now"), "the page has the reason, as text");
    let markdown = fs::read_to_string(bench.run_folder("page.md")).expect("Markdown");
    assert!(markdown.contains("| Reason | `CHG-1234: longer tokens <b>"), "{markdown}");
    let list = json(&bench.again("none", &["runs", "--output=json"]).exits(0));
    assert_eq!(list["runs"][0]["reason"], reason);
    let table = bench.again("none", &["history", "000000000001"]).exits(0).stdout;
    assert!(table.contains(&format!("    reason: {reason}\n")), "{table}");

    // A resume keeps the reason or takes another; a rollback has its own.
    let resume = ["resume", id(&rollout), "--yes", "--retry-failed", "--bake=0s"];
    bench.again("none", &resume).exits(3).says(&[reason]);
    bench.again("none", &[&resume[..], &["--reason=second try"]].concat()).exits(3).says(&["second try"]);
    let (run, _) = in_runs(&bench, &["rollback", id(&rollout), "--yes", "--bake=0s"]);
    let run = run.exits(0);
    assert!(!run.stderr.contains("reason "), "{run}");
    // Runs with different reasons have no common one.
    let merged = json(&bench.again("none", &["report", id(&planned.1), id(&rollout), "--output=json"]).exits(0));
    assert_eq!(merged["run"]["settings"]["reason"], Value::Null);

    for wrong in ["", " ", "two\nlines", &"x".repeat(501)] {
        let run = bench.again("none", &["plan", "--reason", wrong]).exits(2);
        run.says(&["--reason <TEXT>", "expected one line of 1 to 500 characters"]);
    }
}
