//! The AWS CLI, imported once and forked for each command line, because starting Python is most of the cost of a call.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::json;

use crate::python::Reaped;

/// A running `tests/aws_cli/forks.py`, which ends when this value is dropped.
pub(crate) struct Forks {
    lines: ChildStdin,
    codes: Receiver<String>,
    limit: Duration,
    _process: Reaped,
}

/// The command line of a fork.
pub(crate) struct Line<'a> {
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) folder: &'a Path,
    pub(crate) stdout: &'a Path,
    pub(crate) stderr: &'a Path,
}

impl Forks {
    /// Starts the script with this environment. A command line's environment may differ in the variables that Python does not read at
    /// its start. A command line that takes longer than the limit is killed.
    pub(crate) fn start(python: &Path, environment: &BTreeMap<String, String>, limit: Duration) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/aws_cli/forks.py");
        let mut command = Command::new(python);
        command.arg(script).env_clear().envs(environment).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python starts");
        let lines = child.stdin.take().expect("a pipe");
        let answers = BufReader::new(child.stdout.take().expect("a pipe"));
        let (sender, codes) = channel();
        // The script ends with this process.
        std::thread::spawn(move || {
            for code in answers.lines().map_while(Result::ok) {
                let _ = sender.send(code);
            }
        });
        Self { lines, codes, limit, _process: Reaped(child) }
    }

    /// Runs a command line to its end and returns the exit code, unless a signal ended it.
    pub(crate) fn run(&mut self, line: &Line<'_>) -> Option<i32> {
        let Line { arguments, environment, folder, stdout, stderr } = line;
        let line = json!({
            "arguments": arguments,
            "environment": environment,
            "folder": folder,
            "stdout": stdout,
            "stderr": stderr,
            "seconds": self.limit.as_secs(),
        });
        writeln!(self.lines, "{line}").expect("python reads command lines");
        // The fork's own limit is shorter.
        let code = self.codes.recv_timeout(self.limit * 2).expect("the exit code of a fork");
        let code: i32 = code.parse().unwrap_or_else(|_| panic!("not an exit code: {code}"));
        (code >= 0).then_some(code)
    }
}
