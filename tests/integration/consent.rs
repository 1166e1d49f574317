//! Nothing is changed without being asked: what a resume and a rollback ask, and which accounts a resume visits first.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use v2token_simulator::{
    AccountId, Builder, Faults, Latency, MANAGEMENT_ACCOUNT, Operation, Organization, TokenVersion, Truth,
};

use crate::confirmation::{answer_to, no_terminal};
use crate::harness::{Bench, Run, accounts_with, rewrite, without_end};
use crate::running::Running;

const ACCOUNTS: usize = 20;
const SET: Operation = Operation::SetSecurityTokenServicePreferences;
const CANARY: &str = "000000000007";

fn organization() -> Builder {
    Organization::builder().accounts(ACCOUNTS).unlimited()
}

/// An Organization whose canary can't be set, and an apply that the canary has stopped.
fn stopped_by_its_canary() -> (Bench, Run) {
    let bench = Bench::new(organization().account(7, |account| account.faults.deny_set = true).start());
    let run = bench.run("run", &["apply", "--yes", "--rate=0", "--canary", CANARY, "--bake=0s"]).exits(5);
    assert_eq!((run.outcomes()["failed"], run.outcomes()["not_attempted"]), (1, ACCOUNTS - 1), "{run}");
    (bench, run)
}

fn heal(bench: &Bench) {
    bench.organization.control(|world| {
        for id in (1..ACCOUNTS as u64).chain([MANAGEMENT_ACCOUNT.number()]) {
            world.account_mut(id).faults = Faults::default();
        }
    });
}

/// An apply or a rollback that was killed, interrupted, or stopped by its canary does not go on by itself.
#[test]
fn a_resume_that_would_change_accounts_asks() {
    let slow = || organization().latency(Latency { iam: Duration::from_millis(40), ..Latency::default() });
    let started = |bench: &Bench, arguments: &[&str], end: fn(Running<'_>)| {
        let mut running = Running::start(bench, "run", &[arguments, &["--rate=0", "--concurrency=2"]].concat());
        let sets = running.before().requests(SET);
        running.until(|truth| truth.requests(SET) >= sets + 3);
        end(running);
    };
    let kill: fn(Running<'_>) = |running| drop(running.kill());
    let interrupt: fn(Running<'_>) = |mut running| {
        running.send("INT");
        running.end().exits(130);
    };
    let killed = Bench::new(slow().start());
    started(&killed, &["apply", "--yes", "--waves=100%"], kill);
    let interrupted = Bench::new(slow().start());
    started(&interrupted, &["apply", "--yes", "--waves=100%"], interrupt);
    let rolling_back = Bench::new(slow().start());
    rolling_back.run("first", &["apply", "--yes", "--rate=0"]).exits(0);
    started(&rolling_back, &["rollback", "first", "--yes", "--waves=100%"], kill);
    let (stopped, _) = stopped_by_its_canary();

    for (what, bench) in [
        ("a killed apply", killed),
        ("an interrupted apply", interrupted),
        ("a killed rollback", rolling_back),
        ("an apply that its canary stopped", stopped),
    ] {
        let journal = bench.run_folder("run").join("journal.jsonl");
        let known = std::fs::read(&journal).expect("a journal");
        for arguments in
            [&["resume", "run"][..], &["resume", "run", "--retry-failed"], &["resume", "run", "--leave-failed"]]
        {
            let refused = bench.again("run", arguments).exits(1);
            let refused = refused.says(&["nothing was attempted by this resume", "give --yes"]);
            assert_eq!(refused.all_calls(), 0, "{what}\n{refused}");
            assert_eq!(std::fs::read(&journal).expect("a journal"), known, "{what}\n{refused}");
        }
        // What the run was started with is no answer for a later process.
        rewrite(&bench.run_folder("run").join("run.json"), |text| text.replace("\"yes\": false", "\"yes\": true"));
        bench.again("run", &["resume", "run"]).exits(1).says(&["give --yes"]);
        heal(&bench);
        let mut command = bench.bare(&["resume", "run", "--rate=0"]);
        bench
            .finish("run", {
                command.env("V2TOKEN_YES", "true");
                command
            })
            .exits(0);
    }
}

/// The question of a resume says what is left and what stopped the run, and only yes goes on.
#[test]
fn the_question_of_a_resume_says_what_is_left() {
    if no_terminal() {
        return;
    }
    let (bench, stopped) = stopped_by_its_canary();
    let files = || {
        ["journal.jsonl", "report.csv", "report.json"]
            .map(|name| std::fs::read(stopped.folder.join(name)).expect("a file"))
    };
    let known = files();
    let resume = ["resume", "run", "--color=off", "--rate=0"];
    for typed in ["n\n", "\n", "\u{4}"] {
        let run = answer_to(&bench, "run", &bench.bare(&resume), typed).exits(1);
        for part in [
            "go on: set GlobalEndpointTokenVersion to v2Token in 20 accounts",
            ", started ",
            "stopped by --max-errors",
            "20 left of 20 selected, 20 listed",
            "1 that failed before, 1, 18 accounts",
            "000000000007 (",
            "Continue? [y/N]",
            "nothing was attempted by this resume",
        ] {
            assert!(run.stdout.contains(part), "{part}\n{run}");
        }
        assert!(!run.touched_accounts(), "{typed:?}\n{run}");
        assert_eq!(files(), known, "{typed:?}\n{run}");
    }
    heal(&bench);
    let run = answer_to(&bench, "run", &bench.bare(&resume), "y\n").exits(0).since(stopped.before);
    assert_eq!(run.agrees(TokenVersion::V2).outcomes()["changed"], ACCOUNTS);
}

/// The accounts that stopped a run are judged before the others are set.
#[test]
fn a_resume_visits_the_accounts_that_stopped_the_run_first() {
    let set = |truth: &Truth| truth.with_version(TokenVersion::V2);
    // The run ended with its stop, and was then resumed and interrupted; or it was killed before it could write its end.
    let is_killed: fn(&Bench) = |bench| {
        without_end(&bench.run_folder("run"));
        rewrite(&bench.run_folder("run").join("journal.jsonl"), |text| {
            text.split_inclusive('\n').filter(|line| !line.contains("\"event\":\"ended\"")).collect()
        });
    };
    let is_interrupted: fn(&Bench) = |bench| {
        without_end(&bench.run_folder("run"));
        rewrite(&bench.run_folder("run").join("journal.jsonl"), |text| {
            let ended = "{\"event\":\"ended\",\"exit_code\":130,\"verdict\":\"stopped by SIGINT\"}\n";
            format!("{text}{{\"event\":\"resumed\",\"version\":\"0.1.0\"}}\n{ended}")
        });
    };
    for (what, then) in [("stopped", (|_| {}) as fn(&Bench)), ("killed", is_killed), ("interrupted", is_interrupted)] {
        let (bench, stopped) = stopped_by_its_canary();
        then(&bench);
        let again = bench.again("run", &["resume", "run", "--yes", "--rate=0"]).exits(5);
        assert_eq!((again.calls(SET), set(&again.after)), (1, 0), "{what}: only the canary is tried\n{again}");
        let again = again.says(&["1 that failed before, 1, 18 accounts"]);
        assert_eq!(again.outcomes()["not_attempted"], ACCOUNTS - 1, "{what}\n{again}");

        let left = bench.again("run", &["resume", "run", "--yes", "--rate=0", "--leave-failed"]).exits(3);
        assert_eq!((left.outcomes()["changed"], left.outcomes()["failed"]), (ACCOUNTS - 1, 1), "{what}\n{left}");
        assert_eq!(left.after.account(7).sets_received, left.before.account(7).sets_received, "{what}\n{left}");
        let rest = bench.again("run", &["resume", "run"]).exits(3).says(&["nothing is left to do"]);
        assert_eq!(rest.all_calls(), 0, "{what}\n{rest}");
        heal(&bench);
        let retried = bench.again("run", &["resume", "run", "--yes", "--retry-failed"]).exits(0).since(stopped.before);
        assert_eq!(retried.agrees(TokenVersion::V2).outcomes()["changed"], ACCOUNTS, "{what}");
    }
}

/// Some failures are tolerated, as in any other wave; more of them stop the run again.
#[test]
fn the_wave_of_failed_accounts_is_judged_by_max_errors() {
    let failing = |id: AccountId| id.number().is_multiple_of(2) && id != MANAGEMENT_ACCOUNT;
    let bench =
        Bench::new(organization().each_account(move |account| account.faults.deny_set = failing(account.id())).start());
    let apply = ["apply", "--yes", "--rate=0", "--concurrency=1", "--max-errors=50%", "--waves=10,100%"];
    let odd = "--canary=000000000002,000000000004,000000000006,000000000001";
    let run = bench.run("run", &[&apply[..], &[odd]].concat()).exits(5);
    assert_eq!((run.outcomes()["failed"], run.outcomes()["changed"]), (3, 1), "{run}");
    let resume = ["resume", "run", "--yes", "--rate=0", "--concurrency=1"];
    bench.organization.control(|world| world.account_mut(2).faults = Faults::default());
    let again = bench.again("run", &resume).exits(5);
    assert_eq!((again.outcomes()["failed"], again.outcomes()["changed"]), (2, 2), "{again}");
    bench.organization.control(|world| world.account_mut(4).faults = Faults::default());
    // One of two fails, which is tolerated; the run then goes on to the other accounts, of which half can't be set.
    let rest = bench.again("run", &resume);
    assert!(rest.calls(SET) > 2 && rest.outcomes()["changed"] > 3, "{rest}");
    assert!(accounts_with(&rest.rows(), "failed").contains("000000000006"), "{rest}");
}

/// Of the few accounts that a resume visits, one may fail: the percentage refers to the accounts of the run.
#[test]
fn a_retry_of_a_few_accounts_tolerates_a_failure() {
    for (healed, code, failed) in [(2..=8, 3, 1), (9..=9, 5, 8)] {
        let builder = organization().each_account(|account| account.faults.deny_set = account.id().number() <= 8);
        let bench = Bench::new(builder.start());
        bench.run("run", &["apply", "--yes", "--rate=0", "--max-errors=100%"]).exits(3);
        bench.organization.control(|world| {
            for id in healed.clone() {
                world.account_mut(id).faults = Faults::default();
            }
        });
        let retry = ["resume", "run", "--retry-failed", "--yes", "--rate=0", "--max-errors=10%", "--concurrency=1"];
        let run = bench.again("run", &retry).exits(code);
        let outcomes = run.outcomes();
        // Three failures are more than 10% of 20, and the others keep what their first visits found.
        assert_eq!((outcomes["failed"], outcomes.contains_key("not_attempted")), (failed, false), "{run}");
        let stopped = run.stderr.contains("because 3 failed, and at most 2 may");
        assert_eq!(stopped, code == 5, "{run}");
    }
}

/// A resume visits all accounts that failed in one wave, but each row still has the wave of its account.
#[test]
fn a_repeated_visit_keeps_the_wave_of_its_account() {
    let bench = Bench::new(organization().each_account(|account| account.faults.deny_set = true).start());
    let run = bench.run("run", &["apply", "--yes", "--rate=0", "--max-errors=100%", "--waves=2,5,100%"]).exits(3);
    let waves = |run: &Run| -> BTreeMap<String, String> {
        run.rows().into_iter().map(|(id, row)| (id, row["wave"].clone())).collect()
    };
    let before = waves(&run);
    let numbers: BTreeSet<&str> = before.values().map(String::as_str).collect();
    assert_eq!(numbers, ["1", "2", "3"].into(), "{run}");
    heal(&bench);
    let again = bench.again("run", &["resume", "run", "--retry-failed", "--yes", "--rate=0"]).exits(0);
    assert!(again.outcomes()["changed"] > 5, "{again}");
    assert_eq!(waves(&again), before, "{again}");
}

/// A resumed plan changes nothing, so it asks nothing.
#[test]
fn a_resume_of_a_plan_asks_nothing() {
    let bench = Bench::new(organization().each_account(|account| account.faults.deny_read = true).start());
    bench.run("run", &["plan", "--rate=0", "--max-errors=2", "--concurrency=1"]).exits(5);
    heal(&bench);
    let run = bench.again("run", &["resume", "run", "--rate=0"]).exits(0);
    assert_eq!((run.outcomes()["would_change"], run.calls(SET)), (ACCOUNTS, 0), "{run}");
}

/// Whether there is something to undo is known before the question.
#[test]
fn a_rollback_with_nothing_to_undo_says_so_before_it_asks() {
    let bench = Bench::new(organization().each_account(|account| account.version = Some(TokenVersion::V2)).start());
    bench.run("plan", &["plan", "--rate=0"]).exits(0);
    bench.run("run", &["apply", "--yes", "--rate=0"]).exits(0);
    bench
        .run("refused", &["rollback", "plan"])
        .exits(1)
        .attempted_nothing("is the folder of a plan, which changed nothing");
    let back = bench.run("back", &["rollback", "run"]).exits(0);
    assert!(back.stdout.contains("nothing to do") && !back.touched_accounts(), "{back}");
    bench.run("again", &["rollback", "back"]).exits(0);
}

/// The question names the version, the plan and its age, and the accounts of the first wave.
#[test]
fn the_question_names_the_version_the_plan_and_the_first_accounts() {
    let bench = Bench::new(organization().start());
    bench.run("plan", &["plan", "--rate=0"]).exits(0);
    rewrite(&bench.run_folder("plan").join("run.json"), |text| {
        let from = text.find("\"ended_at\": \"").expect("it has ended") + "\"ended_at\": \"".len();
        format!("{}2020-01-01T00:00:00.000Z{}", &text[..from], &text[from + 24..])
    });
    let canaries = "--canary=000000000001,000000000002,000000000003,000000000004,000000000005,000000000006";
    let apply = ["apply", "--plan=plan", "--yes", "--rate=0", canaries];
    let run = bench.run("run", &apply).exits(0).says(&[" days ago", "  plan  ", ", and 1 more"]);
    let first = run.stderr.lines().find(|line| line.contains("first wave")).expect("it is named");
    assert_eq!(first.matches(" (account-").count(), 5, "at most five are named\n{run}");
    bench.run("back", &["rollback", "run", "--yes", "--rate=0"]).exits(0).says(&[
        "changed in 20 accounts: to v1Token",
        "  undoes  ",
        ": apply 20",
        ", ended ",
        "sessions limited to read and set",
    ]);
    // What was unknown before goes to v1Token, and what was on v1Token before goes there as well.
    bench.organization.control(|world| world.account_mut(1).change_externally(Some(TokenVersion::V2)));
    bench.run("down", &["apply", "--to=v1Token", "--yes", "--rate=0"]).exits(0);
    bench.run("up", &["rollback", "down", "--yes", "--rate=0"]).exits(0).says(&["changed in 1 account: to v2Token"]);
}
