//! What this version reports of the frozen runs: the same as the version that wrote them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::Value;
use tempfile::TempDir;

use super::{EVIDENCE, Frozen, IMPACTS, MERGED, RUNS, SHARDS};
use crate::harness::program;
use crate::old_run_folders::contains_json;

/// Runs the program in a folder with these frozen runs, and fails unless it ends with 0.
fn run(frozen: &Frozen, runs: &[&str], arguments: &[&str]) -> (TempDir, Output) {
    let folder = TempDir::new().expect("a temporary folder");
    for run in runs {
        frozen.copy(run, folder.path());
    }
    let output = program(folder.path()).args(arguments).output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {arguments:?}: {said}", frozen.0.display());
    (folder, output)
}

fn text(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

type Cells = BTreeMap<String, String>;

/// The columns of a CSV report, and its rows.
fn table(path: &Path) -> (Vec<String>, Vec<Cells>) {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let columns = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    (columns, reader.deserialize().map(|row| row.expect("a row")).collect())
}

/// Columns whose words are not promised: hints, and the message about an intent without a record, which is not in the journal.
fn is_promised(column: &str, error_code: &str) -> bool {
    column != "hint" && !(column == "error_message" && error_code == "Interrupted")
}

/// Fails unless a new report has all columns of the old one, in their order, and the same rows.
fn same_csv(new: &Path, old: &Path) {
    let ((columns, rows), (old_columns, old_rows)) = (table(new), table(old));
    let kept: Vec<&String> = columns.iter().filter(|column| old_columns.contains(column)).collect();
    assert_eq!(kept, old_columns.iter().collect::<Vec<_>>(), "{}", old.display());
    assert_eq!(rows.len(), old_rows.len(), "{}", old.display());
    for (new, old_row) in rows.iter().zip(&old_rows) {
        let error_code = &old_row["error_code"];
        for column in old_columns.iter().filter(|column| is_promised(column, error_code)) {
            assert_eq!(new[column], old_row[column], "{}: {column} of {old_row:?}", old.display());
        }
    }
}

/// Reads the JSON report that the version itself made, without the words that are not promised.
fn promised_json(path: &Path) -> Value {
    let mut report: Value = serde_json::from_slice(&fs::read(path).expect("a report")).expect("JSON");
    for account in report["accounts"].as_array_mut().expect("accounts") {
        let error_code = account["error_code"].as_str().unwrap_or_default().to_owned();
        account.as_object_mut().expect("an account").retain(|name, _| is_promised(name, &error_code));
    }
    report
}

#[test]
fn every_format_says_what_it_said() {
    for (frozen, name) in Frozen::all().iter().flat_map(|frozen| RUNS.map(|run| (frozen, run))) {
        let endings = ["csv", "json", "jsonl", "md", "html"];
        let options = endings.map(|ending| format!("--report=out.{ending}"));
        let mut arguments = vec!["report", name, "--output=none"];
        arguments.extend(options.iter().map(String::as_str));
        let (folder, _) = run(frozen, &[name], &arguments);
        same_csv(&folder.path().join("out.csv"), &frozen.path(name).join("report.csv"));
        crate::schema::holds(&folder.path().join("out.json"));
        let document: Value = serde_json::from_str(&text(&folder, "out.json")).expect("JSON");
        contains_json(&document, &promised_json(&frozen.path(name).join("report.json")), &frozen.said(name));
        let lines = text(&folder, "out.jsonl");
        let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(document["accounts"].as_array(), Some(&lines), "{}", frozen.said(name));
        let (page, markdown) = (text(&folder, "out.html"), text(&folder, "out.md"));
        for id in frozen.rows(name).keys() {
            assert!(page.contains(id), "{}: {id} is not in the page", frozen.said(name));
        }
        for (outcome, count) in
            document["summary"].as_object().expect("counts").iter().filter(|(_, count)| **count != 0)
        {
            assert!(markdown.contains(&format!("| `{outcome}` | {count} |")), "{}: {markdown}", frozen.said(name));
        }
    }
}

#[test]
fn parts_are_merged_as_before() {
    for frozen in Frozen::all() {
        let [first, second] = SHARDS;
        let merge = ["report", first, second, "--output=none", "--report=merged.csv"];
        let (folder, _) = run(&frozen, &SHARDS, &merge);
        same_csv(&folder.path().join("merged.csv"), &frozen.path(MERGED));
    }
}

#[test]
fn impacts_say_what_they_said() {
    for (frozen, name) in Frozen::all().iter().flat_map(|frozen| IMPACTS.map(|run| (frozen, run))) {
        let endings = ["csv", "json", "md", "html"];
        let options = endings.map(|ending| format!("--report=out.{ending}"));
        let mut arguments = vec!["report", name, "--output=none"];
        arguments.extend(options.iter().map(String::as_str));
        let (folder, _) = run(frozen, &[name], &arguments);
        same_csv(&folder.path().join("out.csv"), &frozen.path(name).join("impact.csv"));
        let document = crate::impact::holds(&folder.path().join("out.json"));
        contains_json(&document, &promised_json(&frozen.path(name).join("impact.json")), &frozen.said(name));
        let page = text(&folder, "out.html");
        for account in document["accounts"].as_array().expect("accounts") {
            assert!(page.contains(account["account_id"].as_str().expect("an id")), "{}: {account}", frozen.said(name));
        }
        assert!(text(&folder, "out.md").contains("impact"), "{}", frozen.said(name));
    }
}

#[test]
fn evidence_is_verified() {
    for frozen in Frozen::all() {
        let evidence = frozen.path(EVIDENCE);
        let (_folder, output) = run(&frozen, &[], &["report", "--verify-evidence", evidence.to_str().expect("UTF-8")]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("all of 5 files are as the manifest says"), "{said}");
    }
}

#[test]
fn runs_and_history_show_them() {
    for frozen in Frozen::all() {
        let (folder, listed) = run(&frozen, &RUNS, &["runs", "--runs-dir=.", "--output=json"]);
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        for name in RUNS {
            let info: Value =
                serde_json::from_slice(&fs::read(frozen.path(name).join("run.json")).expect("a file")).expect("JSON");
            assert!(listed.contains(info["run_id"].as_str().expect("an id")), "{}: {listed}", frozen.said(name));
        }
        // Account 1 was read by the plan, set by each apply that came so far, and set back by the rollbacks.
        let history = ["history", "000000000001", "--runs-dir=.", "--output=json"];
        let output = program(folder.path()).args(history).output().expect("the program starts");
        assert!(output.status.success(), "{output:?}");
        let history = String::from_utf8_lossy(&output.stdout).into_owned();
        for (outcome, at_least) in [("would_change", 1), ("changed", 4)] {
            assert!(history.matches(&format!("\"{outcome}\"")).count() >= at_least, "{history}");
        }
    }
}
