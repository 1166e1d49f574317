//! Sources of base credentials: every kind of profile and environment.

mod environment;
mod invalid;
mod other_account;
mod refused_sessions;
mod renewal;
mod slow_process;
mod sources;
mod wording;

use std::time::Duration;

use v2token_simulator::TokenVersion;

use environment::CredentialSetup;
use sources::{SOURCES, Source};

/// The text that names each source, in the order of the sources.
const NAMES: [&str; 20] = [
    "profile ops, keys in the credentials file",
    "profile ops, keys in the credentials file",
    "profile default, keys in the config file",
    "AWS_ACCESS_KEY_ID in the environment",
    "AWS_ACCESS_KEY_ID in the environment",
    "profile ops, credential_process",
    "role arn:aws:iam::000000000100:role/ci/Deployer by AWS_WEB_IDENTITY_TOKEN_FILE",
    "profile ci, role arn:aws:iam::000000000100:role/ci/Deployer by web_identity_token_file",
    "profile sso, IAM Identity Center role RolloutAdmin in account 000000000100",
    "profile sso, IAM Identity Center role RolloutAdmin in account 000000000100",
    "profile sso, IAM Identity Center role RolloutAdmin in account 000000000100",
    "profile sso, IAM Identity Center role RolloutAdmin in account 000000000100",
    "container credentials",
    "container credentials",
    "instance role",
    "profile rollout, role arn:aws:iam::000000000100:role/ops/Rollout by source_profile keys (keys in the config file)",
    "profile rollout, role arn:aws:iam::000000000100:role/ops/Rollout by source_profile first, role \
     arn:aws:iam::000000000100:role/ops/Rollout by source_profile keys (keys in the config file)",
    "profile rollout, role arn:aws:iam::000000000100:role/ops/Rollout by credential_source Environment",
    "profile rollout, role arn:aws:iam::000000000100:role/ops/Rollout by credential_source EcsContainer",
    "profile rollout, role arn:aws:iam::000000000100:role/ops/Rollout by credential_source Ec2InstanceMetadata",
];

/// Longer than any test.
const LONG: Duration = Duration::from_hours(1);

/// The delay between the starts of the sources. The SDK gives a metadata service one second to answer, which is too short on a machine
/// that starts twenty programs at once.
const STAGGER: Duration = Duration::from_millis(400);

/// Runs a function for every source in parallel, because they mostly wait.
fn for_every_source(wanted: impl Fn(&Source) -> bool, check: impl Fn(&Source) + Sync) {
    let check = &check;
    std::thread::scope(|scope| {
        for (position, source) in (0..).zip(SOURCES.iter().filter(|source| wanted(source))) {
            std::thread::Builder::new()
                .name(source.name.to_owned())
                .spawn_scoped(scope, move || {
                    std::thread::sleep(STAGGER * position);
                    check(source);
                })
                .expect("a thread can be started");
        }
    });
}

#[test]
fn every_source_of_base_credentials_serves_plan_and_apply() {
    for_every_source(
        |_| true,
        |source| {
            let mut setup = CredentialSetup::new(6, LONG);
            (source.arrange)(&mut setup);
            setup.run("plan", &["plan", "--debug"]).exits(0).agrees(TokenVersion::V2);
            let apply = setup.run("apply", &["apply", "--yes"]).exits(0).agrees(TokenVersion::V2);
            let position = SOURCES.iter().position(|known| known.name == source.name).expect("one of them");
            let info: serde_json::Value =
                serde_json::from_slice(&std::fs::read(apply.folder.join("run.json")).expect("run.json")).expect("JSON");
            assert_eq!(info["credential_source"], NAMES[position], "{}", source.name);
            let caller = format!("caller {}, from {}", info["caller_arn"].as_str().expect("an ARN"), NAMES[position]);
            let words = apply.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains(&caller), "{}: {caller}\n{apply}", source.name);
            let mut doctor = setup.bench.bare(&["doctor"]);
            doctor.args(&setup.arguments);
            let doctor = setup.bench.finish("doctor", doctor);
            let words = doctor.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words.contains(&format!(", from {}", NAMES[position])), "{}\n{doctor}", source.name);
            assert_eq!(apply.outcomes()["changed"], 6, "{}\n{apply}", source.name);
            let keys = &apply.after.assume_role_keys;
            let callers = &apply.after.assume_role_callers;
            // An intermediate role has another caller.
            let of_source = |found: &str| found.starts_with(source.key);
            let visits: u64 = keys.iter().filter(|(key, _)| of_source(key)).map(|(_, count)| count).sum();
            assert!(visits >= 10, "{}: five members, twice: {keys:?}", source.name);
            let asked = setup.services.requests();
            assert_eq!(
                asked.iter().any(|request| request == source.asks),
                !source.asks.is_empty(),
                "{}: {asked:?}",
                source.name
            );
            assert!(callers.keys().any(|arn| arn.ends_with(source.caller)), "{}: {callers:?}", source.name);
        },
    );
}

/// The metadata service of an instance is reached through a proxy, and that of a container without one, as in the AWS CLI.
#[test]
fn only_the_credentials_of_a_container_are_fetched_without_a_proxy() {
    let mut setup = CredentialSetup::new(2, LONG);
    let simulator = setup.bench.organization.endpoint().replace("http://", "");
    setup.bench.env("HTTP_PROXY", "http://127.0.0.1:1").env("NO_PROXY", &simulator);
    sources::container(&mut setup);
    setup.run("container", &["plan"]).exits(0);
    assert!(setup.services.requests().contains(&"GET /container".to_owned()));

    let mut setup = CredentialSetup::new(2, LONG);
    let simulator = setup.bench.organization.endpoint().replace("http://", "");
    sources::instance(&mut setup);
    setup.bench.env("HTTP_PROXY", &setup.services.url("")).env("NO_PROXY", &simulator);
    setup.bench.env("AWS_REGION", "eu-west-1").env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1");
    setup.run("instance", &["plan"]).exits(1).made_no_plan("NoCredentials");
    let asked = setup.services.requests();
    assert!(asked.iter().any(|request| request.starts_with("PUT http://127.0.0.1:1/latest/api/token")), "{asked:?}");
}
