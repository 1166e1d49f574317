//! A `credential_process` that waits for a person.

use v2token_simulator::TokenVersion;

use super::LONG;
use super::environment::CredentialSetup;

/// More seconds than any call may take.
const SECONDS: u32 = 21;

#[test]
fn a_process_may_take_long_at_the_start_and_runs_once() {
    let mut setup = CredentialSetup::new(6, LONG);
    let fetch = setup.write_process();
    let script = setup.write(
        "ask.sh",
        &format!(
            "echo started >> {0}.log; echo 'Touch the key' >&2; sleep {SECONDS}; exec bash {0}\n",
            fetch.display()
        ),
    );
    setup.configure("slow", &format!("[profile slow]\ncredential_process = sh {}\n", script.display()));
    let log = format!("{}.log", fetch.display());
    let starts = || std::fs::read_to_string(&log).expect("the script ran").lines().count();
    let run = setup.run("run", &["apply", "--yes"]).exits(0).agrees(TokenVersion::V2);
    assert_eq!((run.outcomes()["changed"], starts()), (6, 1), "{run}");
    let run = run.says(&["waiting for the credential_process of profile slow"]);
    // It writes to another pipe than a terminal here, where its messages may be secrets.
    assert!(!run.stderr.contains("Touch the key"), "{run}");
    let mut command = setup.bench.bare(&["iam", "get-account-summary"]);
    command.args(&setup.arguments).env("AWS_DEFAULT_REGION", "eu-west-1");
    let summary = setup.bench.finish("one", command).exits(0);
    assert!(summary.stdout.contains("GlobalEndpointTokenVersion"), "{summary}");
    assert_eq!(starts(), 2, "{summary}");
}
