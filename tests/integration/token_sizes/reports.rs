//! What the reports tell of the versions that are issued.

use serde_json::Value;
use v2token_simulator::{GlobalSize, TokenVersion};

use super::{APPLY, Duration, NEVER, VERIFY, organization};
use crate::harness::{Bench, Run};

/// An organization in which 2 and 3 were just set by somebody else, so that their tokens do not follow yet.
fn lagging() -> Bench {
    let bench = Bench::new(organization(8, NEVER).start());
    bench.organization.control(|world| {
        for number in [2_u64, 3] {
            world.account_mut(number).change_externally(Some(TokenVersion::V2));
        }
    });
    bench
}

fn json(run: &Run) -> Value {
    let text = std::fs::read_to_string(run.folder.join("report.json")).expect("a report");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn accounts_whose_setting_and_issued_version_differ_are_named() {
    let bench = lagging();
    let report = bench.folder.path().join("report.md");
    let markdown = format!("--report={}", report.display());
    let run = bench.run("plan", &["plan", "--rate=0", VERIFY, &markdown]).exits(0);
    let sentence = "The global endpoint was asked about 7 accounts: another version than the setting says is issued in 2, the version of \
                    the setting is issued in 5";
    let named = "000000000002 (account-2): the setting is v2Token, and v1Token is issued";
    let page = std::fs::read_to_string(run.folder.join("report.html")).expect("a page");
    let markdown = std::fs::read_to_string(&report).expect("a report");
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (what, text) in [("summary", &run.stdout), ("page", &page), ("markdown", &markdown)] {
        let text = flat(text);
        assert!(text.contains(sentence) && text.contains(named), "{what}: {text}");
    }
    let document = json(&run);
    assert_eq!(document["run"]["settings"]["verify"], "token");
    let differing = |account: &&Value| {
        !account["issued_version"].is_null() && account["issued_version"] != account["current_version"]
    };
    let ids: Vec<&str> = document["accounts"]
        .as_array()
        .expect("accounts")
        .iter()
        .filter(differing)
        .map(|account| account["account_id"].as_str().expect("an id"))
        .collect();
    assert_eq!(ids, ["000000000002", "000000000003"]);
    let account = &document["accounts"][1];
    assert!(account["regional_token_size"].is_u64() && account["global_token_size"].is_u64(), "{account:#}");
    assert!(
        account["hint"]
            .as_str()
            .expect("a hint")
            .contains("the setting is v2Token, but the global endpoint issues v1Token")
    );
    assert_eq!((account["outcome"].as_str(), &account["verified"]), (Some("unchanged"), &Value::Null));

    // The journal has everything that the report needs.
    let again = bench.again("plan", &["report", "plan", "--output=csv"]).exits(0);
    assert_eq!(again.stdout, std::fs::read_to_string(run.folder.join("report.csv")).expect("a report"));
    let query = "accounts[?issued_version && issued_version!=current_version].account_id";
    let found = bench.again("plan", &["report", "plan", "--query", query, "--output=text"]).exits(0);
    assert_eq!(found.stdout.split_whitespace().collect::<Vec<_>>(), ids, "{found}");
}

/// The reasons, with their numbers, in the reports for people. The messages differ only in the account.
#[test]
fn reports_say_why_the_issued_version_is_not_known() {
    let builder = organization(9, Duration::ZERO).each_account(|account| match account.id().number() {
        1..=3 => account.faults.global.denied = true,
        4 | 5 => account.faults.global.size = GlobalSize::Between,
        6 => account.faults.global.size = GlobalSize::Missing,
        _ => {}
    });
    let bench = Bench::new(builder.start());
    let report = bench.folder.path().join("report.md");
    let markdown = format!("--report={}", report.display());
    let run = bench.run("plan", &["plan", "--rate=0", VERIFY, &markdown]).exits(0);
    let page = std::fs::read_to_string(run.folder.join("report.html")).expect("a page");
    let markdown = std::fs::read_to_string(&report).expect("a report");
    let flat =
        |text: &str| text.replace("&#60;", "<").replace("&#62;", ">").split_whitespace().collect::<Vec<_>>().join(" ");
    for (what, text) in [("summary", &run.stdout), ("page", &page), ("markdown", &markdown)] {
        let text = flat(text);
        for says in [
            "the issued version is not known in 6",
            "not known in 3: AssumeRole failed with AccessDenied",
            "not known in 2: the size of its token is between those of the two versions",
            "not known in 1 for other reasons",
        ] {
            assert!(text.contains(says), "{what}: {says}: {text}");
        }
    }
    // A change that could not be proven has the reason as its error.
    let run = bench.run("run", &APPLY).exits(3);
    assert!(flat(&run.stdout).contains("not known in 3: AccessDenied: "), "{run}");
}

#[test]
fn columns_of_tokens_are_only_there_if_they_are_asked_for() {
    let bench = Bench::new(organization(3, Duration::ZERO).start());
    let header = |run: &Run| {
        let text = std::fs::read_to_string(run.folder.join("report.csv")).expect("a report");
        text.lines().next().expect("a header").to_owned()
    };
    let plain = bench.run("plain", &["plan", "--rate=0"]).exits(0);
    assert!(header(&plain).ends_with(",run_id,ou_names"), "{plain}");
    assert!(!plain.stdout.contains("global endpoint"), "{plain}");
    let audit = bench.run("audit", &["plan", "--rate=0", VERIFY]).exits(0);
    let tokens = ",ou_names,verified,issued_version,regional_token_size,global_token_size";
    assert!(header(&audit).ends_with(tokens), "{audit}");
    // Merged with a run without these columns, the report has them all the same, in the same place.
    for order in [["plain", "audit"], ["audit", "plain"]] {
        let merged = bench.again("none", &["report", order[0], order[1], "--output=csv"]).exits(0);
        assert!(merged.stdout.lines().next().is_some_and(|header| header.ends_with(tokens)), "{merged}");
    }
    // What an audit finds out about an account that an earlier run set is part of the merged report.
    bench.run("run", &["apply", "--yes", "--rate=0"]).exits(0);
    bench.run("later", &["plan", "--rate=0", VERIFY]).exits(0);
    let merged = bench.again("none", &["report", "run", "later", "--output=csv"]).exits(0);
    assert!(merged.stdout.contains(",changed,") && merged.stdout.contains(",setting,v2Token,"), "{merged}");
}

#[test]
fn the_question_says_how_a_change_is_proven() {
    let bench = Bench::new(organization(3, Duration::ZERO).start());
    let run = bench.run("run", &APPLY).exits(0);
    assert!(run.stderr.contains("proven by the size of a token of the global endpoint"), "{run}");
}

/// The run that follows a preview does not take over its options, so the line to copy has the proof.
#[test]
fn the_next_step_of_a_plan_has_its_proof() {
    let bench = Bench::new(organization(3, Duration::ZERO).start());
    let without = bench.run("plain", &["plan", "--rate=0"]).exits(0);
    assert!(without.stdout.contains("To set these 3: v2token apply --plan "), "{without}");
    let plan = bench.run("v2token-runs/plan", &["plan", "--rate=0", VERIFY]).exits(0);
    let line = "v2token apply --verify token --plan ";
    assert!(plan.stdout.contains(&format!("To set these 3: {line}")), "{plan}");
    let runs = bench.again("none", &["runs", "--output=json"]).exits(0);
    assert!(runs.stdout.contains(line), "{runs}");
    bench.run("run", &APPLY).exits(0);
    let preview = bench.run("undo", &["rollback", "run", "--dry-run", "--rate=0", VERIFY]).exits(0);
    assert!(preview.stdout.contains("To put these 3 back: v2token rollback --verify token "), "{preview}");
}

/// The exit code stays, because the setting is right, but the sentence does not pass over the tokens.
#[test]
fn the_sentence_names_the_accounts_whose_tokens_do_not_follow() {
    let bench = lagging();
    let says = "nothing to do: all of 2 selected accounts are on v2Token already, but v1Token is still issued in 2";
    let two = "--account=000000000002,000000000003";
    let plan = bench.run("plan", &["plan", "--rate=0", VERIFY, two, "--detailed-exitcode"]).exits(0);
    assert!(plan.stdout.contains(says), "{plan}");
    let run = bench.run("run", &[&APPLY[..], &[two]].concat()).exits(0);
    assert!(run.stdout.contains(says), "{run}");
    assert_eq!(json(&run)["run"]["verdict"]["sentence"], says, "{run}");
    let says = "nothing was changed; v1Token is still issued in 2 that had nothing to change";
    let all = bench.run("all", &["plan", "--rate=0", VERIFY]).exits(0);
    assert!(all.stdout.contains(says), "{all}");
    let merged = bench.again("none", &["report", "plan", "all"]).exits(0);
    assert!(merged.stdout.contains(says), "{merged}");
}

/// A setting that was read back is not in doubt only because its proof is missing.
#[test]
fn a_missing_proof_is_no_doubt_about_the_setting() {
    let bench = Bench::new(
        organization(4, Duration::ZERO)
            .account(1, |account| account.faults.global.denied = true)
            .account(2, |account| account.faults.global.denied = true)
            .start(),
    );
    let report = bench.folder.path().join("report.md");
    let markdown = format!("--report={}", report.display());
    let run = bench.run("run", &[&APPLY[..], &[&markdown]].concat()).exits(3).agrees(TokenVersion::V2);
    let page = std::fs::read_to_string(run.folder.join("report.html")).expect("a page");
    let markdown = std::fs::read_to_string(&report).expect("a report");
    for (what, text) in [("summary", &run.stdout), ("page", &page), ("markdown", &markdown)] {
        assert!(text.contains("the setting was read back as wanted, but not proven with a token"), "{what}: {text}");
        assert!(!text.contains("could not be read back"), "{what}: {text}");
    }
}
