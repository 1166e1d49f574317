//! Python programs for the tests: virtual environments in the target folder, and processes that neither outlive their test nor see the
//! developer's own configuration.

#![cfg(unix)]

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

/// Downloads can be slow.
const INSTALL_LIMIT: Duration = Duration::from_mins(10);

/// `python -m pip`, because the path of the interpreter in the script `pip` is stale after the rename. Modules are compiled when they are
/// imported, because most of them never are.
const INSTALL: &str = "-m pip install --no-compile --quiet --disable-pip-version-check --no-input --requirement";

/// A folder for this test. It is kept after a failure, with the outputs of the processes.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    /// `name` distinguishes the tests of one process.
    pub(crate) fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        // A failed test of an earlier process may have had the same id.
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

/// Fails if CI is set, because a check that never runs would go unnoticed there.
pub(crate) fn skip(what: &str, reason: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what} cannot be run: {reason}");
    // The test harness hides `eprintln!` when a test passes, but not this.
    let _ = writeln!(io::stderr(), "SKIPPED: v2token was not compared with {what}: {reason}");
}

/// A Python with the packages of `tests/<name>/requirements.txt`: a virtual environment in the target folder, made on first use and kept.
pub(crate) fn environment(name: &str, scratch: &Path) -> Result<PathBuf, String> {
    static INTERPRETER: LazyLock<Result<String, String>> = LazyLock::new(interpreter);
    let interpreter = INTERPRETER.clone()?;
    let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name).join("requirements.txt");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a target folder");
    let venv = target.join(format!("{name}-venv"));
    let stamp = format!("{interpreter}\n{}", fs::read_to_string(&requirements).expect("the requirements"));

    // Held until the end of this function: one of several test processes builds it, and the others use it.
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

/// The version and path of the machine's python3. An environment of another one would not work.
fn interpreter() -> Result<String, String> {
    let program = "import sys; print(sys.executable, sys.version)";
    match Command::new("python3").args(["-c", program]).output() {
        Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        Ok(output) => Err(format!("python3 does not work: {}", output.status)),
        Err(error) => Err(format!("python3 does not start: {error}")),
    }
}

/// Makes the virtual environment. Environment variables are kept, because pip may need a proxy or a mirror.
fn build(venv: &Path, requirements: &Path, scratch: &Path) -> Result<(), String> {
    let mut create = Command::new("python3");
    create.args(["-m", "venv"]).arg(venv);
    run(&mut create, "venv", scratch, INSTALL_LIMIT)?;

    let mut install = Command::new(venv.join("bin/python"));
    install.args(INSTALL.split(' ')).arg(requirements);
    run(&mut install, "pip", scratch, INSTALL_LIMIT)?;
    Ok(())
}

/// Removes the developer's own proxies, profiles and endpoints, which could lead a test to the real AWS.
pub(crate) fn hermetic<'a>(command: &'a mut Command, home: &Path) -> &'a mut Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", home)
}

/// Runs a command to its end and returns its stdout. Its outputs stay in the scratch folder under `name`.
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

/// Starts a command whose outputs go to files: unlike pipes they never fill up, and they can be read after a failure.
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

/// Calls a function until it returns a value or the time is over.
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

/// Removes a folder, if it exists.
pub(crate) fn remove(folder: &Path) {
    if let Err(error) = fs::remove_dir_all(folder) {
        assert_eq!(error.kind(), io::ErrorKind::NotFound, "{}: {error}", folder.display());
    }
}
