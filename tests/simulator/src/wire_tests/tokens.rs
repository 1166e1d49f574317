//! The effect of the setting: the global endpoint, its lag, and opt-in Regions.

use std::time::Duration;

use super::client::{Client, SET_V2, code};
use crate::*;

const IDENTITY: &str = "Version=2011-06-15&Action=GetCallerIdentity";

/// Returns the answer of a region's STS endpoint to a session.
fn in_region(session: &Client, region: &str) -> (u16, String) {
    let answered = session.send("sts", region, None, IDENTITY);
    let (status, code) = code(&answered);
    (status, if status == 200 { String::new() } else { code.to_owned() })
}

fn refused() -> (u16, String) {
    (403, "InvalidClientTokenId".to_owned())
}

fn accepted() -> (u16, String) {
    (200, String::new())
}

#[test]
fn without_a_global_endpoint_other_regions_are_refused() {
    let organization = Organization::builder().accounts(3).start();
    let client = Client::new(&organization);
    for region in ["us-east-1", "ap-east-1"] {
        assert_eq!(in_region(&client, region), (403, "SignatureDoesNotMatch".to_owned()), "{region}");
    }
    assert_eq!(organization.truth().global_assume_roles, 0);
}

#[test]
fn global_tokens_follow_the_setting_of_the_roles_account() {
    let builder = Organization::builder().accounts(5).opt_in_region("ap-east-1").global_sts(Duration::ZERO);
    let organization = builder
        .account(1, |account| account.version = Some(TokenVersion::V2))
        .account(3, |account| account.version = None)
        .start();
    let client = Client::new(&organization);
    assert_eq!(in_region(&client, "ap-east-1"), accepted(), "long-term credentials have no token");
    for (id, expected) in [("000000000001", accepted()), ("000000000002", refused()), ("000000000003", refused())] {
        let session = client.visit_through("us-east-1", id);
        assert_eq!(in_region(&session, "ap-east-1"), expected, "{id}");
        assert_eq!(in_region(&session, "eu-west-1"), accepted(), "{id}");
        let regional = client.visit(id);
        assert_eq!(in_region(&regional, "ap-east-1"), accepted(), "{id}");
    }
    let session = client.visit_through("us-east-1", "000000000002");
    assert_eq!(code(&session.iam(SET_V2)).0, 200);
    assert_eq!(in_region(&session, "ap-east-1"), refused(), "a token stays what it was issued as");
    assert_eq!(in_region(&client.visit_through("us-east-1", "000000000002"), "ap-east-1"), accepted());

    let truth = organization.truth();
    assert_eq!((truth.global_assume_roles, truth.requests(Operation::AssumeRole)), (5, 8));
    assert_eq!((truth.account(2).calls.global_assume_role, truth.account(2).calls.assume_role), (3, 4));
    assert_eq!(truth.account(4).calls.global_assume_role, 0);
}

#[test]
fn global_tokens_lag_behind_the_setting() {
    let builder = Organization::builder().accounts(3).opt_in_region("ap-east-1").global_sts(Duration::from_mins(10));
    let organization = builder.start();
    let client = Client::new(&organization);
    assert_eq!(code(&client.visit("000000000001").iam(SET_V2)).0, 200);
    organization.control(|world| world.account_mut(2).change_externally(Some(TokenVersion::V2)));
    for id in ["000000000001", "000000000002"] {
        assert_eq!(in_region(&client.visit_through("us-east-1", id), "ap-east-1"), refused(), "{id}");
    }
    organization.control(|world| world.set_issuance_lag(Duration::ZERO));
    for id in ["000000000001", "000000000002"] {
        assert_eq!(in_region(&client.visit_through("us-east-1", id), "ap-east-1"), accepted(), "{id}");
    }
}

/// If `us-east-1` is the region of the run, its endpoint is a regional endpoint.
#[test]
fn the_region_of_the_run_is_never_the_global_endpoint() {
    let builder = Organization::builder().accounts(3).region("us-east-1").opt_in_region("ap-east-1");
    let organization = builder.global_sts(Duration::ZERO).start();
    let session = Client::new(&organization).visit_through("us-east-1", "000000000001");
    assert_eq!(in_region(&session, "ap-east-1"), accepted());
    assert_eq!(organization.truth().global_assume_roles, 0);
}
