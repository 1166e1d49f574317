//! This module owns the questions: whether to start, and the code of an MFA device.

use std::io;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::oneshot;

use super::stderr;

/// Asks on stderr and reads the answer from stdin. Only `y` and `yes` mean yes.
///
/// Whatever ends the question without an answer, a signal included, leaves the cursor at the beginning of a line.
///
/// # Errors
///
/// When stdin can't be read.
pub(crate) async fn confirm(question: &str) -> io::Result<bool> {
    stderr::write(format!("{question} [y/N] "));
    let mut open = OpenLine(true);
    let line = read_line().await?;
    open.0 = !line.ends_with('\n');
    Ok(means_yes(&line))
}

/// Asks on stderr for something that must not be seen, and reads it from stdin without an echo.
///
/// # Errors
///
/// When stdin is no terminal or can't be read.
pub(crate) async fn secret(question: &str) -> io::Result<String> {
    // Dropped when a signal comes first too, so that the terminal is never left without its echo.
    let _no_echo = NoEcho::on_stdin()?;
    stderr::write(question.to_owned());
    let line = read_line().await?;
    stderr::write("\n".to_owned());
    Ok(line.trim().to_owned())
}

/// A line that nobody has ended yet.
struct OpenLine(bool);

impl Drop for OpenLine {
    fn drop(&mut self) {
        if self.0 {
            stderr::write("\n");
        }
    }
}

/// Reads a line on a thread of its own, so that a signal is not held up by it.
async fn read_line() -> io::Result<String> {
    let (sender, answer) = oneshot::channel();
    std::thread::Builder::new().name("prompt".to_owned()).spawn(move || {
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line).map(|_| line);
        // Nobody waits any more when a signal came first.
        let _ = sender.send(read);
    })?;
    answer.await.unwrap_or_else(|_| Ok(String::new()))
}

/// As long as it lives the terminal shows nothing of what is typed.
struct NoEcho(Termios);

impl NoEcho {
    fn on_stdin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for NoEcho {
    fn drop(&mut self) {
        // A terminal that has gone away has no echo to be brought back.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.0);
    }
}

fn means_yes(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_means_yes() {
        for yes in ["y\n", "yes\n", "Y\n", " Yes \r\n"] {
            assert!(means_yes(yes), "{yes:?}");
        }
        for no in ["", "\n", "n\n", "no\n", "yess\n", "v2Token\n"] {
            assert!(!means_yes(no), "{no:?}");
        }
    }
}
