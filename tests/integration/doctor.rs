//! `doctor` end to end: it finds every problem in an organization that has it, and never writes.

mod accounts;
mod start;
mod tokens;

use std::time::Duration;

use serde_json::Value;
use v2token_simulator::{Builder, Operation, Organization};

use crate::harness::{Bench, Run};

fn eight() -> Builder {
    Organization::builder().accounts(8).unlimited().global_sts(Duration::ZERO)
}

/// One check of the report.
#[derive(Clone, Debug)]
struct Check {
    about: String,
    account: Option<String>,
    status: String,
    message: String,
    advice: String,
}

fn check(value: &Value) -> Check {
    let text = |name: &str| value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned();
    Check {
        about: text("check"),
        account: value["account_id"].as_str().map(str::to_owned),
        status: text("status"),
        message: text("message"),
        advice: text("advice"),
    }
}

/// Runs doctor, and fails if it changed or wrote anything.
fn examine(bench: &Bench, arguments: &[&str]) -> Run {
    let command = bench.bare(&[&["doctor"], arguments].concat());
    let files = || {
        let entries = std::fs::read_dir(bench.folder.path()).expect("a folder");
        entries.map(|entry| entry.expect("an entry").file_name()).collect::<Vec<_>>()
    };
    let before = files();
    let run = bench.finish("none", command);
    assert_eq!(run.calls(Operation::SetSecurityTokenServicePreferences), 0, "{run}");
    assert_eq!(files(), before, "doctor writes nothing\n{run}");
    run
}

fn checks(bench: &Bench, arguments: &[&str], code: i32) -> Vec<Check> {
    let run = examine(bench, &[arguments, &["--output=json"]].concat()).exits(code);
    let whole: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}\n{run}"));
    let checks: Vec<Check> = whole["checks"].as_array().expect("a list").iter().map(check).collect();
    let worst =
        ["failure", "warning", "ok"].into_iter().find(|status| checks.iter().any(|check| check.status == *status));
    assert_eq!(whole["status"].as_str(), worst, "{run}");
    assert_eq!(code == 1, worst == Some("failure"), "{run}");
    for check in &checks {
        assert!(["ok", "warning", "failure"].contains(&check.status.as_str()), "{check:?}");
        let silent = check.advice.is_empty() && check.status != "ok";
        assert!(!silent, "what is not well has an advice: {check:?}");
    }
    checks
}

/// An expected finding: check, status, message and hint.
struct Finding {
    about: &'static str,
    status: &'static str,
    says: &'static str,
    advises: &'static str,
}

const fn failure(about: &'static str, says: &'static str, advises: &'static str) -> Finding {
    Finding { about, status: "failure", says, advises }
}

const fn warning(about: &'static str, says: &'static str, advises: &'static str) -> Finding {
    Finding { about, status: "warning", says, advises }
}

const fn fine(about: &'static str, says: &'static str) -> Finding {
    Finding { about, status: "ok", says, advises: "" }
}

/// Runs doctor, and fails unless exactly this finding is reported, or all checks succeed if the finding is ok.
fn finds(builder: Builder, arguments: &[&str], finding: &Finding) -> Vec<Check> {
    finds_on(&Bench::new(builder.start()), arguments, finding)
}

fn finds_on(bench: &Bench, arguments: &[&str], finding: &Finding) -> Vec<Check> {
    let checks = checks(bench, arguments, i32::from(finding.status == "failure"));
    let is_about = |check: &&Check| check.about == finding.about || check.account.as_deref() == Some(finding.about);
    let found = checks.iter().find(is_about).unwrap_or_else(|| panic!("{}: {checks:#?}", finding.about));
    assert_eq!(found.status, finding.status, "{found:?}");
    assert!(found.message.contains(finding.says), "{}: {found:?}", finding.says);
    assert!(found.advice.contains(finding.advises), "{}: {found:?}", finding.advises);
    for other in checks.iter().filter(|check| !is_about(check)) {
        assert_eq!(other.status, "ok", "{other:?}\nbeside {found:?}");
    }
    checks
}

#[test]
fn a_healthy_organization_is_ok_in_every_format() {
    let bench = Bench::new(eight().start());
    let all = checks(&bench, &[], 0);
    let about: Vec<&str> = all.iter().map(|check| check.about.as_str()).collect();
    let head = ["identity", "clock", "endpoints", "organization", "root_access", "accounts"];
    assert_eq!(about, [&head[..], &["account"; 5], &["tokens", "pace"]].concat(), "{all:#?}");
    assert_eq!(all[6].account.as_deref(), Some("000000000100"), "the management account is among the few");
    for (check, says) in all.iter().zip([
        "arn:aws:iam::000000000100:user/operator in account 000000000100",
        "of AWS's",
        "Region eu-west-1: sts http://127.0.0.1:",
        "o-exampleorg1, management account 000000000100; the caller is in the management account",
        "centralized root access is off: accounts are read through the role only",
        "8 listed, 8 active, 8 selected",
        "entered and read: v1Token; with the caller's own credentials",
        "entered and read: v1Token; it may be set",
    ]) {
        assert!(check.message.contains(says), "{says}: {check:?}");
    }
    let pace = &all.last().expect("checks").message;
    assert!(pace.contains("for 8 accounts at 50 visits per second, limited by --rate"), "{pace}");

    let table = examine(&bench, &[]).exits(0);
    let lines: Vec<&str> = table.stdout.lines().collect();
    let [findings @ .., closing] = &lines[..] else { panic!("no closing line\n{table}") };
    assert_eq!(findings.len(), all.len(), "{table}");
    assert!(findings.iter().all(|line| line.starts_with("ok       ")), "{table}");
    assert!(closing.starts_with("ok       verdict       ready: ") && closing.contains("v2token plan"), "{table}");
    let lines = examine(&bench, &["--output=jsonl"]).exits(0);
    let parsed: Vec<Check> =
        lines.stdout.lines().map(|line| check(&serde_json::from_str(line).expect("JSON"))).collect();
    assert_eq!(parsed.len(), all.len(), "{lines}");
    assert_eq!(examine(&bench, &["--output=none"]).exits(0).stdout, "");
    // Each tested account is entered once and read once, the global endpoint is asked once, and IAM simulates its role's policies once.
    let run = examine(&bench, &["--sample=3"]).exits(0);
    let calls = [
        Operation::AssumeRole,
        Operation::GetAccountSummary,
        Operation::SimulatePrincipalPolicy,
        Operation::ListAccounts,
    ];
    assert_eq!(calls.map(|operation| run.calls(operation)), [4, 3, 2, 1], "{run}");
}

#[test]
fn unsupported_options_are_refused() {
    let bench = Bench::new(eight().start());
    for (arguments, says) in [
        (&["--run-dir=here"][..], "--run-dir: doctor makes no run"),
        (&["--report=report.csv"], "--report: doctor makes no run"),
        (&["--output=csv"], "--output csv: doctor tells as table, text, json or jsonl"),
        (&["--sample=0"], "--sample"),
        (&["--sample=101"], "--sample"),
        (&["--access=assume-root", "--role=Audit"], "--role has no meaning with --access assume-root"),
        (&["--via-role=arn:aws:iam::000000000100:role/Hub", "--session-duration=2h"], "lasts 3600 s at most"),
    ] {
        let run = examine(&bench, arguments).exits(2).says(&[says]);
        assert_eq!((run.all_calls(), run.stdout.as_str()), (0, ""), "{run}");
    }
}
