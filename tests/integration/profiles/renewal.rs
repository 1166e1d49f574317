//! Base credentials that expire during a run: with and without renewal.

use std::time::Duration;

use v2token_simulator::{Operation, TokenVersion, Truth};

use super::environment::{CredentialSetup, SUBJECT, searched};
use super::for_every_source;
use super::sources::{self, SOURCES};
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
    for_every_source(
        |source| source.renews,
        |source| {
            let mut setup = CredentialSetup::new(ACCOUNTS, SHORT);
            (source.arrange)(&mut setup);
            let run = setup.run("run", &APPLY).exits(0).agrees(TokenVersion::V2);
            assert_eq!(run.outcomes()["changed"], ACCOUNTS, "{}\n{run}", source.name);
            assert!(span(&run.after) > SHORT, "{}: it ended too early to say anything", source.name);
            assert_eq!(run.after.operation(Operation::AssumeRole).refused(), 0, "{}: renewed in time", source.name);
            let keys: Vec<_> = run.after.assume_role_keys.keys().filter(|key| key.starts_with(source.key)).collect();
            assert!(keys.len() >= 2, "{}: {keys:?}", source.name);
        },
    );
}

/// A login, a script, or a pipeline that stops providing new credentials.
struct End {
    source: &'static str,
    /// Stops the source during the run.
    ends: fn(&CredentialSetup),
    /// Makes the source work again.
    begins: fn(&CredentialSetup),
    /// The expected text on stderr, in addition to the number of accounts.
    says: &'static [&'static str],
}

const ENDS: [End; 5] = [
    End {
        source: "SSO session",
        ends: |setup| setup.services.refuse(true),
        begins: |setup| setup.services.refuse(false),
        says: &["Session token not found or invalid"],
    },
    End {
        source: "process",
        ends: |setup| drop(setup.write("fetch.sh", "echo the vault is sealed >&2; exit 3\n")),
        begins: |setup| drop(setup.write_process()),
        // A script may print a secret there, so its output is never repeated.
        says: &["exit status: 3; its stderr is not shown, because it may contain secrets"],
    },
    End {
        source: "web identity by variables",
        ends: |setup| drop(setup.write_web_token(SUBJECT, Duration::ZERO)),
        begins: |setup| drop(setup.write_web_token(SUBJECT, super::LONG)),
        says: &["Token expired"],
    },
    End {
        source: "container with a token file",
        ends: |setup| setup.services.refuse(true),
        begins: |setup| setup.services.refuse(false),
        says: &["HTTP credential provider", "403"],
    },
    End {
        source: "instance",
        ends: |setup| setup.services.refuse(true),
        begins: |setup| setup.services.refuse(false),
        says: &["they expired at"],
    },
];

#[test]
fn expired_credentials_stop_the_run_and_new_ones_finish_it() {
    for_every_source(
        |source| ENDS.iter().any(|end| end.source == source.name),
        |source| {
            let end = ENDS.iter().find(|end| end.source == source.name).expect("one that was chosen");
            let mut setup = CredentialSetup::new(ACCOUNTS, SHORT);
            (source.arrange)(&mut setup);
            let mut running = Running::spawn(&setup.bench, "run", setup.command("run", &APPLY));
            running.until(|truth| truth.requests(Operation::AssumeRole) >= 2);
            (end.ends)(&setup);
            let run = searched(running.end()).exits(1).agrees(TokenVersion::V2);
            let message = check_stop(source.name, &run);
            let run = run.says(&[&message, "base credentials"]).says(end.says);

            (end.begins)(&setup);
            let resume: Vec<&str> = ["resume", "run", "--yes", "--rate=0"]
                .into_iter()
                .chain(setup.arguments.iter().map(String::as_str))
                .collect();
            let resumed = searched(setup.bench.again("run", &resume)).since(run.before).exits(0);
            assert_eq!(resumed.agrees(TokenVersion::V2).outcomes()["changed"], ACCOUNTS, "{}", source.name);
        },
    );
}

/// Checks a run that stopped midway: some accounts were changed, the others were not attempted, and the message says so.
fn check_stop(source: &str, run: &Run) -> String {
    let outcomes = run.outcomes();
    assert_eq!(
        outcomes.keys().map(String::as_str).collect::<Vec<_>>(),
        ["changed", "not_attempted"],
        "{source}\n{run}"
    );
    assert_eq!(outcomes["changed"] + outcomes["not_attempted"], ACCOUNTS, "{source}\n{run}");
    format!("{} of {ACCOUNTS}", outcomes["changed"])
}

/// As in a pod: the token in the file is replaced before it expires.
#[test]
fn a_replaced_token_file_is_read_again() {
    let source = SOURCES.iter().find(|source| source.name == "web identity by variables").expect("it is there");
    let mut setup = CredentialSetup::new(ACCOUNTS, SHORT);
    (source.arrange)(&mut setup);
    setup.write_web_token(SUBJECT, Duration::from_secs(2));
    let mut running = Running::spawn(&setup.bench, "run", setup.command("run", &APPLY));
    running.until(|truth| truth.requests(Operation::AssumeRole) >= 2);
    setup.write_web_token(SUBJECT, super::LONG);
    let run = running.end().exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.outcomes()["changed"], ACCOUNTS, "{run}");
    let exchanges = run.after.operation(Operation::AssumeRoleWithWebIdentity);
    assert!(exchanges.succeeded >= 2 && exchanges.refused() == 0, "{exchanges:?}");
}

/// Credentials in variables can't be renewed. The rest is done with new ones.
#[test]
fn an_expired_session_in_the_environment_is_replaced_on_resume() {
    let mut setup = CredentialSetup::new(ACCOUNTS, Duration::from_secs(4));
    sources::environment_session_for(&mut setup, Duration::from_secs(4));
    let run = setup.run("run", &APPLY).exits(1).agrees(TokenVersion::V2);
    let message = check_stop("environment", &run);
    let run = run.says(&[&message, "base credentials", "ExpiredToken", "v2token resume"]);
    let old = run.after.assume_role_keys.clone();
    assert_eq!(old.len(), 1, "{old:?}");

    sources::environment_session_for(&mut setup, super::LONG);
    let resumed = setup.bench.again("run", &["resume", "run", "--yes", "--rate=0"]).since(run.before).exits(0);
    assert_eq!(resumed.after.assume_role_keys.len(), 2);
    assert_eq!(resumed.agrees(TokenVersion::V2).outcomes()["changed"], ACCOUNTS);
}
