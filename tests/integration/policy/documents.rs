//! The form of the documents: each document alone, all documents together, and which of them need a call to AWS.

use serde_json::{Value, json};
use v2token_simulator::{Operation, Organization};

use super::actions;
use crate::harness::{Bench, Run};

const OPERATOR: &str = "arn:aws:iam::000000000100:user/operator";

/// Prints, and fails if anything was changed or written, or if stdout is not one JSON document.
fn print(bench: &Bench, arguments: &[&str]) -> (Run, Value) {
    let run = bench.finish("none", bench.bare(&[&["policy"], arguments].concat())).exits(0);
    let value = serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}\n{run}"));
    let note = arguments.contains(&"stackset") && !arguments.iter().any(|argument| argument.starts_with("--role"));
    assert_eq!(run.stderr.is_empty(), !note, "{arguments:?}");
    assert!(
        !note || run.stderr.contains("name another role with --role") && run.stderr.contains("--role TokenVersionRole"),
        "{run}"
    );
    let left = std::fs::read_dir(bench.folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "it writes no file: {arguments:?}");
    (run, value)
}

fn is_policy(document: &Value) {
    assert_eq!(document["Version"], "2012-10-17", "{document}");
    for statement in document["Statement"].as_array().expect("statements") {
        assert!(["Allow", "Deny"].contains(&statement["Effect"].as_str().expect("an effect")), "{document}");
        let actions = statement["Action"].as_array().expect("a list of actions");
        assert!(!actions.is_empty() && actions.iter().all(|action| !action.as_str().expect("text").contains('*')));
    }
}

/// AWS can't be called, because there are no credentials and no Region.
#[test]
fn what_does_not_name_the_caller_needs_no_aws() {
    let mut bench = Bench::new(Organization::builder().accounts(3).start());
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"] {
        bench.without_env(name);
    }
    let hub = "arn:aws:iam::000000000100:role/Hub";
    for arguments in [
        &["caller"][..],
        &["role"],
        &["scp"],
        &["trust", "--caller-arn", OPERATOR],
        &["trust", "--via-role", hub],
        &["role", "--for=doctor", "--role=ops/Audit"],
        &["caller", "--access=assume-root", "--for=plan"],
    ] {
        let (run, document) = print(&bench, arguments);
        assert_eq!(run.all_calls(), 0, "{run}");
        is_policy(&document);
    }
    for arguments in [&["via", "--via-role", hub][..], &["stackset", "--caller-arn", OPERATOR], &["--via-role", hub]] {
        assert_eq!(print(&bench, arguments).0.all_calls(), 0, "{arguments:?}");
    }
    let run = bench.finish("none", bench.bare(&["policy", "trust"])).exits(1);
    run.says(&["no document was made", "no Region is configured"]);
}

#[test]
fn all_together_are_each_by_itself() {
    let bench = Bench::new(Organization::builder().accounts(3).start());
    let (run, all) = print(&bench, &[]);
    assert_eq!(run.calls(Operation::GetCallerIdentity), run.all_calls(), "who the caller is, and no more\n{run}");
    let names: Vec<&str> = all.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(names, ["caller", "role", "trust", "scp", "stackset"], "{run}");
    for name in names {
        assert_eq!(print(&bench, &[name]).1, all[name], "{name}");
    }
    for name in ["caller", "role", "scp", "trust"] {
        is_policy(&all[name]);
    }
    let trust = &all["trust"]["Statement"][0];
    assert_eq!(trust["Principal"], json!({"AWS": "arn:aws:iam::000000000100:root"}));
    assert_eq!(trust["Condition"]["ArnLike"]["aws:PrincipalArn"], json!([OPERATOR]));
    let role = &all["stackset"]["Resources"]["Role"]["Properties"];
    assert_eq!(
        (&role["AssumeRolePolicyDocument"], &role["Policies"][0]["PolicyDocument"]),
        (&all["trust"], &all["role"])
    );
    let scp = &all["scp"]["Statement"][0];
    assert_eq!(
        (scp["Effect"].as_str(), &scp["Action"]),
        (Some("Deny"), &json!(["iam:SetSecurityTokenServicePreferences"]))
    );
    assert_eq!(scp["Condition"]["ArnNotLike"]["aws:PrincipalArn"], "arn:aws:iam::*:role/TokenVersionRole");
    assert_eq!(role["RoleName"], "TokenVersionRole", "not the administrator role, which exists already");

    let (_, by_root) = print(&bench, &["--access=assume-root"]);
    assert_eq!(
        by_root.as_object().expect("an object").len(),
        2,
        "no role is needed, so there is none to describe: {by_root}"
    );
    let (_, through) = print(&bench, &["--via-role=arn:aws:iam::000000000002:role/Hub"]);
    assert_eq!(through["trust"]["Statement"][0]["Principal"]["AWS"], "arn:aws:iam::000000000002:root");
    assert!(actions(&through["caller"]).contains("sts:AssumeRole"));
}

#[test]
fn the_partition_is_that_of_the_region_or_of_the_arns() {
    let bench = Bench::new(Organization::builder().accounts(3).start());
    for (arguments, starts) in [
        (&["role"][..], "arn:aws:"),
        (&["--region=cn-north-1"], "arn:aws-cn:"),
        (&["--region=us-gov-west-1"], "arn:aws-us-gov:"),
        (&["--via-role=arn:aws-eusc:iam::000000000100:role/Hub"], "arn:aws-eusc:"),
    ] {
        let (run, document) = print(&bench, &[&["scp"], &arguments[usize::from(arguments == ["role"])..]].concat());
        let pattern = document["Statement"][0]["Condition"]["ArnNotLike"]["aws:PrincipalArn"].to_string();
        assert!(pattern.contains(starts), "{pattern}");
        assert_eq!(run.all_calls(), 0, "{run}");
    }
}

#[test]
fn what_there_is_no_document_for_is_refused() {
    let bench = Bench::new(Organization::builder().accounts(3).start());
    for (arguments, code, says) in [
        (&["via"][..], 2, "no role is assumed first: name it with --via-role"),
        (&["role", "--access=assume-root"], 2, "needs no role in the accounts"),
        (&["trust", "--access=assume-root"], 2, "needs no role in the accounts"),
        (&["--access=assume-root", "--for=apply"], 2, "--access assume-root can only read"),
        (
            &["stackset", "--role=Token-{account_id}", "--caller-arn", OPERATOR],
            2,
            "has {account_id} or {partition} in its name",
        ),
        (
            &["trust", "--caller-arn=operator"],
            2,
            "--caller-arn operator: expected the ARN of a role, a user or a session",
        ),
        (&["trust", "--external-id=x"], 2, "--external-id: expected 2 to 1224"),
        (&["trusts"], 2, "trust"),
        (&["caller", "--for=rollout"], 2, "apply"),
        (&["caller", "--region=eu-wset-1"], 1, "did you mean eu-west-1?"),
    ] {
        let run = bench.finish("none", bench.bare(&[&["policy"], arguments].concat())).exits(code);
        let run = run.says(&[says]);
        assert_eq!((run.all_calls(), run.stdout.as_str()), (0, ""), "{run}");
    }
}
