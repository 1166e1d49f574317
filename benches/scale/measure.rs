//! Measures the cost of a process: CPU time, memory and wall time, as the system accounts for them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use v2token_simulator::Organization;

use crate::floor::Failed;

/// The program that is measured.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_v2token");

/// The cost of a process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// User and system time together.
    pub(crate) cpu: Duration,
    /// The largest resident set.
    pub(crate) peak_kib: u32,
    pub(crate) wall: Duration,
}

impl Cost {
    pub(crate) fn peak_mib(&self) -> String {
        format!("{:.0} MiB", f64::from(self.peak_kib) / 1024.0)
    }
}

/// Runs the bare loop, which has the system's allocator, with these additional arguments.
pub(crate) fn floor(organization: &Organization, concurrency: usize, choices: &[&str]) -> Result<Cost, Failed> {
    let itself = std::env::current_exe()?.display().to_string();
    let concurrency = concurrency.to_string();
    let command = [&[itself.as_str(), "floor", &concurrency], choices].concat();
    measure(organization, &std::env::temp_dir(), &command)
}

/// Runs the bare loop with the allocator of the program.
pub(crate) fn floor_with_mimalloc(organization: &Organization, concurrency: usize) -> Result<Cost, Failed> {
    let program = built_with_mimalloc()?.display().to_string();
    measure(organization, &std::env::temp_dir(), &[&program, &concurrency.to_string()])
}

/// Returns the newest build of the benchmark `scale_mimalloc`, which is beside this one.
fn built_with_mimalloc() -> Result<PathBuf, Failed> {
    let itself = std::env::current_exe()?;
    let builds = itself.parent().ok_or("no folder")?.read_dir()?.filter_map(Result::ok).filter(|file| {
        let name = file.file_name();
        name.to_string_lossy().starts_with("scale_mimalloc-") && Path::new(&name).extension().is_none()
    });
    let newest = builds.max_by_key(|file| file.metadata().and_then(|metadata| metadata.modified()).ok());
    newest.map(|file| file.path()).ok_or_else(|| "build it first: cargo bench --bench scale_mimalloc".into())
}

/// Runs the program in a folder of its own, with `arguments` and a run folder below it.
pub(crate) fn program(organization: &Organization, arguments: &[&str]) -> Result<Cost, Failed> {
    let folder = tempfile::tempdir()?;
    in_folder(organization, folder.path(), arguments)
}

/// Like [`program`], in a given folder.
pub(crate) fn in_folder(organization: &Organization, folder: &Path, arguments: &[&str]) -> Result<Cost, Failed> {
    let command: Vec<&str> = [PROGRAM].into_iter().chain(arguments.iter().copied()).collect();
    measure(organization, folder, &command)
}

/// Runs a command in a measuring process of its own: the system accounts for all ended children of a process together, and the peak
/// of a child is at least that of the process that started it.
fn measure(organization: &Organization, folder: &Path, command: &[&str]) -> Result<Cost, Failed> {
    let output = Command::new(std::env::current_exe()?)
        .arg("measure")
        .args(command)
        .current_dir(folder)
        .env_clear()
        .envs(organization.environment())
        .stdin(Stdio::null())
        .output()?;
    let said = String::from_utf8(output.stdout)?;
    let numbers: Vec<i64> = said.split_whitespace().map(str::parse).collect::<Result<_, _>>().unwrap_or_default();
    let [cpu, peak_kib, wall] = numbers[..] else {
        return Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    };
    let micros = |number: i64| Duration::from_micros(number.unsigned_abs());
    Ok(Cost { cpu: micros(cpu), peak_kib: u32::try_from(peak_kib)?, wall: micros(wall) })
}

/// The measuring process: runs the command to its end and writes its cost.
pub(crate) fn child(command: &[String]) -> Result<(), Failed> {
    let (program, arguments) = command.split_first().ok_or("no command")?;
    let started = Instant::now();
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).output()?;
    let wall = started.elapsed();
    if !output.status.success() {
        return Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into());
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let cpu = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    crate::table::say(&format!("{cpu} {} {}", usage.max_rss(), wall.as_micros()))
}
