//! `resume`: continues an interrupted run from its folder, with its settings.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use v2token::internals::RunFolder;
use v2token_simulator::{AccountId, Builder, Faults, Latency, Operation, Organization, TokenVersion, Truth};

use crate::harness::{Bench, accounts_with, of_another_organization, rewrite, sent_to};
use crate::running::Running;

const ACCOUNTS: usize = 20;
const SET: Operation = Operation::SetSecurityTokenServicePreferences;
const EXTERNAL_ID: &str = "the-id-that-roles-ask-for";

/// An edit of a journal.
type Change = Box<dyn FnOnce(String) -> String>;

fn slow() -> Builder {
    let latency = Latency { iam: Duration::from_millis(40), ..Latency::default() };
    Organization::builder().accounts(ACCOUNTS).unlimited().latency(latency)
}

/// Starts an apply, kills it midway, and returns the truth before it.
fn killed(bench: &Bench, arguments: &[&str]) -> Truth {
    let apply = ["apply", "--yes", "--rate=0", "--concurrency=4"];
    let mut running = Running::start(bench, "run", &[&apply, arguments].concat());
    running.until(|truth| truth.requests(SET) >= 5);
    running.kill()
}

fn settings(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join("run.json")).expect("run.json");
    serde_json::from_str::<Value>(&text).expect("JSON")["settings"].clone()
}

#[test]
fn a_finished_run_has_nothing_left_to_do() {
    let table: [(bool, &[&str], i32); 3] =
        [(false, &["apply", "--yes"], 0), (true, &["apply", "--yes", "--max-errors=100%"], 3), (true, &["plan"], 0)];
    for (refuses, arguments, code) in table {
        let builder = Organization::builder().accounts(ACCOUNTS).unlimited();
        let bench = Bench::new(builder.account(3, move |account| account.faults.deny_set = refuses).start());
        let run = bench.run("run", &[arguments, &["--rate=0"]].concat()).exits(code);
        let files = |name: &str| std::fs::read_to_string(run.folder.join(name)).expect("a file");
        let known = ["journal.jsonl", "run.json", "report.csv", "report.json"].map(files);
        let resumed = bench.again("run", &["resume", "run"]).exits(code).says(&["nothing is left to do"]);
        assert_eq!(resumed.all_calls(), 0, "{resumed}");
        assert_eq!(["journal.jsonl", "run.json", "report.csv", "report.json"].map(files), known, "{resumed}");
        assert!(resumed.stdout.contains("this run is finished"), "{resumed}");
    }
}

/// A kill before `run.json` exists leaves a folder with an empty journal: it can't be resumed, and a new run may use it.
#[test]
fn an_empty_run_folder_is_no_run() {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let bench = Bench::new(Organization::builder().accounts(ACCOUNTS).unlimited().start());
    let folder = bench.run_folder("run");
    std::fs::create_dir(&folder).expect("a new folder");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).expect("it is ours");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).open(folder.join("journal.jsonl")).expect("an empty journal");
    let resumed = bench.again("run", &["resume", "run"]).exits(1).says(&["run holds no run"]);
    assert!(!resumed.stderr.contains("did you mean"), "{resumed}");
    bench.run("run", &["apply", "--yes", "--rate=0"]).exits(0).agrees(TokenVersion::V2);
}

#[test]
fn retry_failed_visits_failed_and_unverified_accounts() {
    let builder = Organization::builder()
        .accounts(ACCOUNTS)
        .unlimited()
        .account(1, |account| account.faults.deny_assume = true)
        .account(2, |account| account.faults.deny_set = true)
        .account(3, |account| account.faults.read_back_never_shows = true)
        .account(4, |account| account.faults.captive_portal = 100);
    let bench = Bench::new(builder.start());
    let apply = ["apply", "--yes", "--rate=0", "--max-errors=100%", "--account-timeout=1s"];
    let run = bench.run("run", &apply).exits(3).agrees(TokenVersion::V2);
    assert_eq!((run.outcomes()["failed"], run.outcomes()["unverified"]), (2, 2), "{run}");
    bench.organization.control(|world| {
        for id in 1..=4 {
            world.account_mut(id).faults = Faults::default();
        }
        // The Set of 3 took effect, and reads show it now.
        world.account_mut(3).change_externally(Some(TokenVersion::V2));
    });

    let unasked = bench.again("run", &["resume", "run"]).exits(3).says(&["nothing is left to do"]);
    assert_eq!(unasked.all_calls(), 0, "{unasked}");
    let resumed = bench.again("run", &["resume", "run", "--retry-failed", "--yes"]);
    assert_eq!(resumed.calls(Operation::AssumeRole), 4, "nobody else is visited again\n{resumed}");
    assert_eq!(resumed.after.account(3).sets_received, 1, "it is read first, and what is there is not set again");
    let resumed = resumed.since(run.before.clone()).exits(0).agrees(TokenVersion::V2);
    assert_eq!(resumed.outcomes()["changed"], ACCOUNTS, "{resumed}");
    for row in resumed.rows().values() {
        assert_eq!(row["previous_version"], "v1Token", "what this run found is not forgotten: {row:#?}");
    }
}

#[test]
fn a_run_stopped_by_max_errors_is_resumed() {
    let builder = Organization::builder().accounts(ACCOUNTS).unlimited();
    let bench = Bench::new(builder.account(7, |account| account.faults.deny_assume = true).start());
    let apply = ["apply", "--yes", "--rate=0", "--canary=000000000007"];
    let run = bench.run("run", &apply).exits(5).agrees(TokenVersion::V2);
    assert_eq!(run.outcomes()["not_attempted"], ACCOUNTS - 1, "{run}");
    let before = run.before.clone();
    let resume = ["resume", "run", "--yes", "--leave-failed"];
    let rest = bench.again("run", &resume).since(before.clone()).exits(3).agrees(TokenVersion::V2);
    assert_eq!((rest.outcomes()["changed"], rest.outcomes()["failed"]), (ACCOUNTS - 1, 1), "{rest}");
    bench.organization.control(|world| world.account_mut(7).faults.deny_assume = false);
    let whole = bench
        .again("run", &["resume", "run", "--retry-failed", "--yes"])
        .since(before)
        .exits(0)
        .agrees(TokenVersion::V2);
    assert_eq!(whole.outcomes()["changed"], ACCOUNTS, "{whole}");
}

#[test]
fn settings_come_from_the_folder_and_the_rate_may_change() {
    let builder = slow().each_account(|account| {
        "ops/rollout/Setter".clone_into(&mut account.role.name);
    });
    let bench = Bench::new(builder.start());
    let before = killed(&bench, &["--role=ops/rollout/Setter", "--waves=3,100%", "--session-name=a-name-of-its-own"]);
    let folder = bench.run_folder("run");
    let was = settings(&folder);
    let resumed = bench.again("run", &["resume", "run", "--yes", "--concurrency=7", "--rate=900"]);
    let resumed = resumed.since(before).exits(0).agrees(TokenVersion::V2);
    let rows = resumed.rows();
    assert_eq!(rows.values().filter(|row| row["wave"] == "1").count(), 3, "{resumed}");
    assert!(
        rows.values().all(|row| row["role_arn"].is_empty() || row["role_arn"].ends_with(":role/ops/rollout/Setter")),
        "{resumed}"
    );
    let mut expected = was;
    expected["concurrency"] = 7.into();
    expected["rate"] = 900.into();
    assert_eq!(settings(&folder), expected);
    assert_eq!(accounts_with(&rows, "changed"), sent_to(&resumed.after), "{resumed}");
}

#[test]
fn settings_that_belong_to_the_run_can_not_change() {
    let bench = Bench::new(slow().start());
    let before = killed(&bench, &[]);
    for option in
        ["--to=v1Token", "--account=000000000001", "--exclude-account=000000000001", "--run-dir=x", "--session-name=xx"]
    {
        let run = bench.again("run", &["resume", "run", option]).exits(2).says(&["belongs to the run"]);
        assert_eq!(run.all_calls(), 0, "{run}");
    }
    bench.again("run", &["resume", "run", "--yes"]).since(before).exits(0).agrees(TokenVersion::V2);
}

#[test]
fn a_torn_last_line_is_cut_off() {
    for tail in ["{\"event\":\"rec", "{\"event\":\"resumed\",\"version\":\"1\"}", "\0\0\0\0\0\0"] {
        let bench = Bench::new(slow().start());
        let before = killed(&bench, &[]);
        let journal = bench.run_folder("run").join("journal.jsonl");
        rewrite(&journal, |text| {
            let whole = text.rfind('\n').map_or(0, |at| at + 1);
            format!("{}{tail}", &text[..whole])
        });
        bench.again("run", &["report", "run", "--output=none"]).exits(0);
        let resumed = bench.again("run", &["resume", "run", "--yes"]).since(before).exits(0).agrees(TokenVersion::V2);
        assert_eq!(accounts_with(&resumed.rows(), "changed"), sent_to(&resumed.after), "{resumed}");
        let (_, replay) = RunFolder::read(&resumed.folder).expect("a journal that can be read");
        assert_eq!(replay.length, journal.metadata().expect("a journal").len(), "nothing of the tail is left");
    }
}

#[test]
fn a_damaged_journal_is_refused_and_left_unchanged() {
    let damage = |line: usize| {
        move |text: String| {
            let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
            lines[line - 1] = "{\"event\":\"account\",\"id\":\"0000\n";
            lines.concat()
        }
    };
    let without = |event: &'static str| {
        move |text: String| {
            let first = text.lines().position(|line| line.contains(event)).expect("there is one");
            let others = text.split_inclusive('\n').enumerate().filter(|(at, _)| *at != first);
            others.map(|(_, line)| line).collect()
        }
    };
    let missing = "does not follow from those before it";
    let table: [(Change, &str); 8] = [
        (Box::new(without("\"account\"")), missing),
        (Box::new(without("\"target\"")), missing),
        (Box::new(without("\"ready\"")), missing),
        (Box::new(without("\"intent\"")), missing),
        (Box::new(damage(3)), "line 3 of the journal"),
        (Box::new(damage(30)), "line 30 of the journal"),
        (Box::new(|text| text.replacen("\"format\":2", "\"format\":3", 1)), "in format 3"),
        (Box::new(|text| text.replacen("\"event\":\"account\"", "\"event\":\"omen\"", 1)), "line 2 of the journal"),
    ];
    for (change, words) in table {
        let bench = Bench::new(slow().start());
        killed(&bench, &[]);
        let journal = bench.run_folder("run").join("journal.jsonl");
        rewrite(&journal, change);
        let known = std::fs::read(&journal).expect("a journal");
        for command in [&["resume", "run"][..], &["report", "run"], &["rollback", "run", "--yes", "--run-dir=back"]] {
            let run = bench.again("run", command).exits(1).says(&[words]);
            assert_eq!(run.all_calls(), 0, "{command:?}\n{run}");
        }
        assert_eq!(std::fs::read(&journal).expect("a journal"), known, "{words}");
        assert!(!bench.run_folder("back").exists(), "{words}");
    }
}

#[test]
fn folders_of_another_organization_or_without_a_run_are_refused() {
    let bench = Bench::new(slow().start());
    killed(&bench, &[]);
    of_another_organization(&bench.run_folder("run"));
    std::fs::create_dir(bench.run_folder("empty")).expect("a writable folder");
    for (folder, words) in [
        ("run", "the run is about Organization o-anotherorg2, and the caller is in o-exampleorg1"),
        ("empty", "empty holds no run"),
        ("missing", "missing holds no run"),
    ] {
        let resume = ["resume", folder, "--yes", "--report=new.csv"];
        let run = bench.again(folder, &resume).exits(1).says(&["nothing was attempted", words]);
        assert!(!run.touched_accounts(), "{run}");
        assert!(!bench.folder.path().join("new.csv").exists(), "an empty report was left behind\n{run}");
    }
}

#[test]
fn an_external_id_must_be_given_again() {
    let builder = slow().each_account(|account| account.role.external_id = Some(EXTERNAL_ID.to_owned()));
    let mut bench = Bench::new(builder.start());
    let before = killed(&bench, &["--external-id", EXTERNAL_ID]);
    let refused = bench.again("run", &["resume", "run"]).exits(2).says(&["give it again with --external-id"]);
    refused.holds_no_secret(EXTERNAL_ID);
    assert_eq!(refused.all_calls(), 0, "{refused}");
    let resumed = bench.env("V2TOKEN_EXTERNAL_ID", EXTERNAL_ID).again("run", &["resume", "run", "--yes"]);
    resumed.holds_no_secret(EXTERNAL_ID);
    let resumed = resumed.since(before.clone()).exits(0).agrees(TokenVersion::V2);
    assert_eq!(resumed.outcomes()["changed"], ACCOUNTS, "{resumed}");

    bench.without_env("V2TOKEN_EXTERNAL_ID");
    bench.run("refused", &["rollback", "run", "--yes"]).exits(2).attempted_nothing("give it again with --external-id");
    let back = bench.run("back", &["rollback", "run", "--yes", "--external-id", EXTERNAL_ID]).exits(0);
    back.holds_no_secret(EXTERNAL_ID);
    assert_eq!(back.after.with_version(TokenVersion::V1), before.accounts.len(), "{back}");
}

#[test]
fn a_stopped_plan_is_resumed() {
    let bench = Bench::new(slow().start());
    let mut running = Running::start(&bench, "run", &["plan", "--rate=0", "--concurrency=2"]);
    running.until(|truth| truth.requests(Operation::GetAccountSummary) >= 5).send("INT");
    let stopped = running.end().exits(130).agrees(TokenVersion::V2);
    let visited = stopped.outcomes()["would_change"];
    let resumed = bench.again("run", &["resume", "run"]);
    assert_eq!(resumed.calls(Operation::GetAccountSummary), (ACCOUNTS - visited) as u64, "{resumed}");
    let resumed = resumed.exits(0).agrees(TokenVersion::V2);
    assert_eq!((resumed.outcomes()["would_change"], resumed.calls(SET)), (ACCOUNTS, 0), "{resumed}");
    let applied = bench.run("applied", &["apply", "--yes", "--rate=0", "--plan=run"]).exits(0);
    assert_eq!(applied.after.with_version(TokenVersion::V2), ACCOUNTS, "{applied}");
}

/// The account that was in flight when the process ended is read first, and the change counts as this run's.
#[test]
fn a_set_with_a_lost_answer_counts_as_changed_by_the_run() {
    let builder = Organization::builder().accounts(ACCOUNTS).unlimited();
    let bench = Bench::new(builder.account(7, |account| account.faults.slow = Duration::from_millis(400)).start());
    let apply = ["apply", "--yes", "--rate=0", "--waves=100%"];
    let mut running = Running::start(&bench, "run", &apply);
    running.until(|truth| !truth.account(AccountId::new(7)).sets_applied.is_empty());
    let before = running.kill();
    let resumed = bench.again("run", &["resume", "run", "--yes"]);
    assert_eq!(resumed.after.account(7).sets_received, 1, "it is not set a second time\n{resumed}");
    let resumed = resumed.since(before).exits(0).agrees(TokenVersion::V2);
    let row = &resumed.rows()["000000000007"];
    assert_eq!((row["outcome"].as_str(), row["previous_version"].as_str()), ("changed", "v1Token"), "{row:#?}");
}

/// A container has one command line, and is started again after a kill.
#[test]
fn the_same_command_line_starts_a_run_and_goes_on_with_it() {
    let bench = Bench::new(slow().start());
    let line = ["apply", "--yes", "--rate=0", "--concurrency=4", "--resume-or-start"];
    let before = killed(&bench, &["--resume-or-start"]);
    let started = bench.truth().requests(SET) - before.requests(SET);
    assert!(started < 20, "it was killed midway: {started}");
    let again = bench.run("run", &line).exits(0).since(before).agrees(TokenVersion::V2);
    assert_eq!(again.calls(SET), ACCOUNTS as u64, "no account is set twice");
    let done = bench.run("run", &line).exits(0).says(&["nothing is left to do"]);
    assert_eq!(done.all_calls(), 0, "{done}");
    // A plan is a run of its own kind.
    bench.run("plan", &["plan", "--resume-or-start"]).exits(0);
    assert_eq!(bench.run("plan", &["plan", "--resume-or-start"]).exits(0).all_calls(), 0);
}

#[test]
fn a_run_with_other_options_is_not_gone_on_with() {
    let bench = Bench::new(Organization::builder().accounts(ACCOUNTS).unlimited().start());
    bench.run("run", &["apply", "--yes", "--rate=0", "--waves=1,100%", "--resume-or-start"]).exits(0);
    std::fs::write(bench.folder.path().join("exceptions.csv"), "account_id,reason,until\n000000000002,x,\n")
        .expect("a file");
    for (arguments, problem) in [
        (&["apply", "--yes", "--waves=1,100%", "--to=v1Token"][..], "another --global-endpoint-token-version"),
        (&["apply", "--yes", "--waves=2,100%"], "another --waves"),
        (&["apply", "--yes", "--waves=1,100%", "--shard=0/2"], "another --shard"),
        (&["apply", "--yes", "--waves=1,100%", "--canary=000000000001"], "another --canary"),
        (&["apply", "--yes", "--waves=1,100%", "--management-account=skip"], "another --management-account"),
        (&["apply", "--yes", "--waves=1,100%", "--account=000000000001"], "another selection"),
        (&["apply", "--yes", "--waves=1,100%", "--exceptions=exceptions.csv"], "another selection"),
        (
            &["apply", "--yes", "--waves=1,100%", "--verify=token=ap-east-1", "--to=v1Token"],
            "another --global-endpoint",
        ),
        (&["plan", "--waves=1,100%"], "it has a run of apply"),
    ] {
        let run = bench.run("run", &[arguments, &["--resume-or-start"]].concat()).exits(2);
        assert!(run.stderr.contains(problem) && run.stderr.contains("--run-dir"), "{arguments:?}\n{run}");
        assert_eq!(run.all_calls(), 0, "{arguments:?}\n{run}");
    }
    // The folder must be named: a new one for each start would never be gone on with.
    let mut command = bench.bare(&["apply", "--yes", "--resume-or-start"]);
    let run = bench
        .finish("none", {
            command.env_remove("V2TOKEN_RUN_DIR");
            command
        })
        .exits(2);
    assert!(run.stderr.contains("--run-dir <DIR>"), "{run}");
}

#[test]
fn the_number_of_the_shard_is_in_the_path_of_its_run() {
    let bench = Bench::new(Organization::builder().accounts(ACCOUNTS).unlimited().start());
    for index in 0..2 {
        let mut command = bench.bare(&["apply", "--yes", "--rate=0", "--shard=auto/2", "--run-dir=parts/part-{shard}"]);
        command.env("JOB_COMPLETION_INDEX", index.to_string());
        bench.finish("none", command).exits(0);
    }
    let merged = bench
        .again("none", &["report", "parts/part-0", "parts/part-1", "--query=summary.changed", "--output=json"])
        .exits(0);
    assert_eq!(merged.stdout.trim(), ACCOUNTS.to_string());
    let run = bench.again("none", &["apply", "--yes", "--run-dir=part-{shard}"]).exits(2);
    assert!(run.stderr.contains("none is given"), "{run}");
}

/// What a resume checks and takes from the run also holds for a command line that is given again.
#[test]
fn a_run_that_is_gone_on_with_keeps_what_is_not_given_again() {
    let bench = {
        let builder = slow().each_account(|account| {
            account.role.external_id = Some(EXTERNAL_ID.to_owned());
            account.version = Some(TokenVersion::V2);
        });
        Bench::new(builder.start())
    };
    let external_id = format!("--external-id={EXTERNAL_ID}");
    killed(&bench, &["--resume-or-start", "--to=v1Token", &external_id]);
    let line = ["apply", "--yes", "--rate=0", "--to=v1Token", "--resume-or-start"];
    let run = bench.run("run", &line).exits(2);
    assert!(run.stderr.contains("--external-id"), "{run}");
    let proof = ["--verify=token=ap-east-1", &external_id];
    let run = bench.run("run", &[&line[..], &proof].concat()).exits(2);
    assert!(run.stderr.contains("proves v2Token"), "a token of v2 would prove nothing\n{run}");
    assert_eq!(run.all_calls(), 0, "{run}");
}
