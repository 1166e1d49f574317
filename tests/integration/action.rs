//! The GitHub Action of `action.yml` with a release on this machine: what it installs, what it refuses, and how it ends.

mod runner;

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use v2token_simulator::{Organization, VersionMix};

use crate::recipes::{Sandbox, code, drifted, text};
use runner::archive;
pub(crate) use runner::{Action, Release};

const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Starts an Organization.
type Start = fn() -> Organization;
/// What is wrong with a release or with the folder of a job.
type Change = fn(&Release, &Sandbox);

fn read(sandbox: &Sandbox, name: &str) -> String {
    fs::read_to_string(sandbox.path(name)).unwrap_or_default()
}

fn in_order() -> Organization {
    Organization::builder().accounts(8).version_mix(VersionMix::percent_v2(100)).start()
}

/// An Organization in which half of the accounts are on v2Token, if not all, and one account can't be read.
fn unreadable(percent_v2: u8) -> Organization {
    let builder = Organization::builder().accounts(8).version_mix(VersionMix::percent_v2(percent_v2));
    builder.account(3, |account| account.faults.deny_assume = true).start()
}

#[test]
fn the_action_installs_the_version_of_this_repository() {
    let Some(action) = Action::read() else { return };
    assert_eq!(
        action.document["inputs"]["version"]["default"], VERSION,
        "action.yml has another version than Cargo.toml"
    );
    // The outputs are those that the script writes.
    let script = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("action.sh")).expect("the script");
    for (name, output) in action.document["outputs"].as_object().expect("outputs") {
        assert_eq!(text(&output["value"]), format!("${{{{ steps.v2token.outputs.{name} }}}}"));
        assert!(script.contains(&format!("output {name} ")), "{name}");
    }
    for name in action.document["inputs"].as_object().expect("inputs").keys() {
        assert!(script.contains(&format!("INPUT_{}", name.replace('-', "_").to_uppercase())), "{name}");
    }
}

#[test]
fn the_exit_code_is_that_of_the_program() {
    let Some(action) = Action::read() else { return };
    let table: [(Start, &str, &str, i32, i32); 10] = [
        (in_order, "drift", "true", 0, 0),
        (drifted, "drift", "true", 4, 4),
        (drifted, "drift", "false", 0, 4),
        (drifted, "plan", "true", 0, 0),
        (|| unreadable(100), "drift", "true", 3, 3),
        (|| unreadable(100), "plan", "true", 3, 3),
        (|| unreadable(100), "plan", "false", 0, 3),
        (|| unreadable(50), "drift", "true", 6, 6),
        (|| unreadable(50), "drift", "false", 0, 6),
        (|| unreadable(50), "plan", "true", 3, 3),
    ];
    for (organization, command, fail, expected, found) in table {
        let (sandbox, release) = (Sandbox::new(organization()), Release::new());
        let inputs = json!({"command": command, "fail": fail, "run-dir": "check", "sha256": release.sum()});
        fs::remove_file(release.path("SHA256SUMS")).expect("it is not needed");
        let output = action.follow(&sandbox, &release, &inputs);
        assert_eq!(code(&output), expected, "{inputs}: {output:?}");
        let outputs =
            format!("exit-code={found}\nrun-dir=check\ncsv=check.csv\nhtml=check/report.html\nmarkdown=check.md\n");
        assert_eq!(read(&sandbox, "outputs"), outputs, "{inputs}: {output:?}");
        let summary = read(&sandbox, "summary");
        assert!(!summary.is_empty() && summary == read(&sandbox, "check.md"), "{summary}");
        assert!(sandbox.path("check.csv").is_file() && sandbox.path("check/report.html").is_file());
        assert!(Path::new(read(&sandbox, "path").trim_end()).join("v2token").is_file(), "{output:?}");
    }
}

#[test]
fn arguments_go_to_the_program_as_they_are() {
    let Some(action) = Action::read() else { return };
    let sandbox = Sandbox::new(drifted());
    let arguments = "--account\n000000000001\n\n--reason=$(touch run) `touch run`; touch run & \"a\" 'b' *";
    let inputs = json!({"command": "plan", "arguments": arguments, "version": format!("v{VERSION}")});
    let output = action.follow(&sandbox, &Release::new(), &inputs);
    assert_eq!(code(&output), 0, "{output:?}");
    let info: Value = serde_json::from_str(&read(&sandbox, "v2token-run/run.json")).expect("run.json");
    assert_eq!(info["settings"]["reason"], arguments.rsplit_once("--reason=").expect("a reason").1);
    assert!(!sandbox.path("run").exists());
    // Wrong usage fails in any case, and there is nothing to show.
    let inputs = json!({"arguments": "--no-such-option", "fail": "false", "run-dir": "wrong"});
    let output = action.follow(&sandbox, &Release::new(), &inputs);
    assert_eq!(code(&output), 2, "{output:?}");
    assert!(read(&sandbox, "outputs").ends_with("exit-code=2\nrun-dir=wrong\n"));
}

/// A line of the program can't be a command to the runner.
#[test]
fn lines_of_the_program_are_no_commands() {
    let Some(action) = Action::read() else { return };
    let script = format!("case $1 in --version) echo 'v2token {VERSION} (x)' ;; *) echo '::error::no' ;; esac");
    let output = action.follow(&Sandbox::new(drifted()), &Release::of(&script), &json!({}));
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines: Vec<&str> = stdout.lines().collect();
    let [.., stop, "::error::no", go_on] = &lines[..] else { panic!("{stdout}") };
    let token = stop.strip_prefix("::stop-commands::").expect("a token");
    assert_eq!((token.len(), *go_on), (32, format!("::{token}::").as_str()));
}

/// By default, the releases are those of the repository that has the action, which the runner shows in the action's path, too.
#[test]
fn releases_come_from_the_repository_of_the_action() {
    let Some(mut action) = Action::read() else { return };
    let sandbox = Sandbox::new(drifted());
    sandbox.program("curl", "for url; do :; done; echo \"$url\" > url; exit 22");
    let asked = |action: &Action, inputs: Value| {
        let output = action.follow(&sandbox, &Release::new(), &inputs);
        assert_eq!(code(&output), 1, "{output:?}");
        let url = read(&sandbox, "url");
        let _ = fs::remove_file(sandbox.path("url"));
        (url, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (url, said) = asked(&action, json!({"base-url": ""}));
    assert!(url.is_empty() && said.contains("repository must be OWNER/NAME"), "{url} {said}");
    let (url, said) = asked(&action, json!({"base-url": "", "repository": "me/v2token/../x"}));
    assert!(url.is_empty() && said.contains("repository must be OWNER/NAME"), "{url} {said}");
    let expected = format!("https://github.com/me/v2token/releases/download/v{VERSION}/{}\n", archive());
    assert_eq!(asked(&action, json!({"base-url": "", "repository": "me/v2token"})).0, expected);
    fs::create_dir_all(sandbox.path("_actions/me/v2token")).expect("a folder");
    let path = sandbox.path("_actions/me/v2token/v1");
    std::os::unix::fs::symlink(env!("CARGO_MANIFEST_DIR"), &path).expect("a link");
    action.path = path;
    assert_eq!(asked(&action, json!({"base-url": ""})).0, expected);
}

#[test]
fn what_is_not_as_expected_is_refused() {
    let Some(action) = Action::read() else { return };
    let zeros = "0".repeat(64);
    let nothing: Change = |_, _| ();
    let table: [(&str, Value, Change, &str); 14] = [
        ("a wrong sum", json!({"sha256": zeros}), nothing, "instead of 0000"),
        ("not a sum", json!({"sha256": "abc"}), nothing, "there is no SHA-256 sum"),
        (
            "a wrong sum in the file",
            json!({}),
            |release, _| release.sums(&format!("{}  {}\n", "0".repeat(64), archive())),
            "it was not installed",
        ),
        ("no sum in the file", json!({}), |release, _| release.sums("\n"), "there is no SHA-256 sum"),
        (
            "two sums in the file",
            json!({}),
            |release, _| release.sums(&format!("{0}  {1}\n{0}  {1}\n", release.sum(), archive())),
            "there is no SHA-256 sum",
        ),
        (
            "no file with sums",
            json!({}),
            |release, _| fs::remove_file(release.path("SHA256SUMS")).expect("a file"),
            "SHA256SUMS can't be downloaded",
        ),
        (
            "no archive",
            json!({}),
            |release, _| fs::remove_file(release.path(&archive())).expect("a file"),
            ".tar.gz can't be downloaded",
        ),
        ("a version that is not there", json!({"version": "9.9.9"}), nothing, "can't be downloaded"),
        ("not a version", json!({"version": "1.0.0;id"}), nothing, "version must be"),
        ("not a version on its second line", json!({"version": "1.0.0\n::id"}), nothing, "version must be"),
        ("a place without TLS", json!({"base-url": "http://example.com"}), nothing, "base-url must start with"),
        ("not a command", json!({"command": "apply"}), nothing, "command must be"),
        ("not a folder", json!({"run-dir": "--yes"}), nothing, "run-dir must name a folder"),
        (
            "a report that is there already",
            json!({}),
            |_, sandbox| fs::write(sandbox.path("v2token-run.md"), "old").expect("a file"),
            "v2token-run.md exists",
        ),
    ];
    for (what, inputs, change, why) in table {
        let (sandbox, release) = (Sandbox::new(drifted()), Release::new());
        change(&release, &sandbox);
        let output = action.follow(&sandbox, &release, &inputs);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(code(&output), 1, "{what}: {output:?}");
        let error = said.lines().find(|line| line.starts_with("::error title=v2token::"));
        assert!(error.is_some_and(|line| line.contains(why)), "{what}: {said}");
        assert!(!release.path("started").exists(), "{what}: the program was started");
        assert_eq!((read(&sandbox, "path"), read(&sandbox, "outputs")), (String::new(), String::new()), "{what}");
    }
    // The right sum, and another program.
    let release = Release::of("echo v2token 0.9.0");
    let sandbox = Sandbox::new(drifted());
    let output = action.follow(&sandbox, &release, &json!({"sha256": release.sum()}));
    assert_eq!(code(&output), 1);
    assert!(String::from_utf8_lossy(&output.stderr).contains("has another version: v2token 0.9.0"), "{output:?}");
    assert_eq!(read(&sandbox, "path"), "");
}
