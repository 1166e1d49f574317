//! The soak: the built program over 50,000 simulated accounts in a world where everything goes wrong, and its report against the
//! truth in every one of them.
//!
//! ```console
//! $ cargo bench --bench soak -- [ACCOUNTS [SEED]]
//! ```
//!
//! The exit code is 0 if the report agrees with the truth, and 1 if it does not. `docs/faults.md` says what goes wrong in this world.

#[path = "../tests/soak/storm.rs"]
mod storm;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::{Child, ExitCode};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use storm::{Blow, Phase, Storm, Weathered};

fn main() -> io::Result<ExitCode> {
    // Cargo adds `--bench`.
    let mut numbers = std::env::args().skip(1).filter(|argument| argument != "--bench").map(|argument| {
        argument.parse::<usize>().map_err(|_| io::Error::other(format!("{argument} is no number: give ACCOUNTS SEED")))
    });
    let accounts = numbers.next().transpose()?.unwrap_or(50_000);
    let seed = numbers.next().transpose()?.unwrap_or(1) as u64;
    let phase = |at, blow, seconds| Phase { at, blow, lasts: Duration::from_secs(seconds) };
    let phases = vec![
        phase(0.15, Blow::NoNames, 10),
        phase(0.30, Blow::Refused, 10),
        phase(0.45, Blow::BlackHole, 10),
        phase(0.60, Blow::SessionsEnd, 0),
        phase(0.75, Blow::CredentialsEnd, 0),
    ];
    let storm = Storm { accounts, seed, concurrency: 256, hang: 0.0003, phases };
    let folder = tempfile::TempDir::new()?;
    let mut peak = 0;
    let began = Instant::now();
    let weathered = storm.ride(folder.path(), |child| peak = peak.max(resident(child)))?;
    let wall = began.elapsed();
    let agrees = weathered.wrong.is_empty();
    let text = table(&storm, &weathered, peak, wall, children()?);
    let mut stdout = io::stdout().lock();
    write!(stdout, "{text}")?;
    for wrong in weathered.wrong.iter().take(20) {
        writeln!(stdout, "  {wrong}")?;
    }
    if !agrees {
        let kept = folder.keep();
        writeln!(stdout, "the run folder is kept: {}", kept.display())?;
    }
    Ok(if agrees { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn table(storm: &Storm, weathered: &Weathered, peak: u64, wall: Duration, cpu: Duration) -> String {
    let mut text = format!("{} accounts, seed {}\n", storm.accounts, storm.seed);
    let mut section = |title: &str, rows: &mut dyn Iterator<Item = (String, u64)>| {
        writeln!(text, "{title}").expect("a string takes it");
        for (name, count) in rows {
            writeln!(text, "  {name:<60} {count:>9}").expect("a string takes it");
        }
    };
    let (mut outcomes, mut causes) = (BTreeMap::<String, u64>::new(), BTreeMap::<String, u64>::new());
    for row in weathered.rows.values() {
        *outcomes.entry(row["outcome"].clone()).or_default() += 1;
        if !row["error_code"].is_empty() {
            *causes.entry(format!("{} at {}: {}", row["outcome"], row["stage"], row["error_code"])).or_default() += 1;
        }
    }
    section("outcomes", &mut outcomes.into_iter());
    section("causes", &mut causes.into_iter());
    let operations = &weathered.truth.operations;
    section("calls", &mut operations.iter().map(|(operation, counts)| (format!("{operation:?}"), counts.requests)));
    let answered = |code: &str| operations.values().filter_map(|counts| counts.errors.get(code)).sum::<u64>();
    let throttles = ["Throttling", "TooManyRequestsException"].map(|code| (code.to_owned(), answered(code)));
    section("throttled by a rate limit", &mut throttles.into_iter());
    section("faults", &mut weathered.truth.faults.clone().into_iter());
    section("blows", &mut weathered.fallen.iter().map(|blow| (format!("{blow:?}"), 1)));
    if !weathered.impossible.is_empty() {
        section("not possible here", &mut weathered.impossible.iter().map(|blow| (format!("{blow:?}"), 0)));
    }
    let codes: Vec<String> = weathered.exit_codes.iter().map(ToString::to_string).collect();
    let collateral = weathered.collateral(storm.seed).len();
    let [wall, cpu] = [wall, cpu].map(|time| time.as_secs_f64());
    let verdict = if weathered.wrong.is_empty() { "AGREES" } else { "DISAGREES" };
    let outages = weathered.stderr.matches("AWS can't be reached (").count();
    write!(
        text,
        "outages that were noticed: {outages}\n\
         exit codes {}; failed or unverified without a lasting fault: {collateral}\n\
         wall {wall:.1} s, CPU {cpu:.1} s, peak {peak} MiB\n\
         {verdict}: {} disagreements in {} accounts\n",
        codes.join(", "),
        weathered.wrong.len(),
        weathered.truth.accounts.len()
    )
    .expect("a string takes it");
    text
}

/// The most memory that a process had so far, in MiB.
fn resident(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    peak.unwrap_or(0_u64) / 1024
}

/// The processor time of all processes that were waited for.
fn children() -> io::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(micros.unsigned_abs()))
}
