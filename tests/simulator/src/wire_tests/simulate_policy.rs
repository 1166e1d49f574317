//! `SimulatePrincipalPolicy`.

use super::client::{Client, SET_V2, code, within};
use crate::*;

const ACTIONS: [&str; 3] =
    ["iam:GetAccountSummary", "iam:SetSecurityTokenServicePreferences", "iam:SimulatePrincipalPolicy"];

/// Returns the decision about each action, and whether the organization allows the action.
fn decisions(client: &Client, source: &str) -> Vec<(String, String)> {
    let answered = client.iam(&ask(source));
    assert_eq!(code(&answered).0, 200, "{answered:?}");
    let body = answered.unwrap().1;
    let results: Vec<&str> = body.split("<member><EvalActionName>").skip(1).collect();
    assert_eq!(results.iter().map(|result| result.split('<').next().unwrap()).collect::<Vec<_>>(), ACTIONS);
    let part = |result: &str, name| within(result, name).unwrap().to_owned();
    results.into_iter().map(|result| (part(result, "EvalDecision"), part(result, "AllowedByOrganizations"))).collect()
}

fn ask(source: &str) -> String {
    let actions: String =
        (1..).zip(ACTIONS).map(|(number, action)| format!("&ActionNames.member.{number}={action}")).collect();
    format!("Action=SimulatePrincipalPolicy&Version=2010-05-08&PolicySourceArn={source}{actions}")
}

fn role(id: &str) -> String {
    format!("arn:aws:iam::{id}:role/OrganizationAccountAccessRole")
}

#[test]
fn decisions_follow_the_faults() {
    let organization = Organization::builder()
        .accounts(6)
        .account(2, |account| account.faults.deny_read = true)
        .account(3, |account| account.faults.deny_set = true)
        .account(4, |account| account.faults.deny_set_by_scp = true)
        .account(5, |account| account.faults.deny_set_explicitly = true)
        .account(MANAGEMENT_ACCOUNT, |account| account.faults.deny_set_by_scp = true)
        .start();
    let client = Client::new(&organization);
    let of = |id: &str| decisions(&client.visit(id), &role(id));
    let decided = |decision: &str, by_organizations: &str| (decision.to_owned(), by_organizations.to_owned());
    let yes = || decided("allowed", "true");
    assert_eq!(of("000000000001"), [yes(), yes(), yes()]);
    assert_eq!(of("000000000002"), [decided("implicitDeny", "true"), yes(), yes()]);
    assert_eq!(of("000000000003"), [yes(), decided("implicitDeny", "true"), yes()]);
    assert_eq!(of("000000000004"), [yes(), decided("implicitDeny", "false"), yes()]);
    assert_eq!(of("000000000005"), [yes(), decided("explicitDeny", "true"), yes()]);
    assert_eq!(code(&client.visit("000000000005").iam(SET_V2)), (403, "AccessDenied"));
    assert_eq!(decisions(&client, "arn:aws:iam::000000000100:user/operator"), [yes(), yes(), yes()]);
    assert_eq!(organization.truth().account(4).calls.simulate_principal_policy, 1);
    assert_eq!(organization.truth().with_version(TokenVersion::V2), 0);
}

#[test]
fn a_simulation_can_be_refused() {
    let organization =
        Organization::builder().accounts(6).account(1, |account| account.faults.deny_simulation = true).start();
    let client = Client::new(&organization);
    assert_eq!(code(&client.visit("000000000001").iam(&ask(&role("000000000001")))), (403, "AccessDenied"));
    let member = client.visit("000000000002");
    for (source, expected) in [
        (role("000000000003"), (400, "InvalidInput")),
        ("arn:aws:sts::000000000002:assumed-role/OrganizationAccountAccessRole/v2token".into(), (400, "InvalidInput")),
        ("arn:aws:iam::000000000002:role/Nobody".into(), (404, "NoSuchEntity")),
        ("arn:aws:iam::000000000002:user/operator".into(), (404, "NoSuchEntity")),
    ] {
        assert_eq!(code(&member.iam(&ask(&source))), expected, "{source}");
    }
    let policy = r#"&Policy={"Statement":{"Effect":"Allow","Action":"iam:GetAccountSummary","Resource":"*"}}"#;
    let scoped = client.visit_with("000000000002", policy);
    assert_eq!(code(&scoped.iam(&ask(&role("000000000002")))), (403, "AccessDenied"));
}
