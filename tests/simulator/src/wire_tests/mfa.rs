//! Multi-factor authentication.

use serde_json::json;

use super::client::{Client, READ, code, within};
use crate::*;

const INVALID_CODE: &str = "MultiFactorAuthentication failed with invalid MFA one time pass code. ";

fn message(answered: &Option<(u16, String)>) -> &str {
    within(&answered.as_ref().unwrap().1, "Message").unwrap()
}

fn proof(organization: &Organization, code: &str) -> String {
    format!("&SerialNumber={}&TokenCode={code}", organization.control(|world| world.mfa_serial()))
}

#[test]
fn a_code_is_valid_once() {
    let organization = Organization::builder()
        .accounts(4)
        .mfa_codes(["123456", "234567"])
        .organizations_require_mfa(true)
        .each_account(|account| account.role.requires_mfa = true)
        .start();
    let client = Client::new(&organization);
    let denied = client.list("DescribeOrganization", &json!({}));
    assert_eq!((denied.0, &denied.1["__type"]), (400, &json!("AccessDeniedException")));
    assert!(denied.1["Message"].as_str().unwrap().contains("organizations:DescribeOrganization"));
    assert_eq!(code(&client.assume("000000000001", "")), (403, "AccessDenied"));

    let session_token = |more: &str| client.sts(&format!("Action=GetSessionToken{more}"));
    let wrong = session_token(&proof(&organization, "999999"));
    assert_eq!((code(&wrong), message(&wrong)), ((403, "AccessDenied"), INVALID_CODE));
    let session = client.session_in(&session_token(&proof(&organization, "123456")));
    assert_eq!(message(&session_token(&proof(&organization, "123456"))), INVALID_CODE, "a code is good for one use");
    assert_eq!(session.list("ListAccounts", &json!({})).0, 200);
    assert_eq!(code(&session.iam(READ)).0, 200);
    for id in ["000000000001", "000000000002", "000000000003"] {
        assert_eq!(session.visit(id).version(), Some(1));
    }
    let again = session.sts("Action=GetSessionToken");
    assert_eq!(code(&again), (403, "AccessDenied"));
    assert_eq!(message(&again), "Cannot call GetSessionToken with session credentials");
    assert_eq!(organization.truth().fault("mfa_code_refused"), 2);
}

#[test]
fn assume_role_takes_a_code() {
    let organization = Organization::builder()
        .accounts(4)
        .mfa_codes(["123456"])
        .each_account(|account| account.role.requires_mfa = true)
        .account(2, |account| account.role.trusts = vec![Trusted::Anyone])
        .start();
    let client = Client::new(&organization);
    let session = client.visit_with("000000000001", &proof(&organization, "123456"));
    assert_eq!(session.version(), Some(1));
    assert_eq!(code(&session.assume("000000000002", "")), (403, "AccessDenied"), "it ends with the role");
    assert_eq!(message(&client.assume("000000000002", &proof(&organization, "123456"))), INVALID_CODE);
    organization.control(|world| world.set_mfa_codes(["345678"]));
    assert_eq!(code(&client.assume("000000000002", &proof(&organization, "345678"))).0, 200);
}

#[test]
fn only_a_user_with_keys_has_a_device() {
    let start =
        |temporary: bool| Organization::builder().accounts(4).base_session(temporary).mfa_codes(["123456"]).start();
    let ask = |organization: &Organization, more: &str| {
        let answered = Client::new(organization).sts(&format!("Action=GetSessionToken{more}"));
        (code(&answered).1.to_owned(), message(&answered).to_owned())
    };
    let organization = start(false);
    let (code, message) = ask(&organization, "&SerialNumber=arn:aws:iam::000000000100:mfa/another&TokenCode=123456");
    assert_eq!((&*code, message.contains("verify your MFA serial number is valid")), ("AccessDenied", true));
    let (code, message) = ask(&organization, "&TokenCode=123456");
    assert_eq!((&*code, message.contains("must provide both")), ("AccessDenied", true));
    assert_eq!(ask(&organization, &proof(&organization, "12345")).0, "ValidationError");
    assert_eq!(ask(&organization, &proof(&organization, "12345x")).0, "ValidationError");
    let organization = start(true);
    assert_eq!(
        ask(&organization, &proof(&organization, "123456")).1,
        "Cannot call GetSessionToken with session credentials"
    );
}

#[test]
fn iam_refuses_sessions_without_mfa() {
    let organization = Organization::builder().accounts(4).start();
    let client = Client::new(&organization);
    let session = client.session_in(&client.sts("Action=GetSessionToken"));
    assert_eq!(code(&session.iam(READ)), (403, "InvalidClientTokenId"));
    assert_eq!(session.visit("000000000001").version(), Some(1));
}
