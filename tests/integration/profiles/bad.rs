//! Missing and invalid base credentials, and the messages about them.

use std::time::Duration;

use v2token_simulator::Operation;

use super::LONG;
use super::stage::{DEPLOYER, EXTERNAL_ID, ROLLOUT, SSO_SESSION, START_URL, SUBJECT, Stage};
use super::ways::{self, PAST};
use crate::stand_in::{ASSIGNMENT, CONTAINER_TOKEN};

/// The fault, its setup, and the expected texts on stderr.
pub(super) type Case = (&'static str, fn(&mut Stage), &'static [&'static str]);

pub(super) const CASES: &[Case] = &[
    ("nothing at all", |_| {}, &["NoCredentials", "no credentials found in chain", "--profile, AWS_PROFILE"]),
    (
        "a profile that is not there",
        |stage| stage.configure("ops", "[profile other]\n"),
        &["profile \"ops\"", "defined neither in ~/.aws/config nor in ~/.aws/credentials"],
    ),
    (
        "a profile with one half of the keys",
        |stage| stage.configure("ops", "[profile ops]\naws_access_key_id = AKIASIMBASE000000000\n"),
        &["NoCredentials", "`ops`: profile missing aws_secret_access_key"],
    ),
    (
        "a profile with keys that nobody knows",
        |stage| {
            stage.configure(
                "ops",
                "[profile ops]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n",
            );
        },
        &["InvalidClientTokenId", "are not accepted: check them"],
    ),
    (
        "a profile with another's secret key",
        |stage| {
            let keys = format!("aws_access_key_id = {}\naws_secret_access_key = x\n", stage.keys.access_key_id);
            stage.configure("ops", &format!("[profile ops]\n{keys}"));
        },
        &["SignatureDoesNotMatch", "check the secret key"],
    ),
    (
        "a session in the environment without its token",
        |stage| {
            ways::environment_session_for(stage, LONG);
            stage.bench.without_env("AWS_SESSION_TOKEN");
        },
        &["InvalidClientTokenId", "are not accepted: check them"],
    ),
    (
        "a session in the environment that is over",
        |stage| ways::environment_session_for(stage, Duration::ZERO),
        &["ExpiredToken", "have expired: renew them"],
    ),
    (
        "a process that is not there",
        |stage| process(stage, "/nonexistent/fetch"),
        &["NoCredentials", "profile \"ops\"", "exit status: 127: the command was not found"],
    ),
    (
        "a process that fails",
        |stage| process(stage, "sh -c 'echo the vault is sealed >&2; exit 3'"),
        &["NoCredentials", "profile \"ops\"", "exit status: 3; what it said is not repeated here", "by hand"],
    ),
    (
        "a process that says something else",
        |stage| process(stage, "echo Please log in"),
        &["NoCredentials", "profile \"ops\"", "external process", "invalid JSON"],
    ),
    (
        "a process that says nothing",
        |stage| process(stage, "true"),
        &["NoCredentials", "profile \"ops\"", "external process", "invalid JSON"],
    ),
    (
        "a process of another version",
        |stage| process(stage, r#"echo '{"Version":2,"AccessKeyId":"A","SecretAccessKey":"s"}'"#),
        &["NoCredentials", "profile \"ops\"", "unknown version number: 2"],
    ),
    (
        "a process whose credentials are over",
        |stage| {
            stage.lifetime = Duration::ZERO;
            ways::process(stage);
        },
        &["ExpiredToken", "have expired: renew them"],
    ),
    (
        "no token of the pipeline",
        |stage| web_identity(stage, "/nonexistent/token"),
        &["NoCredentials", "No such file or directory"],
    ),
    (
        "an old token of the pipeline",
        |stage| {
            let file = stage.write_web_token(SUBJECT, Duration::ZERO);
            web_identity(stage, file.to_str().expect("a UTF-8 path"));
        },
        &["NoCredentials", "ExpiredTokenException: Token expired"],
    ),
    (
        "a token of another pipeline",
        |stage| {
            let file = stage.write_web_token("repo:corp/other", LONG);
            web_identity(stage, file.to_str().expect("a UTF-8 path"));
        },
        &["NoCredentials", "Not authorized to perform sts:AssumeRoleWithWebIdentity"],
    ),
    (
        "SSO without a login",
        ways::sso_profile,
        &["NoCredentials", "profile \"sso\"", "failed to load the cached SSO token", "aws sso login"],
    ),
    (
        "SSO with a login that is over",
        |stage| {
            ways::sso_profile(stage);
            ways::log_in(stage, SSO_SESSION[1], PAST, "");
        },
        &["NoCredentials", "profile \"sso\"", "the SSO token has expired", "aws sso login"],
    ),
    (
        "SSO with a login that cannot be refreshed",
        |stage| {
            ways::sso_refresh(stage);
            stage.stand_in.refuse(true);
        },
        &["NoCredentials", "profile \"sso\"", "Session token not found or invalid", "aws sso login"],
    ),
    (
        "SSO with a login that was ended elsewhere",
        |stage| {
            ways::sso_session(stage);
            stage.stand_in.refuse(true);
        },
        &["NoCredentials", "profile \"sso\"", "Session token not found or invalid", "aws sso login"],
    ),
    (
        "SSO with a role that is not assigned",
        |stage| {
            ways::sso_session(stage);
            let path = stage.bench.folder.path().join(".aws/config");
            crate::harness::rewrite(&path, |text| text.replace(ASSIGNMENT[1], "Another"));
        },
        &["NoCredentials", "profile \"sso\"", "ForbiddenException", "No access"],
    ),
    (
        "SSO with a file that is no login",
        |stage| {
            ways::sso_profile(stage);
            stage.write(&format!(".aws/sso/cache/{}.json", SSO_SESSION[1]), "{");
        },
        &["NoCredentials", "profile \"sso\"", "failed to load the cached SSO token", "aws sso login"],
    ),
    (
        "legacy SSO without a login",
        ways::sso_legacy_profile,
        &["NoCredentials", "profile \"sso\"", ".aws/sso/cache/", "No such file", "aws sso login"],
    ),
    (
        "legacy SSO with a login that is over",
        |stage| {
            ways::sso_legacy_profile(stage);
            ways::log_in(stage, START_URL[1], PAST, "");
            stage.stand_in.refuse(true);
        },
        &["NoCredentials", "profile \"sso\"", "Session token not found or invalid", "aws sso login"],
    ),
    (
        "a container whose endpoint refuses",
        |stage| {
            ways::container(stage);
            stage.stand_in.refuse(true);
        },
        &["NoCredentials", "HTTP credential provider", "403"],
    ),
    (
        "a container whose endpoint is not there",
        |stage| {
            ways::container(stage);
            stage.bench.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/container");
        },
        &["NoCredentials", "Connection refused"],
    ),
    (
        "a container whose endpoint is somewhere else",
        |stage| {
            ways::container(stage);
            stage.bench.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/container");
        },
        &["NoCredentials", "not refer to an allowed IP address", "http://192.0.2.1/container"],
    ),
    (
        "a container without its token file",
        |stage| {
            ways::container(stage);
            stage.bench.env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nonexistent/token");
        },
        &["NoCredentials", "No such file or directory"],
    ),
    (
        "a container whose token file ends in a new line",
        |stage| {
            ways::container_file(stage);
            stage.write("container-token", &format!("{CONTAINER_TOKEN}\n"));
        },
        &["NoCredentials", "auth token could not be used"],
    ),
    (
        "an instance whose metadata is refused",
        |stage| {
            ways::instance(stage);
            stage.bench.env("AWS_REGION", "eu-west-1");
            stage.stand_in.refuse(true);
        },
        &["NoCredentials", "failed to load IMDS session token"],
    ),
    (
        "an instance that is none",
        |stage| {
            ways::instance(stage);
            stage.bench.env("AWS_REGION", "eu-west-1").env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
        },
        &["NoCredentials", "could not communicate with IMDS", "Connection refused"],
    ),
    (
        "a role without the profile that it starts from",
        |stage| stage.configure("rollout", &ways::assuming("source_profile = keys")),
        &["NoCredentials", "could not find source profile keys referenced from rollout"],
    ),
    (
        "a role that starts from itself and never ends",
        |stage| stage.configure("rollout", &ways::assuming("source_profile = rollout")),
        &["profile \"rollout\"", "its own source_profile"],
    ),
    (
        "a role with another external id",
        |stage| {
            ways::source_profile(stage);
            let path = stage.bench.folder.path().join(".aws/config");
            crate::harness::rewrite(&path, |text| text.replace(EXTERNAL_ID, "another"));
        },
        &["NoCredentials", "profile \"rollout\"", "not authorized to perform: sts:AssumeRole", "role/ops/Rollout"],
    ),
    (
        "a role that is not there",
        |stage| {
            ways::source_profile(stage);
            let path = stage.bench.folder.path().join(".aws/config");
            crate::harness::rewrite(&path, |text| text.replace(ROLLOUT, "arn:aws:iam::000000000100:role/Nobody"));
        },
        &["NoCredentials", "profile \"rollout\"", "not authorized to perform: sts:AssumeRole", "role/Nobody"],
    ),
    (
        "a role that asks for MFA",
        |stage| {
            ways::source_profile(stage);
            stage.bench.organization.control(|world| world.account_mut(100).other_roles[0].requires_mfa = true);
            let path = stage.bench.folder.path().join(".aws/config");
            crate::harness::rewrite(&path, |text| {
                text.replace("external_id", "mfa_serial = arn:aws:iam::000000000100:mfa/operator\nexternal_id")
            });
        },
        &["MFA device arn:aws:iam::000000000100:mfa/operator", "--mfa-token"],
    ),
    (
        "a role that starts from an environment without keys",
        |stage| stage.configure("rollout", &ways::assuming("credential_source = Environment")),
        &["NoCredentials", "profile \"rollout\"", "environment variable not set"],
    ),
    (
        "a role that starts from no such source",
        |stage| stage.configure("rollout", &ways::assuming("credential_source = Moon")),
        &["NoCredentials", "profile \"rollout\"", "`Moon`", "not supported"],
    ),
];

fn process(stage: &mut Stage, command: &str) {
    stage.configure("ops", &format!("[profile ops]\ncredential_process = {command}\n"));
}

fn web_identity(stage: &mut Stage, file: &str) {
    stage.bench.env("AWS_WEB_IDENTITY_TOKEN_FILE", file).env("AWS_ROLE_ARN", DEPLOYER);
}

#[test]
fn faults_of_base_credentials_are_reported_before_any_visit() {
    for (name, arrange, says) in CASES {
        let mut stage = Stage::new(3, LONG);
        arrange(&mut stage);
        let run = stage.run("run", &["apply", "--yes", "--debug", "-v", "--max-attempts=2"]).exits(1);
        let missing: Vec<_> = says.iter().filter(|words| !run.stderr.contains(**words)).collect();
        assert!(missing.is_empty(), "{name}: {missing:?} is not said\n{run}");
        assert!(run.stderr.contains("nothing was attempted") && run.stdout.is_empty(), "{name}\n{run}");
        assert!(!run.folder.exists(), "{name}: a run that never started left its folder behind\n{run}");
        // At most the profile's own AssumeRole was called.
        let further = [Operation::ListAccounts, Operation::GetAccountSummary];
        assert_eq!(further.map(|operation| run.calls(operation)), [0, 0], "{name}\n{run}");
    }
}

#[test]
fn a_missing_region_is_named_as_the_cause() {
    let mut stage = Stage::new(3, LONG);
    ways::source_profile(&mut stage);
    stage.bench.without_env("AWS_REGION");
    stage.run("run", &["apply", "--yes"]).exits(1).attempted_nothing("no Region is configured");
}
