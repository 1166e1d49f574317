//! What the program says about its own build.

use std::path::Path;
use std::process::Command;

use v2token_simulator::Organization;

use crate::harness::{Bench, program};

#[path = "../../build.rs"]
#[allow(
    dead_code,
    clippy::print_stdout,
    reason = "the tests call parts of the build script, which talks to cargo on stdout"
)]
mod build_script;

#[test]
fn the_program_names_its_commit() {
    let (commit, day) = build_script::commit(Path::new(env!("CARGO_MANIFEST_DIR")));
    for option in ["--version", "-V"] {
        let output = program(Path::new(".")).arg(option).output().expect("it starts");
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let start = format!("v2token {} ({commit} {day} ", env!("CARGO_PKG_VERSION"));
        assert!(text.starts_with(&start) && text.trim_end().ends_with(')'), "{text} {start}");
    }
    let bench = Bench::new(Organization::builder().accounts(2).start());
    let run = bench.run("plan", &["plan"]).exits(0);
    let info = std::fs::read_to_string(run.folder.join("run.json")).expect("a run folder");
    let info: serde_json::Value = serde_json::from_str(&info).expect("JSON");
    assert_eq!([&info["build"]["commit"], &info["build"]["commit_date"]], [commit.as_str(), day.as_str()]);
    let page = std::fs::read_to_string(run.folder.join("report.html")).expect("a page");
    assert!(page.contains(&commit), "{commit}");
}

/// A copy of the sources may be in a folder of another project, which has commits of its own.
#[test]
fn the_commit_is_known_from_a_checkout_or_a_package() {
    let unknown = ("unknown".to_owned(), "unknown".to_owned());
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(build_script::commit(folder.path()), unknown);
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        git.arg("-C").arg(folder.path()).args(["-c", "user.name=unit", "-c", "user.email=unit@example.com"]);
        git.env("GIT_COMMITTER_DATE", "2026-11-22T04:15:00Z").args(arguments);
        assert!(git.output().expect("there is git").status.success(), "{arguments:?}");
    };
    git(&["init", "-q"]);
    assert_eq!(build_script::commit(folder.path()), unknown, "there is no commit yet");
    git(&["commit", "-q", "--allow-empty", "-m", "unit"]);
    let (commit, day) = build_script::commit(folder.path());
    assert_eq!((commit.len(), day.as_str()), (40, "2026-11-22"));
    assert!(!build_script::decisive_files(folder.path()).is_empty());
    let inside = folder.path().join("vendor");
    std::fs::create_dir(&inside).expect("a folder");
    assert_eq!(build_script::commit(&inside), unknown, "it is the commit of another project");
    let info = |text: &str| std::fs::write(inside.join(".cargo_vcs_info.json"), text).expect("a file");
    info(
        "{\n  \"git\": {\n    \"sha1\": \"00112233445566778899aabbccddeeff00112233\"\n  },\n  \"path_in_vcs\": \"\"\n}",
    );
    assert_eq!(build_script::commit(&inside).0, "00112233445566778899aabbccddeeff00112233");
    info("{\n  \"git\": {\n    \"sha1\": \"00112233445566778899aabbccddeeff00112233\",\n    \"dirty\": true\n  }\n}");
    assert_eq!(build_script::commit(&inside), unknown, "it has files that are in no commit");
    for damaged in ["", "{}", "{\"git\":{\"sha1\":\"no commit\"}}", "{\"git\":{\"sha1\""] {
        info(damaged);
        assert_eq!(build_script::commit(&inside), unknown, "{damaged}");
    }
}

/// Returns the files of a package, without those that cargo makes.
fn packaged(package: &str) -> Vec<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut list = Command::new(cargo);
    list.current_dir(env!("CARGO_MANIFEST_DIR")).args(["package", "--list", "--package", package]);
    list.args(["--allow-dirty", "--offline", "--locked"]);
    let output = list.output().expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let made_by_cargo = [".cargo_vcs_info.json", "Cargo.lock", "Cargo.toml", "Cargo.toml.orig"];
    text.lines().filter(|file| !made_by_cargo.contains(file)).map(str::to_owned).collect()
}

/// To install a package, nobody needs the tests or the documents of the project.
#[test]
fn the_packages_have_the_sources_and_nothing_else() {
    let licences = ["LICENSE-APACHE", "LICENSE-MIT"];
    for (package, others, needed) in [
        (
            "v2token",
            &["CHANGELOG.md", licences[0], licences[1], "README.md", "build.rs"][..],
            &[
                "src/main.rs",
                "src/report/page/page.html",
                "src/report/page/askama.toml",
                "src/commands/impact/query.sql",
            ][..],
        ),
        ("v2token-cloud", &licences, &["src/lib.rs", "src/aws/sts.rs"]),
        ("v2token-base", &licences, &["src/lib.rs", "src/org/account.rs"]),
    ] {
        let (sources, found): (Vec<String>, Vec<String>) =
            packaged(package).into_iter().partition(|file| file.starts_with("src/"));
        assert_eq!(found, others, "{package}");
        for file in needed {
            assert!(sources.iter().any(|source| source == file), "{package}: {file}");
        }
    }
}
