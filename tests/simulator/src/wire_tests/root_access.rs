//! Centralized root access.

use std::time::Duration;

use super::client::{Answered, Client, READ, SET_V2, code, within};
use crate::*;

const FEATURES: &str = "Action=ListOrganizationsFeatures&Version=2010-05-08";

fn root_of(client: &Client, region: &str, id: &str, more: &str) -> Answered {
    let body = format!(
        "Version=2011-06-15&Action=AssumeRoot&TargetPrincipal={id}&TaskPolicyArn.arn=arn:aws:iam::aws:policy/root-task/IAMAuditRootUserCredentials{more}"
    );
    client.send("sts", region, None, &body)
}

fn started(access: impl Into<RootAccess>) -> (Organization, Client) {
    let organization = Organization::builder().accounts(9).root_access(access).start();
    let client = Client::new(&organization);
    (organization, client)
}

#[test]
fn root_access_reads_and_does_not_write() {
    let (organization, client) = started(true);
    let root = client.session_in(&root_of(&client, "eu-west-1", "000000000003", ""));
    assert!(root.sts("Action=GetCallerIdentity").unwrap().1.contains("<Arn>arn:aws:iam::000000000003:root</Arn>"));
    assert_eq!(root.version(), Some(1));
    assert_eq!(code(&root.iam(SET_V2)), (403, "AccessDenied"));
    assert_eq!(code(&root.iam(FEATURES)), (403, "AccessDenied"));
    assert_eq!(code(&root.assume("000000000003", "")), (403, "AccessDenied"));
    assert_eq!(organization.truth().account(3).calls.assume_root, 1);
}

#[test]
fn root_access_has_limits() {
    let denied = (403, "AccessDenied");
    let (_organization, client) = started(true);
    let ask = |id: &str, more: &str| root_of(&client, "eu-west-1", id, more);
    assert_eq!(code(&ask("000000000100", "")), denied, "the management account has no such access");
    assert_eq!(code(&ask("000000000099", "")), denied);
    assert_eq!(code(&ask("000000000003", "&DurationSeconds=901")), (400, "ValidationError"));
    assert_eq!(code(&ask("000000000003", "&DurationSeconds=900")).0, 200);
    let unlock = "Action=AssumeRoot&TargetPrincipal=000000000003&TaskPolicyArn.arn=arn:aws:iam::aws:policy/root-task/S3UnlockBucketPolicy";
    assert_eq!(code(&client.sts(unlock)), denied);
    assert_eq!(code(&root_of(&client.visit("000000000002"), "eu-west-1", "000000000003", "")), denied);
    for access in [RootAccess::Off, RootAccess::NoTrustedAccess, RootAccess::NotAllFeatures] {
        let (_organization, client) = started(access);
        assert_eq!(code(&root_of(&client, "eu-west-1", "000000000003", "")), denied, "{access:?}");
    }
}

#[test]
fn the_global_endpoint_refuses_assume_root() {
    let organization = Organization::builder().accounts(9).root_access(true).global_sts(Duration::ZERO).start();
    let client = Client::new(&organization);
    assert_eq!(code(&root_of(&client, "us-east-1", "000000000003", "")), (400, "InvalidAction"));
    assert_eq!(code(&root_of(&client, "eu-west-1", "000000000003", "")).0, 200);
}

#[test]
fn only_administrators_may_list_the_features() {
    let (_organization, client) = started(true);
    let (status, body) = client.iam(FEATURES).unwrap();
    assert_eq!((status, within(&body, "OrganizationId")), (200, Some(ORGANIZATION_ID)));
    assert!(body.contains("<member>RootCredentialsManagement</member>"), "{body}");
    let (_organization, client) = started(false);
    assert_eq!(within(&client.iam(FEATURES).unwrap().1, "EnabledFeatures"), Some(""));
    for (access, error) in [
        (RootAccess::NoTrustedAccess, "ServiceAccessNotEnabledException"),
        (RootAccess::NotAllFeatures, "OrganizationNotInAllFeaturesModeException"),
    ] {
        let (_organization, client) = started(access);
        assert_eq!(code(&client.iam(FEATURES)), (400, error));
    }
    for (caller, expected) in [
        (Caller::Member(2.into()), (400, "AccountNotManagementOrDelegatedAdministratorException")),
        (Caller::DelegatedAdministrator(2.into()), (200, "")),
    ] {
        let organization = Organization::builder().accounts(9).root_access(true).caller(caller).start();
        let answered = Client::new(&organization).iam(FEATURES);
        let (status, error) = code(&answered);
        assert_eq!((status, if status == 200 { "" } else { error }), expected);
    }
    let organization = Organization::builder().accounts(9).caller(Caller::Member(2.into())).start();
    assert_eq!(code(&Client::new(&organization).iam(READ)).0, 200, "its own summary it may read");
}
