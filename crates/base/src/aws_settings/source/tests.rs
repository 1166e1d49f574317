//! Tests of the decision: each source, the order of the sources, and the configurations that are refused.

use crate::aws_settings::{AwsSettings, Variables};

/// Decides in an environment of `NAME=value` words. Returns the text that names the source, or the error's text.
fn decide(option: Option<&str>, environment: &str, config: &str, credentials: &str) -> String {
    let variables: Variables = environment.split_whitespace().filter_map(|word| word.split_once('=')).collect();
    let settings = AwsSettings::of_contents(option, variables, config.as_bytes(), credentials.as_bytes());
    match settings.and_then(|settings| settings.credential_source()) {
        Ok(source) => source.to_string(),
        Err(error) => format!("! {error}"),
    }
}

const KEYS: &str = "aws_access_key_id = A\naws_secret_access_key = s\n";
const ENV: &str = "AWS_ACCESS_KEY_ID=A AWS_SECRET_ACCESS_KEY=s";
const ROLE: &str = "role_arn = arn:aws:iam::000000000100:role/R\n";
const SSO: &str = "sso_start_url = u\nsso_region = r\nsso_account_id = 000000000100\nsso_role_name = R\n";

#[test]
fn sources_are_tried_in_the_order_of_botocore() {
    let keys = |section: &str| format!("[{section}]\n{KEYS}");
    let process = "[profile p]\ncredential_process = fetch\n";
    let web = format!("[profile p]\n{ROLE}web_identity_token_file = t\n");
    let in_environment =
        format!("{ENV} AWS_PROFILE=p AWS_WEB_IDENTITY_TOKEN_FILE=t AWS_ROLE_ARN=arn:aws:iam::1:role/x");
    let token = "AWS_WEB_IDENTITY_TOKEN_FILE=t AWS_ROLE_ARN=arn:aws:iam::1:role/x";
    for (option, environment, config, credentials, source) in [
        (None, ENV, keys("default"), String::new(), "AWS_ACCESS_KEY_ID in the environment"),
        (None, in_environment.as_str(), keys("profile p"), String::new(), "AWS_ACCESS_KEY_ID in the environment"),
        // The profile of an option takes precedence over the keys in the environment.
        (Some("p"), in_environment.as_str(), keys("profile p"), String::new(), "profile p, keys in the config file"),
        (
            None,
            "AWS_PROFILE=p AWS_DEFAULT_PROFILE=q",
            keys("profile p") + &keys("profile q"),
            String::new(),
            "profile q, keys in the config file",
        ),
        (None, token, keys("default"), String::new(), "role arn:aws:iam::1:role/x by AWS_WEB_IDENTITY_TOKEN_FILE"),
        (Some("p"), token, process.to_owned(), String::new(), "profile p, credential_process"),
        (
            Some("p"),
            "",
            web.clone(),
            keys("p"),
            "profile p, role arn:aws:iam::000000000100:role/R by web_identity_token_file",
        ),
        (
            Some("p"),
            "",
            format!("[profile p]\n{SSO}"),
            keys("p"),
            "profile p, IAM Identity Center role R in account 000000000100",
        ),
        (Some("p"), "", process.to_owned(), keys("p"), "profile p, keys in the credentials file"),
        (
            Some("p"),
            "",
            format!("{process}login_session = arn:y\n{KEYS}"),
            String::new(),
            "profile p, session of aws login",
        ),
        (Some("p"), "", format!("{process}{KEYS}"), String::new(), "profile p, credential_process"),
        (
            Some("p"),
            "AWS_CONTAINER_CREDENTIALS_FULL_URI=u",
            "[profile p]\nregion = r\n".to_owned(),
            String::new(),
            "container credentials",
        ),
        (None, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=u", String::new(), String::new(), "container credentials"),
        (None, "", String::new(), String::new(), "instance role"),
        // A secret key without an access key id does not count as keys.
        (
            None,
            "AWS_SECRET_ACCESS_KEY=s",
            String::new(),
            "[default]\naws_secret_access_key = s\n".to_owned(),
            "instance role",
        ),
        (
            Some("p"),
            "",
            format!("[profile p]\n{ROLE}source_profile = q\n[profile q]\n{ROLE}source_profile = base keys\n"),
            keys("base keys"),
            "profile p, role arn:aws:iam::000000000100:role/R by source_profile q, role arn:aws:iam::000000000100:role/R by \
             source_profile base keys (keys in the credentials file)",
        ),
        // Profile p names itself as its `source_profile`. The role is assumed with the keys of the profile.
        (
            Some("p"),
            "",
            format!("[profile p]\n{ROLE}source_profile = p\n{KEYS}"),
            String::new(),
            "profile p, role arn:aws:iam::000000000100:role/R by source_profile p (keys in the config file)",
        ),
        (
            Some("p"),
            ENV,
            format!("[profile p]\n{ROLE}credential_source = Environment\n"),
            String::new(),
            "profile p, role arn:aws:iam::000000000100:role/R by credential_source Environment",
        ),
    ] {
        assert_eq!(
            decide(option, environment, &config, &credentials),
            source,
            "{environment}\n{config}\n{credentials}"
        );
    }
}

#[test]
fn an_incomplete_source_is_refused_and_no_other_is_used() {
    // In every case, a container and an instance could provide credentials, but they must not be used.
    let container = "AWS_CONTAINER_CREDENTIALS_FULL_URI=u";
    for (environment, profile, refusal) in [
        ("AWS_ACCESS_KEY_ID=A", "", "AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE=t", "", "no role to assume with it"),
        ("AWS_STS_REGIONAL_ENDPOINTS=global", "", "expected regional or legacy"),
        ("AWS_METADATA_SERVICE_TIMEOUT=soon", "", "expected a whole number"),
        ("AWS_PROFILE=q", "", "AWS_PROFILE names the profile \"q\""),
        ("AWS_PROFILE=", "", "AWS_PROFILE names the profile \"\""),
        ("", "aws_access_key_id = A", "without aws_secret_access_key"),
        ("", "web_identity_token_file = t", "no role to assume with it"),
        ("", "role_arn = arn:aws:iam::000000000100:role/R", "neither source_profile nor credential_source"),
        ("", "role_arn =\nsource_profile = default", "role_arn is empty"),
        ("", "role_arn = R\nsource_profile = default", "role_arn is too short"),
        ("", "{ROLE}source_profile = defualt", "its source_profile \"defualt\" does not exist; did you mean default?"),
        ("", "{ROLE}source_profile = p", "leads back to itself, and never to credentials"),
        (
            "",
            "{ROLE}source_profile = default\ncredential_source = Environment",
            "both source_profile and credential_source",
        ),
        ("", "{ROLE}credential_source = environment", "is not one of Environment"),
        ("", "{ROLE}credential_source = Environment", "AWS_ACCESS_KEY_ID is not set"),
        ("", "{ROLE}source_profile = empty", "its source_profile \"empty\" has no credentials"),
        ("", "{ROLE}source_profile = default\nexternal_id =", "external_id is empty"),
        ("", "{ROLE}source_profile = default\nduration_seconds = 10", "duration_seconds must be at least 900"),
        ("", "sso_role_name = R", "has no sso_account_id, sso_start_url, sso_region"),
        ("", "sso_account_id = 000000000100\nsso_session = none", "there is no section [sso-session none]"),
        ("", "sso_role_name = R\nsso_session = corp\nsso_region = x", "sso_region differs from that of the section"),
        ("", "credential_process = fetch 'x", "credential_process is not a command"),
        ("", "services = none\naws_access_key_id = A", "without aws_secret_access_key"),
    ] {
        let profile = profile.replace("{ROLE}", ROLE);
        let config = format!(
            "[profile p]\n{profile}\n[profile empty]\nregion = r\n[default]\n{KEYS}[sso-session corp]\nsso_region = r\nsso_start_url = u\n"
        );
        let option = Some("p").filter(|_| environment.is_empty());
        let decided = decide(option, &format!("{container} {environment}"), &config, "");
        assert!(decided.starts_with("! ") && decided.contains(refusal), "{environment} {profile}: {decided}");
        assert!(!decided.contains("= s"), "a value is not repeated: {decided}");
    }
    let without_container =
        decide(Some("p"), "", &format!("[profile p]\n{ROLE}credential_source = EcsContainer\n"), "");
    assert!(without_container.contains("its credential_source is EcsContainer, and neither"), "{without_container}");
}
