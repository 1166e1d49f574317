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

/// Returns the reported size, the utilization and the length of the token of a new session.
fn sizes(client: &Client, region: &str, more: &str) -> (Option<usize>, Option<usize>, usize) {
    let role = "arn:aws:iam::000000000001:role/OrganizationAccountAccessRole";
    let body = format!("Version=2011-06-15&Action=AssumeRole&RoleArn={role}&RoleSessionName=size{more}");
    let (status, answer) = client.send("sts", region, None, &body).expect("an answer");
    assert_eq!(status, 200, "{answer}");
    let element = |name: &str| {
        let (_, rest) = answer.split_once(&format!("<{name}>"))?;
        rest.split_once("</").map(|(text, _)| text.to_owned())
    };
    let number = |name: &str| element(name).map(|text| text.parse().expect("a number"));
    (number("SessionTokenSize"), number("SessionTokenUtilization"), element("SessionToken").expect("a token").len())
}

#[test]
fn the_size_of_a_token_tells_its_version() {
    let builder = Organization::builder().accounts(3).global_sts(Duration::ZERO).token_jitter(0);
    let organization = builder.start();
    let client = Client::new(&organization);
    assert_eq!(sizes(&client, "eu-west-1", ""), (Some(752), Some(18), 752));
    assert_eq!(sizes(&client, "us-east-1", ""), (Some(352), Some(8), 352));
    let policy =
        "&Policy=%7B%22Statement%22:%7B%22Effect%22:%22Allow%22,%22Action%22:%22*%22,%22Resource%22:%22*%22%7D%7D";
    let ((Some(regional), ..), (Some(global), ..)) =
        (sizes(&client, "eu-west-1", policy), sizes(&client, "us-east-1", policy))
    else {
        panic!("no sizes")
    };
    assert!(regional > 800 && regional - global == 400, "the policy is part of both tokens: {regional} {global}");
    assert_eq!(
        sizes(&client, "us-east-1", "&MinimumSessionTokenSize=4096"),
        (Some(4_096), Some(100), 4_096),
        "padding"
    );
    organization.control(|world| world.set_token_sizes(TokenSizes::Absent));
    assert_eq!(sizes(&client, "us-east-1", ""), (None, None, 352));
    let body = "Version=2011-06-15&Action=GetSessionToken&MinimumSessionTokenSize=4097";
    assert_eq!(code(&client.send("sts", "eu-west-1", None, body)), (400, "ValidationError"));
}

#[test]
fn sizes_differ_by_the_jitter_in_steps_of_base64() {
    let organization = Organization::builder().accounts(3).token_jitter(24).start();
    let client = Client::new(&organization);
    let all: std::collections::BTreeSet<usize> = (0..40).map(|_| sizes(&client, "eu-west-1", "").2).collect();
    assert!(all.len() > 2 && all.iter().all(|size| (752..=776).contains(size) && size % 4 == 0), "{all:?}");
}

#[test]
fn the_faults_of_the_global_endpoint_concern_it_alone() {
    let builder = Organization::builder().accounts(3).global_sts(Duration::ZERO).token_jitter(0);
    let organization = builder.account(1, |account| account.faults.global.throttle = 1).start();
    let client = Client::new(&organization);
    let role = "arn:aws:iam::000000000001:role/OrganizationAccountAccessRole";
    let body = format!("Version=2011-06-15&Action=AssumeRole&RoleArn={role}&RoleSessionName=size");
    let asked = |region: &str| {
        let answered = client.send("sts", region, None, &body);
        match code(&answered) {
            (200, _) => String::new(),
            (_, code) => code.to_owned(),
        }
    };
    assert_eq!((asked("eu-west-1"), asked("us-east-1")), (String::new(), "Throttling".to_owned()));
    for (size, reported) in [
        (GlobalSize::True, Some(352)),
        (GlobalSize::Missing, None),
        (GlobalSize::Between, Some(618)),
        (GlobalSize::Longer, Some(1_252)),
    ] {
        organization.control(|world| world.account_mut(1).faults.global.size = size);
        assert_eq!(sizes(&client, "us-east-1", "").0, reported, "{size:?}");
        assert_eq!(sizes(&client, "eu-west-1", "").0, Some(752), "{size:?}");
    }
    organization.control(|world| world.account_mut(1).faults.global.denied = true);
    assert_eq!((asked("eu-west-1"), asked("us-east-1")), (String::new(), "AccessDenied".to_owned()));
    assert_eq!(organization.truth().fault("global_throttle"), 1);
}
