//! `policy` end to end: the simulated caller and roles get only the printed documents, and the run for which they are made must succeed
//! with all of them and fail without any part.

mod documents;
mod terraform;

use std::collections::BTreeSet;

use serde_json::Value;
use v2token_simulator::{
    Builder, Caller, ListingFault, MANAGEMENT_ACCOUNT, Operation, Organization, Role, Spoiled, Spoiling, TokenVersion,
    Truth,
};

use crate::harness::{Bench, Run};

const HUB: &str = "arn:aws:iam::000000000100:role/platform/Hub";
const TOOL: &str = "arn:aws:iam::000000000003:role/Rollout";
const EMPTY: &str = "ou-ab12-emptyone";
const DEFAULT: &str = "OrganizationAccountAccessRole";

/// A command line for which the documents are made, and which then runs.
struct Situation {
    name: &'static str,
    /// The command of the documents: `plan`, `apply`, `doctor` or `impact`.
    command: &'static str,
    arguments: &'static [&'static str],
    /// The role in the accounts, by path and name.
    role: &'static str,
    arrange: fn(Builder) -> Builder,
}

const PLAIN: Situation = Situation { name: "plain", command: "apply", arguments: &[], role: DEFAULT, arrange: |it| it };

const SITUATIONS: [Situation; 14] = [
    PLAIN,
    Situation { name: "plan", command: "plan", ..PLAIN },
    Situation { name: "doctor", command: "doctor", ..PLAIN },
    Situation {
        name: "everything",
        arguments: &[
            "--role=ops/rollout/TokenRole",
            "--external-id=corp-4711",
            "--source-identity=jane",
            "--tag=Stage=prod",
            "--ou=r-ab12",
            "--exclude-ou",
            EMPTY,
        ],
        role: "ops/rollout/TokenRole",
        ..PLAIN
    },
    Situation {
        name: "id in the name",
        arguments: &["--role=Token-{account_id}"],
        role: "Token-{account_id}",
        ..PLAIN
    },
    Situation { name: "one role", arguments: &["--via-role", HUB], ..PLAIN },
    Situation {
        name: "two roles",
        arguments: &["--via-role", HUB, "--via-role", TOOL, "--source-identity=jane", "--external-id=corp-4711"],
        ..PLAIN
    },
    Situation {
        name: "doctor through a role",
        command: "doctor",
        arguments: &["--via-role", HUB, "--tag=Stage=prod"],
        ..PLAIN
    },
    Situation {
        name: "MFA",
        arguments: &["--mfa-serial=arn:aws:iam::000000000100:mfa/operator", "--mfa-token=271828"],
        arrange: |it| it.mfa_codes(["271828"]).organizations_require_mfa(true),
        ..PLAIN
    },
    Situation {
        name: "a delegated administrator",
        arguments: &["--management-account=skip"],
        arrange: |it| it.caller(Caller::DelegatedAdministrator(2.into())),
        ..PLAIN
    },
    Situation { name: "root", command: "plan", arguments: &["--access=assume-root"], ..PLAIN },
    Situation { name: "doctor by root", command: "doctor", arguments: &["--access=assume-root"], ..PLAIN },
    Situation { name: "impact", command: "impact", ..PLAIN },
    Situation {
        name: "impact through a role",
        command: "impact",
        arguments: &["--via-role", HUB, "--tag=Stage=prod", "--external-id=corp-4711"],
        ..PLAIN
    },
];

/// An organization in which all operations are needed that a command line can call: accounts have no paths, the walk through the tree
/// does not find one of them, and one OU is empty.
fn organization(situation: &Situation) -> Builder {
    let role = situation.role;
    let builder = Organization::builder().accounts(6).unlimited().root_access(true).listing(ListingFault::NoPaths);
    let hidden = Spoiled::always(Operation::ListAccountsForParent, Spoiling::Without("/Accounts/0"));
    let builder = builder.spoil(hidden);
    let builder = builder.unit(EMPTY, "Empty", v2token_simulator::ROOT_ID).each_account(move |account| {
        account.tags = vec![("Stage".to_owned(), "prod".to_owned())];
        account.role = Role::named(&role.replace("{account_id}", &account.id().to_string()));
        account.role.exists = account.id() != MANAGEMENT_ACCOUNT;
    });
    (situation.arrange)(builder)
}

/// The documents for a command line, by their names.
fn documents(situation: &Situation) -> Value {
    let bench = Bench::new(organization(situation).start());
    let mut arguments = vec!["policy", "--for", situation.command];
    // A code is valid once, and this is not the run.
    arguments.extend(situation.arguments.iter().filter(|argument| !argument.starts_with("--mfa-token")));
    if situation.name == "MFA" {
        arguments.push("--caller-arn=arn:aws:iam::000000000100:user/operator");
    }
    let command = bench.bare(&arguments);
    let run = bench.finish("none", command).exits(0);
    assert_eq!(run.stderr, "", "{}", situation.name);
    serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{}: {error}\n{run}", situation.name))
}

/// The same organization, in which the caller and the roles have only the rights of the documents.
fn restricted(situation: &Situation, documents: &Value) -> Organization {
    let text = |document: &Value| document.is_object().then(|| document.to_string());
    let (policy, trust) = (text(&documents["role"]), text(&documents["trust"]));
    let via = |arn: &'static str, name: &'static str, trusted: &str| Role {
        policy: text(&documents["via"][arn]),
        trusts: vec![v2token_simulator::Trusted::Principal(trusted.to_owned())],
        allows_source_identity: true,
        ..Role::named(name)
    };
    let (hub, tool) = (via(HUB, "platform/Hub", "arn:aws:iam::000000000100:root"), via(TOOL, "Rollout", HUB));
    organization(situation)
        .caller_policy(&documents["caller"].to_string())
        .each_account(move |account| {
            account.role.policy.clone_from(&policy);
            account.role.trust_document.clone_from(&trust);
        })
        .account(MANAGEMENT_ACCOUNT, move |account| account.other_roles.push(hub.clone()))
        .account(3, move |account| account.other_roles.push(tool.clone()))
        .start()
}

/// Runs the command line in an organization in which the caller and the roles have only the rights of the documents.
fn run(bench: &Bench, situation: &Situation) -> Run {
    match situation.command {
        "doctor" => bench.finish("none", bench.bare(&[&["doctor"], situation.arguments].concat())),
        "plan" => bench.run("run", &[&["plan", "--rate=0"], situation.arguments].concat()),
        "impact" => bench.run("run", &[&["impact", "--rate=0", "--since=1d"], situation.arguments].concat()),
        _ => bench.run("run", &[&["apply", "--yes", "--rate=0"], situation.arguments].concat()),
    }
}

/// The id of the statement without which a run works, but tells less.
const OPTIONAL: &str = "OptionalToExplainDenials";

/// The actions that a document allows, without those of the optional statement.
fn actions(document: &Value) -> BTreeSet<String> {
    let statements = document["Statement"].as_array().into_iter().flatten();
    let statements = statements.filter(|statement| statement["Sid"] != OPTIONAL);
    let all = statements.flat_map(|statement| statement["Action"].as_array().expect("a list of actions"));
    all.map(|action| action.as_str().expect("an action").to_owned()).collect()
}

/// The actions that this caller called.
fn called(truth: &Truth, who: &str) -> BTreeSet<String> {
    let operations = truth.callers.get(who).into_iter().flat_map(|calls| calls.keys());
    operations.map(|operation| format!("{}:{}", operation.service().signing_name(), operation.name())).collect()
}

/// The action of a call, where it has another name.
const IDENTITY: &str = "sts:SetSourceIdentity";

#[test]
fn documents_allow_exactly_the_calls_of_the_run() {
    for situation in &SITUATIONS {
        let name = situation.name;
        let documents = documents(situation);
        let bench = Bench::new(restricted(situation, &documents));
        let run = run(&bench, situation).exits(0);
        let run = if ["doctor", "impact"].contains(&situation.command) { run } else { run.agrees(TokenVersion::V2) };
        if situation.command == "apply" {
            let expected = if name == "a delegated administrator" { 5 } else { 6 };
            assert_eq!(run.outcomes()["changed"], expected, "{name}\n{run}");
        } else {
            assert_eq!(run.calls(Operation::SetSecurityTokenServicePreferences), 0, "{name}\n{run}");
        }
        if situation.command == "doctor" {
            assert!(run.stdout.lines().all(|line| line.starts_with("ok ")), "{name}\n{run}");
        }
        let identity = situation.arguments.iter().any(|argument| argument.starts_with("--source-identity"));
        let with_identity = |mut actions: BTreeSet<String>| {
            assert_eq!(actions.remove(IDENTITY), identity, "{name}: {actions:?}");
            actions
        };
        let by_role = documents["role"].is_object();
        let caller = actions(&documents["caller"]);
        let caller = if by_role { with_identity(caller) } else { caller };
        assert_eq!(called(&run.after, "user/operator"), caller, "{name}: the caller\n{run}");
        if !situation.role.contains('{') && by_role {
            let role = called(&run.after, &format!("role/{}", situation.role));
            assert_eq!(role, actions(&documents["role"]), "{name}: the role\n{run}");
        }
        assert_eq!(by_role, situation.arguments != ["--access=assume-root"], "{name}");
        for (arn, who) in [(HUB, "role/platform/Hub"), (TOOL, "role/Rollout")] {
            if let Some(document) = documents["via"].get(arn) {
                let mut calls = called(&run.after, who);
                // GetCallerIdentity is called only with the last one, and needs no permission.
                calls.remove("sts:GetCallerIdentity");
                assert_eq!(calls, with_identity(actions(document)), "{name}: {arn}\n{run}");
            }
        }
    }
}

/// The documents without one action of one of them.
fn without(documents: &Value, document: &str, action: &str) -> Value {
    let mut documents = documents.clone();
    let statements = documents[document]["Statement"].as_array_mut().expect("statements");
    for statement in statements {
        statement["Action"].as_array_mut().expect("actions").retain(|it| it != action);
    }
    documents
}

/// These need no permission, as at AWS.
const FREE: [&str; 2] = ["sts:GetCallerIdentity", "sts:GetSessionToken"];

#[test]
fn every_action_of_the_documents_is_needed() {
    // The first and the fourth need all that an apply can need, and the eleventh uses no role.
    for situation in [&SITUATIONS[0], &SITUATIONS[3], &SITUATIONS[10], &SITUATIONS[12]] {
        let documents = documents(situation);
        for document in ["caller", "role", "trust"].into_iter().filter(|name| documents[*name].is_object()) {
            for action in actions(&documents[document]).iter().filter(|action| !FREE.contains(&action.as_str())) {
                let bench = Bench::new(restricted(situation, &without(&documents, document, action)));
                let run = run(&bench, situation);
                let what = format!("{}: {document} without {action}\n{run}", situation.name);
                // Without --ou, a refused walk of the tree only empties the column ou_path.
                let walk = [
                    "organizations:ListRoots",
                    "organizations:ListOrganizationalUnitsForParent",
                    "organizations:ListAccountsForParent",
                    "organizations:ListParents",
                ];
                if action == "account:ListRegions" {
                    assert!(run.code == 0 && run.stderr.contains("allow account:ListRegions to the caller"), "{what}");
                } else if walk.contains(&action.as_str()) && situation.name != "everything" {
                    assert!(run.code == 0 && run.stderr.contains("note: Organizations returned no OU path"), "{what}");
                } else {
                    assert!([1, 3, 5].contains(&run.code), "{what}");
                    assert!(run.stderr.contains(action) || run.stdout.contains(action), "it is named: {what}");
                }
            }
        }
    }
}

/// With the optional statement, the report names the policy that denied a request. Without it, the run is the same, and says what is
/// missing.
#[test]
fn optional_statement_is_needed_only_for_explanations() {
    let asks = ["iam:GetRequestAuthorizationDetails", "organizations:DescribePolicy"];
    let documents = documents(&PLAIN);
    let statements = documents["caller"]["Statement"].as_array().expect("statements");
    let optional: Vec<&Value> = statements.iter().filter(|statement| statement["Sid"] == OPTIONAL).collect();
    assert_eq!(optional.len(), 1, "{documents}");
    let allowed: BTreeSet<&str> = optional[0]["Action"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!((allowed, &optional[0]["Resource"]), (asks.into(), &Value::from("*")));
    for (without_it, calls, hint) in [
        (None, [1, 1], "denied by service control policy p-examplescp1 (DenySts)"),
        (Some(asks[1]), [1, 1], "denied by service control policy p-examplescp1, statement"),
        (Some(asks[0]), [1, 0], "; allow iam:GetRequestAuthorizationDetails to the caller"),
    ] {
        let documents = without_it.map_or_else(|| documents.clone(), |it| without(&documents, "caller", it));
        let bench = Bench::new(restricted(&PLAIN, &documents));
        bench.organization.control(|world| world.account_mut(3).faults.deny_set_by_scp = true);
        let run = bench.run("run", &["apply", "--yes", "--rate=0", "--max-errors=100%"]).exits(3);
        let run = run.agrees(TokenVersion::V2);
        let asked = [Operation::GetRequestAuthorizationDetails, Operation::DescribePolicy];
        assert_eq!(asked.map(|operation| run.calls(operation)), calls, "{run}");
        assert_eq!(run.outcomes()["changed"], 5, "{run}");
        assert!(run.rows()["000000000003"]["hint"].contains(hint), "{hint}\n{run}");
    }
    // Without questions, there is nothing to allow.
    for document in ["caller", "terraform"] {
        for (arguments, is_there) in [(&[][..], true), (&["--no-explain"], false)] {
            let bench = Bench::new(Organization::builder().accounts(3).start());
            let arguments = [&["policy", document], arguments].concat();
            let text = bench.finish("none", bench.bare(&arguments)).exits(0).stdout;
            assert_eq!(text.contains(OPTIONAL), is_there, "{document} {arguments:?}");
        }
    }
}

#[test]
fn trust_policy_admits_only_the_caller_with_the_external_id() {
    let situation = Situation { arguments: &["--external-id=corp-4711"], ..PLAIN };
    let documents = documents(&situation);
    let bench = Bench::new(restricted(&situation, &documents));
    let plan = |name: &str, arguments: &[&str]| bench.run(name, &[&["plan", "--rate=0"], arguments].concat());
    plan("right", &["--external-id=corp-4711"]).exits(0).agrees(TokenVersion::V2);
    for (name, arguments) in [("wrong", &["--external-id=corp-4712"][..]), ("none", &[])] {
        let run = plan(name, arguments).exits(3);
        assert_eq!(run.outcomes()["failed"], 5, "{run}");
    }
    // A principal of the operator's account, but not the operator.
    let other = Situation { arrange: |it| it.caller(Caller::DelegatedAdministrator(2.into())), ..situation };
    let bench = Bench::new(restricted(&other, &documents));
    let run = bench.run("other", &["plan", "--rate=0", "--external-id=corp-4711"]).exits(3);
    assert_eq!(run.outcomes()["failed"], 6, "the management account, too\n{run}");
}

/// The trust policy for a session of a role trusts that role, with any path, and no other.
#[test]
fn trust_policy_of_a_session_trusts_its_role() {
    let situation = Situation { arguments: &["--caller-arn=arn:aws:sts::000000000100:assumed-role/Hub/jane"], ..PLAIN };
    let documents = documents(&situation);
    let mut bench = Bench::new(restricted(&PLAIN, &documents));
    bench.organization.control(|world| {
        let hub = world.account_mut(MANAGEMENT_ACCOUNT).other_roles[0].clone();
        let elsewhere = Role { name: "Lookalike-Hub".to_owned(), ..hub };
        world.account_mut(MANAGEMENT_ACCOUNT).other_roles.push(elsewhere);
        world.set_caller_policy(r#"{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#);
    });
    let keys = bench.organization.control(|world| world.base_credentials());
    let config = format!(
        "[profile keys]\naws_access_key_id = {}\naws_secret_access_key = {}\n\
         [profile hub]\nrole_arn = {HUB}\nsource_profile = keys\nregion = eu-west-1\n\
         [profile lookalike]\nrole_arn = arn:aws:iam::000000000100:role/Lookalike-Hub\nsource_profile = keys\n",
        keys.access_key_id, keys.secret_access_key
    );
    std::fs::write(bench.folder.path().join("config"), config).expect("a writable folder");
    bench.env("AWS_CONFIG_FILE", "config");
    let run = bench.run("hub", &["plan", "--rate=0", "--profile=hub"]).exits(0).agrees(TokenVersion::V2);
    assert_eq!(run.outcomes()["would_change"], 6, "{run}");
    let run = bench.run("lookalike", &["plan", "--rate=0", "--profile=lookalike"]).exits(3);
    assert_eq!(run.outcomes()["failed"], 5, "{run}");
    let run = bench.run("operator", &["plan", "--rate=0"]).exits(3);
    assert_eq!(run.outcomes()["failed"], 5, "{run}");
}
