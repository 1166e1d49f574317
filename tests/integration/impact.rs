//! `impact --offline`: who uses the global endpoint, by files of CloudTrail.

mod damage;
pub(crate) mod events;
mod forms;
mod page;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::program;
use events::{Event, HOUR};

/// What no output may have: the beginning of every token and key id in the events.
pub(crate) const CANARY: &str = "CANARY";

/// A folder with a report of plan and events.
pub(crate) struct Trail {
    pub(crate) folder: TempDir,
}

/// The accounts of the report: id, state, and version.
const ACCOUNTS: [(&str, &str, &str); 7] = [
    ("000000000001", "ACTIVE", "v1Token"),
    ("000000000002", "ACTIVE", "v1Token"),
    ("000000000003", "ACTIVE", "v2Token"),
    ("000000000004", "ACTIVE", "v1Token"),
    ("000000000005", "SUSPENDED", ""),
    ("000000000006", "ACTIVE", "unknown"),
    ("000000000007", "ACTIVE", "v1Token"),
];

impl Trail {
    pub(crate) fn new() -> Self {
        let trail = Self { folder: TempDir::new().expect("a temporary folder") };
        let header = "account_id,account_name,account_email,ou_path,account_state,outcome,previous_version,current_version,role_arn,run_id\n";
        let rows = ACCOUNTS.map(|(id, state, version)| {
            format!("{id},name-{id},{id}@example.com,o-abcdefghij/r-abcd/ou-abcd-1/,{state},would_change,{version},{version},,x\n")
        });
        trail.write("accounts.csv", &(header.to_owned() + &rows.concat()));
        trail
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a writable folder");
        fs::write(path, content).expect("a writable folder");
    }

    /// Writes read events of one account for every sixth hour of the last 91 days, as a trail does: a file for each hour.
    pub(crate) fn cover(&self, account: &str) {
        for hours in (0..91 * 24).step_by(6) {
            let time = SystemTime::now() - Duration::from_secs(hours * HOUR);
            self.log(account, time, &[Event::read(account, time)]);
        }
    }

    /// Writes events as a trail does.
    pub(crate) fn log(&self, account: &str, time: SystemTime, events: &[Event]) {
        let stamp = humantime::format_rfc3339_seconds(time).to_string();
        let (day, minute) = (stamp[..10].replace('-', "/"), stamp[..16].replace(['-', ':'], ""));
        let name = format!(
            "logs/AWSLogs/o-abcdefghij/{account}/CloudTrail/us-east-1/{day}/{account}_CloudTrail_us-east-1_{minute}Z_{}.json",
            fastrand::u64(..)
        );
        self.write(&name, events::records(events));
    }

    /// Runs the program. Its outputs and its folder are searched for secrets.
    pub(crate) fn run(&self, name: &str, arguments: &[&str]) -> Output {
        let mut command = program(self.folder.path());
        command.args(["impact", "--offline", "--accounts-from=accounts.csv", "--run-dir", name]).args(arguments);
        let output = command.output().expect("the program starts");
        let files = fs::read_dir(self.path(name)).into_iter().flatten().map(|entry| entry.expect("an entry").path());
        let texts = files.map(|file| fs::read(file).expect("a readable file"));
        for text in texts.chain([output.stdout.clone(), output.stderr.clone()]) {
            let text = String::from_utf8_lossy(&text);
            assert!(!text.contains(CANARY), "a secret: {text}");
        }
        output
    }

    /// The rows of a CSV file in the run folder.
    pub(crate) fn rows(&self, name: &str, file: &str) -> Vec<BTreeMap<String, String>> {
        let mut reader = csv::Reader::from_path(self.path(name).join(file)).expect("a CSV file");
        reader.deserialize().collect::<Result<_, _>>().expect("rows")
    }

    /// One cell of every account.
    pub(crate) fn cells(&self, name: &str, cell: &str) -> Vec<String> {
        self.rows(name, "impact.csv").into_iter().map(|row| row[cell].clone()).collect()
    }
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Fails unless the JSON report is as its schema says.
pub(crate) fn holds(report: &Path) -> Value {
    let schema: Value = serde_json::from_str(include_str!("../../docs/impact.schema.json")).expect("JSON");
    let validator = jsonschema::validator_for(&schema).expect("a schema");
    let report: Value = serde_json::from_slice(&fs::read(report).expect("a report")).expect("JSON");
    let errors: Vec<String> =
        validator.iter_errors(&report).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    report
}

#[test]
fn every_verdict_agrees_with_the_truth() {
    let trail = Trail::new();
    for account in ["000000000001", "000000000002", "000000000003", "000000000006"] {
        trail.cover(account);
    }
    let now = SystemTime::now() - Duration::from_secs(3 * HOUR);
    let event = |account: &str| Event::global(account, now);
    trail.log(
        "000000000001",
        now,
        &[
            event("000000000001"),
            event("000000000001").named("GetSessionToken"),
            event("000000000001").with("errorCode", "AccessDenied"),
            event("000000000001").named("GetCallerIdentity"),
            event("000000000001").regional(),
        ],
    );
    // Only failed calls, and a call by a service: nobody is affected.
    trail.log(
        "000000000002",
        now,
        &[
            event("000000000002").with("errorCode", "AccessDenied"),
            event("000000000002").named("GetCallerIdentity"),
            event("000000000002").by_service(),
            event("000000000002").regional(),
        ],
    );
    trail.log("000000000003", now, &[event("000000000003")]);
    // Events, but not over the whole time.
    trail.log("000000000004", now, &[Event::read("000000000004", now)]);
    trail.log("000000000006", now, &[event("000000000006")]);
    let output = trail.run("run", &["--events", "logs"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        trail.cells("run", "verdict"),
        ["longer_tokens", "no_effect", "already_v2", "unknown", "skipped", "unknown", "unknown"]
    );
    assert_eq!(
        trail.cells("run", "coverage"),
        ["complete", "complete", "complete", "incomplete", "none", "complete", "none"]
    );
    assert_eq!(trail.cells("run", "global_calls"), ["2", "0", "1", "0", "0", "1", "0"]);
    assert_eq!(trail.cells("run", "opt_in_regions"), ["unknown"; 7]);
    let hints = trail.cells("run", "hint");
    assert!(hints[3].contains("no read event of us-east-1 for"), "{hints:?}");
    assert!(hints[5].contains("the version of the account is not known"), "{hints:?}");
    assert!(hints[6].contains("no event of the account was read"), "{hints:?}");
    let principals = trail.rows("run", "principals.csv");
    let of_first: Vec<_> = principals.iter().filter(|row| row["account_id"] == "000000000001").collect();
    assert_eq!(of_first.len(), 2, "{principals:#?}");
    for row in of_first {
        assert_eq!(row["principal"], "arn:aws:iam::000000000001:role/app");
        assert_eq!(row["user_agent"], "AWS SDK for Go v1 1.44.122 (global by default)");
        assert_eq!((row["largest_token"].as_str(), row["expected_token"].as_str()), ("352", "752"));
        assert_eq!((row["limits_crossed"].as_str(), row["calls"].as_str()), ("512", "1"));
    }
    let report = holds(&trail.path("run/impact.json"));
    assert_eq!(report["summary"]["longer_tokens"], 1);
    assert_eq!(report["run"]["verdict"]["exit_code"], 0);
    let sentence = report["run"]["verdict"]["sentence"].as_str().expect("a sentence");
    assert_eq!(
        sentence,
        "1 account has 1 principal that gets longer tokens; 1 not affected; 1 on v2Token already; 3 of 6 not known"
    );
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains(sentence) && stdout.contains("Talk to these first"), "{stdout}");
    let page = fs::read_to_string(trail.path("run/impact.html")).expect("a page");
    assert!(page.contains(sentence) && page.contains("arn:aws:iam::000000000001:role/app"));
    assert!(fs::read_to_string(trail.path("run/impact.md")).expect("Markdown").contains("Principals to talk to first"));
    assert!(!trail.path("run/journal.jsonl").exists());
    let affected = trail.run("detailed", &["--events", "logs", "--detailed-exitcode"]);
    assert_eq!(affected.status.code(), Some(4), "{}", stderr(&affected));
}

#[test]
fn columns_are_as_promised() {
    let trail = Trail::new();
    trail.write("events.json", events::records(&[Event::global("000000000001", SystemTime::now())]));
    trail.run("run", &["--events", "events.json"]);
    let header = |file: &str| {
        let text = fs::read_to_string(trail.path("run").join(file)).expect("a CSV file");
        text.lines().next().expect("a header").to_owned()
    };
    assert_eq!(
        header("impact.csv"),
        "account_id,account_name,account_email,ou_path,account_state,verdict,current_version,opt_in_regions,global_calls,principals,\
         largest_token,expected_token,coverage,source,error_code,error_message,hint,run_id"
    );
    assert_eq!(
        header("principals.csv"),
        "account_id,principal,user_agent,operation,calls,first_seen,last_seen,largest_token,expected_token,limits_crossed,attributed_to"
    );
}

#[test]
fn both_halves_of_a_cross_account_call_count_once() {
    let trail = Trail::new();
    let now = SystemTime::now();
    let caller = Event::global("000000000001", now).of_role("000000000002").with("sharedEventID", "both");
    let role = caller.clone().seen_by("000000000002");
    trail.write("a.json", events::records(&[caller]));
    trail.write("b.json", events::records(&[role]));
    trail.run("run", &["--events", "a.json", "b.json"]);
    assert_eq!(trail.cells("run", "global_calls")[..2], ["0", "1"]);
    assert_eq!(trail.cells("run", "verdict")[..2], ["unknown", "longer_tokens"]);
    assert!(trail.cells("run", "hint")[0].contains("1 session was issued for roles of other accounts"));
    let rows = trail.rows("run", "principals.csv");
    let shown: Vec<_> = rows
        .iter()
        .map(|row| [&row["account_id"], &row["principal"], &row["calls"], &row["attributed_to"]].map(String::as_str))
        .collect();
    let arn = "arn:aws:iam::000000000001:role/app";
    assert_eq!(shown, [["000000000001", arn, "1", "000000000002"], ["000000000002", arn, "1", "000000000002"]]);
}

#[test]
fn calls_that_do_not_count_are_shown() {
    let trail = Trail::new();
    let now = SystemTime::now();
    let event = |account: &str| Event::global(account, now);
    let [failed, service] =
        [event("000000000001").with("errorCode", "AccessDenied"), event("000000000002").by_service()];
    let regional = event("000000000002").regional();
    trail.write(
        "a.json",
        events::records(&[failed.clone(), failed, service, regional.clone(), regional.clone(), regional]),
    );
    let output = trail.run("run", &["--events", "a.json", "--output", "table"]);
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    let line = "Not counted: 3 sessions of regional endpoints, 1 call of an AWS service, 2 calls that failed";
    assert!(stdout.contains(line), "{stdout}");
    let report = holds(&trail.path("run/impact.json"));
    let calls = |of: &Value| ["regional_calls", "service_calls", "failed_calls"].map(|name| of[name].as_u64());
    assert_eq!(calls(&report["run"]["sources"]), [Some(3), Some(1), Some(2)]);
    assert_eq!(calls(&report["accounts"][0]), [Some(0), Some(0), Some(2)]);
    assert_eq!(calls(&report["accounts"][1]), [Some(3), Some(1), Some(0)]);
    assert_eq!(trail.cells("run", "global_calls")[..2], ["0", "0"]);
    assert_eq!(trail.rows("run", "principals.csv").len(), 0);
}

#[test]
fn addresses_are_kept_only_on_request() {
    let trail = Trail::new();
    trail.write("a.json", events::records(&[Event::global("000000000001", SystemTime::now())]));
    trail.run("without", &["--events", "a.json"]);
    trail.run("with", &["--events", "a.json", "--with-addresses"]);
    let text = |run: &str| fs::read_to_string(trail.path(run).join("impact.json")).expect("a report");
    assert!(!text("without").contains("203.0.113.7"));
    assert_eq!(holds(&trail.path("with/impact.json"))["principals"][0]["addresses"][0], "203.0.113.7");
}

#[test]
fn mistakes_are_told_before_anything_is_written() {
    let trail = Trail::new();
    trail.write("a.json", "{\"Records\":[]}");
    let base = ["impact", "--offline"];
    let accounts = "--accounts-from=accounts.csv";
    for (arguments, expected) in [
        (&base[..], "name a CSV report of v2token plan with --accounts-from"),
        (&["impact", "--offline", accounts], "name files or folders of CloudTrail with --events"),
        (&["impact", "--offline", accounts, "--events=nowhere"], "--events nowhere: No such file"),
        (&["impact", "--offline", "--accounts-from=-", "--events=-"], "stdin (-) can be read only once"),
        (&["impact", "--offline", accounts, "--events=a.json", "--role=x"], "--role has no meaning with --offline"),
        (&["impact", "--offline", accounts, "--events=a.json", "--tag=a=b"], "--tag needs calls"),
        (&["impact", "--offline", accounts, "--events=a.json", "--ou=Root/Prod"], "take ids with --offline"),
        (
            &["impact", "--offline", accounts, "--events=a.json", "--account=999999999999"],
            "has no account 999999999999",
        ),
        (&["impact", "--offline", accounts, "--events=a.json", "--since=soon"], "neither a time span nor a day"),
        (
            &["impact", "--offline", accounts, "--events=a.json", "--since=2999-01-01"],
            "--since: this is not in the past",
        ),
        (&["impact", "sql", "--table", "x; drop"], "expected a name such as"),
    ] {
        let output = program(trail.folder.path()).args(arguments).output().expect("the program starts");
        assert!([Some(1), Some(2)].contains(&output.status.code()), "{arguments:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{arguments:?}: {}", stderr(&output));
        assert!(!trail.path("v2token-runs").exists(), "{arguments:?}");
    }
}

#[test]
fn other_commands_know_the_folder() {
    let trail = Trail::new();
    trail.write("a.json", events::records(&[Event::global("000000000001", SystemTime::now())]));
    trail.run("v2token-runs/impact", &["--events", "a.json"]);
    let run = |arguments: &[&str]| program(trail.folder.path()).args(arguments).output().expect("the program starts");
    let runs = run(&["runs"]);
    assert_eq!((runs.status.code(), stderr(&runs).as_str()), (Some(0), ""));
    let latest = run(&["report", "latest"]);
    assert!(stderr(&latest).contains("there is no run in v2token-runs"), "{}", stderr(&latest));
    let shown = run(&["report", "v2token-runs/impact", "--output", "json"]);
    let report: Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    assert_eq!(report["summary"]["longer_tokens"], 1);
    let query = run(&[
        "report",
        "v2token-runs/impact",
        "--output=text",
        "--query=accounts[?verdict=='longer_tokens'].[account_id]",
    ]);
    assert_eq!(String::from_utf8_lossy(&query.stdout), "000000000001\n");
    let resumed = run(&["resume", "--yes", "v2token-runs/impact"]);
    assert_eq!(resumed.status.code(), Some(1), "{}", stderr(&resumed));
}

#[test]
fn a_selection_skips_the_other_accounts() {
    let trail = Trail::new();
    trail.write("a.json", events::records(&[Event::global("000000000001", SystemTime::now())]));
    trail.run("run", &["--events", "a.json", "--account=000000000001,000000000002", "--exclude-name=*2"]);
    let codes = trail.cells("run", "error_code");
    assert_eq!(codes, ["", "Excluded", "NotSelected", "NotSelected", "NotSelected", "NotSelected", "NotSelected"]);
    assert_eq!(trail.cells("run", "verdict")[..2], ["longer_tokens", "skipped"]);
}

#[test]
fn a_partition_without_a_global_endpoint_has_nothing_to_find() {
    let trail = Trail::new();
    trail.write(
        "accounts.csv",
        "account_id,outcome,run_id,role_arn\n000000000001,would_change,x,arn:aws-cn:iam::000000000001:role/R\n",
    );
    trail.write("a.json", "{\"Records\":[]}");
    let output = trail.run("run", &["--events", "a.json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("there is nothing to find"));
    assert_eq!(trail.cells("run", "verdict"), ["no_effect"]);
}
