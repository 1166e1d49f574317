//! Trust, role chains, session tags and source identities.

use super::client::{Client, code, within};
use crate::*;

const HUB: &str = "arn:aws:iam::000000000100:role/platform/Hub";

/// Returns the builder of an organization in which the members' roles trust only a role of the management account.
fn behind_a_hub() -> Builder {
    Organization::builder()
        .accounts(4)
        .account(MANAGEMENT_ACCOUNT, |account| account.other_roles.push(Role::named("platform/Hub")))
        .each_account(|account| account.role.trusts = vec![Trusted::Principal(HUB.into())])
}

fn message(answered: &Option<(u16, String)>) -> &str {
    within(&answered.as_ref().unwrap().1, "Message").unwrap()
}

#[test]
fn a_role_chain_reaches_roles_that_do_not_trust_the_caller() {
    let organization = behind_a_hub().start();
    let client = Client::new(&organization);
    assert_eq!(code(&client.assume("000000000001", "")), (403, "AccessDenied"));
    let hub = client.enter(HUB, "");
    assert!(hub.sts("Action=GetCallerIdentity").unwrap().1.contains(":assumed-role/Hub/v2token"));
    assert_eq!(hub.visit("000000000001").version(), Some(1));
    let too_long = hub.assume("000000000001", "&DurationSeconds=3601");
    assert_eq!(code(&too_long), (400, "ValidationError"));
    assert_eq!(
        message(&too_long),
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining."
    );
    assert_eq!(code(&hub.assume("000000000001", "&DurationSeconds=3600")).0, 200);

    let truth = organization.truth();
    assert!(!truth.account(1).assumable);
    assert_eq!(
        truth.assume_role_callers,
        [
            ("arn:aws:iam::000000000100:user/operator".to_owned(), 1),
            ("arn:aws:sts::000000000100:assumed-role/Hub/v2token".to_owned(), 2)
        ]
        .into()
    );
    assert_eq!(truth.assume_role_keys[&client.keys.access_key_id], 1);
    assert_eq!(truth.assume_role_keys[&hub.keys.access_key_id], 2);
}

#[test]
fn a_session_policy_limits_a_role_chain() {
    let organization = behind_a_hub().start();
    let policy = |resource: &str| {
        format!(r#"&Policy={{"Statement":{{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"{resource}"}}}}"#)
    };
    let client = Client::new(&organization);
    let hub = client.enter(HUB, &policy("arn:aws:iam::000000000001:role/OrganizationAccountAccessRole"));
    assert_eq!(code(&hub.assume("000000000001", "")).0, 200);
    assert_eq!(code(&hub.assume("000000000002", "")), (403, "AccessDenied"));
}

#[test]
fn roles_trust_accounts_principals_or_everyone() {
    let trust = |trusted: Trusted| {
        let organization = Organization::builder()
            .accounts(5)
            .account(1, move |account| {
                account.role.trusts = vec![trusted.clone()];
                account.other_roles.push(Role::named("Local"));
            })
            .start();
        let client = Client::new(&organization);
        let own = code(&client.assume("000000000001", "")).0;
        let from_another = code(&client.visit("000000000002").assume("000000000001", "")).0;
        (own, from_another)
    };
    let principal = |arn: &str| trust(Trusted::Principal(arn.into()));
    assert_eq!(trust(Trusted::Anyone), (200, 200));
    assert_eq!(trust(Trusted::Account(MANAGEMENT_ACCOUNT)), (200, 403));
    assert_eq!(trust(Trusted::Account(2.into())), (403, 200));
    assert_eq!(principal("arn:aws:iam::000000000002:root"), (403, 200));
    assert_eq!(principal("arn:aws:iam::000000000002:role/OrganizationAccountAccessRole"), (403, 200));
    assert_eq!(principal("arn:aws:sts::000000000002:assumed-role/OrganizationAccountAccessRole/v2token"), (403, 200));
    assert_eq!(principal("arn:aws:iam::000000000100:user/operator"), (200, 403));
    assert_eq!(principal("arn:aws:iam::000000000003:role/OrganizationAccountAccessRole"), (403, 403));
}

#[test]
fn a_source_identity_needs_permission_and_persists() {
    let organization = behind_a_hub()
        .account(MANAGEMENT_ACCOUNT, |account| account.other_roles[0].allows_source_identity = true)
        .account(1, |account| account.role.allows_source_identity = true)
        .start();
    let client = Client::new(&organization);
    assert_eq!(code(&client.assume_arn(HUB, "&SourceIdentity=j")), (400, "ValidationError"));
    let hub = client.enter(HUB, "&SourceIdentity=jane");
    let (status, body) = hub.assume("000000000001", "").unwrap();
    assert_eq!((status, within(&body, "SourceIdentity")), (200, Some("jane")));
    assert_eq!(code(&hub.assume("000000000001", "&SourceIdentity=jane")).0, 200);
    let changed = hub.assume("000000000001", "&SourceIdentity=joe");
    assert_eq!(code(&changed), (403, "AccessDenied"));
    assert!(
        message(&changed).contains(
            "is not authorized to perform: sts:SetSourceIdentity on resource: arn:aws:iam::000000000001:role/"
        )
    );
    assert_eq!(code(&hub.assume("000000000002", "")), (403, "AccessDenied"), "it can't be dropped");
    assert_eq!(code(&client.enter(HUB, "").assume("000000000002", "")).0, 200);

    let policy = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}"#;
    let narrow = client.enter(HUB, &format!("&Policy={policy}"));
    assert_eq!(code(&narrow.assume("000000000001", "")).0, 200);
    let narrow = narrow.assume("000000000001", "&SourceIdentity=jane");
    assert_eq!(code(&narrow), (403, "AccessDenied"), "the session policy does not allow it");

    let truth = organization.truth();
    assert_eq!(truth.account(1).source_identities, ["jane", "jane"]);
    assert_eq!(truth.account(MANAGEMENT_ACCOUNT).source_identities, ["jane"]);
    assert!(truth.account(2).source_identities.is_empty());
}

#[test]
fn session_tags_need_permission() {
    let organization =
        Organization::builder().accounts(4).account(1, |account| account.role.allows_tags = true).start();
    let client = Client::new(&organization);
    let tags = "&Tags.member.1.Key=run&Tags.member.1.Value=7";
    assert_eq!(code(&client.assume("000000000001", tags)).0, 200);
    let refused = client.assume("000000000002", tags);
    assert_eq!(code(&refused), (403, "AccessDenied"));
    assert!(message(&refused).contains("sts:TagSession"));
}

#[test]
fn a_role_can_shorten_its_sessions() {
    let organization = Organization::builder()
        .accounts(4)
        .account(1, |account| account.role.lifetime = Some(std::time::Duration::ZERO))
        .start();
    let session = Client::new(&organization).visit("000000000001");
    assert_eq!(code(&session.sts("Action=GetCallerIdentity")), (403, "ExpiredToken"));
}
