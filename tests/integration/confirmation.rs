//! The confirmation of `apply`, on a real terminal, made by `script` of util-linux.

use std::io::Write as _;
use std::process::{Command, Stdio};

use v2token_simulator::{ORGANIZATION_ID, Organization, TokenVersion};

use crate::harness::{Bench, Run, tool};

/// Whether this machine can't make a terminal. Where CI is set, it must.
pub(crate) fn no_terminal() -> bool {
    let there = Command::new("script").arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(there || std::env::var_os("CI").is_none(), "`script` of util-linux is needed to make a terminal");
    if !there {
        // The test harness hides `eprintln!` when a test passes, but not this.
        let _ =
            writeln!(std::io::stderr(), "SKIPPED: there is no `script` of util-linux here, so no question is tested");
    }
    !there
}

/// The command on a terminal of its own.
pub(crate) fn on_terminal(bench: &Bench, name: &str, arguments: &[&str]) -> Command {
    with_terminal(bench, &bench.command(name, arguments))
}

fn with_terminal(bench: &Bench, command: &Command) -> Command {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quoted: Vec<String> = words.map(|word| format!("'{}'", word.to_str().expect("UTF-8"))).collect();
    let mut terminal = tool("script");
    terminal.args(["-qec", &quoted.join(" "), "/dev/null"]).env_clear().current_dir(bench.folder.path());
    terminal.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?)))).env("SHELL", "/bin/sh");
    terminal.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    terminal
}

/// Runs the program on a terminal of its own and types an answer.
pub(crate) fn answer(bench: &Bench, name: &str, arguments: &[&str], typed: &str) -> Run {
    answer_to(bench, name, &bench.command(name, arguments), typed)
}

/// Runs a command whose run folder has this name on a terminal of its own and types an answer.
pub(crate) fn answer_to(bench: &Bench, name: &str, command: &Command, typed: &str) -> Run {
    let before = bench.truth();
    let mut child = with_terminal(bench, command)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("script starts");
    child.stdin.take().expect("a pipe").write_all(typed.as_bytes()).expect("a terminal that takes input");
    let output = child.wait_with_output().expect("the program ends");
    bench.conclude(name, before, output)
}

#[test]
fn only_yes_starts_a_rollout() {
    if no_terminal() {
        return;
    }
    for (typed, starts) in
        [("n\n", false), ("\n", false), ("v2Token\n", false), ("\u{4}", false), ("y\n", true), ("yes\n", true)]
    {
        let bench = Bench::new(Organization::builder().accounts(5).start());
        let run = answer(&bench, "run", &["apply", "--color=off", "--to=v2Token"], typed);
        for part in [ORGANIZATION_ID, ":user/operator", "5 of 5", "v2Token", "[y/N]"] {
            assert!(run.stdout.contains(part), "the question shows {part}\n{run}");
        }
        if starts {
            let run = run.exits(0).agrees(TokenVersion::V2);
            assert_eq!(run.outcomes()["changed"], 5, "{typed:?}\n{run}");
        } else {
            assert_eq!(run.code, 1, "{typed:?}\n{run}");
            assert!(run.stdout.contains("nothing was attempted"), "{typed:?}\n{run}");
            assert!(!run.touched_accounts() && !run.folder.exists(), "{typed:?}\n{run}");
        }
    }
}

#[test]
fn no_question_with_yes_or_without_changes() {
    if no_terminal() {
        return;
    }
    let bench = Bench::new(Organization::builder().accounts(5).start());
    for (name, arguments) in [("plan", &["plan"][..]), ("dry", &["apply", "--dry-run"]), ("yes", &["apply", "-y"])] {
        let run = answer(&bench, name, arguments, "").exits(0);
        assert!(!run.stdout.contains("[y/N]"), "{run}");
    }
}

/// A terminal gets a progress bar, and colour unless it is off; names can't add escape sequences.
#[test]
fn names_send_no_escape_sequences_to_a_terminal() {
    if no_terminal() {
        return;
    }
    let builder = Organization::builder().accounts(5).hostile_names(true);
    let bench = Bench::new(builder.each_account(|account| account.faults.deny_read = true).start());
    let run = answer(&bench, "run", &["plan", "-v", "--no-progress", "--color=off"], "").exits(3);
    assert!(run.stdout.contains("all good") && !run.stdout.contains('\u{1b}'), "{run}");
}
