//! Policies of the operator and of roles, trust policies as documents, and the root user.

use serde_json::json;

use super::client::{Client, code};
use crate::*;

#[test]
fn calls_without_an_allow_are_refused_and_counted_by_caller() {
    let organization = Organization::builder()
        .accounts(3)
        .caller_policy(
            r#"{"Statement": [
                {"Effect": "Allow", "Action": ["organizations:*", "sts:AssumeRole"], "Resource": "*"},
                {"Effect": "Deny", "Action": "organizations:ListRoots", "Resource": "*"},
                {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::000000000002:role/*"}
            ]}"#,
        )
        .each_account(|account| {
            account.role.policy = Some(
                r#"{"Statement": [{"Effect": "Allow", "Action": "iam:GetAccountSummary", "Resource": "*"}]}"#.into(),
            );
        })
        .start();
    let client = Client::new(&organization);
    assert_eq!(client.list("ListAccounts", &json!({})).0, 200);
    let (status, refusal) = client.list("ListRoots", &json!({}));
    assert_eq!((status, refusal["__type"].as_str()), (400, Some("AccessDeniedException")));
    assert_eq!(code(&client.sts("Action=GetCallerIdentity")).0, 200, "that needs no permission");
    assert_eq!(code(&client.assume("000000000002", "")), (403, "AccessDenied"));
    let session = client.visit("000000000001");
    assert_eq!(session.version(), Some(1));
    let set = session.send("iam", "us-east-1", None, super::client::SET_V2);
    assert_eq!(code(&set), (403, "AccessDenied"));
    let callers = organization.truth().callers;
    assert_eq!(callers["user/operator"][&Operation::ListRoots], 1);
    assert_eq!(callers["role/OrganizationAccountAccessRole"][&Operation::GetAccountSummary], 1);
}

#[test]
fn a_trust_policy_can_be_a_document() {
    let document = |id: &str| {
        json!({"Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::000000000100:root"},
            "Action": ["sts:AssumeRole"],
            "Condition": {
                "StringEquals": {"sts:ExternalId": id},
                "ArnLike": {"aws:PrincipalArn": ["arn:aws:iam::000000000100:user/oper*"]},
            },
        }]})
        .to_string()
    };
    let organization = Organization::builder()
        .accounts(3)
        .each_account(move |account| account.role.trust_document = Some(document("right")))
        .start();
    let client = Client::new(&organization);
    assert_eq!(code(&client.assume("000000000001", "&ExternalId=right")).0, 200);
    assert_eq!(code(&client.assume("000000000001", "&ExternalId=wrong")), (403, "AccessDenied"));
    assert_eq!(code(&client.assume("000000000001", "")), (403, "AccessDenied"));
    let named = client.assume("000000000001", "&ExternalId=right&SourceIdentity=jane");
    assert_eq!(code(&named), (403, "AccessDenied"), "that is an action of its own");
}

#[test]
fn the_root_user_can_not_assume_roles() {
    let organization = Organization::builder().accounts(3).root_user(true).start();
    let client = Client::new(&organization);
    let identity = client.sts("Action=GetCallerIdentity").unwrap();
    assert!(identity.1.contains("arn:aws:iam::000000000100:root"), "{identity:?}");
    assert_eq!(code(&client.assume("000000000001", "")), (403, "AccessDenied"));
}
