//! `--joined-since`: only accounts that joined the Organization lately.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use v2token_simulator::{Builder, ListingFault, Organization, TokenVersion};

use crate::harness::{Bench, Run};

const DAY: u64 = 24 * 60 * 60;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970").as_secs()
}

/// Six accounts that joined 1, 5, 10, and 400 days ago, and two long before.
fn organization() -> Builder {
    let now = now();
    Organization::builder().accounts(6).unlimited().each_account(move |account| {
        let days = match account.id().number() {
            1 => 1,
            2 => 5,
            3 => 10,
            4 => 400,
            _ => 2000,
        };
        account.joined_at = now - days * DAY;
    })
}

fn visited(run: &Run) -> BTreeSet<u64> {
    let rows = run.rows().into_iter().filter(|(_, row)| row["outcome"] != "skipped");
    rows.map(|(id, _)| id.parse().expect("an id is a number")).collect()
}

#[test]
fn the_time_of_joining_selects() {
    let bench = Bench::new(organization().start());
    let days_ago =
        |days| humantime::format_rfc3339_seconds(SystemTime::now() - Duration::from_secs(days * DAY)).to_string();
    let day = days_ago(7)[..10].to_owned();
    let instant = days_ago(3);
    for (index, (since, expected)) in [
        ("7d", vec![1, 2]),
        ("36h", vec![1]),
        ("1y", vec![1, 2, 3]),
        ("100y", vec![1, 2, 3, 4, 5, 100]),
        (&day, vec![1, 2]),
        (&instant, vec![1]),
    ]
    .into_iter()
    .enumerate()
    {
        let run = bench.run(&format!("run-{index}"), &["plan", "--rate=0", "--joined-since", since]).exits(0);
        let run = run.agrees(TokenVersion::V2);
        assert_eq!(visited(&run), expected.into_iter().collect(), "{since}\n{run}");
        for row in run.rows().values().filter(|row| row["outcome"] == "skipped") {
            let reason = [&row["error_code"], &row["error_message"]].map(String::as_str);
            assert_eq!(reason, ["JoinedEarlier", "joined the Organization before --joined-since"]);
        }
    }
    let run = bench.run("both", &["plan", "--joined-since=30d", "--exclude-account=000000000002"]).exits(0);
    assert_eq!(visited(&run), BTreeSet::from([1, 3]), "{run}");
    let run =
        bench.command("variable", &["plan"]).env("V2TOKEN_JOINED_SINCE", "").output().expect("the program starts");
    assert!(String::from_utf8_lossy(&run.stderr).contains("V2TOKEN_JOINED_SINCE is set and empty"), "{run:?}");
}

/// The time is resolved once, at the start, and kept for a resume.
#[test]
fn the_time_is_kept() {
    let bench = Bench::new(organization().start());
    let before = now();
    let run = bench.run("run", &["apply", "--yes", "--rate=0", "--joined-since=7d"]).exits(0).agrees(TokenVersion::V2);
    assert_eq!(visited(&run), BTreeSet::from([1, 2]), "{run}");
    let text = std::fs::read_to_string(run.folder.join("run.json")).expect("run.json");
    let run_json: Value = serde_json::from_str(&text).expect("JSON");
    let kept = run_json["settings"]["selection"]["joined_since"].as_str().expect("a time");
    let kept =
        humantime::parse_rfc3339(kept).expect("RFC 3339").duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    assert!((before - 7 * DAY..=now() - 7 * DAY).contains(&kept), "{text}");
    bench.again("run", &["resume", "run", "--joined-since=30d"]).exits(2).says(&["--joined-since belongs to the run"]);
    let plan = bench.run("all", &["plan", "--rate=0"]).exits(0);
    let text = std::fs::read_to_string(plan.folder.join("run.json")).expect("run.json");
    assert!(!text.contains("joined_since") && !text.contains("ou_names"), "{text}");
}

/// A nightly job on a quiet day succeeds.
#[test]
fn it_is_no_error_if_no_account_joined() {
    let bench = Bench::new(organization().start());
    let run = bench.run("run", &["apply", "--yes", "--joined-since=12h"]).exits(0).agrees(TokenVersion::V2);
    assert_eq!((run.outcomes()["skipped"], visited(&run).len()), (6, 0), "{run}");
    bench.run("plan", &["plan", "--joined-since=12h", "--detailed-exitcode"]).exits(0);
    // An empty selection is still a mistake.
    let run = bench.run("none", &["plan", "--joined-since=12h", "--name=nobody"]).exits(1);
    run.made_no_plan("the selection is empty");
}

/// Accounts whose time of joining is not known are left out, and a note counts them.
#[test]
fn unknown_times_are_left_out() {
    for command in [&["plan"][..], &["apply", "--yes"]] {
        let bench = Bench::new(organization().listing(ListingFault::NoJoinTimes).start());
        let run = bench.run("run", &[command, &["--joined-since=7d"]].concat()).exits(0).agrees(TokenVersion::V2);
        let run = run
            .says(&["note: --joined-since leaves out 6 accounts because Organizations does not say when they joined"]);
        assert!(run.rows().values().all(|row| row["error_code"] == "JoinTimeUnknown"), "{run}");
        let all = bench.run("all", &[command, &["--rate=0"]].concat()).exits(0).agrees(TokenVersion::V2);
        assert_eq!(visited(&all).len(), 6, "{all}");
    }
}
