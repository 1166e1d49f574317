//! Which signals were ignored when the program started, so that they stay ignored.
//!
//! A shell script ignores SIGINT for a command that it starts in the background (`v2token … &`), and a user ignores a signal with
//! `trap '' INT`. A handler in this program would make such a signal effective again.

use std::fs;
use std::process::{Command, Stdio};

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Returns SIGINT, unless it was ignored when the program started.
///
/// # Errors
///
/// Returns an error if the signal can't be received.
pub fn interrupt() -> std::io::Result<Heeded> {
    heeded(SignalKind::interrupt(), "INT")
}

/// Returns SIGHUP, unless it was ignored when the program started, as `nohup` does.
///
/// # Errors
///
/// Returns an error if the signal can't be received.
pub fn hang_up() -> std::io::Result<Heeded> {
    heeded(SignalKind::hangup(), "HUP")
}

/// Returns SIGTERM, unless it was ignored when the program started.
///
/// # Errors
///
/// Returns an error if the signal can't be received.
pub fn terminate() -> std::io::Result<Heeded> {
    heeded(SignalKind::terminate(), "TERM")
}

fn heeded(kind: SignalKind, name: &str) -> std::io::Result<Heeded> {
    // Reading the action of a signal needs `unsafe`, but Linux also shows the ignored signals in a text file.
    let is_ignored = match fs::read_to_string("/proc/self/status") {
        Ok(status) => is_in_mask(&status, kind.as_raw_value()),
        Err(_) => is_ignored_by_children(name),
    };
    if is_ignored { Ok(Heeded(None)) } else { signal(kind).map(|signal| Heeded(Some(signal))) }
}

/// A signal that the program handles. It never arrives if it was ignored when the program started.
#[derive(Debug)]
pub struct Heeded(Option<Signal>);

impl Heeded {
    /// Waits for the signal.
    pub async fn recv(&mut self) {
        match &mut self.0 {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }
}

/// Whether the signal's bit is set in `SigIgn` of proc_pid_status(5). Signal 1 has the lowest bit.
fn is_in_mask(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u128::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    u32::try_from(signal - 1).ok().and_then(|bit| mask.checked_shr(bit)).is_some_and(|shifted| shifted & 1 == 1)
}

/// Whether a child process survives the signal. A signal that is ignored stays ignored in a child, and any other signal ends the
/// child. This check is for systems without `/proc`. Its result is right only before this program handles the signal.
fn is_ignored_by_children(name: &str) -> bool {
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("kill -{name} $$")]);
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_read() {
        for (status, ignored) in [
            ("Name:\tx\nSigBlk:\t0000000000000002\nSigIgn:\t0000000000000000\n", [false, false, false]),
            ("SigIgn:\t0000000000000001\nSigCgt:\t0000000000004000\n", [true, false, false]),
            ("SigIgn:\t0000000000000002\nSigCgt:\t0000000000004000\n", [false, true, false]),
            ("SigIgn:\t0000000000004003\n", [true, true, true]),
            ("SigIgn:\t00000000000000000000000000001000\n", [false, false, false]),
            ("SigIgn:\tx\n", [false, false, false]),
            ("", [false, false, false]),
        ] {
            assert_eq!([1, 2, 15].map(|signal| is_in_mask(status, signal)), ignored, "{status}");
        }
    }

    /// The process of this test can itself be started with ignored signals. No test of this process handles SIGUSR1.
    #[cfg(target_os = "linux")]
    #[test]
    fn both_ways_find_the_same() {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        for (name, signal) in [("USR1", SignalKind::user_defined1()), ("PIPE", SignalKind::pipe())] {
            let expected = is_in_mask(&status, signal.as_raw_value());
            // Rust ignores SIGPIPE in this process, but `Command` resets SIGPIPE in children.
            assert_eq!(is_ignored_by_children(name), expected && name != "PIPE", "{name}");
            assert!(expected || name != "PIPE", "Rust ignores SIGPIPE");
        }
    }
}
