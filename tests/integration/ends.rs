//! The end of every command: what happened, where the reports are, and the lines to copy, each told once and in this order.

use v2token_simulator::{Builder, Latency, Organization};

use crate::harness::{Bench, Run};
use crate::running::Running;

fn thirty() -> Builder {
    Organization::builder().accounts(30).unlimited()
}

/// The outputs that a person reads. JSON is for machines.
fn shown(run: &Run) -> String {
    if run.stdout.starts_with('{') { run.stderr.clone() } else { format!("{}{}", run.stdout, run.stderr) }
}

/// Fails unless the run tells how it ended, each part once and in order, and offers exactly these commands.
fn ends(run: &Run, happened: &str, commands: &[&str]) {
    // The overview at the start says how to undo the run, too.
    let text = shown(run);
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("  undo")).collect();
    let text = lines.join("\n") + "\n";
    let folder = run.folder.file_name().expect("a name").to_string_lossy();
    let all: Vec<String> = ["resume", "resume --retry-failed", "rollback", "apply --plan"]
        .map(|command| format!("v2token {command} {folder}\n"))
        .into();
    let files = [format!("Page: {folder}/report.html\n"), format!("Report: {folder}/report.csv\n")];
    let commands: Vec<String> = commands.iter().map(|command| format!("v2token {command} {folder}\n")).collect();
    let parts: Vec<&str> = [happened].into_iter().chain(files.iter().chain(&commands).map(String::as_str)).collect();
    for part in &parts {
        assert_eq!(text.matches(part).count(), 1, "{part}\n{run}");
    }
    let places: Vec<usize> = parts.iter().filter_map(|part| text.find(part)).collect();
    assert!(places.is_sorted(), "{parts:?}\n{run}");
    for command in all.iter().filter(|command| !commands.contains(command)) {
        assert!(!text.contains(command.as_str()), "{command} does not apply\n{run}");
    }
}

/// Lines of `run.folder` are relative to the bench's folder, as the user typed it.
fn run(bench: &Bench, name: &str, arguments: &[&str]) -> Run {
    let arguments = [arguments, &["--rate=0", "--run-dir", name]].concat();
    bench.again(name, &arguments)
}

#[test]
fn every_end_is_told_once_with_the_lines_to_copy() {
    for output in ["--output=table", "--output=json", "--output=none"] {
        let failing = thirty().account(20, |account| account.faults.deny_set = true);
        let bench = Bench::new(failing.start());
        let plan = run(&bench, "plan", &["plan", output]).exits(0);
        ends(&plan, "all of 30 selected accounts were read", &["apply --plan"]);
        let apply = run(&bench, "apply", &["apply", "--yes", "--max-errors=100%", output]).exits(3);
        ends(&apply, "29 of 30 selected accounts are known to be on v2Token", &["resume --retry-failed", "rollback"]);
        let again =
            run(&bench, "again", &["apply", "--yes", "--max-errors=100%", "--account=000000000001", output]).exits(0);
        ends(&again, "the one selected account is on v2Token", &[]);
        let stopped = run(&bench, "stopped", &["apply", "--yes", "--canary=000000000020", output]).exits(5);
        ends(&stopped, "stopped by --max-errors", &["resume", "resume --retry-failed"]);
        let quiet = run(&bench, "quiet", &["apply", "--yes", "--canary=000000000020", "-q", "--output=none"]).exits(5);
        assert!(quiet.stderr.contains("error: stopped by") && !quiet.stderr.contains("Report: "), "{quiet}");
    }
}

#[test]
fn an_interrupted_run_offers_no_half_plan() {
    for (command, happened, lines) in [
        (&["plan"][..], "stopped by SIGINT", &["resume"][..]),
        (&["apply", "--yes"], "stopped by SIGINT", &["resume", "rollback"]),
    ] {
        let latency = Latency { iam: std::time::Duration::from_millis(60), ..Latency::default() };
        let bench = Bench::new(Organization::builder().accounts(200).latency(latency).start());
        let arguments = [command, &["--waves=100%", "--concurrency=4", "--run-dir=run"]].concat();
        let mut running = Running::spawn(&bench, "run", bench.bare(&arguments));
        running
            .until(|truth| truth.operation(v2token_simulator::Operation::GetAccountSummary).requests > 20)
            .send("INT");
        let stopped = running.end().exits(130);
        ends(&stopped, happened, lines);
        let finished = bench.again("run", &["resume", "run", "--yes"]);
        assert_eq!(finished.code, 0, "{finished}");
        let again = bench.again("run", &["resume", "run", "--yes"]).exits(0);
        assert_eq!(shown(&again).matches("nothing is left to do").count(), 1, "{again}");
    }
}

#[test]
fn a_plan_names_what_would_change() {
    let bench =
        Bench::new(thirty().each_account(|account| account.name = format!("team-{}", account.id().number())).start());
    let one = run(&bench, "one", &["plan", "--account=000000000003"]).exits(0);
    assert_eq!(one.stdout.matches("000000000003 (team-3): v1Token now, v2Token after apply").count(), 1, "{one}");
    let applied = run(&bench, "applied", &["apply", "--yes", "--account=000000000003"]).exits(0);
    assert!(applied.stdout.contains("000000000003 (team-3): v1Token before, v2Token now"), "{applied}");
    let done = run(&bench, "done", &["plan", "--account=000000000003"]).exits(0);
    assert!(done.stdout.contains("000000000003 (team-3): v2Token already"), "{done}");
    let all = run(&bench, "all", &["plan"]).exits(0);
    assert!(all.stdout.contains("Would change, by OU"), "{all}");
    let named = all.stdout.lines().filter(|line| line.ends_with(": v1Token, would be v2Token")).count();
    assert!((1..=25).contains(&named), "a few of 29\n{all}");
    assert!(!all.stdout.contains("team-3)"), "what would not change is not named\n{all}");
}
