//! `policy terraform`: python-hcl2 reads the configuration, and its documents are those that `policy` prints as JSON.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use v2token_simulator::Organization;

use super::{HUB, TOOL};
use crate::harness::Bench;
use crate::python::{Scratch, environment, run, skip};

/// Prints a configuration as JSON: the arguments of `jsonencode` as documents, and texts without their quotes and escapes.
const READ: &str = r#"
import hcl2, json, sys

START, END = "${jsonencode(", ")}"

def plain(value):
    if isinstance(value, dict):
        # The parser adds members of its own, such as __is_block__ and __comments__.
        return {plain(key): plain(item) for key, item in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, str) and value.startswith(START) and value.endswith(END):
        return plain(hcl2.loads("it = " + value[len(START):-len(END)] + "\n")["it"])
    if isinstance(value, str) and value.startswith('"'):
        return json.loads(value).replace("$${", "${").replace("%%{", "%{")
    return value

print(json.dumps(plain(hcl2.load(open(sys.argv[1])))))
"#;

const OPERATOR: &str = "--caller-arn=arn:aws:iam::000000000100:role/ops/Operator";

/// The blocks of a configuration, by kind and labels, such as `resource aws_iam_role v2token`.
fn blocks(python: &Path, scratch: &Path, configuration: &str) -> BTreeMap<String, Value> {
    let file = scratch.join("main.tf");
    fs::write(&file, configuration).expect("a file");
    let mut command = Command::new(python);
    command.args(["-c", READ]).arg(&file);
    let text = run(&mut command, "hcl", scratch, Duration::from_mins(1));
    let text = text.unwrap_or_else(|error| panic!("{error}\n{configuration}"));
    let read: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let mut blocks = BTreeMap::new();
    for (kind, all) in read.as_object().expect("kinds of blocks") {
        for (label, block) in
            all.as_array().expect("blocks").iter().flat_map(|block| block.as_object().expect("a label"))
        {
            if kind == "variable" {
                blocks.insert(format!("{kind} {label}"), block.clone());
                continue;
            }
            for (name, attributes) in block.as_object().expect("a name") {
                blocks.insert(format!("{kind} {label} {name}"), attributes.clone());
            }
        }
    }
    blocks
}

/// Puts this value in place of every text that is equal to another one.
fn replaced(value: &Value, from: &str, to: &str) -> Value {
    match value {
        Value::String(text) if text == from => json!(to),
        Value::Array(items) => items.iter().map(|item| replaced(item, from, to)).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(key, member)| (key.clone(), replaced(member, from, to))).collect())
        }
        other => other.clone(),
    }
}

#[test]
fn documents_are_those_that_policy_prints() {
    let scratch = Scratch::new("policy-terraform");
    let python = match environment("terraform", &scratch.0) {
        Ok(python) => python,
        Err(reason) => return skip("python-hcl2", &reason),
    };
    let bench = Bench::new(Organization::builder().accounts(3).start());
    let narrow = "--role=TokenVersionRole";
    for (arguments, names) in [
        (&[narrow][..], ["/", "TokenVersionRole"]),
        // Without --role, the configuration has the narrow role, too.
        (&[], ["/", "TokenVersionRole"]),
        (&["--for=plan", "--role=ops/rollout/Audit"], ["/ops/rollout/", "Audit"]),
        (&["--for=doctor", narrow, "--management-account=skip", "--tag=Stage=prod"], ["/", "TokenVersionRole"]),
        (
            &[narrow, "--external-id=corp-4711", "--source-identity=jane", "--session-duration=2h"],
            ["/", "TokenVersionRole"],
        ),
        (&[narrow, "--mfa-serial=arn:aws:iam::000000000100:mfa/operator"], ["/", "TokenVersionRole"]),
        (&[narrow, "--via-role", HUB, "--via-role", TOOL], ["/", "TokenVersionRole"]),
    ] {
        let print = |document: &str, more: &[&str]| {
            bench.finish("none", bench.bare(&[&["policy", document, OPERATOR], arguments, more].concat())).exits(0)
        };
        let with_role: &[&str] = if arguments.is_empty() { &[narrow] } else { &[] };
        let json = |document: &str| -> Value {
            let printed = print(document, with_role).stdout;
            serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{document}: {error}: {printed}"))
        };
        let run = print("terraform", &[]);
        assert_eq!(run.all_calls(), 0, "{run}");
        assert_eq!(
            run.stderr.contains("the configuration creates the role TokenVersionRole"),
            arguments.is_empty(),
            "{run}"
        );
        assert!(!run.stdout.contains("corp-4711"), "the external id is a variable\n{run}");
        let mut blocks = blocks(&python, &scratch.0, &run.stdout);
        let mut take = |name: &str| blocks.remove(name).unwrap_or_else(|| panic!("no {name} for {arguments:?}\n{run}"));

        assert_eq!(take("resource aws_iam_policy v2token_caller")["policy"], json("caller"), "{arguments:?}");
        let role = take("resource aws_iam_role v2token");
        let stackset = &json("stackset")["Resources"]["Role"]["Properties"];
        assert_eq!([&role["path"], &role["name"]], [&json!(names[0]), &json!(names[1])], "{arguments:?}");
        assert_eq!(role["max_session_duration"], stackset["MaxSessionDuration"], "{arguments:?}");
        let trust = replaced(&json("trust"), "corp-4711", "${var.external_id}");
        assert_eq!(role["assume_role_policy"], trust, "{arguments:?}");
        let inline = take("resource aws_iam_role_policy v2token");
        assert_eq!((&inline["policy"], &inline["role"]), (&json("role"), &json!("${aws_iam_role.v2token.id}")));
        if arguments.contains(&"--external-id=corp-4711") {
            assert_eq!(take("variable external_id")["sensitive"], true);
        }
        if arguments.contains(&HUB) {
            let via = json("via");
            for (number, arn) in [(1, HUB), (2, TOOL)] {
                assert_eq!(take(&format!("resource aws_iam_policy v2token_via_{number}"))["policy"], via[arn]);
                assert!(run.stdout.contains(&format!("# In the account of {arn}: ")), "{run}");
            }
        }
        assert!(blocks.is_empty(), "{arguments:?}: {blocks:?}");
    }
    // No role is needed, so there is only the policy of the caller.
    let arguments = ["policy", "terraform", "--access=assume-root", "--for=plan"];
    let run = bench.finish("none", bench.bare(&arguments)).exits(0);
    assert!(run.stderr.is_empty(), "{run}");
    let names: Vec<String> = blocks(&python, &scratch.0, &run.stdout).into_keys().collect();
    assert_eq!(names, ["resource aws_iam_policy v2token_caller"]);
}

#[test]
fn what_terraform_cannot_express_is_refused() {
    let bench = Bench::new(Organization::builder().accounts(3).start());
    fs::write(bench.folder.path().join("roles.csv"), "account_id,role\n000000000001,Special\n").expect("a file");
    for (arguments, says) in [
        (
            &["--role=Token-{account_id}", OPERATOR][..],
            "a Terraform configuration makes the same role in every account",
        ),
        (&["--accounts-from=roles.csv", OPERATOR], "whose trust policies differ"),
        (&["--caller-arn=operator"], "expected the ARN of a role, a user or a session"),
        (&["--query=x"], "policy makes no report"),
    ] {
        let run = bench.finish("none", bench.bare(&[&["policy", "terraform"], arguments].concat())).exits(2);
        let run = run.says(&[says]);
        assert_eq!((run.all_calls(), run.stdout.as_str()), (0, ""), "{run}");
    }
}
