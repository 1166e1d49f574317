//! This module owns the JSON report's schema: every report that a test makes is held against it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};
use v2token::report::columns;
use v2token::rollout::{Outcome, Stage, Verified, Verify};

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../docs/report.schema.json")).expect("JSON"));

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| jsonschema::validator_for(&SCHEMA).expect("a schema"));

/// Fails unless the file is a report as the schema describes it. An empty one is that of a run that has not ended.
pub(crate) fn holds(file: &Path) {
    let text = std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    if text.is_empty() {
        return;
    }
    let report: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let errors: Vec<String> = complaints(&report);
    assert!(errors.is_empty(), "{} is not as its schema says: {errors:#?}", file.display());
}

fn complaints(report: &Value) -> Vec<String> {
    VALIDATOR.iter_errors(report).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

fn names(of: &Value) -> BTreeSet<&str> {
    of.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn words(of: &Value) -> Vec<Option<&str>> {
    of["enum"].as_array().expect("words").iter().map(Value::as_str).collect()
}

#[test]
fn the_schema_names_every_column_outcome_and_word() {
    let account = &SCHEMA["$defs"]["account"];
    let all: BTreeSet<&str> = columns(&Verify::Token("ap-east-1".to_owned())).iter().map(|(name, _)| *name).collect();
    assert_eq!(names(&account["properties"]), all);
    let always: BTreeSet<&str> = columns(&Verify::Setting).iter().map(|(name, _)| *name).collect();
    let required: BTreeSet<&str> =
        account["required"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
    assert_eq!(required, always);
    let property = |name: &str| words(&account["properties"][name]);
    assert_eq!(property("outcome"), Outcome::ALL.map(|outcome| Some(outcome.as_str())));
    assert_eq!(names(&SCHEMA["properties"]["summary"]["properties"]), Outcome::ALL.map(Outcome::as_str).into());
    let stages = Stage::ALL.map(|stage| Some(stage.as_str()));
    assert_eq!(property("stage"), [stages.as_slice(), &[None]].concat());
    let proofs = Verified::ALL.map(|verified| Some(verified.as_str()));
    assert_eq!(property("verified"), [proofs.as_slice(), &[None]].concat());
}

#[test]
fn what_is_no_report_is_refused() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    assert!(!complaints(&json!({})).is_empty());
    let bench = crate::harness::Bench::new(v2token_simulator::Organization::builder().accounts(3).start());
    let run = bench.run("run", &["plan"]).exits(0);
    let text = std::fs::read_to_string(run.folder.join("report.json")).expect("a report");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(complaints(&report), Vec::<String>::new());
    for (place, wrong) in [
        ("/accounts/0/account_id", json!(1)),
        ("/accounts/0/outcome", json!("done")),
        ("/accounts/0/outcome", json!("failed")),
        ("/accounts/0/attempts", json!("3")),
        ("/accounts/0/started_at", json!("yesterday")),
        ("/accounts/0/stage", json!("read")),
        ("/summary/failed", json!(-1)),
        ("/run/verdict/exit_code", json!(2)),
        ("/run/settings", json!(null)),
    ] {
        let mut report = report.clone();
        *report.pointer_mut(place).expect("a place") = wrong;
        let found = complaints(&report);
        let part = place.rsplit_once('/').map_or(place, |(part, _)| part);
        assert!(!found.is_empty() && found.iter().all(|text| text.starts_with(part)), "{place}: {found:?}");
    }
    // And the check of the harness is one: a report without its runs is not passed over.
    let file = folder.path().join("report.json");
    std::fs::write(&file, "{}\n").expect("a writable folder");
    assert!(std::panic::catch_unwind(|| holds(&file)).is_err());
}
