//! Runs JMESPath's compliance suite, which the crate `jmespath` ships, from where cargo has put the crate.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::Query;

/// The folder of the suite.
fn suite() -> PathBuf {
    let print = |tool: &str, variable: &str, arguments: &[&str]| {
        let mut command = Command::new(std::env::var_os(variable).unwrap_or_else(|| tool.into()));
        let output = command.current_dir(env!("CARGO_MANIFEST_DIR")).args(arguments).output().expect("it starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let rustc = print("rustc", "RUSTC", &["-vV"]);
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: ")).expect("the host");
    // A build does not download the crates of other platforms.
    let only = ["metadata", "--format-version=1", "--offline", "--locked", "--filter-platform", host];
    let metadata: Value = serde_json::from_str(&print("cargo", "CARGO", &only)).expect("JSON");
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
            let found = Query::compile(expression).map_err(|invalid| invalid.in_full).and_then(|query| {
                query.search_within(&group["given"], super::LARGEST_IN_TESTS).map(std::borrow::Cow::into_owned)
            });
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
