//! Sessions that AWS refuses although they have not expired, and the hints that say why.

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use v2token_simulator::Organization;

use crate::harness::Bench;

/// The session may be a v1 token of the global endpoint, which is what this program is about.
#[test]
fn an_opt_in_region_may_refuse_a_session_for_its_version() {
    for (region, token, may_be_v1) in
        [("ap-east-1", "another", true), ("eu-west-1", "another", false), ("ap-east-1", "", false)]
    {
        let organization = Organization::builder().accounts(3).region("eu-west-1").opt_in_region("ap-east-1").start();
        let mut bench = Bench::new(organization);
        bench.env("AWS_ACCESS_KEY_ID", "ASIAIOSFODNN7EXAMPLE").env("AWS_SECRET_ACCESS_KEY", "x");
        bench.env("AWS_SESSION_TOKEN", token).env("AWS_REGION", region);
        let run = bench.run("run", &["plan"]).exits(1).says(&["InvalidClientTokenId"]);
        let hint = "run with --region us-east-1, or with a session that a Regional STS endpoint issued";
        assert_eq!(run.stderr.contains(hint), may_be_v1, "{region}\n{run}");
        assert_eq!(run.stderr.contains("v1 token of the global STS endpoint"), may_be_v1, "{region}\n{run}");
    }
}

/// GetSessionToken without MFA gives a session that may call STS, and not IAM.
#[test]
fn a_session_of_a_user_without_mfa_may_not_read_the_management_account() {
    let organization = Organization::builder().accounts(4).unlimited().start();
    let session = session_token(&organization);
    let mut bench = Bench::new(organization);
    bench.env("AWS_ACCESS_KEY_ID", session.access_key_id()).env("AWS_SECRET_ACCESS_KEY", session.secret_access_key());
    bench.env("AWS_SESSION_TOKEN", session.session_token());
    let run = bench.run("run", &["plan"]).exits(3);
    let rows = run.rows();
    let failed: Vec<_> = rows.values().filter(|row| row["outcome"] == "failed").collect();
    assert_eq!(failed.len(), 1, "{run}");
    let hint = &failed[0]["hint"];
    assert!(
        hint.starts_with("a session of GetSessionToken without MFA may not call IAM: run with the user's keys"),
        "{hint}"
    );
    let skipping = bench.run("skipping", &["plan", "--management-account", "skip"]).exits(0);
    assert!(!skipping.outcomes().contains_key("failed"), "{skipping}");
}

/// A session of the operator by GetSessionToken, without MFA.
fn session_token(organization: &Organization) -> aws_sdk_sts::types::Credentials {
    let keys = organization.control(|world| world.base_credentials());
    let keys = Credentials::new(keys.access_key_id, keys.secret_access_key, None, None, "test");
    let config = aws_config::SdkConfig::builder()
        .behavior_version(aws_config::BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::from_static("eu-west-1"))
        .endpoint_url(organization.endpoint())
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let answer = runtime.block_on(aws_sdk_sts::Client::new(&config).get_session_token().send()).expect("a session");
    answer.credentials.expect("credentials")
}
