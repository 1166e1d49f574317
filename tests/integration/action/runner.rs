//! Runs the action as a runner of GitHub does, with a release in a folder.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::VERSION;
use crate::recipes::{Sandbox, documents, text};

/// The files that the runner gives to a step.
const RUNNER_FILES: [(&str, &str); 3] =
    [("GITHUB_OUTPUT", "outputs"), ("GITHUB_PATH", "path"), ("GITHUB_STEP_SUMMARY", "summary")];

/// A release in a folder: the archive for this machine, and the sums.
pub(crate) struct Release(TempDir);

impl Release {
    pub(crate) fn new() -> Self {
        Self::of(&format!("exec '{}' \"$@\"", env!("CARGO_BIN_EXE_v2token")))
    }

    /// A release whose program is this script. It leaves a file `started`.
    pub(super) fn of(script: &str) -> Self {
        let release = Self(TempDir::new().expect("a temporary folder"));
        let bin = release.path("files").join(format!("v2token-{VERSION}")).join("bin");
        fs::create_dir_all(&bin).expect("a folder");
        let started = release.path("started").display().to_string();
        fs::write(bin.join("v2token"), format!("#!/bin/sh\n: > '{started}'\n{script}\n")).expect("a script");
        fs::set_permissions(bin.join("v2token"), fs::Permissions::from_mode(0o755)).expect("it may be run");
        let mut tar = Command::new("tar");
        tar.arg("-czf").arg(release.path(&archive())).arg("-C").arg(release.path("files"));
        assert!(tar.arg(format!("v2token-{VERSION}")).status().expect("there is tar").success());
        release.sums(&format!("{}  {}\n", release.sum(), archive()));
        release
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(super) fn sums(&self, sums: &str) {
        fs::write(self.path("SHA256SUMS"), sums).expect("a file");
    }

    /// The sum of the archive.
    pub(super) fn sum(&self) -> String {
        let output = Command::new("sha256sum").arg(self.path(&archive())).output().expect("there is sha256sum");
        String::from_utf8_lossy(&output.stdout)[..64].to_owned()
    }
}

/// The name of the archive for this machine.
pub(super) fn archive() -> String {
    let platform = match (std::env::consts::OS, std::env::consts::ARCH) {
        ("macos", architecture) => format!("{architecture}-macos"),
        (_, architecture) => format!("{architecture}-linux-static"),
    };
    format!("v2token-{VERSION}-{platform}.tar.gz")
}

/// The action, as the runner reads it.
pub(crate) struct Action {
    pub(super) document: Value,
    /// The folder in which the runner has the action.
    pub(super) path: PathBuf,
}

impl Action {
    pub(crate) fn read() -> Option<Self> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).to_owned();
        documents("../action.yml").map(|mut documents| Self { document: documents.remove(0), path })
    }

    /// Runs the only step of the action as the runner does, with the files of this release instead of those of a repository.
    pub(crate) fn follow(&self, sandbox: &Sandbox, release: &Release, inputs: &Value) -> Output {
        let steps = self.document["runs"]["steps"].as_array().expect("steps");
        let [step] = &steps[..] else { panic!("{steps:?}") };
        let script = text(&step["run"]);
        assert!(!script.contains("${{"), "the shell must not see what the runner puts in: {script}");
        let mut environment: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in step["env"].as_object().expect("an environment") {
            let expression = text(value).trim_start_matches("${{ ").trim_end_matches(" }}");
            let value = expression.strip_prefix("inputs.").map_or_else(String::new, |input| self.input(inputs, input));
            environment.insert(name.clone(), value);
        }
        if inputs["base-url"].is_null() {
            environment.insert("INPUT_BASE_URL".to_owned(), format!("file://{}", release.0.path().display()));
        }
        environment.insert("GITHUB_ACTION_PATH".to_owned(), self.path.display().to_string());
        environment.insert("RUNNER_TEMP".to_owned(), sandbox.path("").display().to_string());
        for (name, file) in RUNNER_FILES {
            environment.insert(name.to_owned(), sandbox.path(file).display().to_string());
        }
        let variables: Vec<(&str, &str)> = environment.iter().map(|(name, it)| (name.as_str(), it.as_str())).collect();
        sandbox.follow(script, &variables)
    }

    /// The value of an input, by default that of the action.
    fn input(&self, inputs: &Value, name: &str) -> String {
        let declared = &self.document["inputs"][name];
        assert!(declared.is_object(), "there is no input {name}");
        inputs[name].as_str().map_or_else(|| text(&declared["default"]).to_owned(), str::to_owned)
    }
}
