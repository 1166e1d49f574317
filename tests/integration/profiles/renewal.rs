//! Base credentials that expire during a run: with and without renewal.

use std::time::Duration;

use v2token_simulator::{Operation, TokenVersion, Truth};

use super::for_every_way;
use super::stage::{SUBJECT, Stage, searched};
use super::ways::{self, WAYS};
use crate::harness::Run;
use crate::running::Running;

/// The SDK fetches new credentials 5 to 10 s before the old ones expire, so these are renewed after 1 to 6 s.
pub(super) const SHORT: Duration = Duration::from_secs(11);

/// At three visits per second, this many accounts take longer than that.
pub(super) const ACCOUNTS: usize = 40;
pub(super) const APPLY: [&str; 5] = ["apply", "--yes", "--rate=3", "--waves=100%", "--max-attempts=3"];

/// The time from the first to the last AssumeRole of the visits.
fn span(truth: &Truth) -> Duration {
    let arrivals = &truth.assume_role_arrivals_ms;
    let (first, last) = (arrivals.iter().min(), arrivals.iter().max());
    Duration::from_millis(u64::from(last.expect("visits") - first.expect("visits")))
}

#[test]
fn renewed_credentials_outlast_the_old_ones() {
    for_every_way(
        |way| way.renews,
        |way| {
            let mut stage = Stage::new(ACCOUNTS, SHORT);
            (way.arrange)(&mut stage);
            let run = stage.run("run", &APPLY).exits(0).agrees(TokenVersion::V2);
            assert_eq!(run.outcomes()["changed"], ACCOUNTS, "{}\n{run}", way.name);
            assert!(span(&run.after) > SHORT, "{}: it ended too early to say anything", way.name);
            assert_eq!(run.after.operation(Operation::AssumeRole).refused(), 0, "{}: renewed in time", way.name);
            let keys: Vec<_> = run.after.assume_role_keys.keys().filter(|key| key.starts_with(way.key)).collect();
            assert!(keys.len() >= 2, "{}: {keys:?}", way.name);
        },
    );
}

/// A login, a script, or a pipeline that stops providing new credentials.
struct End {
    way: &'static str,
    /// Stops the source during the run.
    ends: fn(&Stage),
    /// Makes the source work again.
    begins: fn(&Stage),
    /// The expected text on stderr, in addition to the number of accounts.
    says: &'static [&'static str],
}

const ENDS: [End; 5] = [
    End {
        way: "SSO session",
        ends: |stage| stage.stand_in.refuse(true),
        begins: |stage| stage.stand_in.refuse(false),
        says: &["Session token not found or invalid"],
    },
    End {
        way: "process",
        ends: |stage| drop(stage.write("fetch.sh", "echo the vault is sealed >&2; exit 3\n")),
        begins: |stage| drop(stage.write_process()),
        // A script may print a secret there, so its output is never repeated.
        says: &["exit status: 3; what it said is not repeated here"],
    },
    End {
        way: "web identity by variables",
        ends: |stage| drop(stage.write_web_token(SUBJECT, Duration::ZERO)),
        begins: |stage| drop(stage.write_web_token(SUBJECT, super::LONG)),
        says: &["Token expired"],
    },
    End {
        way: "container with a token file",
        ends: |stage| stage.stand_in.refuse(true),
        begins: |stage| stage.stand_in.refuse(false),
        says: &["HTTP credential provider", "403"],
    },
    End {
        way: "instance",
        ends: |stage| stage.stand_in.refuse(true),
        begins: |stage| stage.stand_in.refuse(false),
        // The SDK keeps the current credentials until they are refused.
        says: &["ExpiredToken"],
    },
];

#[test]
fn expired_credentials_stop_the_run_and_new_ones_finish_it() {
    for_every_way(
        |way| ENDS.iter().any(|end| end.way == way.name),
        |way| {
            let end = ENDS.iter().find(|end| end.way == way.name).expect("one that was chosen");
            let mut stage = Stage::new(ACCOUNTS, SHORT);
            (way.arrange)(&mut stage);
            let mut running = Running::spawn(&stage.bench, "run", stage.command("run", &APPLY));
            running.until(|truth| truth.requests(Operation::AssumeRole) >= 2);
            (end.ends)(&stage);
            let run = searched(running.end()).exits(1).agrees(TokenVersion::V2);
            let told = check_stop(way.name, &run);
            let run = run.says(&[&told, "base credentials"]).says(end.says);

            (end.begins)(&stage);
            let resume: Vec<&str> =
                ["resume", "run", "--rate=0"].into_iter().chain(stage.arguments.iter().map(String::as_str)).collect();
            let resumed = searched(stage.bench.again("run", &resume)).since(run.before).exits(0);
            assert_eq!(resumed.agrees(TokenVersion::V2).outcomes()["changed"], ACCOUNTS, "{}", way.name);
        },
    );
}

/// Checks a run that stopped midway: some accounts were changed, the others were not attempted, and the message says so.
fn check_stop(way: &str, run: &Run) -> String {
    let outcomes = run.outcomes();
    assert_eq!(outcomes.keys().map(String::as_str).collect::<Vec<_>>(), ["changed", "not_attempted"], "{way}\n{run}");
    assert_eq!(outcomes["changed"] + outcomes["not_attempted"], ACCOUNTS, "{way}\n{run}");
    format!("{} of {ACCOUNTS}", outcomes["changed"])
}

/// As in a pod: the token in the file is replaced before it expires.
#[test]
fn a_replaced_token_file_is_read_again() {
    let way = WAYS.iter().find(|way| way.name == "web identity by variables").expect("it is there");
    let mut stage = Stage::new(ACCOUNTS, SHORT);
    (way.arrange)(&mut stage);
    stage.write_web_token(SUBJECT, Duration::from_secs(2));
    let mut running = Running::spawn(&stage.bench, "run", stage.command("run", &APPLY));
    running.until(|truth| truth.requests(Operation::AssumeRole) >= 2);
    stage.write_web_token(SUBJECT, super::LONG);
    let run = running.end().exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.outcomes()["changed"], ACCOUNTS, "{run}");
    let exchanges = run.after.operation(Operation::AssumeRoleWithWebIdentity);
    assert!(exchanges.succeeded >= 2 && exchanges.refused() == 0, "{exchanges:?}");
}

/// Credentials in variables can't be renewed. The rest is done with new ones.
#[test]
fn an_expired_session_in_the_environment_is_replaced_on_resume() {
    let mut stage = Stage::new(ACCOUNTS, Duration::from_secs(4));
    ways::environment_session_for(&mut stage, Duration::from_secs(4));
    let run = stage.run("run", &APPLY).exits(1).agrees(TokenVersion::V2);
    let told = check_stop("environment", &run);
    let run = run.says(&[&told, "base credentials", "ExpiredToken", "v2token resume"]);
    let old = run.after.assume_role_keys.clone();
    assert_eq!(old.len(), 1, "{old:?}");

    ways::environment_session_for(&mut stage, super::LONG);
    let resumed = stage.bench.again("run", &["resume", "run", "--rate=0"]).since(run.before).exits(0);
    assert_eq!(resumed.after.assume_role_keys.len(), 2);
    assert_eq!(resumed.agrees(TokenVersion::V2).outcomes()["changed"], ACCOUNTS);
}
