//! A source whose renewed credentials belong to another account than those that a person has confirmed.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use v2token_simulator::{Organization, TokenVersion};

use super::environment::{CredentialSetup, searched};
use super::renewal::{ACCOUNTS, APPLY, SHORT};
use crate::running::Running;

/// The member whose credentials the source gives after the first time.
const OTHER: &str = "000000000001";

#[test]
fn renewed_credentials_of_another_account_stop_the_run() {
    let mut setup = CredentialSetup::new(ACCOUNTS, SHORT);
    let fetch = setup.write_process();
    setup.configure("ops", &format!("[profile ops]\ncredential_process = bash {}\n", fetch.display()));
    let other = session_in_other_account(&setup.bench.organization);
    let key = other.access_key_id().to_owned();
    let mut running = Running::spawn(&setup.bench, "run", setup.command("run", &APPLY));
    running.until(|truth| truth.assume_role_keys.values().sum::<u64>() >= 2);
    let printed = format!(
        r#"{{"Version":1,"AccessKeyId":"{key}","SecretAccessKey":"{}","SessionToken":"{}","Expiration":"2999-01-01T00:00:00Z"}}"#,
        other.secret_access_key(),
        other.session_token()
    );
    setup.write("fetch.sh", &format!("echo '{printed}'\n"));
    let run = searched(running.end()).exits(1).agrees(TokenVersion::V2);
    let run = run.says(&["the renewed base credentials are those of account 000000000001", "v2token resume"]);
    assert!(!run.after.assume_role_keys.contains_key(&key), "no account was entered with them\n{run}");
    assert!(run.outcomes()["not_attempted"] > 0, "{run}");
}

/// A session of the role in a member, opened by the operator.
fn session_in_other_account(organization: &Organization) -> aws_sdk_sts::types::Credentials {
    let keys = organization.control(|world| world.base_credentials());
    let keys = Credentials::new(keys.access_key_id, keys.secret_access_key, keys.session_token, None, "test");
    let config = aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::from_static("eu-west-1"))
        .endpoint_url(organization.endpoint())
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let role = format!("arn:aws:iam::{OTHER}:role/OrganizationAccountAccessRole");
    let request = aws_sdk_sts::Client::new(&config).assume_role().role_arn(role).role_session_name("other");
    runtime.block_on(request.send()).expect("a session").credentials.expect("credentials")
}
