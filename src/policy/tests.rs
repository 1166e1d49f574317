//! Tests of the documents: they allow exactly what the program calls.

use std::collections::BTreeSet;

use super::*;
use crate::org::Caller;

fn partition(name: &str) -> Partition {
    let arn = format!("arn:{name}:iam::000000000100:user/x");
    Caller::from_api(Some("000000000100"), Some(&arn)).unwrap().partition
}

fn context() -> PolicyContext {
    PolicyContext {
        requirements: Requirements {
            sets: true,
            checks: true,
            looks_up: true,
            access: AccessMode::Role,
            tags: true,
            units: true,
            own: true,
            mfa: true,
            explains: true,
        },
        partition: partition("aws"),
        role: RoleTemplate::default(),
        other_roles: Vec::new(),
        session_seconds: 900,
        via: Vec::new(),
        external_id: None,
        source_identity: false,
        mfa: false,
    }
}

fn principal() -> Principal {
    let account = "000000000100".parse().unwrap();
    Principal::of(account, "arn:aws:sts::000000000100:assumed-role/Admin/me").unwrap()
}

/// Returns every action that a document allows or denies.
fn actions_in(document: &Value) -> BTreeSet<String> {
    let statements = document["Statement"].as_array().unwrap();
    let of = |statement: &Value| statement["Action"].as_array().unwrap().clone();
    statements.iter().flat_map(of).map(|action| action.as_str().unwrap().to_owned()).collect()
}

#[test]
fn together_the_documents_allow_exactly_the_operations() {
    let by_role = context();
    let by_root = PolicyContext {
        requirements: Requirements { access: AccessMode::AssumeRoot, sets: false, ..by_role.requirements },
        ..context()
    };
    let mut allowed = BTreeSet::new();
    for document in [caller(&by_role), role(&by_role), caller(&by_root)] {
        allowed.extend(actions_in(&document));
    }
    let called: BTreeSet<String> = Operation::ALL.into_iter().map(Operation::action).collect();
    assert_eq!(allowed, called);
}

/// A change of the requirements, the operation that this change makes necessary, and the permission that must allow the
/// operation.
type Case = (fn(&mut Requirements), Operation, Permission);

#[test]
fn operations_that_are_not_needed_are_not_allowed() {
    let plain = Requirements {
        sets: false,
        checks: false,
        looks_up: false,
        access: AccessMode::Role,
        tags: false,
        units: false,
        own: false,
        mfa: false,
        explains: false,
    };
    let table: [Case; 14] = [
        (|requirements| requirements.looks_up = true, Operation::LookupEvents, Permission::Account),
        (|requirements| requirements.looks_up = true, Operation::ListRegions, Permission::List),
        (
            |requirements| (requirements.own, requirements.looks_up) = (true, true),
            Operation::LookupEvents,
            Permission::Own,
        ),
        (|requirements| requirements.sets = true, Operation::SetSecurityTokenServicePreferences, Permission::Account),
        (|requirements| requirements.checks = true, Operation::SimulatePrincipalPolicy, Permission::Account),
        (|requirements| requirements.checks = true, Operation::ListOrganizationsFeatures, Permission::List),
        (|requirements| requirements.access = AccessMode::AssumeRoot, Operation::AssumeRoot, Permission::Enter),
        (|requirements| requirements.tags = true, Operation::ListTagsForResource, Permission::List),
        (|requirements| requirements.units = true, Operation::DescribeOrganizationalUnit, Permission::List),
        (|requirements| requirements.own = true, Operation::GetAccountSummary, Permission::Own),
        (
            |requirements| (requirements.own, requirements.sets) = (true, true),
            Operation::SetSecurityTokenServicePreferences,
            Permission::Own,
        ),
        (|requirements| requirements.mfa = true, Operation::GetSessionToken, Permission::List),
        (|requirements| requirements.explains = true, Operation::GetRequestAuthorizationDetails, Permission::Explain),
        (|requirements| requirements.explains = true, Operation::DescribePolicy, Permission::Explain),
    ];
    for (ask, operation, permission) in table {
        assert!(!operations(permission, plain).contains(&operation), "{operation}");
        let mut requirements = plain;
        ask(&mut requirements);
        assert!(operations(permission, requirements).contains(&operation), "{operation}");
    }
    // The role of a plan is only allowed to read.
    assert_eq!(operations(Permission::Account, plain), [Operation::GetAccountSummary]);
}

#[test]
fn session_policies_allow_what_the_role_needs() {
    use crate::journal::scoped_policy;
    for (sets, mode) in [(false, crate::rollout::Mode::Plan), (true, crate::rollout::Mode::Apply)] {
        let requirements = Requirements { sets, checks: false, looks_up: false, ..context().requirements };
        let session: Value = serde_json::from_str(&scoped_policy(mode)).unwrap();
        assert_eq!(actions_in(&session), actions_in(&role(&PolicyContext { requirements, ..context() })));
    }
    let requirements = Requirements { sets: false, checks: false, ..context().requirements };
    let session: Value = serde_json::from_str(&crate::run::impact_visits::impact_session_policy()).unwrap();
    assert_eq!(actions_in(&session), actions_in(&role(&PolicyContext { requirements, ..context() })));
}

#[test]
fn the_caller_may_assume_only_the_role_in_its_organization() {
    for (text, pattern) in [
        ("Audit", "arn:aws-cn:iam::*:role/Audit"),
        ("ops/Audit", "arn:aws-cn:iam::*:role/ops/Audit"),
        ("arn:{partition}:iam::{account_id}:role/R-{account_id}", "arn:aws-cn:iam::*:role/R-*"),
    ] {
        let context = PolicyContext { partition: partition("aws-cn"), role: text.parse().unwrap(), ..context() };
        let enter = caller(&context)["Statement"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(enter["Resource"], pattern);
        assert_eq!(enter["Condition"]["StringEquals"]["aws:ResourceOrgID"], "${aws:PrincipalOrgID}");
        assert_eq!(scp(&context)["Statement"][0]["Condition"]["ArnNotLike"]["aws:PrincipalArn"], pattern);
    }
}

#[test]
fn each_role_of_a_chain_may_assume_the_next() {
    let hub = |name: &str| format!("arn:aws:iam::000000000100:role/{name}");
    let roles = ["A", "B"].map(|name| hub(name).parse().unwrap());
    let context = PolicyContext { via: roles.to_vec(), ..context() };
    let last = |document: &Value| document["Statement"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last(&caller(&context))["Resource"], hub("A").as_str());
    let steps = via(&context);
    assert_eq!(steps.iter().map(|(role, _)| role.clone()).collect::<Vec<_>>(), [hub("A"), hub("B")]);
    assert_eq!(last(&steps[0].1)["Resource"], hub("B").as_str());
    assert_eq!(last(&steps[1].1)["Resource"], "arn:aws:iam::*:role/OrganizationAccountAccessRole");
}

#[test]
fn the_trust_policy_requires_what_the_options_give() {
    let plain = trust(&context(), &principal());
    let statement = &plain["Statement"][0];
    assert_eq!(statement["Principal"]["AWS"], "arn:aws:iam::000000000100:root");
    assert_eq!(statement["Action"], json!(["sts:AssumeRole"]));
    assert_eq!(
        statement["Condition"],
        json!({"ArnLike": {"aws:PrincipalArn": [
            "arn:aws:iam::000000000100:role/Admin", "arn:aws:iam::000000000100:role/*/Admin"
        ]}})
    );
    let full = PolicyContext { external_id: Some("team:42".into()), source_identity: true, mfa: true, ..context() };
    let full = trust(&full, &principal());
    let statement = &full["Statement"][0];
    assert_eq!(statement["Action"], json!(["sts:AssumeRole", "sts:SetSourceIdentity"]));
    assert_eq!(statement["Condition"]["StringEquals"]["sts:ExternalId"], "team:42");
    assert_eq!(statement["Condition"]["Bool"]["aws:MultiFactorAuthPresent"], "true");
}

#[test]
fn principals() {
    let account: AccountId = "000000000100".parse().unwrap();
    for (arn, arns) in [
        ("arn:aws:iam::000000000100:user/ops/me", &["arn:aws:iam::000000000100:user/ops/me"][..]),
        ("arn:aws:iam::000000000100:role/p/Hub", &["arn:aws:iam::000000000100:role/p/Hub"]),
        ("arn:aws:iam::000000000100:root", &[]),
    ] {
        assert_eq!(Principal::of(account, arn).unwrap().arns, arns, "{arn}");
    }
    for wrong in [
        "arn:aws:sts::000000000100:federated-user/me",
        "arn:aws:iam::000000000100:group/admins",
        "arn:aws:iam::000000000100:role/*",
        "arn:aws:iam::000000000100:user/",
        "arn:aws:iam:us-east-1:000000000100:user/me",
        "arn:aws:sts::000000000100:assumed-role/Admin",
        "nonsense",
    ] {
        assert_eq!(Principal::of(account, wrong), None, "{wrong}");
    }
}

#[test]
fn the_template_creates_the_role_without_the_external_id() {
    let context =
        PolicyContext { role: "ops/Audit".parse().unwrap(), external_id: Some("team:42".into()), ..context() };
    let template = stackset(&context, &principal()).unwrap();
    let properties = &template["Resources"]["Role"]["Properties"];
    assert_eq!((&properties["Path"], &properties["RoleName"]), (&json!("/ops/"), &json!("Audit")));
    assert_eq!(properties["Policies"][0]["PolicyDocument"], role(&context));
    let condition = &properties["AssumeRolePolicyDocument"]["Statement"][0]["Condition"];
    assert_eq!(condition["StringEquals"]["sts:ExternalId"], json!({"Ref": "ExternalId"}));
    assert_eq!(template["Parameters"]["ExternalId"]["NoEcho"], true);
    assert!(!template.to_string().contains("team:42"));
    let other = PolicyContext { role: "arn:aws:iam::{account_id}:role/R-{account_id}".parse().unwrap(), ..context };
    assert_eq!(stackset(&other, &principal()), None);
}

#[test]
fn roles_of_single_accounts_are_allowed_and_exempted_too() {
    let context = PolicyContext { other_roles: vec!["ops/Custom".parse().unwrap()], ..context() };
    let both = json!(["arn:aws:iam::*:role/OrganizationAccountAccessRole", "arn:aws:iam::*:role/ops/Custom"]);
    assert_eq!(caller(&context)["Statement"].as_array().unwrap().last().unwrap()["Resource"], both);
    assert_eq!(scp(&context)["Statement"][0]["Condition"]["ArnNotLike"]["aws:PrincipalArn"], both);
}
