//! The report in every format, stdout, and the files and their modes.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;
use v2token_simulator::{AccountId, AccountState, Builder, HOSTILE_NAMES, Latency, Organization, TokenVersion};

use crate::harness::{Bench, Run, read_csv};

const HEADER: &str = "account_id,account_name,account_email,ou_path,account_state,outcome,previous_version,target_version,\
                      current_version,stage,error_code,error_message,hint,request_id,attempts,wave,role_arn,sts_endpoint,\
                      started_at,duration_ms,run_id,ou_names";

/// Thirty accounts, of which one fails and one is skipped.
fn thirty() -> Builder {
    Organization::builder()
        .accounts(30)
        .unlimited()
        .hostile_names(true)
        .account(20, |account| account.faults.deny_set = true)
        .account(21, |account| account.state = AccountState::Suspended)
}

const APPLY: [&str; 4] = ["apply", "--yes", "--rate=0", "--max-errors=100%"];

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// Characters that control a terminal or mislead a reader, except the line end.
fn misleading(text: &str) -> Vec<char> {
    let misleads = |character: &char| {
        (character.is_control() && *character != '\n')
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
    };
    text.chars().filter(misleads).collect()
}

#[test]
fn csv_has_the_documented_form() {
    let bench = Bench::new(thirty().start());
    let run = bench.run("run", &[&APPLY[..], &["--report=copy.csv"]].concat()).exits(3).agrees(TokenVersion::V2);
    let text = std::fs::read_to_string(run.folder.join("report.csv")).expect("a report in UTF-8");
    assert_eq!(text.lines().next(), Some(HEADER));
    assert!(text.ends_with('\n') && text.lines().count() == 31, "one line for each account, and the header");
    assert!(misleading(&text).is_empty(), "in {text}");
    let ids: Vec<&str> = text.lines().skip(1).map(|line| &line[..12]).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    assert_eq!(std::fs::read_to_string(bench.folder.path().join("copy.csv")).expect("the copy"), text);
    for row in run.rows().values() {
        for (column, cell) in row {
            // Spreadsheets in many countries split at `;`, even inside quotes.
            for part in cell.split(';') {
                let formula = part.trim_start_matches([' ', '"']).starts_with(['=', '+', '-', '@']);
                assert!(!formula, "{column} would be run by a spreadsheet: {cell}");
            }
        }
        let visited = row["outcome"] != "skipped";
        assert_eq!(row["started_at"].ends_with('Z') && row["started_at"].len() >= 20, visited, "{row:#?}");
        assert_eq!(row["duration_ms"].parse::<u64>().is_ok(), visited, "{row:#?}");
        assert_eq!(row["request_id"].is_empty(), !visited, "{row:#?}");
    }
}

#[test]
fn json_has_unchanged_texts_and_numbers() {
    let bench = Bench::new(thirty().start());
    let run = bench.run("run", &[&APPLY[..], &["--output=json"]].concat()).exits(3).agrees(TokenVersion::V2);
    let document = json(&run.stdout);
    let file = std::fs::read_to_string(run.folder.join("report.json")).expect("a report");
    assert_eq!(document, json(&file), "stdout and the file say the same");

    let keys: Vec<&String> = document.as_object().expect("an object").keys().collect();
    assert_eq!(keys.len(), 3, "{keys:?}");
    assert_eq!(document["run"]["organization_id"], v2token_simulator::ORGANIZATION_ID);
    let accounts = document["accounts"].as_array().expect("a list");
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    let columns: Vec<&str> = HEADER.split(',').collect();
    for account in accounts {
        let object = account.as_object().expect("an object");
        // Only an account whose denial AWS explained has a further member.
        let members = columns.len() + usize::from(object.contains_key("denied_by"));
        assert!(columns.iter().all(|column| object.contains_key(*column)) && object.len() == members, "{account}");
        let truth = run.after.account(account["account_id"].as_str().expect("an id"));
        assert_eq!(account["account_name"], truth.name.as_str(), "JSON keeps the true text");
        assert!(account["attempts"].is_u64(), "{account}");
        for column in ["wave", "duration_ms"] {
            assert!(account[column].is_u64() || account["outcome"] == "skipped", "{account}");
        }
        *counts.entry(account["outcome"].as_str().expect("an outcome")).or_default() += 1;
    }
    let summary = document["summary"].as_object().expect("an object");
    for (outcome, count) in summary {
        assert_eq!(count.as_u64(), Some(counts.get(outcome.as_str()).copied().unwrap_or_default()), "{outcome}");
    }
    assert_eq!(summary.values().filter_map(Value::as_u64).sum::<u64>(), 30, "the counts add up");
}

#[test]
fn stdout_follows_output_option() {
    let bench = Bench::new(thirty().start());
    let report = |run: &Run| std::fs::read_to_string(run.folder.join("report.csv")).expect("a report");
    let plan = |name: &str, arguments: &[&str]| bench.run(name, &[&["plan", "--rate=0"], arguments].concat());

    let run = plan("csv", &["--output=csv"]).exits(0);
    assert_eq!(run.stdout, report(&run));
    let run = plan("dash", &["--report=-"]).exits(0);
    assert_eq!(run.stdout, report(&run));
    let run = plan("none", &["--output=none"]).exits(0);
    assert_eq!(run.stdout, "");
    let run = plan("jsonl", &["--output=jsonl"]).exits(0);
    assert_eq!(run.stdout.lines().map(json).filter(|line| line["account_id"].is_string()).count(), 30);
    let run = plan("table", &["--output=table"]).exits(0);
    for part in
        ["29  would_change", "1  skipped", "30  accounts in", "report.csv", "To set these 29: v2token apply --plan"]
    {
        assert!(run.stdout.contains(part), "{part}\n{run}");
    }
    let run = plan("coded", &["--detailed-exitcode", "--report=more.json", "--report=more.jsonl"]).exits(4);
    let more = std::fs::read_to_string(bench.folder.path().join("more.json")).expect("a report");
    assert_eq!(json(&more)["run"]["run_id"], run.rows()["000000000001"]["run_id"].as_str());
    let lines = std::fs::read_to_string(bench.folder.path().join("more.jsonl")).expect("a report");
    assert_eq!(lines.lines().count(), 30);
}

/// Five at a time, because a summary names five accounts of a cause.
#[test]
fn hostile_names_are_sanitized_on_a_terminal() {
    let builder = Organization::builder().accounts(HOSTILE_NAMES.len() + 1).unlimited().hostile_names(true);
    let bench = Bench::new(builder.each_account(|account| account.faults.deny_assume = true).start());
    let ids: Vec<String> = (1..=HOSTILE_NAMES.len()).map(|number| AccountId::from(number).to_string()).collect();
    for some in ids.chunks(5) {
        let run = bench.run(&some[0], &["plan", "-v", "--debug", "--color=off", "--account", &some.join(",")]).exits(3);
        assert!(some.iter().all(|id| run.stdout.contains(id)), "{run}");
        assert!(misleading(&run.stdout).is_empty(), "{run}");
        assert!(misleading(&run.stderr).is_empty(), "{run}");
    }
}

/// As with `v2token … | head -1`, and with a closed terminal.
#[test]
fn a_closed_pipe_is_no_error() {
    for output in ["--output=json", "--output=csv", "--output=table"] {
        let bench = Bench::new(Organization::builder().accounts(300).start());
        let before = bench.truth();
        let mut command = bench.command("run", &["apply", "--yes", "--rate=0", "-v", "--debug", output]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        drop((child.stdout.take(), child.stderr.take()));
        let output = child.wait_with_output().expect("the program ends");
        let run = bench.conclude("run", before, output).exits(0).agrees(TokenVersion::V2);
        assert_eq!(run.outcomes()["changed"], 300);
    }
}

#[test]
fn a_report_on_a_full_disk_fails_and_the_run_folder_is_complete() {
    let bench = Bench::new(Organization::builder().accounts(5).start());
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("Linux has /dev/full");
    symlink("/dev/full", bench.folder.path().join("full.csv")).expect("a writable folder");

    let run = bench.run("report", &["apply", "--yes", "--report=full.csv"]).exits(1).agrees(TokenVersion::V2);
    assert!(run.stderr.contains("full.csv can't be written") && run.stderr.contains("5 accounts"), "{run}");

    let before = bench.truth();
    let mut command = bench.command("stdout", &["apply", "--yes", "--to=v1Token"]);
    let output = command.stdout(full).output().expect("the program starts");
    let run = bench.conclude("stdout", before, output).exits(1).agrees(TokenVersion::V1);
    assert!(run.stderr.contains("stdout can't be written"), "{run}");
}

#[test]
fn run_folder_is_private() {
    let bench = Bench::new(Organization::builder().accounts(5).start());
    let run = bench.run("run", &["apply", "--yes", "--report=report.csv"]).exits(0);
    let mode = |path: &std::path::Path| path.metadata().expect("it exists").permissions().mode() & 0o777;
    assert_eq!(mode(&run.folder), 0o700);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&run.folder).expect("the run folder") {
        let path = entry.expect("an entry").path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().expect("a name").to_string_lossy().into_owned());
    }
    names.sort();
    assert_eq!(names, ["journal.jsonl", "report.csv", "report.html", "report.json", "run.json"]);
    let run_json = json(&std::fs::read_to_string(run.folder.join("run.json")).expect("run.json"));
    assert_eq!((&run_json["command"], &run_json["verdict"]["exit_code"]), (&"apply".into(), &0.into()), "{run_json:#}");
}

#[test]
fn csv_grows_during_the_run() {
    let latency = Latency { iam: Duration::from_millis(60), ..Latency::default() };
    let bench = Bench::new(Organization::builder().accounts(120).latency(latency).start());
    let arguments = ["apply", "--yes", "--rate=0", "--concurrency=4", "--waves=100%", "--report=live.csv"];
    let before = bench.truth();
    let mut command = bench.command("run", &arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program starts");
    let (own, live) = (bench.folder.path().join("run/report.csv"), bench.folder.path().join("live.csv"));
    let deadline = Instant::now() + Duration::from_mins(1);
    let mut seen = 0;
    while child.try_wait().expect("a child").is_none() && seen < 2 {
        assert!(Instant::now() < deadline, "the run does not end");
        let lines = |path| std::fs::read_to_string(path).map_or(0, |text: String| text.matches('\n').count());
        let (in_own, in_live) = (lines(&own), lines(&live));
        if in_own.min(in_live) > 1 + 10 * seen && in_own.max(in_live) < 121 {
            seen += 1;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(seen, 2, "rows appear before the end");
    let mut stdout = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut stdout).expect("UTF-8");
    let output = child.wait_with_output().expect("the program ends");
    let run = bench.conclude("run", before, output).exits(0).agrees(TokenVersion::V2);
    assert_eq!(read_csv(&live), run.rows());
}

/// A script that wants colours, such as one of a CI job, gets them also without a terminal.
#[test]
fn the_summary_is_coloured_on_demand() {
    let mut organization = Organization::builder().accounts(4);
    organization = organization.account(2, |account| account.faults.deny_set = true);
    let bench = Bench::new(organization.start());
    bench.run("run", &["apply", "--yes", "--rate=0", "--max-errors=100%"]).exits(3);
    let shown = |option: &str, variable: (&str, &str)| {
        let mut command = bench.bare(&["report", "run", option]);
        command.env(variable.0, variable.1);
        bench.finish("none", command).exits(0).stdout
    };
    let plain = shown("--color=auto", ("CLICOLOR", "1"));
    assert!(!plain.contains('\u{1b}') && plain.contains("changed"), "{plain}");
    for (option, variable) in [
        ("--color=auto", ("FORCE_COLOR", "1")),
        ("--color=auto", ("CLICOLOR_FORCE", "1")),
        ("--color=on", ("NO_COLOR", "1")),
    ] {
        let coloured = shown(option, variable);
        assert!(coloured.contains("\u{1b}[32mchanged\u{1b}[0m"), "{option} {variable:?}\n{coloured}");
        assert!(coloured.contains("1 \u{1b}[1;31mfailed\u{1b}[0m at set"), "{option} {variable:?}\n{coloured}");
        let without = coloured.replace("\u{1b}[32m", "").replace("\u{1b}[1;31m", "").replace("\u{1b}[0m", "");
        assert_eq!(without, plain, "colours change nothing else");
    }
    for (option, variable) in [("--color=off", ("FORCE_COLOR", "1")), ("--color=auto", ("NO_COLOR", "1"))] {
        assert_eq!(shown(option, variable), plain);
    }
}
