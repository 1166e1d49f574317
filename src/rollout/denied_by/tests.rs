//! Which policies are read from the details of a denial, and how a hint names them.

use super::*;

const SET: &str = "iam:SetSecurityTokenServicePreferences";
const SCP: &str = "arn:aws:organizations::000000000100:policy/o-exampleorg1/service_control_policy/p-examplescp1";
const OU: &str = "arn:aws:organizations::000000000100:ou/o-exampleorg1/ou-ab12-prod0001";
const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const ROLE: &str = "arn:aws:iam::000000000007:role/ops/Admin";

fn policy(policy_type: PolicyType, uri: &str, attached_to: &[&str]) -> EvaluatedPolicy {
    let attached_to = attached_to.iter().map(|&arn| arn.to_owned()).collect();
    EvaluatedPolicy { policy_type, uri: uri.to_owned(), is_inline: !uri.starts_with("arn:"), attached_to }
}

fn evaluation(action: &str, effect: EvaluatedEffect, matched: &[(&str, &[(bool, &str)])]) -> Evaluation {
    let matched = matched.iter().map(|(uri, statements)| MatchedPolicy {
        uri: (*uri).to_owned(),
        statements: statements.iter().map(|(denies, sid)| (Some(*denies), (*sid).to_owned())).collect(),
    });
    Evaluation { action: action.to_owned(), effect, matched: matched.collect() }
}

fn text(evaluations: Vec<Evaluation>, policies: Vec<EvaluatedPolicy>, message: &str) -> String {
    let details = AuthorizationDetails { evaluations, policies };
    let found = DeniedBy::of(&details, SET, message, "000000000007".parse().unwrap());
    if let Some(found) = &found {
        let json = serde_json::to_string(found).unwrap();
        assert_eq!(serde_json::from_str::<DeniedBy>(&json).unwrap(), *found);
        let json = serde_json::to_value(found).unwrap();
        let keys = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!([keys(&json), keys(&json["policies"][0])].concat(), MEMBERS);
    }
    found.map(|found| found.to_string()).unwrap_or_default()
}

#[test]
fn every_type_of_policy_is_named() {
    use PolicyType::{
        IdentityBasedPolicy, Other, PermissionsBoundary, ResourceBasedPolicy, ResourceControlPolicy,
        ServiceControlPolicy, SessionPolicy, VpcEndpointPolicy,
    };
    let rcp = SCP.replace("service_control_policy/p-examplescp1", "resource_control_policy/p-examplercp1");
    let limits = "arn:aws:iam::000000000007:policy/boundaries/Limits";
    let session = "arn:aws:sts::000000000007:assumed-role/Admin/v2token";
    let endpoint = "arn:aws:ec2:us-east-1:000000000007:vpc-endpoint/vpce-1";
    let expected = [
        (
            ServiceControlPolicy,
            SCP,
            OU,
            "service control policy p-examplescp1, statement S, attached to ou-ab12-prod0001",
        ),
        (
            ResourceControlPolicy,
            &*rcp,
            OU,
            "resource control policy p-examplercp1, statement S, attached to ou-ab12-prod0001",
        ),
        (
            PermissionsBoundary,
            limits,
            ROLE,
            "permissions boundary arn:aws:iam::000000000007:policy/boundaries/Limits, statement S, attached to role/ops/Admin",
        ),
        (IdentityBasedPolicy, "4f2a", ROLE, "an inline identity-based policy, statement S, attached to role/ops/Admin"),
        (
            SessionPolicy,
            "4f2a",
            session,
            "an inline session policy, statement S, attached to assumed-role/Admin/v2token",
        ),
        (ResourceBasedPolicy, "4f2a", "x", "an inline resource-based policy, statement S, attached to x"),
        (
            VpcEndpointPolicy,
            "4f2a",
            endpoint,
            "an inline VPC endpoint policy, statement S, attached to arn:aws:ec2:us-east-1:000000000007:vpc-endpoint/vpce-1",
        ),
        (Other, "arn:aws:new:::thing/x", "", "policy arn:aws:new:::thing/x, statement S, attached to "),
    ];
    assert_eq!(expected.len(), PolicyType::ALL.len());
    for (policy_type, uri, attached, says) in expected {
        let policies = || vec![policy(IdentityBasedPolicy, ADMIN, &[ROLE]), policy(policy_type, uri, &[attached])];
        let allowed = (ADMIN, &[(false, "")][..]);
        let explicit = evaluation(SET, EvaluatedEffect::ExplicitDeny, &[allowed, (uri, &[(true, "S"), (false, "A")])]);
        assert_eq!(text(vec![explicit], policies(), ""), format!("denied by {says}"));
        let implicit = evaluation(SET, EvaluatedEffect::ImplicitDeny, &[allowed]);
        let says = says.replace(", statement S", "");
        assert_eq!(text(vec![implicit], policies(), ""), format!("not allowed by {says}"));
    }
}

#[test]
fn the_denied_action_and_the_message_select_the_policies() {
    let scp = || policy(PolicyType::ServiceControlPolicy, SCP, &[OU]);
    let full = SCP.replace("p-examplescp1", "p-FullAWSAccess");
    let full = || policy(PolicyType::ServiceControlPolicy, &full, &[]);
    let role = || policy(PolicyType::IdentityBasedPolicy, ADMIN, &[ROLE]);
    let explicit = |action| evaluation(action, EvaluatedEffect::ExplicitDeny, &[(SCP, &[(true, "NoIamSettings")])]);
    let implicit = |action, matched| evaluation(action, EvaluatedEffect::ImplicitDeny, matched);
    let allowed = |action| evaluation(action, EvaluatedEffect::Allow, &[(ADMIN, &[(false, "")])]);
    let by_scp =
        "denied by service control policy p-examplescp1, statement NoIamSettings, attached to ou-ab12-prod0001";
    let no_identity = "because no identity-based policy allows x";
    for (evaluations, policies, message, says) in [
        (vec![allowed("iam:Other"), explicit(SET)], vec![full(), role(), scp()], "", by_scp),
        (
            vec![implicit(SET, &[]), explicit("iam:Other")],
            vec![role()],
            no_identity,
            "not allowed by identity-based policy arn:aws:iam::aws:policy/AdministratorAccess, attached to role/ops/Admin",
        ),
        (vec![explicit("IAM:setsecuritytokenservicepreferences")], vec![scp()], "", by_scp),
        // Another service may write the action in another way.
        (vec![explicit("iam:Other")], vec![scp()], "", by_scp),
        (
            vec![implicit(SET, &[])],
            vec![full(), role(), scp()],
            "no service control policy allows x",
            "not allowed by service control policy p-FullAWSAccess; service control policy p-examplescp1, attached to ou-ab12-prod0001",
        ),
        // A policy that is not among those that were evaluated.
        (
            vec![explicit(SET)],
            vec![],
            "with an explicit deny in a service control policy",
            "denied by service control policy p-examplescp1, statement NoIamSettings",
        ),
        (
            vec![explicit(SET)],
            vec![],
            "",
            "denied by policy arn:aws:organizations::000000000100:policy/o-exampleorg1/service_control_policy/p-examplescp1, statement NoIamSettings",
        ),
        // Nothing is learned.
        (vec![], vec![scp()], "", ""),
        (vec![allowed(SET)], vec![scp()], "", ""),
        (vec![evaluation(SET, EvaluatedEffect::Unknown, &[(SCP, &[(true, "")])])], vec![scp()], "", ""),
        (vec![evaluation(SET, EvaluatedEffect::ExplicitDeny, &[])], vec![scp()], "", ""),
        (vec![implicit(SET, &[])], vec![scp()], no_identity, ""),
    ] {
        assert_eq!(text(evaluations, policies, message), says);
    }
}

/// A statement whose effect is not known neither denies nor allows.
#[test]
fn a_statement_of_unknown_effect_says_nothing() {
    let unknown = |effect| {
        let mut evaluation = evaluation(SET, effect, &[(SCP, &[(true, "S")])]);
        evaluation.matched[0].statements[0].0 = None;
        evaluation
    };
    let scp = || vec![policy(PolicyType::ServiceControlPolicy, SCP, &[])];
    assert_eq!(text(vec![unknown(EvaluatedEffect::ExplicitDeny)], scp(), ""), "");
    let not_allowed = "not allowed by service control policy p-examplescp1";
    assert_eq!(text(vec![unknown(EvaluatedEffect::ImplicitDeny)], scp(), ""), not_allowed);
}

#[test]
fn long_lists_are_cut() {
    let five: Vec<String> = (1..=5).map(|number| format!("{OU}{number}")).collect();
    let places: Vec<&str> = five.iter().map(String::as_str).collect();
    let statements: Vec<(bool, &str)> = ["A", "B", "C", "D"].map(|sid| (true, sid)).to_vec();
    let denied = evaluation(SET, EvaluatedEffect::ExplicitDeny, &[(SCP, &statements)]);
    let long = text(vec![denied], vec![policy(PolicyType::ServiceControlPolicy, SCP, &places)], "");
    assert!(long.contains("statements A, B, C, and 1 more, attached to ou-ab12-prod00011, "), "{long}");
    assert!(long.ends_with("ou-ab12-prod00013, and 2 more"), "{long}");
}

#[test]
fn a_name_that_was_asked_for_is_shown() {
    let denied = evaluation(SET, EvaluatedEffect::ExplicitDeny, &[(SCP, &[(true, "")])]);
    let policies = vec![policy(PolicyType::ServiceControlPolicy, SCP, &[])];
    let details = AuthorizationDetails { evaluations: vec![denied], policies };
    let mut found = DeniedBy::of(&details, SET, "", "000000000007".parse().unwrap()).unwrap();
    assert_eq!(found.policies[0].unnamed_in_organization(), Some("p-examplescp1"));
    found.policies[0].name = Some("DenySts".to_owned());
    assert_eq!(found.policies[0].unnamed_in_organization(), None);
    assert_eq!(found.to_string(), "denied by service control policy p-examplescp1 (DenySts)");
}
