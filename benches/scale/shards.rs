//! Compares eight processes with `--shard` with one process for the whole Organization.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use v2token_simulator::{Latency, Organization, TokenVersion};

use crate::floor::Failed;
use crate::measure::PROGRAM;
use crate::table::{head, row};

const PARTS: usize = 8;
/// The columns that depend neither on the process nor on the time.
const LASTING: [usize; 8] = [0, 1, 3, 4, 5, 6, 7, 8];

/// Applies once with eight processes and once with one, and compares the reports of all accounts.
pub(crate) fn compare(accounts: usize) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let (whole, parts) = (folder.path().join("whole.csv"), folder.path().join("parts.csv"));

    let organization = world(accounts);
    let started = Instant::now();
    let run_dir = folder.path().join("whole");
    run(&organization, folder.path(), &apply(&run_dir, None))?;
    let alone = started.elapsed();
    run(&organization, folder.path(), &report(&[run_dir], &whole))?;
    drop(organization);

    let organization = world(accounts);
    let started = Instant::now();
    let folders: Vec<_> = (0..PARTS).map(|part| folder.path().join(format!("part-{part}"))).collect();
    let mut running = Vec::new();
    for (part, run_dir) in folders.iter().enumerate() {
        running.push(command(&organization, folder.path(), &apply(run_dir, Some(part))).spawn()?);
    }
    for mut process in running {
        let status = process.wait()?;
        if !status.success() {
            return Err(format!("a part ended with {status}").into());
        }
    }
    let together = started.elapsed();
    run(&organization, folder.path(), &report(&folders, &parts))?;

    let equal = rows(&whole)? == rows(&parts)?;
    let on_v2 = organization.truth().with_version(TokenVersion::V2);
    head(
        &format!("Parts: {accounts} accounts, 40 ms a call, 32 in flight in each process, no rate"),
        &["what", "figure"],
    )?;
    let seconds = |wall: Duration| format!("{:.1} s", wall.as_secs_f64());
    row(&["one process".to_owned(), seconds(alone)])?;
    row(&[format!("{PARTS} processes"), seconds(together)])?;
    row(&["accounts on v2Token afterwards, by the Organization's own count".to_owned(), on_v2.to_string()])?;
    row(&["merged report equals that of one process".to_owned(), equal.to_string()])?;
    if equal { Ok(()) } else { Err("the reports differ".into()) }
}

fn world(accounts: usize) -> Organization {
    let latency = Latency::all(Duration::from_millis(40));
    Organization::builder().accounts(accounts).realistic(false).latency(latency).unlimited().verify(false).start()
}

fn apply(run_dir: &Path, part: Option<usize>) -> Vec<String> {
    let run_dir = format!("--run-dir={}", run_dir.display());
    let mut arguments =
        vec!["apply".to_owned(), "--yes".to_owned(), "--rate=0".to_owned(), "--bake=0s".to_owned(), run_dir];
    arguments.extend(part.map(|part| format!("--shard={part}/{PARTS}")));
    arguments
}

fn report(folders: &[std::path::PathBuf], to: &Path) -> Vec<String> {
    let mut arguments = vec!["report".to_owned(), format!("--report={}", to.display()), "--output=none".to_owned()];
    arguments.extend(folders.iter().map(|folder| folder.display().to_string()));
    arguments
}

fn command(organization: &Organization, folder: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.args(arguments).current_dir(folder).env_clear().envs(organization.environment());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn run(organization: &Organization, folder: &Path, arguments: &[String]) -> Result<(), Failed> {
    let status = command(organization, folder, arguments).status()?;
    if status.success() { Ok(()) } else { Err(format!("{arguments:?} ended with {status}").into()) }
}

/// The cells of a report that depend neither on the process nor on the time.
fn rows(path: &Path) -> Result<Vec<Vec<String>>, Failed> {
    let text = fs::read(path)?;
    let mut reader = csv::Reader::from_reader(&text[..]);
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row?;
        rows.push(LASTING.iter().map(|column| row[*column].to_owned()).collect());
    }
    Ok(rows)
}
