//! What a terminal, or a log in its place, shows during a rollout.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use v2token_simulator::{Builder, MANAGEMENT_ACCOUNT, Organization, PerCall, TokenVersion};

use crate::confirmation::{answer, no_terminal};
use crate::harness::{Bench, Run};
use crate::running::{LIMIT, Running};
use crate::tmux::{Terminal, no_tmux};

const ACCOUNTS: usize = 40;

/// The number of accounts of the second wave that do not answer during a test.
const STUCK: usize = 6;

/// The text of the bar when only the accounts without an answer are left.
const HELD: &str = "33/39";

/// An Organization in which a rollout halts in its second wave, after failures with two causes.
fn held_up() -> Bench {
    let mut stuck = 0;
    let builder = Organization::builder().accounts(ACCOUNTS).each_account(move |account| match account.id().number() {
        1 => {}
        _ if account.id() == MANAGEMENT_ACCOUNT => {}
        number if number % 5 == 0 => account.faults.deny_assume = true,
        number if number % 7 == 0 => account.faults.deny_set = true,
        number if number % 2 == 0 && stuck < STUCK => {
            stuck += 1;
            account.faults.slow = 2 * LIMIT;
        }
        _ => {}
    });
    Bench::new(builder.start())
}

const APPLY: [&str; 7] =
    ["apply", "--yes", "--rate=0", "--concurrency=12", "--max-errors=100%", "--canary=000000000001", "--waves=1,100%"];

/// Arguments, variables, and the expectation.
type Case<T> = (&'static [&'static str], &'static [(&'static str, &'static str)], T);

/// The lines of the bar, which are the last two on the screen.
fn bar(screen: &str) -> (&str, &str) {
    let mut lines = screen.lines().rev();
    let second = lines.next().unwrap_or_default();
    (lines.next().unwrap_or_default(), second)
}

#[test]
fn progress_is_shown_at_every_width_and_cleaned_up() {
    if no_tmux() {
        return;
    }
    for (columns, first, second) in
        [(200, "39  34/40 in all", "2 causes)"), (80, "34/40 in all", "2 causes)"), (40, "wave 2/2  [", "failed")]
    {
        let bench = held_up();
        let terminal = Terminal::start(&bench, "run", &APPLY, (columns, 45), &[]);
        let is_held = |screen: &str| bar(screen).0.contains(HELD) && bar(screen).1.contains("failed");
        let screen = terminal.until(is_held);
        assert!(bar(&screen).0.contains(first) && bar(&screen).1.contains(second), "{columns}\n{screen}");
        assert!(screen.lines().all(|line| line.chars().count() < usize::from(columns)), "{columns}\n{screen}");
        let lines_with = |screen: &str, words: &str| screen.lines().filter(|line| line.starts_with(words)).count();
        assert_eq!(lines_with(&screen, "failed 0000"), 2, "once for each cause\n{screen}");
        assert_eq!(lines_with(&screen, "wave 1 of 2 finished"), 1, "a line at the end of a wave\n{screen}");
        assert_eq!(terminal.cursor(), ("0".to_owned(), true), "a key that is echoed does no harm\n{screen}");

        // Narrower and wider again: nothing of the bar remains.
        for narrower in [columns / 2, 300] {
            terminal.resize(narrower, 45);
            let fits = |screen: &str| {
                let bars = screen.lines().filter(|line| line.contains(HELD)).count();
                bars == 1 && is_held(screen) && bar(screen).0.chars().count() < usize::from(narrower)
            };
            terminal.until(fits);
        }
        terminal.resize(columns, 45).until(is_held);

        terminal.types(&["C-c"]);
        let words = |screen: &str| screen.split_whitespace().collect::<Vec<_>>().join(" ");
        let screen = terminal.until(|screen| bar(screen).1.contains("stopping, 6 in flight"));
        let message = "stopping: no further visit starts, the 6 in flight finish; Ctrl-C again leaves at once";
        assert!(words(&screen).contains(message), "{screen}");
        terminal.types(&["C-c"]);
        let screen = terminal.until(|screen| screen.contains("left with 130"));
        let left = words(&screen);
        assert!(left.contains("left at once; continue with: v2token resume"), "{screen}");
        assert!(!left.contains("wave 2/2") && !left.contains("in flight 1"), "no bar is left\n{screen}");
        assert_eq!(terminal.cursor(), ("0".to_owned(), true), "{screen}");
    }
}

#[test]
fn the_summary_breaks_no_words_and_commands() {
    if no_tmux() {
        return;
    }
    let builder = Organization::builder().accounts(8).account(5, |account| account.faults.deny_assume = true);
    let bench = Bench::new(builder.start());
    for columns in [40, 80] {
        let name = format!("a-folder-with-a-name-that-has-no-place-in-{columns}-columns");
        let terminal = Terminal::start(&bench, &name, &["plan", "--rate=0", "--no-progress"], (columns, 90), &[]);
        let screen = terminal.until(|screen| screen.contains("left with 3"));
        let words = screen.split_whitespace().collect::<Vec<_>>().join(" ");
        for text in ["hint: check that OrganizationAccountAccessRole exists in this account", "apply would set 7 to"] {
            assert!(words.contains(text), "{columns}: {text}\n{screen}");
        }
        let next = format!("v2token apply --plan {}", bench.run_folder(&name).display());
        assert!(screen.replace('\n', "").contains(&next), "{columns}\n{screen}");
    }
}

#[test]
fn the_question_is_readable_at_every_width_and_interruptible() {
    if no_tmux() {
        return;
    }
    for columns in [200, 80, 40] {
        let bench = held_up();
        let apply: Vec<_> = APPLY.into_iter().filter(|argument| *argument != "--yes").collect();
        let terminal = Terminal::start(&bench, "run", &apply, (columns, 60), &[]);
        let screen = terminal.until(|screen| screen.ends_with("Start? [y/N]"));
        assert!(screen.lines().all(|line| line.chars().count() < usize::from(columns)), "{columns}\n{screen}");
        // A word broken between two lines is searched for without spaces.
        let bare = |text: &str| text.split_whitespace().collect::<String>();
        for part in [
            "set GlobalEndpointTokenVersion to v2Token in 40 accounts",
            "o-exampleorg1",
            "000000000100, visited last, with the caller's own credentials",
            "arn:aws:iam::000000000100:user/operator",
            "eu-west-1",
            "OrganizationAccountAccessRole; sessions limited to read and set",
            "40 of 40 selected",
            "1, 39 accounts",
            "5s to review the wave",
            "no limit, 12 at once; about",
            "each setting is read back",
            "the run never stops because of failures",
            "v2token rollback",
        ] {
            assert!(bare(&screen).contains(&bare(part)), "{columns}: {part}\n{screen}");
        }
        terminal.types(&["C-c"]);
        let screen = terminal.until(|screen| screen.contains("left with 130"));
        assert!(screen.lines().any(|line| line.starts_with("error: nothing was attempted")), "{screen}");
        assert!(!bench.run_folder("run").exists(), "{screen}");
    }
}

#[test]
fn colours_follow_the_options_and_the_terminal() {
    if no_tmux() {
        return;
    }
    let cases: [Case<bool>; 4] = [
        (&[], &[], true),
        (&[], &[("NO_COLOR", "1")], false),
        (&["--color=off"], &[], false),
        (&["--color=on"], &[("NO_COLOR", "1")], true),
    ];
    for (arguments, environment, expected) in cases {
        let bench = held_up();
        let terminal = Terminal::start(&bench, "run", &[&APPLY, arguments].concat(), (100, 30), environment);
        terminal.until(|screen| bar(screen).0.contains(HELD));
        let colours = terminal.colours();
        let [green, red] = ["\u{1b}[32m", "\u{1b}[1m\u{1b}[31m"].map(|code| colours.contains(code));
        assert_eq!((green, red), (expected, expected), "{arguments:?} {environment:?}\n{colours:?}");
    }
}

/// Without a bar nothing moves the cursor.
#[test]
fn lines_replace_the_bar_without_a_terminal() {
    if no_terminal() {
        return;
    }
    let cases: [Case<usize>; 7] = [
        (&[], &[("CI", "true")], 3),
        (&[], &[("TERM", "dumb")], 3),
        (&["--debug"], &[], 3),
        (&["--log-format=json"], &[], 3),
        (&["-v"], &[], 3),
        (&["--no-progress"], &[], 0),
        (&["-q"], &[], 0),
    ];
    for (arguments, environment, waves) in cases {
        let mut bench = Bench::new(Organization::builder().accounts(30).start());
        for (name, value) in environment {
            bench.env(name, value);
        }
        let plain = ["apply", "--yes", "--color=off", "--output=none"];
        let run = answer(&bench, "run", &[&plain, arguments].concat(), "").exits(0);
        assert!(!run.stdout.contains('\u{1b}'), "{arguments:?}\n{run}");
        assert_eq!(run.stdout.matches("finished in").count(), waves, "{arguments:?}\n{run}");
        assert!(waves > 0 || run.stdout.is_empty(), "{arguments:?}\n{run}");
    }
}

fn failing(accounts: usize) -> Builder {
    Organization::builder().accounts(accounts).unlimited().each_account(|account| {
        account.faults.deny_assume = account.id().number() % 10 == 3;
        account.faults.deny_set = account.id().number() % 10 == 7;
    })
}

#[test]
fn a_log_has_few_lines_for_many_accounts() {
    let mut bench = Bench::new(failing(1_000).start());
    bench.env("CI", "true");
    let run = bench.run("run", &["apply", "--yes", "--rate=0", "--max-errors=100%"]).exits(3);
    assert_eq!(run.outcomes()["failed"], 200, "{run}");
    let failed = run.stderr.lines().filter(|line| line.starts_with("failed ")).count();
    assert_eq!(failed, 2, "once for each cause\n{run}");
    // The overview, the listing, two lines for each wave, and one every ten seconds.
    assert!(run.stderr.lines().count() <= 30, "{run}");
    for part in ["1000 accounts listed in o-exampleorg1", "wave 3 of 3: 900 accounts", "wave 3 of 3 finished in "] {
        assert!(run.stderr.contains(part), "{part}\n{run}");
    }
}

/// The rows of the document's table of JSON lines: names and fields.
fn documented() -> BTreeMap<String, BTreeSet<String>> {
    let document = include_str!("../../docs/operating.md");
    let section =
        document.split("### For machines").nth(1).and_then(|rest| rest.split("\n## ").next()).expect("a section");
    let words = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>();
    let rows = section.lines().filter(|line| line.starts_with("| `")).map(|row| row.split('|').collect::<Vec<_>>());
    let mut table: BTreeMap<_, _> =
        rows.flat_map(|cells| words(cells[1]).into_iter().map(move |name| (name, words(cells[3])))).collect();
    let same = table["failure"].clone();
    table.insert("account".to_owned(), same);
    table
}

/// The lines of stderr. Fails unless the document describes each of them.
fn parsed(run: &Run) -> Vec<Value> {
    let documented = documented();
    let lines = run.stderr.lines().map(|line| {
        let parsed: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}\n{run}"));
        let fields = parsed.as_object().expect("an object");
        assert!(["timestamp", "level", "message"].iter().all(|name| fields[*name].is_string()), "{line}");
        let name = fields["message"].as_str().expect("a name");
        let known = documented.get(name).unwrap_or_else(|| panic!("not described: {line}"));
        let common = ["timestamp", "level", "message", "text"];
        let more = fields.keys().find(|field| !common.contains(&field.as_str()) && !known.contains(*field));
        assert!(name == "overview" || more.is_none(), "{more:?} is not described: {line}");
        parsed
    });
    lines.collect()
}

/// Every line is one object, for every event.
#[test]
fn log_format_json_makes_all_of_stderr_json() {
    let bench = Bench::new(failing(50).hostile_names(true).start());
    let arguments = ["--log-format=json", "--color=on", "--max-errors=100%", "--exclude-name=nobody"];
    let run = bench.run("run", &[&["apply", "--yes", "--debug", "-v"], &arguments[..]].concat()).exits(3);
    let lines = parsed(&run);
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for line in &lines {
        *seen.entry(line["message"].as_str().expect("a name")).or_default() += 1;
    }
    assert_eq!(seen["call"] as u64, run.all_calls(), "{run}");
    assert_eq!(seen["account"], 50, "{run}");
    assert_eq!((seen["overview"], seen["listed"], seen["wave_started"], seen["wave_finished"]), (1, 1, 3, 3), "{run}");
    assert_eq!(seen["note"], 1, "an exclusion that excludes nobody\n{run}");
    let account = lines.iter().find(|line| line["account_id"] == "000000000013").expect("a line for each account");
    assert_eq!((&account["outcome"], &account["stage"]), (&"failed".into(), &"assume".into()), "{account}");

    let run = bench.run("again", &[&["apply", "--yes"], &arguments[..]].concat()).exits(3);
    let causes = parsed(&run).iter().filter(|line| line["message"] == "failure").count();
    assert_eq!(causes, 2, "once for each cause\n{run}");

    // A wave that waits, and a signal.
    let bake = ["apply", "--yes", "--to=v1Token", "--max-errors=100%", "--bake=1h", "--log-format=json"];
    let mut running = Running::start(&bench, "bake", &bake);
    running.until_it_says("waiting").send("INT");
    let run = running.end().exits(130);
    let lines = parsed(&run);
    let count = |name: &str| lines.iter().filter(|line| line["message"] == name).count();
    assert_eq!((count("waiting"), count("stopping"), count("stopped")), (1, 1, 1), "{run}");

    let run = bench.run("wrong", &["apply", "--log-format=json"]).exits(1);
    let [error] = &parsed(&run)[..] else { panic!("one line\n{run}") };
    assert_eq!((&error["level"], &error["message"]), (&"ERROR".into(), &"error".into()));
    assert!(error["text"].as_str().is_some_and(|text| text.contains("give --yes")), "{error}");
}

/// Each call has the number of its attempt, from 1.
#[test]
fn debug_numbers_the_attempts_of_a_call() {
    let builder = Organization::builder().accounts(3).unlimited();
    let bench = Bench::new(builder.account(2, |account| account.faults.throttle = PerCall::all(2)).start());
    let run = bench.run("run", &["apply", "--yes", "--debug", "--log-format=json"]).exits(0).agrees(TokenVersion::V2);
    let mut tries: BTreeMap<(String, String), BTreeSet<u64>> = BTreeMap::new();
    for call in parsed(&run).iter().filter(|line| line["message"] == "call") {
        let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
        let attempt = call["attempt"].as_u64().unwrap_or_else(|| panic!("{call}"));
        tries.entry((text("account"), text("operation"))).or_default().insert(attempt);
    }
    for ((account, operation), attempts) in tries {
        let expected = if account == "000000000002" { 3 } else { 1 };
        assert_eq!(attempts, (1..=expected).collect(), "{account} {operation}");
    }
}

/// A terminal stopped with Ctrl-S accepts no output, and does not block the run.
#[test]
fn a_stopped_terminal_does_not_block_the_end() {
    if no_tmux() {
        return;
    }
    let bench = held_up();
    let terminal = Terminal::start(&bench, "run", &APPLY, (80, 30), &[]);
    terminal.until(|screen| bar(screen).0.contains(HELD));
    terminal.types(&["C-c"]).until(|screen| bar(screen).1.contains("stopping, 6 in flight"));
    terminal.types(&["C-s"]).types(&["C-c"]);
    assert_eq!(terminal.code(), "130");
    terminal.types(&["C-q"]);
    let screen = terminal.until(|screen| screen.contains("left with 130"));
    assert!(!screen.contains("wave 2/2"), "{screen}");
}
