//! Runs the built program in a temporary folder, with only the environment that a test sets, and reads its report.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;
use v2token_simulator::{ORGANIZATION_ID, Operation, Organization, SECRET_MARKER, TokenVersion, Truth};

pub(crate) use crate::scenario::report_check::Row;
use crate::scenario::report_check::disagreements;

/// A folder and an environment for the program, with one simulated organization.
pub(crate) struct Bench {
    pub(crate) organization: Organization,
    pub(crate) folder: TempDir,
    environment: BTreeMap<String, String>,
}

/// The result of one run of the program.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The run folder.
    pub(crate) folder: PathBuf,
    /// The world before the run, and after it.
    pub(crate) before: Truth,
    pub(crate) after: Truth,
}

impl Bench {
    pub(crate) fn new(organization: Organization) -> Self {
        let environment = organization.environment().into_iter().collect();
        Self { organization, folder: TempDir::new().expect("a temporary folder"), environment }
    }

    /// Sets a variable for all following runs.
    pub(crate) fn env(&mut self, name: &str, value: &str) -> &mut Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Removes a variable for all following runs.
    pub(crate) fn without_env(&mut self, name: &str) -> &mut Self {
        self.environment.remove(name);
        self
    }

    /// The command `v2token <arguments> --run-dir <folder>/<name>`.
    pub(crate) fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.arg("--run-dir").arg(self.folder.path().join(name));
        command
    }

    /// The program with only these arguments. A new run does not wait between waves.
    pub(crate) fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = program(self.folder.path());
        if ["apply", "rollback"].map(Some).contains(&arguments.first().copied()) {
            command.env("V2TOKEN_BAKE", "0s");
        }
        command.args(arguments).envs(&self.environment);
        command
    }

    /// Runs the program to its end. Every time, its outputs and its folder are searched for secrets, and its report is checked
    /// against the schema.
    pub(crate) fn run(&self, name: &str, arguments: &[&str]) -> Run {
        self.finish(name, self.command(name, arguments))
    }

    /// Runs a prepared command whose run folder has this name.
    pub(crate) fn finish(&self, name: &str, mut command: Command) -> Run {
        let before = self.truth();
        let output = command.output().expect("the program starts");
        self.conclude(name, before, output)
    }

    /// Makes a result from the output of a program that was started at `before`, with the same checks as [`run`](Self::run).
    pub(crate) fn conclude(&self, name: &str, before: Truth, output: Output) -> Run {
        let run = Run::new(output, self.folder.path().join(name), before, self.truth());
        run.holds_no_secret(SECRET_MARKER);
        let report = run.folder.join("report.json");
        if report.is_file() {
            crate::schema::holds(&report);
        }
        run
    }

    /// Runs a command whose arguments name the run folder, which has this name in the bench's folder.
    pub(crate) fn again(&self, name: &str, arguments: &[&str]) -> Run {
        self.finish(name, self.bare(arguments))
    }

    /// The run folder of this name.
    pub(crate) fn run_folder(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn truth(&self) -> Truth {
        self.organization.truth()
    }

    /// How many requests have arrived. Many tests ask for it all the time, and the truth has a copy of each account.
    pub(crate) fn requests(&self) -> u64 {
        self.organization.control(|world| world.all_requests())
    }
}

/// The program with an empty environment, in a folder.
pub(crate) fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_v2token"));
    command.env_clear().current_dir(folder).stdin(Stdio::null()).env("HOME", folder);
    command
}

/// A program of the system, by its path. If a command has a name and a `PATH` of its own, the standard library starts it with a copy of
/// this process, which takes far longer than the program itself.
pub(crate) fn tool(name: &str) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    Command::new(found.unwrap_or_else(|| name.into()))
}

impl Run {
    pub(crate) fn new(output: Output, folder: PathBuf, before: Truth, after: Truth) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
            folder,
            before,
            after,
        }
    }

    /// Fails unless the report agrees with the truth in every account.
    pub(crate) fn agrees(self, wanted: TokenVersion) -> Self {
        let wrong = disagreements(&self.before, &self.after, &self.rows(), wanted, None);
        assert!(wrong.is_empty(), "{}\n{self}", wrong.join("\n"));
        self
    }

    /// The same run with an earlier beginning, because a report covers all processes of a run.
    pub(crate) fn since(self, before: Truth) -> Self {
        Self { before, ..self }
    }

    /// Fails unless stderr contains all of this.
    pub(crate) fn says(self, words: &[&str]) -> Self {
        for part in words {
            assert!(self.stderr.contains(part), "expected on stderr: {part}\n{self}");
        }
        self
    }

    /// How many calls of an operation the run made.
    pub(crate) fn calls(&self, operation: Operation) -> u64 {
        self.after.requests(operation) - self.before.requests(operation)
    }

    /// How many calls of all operations the run made.
    pub(crate) fn all_calls(&self) -> u64 {
        let sum = |truth: &Truth| truth.operations.values().map(|counters| counters.requests).sum::<u64>();
        sum(&self.after) - sum(&self.before)
    }

    /// Whether any call was made in an account, other than for the caller's identity.
    pub(crate) fn touched_accounts(&self) -> bool {
        let operations =
            [Operation::AssumeRole, Operation::GetAccountSummary, Operation::SetSecurityTokenServicePreferences];
        operations.into_iter().any(|operation| self.calls(operation) > 0)
    }

    /// Fails unless the run ended before it attempted anything, said why, and left no folder.
    pub(crate) fn attempted_nothing(self, why: &str) -> Self {
        assert!(self.stderr.contains("nothing was attempted"), "it is not said that nothing was attempted\n{self}");
        assert!(self.stderr.contains(why), "expected on stderr: {why}\n{self}");
        assert!(self.stdout.is_empty(), "nothing belongs on stdout\n{self}");
        assert!(!self.touched_accounts(), "no account may be touched\n{self}");
        assert!(!self.folder.exists(), "a run that never started left its folder behind\n{self}");
        self
    }

    /// Fails unless the run was a plan that failed, said why, and left no folder.
    pub(crate) fn made_no_plan(self, why: &str) -> Self {
        let texts = ["nothing was attempted", "no plan was made, and nothing was changed"];
        assert!(texts.iter().any(|text| self.stderr.contains(text)), "it is not said that there is no plan\n{self}");
        assert!(self.stderr.contains(why), "expected on stderr: {why}\n{self}");
        assert!(self.stdout.is_empty(), "nothing belongs on stdout\n{self}");
        assert_eq!(self.calls(Operation::SetSecurityTokenServicePreferences), 0, "a plan never writes\n{self}");
        assert!(!self.folder.exists(), "a plan that came to nothing left its folder behind\n{self}");
        self
    }

    /// The rows of `report.csv`, by account id.
    pub(crate) fn rows(&self) -> BTreeMap<String, Row> {
        read_csv(&self.folder.join("report.csv"))
    }

    /// The number of accounts by outcome.
    pub(crate) fn outcomes(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for row in self.rows().into_values() {
            *counts.entry(row["outcome"].clone()).or_default() += 1;
        }
        counts
    }

    /// Fails if the run's outputs or files contain this text.
    pub(crate) fn holds_no_secret(&self, secret: &str) {
        assert!(!self.stdout.contains(secret), "a secret on stdout:\n{}", self.stdout);
        assert!(!self.stderr.contains(secret), "a secret on stderr:\n{}", self.stderr);
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten() {
            let path = entry.expect("an entry").path();
            let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a readable file")).into_owned();
            assert!(!text.contains(secret), "a secret in {}", path.display());
        }
    }

    /// Fails, with the run's outputs, unless the exit code is this one.
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "exit code\n{self}");
        self
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit code {}\n--- stdout\n{}\n--- stderr\n{}", self.code, self.stdout, self.stderr)
    }
}

/// Edits a file.
pub(crate) fn rewrite(path: &Path, change: impl FnOnce(String) -> String) {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    std::fs::write(path, change(text)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Edits a run so that it belongs to another Organization; all simulated ones have the same id.
pub(crate) fn of_another_organization(folder: &Path) {
    rewrite(&folder.join("run.json"), |text| text.replace(ORGANIZATION_ID, "o-anotherorg2"));
}

/// The accounts that received a Set.
pub(crate) fn sent_to(truth: &Truth) -> BTreeSet<String> {
    truth.accounts.iter().filter(|account| account.sets_received > 0).map(|account| account.id.to_string()).collect()
}

/// The accounts with this outcome in a report.
pub(crate) fn accounts_with(rows: &BTreeMap<String, Row>, outcome: &str) -> BTreeSet<String> {
    rows.iter().filter(|(_, row)| row["outcome"] == outcome).map(|(id, _)| id.clone()).collect()
}

/// Reads a CSV report, in which every account must occur once.
pub(crate) fn read_csv(path: &Path) -> BTreeMap<String, Row> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut rows = BTreeMap::new();
    for row in reader.deserialize() {
        let row: Row = row.expect("a row with all columns");
        let id = row["account_id"].clone();
        assert!(rows.insert(id.clone(), row).is_none(), "{id} is there twice");
    }
    rows
}

/// Removes the end of a run from its `run.json`, as if the run had been killed or were still going on.
pub(crate) fn without_end(folder: &Path) {
    rewrite(&folder.join("run.json"), |text| {
        let mut info: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        info["verdict"] = serde_json::Value::Null;
        info["ended_at"] = serde_json::Value::Null;
        info.to_string()
    });
}
