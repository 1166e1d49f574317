//! Compares `v2token iam` with the AWS CLI v1: the same command lines in both programs, against the same endpoint.
//!
//! It compares the requests on the wire, stdout byte for byte, the meaning of stderr, and the exit code. `docs/aws-cli.md` must list
//! every difference, and every listed difference must exist.
//!
//! It needs `python3` and, the first time, the network. Where CI is set, their absence fails the test; elsewhere it skips it with a message.

#![cfg(unix)]

mod answers;
mod case;
mod endings;
mod equivalence;
pub(crate) mod forks;
mod queries;
mod recorder;
mod round_trip;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use case::{Case, Home, SECRET};
use forks::{Forks, Line};
use recorder::{Recorder, Request};

use crate::python::{Scratch, environment, poll, skip};
use crate::tls_proxy::Authority;

/// How many cases run at once.
const WIDTH: usize = 3;

/// The time limit of a case, longer than the waits between five attempts.
const LIMIT: Duration = Duration::from_mins(1);

/// One in this many cases also runs in an AWS CLI of its own process.
const SAMPLE: usize = 30;

/// The ways in which the programs can differ, as the document names them.
const WAYS: [&str; 4] = ["request", "stdout", "stderr", "exit code"];

#[test]
fn both_programs_agree_except_for_documented_differences() {
    let scratch = Scratch::new("aws_cli");
    let python = match environment("aws_cli", &scratch.0) {
        Ok(python) => python,
        Err(reason) => return skip("the AWS CLI", &reason),
    };
    let authority = Arc::new(Authority::new());
    let cases = case::all();
    assert!(cases.len() >= 250, "{}", cases.len());
    let next = AtomicUsize::new(0);
    let found: Mutex<BTreeMap<String, (BTreeSet<&str>, String)>> = Mutex::default();
    std::thread::scope(|scope| {
        for number in 0..WIDTH {
            let (next, found, cases, authority, python) = (&next, &found, &cases, &authority, &python);
            let folder = scratch.0.join(number.to_string());
            scope.spawn(move || {
                let recorder = Recorder::start(authority);
                let home = Home::new(&folder, &recorder, &authority.pem);
                let mut forks = Forks::start(python, &home.surroundings(), LIMIT);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(number) else { return };
                    let theirs = watch_fork(case, &home, &recorder, &mut forks);
                    if number % SAMPLE == 0 {
                        let started = watch(case, &home, &recorder, aws(python));
                        let differences = theirs.differences(&started, case);
                        assert!(differences.is_empty(), "{}: a fork is not a start\n{theirs}{started}", case.name);
                    }
                    let ours = watch(case, &home, &recorder, Command::new(env!("CARGO_BIN_EXE_v2token")));
                    assert!(!ours.stderr.contains(SECRET) && !ours.stdout.contains(SECRET), "{}: a secret", case.name);
                    let differences = ours.differences(&theirs, case);
                    let story = format!("--- the AWS CLI\n{theirs}--- v2token\n{ours}");
                    found.lock().expect("no panic").insert(case.name.clone(), (differences, story));
                }
            });
        }
    });
    let found = found.into_inner().expect("no panic");
    let documented = documented();
    let mut wrong = String::new();
    for (name, (differences, story)) in &found {
        let allowed = documented.get(name.as_str()).cloned().unwrap_or_default();
        let observed: BTreeSet<String> = differences.iter().map(|&way| way.to_owned()).collect();
        if observed != allowed {
            wrong.push_str(&format!("=== {name}: differs in {observed:?}, documented is {allowed:?}\n{story}"));
        }
    }
    let unknown: Vec<&String> = documented.keys().filter(|name| !found.contains_key(*name)).collect();
    assert!(unknown.is_empty(), "docs/aws-cli.md names cases that are not there: {unknown:?}");
    assert!(wrong.is_empty(), "{wrong}");
}

/// The differences that the document allows, by case.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/aws-cli.md");
    let text = std::fs::read_to_string(path).expect("docs/aws-cli.md");
    let (_, section) = text.split_once("\n## What differs\n").expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut documented: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in section.lines().filter(|line| line.starts_with("| `") || line.starts_with("| –")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let ways: BTreeSet<String> = cells[1].split(", ").map(str::to_owned).collect();
        for name in cells[0].split('`').skip(1).step_by(2) {
            assert!(ways.iter().all(|way| WAYS.contains(&way.as_str())), "{name}: {ways:?}");
            assert!(documented.insert(name.to_owned(), ways.clone()).is_none(), "{name} is there twice");
        }
    }
    assert!(documented.len() >= 5, "{documented:?}");
    documented
}

/// The AWS CLI, started through the interpreter, because the path in its script is stale after the environment was moved.
fn aws(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.arg(python.with_file_name("aws"));
    command
}

/// The result of a program for a case.
struct Seen {
    code: Option<i32>,
    stdout: String,
    stderr: String,
    requests: Vec<Request>,
}

impl std::fmt::Display for Seen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, stdout, stderr, requests } = self;
        writeln!(f, "exit code {code:?}\nstdout: {stdout:?}\nstderr: {stderr:?}")?;
        requests.iter().try_for_each(|request| writeln!(f, "{:?}", equivalence::of_request(request)))
    }
}

fn watch(case: &Case, home: &Home, recorder: &Recorder, mut command: Command) -> Seen {
    recorder.answer(&case.answers);
    let [stdout, stderr] = home.outputs();
    command.env_clear().current_dir(&home.folder).stdin(Stdio::null());
    command.envs(home.environment(case)).args(home.arguments(case));
    let create = |path: &Path| std::fs::File::create(path).expect("a file for output");
    command.stdout(create(&stdout)).stderr(create(&stderr));
    let mut child = crate::python::Reaped(command.spawn().expect("the program starts"));
    let status = poll(LIMIT, || child.0.try_wait().expect("a child's status"));
    Seen::new(status.and_then(|status| status.code()), home, recorder)
}

fn watch_fork(case: &Case, home: &Home, recorder: &Recorder, forks: &mut Forks) -> Seen {
    recorder.answer(&case.answers);
    let [stdout, stderr] = &home.outputs();
    let (arguments, environment) = (home.arguments(case), home.environment(case));
    let code = forks.run(&Line { arguments, environment, folder: &home.folder, stdout, stderr });
    Seen::new(code, home, recorder)
}

impl Seen {
    fn new(code: Option<i32>, home: &Home, recorder: &Recorder) -> Self {
        let [stdout, stderr] =
            home.outputs().map(|path| String::from_utf8_lossy(&std::fs::read(path).expect("output")).into_owned());
        Self { code, stdout, stderr, requests: recorder.requests() }
    }

    fn differences(&self, theirs: &Self, case: &Case) -> BTreeSet<&'static str> {
        let wire = |seen: &Self| seen.requests.iter().map(equivalence::of_request).collect::<Vec<_>>();
        // Debug output is never the same twice.
        let same_words = case.is_debug() || equivalence::is_same(&self.stderr, &theirs.stderr);
        let same = [
            wire(self) == wire(theirs),
            case.settled(&self.stdout) == case.settled(&theirs.stdout),
            same_words,
            self.code == theirs.code && self.code.is_some(),
        ];
        WAYS.into_iter().zip(same).filter(|(_, same)| !same).map(|(way, _)| way).collect()
    }
}
