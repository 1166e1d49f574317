//! Tests the recipes in `examples/keep/`: nightly applies to the accounts that are not on v2Token, with the narrow role only.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use v2token_simulator::{
    AccountId, AccountState, Builder, MANAGEMENT_ACCOUNT, Operation, Organization, Role, TokenVersion, Truth,
    VersionMix,
};

use super::{Sandbox, code, documents, steps, text, texts};
use crate::harness::program;

const ROLE: &str = "TokenVersionRole";
/// Stands for the role of the task and of the workflow.
const CALLER: &str = "--caller-arn=arn:aws:iam::000000000100:user/operator";
/// The recipes leave the wait between waves to the default, and the tests don't wait.
const NO_WAIT: (&str, &str) = ("V2TOKEN_BAKE", "0s");
const ACCOUNTS: u64 = 45;
const JOINING: u64 = 7;

/// A document that `policy` prints for a run through the narrow role.
fn policy(document: &str) -> Value {
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let role = format!("--role={ROLE}");
    let output = program(folder.path()).args(["policy", document, &role, CALLER]).output().expect("it starts");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// An Organization in which half of the accounts are on v2Token, one account has not joined yet, and the caller and the narrow roles
/// have only the rights of these documents.
fn narrow(caller: &Value) -> Builder {
    let (role, trust) = (policy("role").to_string(), policy("trust").to_string());
    Organization::builder()
        .accounts(usize::try_from(ACCOUNTS).expect("few"))
        .version_mix(VersionMix::percent_v2(50))
        .unlimited()
        .caller_policy(&caller.to_string())
        .each_account(move |account| {
            account.role = Role::named(ROLE);
            account.role.exists = account.id() != MANAGEMENT_ACCOUNT;
            account.role.policy = Some(role.clone());
            account.role.trust_document = Some(trust.clone());
        })
        .account(JOINING, |account| {
            account.state = AccountState::PendingActivation;
            account.version = Some(TokenVersion::V1);
        })
}

fn calls(before: &Truth, after: &Truth) -> BTreeMap<&'static str, u64> {
    let operations = [
        Operation::ListAccounts,
        Operation::AssumeRole,
        Operation::GetAccountSummary,
        Operation::SetSecurityTokenServicePreferences,
        Operation::ListTagsForResource,
    ];
    let made = operations.map(|operation| (operation.name(), after.requests(operation) - before.requests(operation)));
    made.into_iter().filter(|(_, calls)| *calls > 0).collect()
}

/// The calls of a run with nothing to do: the pages of one listing, and the reads.
fn quiet_calls(visited: u64) -> BTreeMap<&'static str, u64> {
    let pages = ACCOUNTS.div_ceil(20);
    // The management account is read with the caller's own credentials.
    [("ListAccounts", pages), ("AssumeRole", visited - 1), ("GetAccountSummary", visited)].into()
}

fn join(sandbox: &Sandbox) {
    sandbox.bench.organization.control(|world| world.account_mut(JOINING).state = AccountState::Active);
}

/// Fails unless every account that has joined is on v2Token, except these.
fn all_are_kept(sandbox: &Sandbox, except: &[u64]) {
    for account in sandbox.bench.truth().accounts.iter().filter(|account| account.state == AccountState::Active) {
        let expected = !except.iter().any(|number| AccountId::from(*number) == account.id);
        assert_eq!(account.version == Some(TokenVersion::V2), expected, "{}", account.id);
    }
}

#[test]
fn the_scheduled_task_sets_new_accounts_and_is_quiet_otherwise() {
    let Some(templates) = documents("keep/scheduler.yml") else { return };
    let resources = &templates[0]["Resources"];
    let printed = policy("caller");
    let granted = &resources["TaskRole"]["Properties"]["Policies"][0]["PolicyDocument"];
    assert_eq!(
        as_lists(granted),
        as_lists(&printed),
        "the policy of the task is that of `v2token policy caller --role {ROLE}`"
    );
    let container = &resources["TaskDefinition"]["Properties"]["ContainerDefinitions"][0];
    assert_eq!(texts(&container["EntryPoint"]), ["/bin/sh", "-c"]);
    let script = text(&container["Command"][0]);

    let sandbox = Sandbox::new(narrow(granted).start());
    fs::create_dir(sandbox.path("runs")).expect("a folder");
    let night = |day: u8| {
        sandbox.program("date", &format!("echo 202611{day:02}T031700Z"));
        sandbox.follow(script, &[NO_WAIT])
    };
    let is_quiet = |day| {
        let before = sandbox.bench.truth();
        let output = night(day);
        assert_eq!(code(&output), 0, "{output:?}");
        assert!(output.stdout.is_empty() && output.stderr.is_empty(), "it makes no noise: {output:?}");
        calls(&before, &sandbox.bench.truth())
    };
    // The first night sets the half that is not on v2Token, and shows it.
    let output = night(1);
    assert_eq!(code(&output), 0, "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains(" changed by this run"), "{output:?}");
    all_are_kept(&sandbox, &[]);
    assert_eq!(is_quiet(2), quiet_calls(ACCOUNTS - 1));
    // An account joins.
    join(&sandbox);
    let output = night(3);
    assert!(String::from_utf8_lossy(&output.stdout).contains("; 1 changed by this run"), "{output:?}");
    all_are_kept(&sandbox, &[]);
    assert_eq!(is_quiet(4), quiet_calls(ACCOUNTS));
    // An exception is set back, and stays so.
    fs::write(sandbox.path("runs/exceptions.csv"), "account_id,reason,until\n000000000003,old appliance,\n")
        .expect("a file");
    sandbox.bench.organization.control(|world| world.account_mut(3).change_externally(Some(TokenVersion::V1)));
    assert_eq!(is_quiet(5), quiet_calls(ACCOUNTS - 1));
    all_are_kept(&sandbox, &[3]);
    // What did not end well is shown, and is the exit code.
    sandbox.bench.organization.control(|world| world.account_mut(5).role.exists = false);
    let output = night(6);
    assert_eq!(code(&output), 3, "{output:?}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("AccessDenied"), "{output:?}");
    // So is a run that could not start.
    fs::write(sandbox.path("runs/exceptions.csv"), "account_id,reason\n").expect("a file");
    let output = night(7);
    assert_eq!(code(&output), 2, "{output:?}");
    assert!(
        output.stdout.is_empty() && String::from_utf8_lossy(&output.stderr).contains("no column until"),
        "{output:?}"
    );
    // The runs that changed something can be undone.
    fs::remove_file(sandbox.path("runs/exceptions.csv")).expect("a file");
    let output =
        sandbox.follow("v2token rollback --yes --quiet --output none --waves 100% /runs/keep-20261103T031700Z", &[]);
    assert_eq!(code(&output), 0, "{output:?}");
    all_are_kept(&sandbox, &[3, JOINING]);
}

/// The same policy with every action in a list.
fn as_lists(policy: &Value) -> Value {
    let mut policy = policy.clone();
    for statement in policy["Statement"].as_array_mut().expect("statements") {
        if statement["Action"].is_string() {
            statement["Action"] = Value::Array(vec![statement["Action"].clone()]);
        }
    }
    policy
}

#[test]
fn the_task_is_started_by_the_schedule_and_by_the_rule() {
    let (Some(scheduler), Some(rule)) = (documents("keep/scheduler.yml"), documents("keep/account-joined.yml")) else {
        return;
    };
    let resources = &scheduler[0]["Resources"];
    let container = &resources["TaskDefinition"]["Properties"]["ContainerDefinitions"][0];
    let target = &resources["EachNight"]["Properties"]["Target"]["EcsParameters"];
    assert_eq!(target["TaskDefinitionArn"]["Ref"], "TaskDefinition");
    let starters =
        &resources["StarterRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"];
    assert_eq!(texts(starters), ["scheduler.amazonaws.com", "events.amazonaws.com"]);
    // The rule takes the outputs of the other template.
    let outputs = scheduler[0]["Outputs"].as_object().expect("outputs");
    let parameters = rule[0]["Parameters"].as_object().expect("parameters");
    for output in outputs.keys() {
        assert!(parameters.contains_key(output), "{output}");
    }
    let joined = &rule[0]["Resources"]["AccountJoined"]["Properties"];
    let pattern = &joined["EventPattern"];
    assert_eq!(texts(&pattern["source"]), ["aws.organizations"]);
    assert_eq!(texts(&pattern["detail"]["eventName"]), ["AccountJoinedOrganization"]);
    // The input names the container of the task, and a variable that its script reads.
    let input: Value = serde_json::from_str(text(&joined["Targets"][0]["Input"])).expect("JSON");
    let changed = &input["containerOverrides"][0];
    assert_eq!(changed["name"], container["Name"]);
    let variable = &changed["environment"][0];
    let sandbox = Sandbox::new(narrow(&policy("caller")).start());
    fs::create_dir(sandbox.path("runs")).expect("a folder");
    sandbox.program("sleep", "echo \"$1\" > slept");
    join(&sandbox);
    let script = text(&container["Command"][0]);
    for (variables, slept) in
        [(&[NO_WAIT][..], "0\n"), (&[NO_WAIT, (text(&variable["name"]), text(&variable["value"]))], "900\n")]
    {
        sandbox.program("date", &format!("echo night-{}", variables.len()));
        let output = sandbox.follow(script, variables);
        assert_eq!(code(&output), 0, "{output:?}");
        assert_eq!(fs::read_to_string(sandbox.path("slept")).expect("it waited"), slept);
    }
    all_are_kept(&sandbox, &[]);
}

#[test]
fn the_workflow_shows_only_runs_that_did_something() {
    let Some(workflow) = documents("keep/github-actions.yml") else { return };
    let steps = steps(&workflow[0]);
    let [install, keep, show] = &steps[..] else { panic!("three steps") };
    let sandbox = Sandbox::new(narrow(&policy("caller")).start());
    fs::create_dir(sandbox.path("rollout")).expect("a folder");
    fs::write(
        sandbox.path("rollout/exceptions.csv"),
        "account_id,reason,until\n000000000003,old appliance,2999-12-31\n",
    )
    .expect("a file");
    let v1 = |number: u64| {
        sandbox.bench.organization.control(|world| world.account_mut(number).change_externally(Some(TokenVersion::V1)));
    };
    v1(3);
    let installed = install.follow(&sandbox, &[]);
    assert_eq!(code(&installed), 0, "{installed:?}");
    let folder = fs::read_to_string(sandbox.path("path")).expect("it is put on the PATH");
    assert!(Path::new(folder.trim_end()).join("v2token").is_file(), "{folder}");
    // Each night has a fresh runner.
    let night = || {
        for name in ["keep", "summary", "outputs", "keep.md"] {
            let path = sandbox.path(name);
            if path.is_dir() { fs::remove_dir_all(path).expect("a folder") } else { drop(fs::remove_file(path)) }
        }
        let before = sandbox.bench.truth();
        let [summary, outputs] = ["summary", "outputs"].map(|name| sandbox.path(name).display().to_string());
        let variables = [("GITHUB_STEP_SUMMARY", summary.as_str()), ("GITHUB_OUTPUT", outputs.as_str()), NO_WAIT];
        let kept = keep.follow(&sandbox, &variables);
        let shown = show.follow(&sandbox, &variables);
        assert_eq!(code(&shown), 0, "{shown:?}");
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        (kept, read(&summary), read(&outputs), calls(&before, &sandbox.bench.truth()))
    };
    let (kept, summary, outputs, _) = night();
    assert_eq!((code(&kept), outputs.as_str()), (0, "report=true\n"), "{kept:?}");
    assert!(summary.contains("changed by this run"), "{summary}");
    all_are_kept(&sandbox, &[3]);
    let (kept, summary, outputs, made) = night();
    assert_eq!((code(&kept), summary.as_str(), outputs.as_str()), (0, "", ""), "{kept:?}");
    assert!(kept.stdout.is_empty() && kept.stderr.is_empty(), "{kept:?}");
    assert_eq!(made, quiet_calls(ACCOUNTS - 2), "the exception and the account that has not joined are not visited");
    join(&sandbox);
    let (_, summary, _, made) = night();
    assert!(summary.contains("; 1 changed by this run"), "{summary}");
    assert_eq!(made["SetSecurityTokenServicePreferences"], 1);
    sandbox.bench.organization.control(|world| world.account_mut(5).role.exists = false);
    let (kept, summary, outputs, _) = night();
    assert_eq!((code(&kept), outputs.as_str()), (3, "report=true\n"), "{kept:?}");
    assert!(summary.contains("AccessDenied"), "{summary}");
    // The run could not start: there is nothing to show, and the step has failed.
    fs::remove_file(sandbox.path("rollout/exceptions.csv")).expect("a file");
    let (kept, summary, outputs, _) = night();
    assert_eq!((code(&kept), summary.as_str(), outputs.as_str()), (2, "", ""), "{kept:?}");
}
