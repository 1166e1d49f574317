//! Missing and invalid base credentials, and the messages about them.

use std::time::Duration;

use v2token_simulator::Operation;

use super::LONG;
use super::environment::{CredentialSetup, DEPLOYER, EXTERNAL_ID, ROLLOUT, SSO_SESSION, START_URL, SUBJECT};
use super::sources::{self, PAST};
use crate::credential_services::{ASSIGNMENT, CONTAINER_TOKEN};

/// The fault, its setup, and the expected texts on stderr.
pub(super) type Case = (&'static str, fn(&mut CredentialSetup), &'static [&'static str]);

pub(super) const CASES: &[Case] = &[
    (
        "nothing at all",
        |_| {},
        &["NoCredentials", "neither the environment nor profile \"default\" has credentials", "--profile, AWS_PROFILE"],
    ),
    (
        "a profile that is not there",
        |setup| setup.configure("ops", "[profile other]\n"),
        &["--profile names the profile \"ops\"", "defined neither in /", "/.aws/config nor in /", "/.aws/credentials"],
    ),
    (
        "a profile with one half of the keys",
        |setup| setup.configure("ops", "[profile ops]\naws_access_key_id = AKIASIMBASE000000000\n"),
        &["profile \"ops\"", "has aws_access_key_id without aws_secret_access_key"],
    ),
    (
        "a profile with keys that nobody knows",
        |setup| {
            setup.configure(
                "ops",
                "[profile ops]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n",
            );
        },
        &["InvalidClientTokenId", "are not accepted: check them"],
    ),
    (
        "a profile with another's secret key",
        |setup| {
            let keys = format!("aws_access_key_id = {}\naws_secret_access_key = x\n", setup.keys.access_key_id);
            setup.configure("ops", &format!("[profile ops]\n{keys}"));
        },
        &["SignatureDoesNotMatch", "check the secret key"],
    ),
    (
        "a session in the environment without its token",
        |setup| {
            sources::environment_session_for(setup, LONG);
            setup.bench.without_env("AWS_SESSION_TOKEN");
        },
        &["InvalidClientTokenId", "are not accepted: check them"],
    ),
    (
        "a session in the environment that is over",
        |setup| sources::environment_session_for(setup, Duration::ZERO),
        &["ExpiredToken", "have expired: renew them"],
    ),
    (
        "a process that is not there",
        |setup| process(setup, "/nonexistent/fetch"),
        &["NoCredentials", "profile \"ops\"", "/nonexistent/fetch can't be started: No such file"],
    ),
    (
        "a process that fails",
        |setup| process(setup, "sh -c 'echo the vault is sealed >&2; exit 3'"),
        &[
            "NoCredentials",
            "profile \"ops\"",
            "exit status: 3; its stderr is not shown, because it may contain secrets",
            "by hand",
        ],
    ),
    (
        "a process that says something else",
        |setup| process(setup, "echo Please log in"),
        &["NoCredentials", "credential_process of profile \"ops\"", "invalid JSON"],
    ),
    (
        "a process that says nothing",
        |setup| process(setup, "true"),
        &["NoCredentials", "credential_process of profile \"ops\"", "invalid JSON"],
    ),
    (
        "a process of another version",
        |setup| process(setup, r#"echo '{"Version":2,"AccessKeyId":"A","SecretAccessKey":"s"}'"#),
        &["NoCredentials", "profile \"ops\"", "another Version than 1"],
    ),
    (
        "a process whose credentials are over",
        |setup| {
            setup.lifetime = Duration::ZERO;
            sources::process(setup);
        },
        &["NoCredentials", "it printed credentials that have expired"],
    ),
    (
        "no token of the pipeline",
        |setup| web_identity(setup, "/nonexistent/token"),
        &["NoCredentials", "No such file or directory"],
    ),
    (
        "an old token of the pipeline",
        |setup| {
            let file = setup.write_web_token(SUBJECT, Duration::ZERO);
            web_identity(setup, file.to_str().expect("a UTF-8 path"));
        },
        &["NoCredentials", "ExpiredTokenException: Token expired"],
    ),
    (
        "a token of another pipeline",
        |setup| {
            let file = setup.write_web_token("repo:corp/other", LONG);
            web_identity(setup, file.to_str().expect("a UTF-8 path"));
        },
        &["NoCredentials", "Not authorized to perform sts:AssumeRoleWithWebIdentity"],
    ),
    (
        "SSO without a login",
        sources::sso_profile,
        &["NoCredentials", "profile \"sso\"", "failed to load the cached SSO token", "aws sso login"],
    ),
    (
        "SSO with a login that is over",
        |setup| {
            sources::sso_profile(setup);
            sources::log_in(setup, SSO_SESSION[1], PAST, "");
        },
        &["NoCredentials", "profile \"sso\"", "the SSO token has expired", "aws sso login"],
    ),
    (
        "SSO with a login that cannot be refreshed",
        |setup| {
            sources::sso_refresh(setup);
            setup.services.refuse(true);
        },
        &["NoCredentials", "profile \"sso\"", "Session token not found or invalid", "aws sso login"],
    ),
    (
        "SSO with a login that was ended elsewhere",
        |setup| {
            sources::sso_session(setup);
            setup.services.refuse(true);
        },
        &["NoCredentials", "profile \"sso\"", "Session token not found or invalid", "aws sso login"],
    ),
    (
        "SSO with a role that is not assigned",
        |setup| {
            sources::sso_session(setup);
            let path = setup.bench.folder.path().join(".aws/config");
            crate::harness::rewrite(&path, |text| text.replace(ASSIGNMENT[1], "Another"));
        },
        &["NoCredentials", "profile \"sso\"", "ForbiddenException", "No access"],
    ),
    (
        "SSO with a file that is no login",
        |setup| {
            sources::sso_profile(setup);
            setup.write(&format!(".aws/sso/cache/{}.json", SSO_SESSION[1]), "{");
        },
        &["NoCredentials", "profile \"sso\"", "failed to load the cached SSO token", "aws sso login"],
    ),
    (
        "legacy SSO without a login",
        sources::sso_legacy_profile,
        &["NoCredentials", "profile \"sso\"", ".aws/sso/cache/", "No such file", "aws sso login"],
    ),
    (
        "legacy SSO with a login that is over",
        |setup| {
            sources::sso_legacy_profile(setup);
            sources::log_in(setup, START_URL[1], PAST, "");
            setup.services.refuse(true);
        },
        &["NoCredentials", "profile \"sso\"", "has expired: run `aws sso login`"],
    ),
    (
        "a container whose endpoint refuses",
        |setup| {
            sources::container(setup);
            setup.services.refuse(true);
        },
        &["NoCredentials", "HTTP credential provider", "403"],
    ),
    (
        "a container whose endpoint is not there",
        |setup| {
            sources::container(setup);
            setup.bench.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/container");
        },
        &["NoCredentials", "Connection refused"],
    ),
    (
        "a container whose endpoint is somewhere else",
        |setup| {
            sources::container(setup);
            setup.bench.env("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://192.0.2.1/container");
        },
        &["AWS_CONTAINER_CREDENTIALS_FULL_URI is \"http://192.0.2.1/container\"", "expected https://"],
    ),
    (
        "a container without its token file",
        |setup| {
            sources::container(setup);
            setup.bench.env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/nonexistent/token");
        },
        &["NoCredentials", "No such file or directory"],
    ),
    (
        "a container whose token file ends in a new line",
        |setup| {
            sources::container_file(setup);
            setup.write("container-token", &format!("{CONTAINER_TOKEN}\n"));
        },
        &["NoCredentials", "auth token could not be used"],
    ),
    (
        "an instance whose metadata is refused",
        |setup| {
            sources::instance(setup);
            setup.bench.env("AWS_REGION", "eu-west-1");
            setup.services.refuse(true);
        },
        &["NoCredentials", "failed to load IMDS session token"],
    ),
    (
        "an instance that is none",
        |setup| {
            sources::instance(setup);
            setup.bench.env("AWS_REGION", "eu-west-1").env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
        },
        &["NoCredentials", "could not communicate with IMDS", "Connection refused"],
    ),
    (
        "a role without the profile that it starts from",
        |setup| setup.configure("rollout", &sources::assuming("source_profile = keys")),
        &["profile \"rollout\"", "its source_profile \"keys\" does not exist"],
    ),
    (
        "a role that starts from itself and never ends",
        |setup| setup.configure("rollout", &sources::assuming("source_profile = rollout")),
        &["profile \"rollout\"", "its source_profile \"rollout\" leads back to itself"],
    ),
    (
        "a role with another external id",
        |setup| {
            sources::source_profile(setup);
            let path = setup.bench.folder.path().join(".aws/config");
            crate::harness::rewrite(&path, |text| text.replace(EXTERNAL_ID, "another"));
        },
        &["NoCredentials", "profile \"rollout\"", "not authorized to perform: sts:AssumeRole", "role/ops/Rollout"],
    ),
    (
        "a role that is not there",
        |setup| {
            sources::source_profile(setup);
            let path = setup.bench.folder.path().join(".aws/config");
            crate::harness::rewrite(&path, |text| text.replace(ROLLOUT, "arn:aws:iam::000000000100:role/Nobody"));
        },
        &["NoCredentials", "profile \"rollout\"", "not authorized to perform: sts:AssumeRole", "role/Nobody"],
    ),
    (
        "a role that asks for MFA",
        |setup| {
            sources::source_profile(setup);
            setup.bench.organization.control(|world| world.account_mut(100).other_roles[0].requires_mfa = true);
            let path = setup.bench.folder.path().join(".aws/config");
            crate::harness::rewrite(&path, |text| {
                text.replace("external_id", "mfa_serial = arn:aws:iam::000000000100:mfa/operator\nexternal_id")
            });
        },
        &["MFA device arn:aws:iam::000000000100:mfa/operator", "--mfa-token"],
    ),
    (
        "a role that starts from an environment without keys",
        |setup| setup.configure("rollout", &sources::assuming("credential_source = Environment")),
        &["profile \"rollout\"", "its credential_source is Environment, and AWS_ACCESS_KEY_ID is not set"],
    ),
    (
        "a role that starts from no such source",
        |setup| setup.configure("rollout", &sources::assuming("credential_source = Moon")),
        &["profile \"rollout\"", "its credential_source \"Moon\" is not one of Environment, EcsContainer"],
    ),
];

fn process(setup: &mut CredentialSetup, command: &str) {
    setup.configure("ops", &format!("[profile ops]\ncredential_process = {command}\n"));
}

fn web_identity(setup: &mut CredentialSetup, file: &str) {
    setup.bench.env("AWS_WEB_IDENTITY_TOKEN_FILE", file).env("AWS_ROLE_ARN", DEPLOYER);
}

#[test]
fn faults_of_base_credentials_are_reported_before_any_visit() {
    let mut unsaid = String::new();
    for (name, arrange, says) in CASES {
        let mut setup = CredentialSetup::new(3, LONG);
        arrange(&mut setup);
        let run = setup.run("run", &["apply", "--yes", "--debug", "-v", "--max-attempts=2"]).exits(1);
        let missing: Vec<_> = says.iter().filter(|words| !run.stderr.contains(**words)).collect();
        if !missing.is_empty() {
            unsaid.push_str(&format!("{name}: {missing:?} is not said\n{}\n", run.stderr));
        }
        assert!(run.stderr.contains("nothing was attempted") && run.stdout.is_empty(), "{name}\n{run}");
        assert!(!run.folder.exists(), "{name}: a run that never started left its folder behind\n{run}");
        // At most the profile's own AssumeRole was called.
        let further = [Operation::ListAccounts, Operation::GetAccountSummary];
        assert_eq!(further.map(|operation| run.calls(operation)), [0, 0], "{name}\n{run}");
    }
    assert!(unsaid.is_empty(), "{unsaid}");
}

#[test]
fn a_missing_region_is_named_as_the_cause() {
    let mut setup = CredentialSetup::new(3, LONG);
    sources::source_profile(&mut setup);
    setup.bench.without_env("AWS_REGION");
    setup.run("run", &["apply", "--yes"]).exits(1).attempted_nothing("no Region is configured");
}
