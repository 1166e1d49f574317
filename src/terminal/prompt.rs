//! This module owns the question that `apply` asks before it starts.

use std::io;

use tokio::sync::oneshot;

use super::stderr;

/// Asks on stderr and reads the answer from stdin. Only `y` and `yes` mean yes.
///
/// The reading is done on a thread of its own, so that a signal is not held up by it.
///
/// # Errors
///
/// When stdin can't be read.
pub async fn confirm(question: &str) -> io::Result<bool> {
    stderr::write(format!("{question} [y/N] "));
    let (sender, answer) = oneshot::channel();
    std::thread::Builder::new().name("prompt".to_owned()).spawn(move || {
        let mut line = String::new();
        let read = io::stdin().read_line(&mut line).map(|_| line);
        // Nobody waits any more when a signal came first.
        let _ = sender.send(read);
    })?;
    let line = answer.await.unwrap_or_else(|_| Ok(String::new()))?;
    Ok(means_yes(&line))
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
