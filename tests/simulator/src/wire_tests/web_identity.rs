//! Base credentials from elsewhere: web identities, and credentials that expire.

use std::time::Duration;

use hyper::HeaderMap;
use serde_json::Value;

use super::client::{Answered, Client, code, within};
use crate::*;

/// Credentials in the form of `credential_process`.
fn fetch(client: &Client, query: &str) -> Value {
    let path = format!("/_simulator/credentials{query}");
    serde_json::from_str(&client.exchange("GET", &path, &HeaderMap::new(), "").unwrap().1).unwrap()
}

#[test]
fn a_token_is_exchanged_for_a_session() {
    let deployer = Role {
        trusts: vec![Trusted::WebIdentity("repo:corp/rollout".into())],
        max_duration: 3_600,
        ..Role::named("ci/Deployer")
    };
    let organization = Organization::builder()
        .accounts(4)
        .account(MANAGEMENT_ACCOUNT, move |account| account.other_roles.push(deployer.clone()))
        .start();
    let client = Client::new(&organization);
    let token =
        |subject: &str, lifetime: Duration| organization.control(|world| world.web_identity_token(subject, lifetime));
    let exchange = |role: &str, token: &str, more: &str| -> Answered {
        let token = token.replace('/', "%2F").replace('+', "%2B");
        let body = format!(
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::000000000100:role/{role}&RoleSessionName=ci&WebIdentityToken={token}{more}"
        );
        client.exchange("POST", "/", &HeaderMap::new(), &body)
    };
    let good = token("repo:corp/rollout", Duration::from_mins(5));
    assert!(good.starts_with(SECRET_MARKER));
    let answered = exchange("ci/Deployer", &good, "");
    let body = &answered.as_ref().unwrap().1;
    assert_eq!(within(body, "SubjectFromWebIdentityToken"), Some("repo:corp/rollout"), "{body}");
    let session = client.session_in(&answered);
    assert!(session.sts("Action=GetCallerIdentity").unwrap().1.contains("000000000100:assumed-role/Deployer/ci"));
    assert_eq!(session.visit("000000000001").version(), Some(1));

    let other = token("repo:corp/other", Duration::from_mins(5));
    let old = token("repo:corp/rollout", Duration::ZERO);
    assert_eq!(code(&exchange("ci/Deployer", &other, "")), (403, "AccessDenied"));
    assert_eq!(code(&exchange("ci/Nobody", &good, "")), (403, "AccessDenied"));
    assert_eq!(code(&exchange("ci/Deployer", &old, "")), (400, "ExpiredTokenException"));
    assert_eq!(code(&exchange("ci/Deployer", "nonsense", "")), (400, "InvalidIdentityToken"));
    assert_eq!(code(&exchange("ci/Deployer", &good, "&DurationSeconds=3601")), (400, "ValidationError"));
    assert_eq!(code(&client.assume_arn("arn:aws:iam::000000000100:role/ci/Deployer", "")), (403, "AccessDenied"));
}

#[test]
fn credentials_expire() {
    let organization = Organization::builder().accounts(4).start();
    let client = Client::new(&organization);
    let keys = |document: &Value| {
        let part = |name: &str| document[name].as_str().unwrap().to_owned();
        let keys = Credentials {
            access_key_id: part("AccessKeyId"),
            secret_access_key: part("SecretAccessKey"),
            session_token: Some(part("SessionToken")),
        };
        Client { address: client.address.clone(), keys }
    };
    let (short, long) = (fetch(&client, "?lifetime=0"), fetch(&client, "?lifetime=600"));
    assert!(short["Expiration"].as_str().unwrap() < long["Expiration"].as_str().unwrap());
    assert_ne!(short["AccessKeyId"], long["AccessKeyId"]);
    assert_eq!(code(&keys(&short).assume("000000000001", "")), (403, "ExpiredToken"));
    assert_eq!(keys(&long).visit("000000000001").version(), Some(1));
    assert_eq!(code(&client.assume("000000000001", "")).0, 200, "older credentials stay valid");
    assert!(fetch(&client, "").get("Expiration").is_none());
}
