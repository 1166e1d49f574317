//! The sources of base credentials: profiles and environments as users have them.

use std::time::Duration;

use super::environment::{CredentialSetup, DEPLOYER, EXTERNAL_ID, ROLLOUT, SSO_SESSION, START_URL, SUBJECT};
use crate::credential_services::{ACCESS_TOKEN, ASSIGNMENT, CLIENT_SECRET, CONTAINER_TOKEN, REFRESH_TOKEN};

/// One source, with the function that sets it up.
pub(super) struct Source {
    pub(super) name: &'static str,
    pub(super) arrange: fn(&mut CredentialSetup),
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

pub(super) const SOURCES: [Source; 20] = [
    lasting("static profile", static_profile),
    lasting("profile by variable", profile_by_variable),
    lasting("default profile", default_profile),
    lasting("environment", environment),
    Source { key: TEMPORARY, renews: false, ..temporary("environment with a session", environment_session) },
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
    Source { asks: CONTAINER, ..role("credential_source = EcsContainer", source_container, ROLLOUT_SESSION) },
    Source {
        asks: "GET /latest/meta-data/iam/security-credentials/rollout-instance",
        ..role("credential_source = Ec2InstanceMetadata", source_instance, ROLLOUT_SESSION)
    },
];

const PORTAL: &str = "GET /federation/credentials";
const CONTAINER: &str = "GET /container";
const ROLLOUT_SESSION: &str = "assumed-role/Rollout/people";

const fn lasting(name: &'static str, arrange: fn(&mut CredentialSetup)) -> Source {
    Source { name, arrange, key: KEYS, caller: OPERATOR, renews: false, asks: "" }
}

const fn temporary(name: &'static str, arrange: fn(&mut CredentialSetup)) -> Source {
    Source { name, arrange, key: TEMPORARY, caller: OPERATOR, renews: true, asks: "" }
}

const fn asking(name: &'static str, arrange: fn(&mut CredentialSetup), asks: &'static str) -> Source {
    Source { asks, ..temporary(name, arrange) }
}

const fn role(name: &'static str, arrange: fn(&mut CredentialSetup), caller: &'static str) -> Source {
    Source { name, arrange, key: SESSION, caller, renews: true, asks: "" }
}

/// With its Region, which no other source provides.
fn static_profile(setup: &mut CredentialSetup) {
    setup.bench.without_env("AWS_REGION");
    setup.write(".aws/credentials", &format!("[ops]\n{}", setup.key_lines()));
    setup.configure("ops", "[profile ops]\nregion = eu-west-1\n");
}

fn profile_by_variable(setup: &mut CredentialSetup) {
    static_profile(setup);
    setup.arguments.clear();
    setup.bench.env("AWS_PROFILE", "ops");
}

/// With its Region, which no other source provides.
fn default_profile(setup: &mut CredentialSetup) {
    setup.write(".aws/config", &format!("[default]\nregion = eu-west-1\n{}", setup.key_lines()));
    setup.bench.without_env("AWS_REGION");
}

fn environment(setup: &mut CredentialSetup) {
    let keys = setup.keys.clone();
    setup.bench.env("AWS_ACCESS_KEY_ID", &keys.access_key_id).env("AWS_SECRET_ACCESS_KEY", &keys.secret_access_key);
}

fn environment_session(setup: &mut CredentialSetup) {
    environment_session_for(setup, super::LONG);
}

pub(super) fn environment_session_for(setup: &mut CredentialSetup, lifetime: Duration) {
    let (keys, _) = setup.bench.organization.control(|world| world.renew_base_credentials_for(lifetime));
    setup.keys = keys;
    environment(setup);
    let token = setup.keys.session_token.clone().expect("temporary ones have a token");
    setup.bench.env("AWS_SESSION_TOKEN", &token);
}

pub(super) fn process(setup: &mut CredentialSetup) {
    let script = setup.write_process();
    setup.configure("ops", &format!("[profile ops]\ncredential_process = bash {}\n", script.display()));
}

pub(super) fn web_identity_variables(setup: &mut CredentialSetup) {
    let file = setup.write_web_token(SUBJECT, super::LONG);
    setup
        .bench
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", file.to_str().expect("a UTF-8 path"))
        .env("AWS_ROLE_ARN", DEPLOYER)
        .env("AWS_ROLE_SESSION_NAME", "pipeline");
}

fn web_identity_profile(setup: &mut CredentialSetup) {
    let file = setup.write_web_token(SUBJECT, super::LONG);
    let file = file.display();
    setup.configure(
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
pub(super) fn log_in(setup: &CredentialSetup, hash: &str, expires: &str, more: &str) {
    setup.write(
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
pub(super) fn sso_profile(setup: &mut CredentialSetup) {
    setup.bench.env("AWS_ENDPOINT_URL_SSO", &setup.services.url(""));
    setup.bench.env("AWS_ENDPOINT_URL_SSO_OIDC", &setup.services.url(""));
    setup.configure(
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

pub(super) fn sso_session(setup: &mut CredentialSetup) {
    sso_profile(setup);
    log_in(setup, SSO_SESSION[1], FUTURE, "");
}

/// An expired login that can be renewed automatically.
pub(super) fn sso_refresh(setup: &mut CredentialSetup) {
    sso_profile(setup);
    let registration = format!(
        r#", "clientId": "client", "clientSecret": "{CLIENT_SECRET}", "registrationExpiresAt": "{FUTURE}", "refreshToken": "{REFRESH_TOKEN}""#
    );
    log_in(setup, SSO_SESSION[1], PAST, &registration);
}

/// The portal's address is in the profile. An endpoint for all services must not override it.
fn sso_services(setup: &mut CredentialSetup) {
    sso_session(setup);
    setup.bench.without_env("AWS_ENDPOINT_URL_SSO");
    let text = std::fs::read_to_string(setup.bench.folder.path().join(".aws/config")).expect("it was written");
    let url = setup.services.url("");
    let text = text.replace("[profile sso]\n", "[profile sso]\nservices = corp\n");
    setup.configure("sso", &format!("{text}\n[services corp]\nsso =\n  endpoint_url = {url}\n"));
    let everything = setup.bench.organization.endpoint();
    setup.bench.without_env("AWS_ENDPOINT_URL");
    for service in ["ORGANIZATIONS", "STS", "IAM"] {
        setup.bench.env(&format!("AWS_ENDPOINT_URL_{service}"), &everything);
    }
}

/// A profile in the older form without an SSO session, without a login.
pub(super) fn sso_legacy_profile(setup: &mut CredentialSetup) {
    setup.bench.env("AWS_ENDPOINT_URL_SSO", &setup.services.url(""));
    setup.configure(
        "sso",
        &format!("[profile sso]\nsso_region = eu-central-1\nsso_start_url = {}\n{}", START_URL[0], assignment()),
    );
}

pub(super) fn sso_legacy(setup: &mut CredentialSetup) {
    sso_legacy_profile(setup);
    log_in(setup, START_URL[1], FUTURE, "");
}

pub(super) fn container(setup: &mut CredentialSetup) {
    setup
        .bench
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", &setup.services.url("/container"))
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", CONTAINER_TOKEN);
}

pub(super) fn container_file(setup: &mut CredentialSetup) {
    container(setup);
    let file = setup.write("container-token", CONTAINER_TOKEN);
    setup
        .bench
        .without_env("AWS_CONTAINER_AUTHORIZATION_TOKEN")
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file.to_str().expect("a UTF-8 path"));
}

/// The instance also provides the Region.
pub(super) fn instance(setup: &mut CredentialSetup) {
    setup
        .bench
        .without_env("AWS_EC2_METADATA_DISABLED")
        .without_env("AWS_REGION")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", &setup.services.url(""));
}

/// A profile that assumes the role with the credentials of these lines.
pub(super) fn assuming(source: &str) -> String {
    format!(
        "[profile rollout]\nrole_arn = {ROLLOUT}\nexternal_id = {EXTERNAL_ID}\nrole_session_name = people\n{source}\n"
    )
}

pub(super) fn source_profile(setup: &mut CredentialSetup) {
    let keys = setup.key_lines();
    setup.configure("rollout", &format!("{}\n[profile keys]\n{keys}", assuming("source_profile = keys")));
}

/// The intermediate role is the same role, which trusts its own account.
fn source_chain(setup: &mut CredentialSetup) {
    let keys = setup.key_lines();
    let first = format!("[profile first]\nrole_arn = {ROLLOUT}\nexternal_id = {EXTERNAL_ID}\nsource_profile = keys\n");
    setup.configure("rollout", &format!("{}\n{first}\n[profile keys]\n{keys}", assuming("source_profile = first")));
}

fn source_environment(setup: &mut CredentialSetup) {
    environment(setup);
    setup.configure("rollout", &assuming("credential_source = Environment"));
}

fn source_container(setup: &mut CredentialSetup) {
    container(setup);
    setup.configure("rollout", &assuming("credential_source = EcsContainer"));
}

fn source_instance(setup: &mut CredentialSetup) {
    instance(setup);
    setup.bench.env("AWS_REGION", "eu-west-1");
    setup.configure("rollout", &assuming("credential_source = Ec2InstanceMetadata"));
}
