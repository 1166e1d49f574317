//! Runs JMESPath's compliance suite, which the crate `jmespath` ships, from where cargo has put the crate.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::Query;

/// The folder of the suite.
fn suite() -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["metadata", "--format-version=1", "--offline", "--locked"]);
    let output = command.output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let mut packages = metadata["packages"].as_array().expect("packages").iter();
    let package = packages.find(|package| package["name"] == "jmespath").expect("a dependency of the tests");
    let manifest = Path::new(package["manifest_path"].as_str().expect("a path"));
    manifest.with_file_name("tests").join("compliance")
}

#[test]
fn every_case_of_the_suite_has_its_result() {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(suite()).expect("the suite").map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    let (mut cases, mut wrong) = (0, Vec::new());
    for file in files {
        let text = std::fs::read_to_string(&file).expect("UTF-8");
        let groups: Vec<Value> = serde_json::from_str(&text).expect("JSON");
        for (group, case) in groups
            .iter()
            .flat_map(|group| group["cases"].as_array().expect("cases").iter().map(move |case| (group, case)))
        {
            let expression = case["expression"].as_str().expect("an expression");
            let found = Query::compile(expression)
                .map_err(|invalid| invalid.in_full)
                .and_then(|query| query.search(&group["given"]).map(std::borrow::Cow::into_owned));
            let agrees = match (case.get("result"), &found) {
                (Some(expected), Ok(found)) => expected == found,
                (None, found) => case.get("error").is_none() || found.is_err(),
                (Some(_), Err(_)) => false,
            };
            cases += 1;
            if !agrees {
                let name = file.file_name().unwrap_or_default().display();
                wrong.push(format!("{name}: {expression}: {found:?}, and not {case}"));
            }
        }
    }
    assert!(cases >= 861, "{cases}");
    assert!(wrong.is_empty(), "{} of {cases}:\n{}", wrong.len(), wrong.join("\n"));
}
