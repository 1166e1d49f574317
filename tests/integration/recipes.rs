//! Tests the recipes in `examples/`: parses each as its job engine would, and runs its commands in the simulated Organization.

mod keep;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use v2token_simulator::{Organization, TokenVersion, VersionMix};

use crate::action::{Action, Release};
use crate::harness::{Bench, read_csv, tool};
use crate::python::{Scratch, environment, run, skip};

/// YAML with the short forms of CloudFormation's functions, as one list of JSON documents.
const READ: &str = "import json, sys, yaml
yaml.SafeLoader.add_multi_constructor('!', lambda loader, name, node: {name: node.value})
print(json.dumps(list(yaml.safe_load_all(open(sys.argv[1])))))";

/// The environment of a recipe: the program on the PATH, and replacements for the folders that the recipe names.
pub(crate) struct Sandbox {
    pub(crate) bench: Bench,
    /// Programs that the recipes start.
    programs: PathBuf,
}

impl Sandbox {
    pub(crate) fn new(organization: Organization) -> Self {
        let bench = Bench::new(organization);
        let programs = bench.folder.path().join("programs");
        fs::create_dir(&programs).expect("a folder");
        symlink(env!("CARGO_BIN_EXE_v2token"), programs.join("v2token")).expect("a link");
        Self { bench, programs }
    }

    /// Puts a program with this script on the PATH, in place of the real one.
    pub(crate) fn program(&self, name: &str, script: &str) {
        let path = self.programs.join(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("it may be run");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.bench.folder.path().join(name)
    }

    /// Runs a script in a shell that stops at the first error; `/runs` is a temporary folder.
    pub(crate) fn follow(&self, script: &str, variables: &[(&str, &str)]) -> Output {
        let script = script.replace("/runs/", &format!("{}/", self.path("runs").display()));
        let mut command = tool("bash");
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.programs.display());
        command.args(["-e", "-c", &script]).current_dir(self.bench.folder.path()).env_clear();
        command.env("PATH", path).env("HOME", self.bench.folder.path()).env("V2TOKEN_BAKE", "0s");
        command.envs(self.bench.organization.environment());
        command.envs(variables.iter().copied()).output().expect("bash starts")
    }
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{output:?}"))
}

/// An Organization in which half of the accounts are on v2Token.
pub(crate) fn drifted() -> Organization {
    Organization::builder().accounts(24).version_mix(VersionMix::percent_v2(50)).start()
}

fn recipe(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// Reads the documents of a recipe, or skips the test with the reason.
pub(crate) fn documents(name: &str) -> Option<Vec<Value>> {
    // Several tests can read one recipe at the same time.
    static READS: AtomicUsize = AtomicUsize::new(0);
    let number = READS.fetch_add(1, Ordering::Relaxed);
    let scratch = Scratch::new(&format!("recipe-{}-{number}", name.replace(['/', '.'], "-")));
    let read = environment("aws_cli", &scratch.0).and_then(|python| {
        let mut command = Command::new(python);
        run(command.args(["-c", READ]).arg(recipe(name)), "yaml", &scratch.0, std::time::Duration::from_mins(1))
    });
    match read {
        Ok(json) => Some(serde_json::from_str(&json).unwrap_or_else(|error| panic!("{name}: {error}"))),
        Err(reason) => {
            skip(&format!("the recipe {name}"), &reason);
            None
        }
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().map(|items| items.iter().map(text).collect()).unwrap_or_default()
}

/// A step of a workflow that runs on this machine.
enum Step {
    Script(String),
    /// The action of this repository, with its inputs.
    Action(Value),
}

impl Step {
    fn follow(&self, sandbox: &Sandbox, variables: &[(&str, &str)]) -> Output {
        match self {
            Self::Script(script) => sandbox.follow(script, variables),
            Self::Action(inputs) => {
                Action::read().expect("YAML was read before").follow(sandbox, &Release::new(), inputs)
            }
        }
    }
}

/// The steps of a workflow's only job. Those that use other actions get credentials, check out, or keep files.
fn steps(workflow: &Value) -> Vec<Step> {
    let jobs = workflow["jobs"].as_object().expect("jobs");
    let steps = jobs.values().flat_map(|job| job["steps"].as_array().expect("steps"));
    let followed = steps.filter_map(|step| match (step["run"].as_str(), step["uses"].as_str()) {
        (Some(script), _) => Some(Step::Script(script.to_owned())),
        (_, Some(action)) if action.starts_with("OWNER/v2token@") => Some(Step::Action(step["with"].clone())),
        _ => None,
    });
    followed.collect()
}

/// The steps of a drift check, the check itself first.
fn drift_check(name: &str) -> Option<Vec<Step>> {
    let documents = documents(name)?;
    let [document] = &documents[..] else { panic!("{name}: one document") };
    let scripts: Vec<String> = match name.rsplit('/').next() {
        Some("github-actions.yml") => return Some(steps(document)),
        Some("gitlab-ci.yml") => {
            let job = &document["drift-check"];
            let before = texts(&job["before_script"]).join("\n");
            let check = texts(&job["script"]).join("\n");
            vec![format!("{before}\n{check}"), texts(&job["after_script"]).join("\n")]
        }
        _ => {
            let phases = &document["phases"];
            [&phases["build"], &phases["post_build"]].map(|phase| texts(&phase["commands"]).join("\n")).to_vec()
        }
    };
    Some(scripts.into_iter().map(Step::Script).collect())
}

#[test]
fn drift_check_fails_if_an_account_has_drifted() {
    for name in ["drift-check/github-actions.yml", "drift-check/gitlab-ci.yml", "drift-check/buildspec.yml"] {
        let Some(steps) = drift_check(name) else { return };
        let (check, show) = steps.split_first().expect("a step");
        let in_order = Organization::builder().accounts(24).version_mix(VersionMix::percent_v2(100)).start();
        for (organization, expected) in [(in_order, 0), (drifted(), 4)] {
            let sandbox = Sandbox::new(organization);
            let summary = sandbox.path("summary");
            let project = sandbox.bench.folder.path().display().to_string();
            let token = sandbox.path("token").display().to_string();
            let variables = [
                ("GITHUB_STEP_SUMMARY", summary.to_str().expect("UTF-8")),
                ("CI_PROJECT_DIR", project.as_str()),
                ("GITLAB_TOKEN_FOR_AWS", "a-token"),
                ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()),
            ];
            let output = check.follow(&sandbox, &variables);
            assert_eq!(code(&output), expected, "{name}: {output:?}");
            let drifted =
                read_csv(&sandbox.path("drift.csv")).values().filter(|row| row["outcome"] == "would_change").count();
            assert_eq!(drifted, sandbox.bench.truth().with_version(TokenVersion::V1), "{name}");
            let mut seen = fs::read_to_string(&summary).unwrap_or_default();
            for step in show {
                let shown = step.follow(&sandbox, &variables);
                assert_eq!(code(&shown), 0, "{name}: {shown:?}");
                seen.push_str(&String::from_utf8_lossy(&shown.stdout));
            }
            assert!(seen.contains(&fs::read_to_string(sandbox.path("drift.md")).expect("a report")), "{name}: {seen}");
            assert!(sandbox.path("drift/report.html").is_file(), "{name}");
        }
    }
}

#[test]
fn pull_request_gets_its_plan_as_a_comment() {
    let Some(documents) = documents("pull-request/github-actions.yml") else { return };
    let steps = steps(&documents[0]);
    let [plan, comment] = &steps[..] else { panic!("two steps") };
    let sandbox = Sandbox::new(Organization::builder().accounts(24).start());
    sandbox.program("gh", "echo \"$*\" > asked; while [ \"$1\" != --body-file ]; do shift; done; cp \"$2\" comment.md");
    fs::create_dir(sandbox.path("rollout")).expect("a folder");
    fs::write(sandbox.path("rollout/accounts.txt"), "# wave one\n000000000003\n000000000004\n").expect("a list");
    let output = plan.follow(&sandbox, &[]);
    assert_eq!(code(&output), 0, "{output:?}");
    let variables = [("PULL_REQUEST", "17"), ("GITHUB_REPOSITORY", "team/accounts"), ("GH_TOKEN", "none")];
    let output = comment.follow(&sandbox, &variables);
    assert_eq!(code(&output), 0, "{output:?}");
    let asked = fs::read_to_string(sandbox.path("asked")).expect("gh was called");
    assert!(asked.starts_with("pr comment 17 --repo team/accounts "), "{asked}");
    let comment = fs::read_to_string(sandbox.path("comment.md")).expect("a comment");
    assert_eq!(comment, fs::read_to_string(sandbox.path("plan.md")).expect("a report"));
    assert!(comment.contains("| `would_change` | 2 |"), "{comment}");
}

/// The words that a recipe gives to the program that the image starts, as a line for a shell.
fn command_line(words: &Value) -> String {
    let words = texts(words);
    assert!(!words.is_empty() && words[0] != "v2token", "the image starts the program: {words:?}");
    words.iter().fold("v2token".to_owned(), |line, word| format!("{line} '{word}'"))
}

/// Runs the script of a part for each index, and again for one index whose run has ended.
fn array(sandbox: &Sandbox, part: &str, variables: impl Fn(&str) -> Vec<(&'static str, String)>) {
    fs::create_dir(sandbox.path("runs")).expect("a folder");
    for index in ["0", "1", "2", "3", "4", "5", "6", "7", "3"] {
        let variables = variables(index);
        let variables: Vec<(&str, &str)> = variables.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let output = sandbox.follow(part, &variables);
        assert_eq!(code(&output), 0, "{output:?}");
    }
    let accounts = sandbox.bench.truth().accounts.len();
    assert_eq!(sandbox.bench.truth().with_version(TokenVersion::V2), accounts);
}

#[test]
fn indexed_job_covers_the_organization() {
    let Some(documents) = documents("array-jobs/kubernetes.yaml") else { return };
    let script = |document: &Value| command_line(&document["spec"]["template"]["spec"]["containers"][0]["args"]);
    for document in &documents[..2] {
        let pod = &document["spec"]["template"]["spec"];
        assert_eq!(
            (&pod["securityContext"]["runAsUser"], &pod["securityContext"]["runAsNonRoot"]),
            (&65532.into(), &true.into())
        );
        let container = &pod["containers"][0];
        assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
        assert!(container["command"].is_null(), "the image starts the program");
        assert!(text(&container["image"]).contains("@sha256:"));
    }
    assert_eq!(documents[0]["spec"]["completions"], 8);
    let sandbox = Sandbox::new(drifted());
    array(&sandbox, &script(&documents[0]), |index| vec![("JOB_COMPLETION_INDEX", index.to_owned())]);
    let output = sandbox.follow(&script(&documents[1]), &[]);
    assert_eq!(code(&output), 0, "{output:?}");
    let rows = read_csv(&sandbox.path("runs/report.csv"));
    let of = |outcome: &str| rows.values().filter(|row| row["outcome"] == outcome).count();
    assert_eq!(of("changed") + of("unchanged"), 24);
    assert!(sandbox.path("runs/report.html").is_file());
}

#[test]
fn array_job_covers_the_organization() {
    let Some(documents) = documents("array-jobs/aws-batch.yml") else { return };
    let properties = &documents[0]["Resources"]["JobDefinition"]["Properties"]["ContainerProperties"];
    assert_eq!((&properties["User"], &properties["ReadonlyRootFilesystem"]), (&"65532:65532".into(), &true.into()));
    let sandbox = Sandbox::new(drifted());
    array(&sandbox, &command_line(&properties["Command"]), |index| {
        vec![("AWS_BATCH_JOB_ARRAY_INDEX", index.to_owned()), ("AWS_BATCH_JOB_ARRAY_SIZE", "8".to_owned())]
    });
    let heading = fs::read_to_string(recipe("array-jobs/aws-batch.yml")).expect("the recipe");
    let merge = heading.lines().find_map(|line| line.strip_prefix("#   v2token report ")).expect("how to merge");
    let output = sandbox.follow(&format!("v2token report {merge}"), &[]);
    assert_eq!(code(&output), 0, "{output:?}");
    assert_eq!(read_csv(&sandbox.path("report.csv")).len(), 24);
}

#[test]
fn monthly_audit_reports_what_has_changed() {
    let sandbox = Sandbox::new(drifted());
    let audits = sandbox.path("audits");
    fs::create_dir(&audits).expect("a folder");
    let variables = [("AUDITS", audits.to_str().expect("UTF-8"))];
    let audit = recipe("scheduled-audit/audit.sh").display().to_string();
    let in_month = |month: &str| {
        sandbox.program("date", &format!("echo {month}"));
        sandbox.follow(&audit, &variables)
    };
    assert_eq!(code(&in_month("2026-10")), 4);
    let drifted = sandbox
        .bench
        .truth()
        .accounts
        .iter()
        .find(|account| account.version == Some(TokenVersion::V2))
        .map(|account| account.id);
    let drifted = drifted.expect("half of them are on v2Token");
    sandbox.bench.organization.control(|world| world.account_mut(drifted).change_externally(Some(TokenVersion::V1)));
    let output = in_month("2026-11");
    assert_eq!(code(&output), 4, "{output:?}");
    let comparison = fs::read_to_string(audits.join("2026-11/since-2026-10.md")).expect("a comparison");
    assert!(comparison.contains(&drifted.to_string()), "{comparison}");
    // A second audit in one month does nothing.
    assert_eq!(code(&in_month("2026-11")), 0);
}
