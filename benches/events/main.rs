//! Compares reading events with decompressing the same files with the same library.
//!
//! `cargo bench --bench events -- generate FOLDER MIB` makes the files, and `cargo bench --bench events -- measure FOLDER` reads them.

#![allow(clippy::print_stdout, reason = "the results are the output")]

mod generate;

use std::env;
use std::fs;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use flate2::bufread::MultiGzDecoder;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

fn main() -> io::Result<()> {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["generate", folder, mib] => {
            let mib: u64 = mib.parse().map_err(io::Error::other)?;
            generate::generate(Path::new(folder), mib << 20, 1)
        }
        ["decompress", folder] => decompress(Path::new(folder)),
        ["usage", ref command @ ..] => usage(command),
        ["measure", folder] => measure(folder),
        // Without arguments, as in a run of all benchmarks, there is nothing to read.
        _ => Ok(()),
    }
}

/// Decompresses all files, on as many threads as the program uses.
fn decompress(folder: &Path) -> io::Result<()> {
    let mut files = Vec::new();
    find(folder, &mut files)?;
    let files = Mutex::new(files.into_iter());
    let next = || files.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut buffer = vec![0; 128 << 10];
                while let Some(path) = next() {
                    let file = fs::File::open(path).expect("the file was found");
                    let mut content = MultiGzDecoder::new(BufReader::with_capacity(64 << 10, file));
                    while content.read(&mut buffer).expect("the file was generated") > 0 {}
                }
            });
        }
    });
    Ok(())
}

fn find(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { find(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

/// Runs a command, and prints its CPU time, its wall time, and its peak memory.
fn usage(command: &[&str]) -> io::Result<()> {
    let start = Instant::now();
    let output = Command::new(command[0]).args(&command[1..]).stdout(Stdio::null()).status()?;
    let wall = start.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(io::Error::from)?;
    let cpu = usage.user_time().num_milliseconds() + usage.system_time().num_milliseconds();
    let peak = usage.max_rss() / 1024;
    println!("CPU {cpu:>7} ms, wall {:>7} ms, peak {peak:>5} MiB, exit {output}", wall.as_millis());
    Ok(())
}

/// Measures both, one after the other, three times.
fn measure(folder: &str) -> io::Result<()> {
    let own = env::current_exe()?;
    let temporary = tempfile::tempdir()?;
    let accounts: Vec<String> = (0..40).map(|account| (100_000_000_000_u64 + account).to_string()).collect();
    let list = temporary.path().join("accounts.txt");
    fs::write(&list, accounts.join("\n"))?;
    for round in 0..3 {
        let run_dir = temporary.path().join(format!("run-{round}"));
        let run = |name: &str, command: &[&str]| -> io::Result<()> {
            let output = Command::new(&own).arg("usage").args(command).output()?;
            println!("{name:<12} {}", String::from_utf8_lossy(&output.stdout).trim());
            Ok(())
        };
        let own = own.to_string_lossy();
        run("decompress", &[&own, "decompress", folder])?;
        let (list, run_dir) = (list.to_string_lossy(), run_dir.to_string_lossy());
        let program = env!("CARGO_BIN_EXE_v2token");
        run(
            "impact",
            &[
                program,
                "impact",
                "--offline",
                "-q",
                "--accounts-from",
                &list,
                "--events",
                folder,
                "--run-dir",
                &run_dir,
            ],
        )?;
    }
    Ok(())
}
