//! Questions to the user: whether to start, and the code of an MFA device.

use std::io;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use tokio::sync::oneshot;

use super::stderr;

/// Asks on stderr and reads the answer from stdin. Only `y` and `yes` mean yes.
///
/// If the question ends without an answer, for instance because of a signal, the cursor moves to the beginning of the next line.
pub(crate) async fn confirm(question: &str) -> io::Result<bool> {
    stderr::write(format!("{question} [y/N] "));
    let newline = OnDrop(|| stderr::write("\n"));
    let line = read_line().await?;
    if line.ends_with('\n') {
        // No line break is needed, because the user has typed one.
        std::mem::forget(newline);
    }
    Ok(means_yes(&line))
}

/// Asks on stderr for a secret and reads it from stdin without echo. Fails if stdin is not a terminal.
pub(crate) async fn secret(question: &str) -> io::Result<String> {
    let before = tcgetattr(io::stdin())?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
    // A signal drops this future, and with it the guard, so the echo is always restored.
    let _echo = OnDrop(|| {
        // This fails if the terminal is gone, and then there is no echo to restore.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
    });
    stderr::write(question);
    let line = read_line().await?;
    stderr::write("\n");
    Ok(line.trim().to_owned())
}

/// Calls a function when dropped.
struct OnDrop<F: Fn()>(F);

impl<F: Fn()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        self.0();
    }
}

/// Reads a line on a thread of its own, so that the program reacts to a signal while it waits for the answer.
async fn read_line() -> io::Result<String> {
    let (sender, answer) = oneshot::channel();
    std::thread::Builder::new().name("prompt".to_owned()).spawn(move || {
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line).map(|_| line);
        // After a signal the receiver is gone, and nothing needs the answer.
        let _ = sender.send(read);
    })?;
    answer.await.unwrap_or_else(|_| Ok(String::new()))
}

fn means_yes(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_y_and_yes_mean_yes() {
        for yes in ["y\n", "yes\n", "Y\n", " Yes \r\n"] {
            assert!(means_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n\n", "no\n", "yess\n", "v2Token\n"] {
            assert!(!means_yes(no), "{no:?}");
        }
    }
}
