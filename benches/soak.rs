//! The soak: the built program runs over 50,000 simulated accounts with all kinds of faults, and its report is compared with the
//! truth of every account.
//!
//! ```console
//! $ cargo bench --bench soak -- [ACCOUNTS [SEED]]
//! ```
//!
//! The exit code is 0 if the report agrees with the truth, and 1 if it does not. `docs/faults.md` lists the faults.

#[path = "../tests/soak/scenario.rs"]
mod scenario;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process::{Child, ExitCode};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;

use scenario::{Disruption, Phase, Scenario, SoakResult};

fn main() -> io::Result<ExitCode> {
    // Cargo adds `--bench`.
    let mut numbers = std::env::args().skip(1).filter(|argument| argument != "--bench").map(|argument| {
        argument.parse::<usize>().map_err(|_| io::Error::other(format!("{argument} is no number: give ACCOUNTS SEED")))
    });
    let accounts = numbers.next().transpose()?.unwrap_or(50_000);
    let seed = numbers.next().transpose()?.unwrap_or(1) as u64;
    let phase = |at, disruption, seconds| Phase { at, disruption, duration: Duration::from_secs(seconds) };
    let phases = vec![
        phase(0.12, Disruption::NoNames, 10),
        phase(0.24, Disruption::Refused, 10),
        phase(0.36, Disruption::BlackHole, 10),
        phase(0.48, Disruption::Pause, 15),
        phase(0.60, Disruption::SessionsEnd, 0),
        phase(0.72, Disruption::HangUp, 0),
        phase(0.84, Disruption::CredentialsEnd, 0),
    ];
    let scenario = Scenario { accounts, seed, concurrency: 256, hang: 0.0003, phases };
    let folder = tempfile::TempDir::new()?;
    let mut peak = 0;
    let began = Instant::now();
    let result = scenario.run(folder.path(), |child| peak = peak.max(resident(child)))?;
    let wall = began.elapsed();
    let agrees = result.wrong.is_empty();
    let text = table(&scenario, &result, peak, wall, children()?);
    let mut stdout = io::stdout().lock();
    write!(stdout, "{text}")?;
    for wrong in result.wrong.iter().take(20) {
        writeln!(stdout, "  {wrong}")?;
    }
    for collateral in result.collateral(scenario.seed).iter().take(20) {
        writeln!(stdout, "  {collateral}")?;
    }
    if !agrees {
        let kept = folder.keep();
        writeln!(stdout, "the run folder is kept: {}", kept.display())?;
    }
    Ok(if agrees { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn table(scenario: &Scenario, result: &SoakResult, peak: u64, wall: Duration, cpu: Duration) -> String {
    let mut text = format!("{} accounts, seed {}\n", scenario.accounts, scenario.seed);
    let mut section = |title: &str, rows: &mut dyn Iterator<Item = (String, u64)>| {
        writeln!(text, "{title}").expect("a string takes it");
        for (name, count) in rows {
            writeln!(text, "  {name:<60} {count:>9}").expect("a string takes it");
        }
    };
    let (mut outcomes, mut causes) = (BTreeMap::<String, u64>::new(), BTreeMap::<String, u64>::new());
    for row in result.rows.values() {
        *outcomes.entry(row["outcome"].clone()).or_default() += 1;
        if !row["error_code"].is_empty() {
            *causes.entry(format!("{} at {}: {}", row["outcome"], row["stage"], row["error_code"])).or_default() += 1;
        }
    }
    section("outcomes", &mut outcomes.into_iter());
    section("causes", &mut causes.into_iter());
    let operations = &result.truth.operations;
    section("calls", &mut operations.iter().map(|(operation, counts)| (format!("{operation:?}"), counts.requests)));
    let answered = |code: &str| operations.values().filter_map(|counts| counts.errors.get(code)).sum::<u64>();
    let throttles = ["Throttling", "TooManyRequestsException"].map(|code| (code.to_owned(), answered(code)));
    section("throttled by a rate limit", &mut throttles.into_iter());
    section("faults", &mut result.truth.faults.clone().into_iter());
    section("disruptions", &mut result.occurred.iter().map(|disruption| (format!("{disruption:?}"), 1)));
    if !result.unsupported.is_empty() {
        section("not possible here", &mut result.unsupported.iter().map(|disruption| (format!("{disruption:?}"), 0)));
    }
    let codes: Vec<String> = result.exit_codes.iter().map(ToString::to_string).collect();
    let collateral = result.collateral(scenario.seed).len();
    let [wall, cpu] = [wall, cpu].map(|time| time.as_secs_f64());
    let verdict = if result.wrong.is_empty() { "AGREES" } else { "DISAGREES" };
    let outages = result.stderr.matches("AWS can't be reached (").count();
    write!(
        text,
        "outages that were noticed: {outages}\n\
         exit codes {}; failed or unverified without a lasting fault: {collateral}\n\
         wall {wall:.1} s, CPU {cpu:.1} s, peak {peak} MiB\n\
         {verdict}: {} disagreements in {} accounts\n",
        codes.join(", "),
        result.wrong.len(),
        result.truth.accounts.len()
    )
    .expect("a string takes it");
    text
}

/// The peak resident memory of a process so far, in MiB.
fn resident(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    peak.unwrap_or(0_u64) / 1024
}

/// The CPU time of all child processes that have ended.
fn children() -> io::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(micros.unsigned_abs()))
}
