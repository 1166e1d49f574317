//! Endings that the table of cases can't express: signals, and an output that can't be written.

use std::fs::OpenOptions;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::case::{self, Case, Home, SECRET};
use super::recorder::Recorder;
use crate::python::{Reaped, Scratch, environment, poll, skip};
use crate::tls_proxy::Authority;

const LIMIT: Duration = Duration::from_mins(2);

fn recorder(name: &str) -> (Scratch, Recorder, Home) {
    let scratch = Scratch::new(name);
    let authority = Arc::new(Authority::new());
    let recorder = Recorder::start(&authority);
    let home = Home::new(&scratch.0.join("home"), &recorder, &authority.pem);
    (scratch, recorder, home)
}

fn prepare(mut command: Command, case: &Case, home: &Home, recorder: &Recorder) -> Command {
    recorder.answer(&case.answers);
    command.env_clear().envs(home.environment(case)).stdin(Stdio::null()).args(home.arguments(case));
    command
}

/// Waits until the process does nothing but wait for the answer. Python looks for signals before it waits for a socket, so a signal that
/// arrives between the two is noticed only when the wait times out.
fn wait_until_idle(id: u32) {
    let idle = || {
        let stat = || std::fs::read_to_string(format!("/proc/{id}/stat")).expect("the process lives");
        let before = stat();
        std::thread::sleep(Duration::from_millis(100));
        // The line has the state after the name in parentheses, and the times used.
        (before.contains(") S ") && before == stat()).then_some(())
    };
    assert!(poll(LIMIT, idle).is_some(), "the process never waits");
}

fn v2token() -> Command {
    Command::new(env!("CARGO_BIN_EXE_v2token"))
}

#[test]
fn sigint_ends_both_programs_alike() {
    let (scratch, recorder, home) = recorder("sigint");
    let python = match environment("aws_cli", &scratch.0) {
        Ok(python) => python,
        Err(reason) => return skip("the AWS CLI", &reason),
    };
    let case = Case::read("sigint :: never :: :: SET --global v2Token");
    let [theirs, ours] = [super::aws(&python), v2token()].map(|program| {
        let mut command = prepare(program, &case, &home, &recorder);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut child = Reaped(child);
        assert!(poll(LIMIT, || (!recorder.requests().is_empty()).then_some(())).is_some(), "no request came");
        wait_until_idle(child.0.id());
        let id = child.0.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
        let status = poll(LIMIT, || child.0.try_wait().expect("a child's status")).expect("it ends");
        let read = |stream: Option<Box<dyn std::io::Read>>| {
            let mut text = String::new();
            stream.expect("a pipe").read_to_string(&mut text).expect("UTF-8");
            text
        };
        let stdout = read(child.0.stdout.take().map(|pipe| Box::new(pipe) as _));
        (status.code(), stdout, read(child.0.stderr.take().map(|pipe| Box::new(pipe) as _)))
    });
    assert_eq!(ours, (Some(130), "\n".to_owned(), String::new()));
    assert_eq!(ours, theirs);
}

#[test]
fn an_ignored_sigint_ends_neither_program() {
    let (scratch, recorder, home) = recorder("ignored");
    let python = match environment("aws_cli", &scratch.0) {
        Ok(python) => python,
        Err(reason) => return skip("the AWS CLI", &reason),
    };
    // The waits before the last attempts are long enough for the signal.
    let case = Case::read("ignored :: throttle,throttle,throttle,ok :: :: SET --global v2Token");
    for program in [super::aws(&python), v2token()] {
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' INT; exec \"$0\" \"$@\""]).arg(program.get_program()).args(program.get_args());
        let child = prepare(shell, &case, &home, &recorder).stdout(Stdio::null()).spawn().expect("the program starts");
        let mut child = Reaped(child);
        for attempt in 1..=3 {
            assert!(poll(LIMIT, || (recorder.requests().len() >= attempt).then_some(())).is_some(), "no request came");
            let id = child.0.id().to_string();
            assert!(Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
        }
        let status = poll(LIMIT, || child.0.try_wait().expect("a child's status")).expect("it ends");
        assert_eq!((status.code(), recorder.requests().len()), (Some(0), 4), "{program:?}");
    }
}

#[test]
fn an_output_that_can_not_be_written_is_a_failure() {
    let (_scratch, recorder, home) = recorder("full");
    let case = Case::read("full :: ok :: :: GET");
    let full = OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let output = prepare(v2token(), &case, &home, &recorder).stdout(full).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(255));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("the result could not be written: No space left on device"), "{stderr}");

    // A closed pipe is not a failure.
    let mut child = prepare(v2token(), &case, &home, &recorder).stdout(Stdio::piped()).spawn().expect("it starts");
    drop(child.stdout.take());
    let mut child = Reaped(child);
    let status = poll(LIMIT, || child.0.try_wait().expect("a child's status")).expect("it ends");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn logs_hold_nothing_that_could_sign_a_request() {
    let (_scratch, recorder, home) = recorder("debug");
    let case = Case::read("debug :: throttle,ok :: AWS_SESSION_TOKEN={secret}-token :: GET --debug");
    let mut command = prepare(v2token(), &case, &home, &recorder);
    let output = command.env("RUST_LOG", "trace").output().expect("the program starts");
    assert_eq!(output.status.code(), Some(0));
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("request") && stderr.contains("Throttling"), "it says what happens\n{stderr}");
    for secret in [SECRET, "Signature=", "AKIAIOSFODNN7EXAMPLE"] {
        assert!(!stderr.contains(secret), "{secret}\n{stderr}");
    }
    assert!(case::all().iter().any(Case::is_debug), "the table has a case with --debug");
}
