//! Session settings: name, duration, policy and source identity.

use v2token_simulator::{Operation, TokenVersion};

use super::{MEMBERS, apply, changed_all, kept_out, six};
use crate::harness::Bench;

const SET: Operation = Operation::SetSecurityTokenServicePreferences;

#[test]
fn a_source_identity_needs_the_trust_policy() {
    let bench = Bench::new(six().each_account(|account| account.role.allows_source_identity = true).start());
    let run = changed_all(apply(&bench, "run", &["--source-identity=jane@corp"]));
    for id in MEMBERS {
        assert_eq!(run.after.account(id).source_identities, ["jane@corp"], "{run}");
    }
    let bench = Bench::new(six().account(2, |account| account.role.allows_source_identity = true).start());
    let others = ["000000000001", "000000000003", "000000000004", "000000000005"];
    let run = kept_out(apply(&bench, "run", &["--source-identity=jane"]), &others, "sts:SetSourceIdentity");
    assert_eq!(run.after.account(2).source_identities, ["jane"], "{run}");
    let run = apply(&bench, "without", &["--to=v1Token"]).exits(0).agrees(TokenVersion::V1);
    assert!(run.after.account(1).source_identities.is_empty(), "{run}");
}

#[test]
fn session_name_is_the_given_one_or_the_runs() {
    let bench = Bench::new(six().account(1, |account| account.faults.deny_read = true).start());
    let run = bench.run("named", &["plan", "--session-name=change-4711@corp"]).exits(3).agrees(TokenVersion::V2);
    let message = |run: &crate::harness::Run| run.rows()[MEMBERS[0]]["error_message"].clone();
    assert!(message(&run).contains(":assumed-role/OrganizationAccountAccessRole/change-4711@corp "), "{run}");
    let run = bench.run("unnamed", &["plan"]).exits(3);
    let id = run.rows()[MEMBERS[0]]["run_id"].clone();
    assert!(message(&run).contains(&format!(":assumed-role/OrganizationAccountAccessRole/v2token-{id} ")), "{run}");
}

#[test]
fn session_duration_is_limited_by_the_role() {
    let bench = Bench::new(six().account(2, |account| account.role.max_duration = 3600).start());
    changed_all(apply(&bench, "hour", &["--session-duration=1h"]));
    let run = apply(&bench, "two-hours", &["--session-duration=7200", "--to=v1Token"]).exits(3);
    let run = run.agrees(TokenVersion::V1);
    let row = &run.rows()["000000000002"];
    assert_eq!((row["stage"].as_str(), row["error_code"].as_str()), ("assume", "ValidationError"), "{run}");
    assert!(row["hint"].contains("--session-duration"), "{row:?}");
    assert_eq!(run.outcomes()["changed"], 5, "{run}");
}

/// The simulator enforces session policies.
#[test]
fn session_policy_limits_the_session() {
    let bench = Bench::new(six().start());
    let write = |name: &str, actions: &str| {
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Action": {actions}, "Resource": "*"}}]}}"#
        );
        std::fs::write(bench.folder.path().join(name), text).expect("a writable folder");
    };
    write("read.json", r#"["iam:GetAccountSummary"]"#);
    write("both.json", r#"["iam:GetAccountSummary", "iam:SetSecurityTokenServicePreferences"]"#);
    write("neither.json", r#"["iam:ListUsers"]"#);
    changed_all(apply(&bench, "scoped", &["--session-policy=scoped"]));
    bench.run("read-again", &["plan", "--to=v1Token", "--session-policy=file://read.json"]).exits(0);
    for (name, policy, stage, says) in [
        ("read", "file://read.json", "set", "iam:SetSecurityTokenServicePreferences"),
        ("neither", "file://neither.json", "read", "iam:GetAccountSummary"),
    ] {
        let arguments = ["--to=v1Token", "--session-policy", policy, "--management-account=skip"];
        let run = apply(&bench, name, &arguments).exits(3).agrees(TokenVersion::V1);
        assert_eq!((run.outcomes()["failed"], run.outcomes()["skipped"]), (5, 1), "{run}");
        for id in MEMBERS {
            let row = &run.rows()[id];
            assert_eq!((row["stage"].as_str(), row["error_code"].as_str()), (stage, "AccessDenied"), "{row:?}");
            assert!(row["error_message"].contains("no session policy allows") && row["hint"].contains(says), "{row:?}");
        }
    }
    let run = apply(&bench, "both", &["--to=v1Token", "--session-policy=file://both.json"]).exits(0);
    assert_eq!(run.agrees(TokenVersion::V1).outcomes()["changed"], 6);
    let refusals = bench.truth().fault("session_policy");
    changed_all(apply(&bench, "none", &["--session-policy=none"]));
    assert_eq!(bench.truth().fault("session_policy"), refusals);
}

/// A session policy can't grant more than the role has.
#[test]
fn session_policy_grants_nothing_beyond_the_role() {
    let read_only = r#"{"Statement": [{"Effect": "Allow", "Action": "iam:Get*", "Resource": "*"}]}"#;
    let bench = Bench::new(six().each_account(|account| account.role.policy = Some(read_only.to_owned())).start());
    for policy in ["scoped", "none"] {
        let arguments = ["--session-policy", policy, "--management-account=skip"];
        let run = apply(&bench, policy, &arguments).exits(3).agrees(TokenVersion::V2);
        assert_eq!((run.outcomes()["failed"], run.calls(SET)), (5, 5), "{run}");
    }
}

#[test]
fn an_invalid_session_policy_is_refused_before_the_first_call() {
    let bench = Bench::new(six().start());
    let write = |name: &str, text: &str| {
        std::fs::write(bench.folder.path().join(name), text).expect("a writable folder");
    };
    let statement = |fill: &str| {
        format!(r#"{{"Statement": [{{"Effect": "Allow", "Action": "iam:Get*", "Resource": "*", "Sid": "{fill}"}}]}}"#)
    };
    write("long.json", &statement(&"x".repeat(2048)));
    write("broken.json", r#"{"Statement": ["#);
    write("other.json", r#"{"Version": "2012-10-17"}"#);
    write("latin.json", "\u{feff}{}");
    for (file, says) in [
        ("long.json", "characters, and AssumeRole takes 2048"),
        ("broken.json", "it is not JSON"),
        ("other.json", "it has no Statement"),
        ("latin.json", "it is not JSON"),
        ("missing.json", "No such file"),
        (".", "directory"),
    ] {
        let run = apply(&bench, "refused", &[&format!("--session-policy=file://{file}")]).exits(2);
        let run = run.says(&[&format!("--session-policy file://{file}: ")]).attempted_nothing(says);
        assert_eq!(run.all_calls(), 0, "{run}");
    }
    // White space does not count, because it is not sent.
    write("wide.json", &statement("x").replace(' ', &" ".repeat(500)));
    bench.run("wide", &["plan", "--session-policy=file://wide.json"]).exits(0).agrees(TokenVersion::V2);
}
