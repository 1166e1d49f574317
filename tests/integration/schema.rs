//! The schemas of the JSON report and of the comparison: all documents that the tests make are checked against them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};
use v2token::internals::{COMPARISON_COLUMNS, Difference, ImpactVerdict, Stage, Verified, columns};
use v2token::{Outcome, Verify};

static SCHEMA: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../docs/report.schema.json")).expect("JSON"));

static COMPARISON: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../../docs/comparison.schema.json")).expect("JSON"));

/// Reads a comparison. Fails unless it matches its schema and its runs match the schema of reports.
pub(crate) fn comparison(json: &str) -> Value {
    let comparison: Value = serde_json::from_str(json).unwrap_or_else(|error| panic!("{error} in {json}"));
    let validator = jsonschema::validator_for(&COMPARISON).expect("a schema");
    let errors: Vec<String> =
        validator.iter_errors(&comparison).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{comparison:#} is not as its schema says: {errors:#?}");
    for side in ["before", "after"] {
        let mut report = comparison[side].clone();
        report["accounts"] = json!([]);
        assert_eq!(complaints(&report), Vec::<String>::new(), "{side}");
    }
    let counts = comparison["summary"].as_object().expect("counts");
    let of = |difference: &str| {
        comparison["accounts"]
            .as_array()
            .expect("accounts")
            .iter()
            .filter(|account| account["difference"] == difference)
            .count()
    };
    for (difference, count) in counts.iter().filter(|(difference, _)| *difference != "same") {
        assert_eq!(*count, of(difference), "{difference}");
    }
    comparison
}

#[test]
fn comparison_schema_has_every_column_difference_and_outcome() {
    let account = &COMPARISON["$defs"]["account"];
    let all: Vec<&str> = COMPARISON_COLUMNS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names(&account["properties"]), all.iter().copied().collect());
    let required: Vec<&str> = account["required"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
    assert_eq!(required, all);
    let differences = Difference::ALL.map(Difference::as_str);
    assert_eq!(names(&COMPARISON["properties"]["summary"]["properties"]), differences.into());
    let (same, differ) = differences.split_last().expect("words");
    assert_eq!(*same, "same", "an account that is the same has no row");
    let property = |name: &str| words(&account["properties"][name]);
    assert_eq!(property("difference"), differ.iter().map(|word| Some(*word)).collect::<Vec<_>>());
    let (outcomes, stages) =
        (Outcome::ALL.map(|outcome| Some(outcome.as_str())), Stage::ALL.map(|stage| Some(stage.as_str())));
    for side in ["before", "after"] {
        assert_eq!(property(&format!("{side}_outcome")), [outcomes.as_slice(), &[None]].concat());
        assert_eq!(property(&format!("{side}_stage")), [stages.as_slice(), &[None]].concat());
        let run = &COMPARISON["properties"][side]["properties"]["run"];
        assert_eq!(run["required"], SCHEMA["properties"]["run"]["required"]);
    }
}

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| jsonschema::validator_for(&SCHEMA).expect("a schema"));

/// Fails unless the file matches the schema of reports. An empty file belongs to a run that has not ended.
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

/// Users compare the number, so every schema in the documents has one.
#[test]
fn each_schema_has_its_id() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).expect("documents") {
        let path = file.expect("a file").path();
        let name = path.file_name().and_then(|name| name.to_str()).expect("UTF-8").to_owned();
        let Some(kind) = name.strip_suffix(".schema.json") else { continue };
        let text = std::fs::read_to_string(&path).expect("a schema");
        let schema: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(schema["$id"], format!("urn:v2token:schema:{kind}:1"));
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        seen += 1;
    }
    assert!(seen >= 2, "{seen}");
}

#[test]
fn report_schema_has_every_column_outcome_and_word() {
    let account = &SCHEMA["$defs"]["account"];
    let all: BTreeSet<&str> = columns(&Verify::TokenSize, true, true).iter().map(|(name, _)| *name).collect();
    // It is no column, because a cell has no structure.
    let all: BTreeSet<&str> = all.into_iter().chain(["denied_by"]).collect();
    assert_eq!(names(&account["properties"]), all);
    let always: BTreeSet<&str> = columns(&Verify::Setting, false, false).iter().map(|(name, _)| *name).collect();
    let required: BTreeSet<&str> =
        account["required"].as_array().expect("names").iter().filter_map(Value::as_str).collect();
    assert_eq!(required, always);
    let property = |name: &str| words(&account["properties"][name]);
    assert_eq!(property("outcome"), Outcome::ALL.map(|outcome| Some(outcome.as_str())));
    assert_eq!(names(&SCHEMA["properties"]["summary"]["properties"]), Outcome::ALL.map(Outcome::as_str).into());
    let stages = Stage::ALL.map(|stage| Some(stage.as_str()));
    assert_eq!(property("stage"), [stages.as_slice(), &[None]].concat());
    let verdicts = ImpactVerdict::ALL.map(|verdict| Some(verdict.as_str()));
    assert_eq!(property("impact"), [verdicts.as_slice(), &[None]].concat());
    let proofs = Verified::ALL.map(|verified| Some(verified.as_str()));
    assert_eq!(property("verified"), [proofs.as_slice(), &[None]].concat());
}

#[test]
fn the_schema_refuses_other_documents() {
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
    // A control of the harness's check: a report without its run fails.
    let file = folder.path().join("report.json");
    std::fs::write(&file, "{}\n").expect("a writable folder");
    assert!(std::panic::catch_unwind(|| holds(&file)).is_err());
}
