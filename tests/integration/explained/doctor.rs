//! What `doctor` asks IAM Access Troubleshooter.

use serde_json::Value;
use v2token_simulator::{ALWAYS, DenyingPolicy, PolicyType, Troubleshooter};

use super::{ASK, six};
use crate::harness::Bench;
use crate::running::Running;

/// Doctor asks at once.
#[test]
fn doctor_names_the_policy_that_denied() {
    let by = DenyingPolicy::explicit(PolicyType::PermissionsBoundary);
    let all = || six().each_account(move |account| account.faults.deny_read_by = Some(by));
    let doctor = |bench: &Bench, arguments: &[&str]| {
        bench.finish("none", bench.bare(&[&["doctor", "--sample=6", "--output=json"], arguments].concat()))
    };
    let bench = Bench::new(all().start());
    let run = doctor(&bench, &[]).exits(1);
    let text = "denied by permissions boundary arn:aws:iam::";
    // The management account is read with the caller's own credentials, so its ARN is another cause.
    assert_eq!((run.calls(ASK), run.stdout.matches(text).count()), (2, 6), "{run}");
    assert!(run.stdout.contains("attached to role/OrganizationAccountAccessRole"), "{run}");
    let run = doctor(&bench, &["--no-explain"]).exits(1);
    assert_eq!((run.calls(ASK), run.stdout.contains(text)), (0, false), "{run}");
    let run = doctor(&Bench::new(six().start()), &[]).exits(0);
    assert_eq!(run.calls(ASK), 0, "{run}");
}

/// A signal ends the questions and not the checks, as in a run.
#[test]
fn ctrl_c_keeps_what_doctor_found() {
    let late = Troubleshooter { late: ALWAYS, ..Troubleshooter::default() };
    for signal in ["INT", "TERM"] {
        let by = DenyingPolicy::explicit(PolicyType::PermissionsBoundary);
        let denied = six().account(4, move |account| account.faults.deny_read_by = Some(by));
        let bench = Bench::new(denied.troubleshooter(late.clone()).start());
        let command = bench.bare(&["doctor", "--sample=7", "--output=json"]);
        let mut running = Running::spawn(&bench, "none", command);
        running.until(|truth| truth.requests(ASK) >= 2).until_it_says("Ctrl-C skips this").send(signal);
        let run = running.end().exits(1);
        let printed: Value = serde_json::from_str(&run.stdout).expect("JSON");
        let checks = printed["checks"].as_array().expect("checks");
        let about = |account: &str| checks.iter().find(|check| check["account_id"] == account).expect("the account");
        assert_eq!(about("000000000004")["status"], "failure", "{run}");
        assert_eq!(about("000000000003")["status"], "ok", "{run}");
        assert_eq!(checks.last().expect("a check")["check"], "pace", "the checks are complete\n{run}");
    }
}
