//! Tests of the policies: they hold exactly what the program calls, and nothing more.

use std::collections::BTreeSet;

use super::*;
use crate::org::Caller;

fn partition(name: &str) -> Partition {
    let arn = format!("arn:{name}:iam::000000000100:user/x");
    Caller::from_api(Some("000000000100"), Some(&arn)).unwrap().partition
}

fn situation() -> Situation {
    Situation {
        task: Task {
            sets: true,
            checks: true,
            access: AccessMode::Role,
            tags: true,
            units: true,
            own: true,
            mfa: true,
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

/// Every action that a document allows or denies.
fn actions_in(document: &Value) -> BTreeSet<String> {
    let statements = document["Statement"].as_array().unwrap();
    let of = |statement: &Value| statement["Action"].as_array().unwrap().clone();
    statements.iter().flat_map(of).map(|action| action.as_str().unwrap().to_owned()).collect()
}

#[test]
fn together_they_allow_every_operation_and_no_other() {
    let by_role = situation();
    let by_root =
        Situation { task: Task { access: AccessMode::AssumeRoot, sets: false, ..by_role.task }, ..situation() };
    let mut allowed = BTreeSet::new();
    for document in [caller(&by_role), role(&by_role), caller(&by_root)] {
        allowed.extend(actions_in(&document));
    }
    let called: BTreeSet<String> = Operation::ALL.into_iter().map(Operation::action).collect();
    assert_eq!(allowed, called);
}

/// How something is asked for, and which operation it then takes.
type Asked = (fn(&mut Task), Operation, Purpose);

#[test]
fn what_is_not_asked_for_is_not_allowed() {
    let plain = Task {
        sets: false,
        checks: false,
        access: AccessMode::Role,
        tags: false,
        units: false,
        own: false,
        mfa: false,
    };
    let table: [Asked; 9] = [
        (|task| task.sets = true, Operation::SetSecurityTokenServicePreferences, Purpose::Account),
        (|task| task.checks = true, Operation::SimulatePrincipalPolicy, Purpose::Account),
        (|task| task.checks = true, Operation::ListOrganizationsFeatures, Purpose::List),
        (|task| task.access = AccessMode::AssumeRoot, Operation::AssumeRoot, Purpose::Enter),
        (|task| task.tags = true, Operation::ListTagsForResource, Purpose::List),
        (|task| task.units = true, Operation::DescribeOrganizationalUnit, Purpose::List),
        (|task| task.own = true, Operation::GetAccountSummary, Purpose::Own),
        (|task| (task.own, task.sets) = (true, true), Operation::SetSecurityTokenServicePreferences, Purpose::Own),
        (|task| task.mfa = true, Operation::GetSessionToken, Purpose::List),
    ];
    for (ask, operation, purpose) in table {
        assert!(!operations(purpose, plain).contains(&operation), "{operation}");
        let mut task = plain;
        ask(&mut task);
        assert!(operations(purpose, task).contains(&operation), "{operation}");
    }
    // A plan's role may only read.
    assert_eq!(operations(Purpose::Account, plain), [Operation::GetAccountSummary]);
}

#[test]
fn sessions_are_allowed_no_more_than_the_role_needs() {
    use crate::journal::scoped_policy;
    for (sets, mode) in [(false, crate::rollout::Mode::Plan), (true, crate::rollout::Mode::Apply)] {
        let task = Task { sets, checks: false, ..situation().task };
        let session: Value = serde_json::from_str(&scoped_policy(mode)).unwrap();
        assert_eq!(actions_in(&session), actions_in(&role(&Situation { task, ..situation() })));
    }
}

#[test]
fn the_caller_enters_only_the_role_and_only_in_its_own_organization() {
    for (text, pattern) in [
        ("Audit", "arn:aws-cn:iam::*:role/Audit"),
        ("ops/Audit", "arn:aws-cn:iam::*:role/ops/Audit"),
        ("arn:{partition}:iam::{account_id}:role/R-{account_id}", "arn:aws-cn:iam::*:role/R-*"),
    ] {
        let situation = Situation { partition: partition("aws-cn"), role: text.parse().unwrap(), ..situation() };
        let enter = caller(&situation)["Statement"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(enter["Resource"], pattern);
        assert_eq!(enter["Condition"]["StringEquals"]["aws:ResourceOrgID"], "${aws:PrincipalOrgID}");
        assert_eq!(scp(&situation)["Statement"][0]["Condition"]["ArnNotLike"]["aws:PrincipalArn"], pattern);
    }
}

#[test]
fn a_way_through_roles_is_allowed_step_by_step() {
    let hub = |name: &str| format!("arn:aws:iam::000000000100:role/{name}");
    let roles = ["A", "B"].map(|name| hub(name).parse().unwrap());
    let situation = Situation { via: roles.to_vec(), ..situation() };
    let last = |document: &Value| document["Statement"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last(&caller(&situation))["Resource"], hub("A").as_str());
    let steps = via(&situation);
    assert_eq!(steps.iter().map(|(role, _)| role.clone()).collect::<Vec<_>>(), [hub("A"), hub("B")]);
    assert_eq!(last(&steps[0].1)["Resource"], hub("B").as_str());
    assert_eq!(last(&steps[1].1)["Resource"], "arn:aws:iam::*:role/OrganizationAccountAccessRole");
}

#[test]
fn the_trust_policy_asks_for_what_the_command_line_gives() {
    let plain = trust(&situation(), &principal());
    let statement = &plain["Statement"][0];
    assert_eq!(statement["Principal"]["AWS"], "arn:aws:iam::000000000100:root");
    assert_eq!(statement["Action"], json!(["sts:AssumeRole"]));
    assert_eq!(
        statement["Condition"],
        json!({"ArnLike": {"aws:PrincipalArn": [
            "arn:aws:iam::000000000100:role/Admin", "arn:aws:iam::000000000100:role/*/Admin"
        ]}})
    );
    let full = Situation { external_id: Some("team:42".into()), source_identity: true, mfa: true, ..situation() };
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
fn the_template_makes_the_role_and_hides_the_external_id() {
    let situation =
        Situation { role: "ops/Audit".parse().unwrap(), external_id: Some("team:42".into()), ..situation() };
    let template = stackset(&situation, &principal()).unwrap();
    let properties = &template["Resources"]["Role"]["Properties"];
    assert_eq!((&properties["Path"], &properties["RoleName"]), (&json!("/ops/"), &json!("Audit")));
    assert_eq!(properties["Policies"][0]["PolicyDocument"], role(&situation));
    let condition = &properties["AssumeRolePolicyDocument"]["Statement"][0]["Condition"];
    assert_eq!(condition["StringEquals"]["sts:ExternalId"], json!({"Ref": "ExternalId"}));
    assert_eq!(template["Parameters"]["ExternalId"]["NoEcho"], true);
    assert!(!template.to_string().contains("team:42"));
    let other = Situation { role: "arn:aws:iam::{account_id}:role/R-{account_id}".parse().unwrap(), ..situation };
    assert!(stackset(&other, &principal()).is_err());
}

#[test]
fn roles_of_single_accounts_are_allowed_and_exempted_too() {
    let situation = Situation { other_roles: vec!["ops/Custom".parse().unwrap()], ..situation() };
    let both = json!(["arn:aws:iam::*:role/OrganizationAccountAccessRole", "arn:aws:iam::*:role/ops/Custom"]);
    assert_eq!(caller(&situation)["Statement"].as_array().unwrap().last().unwrap()["Resource"], both);
    assert_eq!(scp(&situation)["Statement"][0]["Condition"]["ArnNotLike"]["aws:PrincipalArn"], both);
}
