//! Measures the rate limiter: STS allows 50 calls per second at a --rate of 500, and later all of them.

use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use v2token_simulator::{Latency, Operation, Organization, RateLimit, Service};

use crate::floor::Failed;
use crate::measure::PROGRAM;
use crate::table::{head, row};

/// The calls per second that STS allows.
const ALLOWED: u32 = 50;
/// The value of --rate.
const ASKED: u32 = 500;
/// The time to adapt to the limit.
const SETTLING: Duration = Duration::from_secs(10);
/// The time of the measurement with the limit.
const LIMITED: Duration = Duration::from_secs(50);
/// The time to recover after the limit.
const PATIENCE: Duration = Duration::from_mins(1);

/// The counters of AssumeRole at a point in time.
#[derive(Clone, Copy)]
struct Seen {
    at: Instant,
    sent: u64,
    passed: u64,
}

impl Seen {
    fn now(organization: &Organization) -> Self {
        let counters = organization.truth().operation(Operation::AssumeRole);
        Self { at: Instant::now(), sent: counters.requests, passed: counters.succeeded }
    }
}

/// Measures one plan while STS is limited and after the limit is lifted.
pub(crate) fn watch() -> Result<(), Failed> {
    let latency = Latency::all(Duration::from_millis(40));
    let limit = RateLimit::new(f64::from(ALLOWED), f64::from(ALLOWED));
    let organization = Organization::builder().accounts(30_000).latency(latency).throttle(Service::Sts, limit).start();
    let folder = tempfile::tempdir()?;
    let mut running = Running(
        Command::new(PROGRAM)
            .args(["plan", "--concurrency=64", "--output=none", &format!("--rate={ASKED}")])
            .current_dir(folder.path())
            .env_clear()
            .envs(organization.environment())
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?,
    );
    let started = running.until(&organization, |seen| seen.sent > 0, PATIENCE)?;
    sleep(SETTLING);
    let settled = Seen::now(&organization);
    sleep(LIMITED);
    let limited = Seen::now(&organization);
    organization.control(|world| world.lift_throttle(Service::Sts));
    let lifted = Instant::now();
    let mut before = Seen::now(&organization);
    let recovered = loop {
        sleep(Duration::from_secs(1));
        let seen = Seen::now(&organization);
        if per_second(before, seen, |seen| seen.passed) >= 0.9 * f64::from(ASKED) {
            break Some(lifted.elapsed());
        }
        if lifted.elapsed() > PATIENCE || running.0.try_wait()?.is_some() {
            break None;
        }
        before = seen;
    };
    head(
        &format!("Pace: STS lets {ALLOWED} calls a second through, --rate {ASKED}, 64 in flight, 40 ms a call"),
        &["what", "figure"],
    )?;
    let used = per_second(settled, limited, |seen| seen.passed) / f64::from(ALLOWED);
    let refused = |from: Seen, to: Seen| {
        let (sent, passed) = (to.sent - from.sent, to.passed - from.passed);
        format!("{:.1}% of {sent}", 100.0 * as_float(sent - passed) / as_float(sent.max(1)))
    };
    row(&["used of what is allowed, once settled".to_owned(), format!("{:.1}%", 100.0 * used)])?;
    row(&["refused while it settles, 10 s".to_owned(), refused(started, settled)])?;
    row(&["refused once settled, 50 s".to_owned(), refused(settled, limited)])?;
    row(&["refused in all".to_owned(), refused(started, limited)])?;
    let back = recovered.map_or_else(|| "not in 60 s".to_owned(), |after| format!("{:.0} s", after.as_secs_f64()));
    row(&["from the end of the limit to 90% of --rate".to_owned(), back])
}

fn per_second(from: Seen, to: Seen, count: impl Fn(Seen) -> u64) -> f64 {
    as_float(count(to) - count(from)) / (to.at - from.at).as_secs_f64()
}

fn as_float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A process that is killed when this value is dropped.
struct Running(Child);

impl Running {
    fn until(
        &mut self,
        organization: &Organization,
        wanted: impl Fn(Seen) -> bool,
        patience: Duration,
    ) -> Result<Seen, Failed> {
        let started = Instant::now();
        while started.elapsed() < patience && self.0.try_wait()?.is_none() {
            let seen = Seen::now(organization);
            if wanted(seen) {
                return Ok(seen);
            }
            sleep(Duration::from_millis(10));
        }
        Err("the program did not reach its first visit".into())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended, or is no longer needed.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
