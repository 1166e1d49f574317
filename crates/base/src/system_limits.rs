//! Checks at the start that the system gives the program what it can't do without: open files, a thread, and a clock. Without them, the
//! libraries would panic.

use std::fs::File;
use std::io;
use std::time::{Duration, SystemTime};

use tokio::runtime::{Builder, Runtime};

/// How many files the program must be able to open at the start: those of the runtime, of the signals, of the run folder, and a
/// connection. With fewer, not one call succeeds.
const FILES: usize = 24;

/// How long an idle thread for name resolution is kept. With one such thread, a further one that can't be started does no harm.
const KEEP_THREAD: Duration = Duration::from_hours(24);

/// The end of the year 9999, after which times can't be written, in seconds since 1970.
const LAST_SECOND: u64 = 253_402_300_799;

/// What the system does not give.
#[derive(Debug, thiserror::Error)]
pub enum SystemLimit {
    /// Files can't be opened.
    #[error("the system does not let the program open {FILES} files: {0}")]
    Files(io::Error),
    /// A thread can't be started.
    #[error("the system does not let the program start a thread: {0}")]
    Threads(io::Error),
    /// The clock shows a time that can't be written or sent.
    #[error("this machine's clock does not show a time between the years 1970 and 9999")]
    Clock,
}

impl SystemLimit {
    /// Returns what to do about it.
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::Files(_) => "allow more open files with ulimit -n",
            Self::Threads(_) => "allow more processes with ulimit -u, or end some",
            Self::Clock => "set the clock",
        }
    }
}

/// Checks the limits, and returns the runtime. One thread is enough, because visits mostly wait. A second thread would make each visit
/// cost more CPU.
///
/// # Errors
///
/// When the system does not give what the program needs.
pub fn runtime() -> Result<Runtime, SystemLimit> {
    if !is_usable(SystemTime::now()) {
        return Err(SystemLimit::Clock);
    }
    let files: io::Result<Vec<File>> = (0..FILES).map(|_| File::open("/dev/null")).collect();
    drop(files.map_err(SystemLimit::Files)?);
    let thread = std::thread::Builder::new().spawn(|| {}).map_err(SystemLimit::Threads)?;
    // The thread does nothing, so it can't panic.
    let _ = thread.join();
    Builder::new_current_thread().enable_all().thread_keep_alive(KEEP_THREAD).build().map_err(SystemLimit::Files)
}

/// Whether a time can be written in RFC 3339 and signed.
fn is_usable(now: SystemTime) -> bool {
    now.duration_since(SystemTime::UNIX_EPOCH).is_ok_and(|since| since.as_secs() <= LAST_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_of_four_digit_years_are_usable() {
        let epoch = SystemTime::UNIX_EPOCH;
        let second = Duration::from_secs(1);
        for (time, expected) in [
            (epoch, true),
            (SystemTime::now(), true),
            (epoch - second, false),
            (epoch + second * u32::MAX, true),
            (epoch + Duration::from_secs(LAST_SECOND), true),
            (epoch + Duration::from_secs(LAST_SECOND) + second, false),
        ] {
            assert_eq!(is_usable(time), expected, "{time:?}");
            assert!(!expected || !humantime::format_rfc3339_seconds(time).to_string().is_empty());
        }
    }
}
