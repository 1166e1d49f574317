//! The sources of base credentials: profiles and environments as users have them.

use std::time::Duration;

use super::stage::{DEPLOYER, EXTERNAL_ID, ROLLOUT, SSO_SESSION, START_URL, SUBJECT, Stage};
use crate::stand_in::{ACCESS_TOKEN, ASSIGNMENT, CLIENT_SECRET, CONTAINER_TOKEN, REFRESH_TOKEN};

/// One source, with the function that sets it up.
pub(super) struct Way {
    pub(super) name: &'static str,
    pub(super) arrange: fn(&mut Stage),
    /// The prefix of the resulting access keys.
    pub(super) key: &'static str,
    /// The part of the caller's ARN after the account.
    pub(super) caller: &'static str,
    /// Whether new credentials are fetched automatically.
    pub(super) renews: bool,
    /// The request to the credential service, if any.
    pub(super) asks: &'static str,
}

const KEYS: &str = "AKIASIMBASE";
const TEMPORARY: &str = "ASIASIMBASE";
const SESSION: &str = "ASIASIM0";
const OPERATOR: &str = "user/operator";

pub(super) const WAYS: [Way; 20] = [
    lasting("static profile", static_profile),
    lasting("profile by variable", profile_by_variable),
    lasting("default profile", default_profile),
    lasting("environment", environment),
    Way { key: TEMPORARY, renews: false, ..temporary("environment with a session", environment_session) },
    temporary("process", process),
    role("web identity by variables", web_identity_variables, "assumed-role/Deployer/pipeline"),
    role("web identity profile", web_identity_profile, "assumed-role/Deployer/pipeline"),
    asking("SSO session", sso_session, PORTAL),
    asking("SSO session to be refreshed", sso_refresh, "POST /token"),
    asking("SSO session, endpoint in the profile", sso_services, PORTAL),
    asking("legacy SSO", sso_legacy, PORTAL),
    asking("container", container, CONTAINER),
    asking("container with a token file", container_file, CONTAINER),
    asking("instance", instance, "PUT /latest/api/token"),
    role("source_profile", source_profile, ROLLOUT_SESSION),
    role("source_profile of a source_profile", source_chain, ROLLOUT_SESSION),
    role("credential_source = Environment", source_environment, ROLLOUT_SESSION),
    Way { asks: CONTAINER, ..role("credential_source = EcsContainer", source_container, ROLLOUT_SESSION) },
    Way {
        asks: "GET /latest/meta-data/iam/security-credentials/rollout-instance",
        ..role("credential_source = Ec2InstanceMetadata", source_instance, ROLLOUT_SESSION)
    },
];

const PORTAL: &str = "GET /federation/credentials";
const CONTAINER: &str = "GET /container";
const ROLLOUT_SESSION: &str = "assumed-role/Rollout/people";

const fn lasting(name: &'static str, arrange: fn(&mut Stage)) -> Way {
    Way { name, arrange, key: KEYS, caller: OPERATOR, renews: false, asks: "" }
}

const fn temporary(name: &'static str, arrange: fn(&mut Stage)) -> Way {
    Way { name, arrange, key: TEMPORARY, caller: OPERATOR, renews: true, asks: "" }
}

const fn asking(name: &'static str, arrange: fn(&mut Stage), asks: &'static str) -> Way {
    Way { asks, ..temporary(name, arrange) }
}

const fn role(name: &'static str, arrange: fn(&mut Stage), caller: &'static str) -> Way {
    Way { name, arrange, key: SESSION, caller, renews: true, asks: "" }
}

/// With its Region, which no other source provides.
fn static_profile(stage: &mut Stage) {
    stage.bench.without_env("AWS_REGION");
    stage.write(".aws/credentials", &format!("[ops]\n{}", stage.key_lines()));
    stage.configure("ops", "[profile ops]\nregion = eu-west-1\n");
}

fn profile_by_variable(stage: &mut Stage) {
    static_profile(stage);
    stage.arguments.clear();
    stage.bench.env("AWS_PROFILE", "ops");
}

/// With its Region, which no other source provides.
fn default_profile(stage: &mut Stage) {
    stage.write(".aws/config", &format!("[default]\nregion = eu-west-1\n{}", stage.key_lines()));
    stage.bench.without_env("AWS_REGION");
}

fn environment(stage: &mut Stage) {
    let keys = stage.keys.clone();
    stage.bench.env("AWS_ACCESS_KEY_ID", &keys.access_key_id).env("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key);
}

fn environment_session(stage: &mut Stage) {
    environment_session_for(stage, super::LONG);
}

pub(super) fn environment_session_for(stage: &mut Stage, lifetime: Duration) {
    let (keys, _) = stage.bench.organization.control(|world| world.renew_base_credentials_for(lifetime));
    stage.keys = keys;
    environment(stage);
    let token = stage.keys.session_token.clone().expect("temporary ones have a token");
    stage.bench.env("AWS_SESSION_TOKEN", &token);
}

pub(super) fn process(stage: &mut Stage) {
    let script = stage.write_process();
    stage.configure("ops", &format!("[profile ops]\ncredential_process = bash {}\n", script.display()));
}

pub(super) fn web_identity_variables(stage: &mut Stage) {
    let file = stage.write_web_token(SUBJECT, super::LONG);
    stage
        .bench
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", file.to_str().expect("a UTF-8 path"))
        .env("AWS_ROLE_ARN", DEPLOYER)
        .env("AWS_ROLE_SESSION_NAME", "pipeline");
}

fn web_identity_profile(stage: &mut Stage) {
    let file = stage.write_web_token(SUBJECT, super::LONG);
    let file = file.display();
    stage.configure(
        "ci",
        &format!(
            "[profile ci]\nrole_arn = {DEPLOYER}\nweb_identity_token_file = {file}\nrole_session_name = pipeline\n"
        ),
    );
}

/// The lines of a profile that say for which account and role a login is used.
fn assignment() -> String {
    let [account, role] = ASSIGNMENT;
    format!("sso_account_id = {account}\nsso_role_name = {role}\n")
}

/// Caches a login where `aws sso login` does, under the SHA-1 of its name.
pub(super) fn log_in(stage: &Stage, hash: &str, expires: &str, more: &str) {
    stage.write(
        &format!(".aws/sso/cache/{hash}.json"),
        &format!(
            r#"{{"startUrl": "{}", "region": "eu-central-1", "accessToken": "{ACCESS_TOKEN}", "expiresAt": "{expires}"{more}}}"#,
            START_URL[0]
        ),
    );
}

/// Later than the end of any test.
pub(super) const FUTURE: &str = "2099-01-01T00:00:00Z";
pub(super) const PAST: &str = "2020-01-01T00:00:00Z";

/// A profile with a session of its own, without a login.
pub(super) fn sso_profile(stage: &mut Stage) {
    stage.bench.env("AWS_ENDPOINT_URL_SSO", &stage.stand_in.url(""));
    stage.bench.env("AWS_ENDPOINT_URL_SSO_OIDC", &stage.stand_in.url(""));
    stage.configure(
        "sso",
        &format!(
            "[profile sso]\nsso_session = {}\n{}\n[sso-session {}]\nsso_region = eu-central-1\nsso_start_url = {}\n",
            SSO_SESSION[0],
            assignment(),
            SSO_SESSION[0],
            START_URL[0]
        ),
    );
}

pub(super) fn sso_session(stage: &mut Stage) {
    sso_profile(stage);
    log_in(stage, SSO_SESSION[1], FUTURE, "");
}

/// An expired login that can be renewed automatically.
pub(super) fn sso_refresh(stage: &mut Stage) {
    sso_profile(stage);
    let registration = format!(
        r#", "clientId": "client", "clientSecret": "{CLIENT_SECRET}", "registrationExpiresAt": "{FUTURE}", "refreshToken": "{REFRESH_TOKEN}""#
    );
    log_in(stage, SSO_SESSION[1], PAST, &registration);
}

/// The portal's address is in the profile. An endpoint for all services must not override it.
fn sso_services(stage: &mut Stage) {
    sso_session(stage);
    stage.bench.without_env("AWS_ENDPOINT_URL_SSO");
    let text = std::fs::read_to_string(stage.bench.folder.path().join(".aws/config")).expect("it was written");
    let url = stage.stand_in.url("");
    let text = text.replace("[profile sso]\n", "[profile sso]\nservices = corp\n");
    stage.configure("sso", &format!("{text}\n[services corp]\nsso =\n  endpoint_url = {url}\n"));
    let everything = stage.bench.organization.endpoint();
    stage.bench.without_env("AWS_ENDPOINT_URL");
    for service in ["ORGANIZATIONS", "STS", "IAM"] {
        stage.bench.env(&format!("AWS_ENDPOINT_URL_{service}"), &everything);
    }
}

/// A profile in the older form without an SSO session, without a login.
pub(super) fn sso_legacy_profile(stage: &mut Stage) {
    stage.bench.env("AWS_ENDPOINT_URL_SSO", &stage.stand_in.url(""));
    stage.configure(
        "sso",
        &format!("[profile sso]\nsso_region = eu-central-1\nsso_start_url = {}\n{}", START_URL[0], assignment()),
    );
}

pub(super) fn sso_legacy(stage: &mut Stage) {
    sso_legacy_profile(stage);
    log_in(stage, START_URL[1], FUTURE, "");
}

pub(super) fn container(stage: &mut Stage) {
    stage
        .bench
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &stage.stand_in.url("/container"))
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", CONTAINER_TOKEN);
}

pub(super) fn container_file(stage: &mut Stage) {
    container(stage);
    let file = stage.write("container-token", CONTAINER_TOKEN);
    stage
        .bench
        .without_env("AWS_CONTAINER_AUTHORIZATION_TOKEN")
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file.to_str().expect("a UTF-8 path"));
}

/// The instance also provides the Region.
pub(super) fn instance(stage: &mut Stage) {
    stage
        .bench
        .without_env("AWS_EC2_METADATA_DISABLED")
        .without_env("AWS_REGION")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &stage.stand_in.url(""));
}

/// A profile that assumes the role with the credentials of these lines.
pub(super) fn assuming(source: &str) -> String {
    format!(
        "[profile rollout]\nrole_arn = {ROLLOUT}\nexternal_id = {EXTERNAL_ID}\nrole_session_name = people\n{source}\n"
    )
}

pub(super) fn source_profile(stage: &mut Stage) {
    let keys = stage.key_lines();
    stage.configure("rollout", &format!("{}\n[profile keys]\n{keys}", assuming("source_profile = keys")));
}

/// The intermediate role is the same role, which trusts its own account.
fn source_chain(stage: &mut Stage) {
    let keys = stage.key_lines();
    let first = format!("[profile first]\nrole_arn = {ROLLOUT}\nexternal_id = {EXTERNAL_ID}\nsource_profile = keys\n");
    stage.configure("rollout", &format!("{}\n{first}\n[profile keys]\n{keys}", assuming("source_profile = first")));
}

fn source_environment(stage: &mut Stage) {
    environment(stage);
    stage.configure("rollout", &assuming("credential_source = Environment"));
}

fn source_container(stage: &mut Stage) {
    container(stage);
    stage.configure("rollout", &assuming("credential_source = EcsContainer"));
}

fn source_instance(stage: &mut Stage) {
    instance(stage);
    stage.bench.env("AWS_REGION", "eu-west-1");
    stage.configure("rollout", &assuming("credential_source = Ec2InstanceMetadata"));
}
