//! Compares the policies in the documents with the output of the commands above them.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use v2token::Mode;
use v2token::internals::{Document as Policy, Operation, impact_session_policy, scoped_policy};

use super::markdown::Document;
use super::{documents, read, root};
use crate::harness::program;

/// What `v2token policy` prints with an empty environment.
fn printed(words: &[&str]) -> String {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let output = program(folder.path()).arg("policy").args(words).output().expect("the program starts");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "policy {words:?}: {stderr}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn policy(words: &[&str]) -> Value {
    serde_json::from_str(&printed(words)).expect("JSON")
}

#[test]
fn policies_are_what_the_program_prints() {
    let mut kinds = BTreeSet::new();
    for (name, document) in documents() {
        let mut page: Vec<String> = document.lines.iter().map(|(line, _)| line.clone()).collect();
        // From the end, so that the numbers of the lines before stay valid.
        let mut all: Vec<_> = ["json", "hcl"].into_iter().flat_map(|language| document.shown(language)).collect();
        all.sort_by_key(|shown| shown.lines.start);
        for shown in all.into_iter().rev() {
            let words: Vec<&str> = shown.words.iter().map(String::as_str).collect();
            let ["v2token", "policy", rest @ ..] = &words[..] else { continue };
            kinds.insert(rest[0].to_owned());
            let text = printed(rest);
            if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
                page.splice(shown.lines, text.lines().map(str::to_owned));
                fs::write(root().join(&name), page.join("\n") + "\n").expect("a writable page");
            } else {
                assert_eq!(shown.text, text, "{name}: {}: run again with UPDATE_DOCUMENTS=1", words.join(" "));
            }
        }
    }
    assert_eq!(kinds, Policy::ALL.map(|document| document.to_string()).into());
}

#[test]
fn permissions_page_lists_all_policy_documents() {
    let listed = Document::new(&read("docs/permissions.md")).section("What policy prints").names();
    assert_eq!(listed, Policy::ALL.map(Policy::as_str));
}

#[test]
fn options_add_the_documented_permissions() {
    let section = Document::new(&read("docs/permissions.md")).section("What options add");
    let mut seen = 0;
    for row in section.table() {
        let given: Vec<String> = row[0].replace('`', "").split_whitespace().map(str::to_owned).collect();
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        for (document, cell) in [("caller", &row[1]), ("role", &row[2])] {
            let documented: BTreeSet<String> = cell.split('`').skip(1).step_by(2).map(str::to_owned).collect();
            let with = actions(&policy(&[&[document], &given[..]].concat()));
            let without = actions(&policy(&[document]));
            assert_eq!(documented, with.difference(&without).cloned().collect(), "{given:?}: {document}");
            seen += documented.len();
        }
    }
    assert!(seen >= 8, "{seen}");
}

#[test]
fn session_policies_are_those_that_are_sent() {
    let section = Document::new(&read("docs/permissions.md")).section("Session policies");
    for (title, mode) in [("Of plan", Mode::Plan), ("Of apply", Mode::Apply)] {
        let sent: Value = serde_json::from_str(&scoped_policy(mode)).expect("JSON");
        assert_eq!(section.section(title).json(), sent, "{title}");
    }
    let sent: Value = serde_json::from_str(&impact_session_policy()).expect("JSON");
    assert_eq!(section.section("Of impact").json(), sent);
}

/// All actions in a policy.
fn actions(policy: &Value) -> BTreeSet<String> {
    assert_eq!(policy["Version"], "2012-10-17");
    let statements = policy["Statement"].as_array().expect("statements");
    let listed = statements.iter().flat_map(|statement| match &statement["Action"] {
        Value::String(action) => vec![action.clone()],
        Value::Array(list) => list.iter().map(|action| action.as_str().expect("an action").to_owned()).collect(),
        other => panic!("no action: {other}"),
    });
    listed.collect()
}

/// All texts in a document, keys included.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::Object(map) => map.iter().flat_map(|(key, value)| [vec![key.clone()], texts(value)].concat()).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

#[test]
fn named_actions_and_conditions_are_used_by_the_program() {
    // Together, these options give every action and condition in the program's policies.
    let caller = "arn:aws:iam::111122223333:user/ops";
    let by_role = [
        "--external-id",
        "the-id",
        "--source-identity",
        "me",
        "--mfa-serial",
        "arn:aws:iam::111122223333:mfa/me",
        "--caller-arn",
        caller,
    ];
    let by_root = ["caller", "--for", "plan", "--access", "assume-root"];
    let used = [texts(&policy(&by_role)), texts(&policy(&by_root))].concat();
    let services = ["iam:", "sts:", "organizations:", "aws:"];
    let operations = Operation::ALL.map(Operation::action);
    // AWS asks for this action if the caller's session passes tags on. The program sends no tags. A policy of the user may have this
    // condition, which also applies to the global endpoint.
    let by_others = ["sts:TagSession".to_owned(), "aws:RequestedRegion".to_owned()];
    let known: BTreeSet<&String> = used.iter().chain(&operations).chain(&by_others).collect();
    let mut named = BTreeSet::new();
    for (name, document) in documents() {
        for span in document.spans() {
            if services.iter().any(|service| span.starts_with(service)) {
                assert!(known.contains(&span), "{name} names {span}");
                named.insert(span);
            }
        }
    }
    assert!(named.len() >= 15, "{named:?}");
}
