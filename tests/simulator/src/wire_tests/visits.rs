//! Visits to accounts: credentials, roles, the setting, faults and controls.

use std::net::TcpStream;

use hyper::HeaderMap;
use serde_json::{Value, json};

use super::client::{Client, READ, SET_V2, code, within};
use crate::*;

#[test]
fn a_visit_reads_sets_and_reads_back() {
    let organization = Organization::builder().accounts(30).start();
    let client = Client::new(&organization);
    assert!(client.sts("Action=GetCallerIdentity").unwrap().1.contains("arn:aws:iam::000000000100:user/operator"));
    let member = client.visit("000000000003");
    assert!(
        member
            .sts("Action=GetCallerIdentity")
            .unwrap()
            .1
            .contains("arn:aws:sts::000000000003:assumed-role/OrganizationAccountAccessRole/v2token")
    );
    assert_eq!(member.version(), Some(1));
    assert_eq!(code(&member.iam(SET_V2)).0, 200);
    assert_eq!(member.version(), Some(2));
    let wrong = "Action=SetSecurityTokenServicePreferences&Version=2010-05-08&GlobalEndpointTokenVersion=v2token";
    assert_eq!(code(&member.iam(wrong)), (400, "ValidationError"));
    // The management account is visited with the base credentials, not through the role.
    assert_eq!(code(&client.assume("000000000100", "")), (403, "AccessDenied"));
    assert_eq!(code(&client.iam(SET_V2)).0, 200);

    let truth = organization.truth();
    let account = truth.account(3);
    assert_eq!(
        (account.version, &*account.sets_applied, account.sets_received),
        (Some(TokenVersion::V2), &[TokenVersion::V2][..], 2)
    );
    assert_eq!((account.calls.assume_role, account.calls.get_account_summary), (1, 2));
    assert_eq!(truth.account(MANAGEMENT_ACCOUNT).version, Some(TokenVersion::V2));
    assert_eq!(truth.operation(Operation::AssumeRole).errors["AccessDenied"], 1);
    assert_eq!((truth.with_version(TokenVersion::V2), truth.assume_role_arrivals_ms.len()), (2, 2));
}

#[test]
fn signatures_are_verified() {
    let organization = Organization::builder().accounts(3).start();
    let client = Client::new(&organization);
    let with = |change: fn(&mut Credentials)| {
        let mut keys = client.keys.clone();
        change(&mut keys);
        Client { address: client.address.clone(), keys }
    };
    let identity = "Action=GetCallerIdentity&Version=2011-06-15";
    assert_eq!(code(&with(|keys| keys.secret_access_key.push('x')).iam(READ)), (403, "SignatureDoesNotMatch"));
    assert_eq!(
        code(&with(|keys| keys.access_key_id = "AKIAIOSFODNN7EXAMPLE".into()).iam(READ)),
        (403, "InvalidClientTokenId")
    );
    assert_eq!(code(&with(|keys| keys.session_token = Some("stray".into())).iam(READ)), (403, "InvalidClientTokenId"));
    assert_eq!(code(&client.send("sts", "us-east-1", None, identity)), (403, "SignatureDoesNotMatch"));
    // An SDK with a custom endpoint signs for the region of the run. AWS itself refuses such a request.
    assert_eq!(code(&client.send("iam", "eu-west-1", None, READ)).0, 200);
    assert_eq!(code(&client.send("iam", "us-west-2", None, READ)), (403, "SignatureDoesNotMatch"));
    assert_eq!(code(&client.send("sts", "us-east-1", None, READ)), (403, "SignatureDoesNotMatch"));
    let strict = Organization::builder().accounts(3).strict_signing_regions(true).start();
    let strict_client = Client::new(&strict);
    assert_eq!(code(&strict_client.send("iam", "eu-west-1", None, READ)), (403, "SignatureDoesNotMatch"));
    assert_eq!(code(&strict_client.iam(READ)).0, 200);
    assert_eq!(
        strict.truth().signing_regions[&Service::Iam],
        [("eu-west-1".into(), 1), ("us-east-1".into(), 1)].into()
    );
    assert_eq!(code(&client.exchange("POST", "/", &HeaderMap::new(), identity)), (403, "MissingAuthenticationToken"));
    organization.control(World::expire_base_credentials);
    assert_eq!(code(&client.sts("Action=GetCallerIdentity")), (403, "ExpiredToken"));
    assert_eq!(client.list("ListAccounts", &json!({})).1["__type"], "ExpiredTokenException");
    assert_eq!(code(&Client::new(&organization).sts("Action=GetCallerIdentity")), (403, "ExpiredToken"));
    organization.control(|world| world.renew_base_credentials());
    assert_eq!(code(&Client::new(&organization).sts("Action=GetCallerIdentity")).0, 200);
}

#[test]
fn trust_and_session_policies_are_enforced() {
    let organization = Organization::builder()
        .accounts(9)
        .account(1, |account| account.role.external_id = Some("key".into()))
        .account(2, |account| account.role.max_duration = 3_600)
        .account(3, |account| account.state = AccountState::Suspended)
        .account(4, |account| account.role.name = "ops/OrganizationAccountAccessRole".into())
        .start();
    let client = Client::new(&organization);
    assert_eq!(code(&client.assume("000000000001", "")), (403, "AccessDenied"));
    assert_eq!(code(&client.assume("000000000001", "&ExternalId=key")).0, 200);
    assert_eq!(code(&client.assume("000000000002", "&DurationSeconds=3601")), (400, "ValidationError"));
    assert_eq!(code(&client.assume("000000000002", "&DurationSeconds=899")), (400, "ValidationError"));
    assert_eq!(code(&client.assume("000000000003", "")), (403, "AccessDenied"));
    assert_eq!(code(&client.assume("000000000004", "")), (403, "AccessDenied"));
    assert_eq!(code(&client.assume("000000000009", "")), (403, "AccessDenied"), "there are members 1 to 8 only");
    assert_eq!(code(&client.assume("000000000005", "&Policy=no")), (400, "MalformedPolicyDocument"));
    assert_eq!(code(&client.sts("Action=AssumeRole&RoleArn=arn:aws:iam::000000000004:role/ops/OrganizationAccountAccessRole&RoleSessionName=a+b")), (400, "ValidationError"));
    let policy = r#"{"Statement":{"Effect":"Allow","Action":"iam:GetAccountSummary","Resource":"*"}}"#;
    let member = client.visit_with("000000000005", &format!("&Policy={policy}"));
    assert_eq!(member.version(), Some(1));
    assert_eq!(code(&member.iam(SET_V2)), (403, "AccessDenied"));
    assert!(organization.truth().account(5).sets_applied.is_empty());
}

#[test]
fn account_faults() {
    let organization = Organization::builder()
        .accounts(9)
        .account(1, |account| account.faults.wrong_identity = Some(2.into()))
        .account(2, |account| {
            account.faults.throttle = PerCall::all(1);
            account.faults.status_503 = PerCall::read(1);
        })
        .account(3, |account| account.faults.lost_acknowledgements = 1)
        .account(4, |account| account.faults.dropped_sets = 1)
        .account(5, |account| account.faults.captive_portal = ALWAYS)
        .account(6, |account| {
            account.faults.deny_set_by_scp = true;
            account.faults.missing_summary_key = true;
        })
        .account(7, |account| account.faults.truncated = PerCall::read(1))
        .account(8, |account| {
            account.faults.hang = PerCall::read(1);
            account.faults.region_disabled = true;
        })
        .start();
    let client = Client::new(&organization);
    assert!(client.assume("000000000001", "").unwrap().1.contains("arn:aws:sts::000000000002:assumed-role/"));
    assert_eq!(code(&client.assume("000000000002", "")), (400, "Throttling"));
    let member = client.visit("000000000002");
    assert_eq!(code(&member.iam(READ)), (503, "ServiceUnavailable"));
    assert_eq!(code(&member.iam(READ)), (400, "Throttling"));
    assert_eq!(member.version(), Some(1));
    assert_eq!(client.visit("000000000003").iam(SET_V2), None);
    assert_eq!(client.visit("000000000004").iam(SET_V2), None);
    let (status, page) = client.visit("000000000005").iam(SET_V2).unwrap();
    assert!(status == 200 && page.contains("<html>"));
    let member = client.visit("000000000006");
    assert_eq!(member.version(), None);
    let (first, second) = (member.iam(SET_V2).unwrap().1, member.iam(SET_V2).unwrap().1);
    assert!(first.contains("explicit deny in a service control policy"));
    assert_ne!(within(&first, "Message"), within(&second, "Message"));
    let member = client.visit("000000000007");
    assert_eq!(member.iam(READ), None);
    assert_eq!(member.version(), Some(1));
    assert_eq!(code(&client.assume("000000000008", "")), (403, "RegionDisabledException"));
    organization.control(|world| world.account_mut(8).faults.region_disabled = false);
    assert_eq!(client.visit("000000000008").iam(READ), None);

    let truth = organization.truth();
    assert_eq!([3, 4, 5, 6].map(|id| truth.account(id).sets_applied.len()), [1, 0, 0, 0]);
    for (fault, count) in [
        ("wrong_identity", 1),
        ("throttle", 2),
        ("lost_acknowledgement", 1),
        ("dropped_set", 1),
        ("hang", 1),
        ("deny_set_by_scp", 2),
    ] {
        assert_eq!(truth.fault(fault), count, "{fault}");
    }
}

#[test]
fn limits_and_the_network_change_during_a_run() {
    let organization = Organization::builder().accounts(9).throttle(Service::Sts, RateLimit::new(0.0, 1.0)).start();
    let client = Client::new(&organization);
    assert_eq!(code(&client.assume("000000000001", "")).0, 200);
    assert_eq!(code(&client.assume("000000000001", "")), (400, "Throttling"));
    organization.control(|world| world.lift_throttle(Service::Sts));
    assert_eq!(code(&client.assume("000000000001", "")).0, 200);
    organization.control(|world| world.set_network(Network::BlackHole));
    assert_eq!(client.assume("000000000001", ""), None);
    organization.control(|world| world.set_network(Network::Refuse));
    // The listener closes a moment later.
    while TcpStream::connect(&client.address).is_ok() {}
    let refused = TcpStream::connect(&client.address).unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    organization.control(|world| {
        world.set_network(Network::Normal);
        world.add_noise(Noise { reset: 1.0, service: Some(Service::Sts), ..Noise::default() });
    });
    while TcpStream::connect(&client.address).is_err() {}
    assert_eq!(client.assume("000000000001", ""), None);
}

/// Sets that are lost in the network are counted separately from Sets that arrived.
#[test]
fn lost_requests_do_not_arrive() {
    let organization = Organization::builder().accounts(9).start();
    let client = Client::new(&organization).visit("000000000001");
    organization.control(|world| world.set_network(Network::BlackHole));
    assert_eq!(client.iam(SET_V2), None);
    organization.control(|world| world.set_network(Network::Normal));
    assert_eq!(client.version(), Some(1));
    let truth = organization.truth();
    let account = truth.account(1);
    assert_eq!((account.sets_received, account.knowledge.sets_lost, truth.fault("black_hole")), (0, 1, 1));
    assert!(account.knowledge.set_may_have_taken_effect(account.sets_received));
    assert_eq!((account.knowledge.reads_since_set, account.knowledge.reads_showing_wanted), (1, 0));
}

#[test]
fn other_processes_read_the_truth_and_control_the_world() {
    let organization = Organization::builder().accounts(120).start();
    let client = Client::new(&organization);
    let control = |command: Value| {
        client.exchange("POST", "/_simulator/control", &HeaderMap::new(), &command.to_string()).unwrap().0
    };
    assert_eq!(control(json!({ "verb": "set-version", "account": "000000000005", "version": 2 })), 200);
    assert_eq!(control(json!({ "verb": "throttle", "service": "sts", "per_second": 0, "burst": 0 })), 200);
    assert_eq!(control(json!({ "verb": "throttle", "operation": "ListAccounts", "per_second": 5.5 })), 200);
    assert_eq!(control(json!({ "verb": "latency", "iam_ms": 1 })), 200);
    assert_eq!(control(json!({ "verb": "network", "mode": "black-hole" })), 200);
    assert_eq!(control(json!({ "verb": "network", "mode": "normal" })), 200);
    assert_eq!(control(json!({ "verb": "noise", "noise": { "service": "iam", "hang": 0.0 } })), 200);
    assert_eq!(control(json!({ "verb": "expire-base-credentials" })), 200);
    assert_eq!(control(json!({ "verb": "self-destruct" })), 400);
    let (_, fresh) = client.exchange("GET", "/_simulator/credentials", &HeaderMap::new(), "").unwrap();
    assert_ne!(serde_json::from_str::<Value>(&fresh).unwrap()["AccessKeyId"], client.keys.access_key_id);
    assert_eq!(code(&Client::new(&organization).assume("000000000001", "")), (400, "Throttling"));
    let (_, body) = client.exchange("GET", "/_simulator/truth", &HeaderMap::new(), "").unwrap();
    let truth: Truth = serde_json::from_str(&body).unwrap();
    assert_eq!(truth.account(5).version, Some(TokenVersion::V2));
    assert_eq!(truth.requests(Operation::AssumeRole), 1);
    assert_eq!(truth.accounts, organization.truth().accounts);
}
