//! A terminal whose screen a test can read: the program runs in tmux, with a server of its own.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::harness::Bench;
use crate::running::LIMIT;

/// Whether this machine can't show a terminal. Where CI is set it must.
pub(crate) fn no_tmux() -> bool {
    let there = Command::new("tmux").arg("-V").output().is_ok_and(|output| output.status.success());
    assert!(there || std::env::var_os("CI").is_none(), "tmux is needed to look at the terminal");
    if !there {
        // The test harness hides `eprintln!` when a test passes, but not this.
        let _ = writeln!(std::io::stderr(), "SKIPPED: there is no tmux here, so the terminal was not looked at");
    }
    !there
}

/// A terminal in which the program runs.
pub(crate) struct Terminal {
    socket: PathBuf,
    code: PathBuf,
}

impl Terminal {
    /// Starts a command in a terminal of this size, with `more` in its environment. When it ends, the screen shows
    /// `left with` and the exit code.
    pub(crate) fn start(
        bench: &Bench,
        name: &str,
        arguments: &[&str],
        size: (u16, u16),
        more: &[(&str, &str)],
    ) -> Self {
        let command = bench.command(name, arguments);
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let quoted: Vec<String> = words.map(|word| format!("'{}'", word.to_str().expect("UTF-8"))).collect();
        let file = |ending: &str| bench.folder.path().join(format!("{name}.{ending}"));
        // A signal from the keyboard goes to the program only.
        let script = format!(
            "trap : INT\n{}\ncode=$?\necho $code >'{}'\necho \"left with $code\"\nexec cat >/dev/null\n",
            quoted.join(" "),
            file("code").display()
        );
        std::fs::write(file("sh"), script).expect("a writable folder");
        std::fs::write(file("conf"), "set -g status off\nset -g default-terminal tmux-256color\n")
            .expect("a writable folder");
        let terminal = Self { socket: file("tmux"), code: file("code") };
        let mut server = terminal.tmux();
        server.arg("-f").arg(file("conf")).args([
            "new-session",
            "-d",
            "-x",
            &size.0.to_string(),
            "-y",
            &size.1.to_string(),
        ]);
        server.arg("sh").arg(file("sh")).current_dir(bench.folder.path());
        server.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        server.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("LANG", "C.UTF-8");
        server.envs(more.iter().copied());
        assert!(server.status().expect("tmux starts").success(), "tmux has a new session");
        terminal
    }

    /// Types keys, by their names in tmux.
    pub(crate) fn types(&self, keys: &[&str]) -> &Self {
        self.run(&[&["send-keys"], keys].concat());
        self
    }

    /// Changes the size.
    pub(crate) fn resize(&self, columns: u16, rows: u16) -> &Self {
        self.run(&["resize-window", "-x", &columns.to_string(), "-y", &rows.to_string()]);
        self
    }

    /// Waits until the program has ended, and returns its exit code.
    pub(crate) fn code(&self) -> String {
        let deadline = Instant::now() + LIMIT;
        loop {
            match std::fs::read_to_string(&self.code) {
                Ok(code) if code.ends_with('\n') => return code.trim().to_owned(),
                _ => assert!(Instant::now() < deadline, "the program never ended:\n{}", self.screen()),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The text on the screen, without spaces at the ends of lines.
    pub(crate) fn screen(&self) -> String {
        let text = self.run(&["capture-pane", "-p"]);
        let lines: Vec<_> = text.lines().map(str::trim_end).collect();
        lines.join("\n").trim_end().to_owned()
    }

    /// The text on the screen with colours.
    pub(crate) fn colours(&self) -> String {
        self.run(&["capture-pane", "-p", "-e"])
    }

    /// The column of the cursor, and whether it is visible.
    pub(crate) fn cursor(&self) -> (String, bool) {
        let position = self.run(&["display-message", "-p", "#{cursor_x} #{cursor_flag}"]);
        let (column, shown) = position.trim().split_once(' ').expect("two words");
        (column.to_owned(), shown == "1")
    }

    /// Waits until the screen meets a condition, and returns it.
    pub(crate) fn until(&self, reached: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + LIMIT;
        loop {
            let screen = self.screen();
            if reached(&screen) {
                return screen;
            }
            assert!(Instant::now() < deadline, "the screen never looked as it should:\n{screen}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = self.tmux().args(arguments).output().expect("tmux runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn tmux(&self) -> Command {
        let mut tmux = Command::new("tmux");
        tmux.arg("-S").arg(&self.socket);
        tmux
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // The program gets SIGHUP; the test needs nothing more of it.
        let _ = self.tmux().arg("kill-server").output();
    }
}
