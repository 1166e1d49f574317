//! The gate between waves: what it gets, how it stops a run, and how it ends.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use v2token_simulator::{AccountState, Faults, Organization, TokenVersion};

use crate::harness::{Bench, Run};
use crate::running::{LIMIT, Running};
use crate::tmux::{Terminal, no_tmux};

/// An apply of eight accounts in waves of 1, 3 and 4.
const APPLY: [&str; 4] = ["apply", "--yes", "--rate=0", "--waves=1,50%,100%"];

/// A gate that notes its calls, and is red until the file `green` exists. The word must never be stored.
const GATE: &str = "echo \"$GATE_WAVE/$GATE_WAVES $GATE_CHANGED $GATE_FAILED $GATE_UNVERIFIED $GATE_RUN_DIR\" >>calls; \
                    : topsecret; test -e green || { echo looking; echo the alarm is red; exit 7; }";

fn bench() -> Bench {
    Bench::new(Organization::builder().accounts(8).unlimited().start())
}

fn apply(bench: &Bench, gate: &str, more: &[&str]) -> Run {
    bench.run("run", &[&APPLY[..], &["--gate", gate], more].concat())
}

fn calls(bench: &Bench) -> Vec<String> {
    let text = std::fs::read_to_string(bench.folder.path().join("calls")).unwrap_or_default();
    text.lines().map(|line| line.replace(&bench.folder.path().display().to_string(), "…")).collect()
}

fn turn_green(bench: &Bench) {
    std::fs::write(bench.folder.path().join("green"), "").expect("a writable folder");
}

/// Whether a process runs that has this word among its arguments.
fn is_running(word: &str) -> bool {
    let processes = std::fs::read_dir("/proc").expect("/proc").flatten();
    processes
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .any(|arguments| arguments.split(|byte| *byte == 0).any(|argument| argument == word.as_bytes()))
}

/// Fails unless no process with this word is left soon.
fn ended(word: &str) {
    let started = Instant::now();
    while is_running(word) {
        assert!(started.elapsed() < LIMIT, "a process of the gate is left");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn it_runs_between_waves_and_knows_the_run() {
    let bench = bench();
    turn_green(&bench);
    let run = apply(&bench, GATE, &[]).exits(0).agrees(TokenVersion::V2);
    assert_eq!(calls(&bench), ["1/3 1 0 0 …/run", "2/3 4 0 0 …/run"], "{run}");
    run.says(&["the gate after wave 1 runs, for at most 10m", "the gate after wave 2 passed in"]);
}

#[test]
fn a_red_gate_stops_the_run_and_comes_first_when_it_is_resumed() {
    let bench = bench();
    let run = apply(&bench, GATE, &[]).exits(5);
    let verdict = "stopped by --gate after wave 1, which exited with 7 (it printed last: looking / the alarm is red): 1 of 8 \
                   selected accounts was changed, 7 were not attempted";
    assert!(run.stderr.contains("stopped by --gate after wave 1"), "{run}");
    assert!(run.stderr.contains("v2token resume --gate 'COMMAND' "), "{run}");
    for name in ["run.json", "report.json", "journal.jsonl"] {
        let text = std::fs::read_to_string(run.folder.join(name)).expect("a file of the run");
        assert!(text.contains(verdict), "{name}: {text}");
        assert!(!text.contains("topsecret"), "{name}: {text}");
    }
    let page = std::fs::read_to_string(run.folder.join("report.html")).expect("a page");
    assert!(page.contains("looking / the alarm is red") && !page.contains("topsecret"), "{page}");

    let refused = |arguments: &[&str], words: &str| {
        let resume = [&["resume", "run", "--yes", "--rate=0"], arguments].concat();
        let run = bench.again("run", &resume).exits(2);
        assert!(run.stderr.contains(words), "{run}");
    };
    refused(&[], "give it again with --gate");
    refused(&["--gate=true"], "not the command that the run was started with");
    assert_eq!(calls(&bench).len(), 1);

    let resume = ["resume", "run", "--yes", "--rate=0", "--gate", GATE];
    let again = bench.again("run", &resume).exits(5);
    assert_eq!((calls(&bench).len(), again.outcomes()["changed"]), (2, 1), "{again}");
    turn_green(&bench);
    let rest = bench.again("run", &resume).exits(0);
    assert_eq!(calls(&bench)[1..], ["1/3 1 0 0 …/run", "1/3 1 0 0 …/run", "2/3 4 0 0 …/run"], "{rest}");

    // The way back has no gate.
    let back = bench.run("back", &["rollback", "run", "--yes", "--rate=0"]).exits(0);
    assert_eq!((calls(&bench).len(), back.outcomes()["changed"]), (4, 8), "{back}");
}

/// The accounts that failed are not visited again before the gate that stopped the run has passed.
#[test]
fn a_retry_asks_the_gate_first() {
    let builder = Organization::builder().accounts(8).unlimited();
    let bench = Bench::new(builder.account(2, |account| account.faults.deny_set = true).start());
    let canary = ["--canary=000000000002", "--max-errors=100%"];
    let run = apply(&bench, GATE, &canary).exits(5);
    assert_eq!((run.outcomes()["failed"], calls(&bench)), (1, vec!["1/3 0 1 0 …/run".to_owned()]), "{run}");
    bench.organization.control(|world| world.account_mut(2).faults = Faults::default());
    let retry = ["resume", "run", "--retry-failed", "--yes", "--rate=0", "--gate", GATE];
    let again = bench.again("run", &retry).exits(5);
    assert_eq!((again.outcomes()["failed"], calls(&bench).len()), (1, 2), "nothing was set\n{again}");
    turn_green(&bench);
    let rest = bench.again("run", &retry).exits(0);
    assert_eq!(rest.outcomes()["changed"], 8, "{rest}");
    assert_eq!(calls(&bench)[2..], ["1/3 0 1 0 …/run", "1/3 1 0 0 …/run", "2/3 4 0 0 …/run"], "{rest}");
}

/// The gate sees all results, and its command is no argument of a process, which everyone on the machine can read.
#[test]
fn it_can_read_the_run_and_nobody_can_read_it() {
    let bench = bench();
    let gate = format!(
        "{} report \"$GATE_RUN_DIR\" --output=json --query='summary.changed' >seen; grep -c ,changed, \"$GATE_RUN_DIR\"/report.csv \
         >>seen; tr '\\0' ' ' </proc/$$/cmdline >>seen; : topsecret",
        env!("CARGO_BIN_EXE_v2token")
    );
    let run = bench.run("run", &["apply", "--yes", "--rate=0", "--waves=4,100%", "--gate", &gate]).exits(0);
    let seen = std::fs::read_to_string(bench.folder.path().join("seen")).expect("the gate ran");
    let lines: Vec<&str> = seen.lines().collect();
    assert_eq!(lines[..2], ["4", "4"], "{seen}\n{run}");
    assert!(!seen.contains("topsecret"), "{seen}");
}

#[test]
fn a_gate_that_does_not_pass_says_how_it_ended() {
    let table = [
        ("exit 3", "which exited with 3: "),
        ("echo >&2 'on stderr'; false", "which exited with 1 (it printed last: on stderr)"),
        ("kill -KILL $$", "which was ended by signal 9"),
        ("no-such-command-here", "which exited with 127 (it printed last: "),
        ("sleep 60.125 & sleep 60.125", "which did not end within 1s: "),
        ("trap '' TERM; sleep 60.125; sleep 60.125", "which did not end within 1s: "),
        ("yes", "which did not end within 1s (it printed last: y / y / y): "),
        ("head -c 30000000 /dev/zero; exit 1", "which exited with 1"),
        ("printf 'a\\033[2Jb\\n'; exit 1", "which exited with 1 (it printed last: a"),
    ];
    for (gate, words) in table {
        let bench = bench();
        let run = apply(&bench, gate, &["--gate-timeout=1s"]).exits(5);
        let text = std::fs::read(run.folder.join("run.json")).expect("run.json");
        let info: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
        let verdict = info["verdict"]["sentence"].as_str().expect("a verdict").to_owned();
        assert!(verdict.contains("by --gate after wave 1, ") && verdict.contains(words), "{gate}: {verdict}");
        assert_eq!(run.outcomes()["changed"], 1, "{gate}\n{run}");
        assert!(!run.stdout.contains('\u{1b}') && !run.stderr.contains('\u{1b}'), "{gate}\n{run}");
        ended("60.125");
    }
}

#[test]
fn a_signal_ends_the_gate_with_all_its_processes() {
    for (signal, code, duration) in [("INT", 130, "61.125"), ("TERM", 143, "62.125"), ("HUP", 129, "63.125")] {
        let bench = bench();
        let gate = format!("sleep {duration} & sh -c 'sleep {duration}; true'; true");
        let mut running = Running::start(&bench, "run", &[&APPLY[..], &["--gate", &gate]].concat());
        running.until_it_says("the gate after wave 1 runs");
        let started = Instant::now();
        while !is_running(duration) {
            assert!(started.elapsed() < LIMIT, "the gate does not start");
            std::thread::sleep(Duration::from_millis(5));
        }
        running.send(signal);
        let run = running.end().exits(code);
        assert_eq!((run.outcomes()["changed"], run.outcomes()["not_attempted"]), (1, 7), "{run}");
        ended(duration);
    }
}

/// The process is killed while the gate runs, so the gate has not passed.
#[test]
fn a_resume_after_a_kill_begins_with_the_gate() {
    let bench = bench();
    let gate = format!("{GATE}; test -e second || {{ touch second; sleep 2; }}");
    turn_green(&bench);
    let mut running = Running::start(&bench, "run", &[&APPLY[..], &["--gate", &gate]].concat());
    running.until_it_says("the gate after wave 1 runs");
    let started = Instant::now();
    while !bench.folder.path().join("second").exists() {
        assert!(started.elapsed() < LIMIT, "the gate does not start");
        std::thread::sleep(Duration::from_millis(5));
    }
    running.send("KILL");
    running.end();
    let rest = bench.again("run", &["resume", "run", "--yes", "--rate=0", "--gate", &gate]).exits(0);
    let expected = ["1/3 1 0 0 …/run", "1/3 1 0 0 …/run", "2/3 4 0 0 …/run"];
    assert_eq!(calls(&bench), expected, "{rest}");
}

#[test]
fn it_does_not_run_where_there_is_nothing_to_decide() {
    let noting = "echo called >>calls";
    for (arguments, code) in [
        // One wave, a plan, and a wave that stops the run by its failures.
        (&["apply", "--yes", "--waves=100%", "--gate", noting][..], 0),
        (&["plan", "--gate", noting], 0),
        (&["apply", "--yes", "--canary=000000000002", "--gate", noting], 5),
    ] {
        let fails = code == 5;
        let bench = Bench::new(
            Organization::builder()
                .accounts(8)
                .unlimited()
                .account(2, move |account| account.faults.deny_set = fails)
                .start(),
        );
        let run = bench.run("run", &[arguments, &["--rate=0"]].concat()).exits(code);
        assert!(calls(&bench).is_empty(), "{arguments:?}\n{run}");
    }
    let bench = bench();
    let run = bench.run("run", &["apply", "--yes", "--gate", " "]).exits(2);
    assert!(run.stderr.contains("--gate: expected a command"), "{run}");
    let plain = bench.run("plain", &["apply", "--yes", "--rate=0", "--waves=1", "--max-attempts=1"]).exits(0);
    let refused = bench.again("plain", &["resume", "plain", "--yes", "--retry-failed", "--gate=true"]);
    assert!(refused.code == 0 || refused.stderr.contains("started without a gate"), "{plain}{refused}");
}

/// A wave whose accounts all were on the wanted version needs no wait.
#[test]
fn a_wave_that_set_nothing_is_not_baked() {
    let builder = Organization::builder().accounts(8).unlimited();
    let bench = Bench::new(builder.account(3, |account| account.version = Some(TokenVersion::V2)).start());
    let arguments = ["apply", "--yes", "--rate=0", "--canary=000000000003", "--waves=1,100%", "--bake=1h"];
    bench.run("run", &arguments).exits(0).agrees(TokenVersion::V2);

    // Nor has a resume anything to bake before its first wave.
    let bench = bench_with_suspended();
    let gate = ["apply", "--yes", "--rate=0", "--canary=000000000003", "--waves=1,100%", "--bake=0s", "--gate=false"];
    bench.run("run", &gate).exits(5);
    let resume = ["resume", "run", "--yes", "--rate=0", "--bake=1h", "--gate=false"];
    bench.again("run", &resume).exits(5);
}

fn bench_with_suspended() -> Bench {
    let builder = Organization::builder().accounts(8).unlimited();
    Bench::new(builder.account(2, |account| account.state = AccountState::Suspended).start())
}

/// The gates in the documents, with stand-ins for the programs that they call.
#[test]
fn the_documented_gates_work() {
    let gates = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/gates");
    let table = [
        ("aws", "echo \"$*\" >>asked; cat state", format!("sh {gates}/cloudwatch-alarm.sh logins"), "OK", "ALARM"),
        (
            "curl",
            "cat >>asked; read code <state; exit \"$code\"",
            format!("sh {gates}/http-check.sh http://m/x"),
            "0",
            "22",
        ),
    ];
    for (program, script, gate, good, bad) in table {
        for (state, code) in [(good, 0), (bad, 5)] {
            let mut bench = bench();
            let folder = bench.folder.path().to_owned();
            std::fs::write(folder.join("state"), format!("{state}\n")).expect("a writable folder");
            let stand_in = folder.join(program);
            std::fs::write(&stand_in, format!("#!/bin/sh\n{script}\n")).expect("a writable folder");
            std::fs::set_permissions(&stand_in, Permissions::from_mode(0o755)).expect("a file of this test");
            bench.env("PATH", &format!("{}:/usr/bin:/bin", folder.display())).env("MONITOR_TOKEN", "topsecret");
            let run = apply(&bench, &gate, &[]).exits(code);
            let asked = std::fs::read_to_string(folder.join("asked")).expect("the stand-in was called");
            assert!(
                asked.contains(if program == "aws" { "--alarm-names logins" } else { "Bearer topsecret" }),
                "{run}"
            );
        }
    }
}

/// On a terminal the gate can ask a person, and Ctrl-C stops the run.
#[test]
fn a_person_decides_on_a_terminal() {
    if no_tmux() {
        return;
    }
    let ask = concat!("sh ", env!("CARGO_MANIFEST_DIR"), "/examples/gates/ask.sh");
    let table: [(&[&str], &str); 3] = [(&["y", "Enter"], "0"), (&["n", "Enter"], "5"), (&["C-c"], "130")];
    for (keys, code) in table {
        let bench = bench();
        let arguments = ["apply", "--yes", "--rate=0", "--waves=1,100%", "--gate", ask];
        let terminal = Terminal::start(&bench, "run", &arguments, (100, 30), &[]);
        terminal.until(|screen| screen.contains("Go on? [y/N]"));
        terminal.types(keys);
        assert_eq!(terminal.code(), code, "{keys:?}\n{}", terminal.screen());
        let changed = bench.truth().accounts.iter().filter(|account| account.version == Some(TokenVersion::V2)).count();
        assert_eq!(changed, if code == "0" { 8 } else { 1 }, "{keys:?}\n{}", terminal.screen());
    }
}

#[test]
fn the_question_says_what_happens_between_waves() {
    let words = "wait 1m 30s, unless the wave set nothing; then the gate, for at most 5m";
    let arguments =
        ["apply", "--yes", "--rate=0", "--waves=1,100%", "--gate=true", "--bake=1m30s", "--gate-timeout=5m"];
    let bench = bench();
    let mut running = Running::start(&bench, "run", &arguments);
    running.until_it_says(words).until_it_says("waiting 1m 30s before wave 2").send("INT");
    running.end().exits(130);
}
