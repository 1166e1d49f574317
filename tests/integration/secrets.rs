//! No secret appears in any output of a run, at the highest verbosity.

mod inputs;

use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use v2token_simulator::{ALWAYS, AccountId, Operation, Organization, PerCall, SECRET_MARKER, Spoiled, Spoiling};

use crate::harness::{Bench, Run};

const EXTERNAL_ID: &str = "canary-external-id-4711";

/// An organization whose answers to AssumeRole contain valid credentials in bodies that can't be parsed.
fn talkative() -> Organization {
    Organization::builder()
        .accounts(20)
        .unlimited()
        .hostile_names(true)
        .base_session(true)
        .account(1, |account| account.faults.garbage = PerCall::assume(ALWAYS))
        .account(2, |account| account.faults.garbage = PerCall::all(1))
        .account(3, |account| account.faults.truncated = PerCall::assume(ALWAYS))
        .account(4, |account| account.faults.truncated = PerCall::all(1))
        .account(5, |account| account.role.external_id = Some(EXTERNAL_ID.to_owned()))
        .account(6, |account| account.role.external_id = Some("another".to_owned()))
        .account(7, |account| account.faults.wrong_identity = Some(8_u64.into()))
        .account(9, |account| account.faults.expired_session = PerCall::all(ALWAYS))
        // AWS explains this denial, and tells the context of the request.
        .account(10, |account| account.faults.deny_set_by_scp = true)
        .account(11, |account| account.faults.global.garbage = 3)
        .account(12, |account| account.faults.global.denied = true)
        .global_sts(Duration::ZERO)
        .start()
}

/// Runs a prepared command whose outputs must hold neither the simulator's secrets nor these.
fn search(bench: &Bench, name: &str, command: Command, canaries: &[&str]) -> Run {
    let run = bench.finish(name, command);
    for canary in canaries {
        run.holds_no_secret(canary);
    }
    run
}

#[test]
fn no_verbosity_shows_a_secret() {
    let mut bench = Bench::new(talkative());
    bench.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
    for (name, more) in [
        ("debug", &["--debug"][..]),
        ("all", &["--debug", "-v", "--log-format=json", "--output=json"]),
        ("quiet", &["-q", "--output=csv"]),
        ("plain", &[]),
        ("sizes", &["--debug", "-v", "--log-format=json", "--output=json", "--verify=token"]),
    ] {
        for by_variable in [false, true] {
            let folder = format!("{name}-{by_variable}");
            let mut command = bench.command(&folder, &["apply", "--yes", "--max-errors=100%", "--max-attempts=3"]);
            command.args(more).args(["--to", if by_variable { "v1Token" } else { "v2Token" }]);
            if by_variable {
                command.env("V2TOKEN_EXTERNAL_ID", EXTERNAL_ID);
            } else {
                command.args(["--external-id", EXTERNAL_ID]);
            }
            let run = search(&bench, &folder, command, &[EXTERNAL_ID]).exits(3);
            if name == "sizes" && !by_variable {
                assert_eq!(run.after.fault("global_garbage"), 3, "answers with other tokens were read\n{run}");
            }
            assert_ne!(run.rows()["000000000005"]["error_code"], "AccessDenied", "the external id is used\n{run}");
            assert_eq!(run.rows()["000000000006"]["error_code"], "AccessDenied", "{run}");
            assert_eq!(run.calls(Operation::GetRequestAuthorizationDetails), u64::from(!by_variable), "{run}");
        }
    }
}

/// AWS's messages may repeat the request: its headers with the session token, and its parameters, as they are and encoded.
#[test]
fn messages_that_repeat_the_request_hide_its_secrets() {
    const ODD: &str = "canary/external+id=47:11@x,y";
    let repeating = |account: u64, operation, code| Spoiled {
        account: Some(AccountId::from(account)),
        takes_effect: false,
        ..Spoiled::always(operation, Spoiling::Repeating(code))
    };
    let (assume, read, set) =
        (Operation::AssumeRole, Operation::GetAccountSummary, Operation::SetSecurityTokenServicePreferences);
    for external_id in [EXTERNAL_ID, ODD] {
        let mut builder = Organization::builder().accounts(10).unlimited().base_session(true);
        for (account, operation, code) in [
            (1, assume, "AccessDenied"),
            (2, assume, "ValidationError"),
            (3, assume, "SignatureDoesNotMatch"),
            (4, read, "AccessDenied"),
            (5, read, "SignatureDoesNotMatch"),
            (6, set, "AccessDenied"),
            (7, set, "InvalidInput"),
            (8, assume, "Throttling"),
        ] {
            builder = builder.spoil(repeating(account, operation, code));
        }
        let bench = Bench::new(builder.start());
        let mut command =
            bench.command("run", &["apply", "--yes", "--max-errors=100%", "--waves=100%", "--max-attempts=2"]);
        command.args(["--debug", "-v", "--output=json", "--external-id", external_id]);
        let run = search(
            &bench,
            "run",
            command,
            &[external_id, "nary-external", "nary/external", "external%2Bid", "external%2bid"],
        )
        .exits(3);
        for account in 1..=8 {
            let row = &run.rows()[&AccountId::from(account).to_string()];
            assert!(row["error_message"].contains("***"), "the message repeated a secret: {row:#?}");
        }
    }
    // Before the first account, and in the half that stands in for the AWS CLI.
    for (operation, arguments) in [
        (Operation::GetCallerIdentity, &["plan", "--max-attempts=1"][..]),
        (Operation::ListAccounts, &["plan", "--max-attempts=1"]),
        (read, &["iam", "get-account-summary", "--region=us-east-1"]),
        (
            set,
            &[
                "iam",
                "set-security-token-service-preferences",
                "--global-endpoint-token-version=v2Token",
                "--region=us-east-1",
            ],
        ),
    ] {
        let spoiled =
            Spoiled { takes_effect: false, ..Spoiled::always(operation, Spoiling::Repeating("AccessDenied")) };
        let bench = Bench::new(Organization::builder().accounts(3).base_session(true).spoil(spoiled).start());
        let run = bench.finish("none", bench.bare(arguments));
        assert!(run.code != 0 && run.stderr.contains("***"), "{run}");
    }
}

/// Neither the help nor an error message repeats a secret.
#[test]
fn command_line_errors_do_not_repeat_secrets() {
    let bench = Bench::new(Organization::builder().accounts(3).start());
    let wrong = format!("{EXTERNAL_ID} with spaces");
    let cases: [(&[&str], Option<&str>); 5] = [
        (&["apply", "--help"], Some(EXTERNAL_ID)),
        (&["apply", "-h"], Some(EXTERNAL_ID)),
        (&["apply", "--yes"], Some(&wrong)),
        (&["apply", "--yes", "--external-id", &wrong], None),
        (&["apply", "--yes", "--external-id", EXTERNAL_ID, "--rate=wrong"], None),
    ];
    let mut leaks = Vec::new();
    for (arguments, variable) in cases {
        let mut command = bench.bare(arguments);
        if let Some(value) = variable {
            command.env("V2TOKEN_EXTERNAL_ID", value);
        }
        let run = bench.finish("none", command);
        if [&run.stdout, &run.stderr].iter().any(|text| text.contains(EXTERNAL_ID)) {
            leaks.push(format!("{arguments:?} {variable:?}\n{run}"));
        }
    }
    assert!(leaks.is_empty(), "{}", leaks.join("\n\n"));
}

/// Invalid configuration with a secret in it: the error message must not quote it.
#[test]
fn invalid_configuration_is_not_quoted() {
    const CANARY: &str = "canary-in-the-configuration";
    let key = format!("[default]\naws_access_key_id = AKIA\naws_secret_access_key {CANARY}\n");
    let half = format!("[default]\naws_secret_access_key = {CANARY}\n");
    let process = |output: &str, status: u8| {
        format!("[default]\ncredential_process = sh -c \"echo '{output}'; exit {status}\"\n")
    };
    for (name, text) in [
        ("no equals sign", key),
        ("half a pair", half),
        ("no JSON", process(&format!("SecretAccessKey={CANARY}"), 0)),
        ("another version", process(&format!("{{\\\"Version\\\": 7, \\\"SecretAccessKey\\\": \\\"{CANARY}\\\"}}"), 0)),
        ("a failure", process(CANARY, 1)),
    ] {
        let mut bench = Bench::new(Organization::builder().accounts(3).start());
        bench.without_env("AWS_ACCESS_KEY_ID").without_env("AWS_SECRET_ACCESS_KEY");
        let path = bench.folder.path().join("config");
        std::fs::write(&path, text).expect("a writable folder");
        bench.env("AWS_CONFIG_FILE", path.to_str().expect("a UTF-8 path"));
        bench.env("AWS_SHARED_CREDENTIALS_FILE", path.to_str().expect("a UTF-8 path"));
        bench.env("PATH", "/usr/bin:/bin").env("RUST_LOG", "trace");
        let command = bench.command("run", &["plan", "--debug", "-v", "--max-attempts=1"]);
        let run = search(&bench, "run", command, &[CANARY]);
        assert_eq!(run.code, 1, "{name}\n{run}");
    }
}

#[test]
fn debug_shows_every_call_and_nothing_of_the_sdk() {
    let mut bench = Bench::new(Organization::builder().accounts(10).unlimited().start());
    bench.env("RUST_LOG", "trace");
    let silent = bench.run("silent", &["plan"]).exits(0);
    for word in ["DEBUG", "TRACE", "hyper", "aws_", "orchestrator", "request_id"] {
        assert!(!silent.stderr.contains(word), "{word}\n{silent}");
    }

    let text = bench.run("text", &["plan", "--debug"]).exits(0);
    let calls: Vec<&str> = text.stderr.lines().filter(|line| line.contains("operation=")).collect();
    assert_eq!(calls.len() as u64, text.all_calls(), "a line for every call\n{text}");
    for line in calls {
        for field in [" DEBUG ", "service=", "operation=", "attempt=1", "status=200", "ms=", "request_id="] {
            assert!(line.contains(field), "{field} in {line}");
        }
    }
    assert!(!text.stderr.contains("TRACE") && !text.stderr.contains("hyper"), "{text}");

    let json = bench.run("json", &["plan", "--debug", "--log-format=json"]).exits(0);
    let lines = json.stderr.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    let calls: Vec<Value> = lines.filter(|line: &Value| line["message"] == "call").collect();
    assert_eq!(calls.len() as u64, json.all_calls(), "{json}");
    for call in calls {
        assert!(
            call["service"].is_string() && call["operation"].is_string() && call["request_id"].is_string(),
            "{call}"
        );
        assert!(call["status"] == 200 && call["ms"].is_u64(), "{call}");
    }
}

/// A control: the search can find secrets.
#[test]
fn the_search_finds_secrets() {
    let environment = talkative().environment();
    for name in ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"] {
        let (_, value) = environment.iter().find(|(key, _)| key == name).expect("a session");
        assert!(value.contains(SECRET_MARKER), "{name}");
    }
}
