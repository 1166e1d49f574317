//! The foreground of the terminal: only a process group that has it can read from the terminal.

use std::fs::File;

use nix::sys::signal::{SigSet, Signal};
use nix::unistd::{Pid, getpgrp, tcgetpgrp, tcsetpgrp};

/// The terminal, while another process group has its foreground. Takes the foreground back when it is dropped.
pub(super) struct Foreground(File);

impl Foreground {
    /// Gives the foreground to the process group with this id. Returns `None` if this process does not have it, for instance because
    /// there is no terminal.
    pub(super) fn give_to(group: u32) -> Option<Self> {
        let group = Pid::from_raw(group.cast_signed());
        let terminal = File::options().read(true).write(true).open("/dev/tty").ok()?;
        if tcgetpgrp(&terminal).ok()? != getpgrp() {
            return None;
        }
        tcsetpgrp(&terminal, group).ok()?;
        Some(Self(terminal))
    }
}

impl Drop for Foreground {
    fn drop(&mut self) {
        // A process in the background is stopped by SIGTTOU when it takes the foreground, unless it blocks this signal.
        let mut blocked = SigSet::empty();
        blocked.add(Signal::SIGTTOU);
        if blocked.thread_block().is_ok() {
            // Without a terminal there is nothing to take back.
            let _ = tcsetpgrp(&self.0, getpgrp());
            let _ = blocked.thread_unblock();
        }
    }
}
