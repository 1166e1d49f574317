//! `--output text` and `--query` in every command that has them: what they print, and what they refuse.

use std::process::Stdio;

use serde_json::Value;
use v2token_simulator::{AccountState, Builder, Organization};

use crate::harness::{Bench, Run, program};
use crate::made_up_journals::made_up;

/// Nine accounts with hostile names, of which one fails and one is skipped.
fn nine() -> Builder {
    Organization::builder()
        .accounts(9)
        .unlimited()
        .hostile_names(true)
        .account(2, |account| account.faults.deny_assume = true)
        .account(3, |account| account.state = AccountState::Suspended)
}

/// Runs `report` on the folder `run`.
fn report(bench: &Bench, arguments: &[&str]) -> Run {
    bench.again("none", &[&["report", "run"], arguments].concat())
}

fn columns(of: &Run) -> Vec<String> {
    let csv = std::fs::read_to_string(of.folder.join("report.csv")).expect("a report");
    csv.lines().next().expect("a header").split(',').map(str::to_owned).collect()
}

#[test]
fn text_has_a_line_per_record_and_a_cell_per_column() {
    let bench = Bench::new(nine().start());
    let run = bench.run("run", &["plan", "--output=text"]).exits(3);
    let names = columns(&run);
    let lines: Vec<Vec<&str>> = run.stdout.lines().map(|line| line.split('\t').collect()).collect();
    assert_eq!(lines.len(), 9, "{run}");
    for line in &lines {
        assert_eq!(line.len(), names.len(), "{line:?}");
        let misleads = |character: char| character.is_control() || ('\u{200b}'..='\u{202e}').contains(&character);
        assert!(line.iter().all(|cell| !cell.is_empty() && !cell.contains(misleads)), "{line:?}");
    }
    assert_eq!(lines[1][5], "failed");
    assert_eq!((lines[2][5], lines[2][6]), ("skipped", "None"));
    // A query for all columns, and a later report, print the same.
    let all = format!("accounts[].[{}]", names.join(","));
    assert_eq!(report(&bench, &["--query", &all, "--output=text"]).exits(0).stdout, run.stdout);
    assert_eq!(report(&bench, &["--output=text"]).exits(0).stdout, run.stdout);
}

#[test]
fn a_query_prints_its_result_in_every_format() {
    let bench = Bench::new(nine().start());
    let run = bench.run("run", &["plan", "--output=json"]).exits(3);
    // The query `@` prints the same bytes as no query.
    assert_eq!(report(&bench, &["--query", "@", "--output=json"]).exits(0).stdout, run.stdout);
    let two = "accounts[?outcome!='would_change'].{id: account_id, outcome: outcome, wave: wave}";
    let list = "accounts[?outcome!='would_change'].[account_id, attempts, wave]";
    for (query, output, expected) in [
        ("summary.failed", "text", "1\n"),
        ("summary.failed", "json", "1\n"),
        ("summary.failed", "table", "--------\n|report|\n+------+\n|  1   |\n+------+\n"),
        ("summary.[failed, skipped]", "text", "1\t1\n"),
        ("length(accounts)", "jsonl", "9\n"),
        ("run.verdict.exit_code", "text", "3\n"),
        ("accounts[1].wave", "json", "null\n"),
        ("accounts[1].wave", "text", "None\n"),
        (two, "text", "000000000002\tfailed\tNone\n000000000003\tskipped\tNone\n"),
        (two, "csv", "id,outcome,wave\n000000000002,failed,\n000000000003,skipped,\n"),
        (
            two,
            "jsonl",
            "{\"id\":\"000000000002\",\"outcome\":\"failed\",\"wave\":null}\n{\"id\":\"000000000003\",\"outcome\":\"skipped\",\"wave\":null}\n",
        ),
        (
            two,
            "table",
            concat!(
                "-------------------------------------\n",
                "|              report               |\n",
                "+---------------+-----------+-------+\n",
                "|      id       |  outcome  | wave  |\n",
                "+---------------+-----------+-------+\n",
                "|  000000000002 |  failed   |  None |\n",
                "|  000000000003 |  skipped  |  None |\n",
                "+---------------+-----------+-------+\n",
            ),
        ),
        (list, "csv", "000000000002,1,\n000000000003,0,\n"),
        (two, "none", ""),
        ("accounts[?outcome=='changed']", "csv", ""),
        ("accounts[?outcome=='changed']", "json", "[]\n"),
    ] {
        let printed = report(&bench, &["--query", query, "--output", output]).exits(0);
        assert_eq!(printed.stdout, expected, "{query} as {output}\n{printed}");
        assert_eq!(printed.stderr, "", "{query}");
    }
    // Names are unchanged in JSON, and sanitized elsewhere.
    let names = "accounts[].{name: account_name}";
    let json: Value = serde_json::from_str(&report(&bench, &["--query", names, "--output=json"]).stdout).expect("JSON");
    for (number, account) in run.after.accounts.iter().enumerate() {
        assert_eq!(json[number]["name"], account.name.as_str());
    }
    for output in ["text", "csv", "table"] {
        let printed = report(&bench, &["--query", names, "--output", output]).exits(0);
        assert!(!printed.stdout.contains(|character: char| character.is_control() && character != '\n'), "{printed}");
    }
    let csv = report(&bench, &["--query", names, "--output=csv"]).stdout;
    assert!(csv.lines().all(|cell| !cell.trim_matches('"').trim_start().starts_with(['=', '+', '-', '@'])), "{csv}");
}

#[test]
fn every_command_with_a_report_takes_queries() {
    let bench = Bench::new(Organization::builder().accounts(4).unlimited().start());
    let answers = |name: &str, arguments: &[&str], query: &str, expected: &str| {
        let words = [arguments, &["--query", query, "--output=text"]].concat();
        let run = if name == "none" { bench.again(name, &words) } else { bench.run(name, &words) };
        assert_eq!(run.exits(0).stdout, expected, "{arguments:?}");
    };
    answers("plan", &["plan"], "summary.would_change", "4\n");
    answers("dry", &["apply", "--dry-run"], "run.command", "plan\n");
    answers("apply", &["apply", "--yes"], "summary.[changed, failed]", "4\t0\n");
    let folder = bench.run_folder("apply").display().to_string();
    answers("none", &["resume", &folder], "run.verdict.exit_code", "0\n");
    answers("none", &["report", &folder], "accounts[0].outcome", "changed\n");
    answers("rollback", &["rollback", &folder, "--yes"], "summary.changed", "4\n");
    answers("none", &["doctor"], "checks[?status!='ok'] | length(@)", "0\n");
    answers("none", &["doctor"], "status", "ok\n");
    let lines = bench.again("none", &["doctor", "--output=text"]).exits(0);
    assert!(lines.stdout.lines().all(|line| line.split('\t').count() == 5), "{lines}");
    assert!(lines.stdout.starts_with("identity\tNone\tok\t"), "{lines}");
}

#[test]
fn an_invalid_query_is_refused_before_the_first_call() {
    let bench = Bench::new(Organization::builder().accounts(4).start());
    let done = bench.run("done", &["apply", "--yes"]).exits(0);
    let folder = done.folder.display().to_string();
    let commands: [&[&str]; 6] = [
        &["plan"],
        &["apply", "--yes"],
        &["resume", &folder],
        &["rollback", &folder, "--yes"],
        &["report", &folder],
        &["doctor"],
    ];
    for command in commands {
        for (query, says) in [
            ("accounts[?outcome=failed]", "`=` is not an operator; did you mean `==`? at character 18"),
            ("accounts[", "there is the end"),
            ("", "cannot be empty"),
            ("lenght(accounts)", "did you mean length()?"),
        ] {
            let words = [command, &["--query", query]].concat();
            // An empty variable counts as unset, but an empty argument does not.
            let run = bench.again("none", &words).exits(2).says(&["--query", says]);
            assert!(run.stdout.is_empty() && run.all_calls() == 0, "{command:?} {query}\n{run}");
        }
    }
    for (words, says) in [
        (&["report", "done", "--query=run", "--report=-"][..], "leave one of them out"),
        (&["policy", "role", "--query=Statement"], "--query: policy makes no report"),
    ] {
        bench.again("none", words).exits(2).says(&[says]);
    }
}

#[test]
fn a_query_that_fails_on_the_report_is_reported_with_the_changes() {
    let bench = Bench::new(Organization::builder().accounts(4).start());
    let run = bench.run("run", &["apply", "--yes", "--query=abs(accounts)"]).exits(1);
    let run = run.says(&["In function abs(), invalid type for value", "4 accounts were changed", "v2token report"]);
    assert!(run.stdout.is_empty() && run.stderr.len() < 2_000, "{run}");
    let run = report(&bench, &["--query=accounts", "--output=csv", "--query=run.settings", "--report=x.csv"]);
    assert_eq!(run.code, 2, "an option that can be given only once\n{run}");
    let run = report(&bench, &["--query=run", "--output=csv", "--report=x.csv"])
        .exits(2)
        .says(&["no report was made", "CSV can't show a nested value"]);
    assert!(run.stdout.is_empty() && !bench.folder.path().join("x.csv").exists(), "{run}");
}

#[test]
fn unknown_names_in_a_query_are_reported() {
    let bench = Bench::new(Organization::builder().accounts(4).start());
    bench.run("run", &["plan"]).exits(0);
    let run = report(&bench, &["--query", "accounts[?outcome==\"failed\"].acount_id", "--output=text"]).exits(0);
    assert_eq!(run.stdout, "", "{run}");
    let run = run.says(&["the document has no member acount_id; did you mean account_id?"]);
    run.says(&["the document has no member failed; for a string, write 'failed'"]);
    let run = report(&bench, &["--query", "accounts[?outcome==\"skiped\"]", "--output=text", "-q"]).exits(0);
    assert_eq!(run.stderr, "", "{run}");
}

#[test]
fn near_misses_get_a_suggestion() {
    let bench = Bench::new(Organization::builder().accounts(3).start());
    let folder = "v2token-runs/20261122T041500Z-abcdef";
    bench.run(folder, &["plan"]).exits(0);
    for (words, code, says) in [
        (&["plna"][..], 2, "a similar subcommand exists: 'plan'"),
        (&["plan", "--quer=x"], 2, "a similar argument exists: '--query'"),
        (&["report", folder, "--agianst=x"], 2, "a similar argument exists: '--against'"),
        (&["plan", "--output=jsno"], 2, "a similar value exists: 'json'"),
        (&["report", "v2token-runs/20261122T041500Z-abcdeg"], 1, "did you mean v2token-runs/20261122T041500Z-abcdef?"),
        (&["report", "20261122T041500Z-abcdeg"], 1, "did you mean v2token-runs/20261122T041500Z-abcdef?"),
        (&["report", "v2token-runs"], 1, "did you mean v2token-runs/20261122T041500Z-abcdef?"),
        (&["resume", "v2token-runs/20261122T04150Z-abcdef"], 1, "did you mean v2token-runs/20261122T041500Z-abcdef?"),
        (&["rollback", "v2token-run/20261122T041500Z-abcdef"], 1, "did you mean v2token-runs/20261122T041500Z-abcdef?"),
        (&["apply", "--plan=20261122T041500Z-abcdeg"], 1, "did you mean v2token-runs/20261122T041500Z-abcdef?"),
    ] {
        let run = bench.again("none", words).exits(code).says(&[says]);
        assert!(run.stdout.is_empty() && run.all_calls() == 0, "{words:?}\n{run}");
    }
    let run = bench.again("none", &["report", "nothing-like-it"]).exits(1);
    assert!(!run.stderr.contains("did you mean"), "{run}");
}

/// The largest possible Organization: as a whole, counted, and filtered.
#[test]
fn fifty_thousand_accounts_are_queried() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let failed = made_up(folder.path(), 50_000);
    let printed = |arguments: &[&str]| {
        let output = program(folder.path()).args(["report", "."]).args(arguments).output().expect("the program starts");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let counts = "[length(accounts), length(accounts[?outcome=='failed'])]";
    assert_eq!(printed(&["--query", counts, "--output=text"]), format!("50000\t{failed}\n"));
    assert_eq!(printed(&["--output=text"]).lines().count(), 50_000);
}

/// The reader closes after the first line, when the pipe is full and most of the output is still to come.
#[test]
fn a_reader_may_close_after_the_first_line() {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    made_up(folder.path(), 3_000);
    for rest in [&["--output=text"][..], &["--query=accounts[]", "--output=jsonl"], &["--query=@", "--output=json"]] {
        let mut command = program(folder.path());
        command.args(["report", "."]).args(rest).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut first = String::new();
        let mut reader = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
        std::io::BufRead::read_line(&mut reader, &mut first).expect("a line");
        drop(reader);
        let output = child.wait_with_output().expect("the program ends");
        assert!(output.status.success() && output.stderr.is_empty(), "{rest:?}: {output:?}");
        assert!(!first.is_empty(), "{rest:?}");
    }
}
