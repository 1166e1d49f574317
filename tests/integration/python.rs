//! This module owns programs written in Python that stand beside the built one: virtual environments in the target folder, and
//! processes that neither outlive their test nor see the developer's own configuration.

#![cfg(unix)]

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Downloads are slow on a bad day.
const INSTALL_LIMIT: Duration = Duration::from_mins(10);

/// `python -m pip`, because the script `pip` names the interpreter by a path that the rename makes stale. What is imported is compiled
/// then, and most of it never is.
const INSTALL: &str = "-m pip install --no-compile --quiet --disable-pip-version-check --no-input --requirement";

/// A folder of this test's own. It stays after a failure, with all that the processes wrote.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    /// `name` tells the tests of one process apart.
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        // A failed test of an earlier process may have had the same number.
        remove(&path);
        fs::create_dir_all(&path).expect("a scratch folder");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// A child process that does not outlive its owner.
pub(crate) struct Reaped(pub(crate) Child);

impl Drop for Reaped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Fails where CI is set, because there a judge that never sits would go unnoticed.
pub(crate) fn skip(what: &str, reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what} cannot be run: {reason}");
    // The test harness hides what `eprintln!` says when a test passes. It does not hide this.
    let _ = writeln!(io::stderr(), "SKIPPED: v2token was not compared with {what}: {reason}");
}

/// A python that has the packages of `tests/<name>/requirements.txt`: a virtual environment in the target folder, made on first
/// use and kept.
pub(crate) fn environment(name: &str, scratch: &Path) -> Result<PathBuf, String> {
    let interpreter = interpreter()?;
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name).join("requirements.txt");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a target folder");
    let venv = target.join(format!("{name}-venv"));
    let stamp = format!("{interpreter}\n{}", fs::read_to_string(&requirements).expect("the requirements"));

    // Held until the end of this function: of several test processes one builds, the rest find it built.
    let lock = File::create(target.join(format!("{name}-venv.lock"))).expect("a lock file");
    lock.lock().expect("the lock");
    if fs::read_to_string(venv.join("stamp")).ok().as_deref() != Some(&stamp) {
        let building = target.join(format!("{name}-venv.building"));
        remove(&building);
        build(&building, &requirements, scratch)?;
        fs::write(building.join("stamp"), &stamp).expect("a stamp");
        remove(&venv);
        fs::rename(&building, &venv).expect("the environment takes its place");
    }
    Ok(venv.join("bin/python"))
}

/// The identity of the machine's python3. An environment made by another one would not work.
fn interpreter() -> Result<String, String> {
    let program = "import sys; print(sys.executable, sys.version)";
    match Command::new("python3").args(["-c", program]).output() {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => Err(format!("python3 does not work: {}", output.status)),
        Err(error) => Err(format!("python3 does not start: {error}")),
    }
}

/// Makes the environment. The surroundings are kept, since pip may need a proxy or a mirror from them.
fn build(venv: &Path, requirements: &Path, scratch: &Path) -> Result<(), String> {
    let mut create = Command::new("python3");
    create.args(["-m", "venv"]).arg(venv);
    run(&mut create, "venv", scratch, INSTALL_LIMIT)?;

    let mut install = Command::new(venv.join("bin/python"));
    install.args(INSTALL.split(' ')).arg(requirements);
    run(&mut install, "pip", scratch, INSTALL_LIMIT)?;
    Ok(())
}

/// Takes away proxies, profiles and endpoints of the developer's own, which could lead a test to the real AWS.
pub(crate) fn hermetic<'a>(command: &'a mut Command, home: &Path) -> &'a mut Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", home)
}

/// Runs a command to its end and returns its stdout. What it wrote stays in the scratch folder under `name`.
pub(crate) fn run(command: &mut Command, name: &str, scratch: &Path, limit: Duration) -> Result<String, String> {
    let mut child = spawn(command.stdin(Stdio::null()), name, scratch)?;
    let status = poll(limit, || child.0.try_wait().expect("a child's status"));
    match status {
        Some(status) if status.success() => Ok(output_of(name, "stdout", scratch)),
        ended => Err(failure(name, ended, limit, scratch)),
    }
}

fn failure(name: &str, ended: Option<ExitStatus>, limit: Duration, scratch: &Path) -> String {
    let end = ended.map_or_else(|| format!("no end within {limit:?}"), |status| status.to_string());
    let [stdout, stderr] = ["stdout", "stderr"].map(|stream| output_of(name, stream, scratch));
    format!("{name}: {end}\n{stdout}{stderr}")
}

/// Starts a command that writes to files: unlike pipes, they never fill up, and a post-mortem can read them.
pub(crate) fn spawn(command: &mut Command, name: &str, scratch: &Path) -> Result<Reaped, String> {
    let [stdout, stderr] = ["stdout", "stderr"]
        .map(|stream| File::create(scratch.join(format!("{name}.{stream}"))).expect("a file for output"));
    let child = command.stdout(stdout).stderr(stderr).spawn();
    child.map(Reaped).map_err(|error| format!("{name} does not start: {error}"))
}

pub(crate) fn output_of(name: &str, stream: &str, scratch: &Path) -> String {
    let bytes = fs::read(scratch.join(format!("{name}.{stream}"))).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Asks again and again until there is an answer or no time left.
pub(crate) fn poll<T>(limit: Duration, mut answer: impl FnMut() -> Option<T>) -> Option<T> {
    let start = Instant::now();
    loop {
        let answer = answer();
        if answer.is_some() || start.elapsed() > limit {
            return answer;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A folder that is not there is as good as removed.
pub(crate) fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        assert_eq!(error.kind(), io::ErrorKind::NotFound, "{}: {error}", folder.display());
    }
}
