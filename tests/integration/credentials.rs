//! Base credentials: their sources, and their expiration during a run.

use std::path::Path;
use std::time::Duration;

use v2token_simulator::{Builder, Latency, Network, Operation, Organization, TokenVersion, World};

use crate::harness::Bench;
use crate::running::Running;

const CONCURRENCY: u64 = 16;
const GOOD_FOR: u64 = 60;

const APPLY: [&str; 6] = ["apply", "--yes", "--rate=0", "--concurrency=16", "--waves=100%", "--max-attempts=4"];

/// An organization whose base credentials expire after the first accounts.
fn short_lived() -> Builder {
    Organization::builder()
        .accounts(200)
        .latency(Latency::all(Duration::from_millis(4)))
        .base_session(true)
        .base_credentials_expire_after(GOOD_FOR)
}

/// Takes the base credentials from a credential process that asks the simulator, which renews them when they have expired.
pub(crate) fn from_a_process(bench: &mut Bench, profile: &str) {
    from_a_process_that(bench, profile, "");
}

/// Like the above, with commands that the process runs first.
fn from_a_process_that(bench: &mut Bench, profile: &str, before: &str) {
    let script = bench.folder.path().join("credentials.sh");
    let address = bench.organization.endpoint().replace("http://", "").replace(':', "/");
    let text = format!(
        "{before}\n\
         exec 3<>/dev/tcp/{address}\n\
         printf 'GET /_simulator/credentials HTTP/1.1\\r\\nHost: simulator\\r\\nConnection: close\\r\\n\\r\\n' >&3\n\
         sed '1,/^\\r$/d' <&3\n"
    );
    std::fs::write(&script, text).expect("a writable folder");
    configure(bench, &format!("[{profile}]\ncredential_process = bash {}\n", script.display()));
}

/// Writes the AWS configuration file and sets its environment variable.
fn configure(bench: &mut Bench, text: &str) {
    let path = bench.folder.path().join("config");
    std::fs::write(&path, text).expect("a writable folder");
    bench.env("AWS_CONFIG_FILE", path.to_str().expect("a UTF-8 path")).env("PATH", "/usr/bin:/bin");
}

pub(crate) fn without_keys(bench: &mut Bench) {
    bench.without_env("AWS_ACCESS_KEY_ID").without_env("AWS_SECRET_ACCESS_KEY").without_env("AWS_SESSION_TOKEN");
}

#[test]
fn expired_credentials_stop_the_run() {
    for quiet in [&[][..], &["-q", "--output=none"]] {
        let bench = Bench::new(short_lived().start());
        let run = bench.run("run", &[&APPLY, quiet].concat()).exits(1).agrees(TokenVersion::V2);
        let outcomes = run.outcomes();
        let changed = outcomes["changed"];
        assert_eq!(outcomes.len(), 2, "{outcomes:?}");
        assert_eq!(changed + outcomes["not_attempted"], 200, "{outcomes:?}");
        assert_eq!(changed, usize::try_from(GOOD_FOR).expect("small"), "what was under way goes on\n{run}");
        let refused = run.after.operation(Operation::AssumeRole).refused();
        assert!((1..=CONCURRENCY).contains(&refused), "{refused} accounts asked in vain");
        let explained =
            [&format!("{changed} of 200"), "base credentials", "ExpiredToken"].map(|part| run.stderr.contains(part));
        assert_eq!(explained, [true; 3], "the end is explained on stderr\n{run}");
    }
}

#[test]
fn renewed_credentials_let_the_run_finish() {
    let mut bench = Bench::new(short_lived().start());
    without_keys(&mut bench);
    let fetched = bench.folder.path().join("fetched");
    from_a_process_that(&mut bench, "default", &format!("echo >> {}", fetched.display()));
    let run = bench.run("run", &APPLY).exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.outcomes()["changed"], 200, "{run}");
    let refused = run.after.operation(Operation::AssumeRole).refused();
    assert!(refused >= 1, "they did expire");
    // At the start, once for all refused visits, and for the caller's own account.
    assert_eq!(times(&fetched), 3, "{refused} were refused");
}

/// The number of lines of a file.
fn times(path: &Path) -> usize {
    std::fs::read_to_string(path).expect("a file").lines().count()
}

/// An organization whose base credentials come from a process that stops working when the file `armed` exists in the folder: it then
/// creates the file `asked`, waits for the file `gone`, and fails until the file `back` exists.
fn from_a_process_that_can_fail() -> Bench {
    let builder = Organization::builder().accounts(200).latency(Latency::all(Duration::from_millis(5))).unlimited();
    let mut bench = Bench::new(builder.base_session(true).start());
    without_keys(&mut bench);
    let before = format!(
        "cd {}\n\
         if test -e armed; then\n\
         echo >> asked; while ! test -e gone; do sleep 0.02; done\n\
         test -e back || exit 1\n\
         fi",
        bench.folder.path().display()
    );
    from_a_process_that(&mut bench, "default", &before);
    bench
}

fn touch(bench: &Bench, name: &str) {
    std::fs::write(bench.folder.path().join(name), "").expect("a writable folder");
}

/// Starts an apply, expires its credentials during the run, and waits until it asks for new ones.
fn until_others_are_asked_for(bench: &Bench) -> Running<'_> {
    let arguments = ["apply", "--yes", "--rate=0", "--waves=100%", "--max-errors=0", "--max-attempts=2"];
    let mut running = Running::start(bench, "run", &arguments);
    running.until(|truth| truth.requests(Operation::SetSecurityTokenServicePreferences) > 40);
    touch(bench, "armed");
    bench.organization.control(World::expire_base_credentials);
    running.until(|_| bench.folder.path().join("asked").exists());
    running
}

/// The source of the credentials can't be reached either.
#[test]
fn an_outage_during_renewal_costs_no_account() {
    let bench = from_a_process_that_can_fail();
    let mut running = until_others_are_asked_for(&bench);
    bench.organization.control(|world| world.set_network(Network::Refuse));
    touch(&bench, "gone");
    running.until_it_says("AWS can't be reached");
    touch(&bench, "back");
    bench.organization.control(|world| world.set_network(Network::Normal));
    let run = running.end().exits(0).agrees(TokenVersion::V2).says(&["AWS can be reached again"]);
    assert_eq!(run.outcomes()["changed"], 200, "{run}");
}

/// AWS can be reached, so the user has to log in again.
#[test]
fn a_failing_credential_process_stops_the_run_and_is_named() {
    let bench = from_a_process_that_can_fail();
    let running = until_others_are_asked_for(&bench);
    touch(&bench, "gone");
    let run = running.end().exits(1).agrees(TokenVersion::V2);
    let run = run.says(&["the base credentials can't be fetched any more", "NoCredentials", "aws sso login"]);
    let outcomes = run.outcomes();
    assert!(outcomes["not_attempted"] > 0 && !outcomes.contains_key("failed"), "{run}");
    assert!(!run.stderr.contains("can't be reached"), "{run}");
    assert_eq!(times(&bench.folder.path().join("asked")), 3, "one visit asks for all, and more than once");
}

#[test]
fn a_process_that_repeats_expired_credentials_stops_the_run() {
    let organization = short_lived().start();
    let base = organization.control(|world| world.base_credentials());
    let mut bench = Bench::new(organization);
    without_keys(&mut bench);
    let document = format!(
        "{{\"Version\": 1, \"AccessKeyId\": \"{}\", \"SecretAccessKey\": \"{}\", \"SessionToken\": \"{}\"}}",
        base.access_key_id,
        base.secret_access_key,
        base.session_token.unwrap_or_default()
    );
    let file = bench.folder.path().join("credentials.json");
    std::fs::write(&file, document).expect("a writable folder");
    configure(&mut bench, &format!("[default]\ncredential_process = cat {}\n", file.display()));
    let run = bench.run("run", &APPLY).exits(1).agrees(TokenVersion::V2);
    assert!(run.outcomes()["not_attempted"] > 0, "{run}");
}

#[test]
fn profile_option_wins_over_keys_in_the_environment() {
    let mut bench = Bench::new(Organization::builder().accounts(3).start());
    bench.env("AWS_ACCESS_KEY_ID", "AKIAWRONG").env("AWS_SECRET_ACCESS_KEY", "wrong");
    from_a_process(&mut bench, "profile ops");
    bench.run("without", &["plan"]).exits(1).attempted_nothing("InvalidClientTokenId");
    bench.run("with", &["plan", "--profile=ops"]).exits(0);
}

#[test]
fn credentials_expired_before_the_start_are_named() {
    let bench = Bench::new(short_lived().start());
    bench.organization.control(World::expire_base_credentials);
    let run = bench.run("run", &APPLY).exits(1).attempted_nothing("ExpiredToken");
    assert!(run.stderr.contains("renew them"), "{run}");
}

/// Expired sessions are replaced while the base credentials are valid.
#[test]
fn sessions_that_end_early_are_replaced() {
    let builder = Organization::builder().accounts(60).each_account(|account| {
        account.faults.expired_session.read = 1;
        account.faults.expired_session.set = 1;
    });
    let bench = Bench::new(builder.start());
    let run = bench.run("run", &APPLY).exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.outcomes()["changed"], 60, "{run}");
}
